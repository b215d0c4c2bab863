// SPDX-License-Identifier: Apache-2.0
//
// Which parameters of the project decide about a view. In: the names that its text and those of
// inlined views and user functions hold. Out: their values, a map a view; they are part of its
// fingerprint, so that a change of one is told by name.

#pragma once

#include <map>
#include <string>

#include "weir/bundle/planning_order.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Values by the parameter's name.
using ParameterValues = std::map<std::string, std::string>;

/// By view; views that no parameter decides about are left out.
std::map<std::string, ParameterValues> ParametersOfViews(const ProjectDefinition& project,
                                                         const PlanningOrder& order,
                                                         const SessionRuntime& session);

/// All parameters of a project that have a value.
ParameterValues AllParameters(const ProjectDefinition& project);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// The steps of planning that native functions bring: operators, named arguments, access to fields,
// and rewrites of calls. In: what the bridge noted while it planned. Out: the names that bundles
// record.

#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/functions/function_registry.h"

namespace weir {

/// A named step of planning. Values, valid for the life of the program.
struct DomainPlanner {
  std::string name;
  std::string kind;  ///< "planner": gives text a meaning; "rewrite": changes a planned call
  std::string description;
  std::string example;
  /// It is enabled where a function of one of these tags is installed; none: always. Ordered.
  std::vector<std::string> tags;
};

/// All of them, ordered by name.
const std::vector<DomainPlanner>& DomainPlanners();

/// Null if there is none of that name.
const DomainPlanner* FindDomainPlanner(std::string_view name);

bool IsEnabled(const DomainPlanner& planner, const FunctionRegistry& functions);

/// What was noted while a plan was made: `step` is "operator", "named_arguments", "alias",
/// "opened" or "simplified"; `function` is the native function that it was about.
struct PlanningStep {
  std::string step;
  std::string function;
};

/// The planners that took part: those of `steps`, and `field_access` where the plan's functions
/// hold the engine's function for it. Anything else in `steps` is passed over.
std::set<std::string> DomainPlannersOf(const std::vector<PlanningStep>& steps,
                                       const std::set<std::string>& plan_functions);

}  // namespace weir

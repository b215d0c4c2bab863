// SPDX-License-Identifier: Apache-2.0
//
// Compiles the constraints of a view. In: their expressions as written, and the schema that the
// view's table has. Out: typed expressions that a run evaluates row by row.

#pragma once

#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/fingerprint.h"
#include "weir/base/status.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/engine/engine.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// A constraint that did not compile.
struct ConstraintProblem {
  std::string constraint;
  Status status;  ///< with the place in the view's file
};

/// What became of the constraints of a view.
struct CompiledConstraints {
  std::vector<BundledConstraint> constraints;  ///< those that compile, in the order of the file
  std::vector<engine::PlanStep> steps;         ///< what native functions did to them
  std::vector<ConstraintProblem> problems;     ///< the others
};

/// Looks at each constraint, whatever is wrong with those before it.
CompiledConstraints CompileConstraints(const ViewDefinition& view,
                                       const arrow::Schema& stored_schema,
                                       const SessionRuntime& session);

/// Adds those constraints that can change a table or keep it from being written: DROP ROW and FAIL
/// UPDATE, by their expressions alone, in an order of their own. Names, spacing, order, and
/// constraints that only warn change nothing.
void AddConstraints(const std::vector<BundledConstraint>& constraints, FingerprintBuilder& builder);

}  // namespace weir

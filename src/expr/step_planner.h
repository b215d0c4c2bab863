// SPDX-License-Identifier: Apache-2.0
//
// Makes plans of steps. The engine spells the names of columns that are computed (`sum(t.x)`) and
// checks each step, so that a failure is known by its step. Private to the room.

#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "weir/engine/engine.h"
#include "weir/expr/column_scope.h"
#include "weir/expr/step.h"
#include "weir/functions/function_registry.h"

namespace weir::expr {

using PlanPtr = std::shared_ptr<const LogicalPlan>;

/// A plan and what it puts out.
struct PlannedStep {
  PlanPtr plan;
  ColumnScope scope;
};

/// Plans the steps of one query. Not safe for use from several threads at once.
class StepPlanner {
 public:
  /// Both must outlive the object. `functions`: what arguments that are left out stand for.
  StepPlanner(const engine::Session& session, const FunctionRegistry& functions)
      : session_(session), functions_(functions) {}

  /// Fails with the step's number, name and place.
  Result<PlannedStep> Plan(const std::shared_ptr<const Step>& step);
  /// The failure of analysing a plan, told by the first step that has it.
  Status Locate(const Status& failure) const;

 private:
  Result<PlannedStep> PlanStep(const Step& step);
  /// The step with all arguments of its calls, and with plans for its subqueries.
  Result<Step> Completed(Step step) const;
  Result<Expr> Completed(const Expr& e) const;
  Result<PlannedStep> PlanFrom(const Step& step);
  Result<PlannedStep> PlanValues(const Step& step);
  Result<PlannedStep> PlanJoin(const Step& step);
  Result<PlannedStep> PlanJoinUsing(const Step& step);
  Result<PlannedStep> PlanFilter(const Step& step);
  Result<PlannedStep> PlanSelect(const Step& step);
  Result<PlannedStep> PlanAggregate(const Step& step);
  Result<PlannedStep> PlanUnnest(const Step& step);
  Result<PlannedStep> PlanDistinctOn(const Step& step);
  Result<PlannedStep> PlanOrderBy(const Step& step);
  Result<PlannedStep> PlanLimit(const Step& step);
  Result<PlannedStep> PlanSets(const Step& step);

  /// Nodes for the window functions in `expressions`, which then refer to their columns.
  Result<PlannedStep> PlanWindows(PlannedStep input, std::vector<Expression>& expressions);
  Result<PlannedStep> PlanAlias(const PlannedStep& input, const std::string& alias);

  /// The same plan with the engine's word on it: it is right so far, and these are its columns.
  Result<PlannedStep> Checked(LogicalPlan plan) const;

  const engine::Session& session_;
  const FunctionRegistry& functions_;
  std::unordered_map<const Step*, PlannedStep> planned_;
  std::vector<std::pair<std::shared_ptr<const Step>, PlanPtr>> in_order_;
};

/// The engine's failure in the words of the API: unknown functions with the nearest names, calls of
/// native functions with their signature.
Status ExplainEngineFailure(const Status& failure, const Step& step,
                            const engine::Session& session);
/// The failure with number, name and place of its step.
Status AtStep(const Status& failure, const Step& step);

}  // namespace weir::expr

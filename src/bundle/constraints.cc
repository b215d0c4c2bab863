// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/constraints.h"

#include <set>
#include <utility>

#include "weir/engine/compiled_predicate.h"
#include "weir/expr/filter.h"
#include "weir/expr/project_view.h"

namespace weir {

namespace {

Result<engine::CompiledPredicate> PredicateOf(const ConstraintDefinition& constraint,
                                              const ViewDefinition& view,
                                              const arrow::Schema& schema,
                                              const SessionRuntime& session) {
  if (constraint.expression == nullptr) {
    return engine::CompiledPredicate::FromSql(session.engine(), constraint.expression_sql, schema,
                                              view.dialect);
  }
  const auto* written = dynamic_cast<const expr::BuilderExpression*>(constraint.expression.get());
  if (written == nullptr)
    return Status::Bug("the constraint `{}` is of an unknown kind", constraint.name);
  return expr::CompileFilter(session.engine(), written->expression(), schema, session.functions());
}

Result<BundledConstraint> Compiled(const ConstraintDefinition& constraint,
                                   const ViewDefinition& view, const arrow::Schema& schema,
                                   const SessionRuntime& session,
                                   std::vector<engine::PlanStep>& steps) {
  WEIR_ASSIGN_OR_RETURN(const auto predicate, PredicateOf(constraint, view, schema, session));
  BundledConstraint bundled{.name = constraint.name,
                            .action = constraint.action,
                            .text = constraint.text,
                            .expression_proto = {},
                            .columns = predicate.columns(),
                            .functions = predicate.functions(),
                            .location = constraint.location};
  WEIR_ASSIGN_OR_RETURN(bundled.expression_proto, predicate.ToProto());
  for (engine::PlanStep& step : predicate.steps()) steps.push_back(std::move(step));
  return bundled;
}

}  // namespace

CompiledConstraints CompileConstraints(const ViewDefinition& view,
                                       const arrow::Schema& stored_schema,
                                       const SessionRuntime& session) {
  CompiledConstraints compiled;
  for (const ConstraintDefinition& constraint : view.constraints) {
    auto bundled = Compiled(constraint, view, stored_schema, session, compiled.steps);
    if (bundled.ok()) {
      compiled.constraints.push_back(*std::move(bundled));
      continue;
    }
    Status status = bundled.status();
    if (status.location().line == 0) status = status.WithLocation(constraint.location);
    compiled.problems.push_back({constraint.name, std::move(status)});
  }
  return compiled;
}

void AddConstraints(const std::vector<BundledConstraint>& constraints,
                    FingerprintBuilder& builder) {
  std::set<std::pair<std::string_view, std::string_view>> ordered;
  for (const BundledConstraint& constraint : constraints) {
    if (constraint.action == ViolationAction::kWarn) continue;
    ordered.emplace(ToString(constraint.action), constraint.expression_proto);
  }
  for (const auto& [action, expression] : ordered)
    builder.Add("constraint." + std::string(action), expression);
}

}  // namespace weir

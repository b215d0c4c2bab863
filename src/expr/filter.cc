// SPDX-License-Identifier: Apache-2.0

#include "weir/expr/filter.h"

#include <arrow/api.h>

#include "weir/expr/call_arguments.h"
#include "weir/expr/column_scope.h"
#include "weir/expr/step_planner.h"

namespace weir::expr {

Result<engine::CompiledPredicate> CompileFilter(const engine::Session& session,
                                                const Expr& predicate, const arrow::Schema& schema,
                                                const FunctionRegistry& functions) {
  std::vector<ColumnScope::Column> columns;
  for (const std::string& name : schema.field_names())
    columns.push_back({.output = {.relation = std::nullopt, .name = name}, .is_repeated = false});
  if (!UnplannedQueries(predicate).empty()) {
    return Status::User(StatusCode::kUnsupported,
                        "a filter looks at one row, found a subquery in `{}`",
                        predicate.ToString());
  }
  WEIR_ASSIGN_OR_RETURN(const Expr complete, WithArguments(predicate, functions));
  WEIR_ASSIGN_OR_RETURN(const Expression resolved,
                        ColumnScope(std::move(columns)).Resolve(complete));
  for (const auto is_call : {&IsAggregate, &IsWindow}) {
    if (CollectCalls({resolved}, is_call).empty()) continue;
    return Status::User(StatusCode::kInvalidArgument,
                        "a filter looks at one row, found an aggregate or a window in `{}`",
                        ToText(resolved));
  }
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, EncodeExpression(resolved));
  auto compiled = engine::CompiledPredicate::FromProto(session, bytes, schema);
  if (compiled.ok()) return compiled;
  Step step;
  step.kind = StepKind::kFilter;
  step.expressions = {predicate};
  return ExplainEngineFailure(compiled.status(), step, session);
}

}  // namespace weir::expr

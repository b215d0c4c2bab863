// SPDX-License-Identifier: Apache-2.0

#include "weir/expr/step_planner.h"

#include <algorithm>
#include <set>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/expr/call_arguments.h"
#include "weir/expr/window_groups.h"

namespace weir::expr {

namespace {

LogicalPlan NodeOver(PlanKind kind, std::vector<PlanPtr> inputs,
                     std::vector<Expression> expressions = {}) {
  LogicalPlan node;
  node.kind = kind;
  node.inputs = std::move(inputs);
  node.expressions = std::move(expressions);
  return node;
}

/// The output columns of the root of a plan.
Result<std::vector<OutputColumn>> RootOutputs(const engine::Plan& plan) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, plan.Outputs());
  const auto nodes = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!nodes.is_array() || nodes.empty()) return Status::Bug("a plan has no output columns");
  std::vector<OutputColumn> outputs;
  for (const auto& column : nodes[0]) {
    OutputColumn output{.relation = std::nullopt, .name = column[1].get<std::string>()};
    if (column[0].is_string()) output.relation = column[0].get<std::string>();
    outputs.push_back(std::move(output));
  }
  return outputs;
}

ColumnScope ScopeOf(std::vector<OutputColumn> outputs) {
  std::vector<ColumnScope::Column> columns;
  columns.reserve(outputs.size());
  for (OutputColumn& output : outputs)
    columns.push_back({.output = std::move(output), .is_repeated = false});
  return ColumnScope(std::move(columns));
}

std::vector<std::string> Parts(const std::string& name) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
    parts.push_back(name.substr(begin, dot - begin));
    begin = dot + 1;
  }
  parts.push_back(name.substr(begin));
  return parts;
}

Status Refuse(const std::vector<Expression>& expressions, bool (*is_call)(const Expression&),
              std::string_view what, std::string_view where) {
  const std::vector<Expression> calls = CollectCalls(expressions, is_call);
  if (calls.empty()) return Status::OK();
  return Status::User(StatusCode::kInvalidArgument, "{} cannot stand here, found `{}`", what,
                      ToText(calls[0]))
      .WithHint(std::string(where));
}

Status RefuseCalls(const std::vector<Expression>& expressions) {
  WEIR_RETURN_NOT_OK(Refuse(expressions, IsAggregate, "an aggregate",
                            "aggregates are computed by Aggregate(keys, results); later steps name "
                            "their columns"));
  return Refuse(expressions, IsWindow, "a function over a window",
                "compute it in Select or Window; later steps name its column");
}

bool KeepsLeftOnly(JoinType type) {
  return type == JoinType::kLeftSemi || type == JoinType::kLeftAnti;
}
bool KeepsRightOnly(JoinType type) {
  return type == JoinType::kRightSemi || type == JoinType::kRightAnti;
}

/// Tables that both sides have under one name.
Status CheckSides(const ColumnScope& left, const ColumnScope& right) {
  std::set<std::pair<std::string, std::string>> names;
  for (const auto& column : left.columns())
    names.emplace(column.output.relation.value_or(""), column.output.name);
  for (const auto& column : right.columns()) {
    if (!names.contains({column.output.relation.value_or(""), column.output.name})) continue;
    return Status::User(StatusCode::kAlreadyExists,
                        "both sides of the join have the column `{}` of a table named `{}`",
                        column.output.name, column.output.relation.value_or(""))
        .WithHint("give one side an alias: From(\"table\", \"alias\") or .Alias(\"alias\")");
  }
  return Status::OK();
}

bool IsGroupingSet(const Expression& e) {
  return e.kind == ExpressionKind::kRollup || e.kind == ExpressionKind::kCube ||
         e.kind == ExpressionKind::kGroupingSets;
}

/// REQUIRES: it is among them.
size_t PlaceIn(const std::vector<Expression>& expressions, const Expression& e) {
  return static_cast<size_t>(std::find(expressions.begin(), expressions.end(), e) -
                             expressions.begin());
}

void AddOnce(const Expression& e, std::vector<Expression>& expressions) {
  if (std::find(expressions.begin(), expressions.end(), e) == expressions.end())
    expressions.push_back(e);
}

}  // namespace

Result<PlannedStep> StepPlanner::Checked(LogicalPlan plan) const {
  auto tree = std::make_shared<const LogicalPlan>(std::move(plan));
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, EncodePlan(*tree));
  WEIR_ASSIGN_OR_RETURN(const engine::Plan read, engine::Plan::FromProto(session_, bytes));
  WEIR_ASSIGN_OR_RETURN(std::vector<OutputColumn> outputs, RootOutputs(read));
  return PlannedStep{.plan = std::move(tree), .scope = ScopeOf(std::move(outputs))};
}

Result<PlannedStep> StepPlanner::Plan(const std::shared_ptr<const Step>& step) {
  const auto known = planned_.find(step.get());
  if (known != planned_.end()) return known->second;
  // Failures of these have their own step.
  for (const auto& before : {step->input, step->other}) {
    if (before != nullptr) WEIR_RETURN_NOT_OK(Plan(before).status());
  }
  for (const UnplannedQuery* query : UnplannedQueries(*step))
    WEIR_RETURN_NOT_OK(Plan(query->last).status());
  auto completed = Completed(*step);
  auto planned = completed.ok() ? PlanStep(*completed) : Result<PlannedStep>(completed.status());
  if (!planned.ok()) return AtStep(ExplainEngineFailure(planned.status(), *step, session_), *step);
  planned_[step.get()] = *planned;
  in_order_.emplace_back(step, planned->plan);
  return planned;
}

Result<Step> StepPlanner::Completed(Step step) const {
  for (std::vector<Expr>* list : {&step.keys, &step.expressions}) {
    for (Expr& e : *list) {
      WEIR_ASSIGN_OR_RETURN(e, Completed(e));
    }
  }
  for (SortExpr& key : step.order) {
    WEIR_ASSIGN_OR_RETURN(const Expr e, Completed(key.expression()));
    key = SortExpr(e, key.ascending(), key.nulls_first());
  }
  return step;
}

Result<Expr> StepPlanner::Completed(const Expr& e) const {
  WEIR_ASSIGN_OR_RETURN(const Expr complete, WithArguments(e, functions_));
  if (UnplannedQueries(complete).empty()) return complete;
  const std::function<Status(Expression&)> plan = [&](Expression& part) -> Status {
    const UnplannedQuery* query = FindUnplanned(part);
    if (query == nullptr) return ForEachPart(part, plan);
    const PlannedStep& planned = planned_.at(query->last.get());
    if (planned.scope.columns().size() != 1) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a subquery in an expression has one column, found {}",
                          planned.scope.columns().size());
    }
    part.subquery = planned.plan;
    return Status::OK();
  };
  Expression tree = complete.tree();
  WEIR_RETURN_NOT_OK(plan(tree));
  return Expr(std::move(tree));
}

Status StepPlanner::Locate(const Status& failure) const {
  for (const auto& [step, plan] : in_order_) {
    const auto bytes = EncodePlan(*plan);
    if (!bytes.ok()) continue;
    const auto read = engine::Plan::FromProto(session_, *bytes);
    if (!read.ok()) continue;
    const auto analyzed = read->Analyze(session_);
    if (!analyzed.ok())
      return AtStep(ExplainEngineFailure(analyzed.status(), *step, session_), *step);
  }
  return failure;
}

Result<PlannedStep> StepPlanner::PlanStep(const Step& step) {
  switch (step.kind) {
    case StepKind::kFrom:
      return PlanFrom(step);
    case StepKind::kFromQuery:
    case StepKind::kAlias:
      return PlanAlias(planned_.at(step.input.get()), step.alias);
    case StepKind::kValues:
      return PlanValues(step);
    case StepKind::kJoin:
    case StepKind::kCrossJoin:
      return PlanJoin(step);
    case StepKind::kJoinUsing:
      return PlanJoinUsing(step);
    case StepKind::kFilter:
      return PlanFilter(step);
    case StepKind::kSelect:
    case StepKind::kWindow:
      return PlanSelect(step);
    case StepKind::kAggregate:
      return PlanAggregate(step);
    case StepKind::kUnnest:
      return PlanUnnest(step);
    case StepKind::kDistinct:
      return Checked(NodeOver(PlanKind::kDistinct, {planned_.at(step.input.get()).plan}));
    case StepKind::kDistinctOn:
      return PlanDistinctOn(step);
    case StepKind::kOrderBy:
      return PlanOrderBy(step);
    case StepKind::kLimit:
      return PlanLimit(step);
    case StepKind::kUnionAll:
    case StepKind::kUnion:
    case StepKind::kIntersect:
    case StepKind::kExcept:
      return PlanSets(step);
  }
  return Status::Bug("unknown kind of step: {}", static_cast<int>(step.kind));
}

/// The scan carries no schema: the session's table has it.
Result<PlannedStep> StepPlanner::PlanFrom(const Step& step) {
  LogicalPlan node;
  node.kind = PlanKind::kScan;
  node.name_parts = Parts(step.name);
  const bool is_name = node.name_parts.size() <= 2 &&
                       std::none_of(node.name_parts.begin(), node.name_parts.end(),
                                    [](const std::string& part) { return part.empty(); });
  if (!is_name) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a table is named `table` or `schema.table`, found `{}`", step.name);
  }
  node.scan.emplace();
  node.scan->table = step.name;
  node.scan->schema = arrow::schema({});
  node.scan->all_columns = true;
  WEIR_ASSIGN_OR_RETURN(PlannedStep scan, Checked(std::move(node)));
  return step.alias.empty() ? scan : PlanAlias(scan, step.alias);
}

Result<PlannedStep> StepPlanner::PlanAlias(const PlannedStep& input, const std::string& alias) {
  if (alias.empty())
    return Status::User(StatusCode::kInvalidArgument, "a query needs a name here, found none");
  LogicalPlan node = NodeOver(PlanKind::kSubqueryAlias, {input.plan});
  node.name = alias;
  node.name_parts = {alias};
  return Checked(std::move(node));
}

Result<PlannedStep> StepPlanner::PlanValues(const Step& step) {
  if (step.names.empty() || step.expressions.empty())
    return Status::User(StatusCode::kInvalidArgument, "Values needs a column and a row at least");
  LogicalPlan node;
  node.kind = PlanKind::kValues;
  node.column_count = step.names.size();
  WEIR_ASSIGN_OR_RETURN(node.expressions, ColumnScope().Resolve(step.expressions));
  WEIR_ASSIGN_OR_RETURN(const PlannedStep values, Checked(std::move(node)));
  std::vector<Expression> columns;
  for (size_t i = 0; i < step.names.size(); ++i)
    columns.push_back(Expr(values.scope.Reference(i)).As(step.names[i]).tree());
  return Checked(NodeOver(PlanKind::kProjection, {values.plan}, std::move(columns)));
}

Result<PlannedStep> StepPlanner::PlanJoin(const Step& step) {
  const PlannedStep& left = planned_.at(step.input.get());
  const PlannedStep& right = planned_.at(step.other.get());
  WEIR_RETURN_NOT_OK(CheckSides(left.scope, right.scope));
  const ColumnScope both(left.scope, right.scope);
  LogicalPlan node = NodeOver(PlanKind::kJoin, {left.plan, right.plan});
  node.text = "Cross";
  if (step.kind == StepKind::kJoin) {
    WEIR_ASSIGN_OR_RETURN(node.expressions, both.Resolve(step.expressions));
    WEIR_RETURN_NOT_OK(RefuseCalls(node.expressions));
    node.text = ToString(step.join_type);
    node.has_filter = true;
  }
  WEIR_ASSIGN_OR_RETURN(PlannedStep joined, Checked(std::move(node)));
  // The engine does not know what earlier USING joins repeat.
  const bool is_join = step.kind == StepKind::kJoin;
  joined.scope = is_join && KeepsLeftOnly(step.join_type)    ? left.scope
                 : is_join && KeepsRightOnly(step.join_type) ? right.scope
                                                             : both;
  return joined;
}

Result<PlannedStep> StepPlanner::PlanJoinUsing(const Step& step) {
  const PlannedStep& left = planned_.at(step.input.get());
  const PlannedStep& right = planned_.at(step.other.get());
  WEIR_RETURN_NOT_OK(CheckSides(left.scope, right.scope));
  if (step.names.empty())
    return Status::User(StatusCode::kInvalidArgument, "JoinUsing needs a column, found none");
  LogicalPlan node = NodeOver(PlanKind::kJoin, {left.plan, right.plan});
  node.text = ToString(step.join_type);
  node.is_using = true;
  std::vector<ColumnScope::Column> right_columns = right.scope.columns();
  for (const std::string& name : step.names) {
    const Expression wanted = col(name).tree();
    for (const ColumnScope* side : {&left.scope, &right.scope}) {
      auto found = side->Find(wanted);
      if (!found.ok()) {
        return found.status().WithContext(side == &left.scope ? "on the left side"
                                                              : "on the right side");
      }
      node.expressions.push_back(side->Reference(*found));
      if (side == &right.scope) right_columns[*found].is_repeated = true;
    }
  }
  WEIR_ASSIGN_OR_RETURN(PlannedStep joined, Checked(std::move(node)));
  joined.scope = KeepsLeftOnly(step.join_type) ? left.scope
                 : KeepsRightOnly(step.join_type)
                     ? right.scope
                     : ColumnScope(left.scope, ColumnScope(right_columns));
  return joined;
}

Result<PlannedStep> StepPlanner::PlanFilter(const Step& step) {
  const PlannedStep& input = planned_.at(step.input.get());
  WEIR_ASSIGN_OR_RETURN(std::vector<Expression> predicate, input.scope.Resolve(step.expressions));
  WEIR_RETURN_NOT_OK(RefuseCalls(predicate));
  WEIR_ASSIGN_OR_RETURN(PlannedStep filtered,
                        Checked(NodeOver(PlanKind::kFilter, {input.plan}, std::move(predicate))));
  filtered.scope = input.scope;
  return filtered;
}

Result<PlannedStep> StepPlanner::PlanSelect(const Step& step) {
  const PlannedStep& input = planned_.at(step.input.get());
  std::vector<Expr> columns = step.expressions;
  if (step.kind == StepKind::kWindow) columns.insert(columns.begin(), all());
  WEIR_ASSIGN_OR_RETURN(std::vector<Expression> expressions, input.scope.ResolveList(columns));
  if (expressions.empty())
    return Status::User(StatusCode::kInvalidArgument, "Select needs a column, found none");
  WEIR_RETURN_NOT_OK(Refuse(expressions, IsAggregate, "an aggregate without a window",
                            "group with Aggregate(keys, results), or add .Over(…)"));
  WEIR_ASSIGN_OR_RETURN(const PlannedStep windows, PlanWindows(input, expressions));
  return Checked(NodeOver(PlanKind::kProjection, {windows.plan}, std::move(expressions)));
}

Result<PlannedStep> StepPlanner::PlanWindows(PlannedStep input,
                                             std::vector<Expression>& expressions) {
  const std::vector<Expression> calls = CollectCalls(expressions, IsWindow);
  if (calls.empty()) return input;
  std::vector<Expression> references;
  std::vector<Expression> wanted;
  for (std::vector<Expression>& group : GroupWindows(calls, input.scope)) {
    const size_t before = input.scope.columns().size();
    std::vector<Expression> computed;
    for (const Expression& call : group) AddOnce(AsComputed(call), computed);
    WEIR_ASSIGN_OR_RETURN(PlannedStep next,
                          Checked(NodeOver(PlanKind::kWindow, {input.plan}, computed)));
    for (Expression& call : group) {
      const size_t place = PlaceIn(computed, AsComputed(call));
      references.push_back(NamedAsCalled(call, next.scope.Reference(before + place)));
      wanted.push_back(std::move(call));
    }
    input = std::move(next);
  }
  for (Expression& e : expressions) e = Replace(std::move(e), wanted, references);
  return input;
}

Result<PlannedStep> StepPlanner::PlanAggregate(const Step& step) {
  const PlannedStep& input = planned_.at(step.input.get());
  WEIR_ASSIGN_OR_RETURN(const std::vector<Expression> keys, input.scope.Resolve(step.keys));
  WEIR_RETURN_NOT_OK(RefuseCalls(keys));
  WEIR_ASSIGN_OR_RETURN(std::vector<Expression> results, input.scope.Resolve(step.expressions));
  WEIR_RETURN_NOT_OK(Refuse(results, IsWindow, "a function over a window",
                            "compute it in a Window step after Aggregate"));
  // What is grouped by, each once and without names; sets of keys bring theirs along.
  std::vector<Expression> grouped, members;
  bool has_sets = false;
  for (const Expression& key : keys) {
    AddOnce(WithoutAlias(key), grouped);
    has_sets = has_sets || IsGroupingSet(key);
  }
  for (const Expression& key : grouped) {
    if (!IsGroupingSet(key)) AddOnce(key, members);
    if (IsGroupingSet(key)) {
      for (const Expression& member : key.inputs) AddOnce(WithoutAlias(member), members);
    }
  }
  const std::vector<Expression> calls = CollectCalls(results, IsAggregate);
  std::vector<Expression> computed;
  for (const Expression& call : calls) AddOnce(AsComputed(call), computed);
  LogicalPlan node = NodeOver(PlanKind::kAggregate, {input.plan}, grouped);
  node.group_count = grouped.size();
  node.expressions.insert(node.expressions.end(), computed.begin(), computed.end());
  WEIR_ASSIGN_OR_RETURN(const PlannedStep aggregated, Checked(std::move(node)));

  // The engine puts out the members, an id of the set if there are sets, and the calls.
  const size_t first_call = members.size() + (has_sets ? 1 : 0);
  if (aggregated.scope.columns().size() != first_call + computed.size())
    return Status::Bug("an Aggregate puts out {} columns", aggregated.scope.columns().size());
  std::vector<Expression> wanted = members, references;
  for (size_t i = 0; i < members.size(); ++i) references.push_back(aggregated.scope.Reference(i));
  for (const Expression& call : calls) {
    const size_t place = first_call + PlaceIn(computed, AsComputed(call));
    references.push_back(NamedAsCalled(call, aggregated.scope.Reference(place)));
    wanted.push_back(call);
  }
  std::vector<Expression> columns;
  for (const Expression& key : keys) {
    if (IsGroupingSet(key)) {
      for (const Expression& member : key.inputs)
        AddOnce(Replace(WithoutAlias(member), wanted, references), columns);
    } else {
      columns.push_back(Replace(key, wanted, references));
    }
  }
  for (Expression& result : results)
    columns.push_back(Replace(std::move(result), wanted, references));
  for (const Expression& column : columns) {
    Status status;
    VisitExpression(column, [&](const Expression& part) {
      if (part.kind != ExpressionKind::kColumn || aggregated.scope.IndexOf(part)) return;
      status =
          Status::User(StatusCode::kInvalidArgument,
                       "the column `{}` is neither a key nor within an aggregate", ToText(part))
              .WithHint("add it to the keys, or take it with any_value_det, min, max …");
    });
    WEIR_RETURN_NOT_OK(status);
  }
  return Checked(NodeOver(PlanKind::kProjection, {aggregated.plan}, std::move(columns)));
}

Result<PlannedStep> StepPlanner::PlanUnnest(const Step& step) {
  const PlannedStep& input = planned_.at(step.input.get());
  WEIR_ASSIGN_OR_RETURN(const size_t index, input.scope.Find(col(step.name).tree()));
  LogicalPlan node = NodeOver(PlanKind::kUnnest, {input.plan});
  auto spec = std::make_shared<UnnestSpec>();
  const Expression reference = input.scope.Reference(index);
  spec->columns = {{.relation = reference.relation, .name = reference.name}};
  spec->schema = arrow::schema({});  // the engine derives it
  spec->nulls = step.keep_nulls ? UnnestNulls::kPreserveAndEmpty : UnnestNulls::kDrop;
  node.unnest_spec = std::move(spec);
  return Checked(std::move(node));
}

Result<PlannedStep> StepPlanner::PlanDistinctOn(const Step& step) {
  const PlannedStep& input = planned_.at(step.input.get());
  LogicalPlan node = NodeOver(PlanKind::kDistinctOn, {input.plan});
  WEIR_ASSIGN_OR_RETURN(node.expressions, input.scope.Resolve(step.keys));
  node.group_count = node.expressions.size();
  WEIR_ASSIGN_OR_RETURN(const std::vector<Expression> columns,
                        input.scope.ResolveList(step.expressions));
  node.expressions.insert(node.expressions.end(), columns.begin(), columns.end());
  WEIR_ASSIGN_OR_RETURN(node.sort_keys, input.scope.Resolve(step.order));
  WEIR_RETURN_NOT_OK(RefuseCalls(node.expressions));
  if (node.group_count == 0 || columns.empty())
    return Status::User(StatusCode::kInvalidArgument, "DistinctOn needs a key and a column");
  return Checked(std::move(node));
}

Result<PlannedStep> StepPlanner::PlanOrderBy(const Step& step) {
  const PlannedStep& input = planned_.at(step.input.get());
  LogicalPlan node = NodeOver(PlanKind::kSort, {input.plan});
  WEIR_ASSIGN_OR_RETURN(node.sort_keys, input.scope.Resolve(step.order));
  if (node.sort_keys.empty())
    return Status::User(StatusCode::kInvalidArgument, "OrderBy needs a key, found none");
  std::vector<Expression> expressions;
  for (const SortKey& key : node.sort_keys) expressions.push_back(key.expression);
  WEIR_RETURN_NOT_OK(RefuseCalls(expressions));
  WEIR_ASSIGN_OR_RETURN(PlannedStep sorted, Checked(std::move(node)));
  sorted.scope = input.scope;
  return sorted;
}

Result<PlannedStep> StepPlanner::PlanLimit(const Step& step) {
  const PlannedStep& input = planned_.at(step.input.get());
  if (step.fetch < 0 || step.skip < 0) {
    return Status::User(StatusCode::kInvalidArgument,
                        "Limit takes numbers of rows, found {} and {} to skip", step.fetch,
                        step.skip);
  }
  LogicalPlan node = NodeOver(PlanKind::kLimit, {input.plan});
  node.fetch = step.fetch;
  node.skip = step.skip;
  WEIR_ASSIGN_OR_RETURN(PlannedStep limited, Checked(std::move(node)));
  limited.scope = input.scope;
  return limited;
}

Result<PlannedStep> StepPlanner::PlanSets(const Step& step) {
  PlannedStep left = planned_.at(step.input.get());
  PlannedStep right = planned_.at(step.other.get());
  if (left.scope.columns().size() != right.scope.columns().size()) {
    return Status::User(StatusCode::kInvalidArgument,
                        "both sides must have as many columns, found {} and {}",
                        left.scope.columns().size(), right.scope.columns().size());
  }
  if (step.kind == StepKind::kUnionAll || step.kind == StepKind::kUnion) {
    LogicalPlan node = NodeOver(PlanKind::kUnion, {left.plan, right.plan});
    WEIR_ASSIGN_OR_RETURN(PlannedStep both, Checked(std::move(node)));
    if (step.kind == StepKind::kUnionAll) return both;
    return Checked(NodeOver(PlanKind::kDistinct, {both.plan}));
  }
  if (!CheckSides(left.scope, right.scope).ok()) {
    WEIR_ASSIGN_OR_RETURN(left, PlanAlias(left, "left"));
    WEIR_ASSIGN_OR_RETURN(right, PlanAlias(right, "right"));
  }
  WEIR_ASSIGN_OR_RETURN(left, Checked(NodeOver(PlanKind::kDistinct, {left.plan})));
  LogicalPlan node = NodeOver(PlanKind::kJoin, {left.plan, right.plan});
  node.text =
      ToString(step.kind == StepKind::kIntersect ? JoinType::kLeftSemi : JoinType::kLeftAnti);
  node.null_equals_null = true;
  for (size_t i = 0; i < left.scope.columns().size(); ++i) {
    node.expressions.push_back(left.scope.Reference(i));
    node.expressions.push_back(right.scope.Reference(i));
  }
  return Checked(std::move(node));
}

Result<PlanPtr> ViewBuilder::BuildTree(const engine::Session& session,
                                       const FunctionRegistry& functions) const {
  StepPlanner planner(session, functions);
  WEIR_ASSIGN_OR_RETURN(PlannedStep planned, planner.Plan(last_));
  return std::move(planned.plan);
}

Result<engine::Plan> ViewBuilder::Build(const engine::Session& session,
                                        const FunctionRegistry& functions) const {
  StepPlanner planner(session, functions);
  WEIR_ASSIGN_OR_RETURN(const PlannedStep planned, planner.Plan(last_));
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, EncodePlan(*planned.plan));
  WEIR_ASSIGN_OR_RETURN(engine::Plan plan, engine::Plan::FromProto(session, bytes));
  // Types are settled by the analyser, which knows no steps.
  const auto analyzed = plan.Analyze(session);
  if (!analyzed.ok()) return planner.Locate(analyzed.status());
  return plan;
}

}  // namespace weir::expr

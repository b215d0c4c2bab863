// SPDX-License-Identifier: Apache-2.0
//
// Expressions and nodes of random plans.

#include "weir/plan/plan_generator.h"

#include "weir/plan/proto_names.h"

namespace weir::testing_plans {

std::vector<Expression> PlanGenerator::Exprs(size_t least, size_t most, int depth) {
  std::vector<Expression> expressions;
  for (size_t count = least + Pick(most - least + 1); count > 0; --count)
    expressions.push_back(Expr(depth - 1));
  return expressions;
}

std::vector<SortKey> PlanGenerator::SortKeys(int depth) {
  std::vector<SortKey> keys;
  for (size_t count = Pick(3); count > 0; --count)
    keys.push_back({Expr(depth - 1), Coin(), Coin()});
  return keys;
}

FrameBound PlanGenerator::Bound() {
  FrameBound bound{.kind = static_cast<FrameBoundKind>(Pick(3))};
  if (bound.kind != FrameBoundKind::kCurrentRow && Coin()) bound.distance = Literal();
  return bound;
}

void PlanGenerator::FillFunction(Expression& e, int depth) {
  e.name = Name();
  e.inputs = Exprs(0, 3, depth);
  e.distinct = Coin();
  e.ignore_nulls = Coin();
  e.respect_nulls = !e.ignore_nulls && Coin();
  if (Coin()) e.filter = Exprs(1, 1, depth);
  e.order_by = SortKeys(depth);
}

void PlanGenerator::FillWindow(Expression& e, int depth) {
  FillFunction(e, depth);
  e.is_aggregate = Coin();
  e.partition_by = Exprs(0, 2, depth);
  auto frame = std::make_shared<WindowFrame>();
  if (Pick(8) != 0) {
    frame->units = static_cast<FrameUnits>(Pick(3));
    frame->start = Bound();
    if (Coin()) frame->end = Bound();
    e.frame = frame;
  }
  e.text = ToText(*frame);
}

void PlanGenerator::FillExpr(Expression& e, int depth) {
  switch (e.kind) {
    case ExpressionKind::kLiteral:
      e = Literal();
      break;
    case ExpressionKind::kColumn:
      e.name = Name();
      if (Coin()) e.relation = Name();
      break;
    case ExpressionKind::kAlias:
      e.inputs = Exprs(1, 1, depth);
      e.name = Name();
      e.metadata = Metadata();
      if (Coin()) {
        e.relation_parts = Parts();
        e.relation = internal::JoinedParts(e.relation_parts);
      }
      break;
    case ExpressionKind::kBinary: {
      static constexpr const char* kOperators[] = {"=",    "AND",   "||", "@>", "IS DISTINCT FROM",
                                                   "!~~*", "NewOne"};
      e.name = kOperators[Pick(std::size(kOperators))];
      e.inputs = Exprs(2, 4, depth);
      break;
    }
    case ExpressionKind::kBetween:
      e.inputs = Exprs(3, 3, depth);
      e.negated = Coin();
      break;
    case ExpressionKind::kInList:
      e.inputs = Exprs(1, 4, depth);
      e.negated = Coin();
      break;
    case ExpressionKind::kCase:
      e.has_base = Coin();
      e.has_else = Coin();
      e.inputs = Exprs(2, 2, depth);
      if (Coin())
        for (auto& more : Exprs(2, 2, depth)) e.inputs.push_back(std::move(more));
      if (e.has_base) e.inputs.push_back(Expr(depth - 1));
      if (e.has_else) e.inputs.push_back(Expr(depth - 1));
      break;
    case ExpressionKind::kCast:
    case ExpressionKind::kTryCast:
      e.inputs = Exprs(1, 1, depth);
      e.type = Type(2);
      e.nullable = MaybeBool();
      e.metadata = Metadata();
      break;
    case ExpressionKind::kLike:
    case ExpressionKind::kILike:
    case ExpressionKind::kSimilarTo:
      e.inputs = Exprs(2, 2, depth);
      e.negated = Coin();
      e.text = Coin() ? "" : "\\";
      break;
    case ExpressionKind::kLambda:
      e.parameters = {"x", "y"};
      e.text = "x, y";
      e.inputs = Exprs(1, 1, depth);
      break;
    case ExpressionKind::kLambdaVariable:
      e.name = Name();
      if (Coin()) {
        e.text = Name();
        e.type = Type(2);
        e.nullable = Coin();
        e.metadata = Metadata();
      }
      break;
    case ExpressionKind::kPlaceholder:
      e.name = "$" + Name();
      if (Coin()) e.type = Type(2);
      e.nullable = MaybeBool();
      e.metadata = Metadata();
      break;
    case ExpressionKind::kScalarFunction:
    case ExpressionKind::kHigherOrderFunction:
      e.name = Name();
      e.inputs = Exprs(0, 3, depth);
      break;
    case ExpressionKind::kAggregateFunction:
      FillFunction(e, depth);
      break;
    case ExpressionKind::kWindowFunction:
      FillWindow(e, depth);
      break;
    case ExpressionKind::kScalarSubquery:
      e.subquery = Plan(depth - 1);
      for (size_t count = Pick(2); count > 0; --count) {
        e.outer_references.push_back({.kind = ExpressionKind::kColumn, .name = Name()});
      }
      break;
    case ExpressionKind::kGroupingSets:
      for (size_t sets = Pick(3); sets > 0; --sets) {
        auto members = Exprs(0, 2, depth);
        e.set_sizes.push_back(static_cast<int>(members.size()));
        for (auto& member : members) e.inputs.push_back(std::move(member));
      }
      break;
    case ExpressionKind::kCube:
    case ExpressionKind::kRollup:
      e.inputs = Exprs(0, 3, depth);
      break;
    case ExpressionKind::kUnnest:
      e.inputs = Exprs(1, 2, depth);
      e.is_outer = Coin();
      break;
    default:  // NOT, minus, the tests with IS
      e.inputs = Exprs(1, 1, depth);
  }
}

Expression PlanGenerator::Expr(int depth) {
  if (depth <= 0) {
    if (Coin()) return Literal();
    Expression column{.kind = ExpressionKind::kColumn, .name = Name()};
    if (Coin()) column.relation = Name();
    return column;
  }
  Expression e;
  e.kind = static_cast<ExpressionKind>(Pick(static_cast<size_t>(ExpressionKind::kPlaceholder) + 1));
  FillExpr(e, depth);
  return e;
}

void PlanGenerator::FillScan(LogicalPlan& plan, int depth) {
  Scan scan{.scan_id = Coin() ? static_cast<int>(Pick(100)) : -1, .schema = Schema()};
  plan.name_parts = Parts();
  plan.name = internal::JoinedParts(plan.name_parts);
  const auto& parts = plan.name_parts;
  scan.table = internal::JoinedParts(
      {parts.begin() + static_cast<ptrdiff_t>(parts.size() > 2 ? parts.size() - 2 : 0),
       parts.end()});
  scan.all_columns = Coin();
  for (const auto& field : scan.schema->fields())
    if (scan.all_columns || Coin()) scan.columns.push_back(field->name());
  plan.scan = std::move(scan);
  plan.expressions = Exprs(0, 2, depth);
}

void PlanGenerator::FillUnnest(LogicalPlan& plan) {
  auto spec = std::make_shared<UnnestSpec>();
  const size_t columns = 1 + Pick(3);
  for (size_t i = 0; i < columns; ++i) {
    const auto kind = static_cast<UnnestKind>(Pick(3));
    plan.unnest.push_back({.input_index = i, .kind = kind});
    if (kind != UnnestKind::kKept) spec->columns.push_back(Column());
    if (kind == UnnestKind::kStruct) spec->structs.push_back(i);
    if (kind == UnnestKind::kList) {
      spec->lists.push_back(
          {.input_index = i, .output = Column(), .depth = static_cast<uint32_t>(Pick(4))});
    }
  }
  spec->schema = Schema();
  for (int i = 0; i < spec->schema->num_fields(); ++i) {
    auto& relation = spec->relations.emplace_back();
    if (Coin()) relation = Name();
  }
  spec->nulls = static_cast<UnnestNulls>(Pick(3));
  if (Coin()) {
    spec->recursions.push_back(
        {.output = Column(), .input = Column(), .depth = static_cast<uint32_t>(Pick(4))});
  }
  plan.unnest_spec = std::move(spec);
}

void PlanGenerator::FillJoin(LogicalPlan& plan, int depth) {
  static constexpr const char* kTypes[] = {"Inner",    "Left",      "Right",     "Full",
                                           "LeftSemi", "LeftAnti",  "RightSemi", "RightAnti",
                                           "LeftMark", "RightMark", "Cross"};
  plan.text = kTypes[Pick(std::size(kTypes))];
  plan.inputs = {Plan(depth - 1), Plan(depth - 1)};
  if (plan.text == "Cross") return;
  for (size_t pairs = Pick(3); pairs > 0; --pairs)
    for (auto& key : Exprs(2, 2, depth)) plan.expressions.push_back(std::move(key));
  plan.has_filter = Coin();
  if (plan.has_filter) plan.expressions.push_back(Expr(depth - 1));
  plan.is_using = Coin();
  plan.null_equals_null = Coin();
  plan.null_aware = Coin();
}

void PlanGenerator::FillNode(LogicalPlan& plan, int depth) {
  switch (plan.kind) {
    case PlanKind::kScan:
      return FillScan(plan, depth);
    case PlanKind::kJoin:
      return FillJoin(plan, depth);
    case PlanKind::kWorkTable:
      plan.name = Name();
      plan.schema = Schema();
      return;
    case PlanKind::kValues:
      plan.expressions = Exprs(1, 4, depth);
      plan.column_count = Pick(5);
      return;
    case PlanKind::kEmptyRelation:
      if (Coin()) {
        plan.name_parts = Parts();
        plan.schema = Schema();
        if (Coin()) plan.columns = {plan.schema->field(0)->name()};
        plan.expressions = Exprs(0, 1, depth);
      } else {
        plan.produce_one_row = Coin();
      }
      return;
    case PlanKind::kUnion:
      for (size_t inputs = 1 + Pick(3); inputs > 0; --inputs)
        plan.inputs.push_back(Plan(depth - 1));
      return;
    case PlanKind::kRecursiveQuery:
      plan.name = Name();
      plan.distinct = Coin();
      plan.inputs = {Plan(depth - 1), Plan(depth - 1)};
      return;
    case PlanKind::kFilter:
      plan.expressions = Exprs(1, 1, depth);
      break;
    case PlanKind::kAggregate:
    case PlanKind::kDistinctOn:
      plan.expressions = Exprs(0, 4, depth);
      plan.group_count = Pick(plan.expressions.size() + 1);
      if (plan.kind == PlanKind::kDistinctOn) plan.sort_keys = SortKeys(depth);
      break;
    case PlanKind::kProjection:
    case PlanKind::kWindow:
      plan.expressions = Exprs(1, 3, depth);
      break;
    case PlanKind::kSort:
      plan.sort_keys = SortKeys(depth);
      plan.fetch = Coin() ? -1 : static_cast<int64_t>(Pick(1000));
      break;
    case PlanKind::kLimit:
      plan.skip = static_cast<int64_t>(Pick(1000));
      plan.fetch = Coin() ? -1 : static_cast<int64_t>(Pick(1000));
      break;
    case PlanKind::kUnnest:
      FillUnnest(plan);
      break;
    case PlanKind::kSubqueryAlias:
      plan.name_parts = Parts();
      plan.name = internal::JoinedParts(plan.name_parts);
      break;
    case PlanKind::kRepartition:
      plan.partition_count = Pick(100);
      plan.expressions = Exprs(0, 2, depth);
      break;
    case PlanKind::kDistinct:
      break;
  }
  plan.inputs = {Plan(depth - 1)};
}

std::shared_ptr<LogicalPlan> PlanGenerator::Plan(int depth) {
  static constexpr PlanKind kLeaves[] = {PlanKind::kScan, PlanKind::kWorkTable,
                                         PlanKind::kEmptyRelation, PlanKind::kValues};
  auto plan = std::make_shared<LogicalPlan>();
  plan->kind = depth <= 0
                   ? kLeaves[Pick(std::size(kLeaves))]
                   : static_cast<PlanKind>(Pick(static_cast<size_t>(PlanKind::kRepartition) + 1));
  for (size_t columns = Pick(3); columns > 0; --columns) plan->outputs.push_back(Column());
  FillNode(*plan, depth);
  return plan;
}

nlohmann::json OutputsOf(const LogicalPlan& plan) {
  auto nodes = nlohmann::json::array();
  VisitPlan(plan, [&](const LogicalPlan& node) {
    auto columns = nlohmann::json::array();
    for (const OutputColumn& column : node.outputs) {
      columns.push_back(
          {column.relation ? nlohmann::json(*column.relation) : nlohmann::json(), column.name});
    }
    nodes.push_back(std::move(columns));
  });
  return nodes;
}

}  // namespace weir::testing_plans

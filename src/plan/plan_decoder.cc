// SPDX-License-Identifier: Apache-2.0

#include <arrow/api.h>

#include "datafusion.pb.h"

#include "weir/plan/logical_plan.h"
#include "weir/plan/plan_outputs.h"
#include "weir/plan/proto_bytes.h"
#include "weir/plan/proto_names.h"
#include "weir/plan/proto_values.h"

namespace weir {

namespace {

namespace pb = datafusion;
using internal::JoinedParts;
using internal::kMaxPlanDepth;
using internal::OperatorText;
using internal::ToArrowSchema;
using internal::ToArrowType;
using internal::ToBytes;
using internal::ToParts;

constexpr std::string_view kDefaultSchema = "public.";

template <typename Map>
std::map<std::string, std::string> ToMap(const Map& proto) {
  return {proto.begin(), proto.end()};
}

ColumnName ToColumnName(const datafusion_common::Column& column) {
  ColumnName name{.name = column.name()};
  if (column.has_relation()) name.relation = column.relation().relation();
  return name;
}

/// Counts a level for as long as it lives.
class Level {
 public:
  explicit Level(int& depth) : depth_(depth) { ++depth_; }
  ~Level() { --depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  Status Check() const {
    if (depth_ <= kMaxPlanDepth) return Status::OK();
    return Status::User(StatusCode::kUnsupported,
                        "a view's plan nests more than {} levels deep; split the view",
                        kMaxPlanDepth);
  }

 private:
  int& depth_;
};

using Outputs = std::vector<std::vector<OutputColumn>>;

/// Decodes one plan. Nodes take their output columns from the bridge's list in preorder.
class Decoder {
 public:
  explicit Decoder(Outputs outputs) : outputs_(std::move(outputs)) {}

  Result<std::shared_ptr<const LogicalPlan>> Decode(const pb::LogicalPlanNode& node) {
    WEIR_ASSIGN_OR_RETURN(auto plan, Node(node));
    if (next_output_ != outputs_.size()) {
      return Status::Bug("a plan of {} nodes came with the columns of {}", next_output_,
                         outputs_.size());
    }
    return std::shared_ptr<const LogicalPlan>(std::move(plan));
  }

 private:
  using NodePtr = std::shared_ptr<LogicalPlan>;

  Result<NodePtr> Node(const pb::LogicalPlanNode& node) {
    const Level level(depth_);
    WEIR_RETURN_NOT_OK(level.Check());
    auto plan = std::make_shared<LogicalPlan>();
    WEIR_RETURN_NOT_OK(TakeOutputs(*plan));
    WEIR_RETURN_NOT_OK(Fill(node, *plan));
    return plan;
  }

  Status TakeOutputs(LogicalPlan& plan) {
    if (next_output_ >= outputs_.size())
      return Status::Bug("a plan came with the columns of too few nodes ({})", outputs_.size());
    plan.outputs = std::move(outputs_[next_output_++]);
    return Status::OK();
  }

  Status Input(const pb::LogicalPlanNode& node, LogicalPlan& plan) {
    WEIR_ASSIGN_OR_RETURN(NodePtr input, Node(node));
    plan.inputs.push_back(std::move(input));
    return Status::OK();
  }

  // Not inlined, so that the frame of FillExpr, of which there is one a level, stays small.
  template <typename Nodes>
  [[gnu::noinline]] Status Expressions(const Nodes& nodes, std::vector<Expression>& expressions) {
    for (const auto& node : nodes) {
      WEIR_ASSIGN_OR_RETURN(Expression expression, Expr(node));
      expressions.push_back(std::move(expression));
    }
    return Status::OK();
  }

  template <typename Nodes>
  [[gnu::noinline]] Status SortKeys(const Nodes& nodes, std::vector<SortKey>& keys) {
    for (const auto& node : nodes) {
      WEIR_ASSIGN_OR_RETURN(Expression expression, Expr(node.expr()));
      keys.push_back({std::move(expression), node.asc(), node.nulls_first()});
    }
    return Status::OK();
  }

  Status Fill(const pb::LogicalPlanNode& node, LogicalPlan& plan) {
    switch (node.LogicalPlanType_case()) {
      case pb::LogicalPlanNode::kCustomScan:
        return FillScan(node.custom_scan(), plan);
      case pb::LogicalPlanNode::kEmptyTableScan:
        return FillEmptyTable(node.empty_table_scan(), plan);
      case pb::LogicalPlanNode::kProjection:
        plan.kind = PlanKind::kProjection;
        if (node.projection().optional_alias_case() != 0) return Refuse("projection with an alias");
        WEIR_RETURN_NOT_OK(Expressions(node.projection().expr(), plan.expressions));
        return Input(node.projection().input(), plan);
      case pb::LogicalPlanNode::kSelection: {
        plan.kind = PlanKind::kFilter;
        WEIR_ASSIGN_OR_RETURN(Expression predicate, Expr(node.selection().expr()));
        plan.expressions.push_back(std::move(predicate));
        return Input(node.selection().input(), plan);
      }
      case pb::LogicalPlanNode::kJoin:
        return FillJoin(node.join(), plan);
      case pb::LogicalPlanNode::kCrossJoin:
        plan.kind = PlanKind::kJoin;
        plan.text = "Cross";
        WEIR_RETURN_NOT_OK(Input(node.cross_join().left(), plan));
        return Input(node.cross_join().right(), plan);
      case pb::LogicalPlanNode::kAggregate:
        plan.kind = PlanKind::kAggregate;
        WEIR_RETURN_NOT_OK(Expressions(node.aggregate().group_expr(), plan.expressions));
        plan.group_count = plan.expressions.size();
        WEIR_RETURN_NOT_OK(Expressions(node.aggregate().aggr_expr(), plan.expressions));
        return Input(node.aggregate().input(), plan);
      case pb::LogicalPlanNode::kWindow:
        plan.kind = PlanKind::kWindow;
        WEIR_RETURN_NOT_OK(Expressions(node.window().window_expr(), plan.expressions));
        return Input(node.window().input(), plan);
      case pb::LogicalPlanNode::kSort:
        plan.kind = PlanKind::kSort;
        plan.fetch = node.sort().fetch() < 0 ? -1 : node.sort().fetch();
        WEIR_RETURN_NOT_OK(SortKeys(node.sort().expr(), plan.sort_keys));
        return Input(node.sort().input(), plan);
      case pb::LogicalPlanNode::kLimit:
        plan.kind = PlanKind::kLimit;
        plan.skip = std::max<int64_t>(0, node.limit().skip());
        plan.fetch = node.limit().fetch() < 0 ? -1 : node.limit().fetch();
        return Input(node.limit().input(), plan);
      case pb::LogicalPlanNode::kUnion:
        plan.kind = PlanKind::kUnion;
        for (const auto& input : node.union_().inputs()) WEIR_RETURN_NOT_OK(Input(input, plan));
        return Status::OK();
      case pb::LogicalPlanNode::kDistinct:
        plan.kind = PlanKind::kDistinct;
        return Input(node.distinct().input(), plan);
      case pb::LogicalPlanNode::kDistinctOn:
        plan.kind = PlanKind::kDistinctOn;
        WEIR_RETURN_NOT_OK(Expressions(node.distinct_on().on_expr(), plan.expressions));
        plan.group_count = plan.expressions.size();
        WEIR_RETURN_NOT_OK(Expressions(node.distinct_on().select_expr(), plan.expressions));
        WEIR_RETURN_NOT_OK(SortKeys(node.distinct_on().sort_expr(), plan.sort_keys));
        return Input(node.distinct_on().input(), plan);
      case pb::LogicalPlanNode::kUnnest:
        return FillUnnest(node.unnest(), plan);
      case pb::LogicalPlanNode::kRecursiveQuery:
        plan.kind = PlanKind::kRecursiveQuery;
        plan.name = node.recursive_query().name();
        plan.distinct = node.recursive_query().is_distinct();
        WEIR_RETURN_NOT_OK(Input(node.recursive_query().static_term(), plan));
        return Input(node.recursive_query().recursive_term(), plan);
      case pb::LogicalPlanNode::kCteWorkTableScan:
        plan.kind = PlanKind::kWorkTable;
        plan.name = node.cte_work_table_scan().name();
        plan.schema = ToArrowSchema(node.cte_work_table_scan().schema());
        return Status::OK();
      case pb::LogicalPlanNode::kValues:
        plan.kind = PlanKind::kValues;
        plan.column_count = node.values().n_cols();
        return Expressions(node.values().values_list(), plan.expressions);
      case pb::LogicalPlanNode::kEmptyRelation:
        plan.kind = PlanKind::kEmptyRelation;
        plan.produce_one_row = node.empty_relation().produce_one_row();
        return Status::OK();
      case pb::LogicalPlanNode::kSubqueryAlias:
        plan.kind = PlanKind::kSubqueryAlias;
        plan.name_parts = ToParts(node.subquery_alias().alias());
        plan.name = JoinedParts(plan.name_parts);
        return Input(node.subquery_alias().input(), plan);
      case pb::LogicalPlanNode::kRepartition:
        return FillRepartition(node.repartition(), plan);
      default:
        return Refuse(NodeName(node));
    }
  }

  static Status Refuse(const std::string& node) {
    return Status::User(StatusCode::kUnsupported, "a view's plan may not hold the node `{}`", node);
  }

  Status FillRepartition(const pb::RepartitionNode& node, LogicalPlan& plan) {
    plan.kind = PlanKind::kRepartition;
    switch (node.partition_method_case()) {
      case pb::RepartitionNode::kRoundRobin:
        plan.partition_count = node.round_robin();
        break;
      case pb::RepartitionNode::kHash:
        plan.partition_count = node.hash().partition_count();
        WEIR_RETURN_NOT_OK(Expressions(node.hash().hash_expr(), plan.expressions));
        break;
      default:
        return Refuse("repartition by ranges");
    }
    return Input(node.input(), plan);
  }

  /// An empty relation that has columns.
  Status FillEmptyTable(const pb::EmptyTableScanNode& node, LogicalPlan& plan) {
    plan.kind = PlanKind::kEmptyRelation;
    plan.name_parts = ToParts(node.table_name());
    plan.schema = ToArrowSchema(node.schema());
    if (node.has_projection())
      plan.columns.emplace(node.projection().columns().begin(), node.projection().columns().end());
    return Expressions(node.filters(), plan.expressions);
  }

  static std::string NodeName(const pb::LogicalPlanNode& node) {
    const auto* field = node.GetDescriptor()->FindFieldByNumber(node.LogicalPlanType_case());
    return field == nullptr ? "unknown" : std::string(field->name());
  }

  Status FillScan(const pb::CustomTableScanNode& node, LogicalPlan& plan) {
    plan.kind = PlanKind::kScan;
    plan.name_parts = ToParts(node.table_name());
    plan.name = JoinedParts(plan.name_parts);
    Scan scan;
    scan.scan_id = internal::ScanIdOf(node.custom_table_data());
    scan.table = internal::RegisteredName(plan.name_parts);
    if (internal::TableReferenceJson(scan.table, scan.scan_id) != node.custom_table_data()) {
      return Status::User(StatusCode::kCorrupt, "a scan of `{}` in a plan refers to `{}`",
                          plan.name, node.custom_table_data());
    }
    if (scan.table.starts_with(kDefaultSchema)) scan.table.erase(0, kDefaultSchema.size());
    scan.schema = ToArrowSchema(node.schema());
    if (node.has_projection()) {
      scan.columns.assign(node.projection().columns().begin(), node.projection().columns().end());
    } else {
      scan.all_columns = true;
      for (const auto& field : scan.schema->fields()) scan.columns.push_back(field->name());
    }
    for (const auto& filter : node.filters()) scan.filter_bytes.push_back(ToBytes(filter));
    plan.scan = std::move(scan);
    return Expressions(node.filters(), plan.expressions);
  }

  Status FillJoin(const pb::JoinNode& node, LogicalPlan& plan) {
    plan.kind = PlanKind::kJoin;
    const auto type = internal::JoinTypeText(node.join_type());
    if (!type || node.join_constraint() > datafusion_common::USING ||
        node.null_equality() > datafusion_common::NULL_EQUALS_NULL) {
      return Status::User(StatusCode::kUnsupported, "unknown join type in a plan: `{}`",
                          static_cast<int>(node.join_type()));
    }
    plan.text = *type;
    plan.is_using = node.join_constraint() == datafusion_common::USING;
    plan.null_equals_null = node.null_equality() == datafusion_common::NULL_EQUALS_NULL;
    plan.null_aware = node.null_aware();
    if (node.left_join_key_size() != node.right_join_key_size()) {
      return Status::User(StatusCode::kCorrupt,
                          "a join in a plan has {} left keys and {} right ones",
                          node.left_join_key_size(), node.right_join_key_size());
    }
    for (int i = 0; i < node.left_join_key_size(); ++i) {
      WEIR_ASSIGN_OR_RETURN(Expression left, Expr(node.left_join_key(i)));
      WEIR_ASSIGN_OR_RETURN(Expression right, Expr(node.right_join_key(i)));
      plan.expressions.push_back(std::move(left));
      plan.expressions.push_back(std::move(right));
    }
    if (node.has_filter()) {
      plan.has_filter = true;
      WEIR_ASSIGN_OR_RETURN(Expression filter, Expr(node.filter()));
      plan.expressions.push_back(std::move(filter));
    }
    WEIR_RETURN_NOT_OK(Input(node.left(), plan));
    return Input(node.right(), plan);
  }

  Status FillUnnest(const pb::UnnestNode& node, LogicalPlan& plan) {
    plan.kind = PlanKind::kUnnest;
    std::map<uint64_t, UnnestKind> kinds;
    for (const auto& item : node.list_type_columns()) kinds[item.input_index()] = UnnestKind::kList;
    for (uint64_t index : node.struct_type_columns()) kinds[index] = UnnestKind::kStruct;
    for (uint64_t index : node.dependency_indices()) {
      const auto kind = kinds.find(index);
      plan.unnest.push_back(
          {.input_index = index, .kind = kind == kinds.end() ? UnnestKind::kKept : kind->second});
    }
    WEIR_ASSIGN_OR_RETURN(plan.unnest_spec, ToUnnestSpec(node));
    return Input(node.input(), plan);
  }

  static Result<std::shared_ptr<const UnnestSpec>> ToUnnestSpec(const pb::UnnestNode& node) {
    auto spec = std::make_shared<UnnestSpec>();
    for (const auto& column : node.exec_columns()) spec->columns.push_back(ToColumnName(column));
    for (const auto& item : node.list_type_columns()) {
      spec->lists.push_back({.input_index = item.input_index(),
                             .output = ToColumnName(item.recursion().output_column()),
                             .depth = item.recursion().depth()});
    }
    spec->structs.assign(node.struct_type_columns().begin(), node.struct_type_columns().end());
    datafusion_common::Schema schema;
    *schema.mutable_metadata() = node.schema().metadata();
    for (const auto& column : node.schema().columns()) {
      *schema.add_columns() = column.field();
      auto& relation = spec->relations.emplace_back();
      if (column.has_qualifier()) relation = column.qualifier().relation();
    }
    spec->schema = ToArrowSchema(schema);
    if (node.options().null_handling() > pb::UnnestOptions::PRESERVE_AND_EXPAND_EMPTY ||
        node.options().null_handling() < 0) {
      return Status::User(StatusCode::kUnsupported, "unknown handling of nulls in an unnest: `{}`",
                          static_cast<int>(node.options().null_handling()));
    }
    spec->nulls = static_cast<UnnestNulls>(node.options().null_handling());
    for (const auto& recursion : node.options().recursions()) {
      spec->recursions.push_back({.output = ToColumnName(recursion.output_column()),
                                  .input = ToColumnName(recursion.input_column()),
                                  .depth = recursion.depth()});
    }
    return std::shared_ptr<const UnnestSpec>(std::move(spec));
  }

  [[gnu::noinline]] Status Inputs(Expression& expression,
                                  std::initializer_list<const pb::LogicalExprNode*> nodes) {
    for (const auto* node : nodes) {
      WEIR_ASSIGN_OR_RETURN(Expression input, Expr(*node));
      expression.inputs.push_back(std::move(input));
    }
    return Status::OK();
  }

  Result<Expression> Expr(const pb::LogicalExprNode& node) {
    const Level level(depth_);
    WEIR_RETURN_NOT_OK(level.Check());
    Expression expression;
    WEIR_RETURN_NOT_OK(FillExpr(node, expression));
    return expression;
  }

  template <typename Node>
  Status FillUnary(ExpressionKind kind, const Node& node, Expression& e) {
    e.kind = kind;
    return Inputs(e, {&node.expr()});
  }

  template <typename Node>
  Status FillLike(ExpressionKind kind, const Node& node, Expression& e) {
    e.kind = kind;
    e.negated = node.negated();
    e.text = node.escape_char();
    return Inputs(e, {&node.expr(), &node.pattern()});
  }

  Status FillExpr(const pb::LogicalExprNode& node, Expression& e) {
    switch (node.ExprType_case()) {
      case pb::LogicalExprNode::kColumn:
        e.kind = ExpressionKind::kColumn;
        e.name = node.column().name();
        if (node.column().has_relation()) e.relation = node.column().relation().relation();
        return Status::OK();
      case pb::LogicalExprNode::kAlias:
        e.kind = ExpressionKind::kAlias;
        return FillAlias(node.alias(), e);
      case pb::LogicalExprNode::kLiteral:
        e.kind = ExpressionKind::kLiteral;
        return FillLiteral(node.literal(), e);
      case pb::LogicalExprNode::kBinaryExpr:
        e.kind = ExpressionKind::kBinary;
        e.name = OperatorText(node.binary_expr().op());
        return Expressions(node.binary_expr().operands(), e.inputs);
      case pb::LogicalExprNode::kNotExpr:
        return FillUnary(ExpressionKind::kNot, node.not_expr(), e);
      case pb::LogicalExprNode::kNegative:
        return FillUnary(ExpressionKind::kNegative, node.negative(), e);
      case pb::LogicalExprNode::kIsNullExpr:
        return FillUnary(ExpressionKind::kIsNull, node.is_null_expr(), e);
      case pb::LogicalExprNode::kIsNotNullExpr:
        return FillUnary(ExpressionKind::kIsNotNull, node.is_not_null_expr(), e);
      case pb::LogicalExprNode::kIsTrue:
        return FillUnary(ExpressionKind::kIsTrue, node.is_true(), e);
      case pb::LogicalExprNode::kIsFalse:
        return FillUnary(ExpressionKind::kIsFalse, node.is_false(), e);
      case pb::LogicalExprNode::kIsUnknown:
        return FillUnary(ExpressionKind::kIsUnknown, node.is_unknown(), e);
      case pb::LogicalExprNode::kIsNotTrue:
        return FillUnary(ExpressionKind::kIsNotTrue, node.is_not_true(), e);
      case pb::LogicalExprNode::kIsNotFalse:
        return FillUnary(ExpressionKind::kIsNotFalse, node.is_not_false(), e);
      case pb::LogicalExprNode::kIsNotUnknown:
        return FillUnary(ExpressionKind::kIsNotUnknown, node.is_not_unknown(), e);
      case pb::LogicalExprNode::kBetween:
        e.kind = ExpressionKind::kBetween;
        e.negated = node.between().negated();
        return Inputs(e, {&node.between().expr(), &node.between().low(), &node.between().high()});
      case pb::LogicalExprNode::kInList:
        e.kind = ExpressionKind::kInList;
        e.negated = node.in_list().negated();
        WEIR_RETURN_NOT_OK(Inputs(e, {&node.in_list().expr()}));
        return Expressions(node.in_list().list(), e.inputs);
      case pb::LogicalExprNode::kCase:
        return FillCase(node.case_(), e);
      case pb::LogicalExprNode::kCast:
        return FillCast(ExpressionKind::kCast, node.cast(), e);
      case pb::LogicalExprNode::kTryCast:
        return FillCast(ExpressionKind::kTryCast, node.try_cast(), e);
      case pb::LogicalExprNode::kLike:
        return FillLike(ExpressionKind::kLike, node.like(), e);
      case pb::LogicalExprNode::kIlike:
        return FillLike(ExpressionKind::kILike, node.ilike(), e);
      case pb::LogicalExprNode::kSimilarTo:
        return FillLike(ExpressionKind::kSimilarTo, node.similar_to(), e);
      case pb::LogicalExprNode::kScalarUdfExpr:
        e.kind = ExpressionKind::kScalarFunction;
        e.name = node.scalar_udf_expr().fun_name();
        WEIR_RETURN_NOT_OK(RefuseDefinition(node.scalar_udf_expr()));
        return Expressions(node.scalar_udf_expr().args(), e.inputs);
      case pb::LogicalExprNode::kHigherOrderUdfExpr:
        e.kind = ExpressionKind::kHigherOrderFunction;
        e.name = node.higher_order_udf_expr().fun_name();
        WEIR_RETURN_NOT_OK(RefuseDefinition(node.higher_order_udf_expr()));
        return Expressions(node.higher_order_udf_expr().args(), e.inputs);
      case pb::LogicalExprNode::kLambda:
        e.kind = ExpressionKind::kLambda;
        for (const auto& parameter : node.lambda().params()) {
          e.text += (e.text.empty() ? "" : ", ") + parameter;
          e.parameters.push_back(parameter);
        }
        return Inputs(e, {&node.lambda().body()});
      case pb::LogicalExprNode::kLambdaVariable:
        e.kind = ExpressionKind::kLambdaVariable;
        e.name = node.lambda_variable().name();
        if (node.lambda_variable().has_field()) {
          const auto& field = node.lambda_variable().field();
          e.text = field.name();
          e.type = ToArrowType(field.arrow_type());
          e.nullable = field.nullable();
          e.metadata = ToMap(field.metadata());
        }
        return Status::OK();
      case pb::LogicalExprNode::kAggregateUdfExpr:
        return FillAggregate(node.aggregate_udf_expr(), e);
      case pb::LogicalExprNode::kWindowExpr:
        return FillWindow(node.window_expr(), e);
      case pb::LogicalExprNode::kScalarSubqueryExpr:
        return FillSubquery(node.scalar_subquery_expr().subquery(), e);
      case pb::LogicalExprNode::kGroupingSet:
        e.kind = ExpressionKind::kGroupingSets;
        for (const auto& set : node.grouping_set().expr()) {
          WEIR_RETURN_NOT_OK(Expressions(set.expr(), e.inputs));
          e.set_sizes.push_back(set.expr_size());
        }
        return Status::OK();
      case pb::LogicalExprNode::kCube:
        e.kind = ExpressionKind::kCube;
        return Expressions(node.cube().expr(), e.inputs);
      case pb::LogicalExprNode::kRollup:
        e.kind = ExpressionKind::kRollup;
        return Expressions(node.rollup().expr(), e.inputs);
      case pb::LogicalExprNode::kUnnest:
        e.kind = ExpressionKind::kUnnest;
        e.is_outer = node.unnest().outer();
        return Expressions(node.unnest().exprs(), e.inputs);
      case pb::LogicalExprNode::kPlaceholder:
        e.kind = ExpressionKind::kPlaceholder;
        e.name = node.placeholder().id();
        if (node.placeholder().has_data_type())
          e.type = ToArrowType(node.placeholder().data_type());
        if (node.placeholder().has_nullable()) e.nullable = node.placeholder().nullable();
        e.metadata = ToMap(node.placeholder().metadata());
        return Status::OK();
      default:
        return RefuseExpression(node);
    }
  }

  [[gnu::noinline]] static Status RefuseExpression(const pb::LogicalExprNode& node) {
    const auto* field = node.GetDescriptor()->FindFieldByNumber(node.ExprType_case());
    return Status::User(StatusCode::kUnsupported, "a view's plan may not hold the expression `{}`",
                        field == nullptr ? "unknown" : std::string(field->name()));
  }

  /// Functions are known by name; bytes that define one come from nobody that Weir knows.
  template <typename Node>
  [[gnu::noinline]] static Status RefuseDefinition(const Node& node) {
    if (!node.has_fun_definition()) return Status::OK();
    return Status::User(StatusCode::kUnsupported,
                        "a view's plan may not hold a function that brings its own definition");
  }

  [[gnu::noinline]] static Status FillLiteral(const datafusion_common::ScalarValue& node,
                                              Expression& e) {
    WEIR_ASSIGN_OR_RETURN(internal::LiteralValue value, internal::ToLiteral(node));
    e.text = internal::ToLiteralText(value);
    e.literal = std::move(value.value);
    e.type = std::move(value.type);
    return Status::OK();
  }

  [[gnu::noinline]] Status FillAlias(const pb::AliasNode& node, Expression& e) {
    e.name = node.alias();
    if (node.relation_size() > 0) {
      e.relation_parts = ToParts(node.relation(0));
      e.relation = JoinedParts(e.relation_parts);
    }
    e.metadata = ToMap(node.metadata());
    return Inputs(e, {&node.expr()});
  }

  template <typename Node>
  [[gnu::noinline]] Status FillCast(ExpressionKind kind, const Node& node, Expression& e) {
    e.kind = kind;
    e.type = ToArrowType(node.arrow_type());
    if (node.has_nullable()) e.nullable = node.nullable();
    e.metadata = ToMap(node.metadata());
    return Inputs(e, {&node.expr()});
  }

  [[gnu::noinline]] Status FillSubquery(const pb::SubqueryNode& node, Expression& e) {
    e.kind = ExpressionKind::kScalarSubquery;
    WEIR_ASSIGN_OR_RETURN(e.subquery, Node(node.subquery()));
    return Expressions(node.outer_ref_columns(), e.outer_references);
  }

  [[gnu::noinline]] Status FillCase(const pb::CaseNode& node, Expression& e) {
    e.kind = ExpressionKind::kCase;
    e.has_base = node.has_expr();
    e.has_else = node.has_else_expr();
    if (e.has_base) WEIR_RETURN_NOT_OK(Inputs(e, {&node.expr()}));
    for (const auto& when : node.when_then_expr())
      WEIR_RETURN_NOT_OK(Inputs(e, {&when.when_expr(), &when.then_expr()}));
    if (e.has_else) WEIR_RETURN_NOT_OK(Inputs(e, {&node.else_expr()}));
    return Status::OK();
  }

  [[gnu::noinline]] Status FillAggregate(const pb::AggregateUDFExprNode& node, Expression& e) {
    e.kind = ExpressionKind::kAggregateFunction;
    e.name = node.fun_name();
    e.distinct = node.distinct();
    FillNullTreatment(node, e);
    WEIR_RETURN_NOT_OK(RefuseDefinition(node));
    WEIR_RETURN_NOT_OK(Expressions(node.args(), e.inputs));
    if (node.has_filter()) {
      WEIR_ASSIGN_OR_RETURN(Expression filter, Expr(node.filter()));
      e.filter.push_back(std::move(filter));
    }
    return SortKeys(node.order_by(), e.order_by);
  }

  [[gnu::noinline]] Status FillWindow(const pb::WindowExprNode& node, Expression& e) {
    e.kind = ExpressionKind::kWindowFunction;
    e.name = node.has_udaf() ? node.udaf() : node.udwf();
    e.distinct = node.distinct();
    e.is_aggregate = node.has_udaf();
    FillNullTreatment(node, e);
    WEIR_RETURN_NOT_OK(RefuseDefinition(node));
    WEIR_RETURN_NOT_OK(FillFrame(node, e));
    WEIR_RETURN_NOT_OK(Expressions(node.exprs(), e.inputs));
    if (node.has_filter()) {
      WEIR_ASSIGN_OR_RETURN(Expression filter, Expr(node.filter()));
      e.filter.push_back(std::move(filter));
    }
    WEIR_RETURN_NOT_OK(Expressions(node.partition_by(), e.partition_by));
    return SortKeys(node.order_by(), e.order_by);
  }

  template <typename Node>
  static void FillNullTreatment(const Node& node, Expression& e) {
    e.ignore_nulls = node.has_null_treatment() && node.null_treatment() == pb::IGNORE_NULLS;
    e.respect_nulls = node.has_null_treatment() && !e.ignore_nulls;
  }

  Result<FrameBound> ToBound(const pb::WindowFrameBound& node) {
    FrameBound bound{
        .kind = node.window_frame_bound_type() == pb::CURRENT_ROW ? FrameBoundKind::kCurrentRow
                : node.window_frame_bound_type() == pb::PRECEDING ? FrameBoundKind::kPreceding
                                                                  : FrameBoundKind::kFollowing};
    if (node.has_bound_value()) {
      bound.distance.emplace();
      WEIR_RETURN_NOT_OK(FillLiteral(node.bound_value(), *bound.distance));
    }
    return bound;
  }

  [[gnu::noinline]] Status FillFrame(const pb::WindowExprNode& node, Expression& e) {
    const pb::WindowFrame& proto = node.window_frame();
    auto frame = std::make_shared<WindowFrame>();
    frame->units = proto.window_frame_units() == pb::RANGE    ? FrameUnits::kRange
                   : proto.window_frame_units() == pb::GROUPS ? FrameUnits::kGroups
                                                              : FrameUnits::kRows;
    WEIR_ASSIGN_OR_RETURN(frame->start, ToBound(proto.start_bound()));
    if (proto.has_bound()) {
      WEIR_ASSIGN_OR_RETURN(frame->end, ToBound(proto.bound()));
    }
    e.text = ToText(*frame);
    if (node.has_window_frame()) e.frame = std::move(frame);
    return Status::OK();
  }

  Outputs outputs_;
  size_t next_output_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<std::shared_ptr<const LogicalPlan>> DecodePlan(std::string_view proto_bytes,
                                                      std::string_view outputs_json) {
  google::protobuf::Arena arena;
  WEIR_ASSIGN_OR_RETURN(const pb::LogicalPlanNode* node, internal::ParsePlan(proto_bytes, arena));
  WEIR_ASSIGN_OR_RETURN(auto outputs, internal::ParseOutputs(outputs_json));
  return Decoder(std::move(outputs)).Decode(*node);
}

}  // namespace weir

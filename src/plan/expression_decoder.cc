// SPDX-License-Identifier: Apache-2.0

#include <arrow/api.h>

#include "weir/plan/plan_decoder.h"
#include "weir/plan/proto_names.h"
#include "weir/plan/proto_values.h"

namespace weir::internal {

namespace pb = datafusion;

Status Decoder::Inputs(Expression& expression,
                       std::initializer_list<const pb::LogicalExprNode*> nodes) {
  for (const auto* node : nodes) {
    WEIR_ASSIGN_OR_RETURN(Expression input, Expr(*node));
    expression.inputs.push_back(std::move(input));
  }
  return Status::OK();
}

Result<Expression> Decoder::Expr(const pb::LogicalExprNode& node) {
  const Level level(depth_);
  WEIR_RETURN_NOT_OK(level.Check());
  Expression expression;
  WEIR_RETURN_NOT_OK(FillExpr(node, expression));
  return expression;
}

template <typename Proto>
Status Decoder::FillUnary(ExpressionKind kind, const Proto& node, Expression& e) {
  e.kind = kind;
  return Inputs(e, {&node.expr()});
}

template <typename Proto>
Status Decoder::FillLike(ExpressionKind kind, const Proto& node, Expression& e) {
  e.kind = kind;
  e.negated = node.negated();
  e.text = node.escape_char();
  return Inputs(e, {&node.expr(), &node.pattern()});
}

Status Decoder::FillExpr(const pb::LogicalExprNode& node, Expression& e) {
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
      if (node.placeholder().has_data_type()) e.type = ToArrowType(node.placeholder().data_type());
      if (node.placeholder().has_nullable()) e.nullable = node.placeholder().nullable();
      e.metadata = ToMap(node.placeholder().metadata());
      return Status::OK();
    default:
      return RefuseExpression(node);
  }
}

Status Decoder::RefuseExpression(const pb::LogicalExprNode& node) {
  const auto* field = node.GetDescriptor()->FindFieldByNumber(node.ExprType_case());
  return Status::User(StatusCode::kUnsupported, "a view's plan may not hold the expression `{}`",
                      field == nullptr ? "unknown" : std::string(field->name()));
}

template <typename Proto>
Status Decoder::RefuseDefinition(const Proto& node) {
  if (!node.has_fun_definition()) return Status::OK();
  return Status::User(StatusCode::kUnsupported,
                      "a view's plan may not hold a function that brings its own definition");
}

Status Decoder::FillLiteral(const datafusion_common::ScalarValue& node, Expression& e) {
  WEIR_ASSIGN_OR_RETURN(LiteralValue value, ToLiteral(node));
  e.text = ToLiteralText(value);
  e.literal = std::move(value.value);
  e.type = std::move(value.type);
  return Status::OK();
}

Status Decoder::FillAlias(const pb::AliasNode& node, Expression& e) {
  e.name = node.alias();
  if (node.relation_size() > 0) {
    e.relation_parts = ToParts(node.relation(0));
    e.relation = JoinedParts(e.relation_parts);
  }
  e.metadata = ToMap(node.metadata());
  return Inputs(e, {&node.expr()});
}

template <typename Proto>
Status Decoder::FillCast(ExpressionKind kind, const Proto& node, Expression& e) {
  e.kind = kind;
  e.type = ToArrowType(node.arrow_type());
  if (node.has_nullable()) e.nullable = node.nullable();
  e.metadata = ToMap(node.metadata());
  return Inputs(e, {&node.expr()});
}

Status Decoder::FillSubquery(const pb::SubqueryNode& node, Expression& e) {
  e.kind = ExpressionKind::kScalarSubquery;
  WEIR_ASSIGN_OR_RETURN(e.subquery, Node(node.subquery()));
  return Expressions(node.outer_ref_columns(), e.outer_references);
}

Status Decoder::FillCase(const pb::CaseNode& node, Expression& e) {
  e.kind = ExpressionKind::kCase;
  e.has_base = node.has_expr();
  e.has_else = node.has_else_expr();
  if (e.has_base) WEIR_RETURN_NOT_OK(Inputs(e, {&node.expr()}));
  for (const auto& when : node.when_then_expr())
    WEIR_RETURN_NOT_OK(Inputs(e, {&when.when_expr(), &when.then_expr()}));
  if (e.has_else) WEIR_RETURN_NOT_OK(Inputs(e, {&node.else_expr()}));
  return Status::OK();
}

Status Decoder::FillAggregate(const pb::AggregateUDFExprNode& node, Expression& e) {
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

Status Decoder::FillWindow(const pb::WindowExprNode& node, Expression& e) {
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

template <typename Proto>
void Decoder::FillNullTreatment(const Proto& node, Expression& e) {
  e.ignore_nulls = node.has_null_treatment() && node.null_treatment() == pb::IGNORE_NULLS;
  e.respect_nulls = node.has_null_treatment() && !e.ignore_nulls;
}

Result<FrameBound> Decoder::ToBound(const pb::WindowFrameBound& node) {
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

Status Decoder::FillFrame(const pb::WindowExprNode& node, Expression& e) {
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

}  // namespace weir::internal

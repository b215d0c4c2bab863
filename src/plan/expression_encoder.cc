// SPDX-License-Identifier: Apache-2.0

#include <arrow/api.h>

#include "weir/plan/plan_encoder.h"
#include "weir/plan/proto_names.h"
#include "weir/plan/proto_values.h"

namespace weir::internal {

namespace {

namespace pb = datafusion;

template <typename Map>
void FromMap(const std::map<std::string, std::string>& map, Map& proto) {
  for (const auto& [key, value] : map) proto[key] = value;
}

Status CheckInputs(const Expression& e, size_t least) {
  if (e.inputs.size() >= least) return Status::OK();
  return Status::Bug("an expression of kind {} needs {} inputs, it has {}",
                     static_cast<int>(e.kind), least, e.inputs.size());
}

template <typename Proto>
void SetNullTreatment(const Expression& e, Proto& node) {
  if (e.ignore_nulls)
    node.set_null_treatment(pb::IGNORE_NULLS);
  else if (e.respect_nulls)
    node.set_null_treatment(pb::RESPECT_NULLS);
}

}  // namespace

Status Encoder::Expressions(const std::vector<Expression>& expressions, size_t begin, size_t end,
                            Repeated<ExprNode>& nodes) {
  for (size_t i = begin; i < end; ++i) WEIR_RETURN_NOT_OK(Expr(expressions[i], *nodes.Add()));
  return Status::OK();
}

Status Encoder::Inputs(const Expression& e, size_t begin, size_t end, Repeated<ExprNode>& nodes) {
  return Expressions(e.inputs, begin, end, nodes);
}

Status Encoder::SortKeys(const std::vector<SortKey>& keys, Repeated<pb::SortExprNode>& nodes) {
  for (const SortKey& key : keys) {
    auto& node = *nodes.Add();
    node.set_asc(key.ascending);
    node.set_nulls_first(key.nulls_first);
    WEIR_RETURN_NOT_OK(Expr(key.expression, *node.mutable_expr()));
  }
  return Status::OK();
}

template <typename Proto>
Status Encoder::Unary(const Expression& e, Proto& node) {
  WEIR_RETURN_NOT_OK(CheckInputs(e, 1));
  return Expr(e.inputs[0], *node.mutable_expr());
}

template <typename Proto>
Status Encoder::Like(const Expression& e, Proto& node) {
  WEIR_RETURN_NOT_OK(CheckInputs(e, 2));
  node.set_negated(e.negated);
  node.set_escape_char(e.text);
  WEIR_RETURN_NOT_OK(Expr(e.inputs[0], *node.mutable_expr()));
  return Expr(e.inputs[1], *node.mutable_pattern());
}

template <typename Proto>
Status Encoder::Cast(const Expression& e, Proto& node) {
  if (e.type == nullptr) return Status::Bug("a cast has no type");
  WEIR_RETURN_NOT_OK(FromArrowType(*e.type, *node.mutable_arrow_type()));
  if (e.nullable) node.set_nullable(*e.nullable);
  FromMap(e.metadata, *node.mutable_metadata());
  return Unary(e, node);
}

Status Encoder::Alias(const Expression& e, pb::AliasNode& node) {
  node.set_alias(e.name);
  FromMap(e.metadata, *node.mutable_metadata());
  if (e.relation_parts.size() > 3)
    return Status::Bug("a table's name has {} parts", e.relation_parts.size());
  if (!e.relation_parts.empty())
    FromParts(e.relation_parts, *node.add_relation());
  else if (e.relation)
    FromParts({*e.relation}, *node.add_relation());
  return Unary(e, node);
}

Status Encoder::Literal(const Expression& e, datafusion_common::ScalarValue& node) {
  if (e.literal == nullptr) return Status::Bug("a literal has no value: `{}`", e.text);
  return FromLiteral(*e.literal, e.type.get(), node);
}

Status Encoder::Case(const Expression& e, pb::CaseNode& node) {
  size_t next = e.has_base ? 1 : 0;
  WEIR_RETURN_NOT_OK(CheckInputs(e, next + (e.has_else ? 1 : 0)));
  const size_t end = e.inputs.size() - (e.has_else ? 1 : 0);
  if ((end - next) % 2 != 0) return Status::Bug("a CASE has a WHEN without a THEN");
  if (e.has_base) WEIR_RETURN_NOT_OK(Expr(e.inputs[0], *node.mutable_expr()));
  for (; next < end; next += 2) {
    auto& when = *node.add_when_then_expr();
    WEIR_RETURN_NOT_OK(Expr(e.inputs[next], *when.mutable_when_expr()));
    WEIR_RETURN_NOT_OK(Expr(e.inputs[next + 1], *when.mutable_then_expr()));
  }
  return e.has_else ? Expr(e.inputs.back(), *node.mutable_else_expr()) : Status::OK();
}

Status Encoder::AggregateFunction(const Expression& e, pb::AggregateUDFExprNode& node) {
  node.set_fun_name(e.name);
  node.set_distinct(e.distinct);
  SetNullTreatment(e, node);
  WEIR_RETURN_NOT_OK(Inputs(e, 0, e.inputs.size(), *node.mutable_args()));
  if (!e.filter.empty()) WEIR_RETURN_NOT_OK(Expr(e.filter[0], *node.mutable_filter()));
  return SortKeys(e.order_by, *node.mutable_order_by());
}

Status Encoder::Bound(const FrameBound& bound, pb::WindowFrameBound& node) {
  node.set_window_frame_bound_type(bound.kind == FrameBoundKind::kCurrentRow  ? pb::CURRENT_ROW
                                   : bound.kind == FrameBoundKind::kPreceding ? pb::PRECEDING
                                                                              : pb::FOLLOWING);
  return bound.distance ? Literal(*bound.distance, *node.mutable_bound_value()) : Status::OK();
}

Status Encoder::Window(const Expression& e, pb::WindowExprNode& node) {
  if (e.is_aggregate)
    node.set_udaf(e.name);
  else
    node.set_udwf(e.name);
  node.set_distinct(e.distinct);
  SetNullTreatment(e, node);
  if (e.frame != nullptr) {
    auto& frame = *node.mutable_window_frame();
    frame.set_window_frame_units(e.frame->units == FrameUnits::kRange    ? pb::RANGE
                                 : e.frame->units == FrameUnits::kGroups ? pb::GROUPS
                                                                         : pb::ROWS);
    WEIR_RETURN_NOT_OK(Bound(e.frame->start, *frame.mutable_start_bound()));
    if (e.frame->end) WEIR_RETURN_NOT_OK(Bound(*e.frame->end, *frame.mutable_bound()));
  }
  WEIR_RETURN_NOT_OK(Inputs(e, 0, e.inputs.size(), *node.mutable_exprs()));
  if (!e.filter.empty()) WEIR_RETURN_NOT_OK(Expr(e.filter[0], *node.mutable_filter()));
  WEIR_RETURN_NOT_OK(
      Expressions(e.partition_by, 0, e.partition_by.size(), *node.mutable_partition_by()));
  return SortKeys(e.order_by, *node.mutable_order_by());
}

Status Encoder::GroupingSets(const Expression& e, pb::GroupingSetNode& node) {
  size_t next = 0;
  for (int size : e.set_sizes) {
    const size_t end = next + static_cast<size_t>(size);
    WEIR_RETURN_NOT_OK(CheckInputs(e, end));
    WEIR_RETURN_NOT_OK(Inputs(e, next, end, *node.add_expr()->mutable_expr()));
    next = end;
  }
  return Status::OK();
}

Status Encoder::LambdaVariable(const Expression& e, pb::LambdaVariable& node) {
  node.set_name(e.name);
  if (e.type == nullptr) return Status::OK();
  auto& field = *node.mutable_field();
  field.set_name(e.text);
  field.set_nullable(e.nullable.value_or(true));
  FromMap(e.metadata, *field.mutable_metadata());
  return FromArrowType(*e.type, *field.mutable_arrow_type());
}

Status Encoder::Placeholder(const Expression& e, pb::PlaceholderNode& node) {
  node.set_id(e.name);
  if (e.nullable) node.set_nullable(*e.nullable);
  FromMap(e.metadata, *node.mutable_metadata());
  return e.type == nullptr ? Status::OK() : FromArrowType(*e.type, *node.mutable_data_type());
}

/// NOT, minus, and the tests with IS.
Status Encoder::Boolean(const Expression& e, ExprNode& node) {
  switch (e.kind) {
    case ExpressionKind::kNot:
      return Unary(e, *node.mutable_not_expr());
    case ExpressionKind::kNegative:
      return Unary(e, *node.mutable_negative());
    case ExpressionKind::kIsNull:
      return Unary(e, *node.mutable_is_null_expr());
    case ExpressionKind::kIsNotNull:
      return Unary(e, *node.mutable_is_not_null_expr());
    case ExpressionKind::kIsTrue:
      return Unary(e, *node.mutable_is_true());
    case ExpressionKind::kIsFalse:
      return Unary(e, *node.mutable_is_false());
    case ExpressionKind::kIsUnknown:
      return Unary(e, *node.mutable_is_unknown());
    case ExpressionKind::kIsNotTrue:
      return Unary(e, *node.mutable_is_not_true());
    case ExpressionKind::kIsNotFalse:
      return Unary(e, *node.mutable_is_not_false());
    case ExpressionKind::kIsNotUnknown:
      return Unary(e, *node.mutable_is_not_unknown());
    default:
      return Status::Bug("unknown kind of expression: {}", static_cast<int>(e.kind));
  }
}

/// What has several parts of different meaning.
Status Encoder::Compound(const Expression& e, ExprNode& node) {
  const size_t count = e.inputs.size();
  switch (e.kind) {
    case ExpressionKind::kBetween: {
      WEIR_RETURN_NOT_OK(CheckInputs(e, 3));
      auto& between = *node.mutable_between();
      between.set_negated(e.negated);
      WEIR_RETURN_NOT_OK(Expr(e.inputs[0], *between.mutable_expr()));
      WEIR_RETURN_NOT_OK(Expr(e.inputs[1], *between.mutable_low()));
      return Expr(e.inputs[2], *between.mutable_high());
    }
    case ExpressionKind::kInList:
      node.mutable_in_list()->set_negated(e.negated);
      WEIR_RETURN_NOT_OK(Unary(e, *node.mutable_in_list()));
      return Inputs(e, 1, count, *node.mutable_in_list()->mutable_list());
    case ExpressionKind::kLike:
      return Like(e, *node.mutable_like());
    case ExpressionKind::kILike:
      return Like(e, *node.mutable_ilike());
    case ExpressionKind::kSimilarTo:
      return Like(e, *node.mutable_similar_to());
    case ExpressionKind::kLambda:
      WEIR_RETURN_NOT_OK(CheckInputs(e, 1));
      node.mutable_lambda()->mutable_params()->Assign(e.parameters.begin(), e.parameters.end());
      return Expr(e.inputs[0], *node.mutable_lambda()->mutable_body());
    case ExpressionKind::kScalarSubquery: {
      if (e.subquery == nullptr) return Status::Bug("a subquery has no plan");
      auto& subquery = *node.mutable_scalar_subquery_expr()->mutable_subquery();
      WEIR_RETURN_NOT_OK(Node(*e.subquery, *subquery.mutable_subquery()));
      return Expressions(e.outer_references, 0, e.outer_references.size(),
                         *subquery.mutable_outer_ref_columns());
    }
    case ExpressionKind::kUnnest:
      node.mutable_unnest()->set_outer(e.is_outer);
      return Inputs(e, 0, count, *node.mutable_unnest()->mutable_exprs());
    default:
      return Boolean(e, node);
  }
}

Status Encoder::Expr(const Expression& e, ExprNode& node) {
  const size_t count = e.inputs.size();
  switch (e.kind) {
    case ExpressionKind::kColumn:
      node.mutable_column()->set_name(e.name);
      if (e.relation) node.mutable_column()->mutable_relation()->set_relation(*e.relation);
      return Status::OK();
    case ExpressionKind::kLiteral:
      return Literal(e, *node.mutable_literal());
    case ExpressionKind::kAlias:
      return Alias(e, *node.mutable_alias());
    case ExpressionKind::kBinary:
      WEIR_RETURN_NOT_OK(CheckInputs(e, 2));
      node.mutable_binary_expr()->set_op(OperatorName(e.name));
      return Inputs(e, 0, count, *node.mutable_binary_expr()->mutable_operands());
    case ExpressionKind::kCase:
      return Case(e, *node.mutable_case_());
    case ExpressionKind::kCast:
      return Cast(e, *node.mutable_cast());
    case ExpressionKind::kTryCast:
      return Cast(e, *node.mutable_try_cast());
    case ExpressionKind::kScalarFunction:
      node.mutable_scalar_udf_expr()->set_fun_name(e.name);
      return Inputs(e, 0, count, *node.mutable_scalar_udf_expr()->mutable_args());
    case ExpressionKind::kHigherOrderFunction:
      node.mutable_higher_order_udf_expr()->set_fun_name(e.name);
      return Inputs(e, 0, count, *node.mutable_higher_order_udf_expr()->mutable_args());
    case ExpressionKind::kLambdaVariable:
      return LambdaVariable(e, *node.mutable_lambda_variable());
    case ExpressionKind::kAggregateFunction:
      return AggregateFunction(e, *node.mutable_aggregate_udf_expr());
    case ExpressionKind::kWindowFunction:
      return Window(e, *node.mutable_window_expr());
    case ExpressionKind::kGroupingSets:
      return GroupingSets(e, *node.mutable_grouping_set());
    case ExpressionKind::kCube:
      return Inputs(e, 0, count, *node.mutable_cube()->mutable_expr());
    case ExpressionKind::kRollup:
      return Inputs(e, 0, count, *node.mutable_rollup()->mutable_expr());
    case ExpressionKind::kPlaceholder:
      return Placeholder(e, *node.mutable_placeholder());
    default:
      return Compound(e, node);
  }
}

}  // namespace weir::internal

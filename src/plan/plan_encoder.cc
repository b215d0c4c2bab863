// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_encoder.h"

#include <algorithm>

#include <arrow/api.h>

#include "weir/plan/proto_bytes.h"
#include "weir/plan/proto_names.h"
#include "weir/plan/proto_values.h"

namespace weir {

namespace internal {

namespace {

namespace pb = datafusion;

void FromColumnName(const ColumnName& name, datafusion_common::Column& column) {
  column.set_name(name.name);
  if (name.relation) column.mutable_relation()->set_relation(*name.relation);
}

Status CheckCount(const LogicalPlan& plan, std::string_view what, size_t count, size_t least) {
  if (count >= least) return Status::OK();
  return Status::Bug("a {} needs {} {}, it has {}", ToString(plan.kind), least, what, count);
}

}  // namespace

Status Encoder::Input(const LogicalPlan& plan, size_t index, pb::LogicalPlanNode& node) {
  WEIR_RETURN_NOT_OK(CheckCount(plan, "inputs", plan.inputs.size(), index + 1));
  return Node(*plan.inputs[index], node);
}

Status Encoder::TableName(const LogicalPlan& plan, pb::TableReference& reference) {
  if (plan.name_parts.size() > 3)
    return Status::Bug("a table's name has {} parts", plan.name_parts.size());
  FromParts(plan.name_parts.empty() ? std::vector{plan.name} : plan.name_parts, reference);
  return Status::OK();
}

Status Encoder::Node(const LogicalPlan& plan, pb::LogicalPlanNode& node) {
  const auto first_expression = [&]() -> Result<const Expression*> {
    WEIR_RETURN_NOT_OK(CheckCount(plan, "expressions", plan.expressions.size(), 1));
    return &plan.expressions[0];
  };
  const auto expressions = [&](auto& nodes) {
    return Expressions(plan.expressions, 0, plan.expressions.size(), nodes);
  };
  switch (plan.kind) {
    case PlanKind::kScan:
      return Scan(plan, *node.mutable_custom_scan());
    case PlanKind::kProjection:
      WEIR_RETURN_NOT_OK(expressions(*node.mutable_projection()->mutable_expr()));
      return Input(plan, 0, *node.mutable_projection()->mutable_input());
    case PlanKind::kFilter: {
      WEIR_ASSIGN_OR_RETURN(const Expression* predicate, first_expression());
      WEIR_RETURN_NOT_OK(Expr(*predicate, *node.mutable_selection()->mutable_expr()));
      return Input(plan, 0, *node.mutable_selection()->mutable_input());
    }
    case PlanKind::kJoin:
      if (plan.text != "Cross") return Join(plan, *node.mutable_join());
      WEIR_RETURN_NOT_OK(Input(plan, 0, *node.mutable_cross_join()->mutable_left()));
      return Input(plan, 1, *node.mutable_cross_join()->mutable_right());
    case PlanKind::kAggregate:
      return Aggregate(plan, *node.mutable_aggregate());
    case PlanKind::kWindow:
      WEIR_RETURN_NOT_OK(expressions(*node.mutable_window()->mutable_window_expr()));
      return Input(plan, 0, *node.mutable_window()->mutable_input());
    case PlanKind::kSort:
      node.mutable_sort()->set_fetch(plan.fetch);
      WEIR_RETURN_NOT_OK(SortKeys(plan.sort_keys, *node.mutable_sort()->mutable_expr()));
      return Input(plan, 0, *node.mutable_sort()->mutable_input());
    case PlanKind::kLimit:
      node.mutable_limit()->set_skip(plan.skip);
      node.mutable_limit()->set_fetch(plan.fetch);
      return Input(plan, 0, *node.mutable_limit()->mutable_input());
    case PlanKind::kUnion:
      node.mutable_union_();
      for (const auto& input : plan.inputs)
        WEIR_RETURN_NOT_OK(Node(*input, *node.mutable_union_()->add_inputs()));
      return Status::OK();
    case PlanKind::kDistinct:
      return Input(plan, 0, *node.mutable_distinct()->mutable_input());
    case PlanKind::kDistinctOn:
      return DistinctOn(plan, *node.mutable_distinct_on());
    case PlanKind::kUnnest:
      return Unnest(plan, *node.mutable_unnest());
    case PlanKind::kRecursiveQuery: {
      auto& query = *node.mutable_recursive_query();
      query.set_name(plan.name);
      query.set_is_distinct(plan.distinct);
      WEIR_RETURN_NOT_OK(Input(plan, 0, *query.mutable_static_term()));
      return Input(plan, 1, *query.mutable_recursive_term());
    }
    case PlanKind::kWorkTable:
      node.mutable_cte_work_table_scan()->set_name(plan.name);
      if (plan.schema == nullptr)
        return Status::Bug("the work table `{}` has no schema", plan.name);
      return FromArrowSchema(*plan.schema, *node.mutable_cte_work_table_scan()->mutable_schema());
    case PlanKind::kValues:
      node.mutable_values()->set_n_cols(plan.column_count);
      return expressions(*node.mutable_values()->mutable_values_list());
    case PlanKind::kEmptyRelation:
      return EmptyRelation(plan, node);
    case PlanKind::kSubqueryAlias:
      WEIR_RETURN_NOT_OK(TableName(plan, *node.mutable_subquery_alias()->mutable_alias()));
      return Input(plan, 0, *node.mutable_subquery_alias()->mutable_input());
    case PlanKind::kRepartition:
      return Repartition(plan, *node.mutable_repartition());
  }
  return Status::Bug("unknown kind of node: {}", static_cast<int>(plan.kind));
}

Status Encoder::Scan(const LogicalPlan& plan, pb::CustomTableScanNode& node) {
  if (!plan.scan || plan.scan->schema == nullptr) return Status::Bug("a Scan has no table");
  WEIR_RETURN_NOT_OK(TableName(plan, *node.mutable_table_name()));
  node.set_custom_table_data(
      TableReferenceJson(RegisteredName(ToParts(node.table_name())), plan.scan->scan_id));
  WEIR_RETURN_NOT_OK(FromArrowSchema(*plan.scan->schema, *node.mutable_schema()));
  if (!plan.scan->all_columns) {
    node.mutable_projection()->mutable_columns()->Assign(plan.scan->columns.begin(),
                                                         plan.scan->columns.end());
  }
  return Expressions(plan.expressions, 0, plan.expressions.size(), *node.mutable_filters());
}

Status Encoder::EmptyRelation(const LogicalPlan& plan, pb::LogicalPlanNode& node) {
  if (plan.schema == nullptr) {
    node.mutable_empty_relation()->set_produce_one_row(plan.produce_one_row);
    return Status::OK();
  }
  auto& scan = *node.mutable_empty_table_scan();
  WEIR_RETURN_NOT_OK(TableName(plan, *scan.mutable_table_name()));
  WEIR_RETURN_NOT_OK(FromArrowSchema(*plan.schema, *scan.mutable_schema()));
  if (plan.columns) {
    scan.mutable_projection()->mutable_columns()->Assign(plan.columns->begin(),
                                                         plan.columns->end());
  }
  return Expressions(plan.expressions, 0, plan.expressions.size(), *scan.mutable_filters());
}

Status Encoder::Join(const LogicalPlan& plan, pb::JoinNode& node) {
  const auto type = JoinTypeNumber(plan.text);
  if (!type) return Status::Bug("unknown type of join: `{}`", plan.text);
  node.set_join_type(static_cast<datafusion_common::JoinType>(*type));
  node.set_join_constraint(plan.is_using ? datafusion_common::USING : datafusion_common::ON);
  node.set_null_equality(plan.null_equals_null ? datafusion_common::NULL_EQUALS_NULL
                                               : datafusion_common::NULL_EQUALS_NOTHING);
  node.set_null_aware(plan.null_aware);
  WEIR_RETURN_NOT_OK(
      CheckCount(plan, "expressions", plan.expressions.size(), plan.has_filter ? 1 : 0));
  const size_t keys = plan.expressions.size() - (plan.has_filter ? 1 : 0);
  if (keys % 2 != 0) return Status::Bug("a Join has {} keys, an odd number", keys);
  for (size_t i = 0; i < keys; i += 2) {
    WEIR_RETURN_NOT_OK(Expr(plan.expressions[i], *node.add_left_join_key()));
    WEIR_RETURN_NOT_OK(Expr(plan.expressions[i + 1], *node.add_right_join_key()));
  }
  if (plan.has_filter) WEIR_RETURN_NOT_OK(Expr(plan.expressions.back(), *node.mutable_filter()));
  WEIR_RETURN_NOT_OK(Input(plan, 0, *node.mutable_left()));
  return Input(plan, 1, *node.mutable_right());
}

Status Encoder::Aggregate(const LogicalPlan& plan, pb::AggregateNode& node) {
  const size_t count = plan.expressions.size();
  WEIR_RETURN_NOT_OK(CheckCount(plan, "expressions", count, plan.group_count));
  WEIR_RETURN_NOT_OK(
      Expressions(plan.expressions, 0, plan.group_count, *node.mutable_group_expr()));
  WEIR_RETURN_NOT_OK(
      Expressions(plan.expressions, plan.group_count, count, *node.mutable_aggr_expr()));
  return Input(plan, 0, *node.mutable_input());
}

Status Encoder::DistinctOn(const LogicalPlan& plan, pb::DistinctOnNode& node) {
  const size_t count = plan.expressions.size();
  WEIR_RETURN_NOT_OK(CheckCount(plan, "expressions", count, plan.group_count));
  WEIR_RETURN_NOT_OK(Expressions(plan.expressions, 0, plan.group_count, *node.mutable_on_expr()));
  WEIR_RETURN_NOT_OK(
      Expressions(plan.expressions, plan.group_count, count, *node.mutable_select_expr()));
  WEIR_RETURN_NOT_OK(SortKeys(plan.sort_keys, *node.mutable_sort_expr()));
  return Input(plan, 0, *node.mutable_input());
}

Status Encoder::Unnest(const LogicalPlan& plan, pb::UnnestNode& node) {
  if (plan.unnest_spec == nullptr || plan.unnest_spec->schema == nullptr)
    return Status::Bug("an Unnest does not say what it unnests");
  const UnnestSpec& spec = *plan.unnest_spec;
  for (const ColumnName& column : spec.columns) FromColumnName(column, *node.add_exec_columns());
  for (const UnnestedList& list : spec.lists) {
    auto& item = *node.add_list_type_columns();
    item.set_input_index(static_cast<uint32_t>(list.input_index));
    FromColumnName(list.output, *item.mutable_recursion()->mutable_output_column());
    item.mutable_recursion()->set_depth(list.depth);
  }
  for (size_t index : spec.structs) node.add_struct_type_columns(index);
  for (const UnnestColumn& column : plan.unnest) node.add_dependency_indices(column.input_index);
  datafusion_common::Schema schema;
  WEIR_RETURN_NOT_OK(FromArrowSchema(*spec.schema, schema));
  *node.mutable_schema()->mutable_metadata() = schema.metadata();
  for (int i = 0; i < schema.columns_size(); ++i) {
    auto& column = *node.mutable_schema()->add_columns();
    *column.mutable_field() = schema.columns(i);
    const auto at = static_cast<size_t>(i);
    if (at < spec.relations.size() && spec.relations[at])
      column.mutable_qualifier()->set_relation(*spec.relations[at]);
  }
  auto& options = *node.mutable_options();
  options.set_null_handling(static_cast<pb::UnnestOptions::NullHandling>(spec.nulls));
  for (const UnnestRecursion& recursion : spec.recursions) {
    auto& option = *options.add_recursions();
    FromColumnName(recursion.output, *option.mutable_output_column());
    FromColumnName(recursion.input, *option.mutable_input_column());
    option.set_depth(recursion.depth);
  }
  return Input(plan, 0, *node.mutable_input());
}

Status Encoder::Repartition(const LogicalPlan& plan, pb::RepartitionNode& node) {
  if (plan.expressions.empty()) {
    node.set_round_robin(plan.partition_count);
  } else {
    node.mutable_hash()->set_partition_count(plan.partition_count);
    WEIR_RETURN_NOT_OK(Expressions(plan.expressions, 0, plan.expressions.size(),
                                   *node.mutable_hash()->mutable_hash_expr()));
  }
  return Input(plan, 0, *node.mutable_input());
}

}  // namespace internal

Result<std::string> EncodePlan(const LogicalPlan& plan) {
  datafusion::LogicalPlanNode node;
  WEIR_RETURN_NOT_OK(internal::Encoder().Node(plan, node));
  return internal::ToBytes(node);
}

Result<std::string> EncodeExpression(const Expression& expression) {
  datafusion::LogicalExprNode node;
  WEIR_RETURN_NOT_OK(internal::Encoder().Expr(expression, node));
  return internal::ToBytes(node);
}

}  // namespace weir

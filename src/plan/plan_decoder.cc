// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_decoder.h"

#include <arrow/api.h>

#include "weir/plan/plan_outputs.h"
#include "weir/plan/proto_names.h"
#include "weir/plan/proto_values.h"

namespace weir {

namespace internal {

namespace {

namespace pb = datafusion;

constexpr std::string_view kDefaultSchema = "public.";

ColumnName ToColumnName(const datafusion_common::Column& column) {
  ColumnName name{.name = column.name()};
  if (column.has_relation()) name.relation = column.relation().relation();
  return name;
}

}  // namespace

Result<Decoder::NodePtr> Decoder::Node(const pb::LogicalPlanNode& node) {
  const Level level(depth_);
  WEIR_RETURN_NOT_OK(level.Check());
  auto plan = std::make_shared<LogicalPlan>();
  WEIR_RETURN_NOT_OK(TakeOutputs(*plan));
  WEIR_RETURN_NOT_OK(Fill(node, *plan));
  return plan;
}

Status Decoder::TakeOutputs(LogicalPlan& plan) {
  if (next_output_ >= outputs_.size())
    return Status::Bug("a plan came with the columns of too few nodes ({})", outputs_.size());
  plan.outputs = std::move(outputs_[next_output_++]);
  return Status::OK();
}

Status Decoder::Input(const pb::LogicalPlanNode& node, LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(NodePtr input, Node(node));
  plan.inputs.push_back(std::move(input));
  return Status::OK();
}

Status Decoder::Fill(const pb::LogicalPlanNode& node, LogicalPlan& plan) {
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

Status Decoder::Refuse(const std::string& node) {
  return Status::User(StatusCode::kUnsupported, "a view's plan may not hold the node `{}`", node);
}

Status Decoder::FillRepartition(const pb::RepartitionNode& node, LogicalPlan& plan) {
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

Status Decoder::FillEmptyTable(const pb::EmptyTableScanNode& node, LogicalPlan& plan) {
  plan.kind = PlanKind::kEmptyRelation;
  plan.name_parts = ToParts(node.table_name());
  plan.schema = ToArrowSchema(node.schema());
  if (node.has_projection())
    plan.columns.emplace(node.projection().columns().begin(), node.projection().columns().end());
  return Expressions(node.filters(), plan.expressions);
}

std::string Decoder::NodeName(const pb::LogicalPlanNode& node) {
  const auto* field = node.GetDescriptor()->FindFieldByNumber(node.LogicalPlanType_case());
  return field == nullptr ? "unknown" : std::string(field->name());
}

Status Decoder::FillScan(const pb::CustomTableScanNode& node, LogicalPlan& plan) {
  plan.kind = PlanKind::kScan;
  plan.name_parts = ToParts(node.table_name());
  plan.name = JoinedParts(plan.name_parts);
  Scan scan;
  scan.scan_id = ScanIdOf(node.custom_table_data());
  scan.table = RegisteredName(plan.name_parts);
  if (TableReferenceJson(scan.table, scan.scan_id) != node.custom_table_data()) {
    return Status::User(StatusCode::kCorrupt, "a scan of `{}` in a plan refers to `{}`", plan.name,
                        node.custom_table_data());
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

Status Decoder::FillJoin(const pb::JoinNode& node, LogicalPlan& plan) {
  plan.kind = PlanKind::kJoin;
  const auto type = JoinTypeText(node.join_type());
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
    return Status::User(StatusCode::kCorrupt, "a join in a plan has {} left keys and {} right ones",
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

Status Decoder::FillUnnest(const pb::UnnestNode& node, LogicalPlan& plan) {
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

Result<std::shared_ptr<const UnnestSpec>> Decoder::ToUnnestSpec(const pb::UnnestNode& node) {
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

}  // namespace internal

Result<std::shared_ptr<const LogicalPlan>> DecodePlan(std::string_view proto_bytes,
                                                      std::string_view outputs_json) {
  google::protobuf::Arena arena;
  WEIR_ASSIGN_OR_RETURN(const datafusion::LogicalPlanNode* node,
                        internal::ParsePlan(proto_bytes, arena));
  WEIR_ASSIGN_OR_RETURN(auto outputs, internal::ParseOutputs(outputs_json));
  return internal::Decoder(std::move(outputs)).Decode(*node);
}

}  // namespace weir

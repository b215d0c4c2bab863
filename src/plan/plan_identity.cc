// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include <arrow/api.h>

#include "weir/plan/logical_plan.h"

namespace weir {

namespace {

/// Both null, or both there and equal.
template <typename Pointer>
bool EqualThrough(const Pointer& left, const Pointer& right) {
  if (left == nullptr || right == nullptr) return left == right;
  return left == right || *left == *right;
}

bool EqualTypes(const std::shared_ptr<arrow::DataType>& left,
                const std::shared_ptr<arrow::DataType>& right) {
  if (left == nullptr || right == nullptr) return left == right;
  return left->Equals(*right, /*check_metadata=*/true);
}

bool EqualSchemas(const std::shared_ptr<arrow::Schema>& left,
                  const std::shared_ptr<arrow::Schema>& right) {
  if (left == nullptr || right == nullptr) return left == right;
  return left->Equals(*right, /*check_metadata=*/true);
}

bool EqualScalars(const std::shared_ptr<arrow::Scalar>& left,
                  const std::shared_ptr<arrow::Scalar>& right) {
  if (left == nullptr || right == nullptr) return left == right;
  return left->Equals(*right,
                      arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false));
}

bool EqualScans(const std::optional<Scan>& left, const std::optional<Scan>& right) {
  if (!left || !right) return left.has_value() == right.has_value();
  return left->scan_id == right->scan_id && left->table == right->table &&
         EqualSchemas(left->schema, right->schema) && left->columns == right->columns &&
         left->all_columns == right->all_columns;
}

bool EqualUnnests(const std::vector<UnnestColumn>& left, const std::vector<UnnestColumn>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const UnnestColumn& a, const UnnestColumn& b) {
                      return a.input_index == b.input_index && a.kind == b.kind;
                    });
}

bool EqualInputs(const LogicalPlan& left, const LogicalPlan& right) {
  return std::equal(left.inputs.begin(), left.inputs.end(), right.inputs.begin(),
                    right.inputs.end(),
                    [](const auto& a, const auto& b) { return EqualThrough(a, b); });
}

}  // namespace

bool operator==(const FrameBound& left, const FrameBound& right) {
  return left.kind == right.kind && left.distance == right.distance;
}

bool operator==(const WindowFrame& left, const WindowFrame& right) {
  return left.units == right.units && left.start == right.start && left.end == right.end;
}

bool operator==(const SortKey& left, const SortKey& right) {
  return left.ascending == right.ascending && left.nulls_first == right.nulls_first &&
         left.expression == right.expression;
}

bool operator==(const Expression& left, const Expression& right) {
  return left.kind == right.kind && left.name == right.name && left.relation == right.relation &&
         left.relation_parts == right.relation_parts && left.inputs == right.inputs &&
         EqualScalars(left.literal, right.literal) && left.text == right.text &&
         EqualTypes(left.type, right.type) && left.nullable == right.nullable &&
         left.metadata == right.metadata && left.negated == right.negated &&
         left.has_base == right.has_base && left.has_else == right.has_else &&
         left.distinct == right.distinct && left.ignore_nulls == right.ignore_nulls &&
         left.respect_nulls == right.respect_nulls && left.is_aggregate == right.is_aggregate &&
         left.is_outer == right.is_outer && left.filter == right.filter &&
         left.partition_by == right.partition_by && left.order_by == right.order_by &&
         left.set_sizes == right.set_sizes && left.parameters == right.parameters &&
         EqualThrough(left.frame, right.frame) && EqualThrough(left.subquery, right.subquery) &&
         left.outer_references == right.outer_references;
}

bool operator==(const UnnestSpec& left, const UnnestSpec& right) {
  return left.columns == right.columns && left.lists == right.lists &&
         left.structs == right.structs && left.relations == right.relations &&
         EqualSchemas(left.schema, right.schema) && left.nulls == right.nulls &&
         left.recursions == right.recursions;
}

bool operator==(const LogicalPlan& left, const LogicalPlan& right) {
  return left.kind == right.kind && left.expressions == right.expressions &&
         left.outputs == right.outputs && EqualScans(left.scan, right.scan) &&
         left.name == right.name && left.name_parts == right.name_parts &&
         left.text == right.text && left.sort_keys == right.sort_keys &&
         left.group_count == right.group_count && left.has_filter == right.has_filter &&
         left.distinct == right.distinct && left.produce_one_row == right.produce_one_row &&
         left.skip == right.skip && left.fetch == right.fetch &&
         EqualUnnests(left.unnest, right.unnest) &&
         EqualThrough(left.unnest_spec, right.unnest_spec) && left.is_using == right.is_using &&
         left.null_equals_null == right.null_equals_null && left.null_aware == right.null_aware &&
         left.column_count == right.column_count && left.partition_count == right.partition_count &&
         EqualSchemas(left.schema, right.schema) && left.columns == right.columns &&
         EqualInputs(left, right);
}

}  // namespace weir

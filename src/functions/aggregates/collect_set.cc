// SPDX-License-Identifier: Apache-2.0
//
// collect_set(v) = list_unique(v): the distinct values, sorted.

#include <algorithm>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>

#include "weir/functions/aggregates/group_sets.h"
#include "weir/functions/aggregates/key_sets.h"
#include "weir/functions/call_arguments.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/nested/list_builder.h"

namespace weir {
namespace {

using arrow::internal::checked_cast;

bool Passes(const arrow::BooleanArray* filter, int64_t row) {
  return filter == nullptr || (filter->IsValid(row) && filter->Value(row));
}

/// The state of a group is its result.
class CollectSetAccumulator final : public GroupsAccumulator {
 public:
  CollectSetAccumulator(std::shared_ptr<arrow::DataType> list_type, GroupSets sets,
                        bool ignore_nulls)
      : list_type_(std::move(list_type)), sets_(std::move(sets)), ignore_nulls_(ignore_nulls) {
    has_keys_ = !sets_.counted() && OrderKeys::Accepts(*list_type_->field(0)->type());
  }

  Status Update(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                const arrow::BooleanArray* filter, int64_t group_count) override {
    Grow(group_count);
    Select(*arguments[0], group_indices, filter, [](uint64_t& nulls) { ++nulls; });
    return Add(arguments[0]);
  }

  bool supports_retract() const override { return sets_.counted(); }
  Status Retract(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                 int64_t group_count) override {
    Grow(group_count);
    Select(*arguments[0], group_indices, nullptr,
           [](uint64_t& nulls) { nulls -= nulls > 0 ? 1 : 0; });
    return sets_.Remove(arguments[0], rows_, groups_);
  }

  Status Merge(const arrow::ArrayVector& states, std::span<const uint64_t> group_indices,
               const arrow::BooleanArray* filter, int64_t group_count) override {
    Grow(group_count);
    WEIR_ASSIGN_OR_RETURN(const ListColumn lists, ListColumn::Make({states[0], false}));
    rows_.clear();
    groups_.clear();
    for (int64_t row = 0; row < states[0]->length(); ++row) {
      if (lists.IsNull(row) || !Passes(filter, row)) continue;
      const uint64_t group = group_indices[static_cast<size_t>(row)];
      for (int64_t i = lists.offset(row); i < lists.offset(row) + lists.length(row); ++i) {
        Take(*lists.child(), i, group, [](uint64_t& nulls) { ++nulls; });
      }
    }
    return Add(lists.child());
  }

  Result<std::shared_ptr<arrow::Array>> Peek(int64_t count) const override {
    return has_keys_ ? PeekKeys(count) : PeekRows(count);
  }
  Result<arrow::ArrayVector> PeekState(int64_t count) const override {
    WEIR_ASSIGN_OR_RETURN(auto lists, Peek(count));
    return arrow::ArrayVector{std::move(lists)};
  }

  void Drop(int64_t count) override {
    sets_.Drop(count);
    key_sets_.Drop(count);
    nulls_.erase(nulls_.begin(), nulls_.begin() + count);
    nulls_.shrink_to_fit();
    rows_.clear();
    rows_.shrink_to_fit();
    groups_.clear();
    groups_.shrink_to_fit();
    keys_.clear();
    keys_.shrink_to_fit();
  }
  int64_t group_count() const override { return static_cast<int64_t>(nulls_.size()); }

  Result<arrow::ArrayVector> ConvertToState(const arrow::ArrayVector& arguments,
                                            const arrow::BooleanArray* filter) const override {
    const int64_t rows = arguments[0]->length();
    WEIR_ASSIGN_OR_RETURN(auto writer, ListWriter::Make(list_type_, rows));
    std::vector<RowRef> elements;
    for (int64_t row = 0; row < rows; ++row) {
      if (Passes(filter, row) && !(ignore_nulls_ && arguments[0]->IsNull(row))) {
        elements.push_back({arguments[0].get(), row});
      }
      WEIR_RETURN_NOT_OK(writer.EndRow(static_cast<int64_t>(elements.size())));
    }
    WEIR_ASSIGN_OR_RETURN(const auto child, GatherRows(list_type_->field(0)->type(), elements));
    WEIR_ASSIGN_OR_RETURN(auto lists, writer.Finish(child->data()));
    return arrow::ArrayVector{std::move(lists)};
  }

  int64_t SizeBytes() const override {
    return sets_.SizeBytes() + key_sets_.SizeBytes() +
           static_cast<int64_t>(sizeof(*this) + nulls_.capacity() * sizeof(uint64_t) +
                                rows_.capacity() * sizeof(int64_t) +
                                keys_.capacity() * sizeof(uint64_t) +
                                groups_.capacity() * sizeof(uint64_t));
  }

 private:
  /// Adds the rows that were noted.
  Status Add(const std::shared_ptr<arrow::Array>& values) {
    if (!has_keys_) return sets_.Add(values, rows_, groups_);
    if (rows_.empty()) return Status::OK();
    const OrderKeys keys(*values);
    keys_.resize(rows_.size());
    for (size_t i = 0; i < rows_.size(); ++i) keys_[i] = keys[rows_[i]];
    key_sets_.Add(keys_, groups_);
    return Status::OK();
  }

  Result<std::shared_ptr<arrow::Array>> PeekKeys(int64_t count) const {
    std::vector<uint64_t> keys;
    std::vector<int64_t> null_rows;
    WEIR_ASSIGN_OR_RETURN(auto writer, ListWriter::Make(list_type_, count));
    for (uint64_t group = 0; group < static_cast<uint64_t>(count); ++group) {
      key_sets_.AppendSorted(group, &keys);
      if (nulls_[group] > 0) {
        null_rows.push_back(static_cast<int64_t>(keys.size()));
        keys.push_back(0);
      }
      WEIR_RETURN_NOT_OK(writer.EndRow(static_cast<int64_t>(keys.size())));
    }
    WEIR_ASSIGN_OR_RETURN(const auto child,
                          OrderKeys::ToValues(list_type_->field(0)->type(), keys, null_rows));
    return writer.Finish(child->data());
  }
  Result<std::shared_ptr<arrow::Array>> PeekRows(int64_t count) const {
    std::vector<RowRef> sorted, elements;
    std::vector<int64_t> ends;
    sets_.Sorted(count, &sorted, &ends);
    elements.reserve(sorted.size());
    WEIR_ASSIGN_OR_RETURN(auto writer, ListWriter::Make(list_type_, count));
    size_t next = 0;
    for (size_t group = 0; group < ends.size(); ++group) {
      for (; next < static_cast<size_t>(ends[group]); ++next) elements.push_back(sorted[next]);
      if (nulls_[group] > 0) elements.push_back({});
      WEIR_RETURN_NOT_OK(writer.EndRow(static_cast<int64_t>(elements.size())));
    }
    WEIR_ASSIGN_OR_RETURN(const auto child, GatherRows(list_type_->field(0)->type(), elements));
    return writer.Finish(child->data());
  }

  void Grow(int64_t group_count) {
    nulls_.resize(std::max(nulls_.size(), static_cast<size_t>(group_count)));
  }

  /// Notes a row of a batch in rows_ and groups_, or its NULL through `count_null`.
  template <typename CountNull>
  void Take(const arrow::Array& values, int64_t row, uint64_t group, CountNull count_null) {
    if (values.type_id() != arrow::Type::NA && values.IsValid(row)) {
      rows_.push_back(row);
      groups_.push_back(group);
    } else if (!ignore_nulls_) {
      count_null(nulls_[group]);
    }
  }
  template <typename CountNull>
  void Select(const arrow::Array& values, std::span<const uint64_t> group_indices,
              const arrow::BooleanArray* filter, CountNull count_null) {
    rows_.clear();
    groups_.clear();
    for (int64_t row = 0; row < values.length(); ++row) {
      if (Passes(filter, row))
        Take(values, row, group_indices[static_cast<size_t>(row)], count_null);
    }
  }

  std::shared_ptr<arrow::DataType> list_type_;
  bool has_keys_ = false;  ///< values are in key_sets_, else in sets_
  KeySets key_sets_;
  GroupSets sets_;
  bool ignore_nulls_;
  std::vector<uint64_t> nulls_;   ///< of each group, how many NULLs
  std::vector<int64_t> rows_;     ///< of the batch at hand
  std::vector<uint64_t> groups_;  ///< of the same rows
  std::vector<uint64_t> keys_;    ///< of the same rows, where has_keys_
};

class CollectSet final : public AggregateFunction {
 public:
  CollectSet() {
    declaration_.name = "collect_set";
    declaration_.aliases = {"list_unique"};
    declaration_.kind = FunctionKind::kAggregate;
    declaration_.tags = {"aggregate", "deterministic", "list"};
    declaration_.description =
        "The distinct values as a list in the order of their type. Floats are ordered as by IEEE "
        "754 totalOrder, texts by their "
        "bytes. Does not depend on the order of the rows.";
    declaration_.arguments = {{"v", "any", "What is collected; any type that has an order."}};
    declaration_.signature_kind = SignatureKind::kUserDefined;
    declaration_.signatures = {{arrow::utf8()}, {arrow::int64()}};
    declaration_.ignores_duplicates = true;
    declaration_.takes_null_treatment = true;
    declaration_.result_type = "list of the type of v";
    declaration_.null_handling =
        "NULL is kept, once and last; `collect_set(v) IGNORE NULLS` leaves it out. No rows give an "
        "empty list.";
    declaration_.example = "collect_set(carrier)";
  }
  const FunctionDeclaration& declaration() const override { return declaration_; }

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration_, types.size(), 1, 1));
    // Dictionaries of different batches differ, and their union need not fit the index type.
    const auto& type = types[0]->id() == arrow::Type::DICTIONARY
                           ? checked_cast<const arrow::DictionaryType&>(*types[0]).value_type()
                           : types[0];
    if (!RowOrder::Accepts(*type))
      return WrongType(declaration_, 0, "values that have an order", *type);
    return TypeVector{type};
  }
  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments) const override {
    return arrow::field(declaration_.name, ListType(arguments), /*nullable=*/false);
  }
  Result<FieldVector> StateFields(const FieldVector& arguments,
                                  const AggregateCall&) const override {
    return FieldVector{arrow::field("set", ListType(arguments), /*nullable=*/false)};
  }
  Result<std::unique_ptr<GroupsAccumulator>> CreateAccumulator(
      const FieldVector& arguments, const AggregateCall& call) const override {
    WEIR_ASSIGN_OR_RETURN(GroupSets sets, GroupSets::Make(arguments[0]->type(), call.sliding));
    return std::make_unique<CollectSetAccumulator>(ListType(arguments), std::move(sets),
                                                   call.ignore_nulls);
  }

 private:
  static std::shared_ptr<arrow::DataType> ListType(const FieldVector& arguments) {
    return arrow::list(arguments[0]->WithName("item")->WithNullable(true));
  }

  FunctionDeclaration declaration_;
};

}  // namespace

void AddCollectSet(AggregateFunctions* functions) {
  functions->push_back(std::make_shared<CollectSet>());
}

}  // namespace weir

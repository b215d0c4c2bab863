// SPDX-License-Identifier: Apache-2.0
//
// any_value_det = arg_min(value, key) and arg_max(value, key): the value that goes with the
// smallest or largest key.

#include <array>
#include <cstring>
#include <deque>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/byte_size.h>
#include <arrow/util/checked_cast.h>

#include "weir/functions/aggregates/row_order.h"
#include "weir/functions/aggregates/row_store.h"
#include "weir/functions/arrow_status.h"
#include "weir/functions/call_arguments.h"
#include "weir/functions/function_sets.h"

namespace weir {
namespace {

enum class Extreme { kSmallest, kLargest };

constexpr size_t kValue = 0;
constexpr size_t kKey = 1;

/// The state of a group is its best (value, key); both NULL where there is none. Rows with a NULL
/// value or key take no part.
class ArgExtremeAccumulator final : public GroupsAccumulator {
 public:
  ArgExtremeAccumulator(Extreme extreme, const FieldVector& arguments,
                        std::unique_ptr<RowOrder> value_order, std::unique_ptr<RowOrder> key_order)
      : extreme_(extreme),
        value_order_(std::move(value_order)),
        key_order_(std::move(key_order)),
        has_order_keys_(OrderKeys::Accepts(*arguments[kKey]->type())),
        best_({arguments[kValue]->type(), arguments[kKey]->type()}) {}

  Status Update(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                const arrow::BooleanArray* filter, int64_t group_count) override {
    best_.Grow(group_count);
    better_row_.resize(static_cast<size_t>(best_.group_count()), kNone);
    if (has_order_keys_) {
      order_keys_.resize(better_row_.size());
      FindBetterByOrderKeys(arguments, group_indices, filter);
    } else {
      FindBetter(arguments, group_indices, filter);
    }
    return KeepBetter(arguments);
  }

  Status Merge(const arrow::ArrayVector& states, std::span<const uint64_t> group_indices,
               const arrow::BooleanArray* filter, int64_t group_count) override {
    return Update(states, group_indices, filter, group_count);
  }

  Result<std::shared_ptr<arrow::Array>> Peek(int64_t count) const override {
    return best_.Column(kValue, count);
  }
  Result<arrow::ArrayVector> PeekState(int64_t count) const override {
    WEIR_ASSIGN_OR_RETURN(auto values, best_.Column(kValue, count));
    WEIR_ASSIGN_OR_RETURN(auto keys, best_.Column(kKey, count));
    return arrow::ArrayVector{std::move(values), std::move(keys)};
  }
  void Drop(int64_t count) override {
    best_.Drop(count);
    better_row_.resize(static_cast<size_t>(best_.group_count()));
    better_row_.shrink_to_fit();
    if (has_order_keys_) {
      order_keys_.erase(order_keys_.begin(), order_keys_.begin() + count);
      order_keys_.shrink_to_fit();
    }
    better_groups_.clear();
    better_groups_.shrink_to_fit();
  }
  int64_t group_count() const override { return best_.group_count(); }

  Result<arrow::ArrayVector> ConvertToState(const arrow::ArrayVector& arguments,
                                            const arrow::BooleanArray* filter) const override;

  int64_t SizeBytes() const override {
    return best_.SizeBytes() +
           static_cast<int64_t>(better_row_.capacity() * sizeof(int64_t) +
                                order_keys_.capacity() * sizeof(uint64_t) +
                                better_groups_.capacity() * sizeof(uint64_t) + sizeof(*this));
  }

 private:
  static constexpr int64_t kNone = -1;

  static bool TakesPart(const arrow::ArrayVector& arguments, const arrow::BooleanArray* filter,
                        int64_t row) {
    if (filter != nullptr && (filter->IsNull(row) || !filter->Value(row))) return false;
    return arguments[kValue]->IsValid(row) && arguments[kKey]->IsValid(row);
  }

  /// The best row so far: one of this batch, or the one kept.
  RowRef Current(const arrow::ArrayVector& arguments, uint64_t group, size_t column) const {
    if (better_row_[group] != kNone) return {arguments[column].get(), better_row_[group]};
    return best_.Get(group, column);
  }
  bool HasCurrent(uint64_t group) const { return better_row_[group] != kNone || best_.Has(group); }

  void NoteBetter(uint64_t group, int64_t row) {
    if (better_row_[group] == kNone) better_groups_.push_back(group);
    better_row_[group] = row;
  }

  /// Equal keys: the smallest value wins.
  bool HasSmallerValue(const arrow::ArrayVector& arguments, uint64_t group, int64_t row) const {
    const RowRef current = Current(arguments, group, kValue);
    return value_order_->CompareValues(*arguments[kValue], row, *current.array, current.row) < 0;
  }

  void FindBetter(const arrow::ArrayVector& arguments, std::span<const uint64_t> group_indices,
                  const arrow::BooleanArray* filter) {
    for (int64_t row = 0; row < arguments[kKey]->length(); ++row) {
      if (!TakesPart(arguments, filter, row)) continue;
      const uint64_t group = group_indices[static_cast<size_t>(row)];
      if (HasCurrent(group)) {
        const RowRef current = Current(arguments, group, kKey);
        int order = key_order_->CompareValues(*arguments[kKey], row, *current.array, current.row);
        if (extreme_ == Extreme::kLargest) order = -order;
        if (order > 0 || (order == 0 && !HasSmallerValue(arguments, group, row))) continue;
      }
      NoteBetter(group, row);
    }
  }

  void FindBetterByOrderKeys(const arrow::ArrayVector& arguments,
                             std::span<const uint64_t> group_indices,
                             const arrow::BooleanArray* filter) {
    const OrderKeys keys(*arguments[kKey]);
    const uint64_t flip = extreme_ == Extreme::kLargest ? ~uint64_t{0} : 0;
    for (int64_t row = 0; row < arguments[kKey]->length(); ++row) {
      if (!TakesPart(arguments, filter, row)) continue;
      const uint64_t group = group_indices[static_cast<size_t>(row)];
      const uint64_t key = keys[row] ^ flip;
      if (HasCurrent(group)) {
        if (key > order_keys_[group]) continue;
        if (key == order_keys_[group] && !HasSmallerValue(arguments, group, row)) continue;
      }
      order_keys_[group] = key;
      NoteBetter(group, row);
    }
  }

  Status KeepBetter(const arrow::ArrayVector& arguments) {
    std::vector<int64_t> rows;
    rows.reserve(better_groups_.size());
    for (uint64_t group : better_groups_) rows.push_back(std::exchange(better_row_[group], kNone));
    const Status status = best_.Put(arguments, better_groups_, rows);
    better_groups_.clear();
    return status;
  }

  Extreme extreme_;
  std::unique_ptr<RowOrder> value_order_;
  std::unique_ptr<RowOrder> key_order_;
  bool has_order_keys_;
  RowStore best_;
  std::vector<uint64_t> order_keys_;  ///< of each group that has a row; flipped if the largest wins
  std::vector<int64_t> better_row_;   ///< of each group, the row of the batch at hand; else kNone
  std::vector<uint64_t> better_groups_;  ///< groups with a better row in the batch at hand
};

/// The same values, NULL as well where `filter` is not true. Copies the validity bits only.
Result<std::shared_ptr<arrow::Array>> Masked(const std::shared_ptr<arrow::Array>& values,
                                             const arrow::BooleanArray& filter) {
  if (values->type_id() == arrow::Type::NA) return values;
  const int64_t offset = values->offset();
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> valid,
                        FromArrow(arrow::AllocateEmptyBitmap(offset + values->length())));
  for (int64_t row = 0; row < values->length(); ++row) {
    if (values->IsValid(row) && filter.IsValid(row) && filter.Value(row)) {
      arrow::bit_util::SetBit(valid->mutable_data(), offset + row);
    }
  }
  auto data = values->data()->Copy();
  data->buffers[0] = std::move(valid);
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(data);
}

Result<arrow::ArrayVector> ArgExtremeAccumulator::ConvertToState(
    const arrow::ArrayVector& arguments, const arrow::BooleanArray* filter) const {
  if (filter == nullptr) return arguments;
  WEIR_ASSIGN_OR_RETURN(auto values, Masked(arguments[kValue], *filter));
  return arrow::ArrayVector{std::move(values), arguments[kKey]};
}

/// The same over the frame of a window, which rows leave in the order in which they came. Keeps the
/// rows that can still become the best: each better than all behind it.
class SlidingArgExtreme final : public GroupsAccumulator {
 public:
  SlidingArgExtreme(Extreme extreme, const FieldVector& arguments,
                    std::unique_ptr<RowOrder> value_order, std::unique_ptr<RowOrder> key_order)
      : extreme_(extreme),
        types_({arguments[kValue]->type(), arguments[kKey]->type()}),
        value_order_(std::move(value_order)),
        key_order_(std::move(key_order)) {}

  Status Update(const arrow::ArrayVector& arguments, std::span<const uint64_t>,
                const arrow::BooleanArray* filter, int64_t) override {
    const std::vector<RowRef> values = Participants(arguments, filter, kValue);
    if (values.empty()) return Status::OK();
    Batch batch;
    WEIR_ASSIGN_OR_RETURN(batch.columns[kValue], GatherRows(types_[kValue], values));
    WEIR_ASSIGN_OR_RETURN(batch.columns[kKey],
                          GatherRows(types_[kKey], Participants(arguments, filter, kKey)));
    batch.first = arrived_;
    batch.bytes = arrow::util::TotalBufferSize(*batch.columns[kValue]) +
                  arrow::util::TotalBufferSize(*batch.columns[kKey]);
    bytes_ += batch.bytes;
    batches_.push_back(batch);
    for (int64_t row = 0; row < batch.columns[kValue]->length(); ++row) {
      const Candidate candidate = {arrived_++, batch.columns[kValue], batch.columns[kKey], row};
      while (!candidates_.empty() && !Beats(candidates_.back(), candidate)) candidates_.pop_back();
      candidates_.push_back(candidate);
    }
    return Status::OK();
  }

  bool supports_retract() const override { return true; }
  Status Retract(const arrow::ArrayVector& arguments, std::span<const uint64_t>, int64_t) override {
    left_ += static_cast<int64_t>(Participants(arguments, nullptr, kValue).size());
    while (!candidates_.empty() && candidates_.front().number < left_) candidates_.pop_front();
    while (!batches_.empty() &&
           batches_.front().first + batches_.front().columns[kValue]->length() <= left_) {
      bytes_ -= batches_.front().bytes;
      batches_.pop_front();
    }
    return Status::OK();
  }

  Status Merge(const arrow::ArrayVector& states, std::span<const uint64_t> group_indices,
               const arrow::BooleanArray* filter, int64_t group_count) override {
    return Update(states, group_indices, filter, group_count);
  }

  Result<std::shared_ptr<arrow::Array>> Peek(int64_t count) const override {
    return Best(kValue, count);
  }
  Result<arrow::ArrayVector> PeekState(int64_t count) const override {
    WEIR_ASSIGN_OR_RETURN(auto values, Best(kValue, count));
    WEIR_ASSIGN_OR_RETURN(auto keys, Best(kKey, count));
    return arrow::ArrayVector{std::move(values), std::move(keys)};
  }
  void Drop(int64_t) override {
    candidates_.clear();
    batches_.clear();
    bytes_ = 0;
    left_ = arrived_;
  }
  int64_t group_count() const override { return 1; }
  Result<arrow::ArrayVector> ConvertToState(const arrow::ArrayVector&,
                                            const arrow::BooleanArray*) const override {
    return Status::Bug("the frames of a window have no states of single rows");
  }
  int64_t SizeBytes() const override {
    return bytes_ + static_cast<int64_t>(sizeof(*this) + candidates_.size() * sizeof(Candidate) +
                                         batches_.size() * sizeof(Batch));
  }

 private:
  /// A row, and how many came before it.
  struct Candidate {
    int64_t number;
    std::shared_ptr<arrow::Array> value;
    std::shared_ptr<arrow::Array> key;
    int64_t row;
  };
  /// Rows that came together; counts for SizeBytes.
  struct Batch {
    std::array<std::shared_ptr<arrow::Array>, 2> columns;
    int64_t first;
    int64_t bytes;
  };

  /// The rows with value and key.
  static std::vector<RowRef> Participants(const arrow::ArrayVector& arguments,
                                          const arrow::BooleanArray* filter, size_t column) {
    std::vector<RowRef> rows;
    for (int64_t row = 0; row < arguments[kKey]->length(); ++row) {
      const bool passes = filter == nullptr || (filter->IsValid(row) && filter->Value(row));
      if (passes && arguments[kValue]->IsValid(row) && arguments[kKey]->IsValid(row)) {
        rows.push_back({arguments[column].get(), row});
      }
    }
    return rows;
  }

  /// Whether `a` wins as long as both are there.
  bool Beats(const Candidate& a, const Candidate& b) const {
    int order = key_order_->CompareValues(*a.key, a.row, *b.key, b.row);
    if (extreme_ == Extreme::kLargest) order = -order;
    if (order == 0) order = value_order_->CompareValues(*a.value, a.row, *b.value, b.row);
    return order < 0;
  }

  Result<std::shared_ptr<arrow::Array>> Best(size_t column, int64_t count) const {
    std::vector<RowRef> rows(static_cast<size_t>(count));
    if (count > 0 && !candidates_.empty()) {
      const Candidate& best = candidates_.front();
      rows[0] = {(column == kValue ? best.value : best.key).get(), best.row};
    }
    return GatherRows(types_[column], rows);
  }

  Extreme extreme_;
  std::array<std::shared_ptr<arrow::DataType>, 2> types_;
  std::unique_ptr<RowOrder> value_order_;
  std::unique_ptr<RowOrder> key_order_;
  std::deque<Candidate> candidates_;
  std::deque<Batch> batches_;
  int64_t arrived_ = 0;
  int64_t left_ = 0;
  int64_t bytes_ = 0;
};

class ArgExtreme final : public AggregateFunction {
 public:
  ArgExtreme(FunctionDeclaration declaration, Extreme extreme)
      : declaration_(std::move(declaration)), extreme_(extreme) {}
  const FunctionDeclaration& declaration() const override { return declaration_; }

  /// The field of the values, nullable.
  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments) const override {
    return arguments[kValue]->WithName(declaration_.name)->WithNullable(true);
  }

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration_, types.size(), 2, 2));
    TypeVector settled;
    for (const auto& type : types) {
      // Dictionaries of different batches differ, and their union need not fit the index type.
      const bool is_dictionary = type->id() == arrow::Type::DICTIONARY;
      settled.push_back(
          is_dictionary ? static_cast<const arrow::DictionaryType&>(*type).value_type() : type);
      if (!RowOrder::Accepts(*settled.back())) {
        return Status::User(StatusCode::kInvalidArgument,
                            "{} needs values and keys that have an order, found `{}`",
                            declaration_.name, type->ToString());
      }
    }
    return settled;
  }

  Result<FieldVector> StateFields(const FieldVector& arguments,
                                  const AggregateCall&) const override {
    return FieldVector{arguments[kValue]->WithName("value")->WithNullable(true),
                       arguments[kKey]->WithName("key")->WithNullable(true)};
  }

  Result<std::unique_ptr<GroupsAccumulator>> CreateAccumulator(
      const FieldVector& arguments, const AggregateCall& call) const override {
    WEIR_ASSIGN_OR_RETURN(auto value_order, RowOrder::Make(*arguments[kValue]->type()));
    WEIR_ASSIGN_OR_RETURN(auto key_order, RowOrder::Make(*arguments[kKey]->type()));
    if (call.sliding) {
      return std::make_unique<SlidingArgExtreme>(extreme_, arguments, std::move(value_order),
                                                 std::move(key_order));
    }
    return std::make_unique<ArgExtremeAccumulator>(extreme_, arguments, std::move(value_order),
                                                   std::move(key_order));
  }

 private:
  FunctionDeclaration declaration_;
  Extreme extreme_;
};

FunctionDeclaration Declare(std::string name, const std::string& which) {
  FunctionDeclaration declaration;
  declaration.example = name + "(carrier, time_hour)";
  declaration.name = std::move(name);
  declaration.kind = FunctionKind::kAggregate;
  declaration.tags = {"aggregate", "deterministic"};
  declaration.description =
      "The value at the " + which +
      " key; of the values at equal keys the smallest. Does not depend on the "
      "order of the rows.";
  declaration.arguments = {{"value", "any", "What is returned."},
                           {"key", "any", "What decides; any type that has an order."}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::utf8(), arrow::int64()}, {arrow::int64(), arrow::int64()}};
  declaration.ignores_duplicates = true;
  declaration.result_type = "the type of value";
  declaration.null_handling = "A row with a NULL value or key is skipped; NULL if none is left.";
  return declaration;
}

}  // namespace

void AddArgExtremes(AggregateFunctions* functions) {
  FunctionDeclaration smallest = Declare("any_value_det", "smallest");
  smallest.aliases = {"arg_min"};
  functions->push_back(std::make_shared<ArgExtreme>(std::move(smallest), Extreme::kSmallest));
  functions->push_back(
      std::make_shared<ArgExtreme>(Declare("arg_max", "largest"), Extreme::kLargest));
}

}  // namespace weir

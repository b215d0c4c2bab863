// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/aggregates/row_hash.h"

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>

#include "weir/functions/aggregates/row_order.h"
#include "weir/functions/nested/nested_types.h"

namespace weir {
namespace {

using arrow::Type;
using arrow::internal::checked_cast;

constexpr uint64_t kNullHash = 0x9e3779b97f4a7c15;

uint64_t Combine(uint64_t seed, uint64_t hash) { return MixBits(seed * 31 + hash); }

uint64_t HashBytes(std::string_view bytes) { return std::hash<std::string_view>()(bytes); }

class KeyHash final : public RowHash {
 public:
  uint64_t HashValue(const arrow::Array& array, int64_t row) const override {
    return OrderKeys(array)[row];
  }
};

class NoValueHash final : public RowHash {
 public:
  uint64_t HashValue(const arrow::Array&, int64_t) const override { return 0; }
};

/// Texts, binaries, and values of a fixed width that have one form.
template <typename Array>
class BytesHash final : public RowHash {
 public:
  uint64_t HashValue(const arrow::Array& array, int64_t row) const override {
    return HashBytes(checked_cast<const Array&>(array).GetView(row));
  }
};

class DayTimeHash final : public RowHash {
 public:
  uint64_t HashValue(const arrow::Array& array, int64_t row) const override {
    const auto value = checked_cast<const arrow::DayTimeIntervalArray&>(array).Value(row);
    return Combine(static_cast<uint64_t>(value.days), static_cast<uint64_t>(value.milliseconds));
  }
};

class MonthDayNanoHash final : public RowHash {
 public:
  uint64_t HashValue(const arrow::Array& array, int64_t row) const override {
    const auto value = checked_cast<const arrow::MonthDayNanoIntervalArray&>(array).Value(row);
    return Combine(Combine(static_cast<uint64_t>(value.months), static_cast<uint64_t>(value.days)),
                   static_cast<uint64_t>(value.nanoseconds));
  }
};

class DictionaryHash final : public RowHash {
 public:
  explicit DictionaryHash(std::unique_ptr<RowHash> values) : values_(std::move(values)) {}
  uint64_t HashValue(const arrow::Array& array, int64_t row) const override {
    const auto& dictionary = checked_cast<const arrow::DictionaryArray&>(array);
    return values_->Hash(*dictionary.dictionary(), dictionary.GetValueIndex(row));
  }

 private:
  std::unique_ptr<RowHash> values_;
};

template <typename Array>
class ListHash final : public RowHash {
 public:
  explicit ListHash(std::unique_ptr<RowHash> values) : values_(std::move(values)) {}
  uint64_t HashValue(const arrow::Array& array, int64_t row) const override {
    const auto& lists = checked_cast<const Array&>(array);
    uint64_t hash = 0;
    for (int64_t k = 0; k < lists.value_length(row); ++k) {
      hash = Combine(hash, values_->Hash(*lists.values(), lists.value_offset(row) + k));
    }
    return hash;
  }

 private:
  std::unique_ptr<RowHash> values_;
};

class StructHash final : public RowHash {
 public:
  explicit StructHash(std::vector<std::unique_ptr<RowHash>> fields) : fields_(std::move(fields)) {}
  uint64_t HashValue(const arrow::Array& array, int64_t row) const override {
    const auto& structs = checked_cast<const arrow::StructArray&>(array);
    uint64_t hash = 0;
    for (size_t k = 0; k < fields_.size(); ++k) {
      hash = Combine(hash, fields_[k]->Hash(*structs.field(static_cast<int>(k)), row));
    }
    return hash;
  }

 private:
  std::vector<std::unique_ptr<RowHash>> fields_;
};

using Nested = NestedTypes<RowHash, ListHash, StructHash, DictionaryHash>;

}  // namespace

uint64_t RowHash::Hash(const arrow::Array& array, int64_t row) const {
  return array.IsNull(row) ? kNullHash : HashValue(array, row);
}

Result<std::unique_ptr<RowHash>> RowHash::Make(const arrow::DataType& type) {
  if (OrderKeys::Accepts(type)) return std::make_unique<KeyHash>();
  switch (type.id()) {
    case Type::NA:
      return std::make_unique<NoValueHash>();
    case Type::STRING:
      return std::make_unique<BytesHash<arrow::StringArray>>();
    case Type::LARGE_STRING:
      return std::make_unique<BytesHash<arrow::LargeStringArray>>();
    case Type::STRING_VIEW:
      return std::make_unique<BytesHash<arrow::StringViewArray>>();
    case Type::BINARY:
      return std::make_unique<BytesHash<arrow::BinaryArray>>();
    case Type::LARGE_BINARY:
      return std::make_unique<BytesHash<arrow::LargeBinaryArray>>();
    case Type::BINARY_VIEW:
      return std::make_unique<BytesHash<arrow::BinaryViewArray>>();
    case Type::FIXED_SIZE_BINARY:
      return std::make_unique<BytesHash<arrow::FixedSizeBinaryArray>>();
    case Type::DECIMAL128:
      return std::make_unique<BytesHash<arrow::Decimal128Array>>();
    case Type::DECIMAL256:
      return std::make_unique<BytesHash<arrow::Decimal256Array>>();
    case Type::INTERVAL_DAY_TIME:
      return std::make_unique<DayTimeHash>();
    case Type::INTERVAL_MONTH_DAY_NANO:
      return std::make_unique<MonthDayNanoHash>();
    default:
      return Nested::Make(type);
  }
}

}  // namespace weir

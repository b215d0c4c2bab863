// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/aggregates/row_order.h"

#include <bit>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/decimal.h>

#include "weir/functions/nested/nested_types.h"
#include "weir/functions/result_buffers.h"

namespace weir {
namespace {

using arrow::Type;
using arrow::internal::checked_cast;

template <typename T>
int ThreeWay(const T& left, const T& right) {
  return left < right ? -1 : (right < left ? 1 : 0);
}

/// Maps the bits of an IEEE 754 number, taken as unsigned, to unsigned numbers in totalOrder.
template <typename Bits>
Bits TotalOrder(Bits bits) {
  constexpr Bits kSign = static_cast<Bits>(Bits{1} << (sizeof(Bits) * 8 - 1));
  return static_cast<Bits>((bits & kSign) != 0 ? ~bits : bits | kSign);
}

template <typename Bits>
Bits FromTotalOrder(Bits key) {
  constexpr Bits kSign = static_cast<Bits>(Bits{1} << (sizeof(Bits) * 8 - 1));
  return static_cast<Bits>((key & kSign) != 0 ? key ^ kSign : ~key);
}

/// A value as an unsigned number in the same order.
template <typename Value>
uint64_t ToOrderKey(Value value) {
  if constexpr (std::is_same_v<Value, float>) {
    return TotalOrder(std::bit_cast<uint32_t>(value));
  } else if constexpr (std::is_same_v<Value, double>) {
    return TotalOrder(std::bit_cast<uint64_t>(value));
  } else if constexpr (std::is_signed_v<Value>) {
    return static_cast<uint64_t>(static_cast<int64_t>(value)) ^ (uint64_t{1} << 63);
  } else {
    return static_cast<uint64_t>(value);
  }
}

template <typename Array>
uint64_t ReadKey(const arrow::Array& array, int64_t row) {
  return ToOrderKey(checked_cast<const Array&>(array).Value(row));
}

uint64_t ReadHalfFloat(const arrow::Array& array, int64_t row) {
  return TotalOrder(checked_cast<const arrow::HalfFloatArray&>(array).Value(row));
}

template <typename Array, typename Decimal>
uint64_t ReadDecimal(const arrow::Array& array, int64_t row) {
  return ToOrderKey(Decimal(checked_cast<const Array&>(array).GetValue(row)).value());
}

/// The value that ToOrderKey made the key of.
template <typename Value>
Value FromOrderKey(uint64_t key) {
  if constexpr (std::is_same_v<Value, float>) {
    return std::bit_cast<float>(FromTotalOrder(static_cast<uint32_t>(key)));
  } else if constexpr (std::is_same_v<Value, double>) {
    return std::bit_cast<double>(FromTotalOrder(key));
  } else if constexpr (std::is_signed_v<Value>) {
    return static_cast<Value>(static_cast<int64_t>(key ^ (uint64_t{1} << 63)));
  } else {
    return static_cast<Value>(key);
  }
}

uint16_t HalfFloatFromKey(uint64_t key) { return FromTotalOrder(static_cast<uint16_t>(key)); }

template <typename Value, typename Decode>
Result<std::shared_ptr<arrow::Buffer>> WriteValues(std::span<const uint64_t> keys, Decode decode) {
  const int64_t bytes = static_cast<int64_t>(keys.size() * sizeof(Value));
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> buffer,
                        FromArrow(arrow::AllocateBuffer(bytes)));
  auto* out = reinterpret_cast<Value*>(buffer->mutable_data());
  for (const uint64_t key : keys) *out++ = decode(key);
  return buffer;
}

Result<std::shared_ptr<arrow::Buffer>> WriteBits(std::span<const uint64_t> keys) {
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bits,
                        FromArrow(arrow::AllocateEmptyBitmap(static_cast<int64_t>(keys.size()))));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] != 0) arrow::bit_util::SetBit(bits->mutable_data(), static_cast<int64_t>(i));
  }
  return bits;
}

/// The buffer of the values that have the keys.
Result<std::shared_ptr<arrow::Buffer>> KeyValues(const arrow::DataType& type,
                                                 std::span<const uint64_t> keys) {
  switch (type.id()) {
    case Type::BOOL:
      return WriteBits(keys);
    case Type::HALF_FLOAT:
      return WriteValues<uint16_t>(keys, HalfFloatFromKey);
    case Type::FLOAT:
      return WriteValues<float>(keys, FromOrderKey<float>);
    case Type::DOUBLE:
      return WriteValues<double>(keys, FromOrderKey<double>);
    case Type::UINT8:
      return WriteValues<uint8_t>(keys, FromOrderKey<uint8_t>);
    case Type::UINT16:
      return WriteValues<uint16_t>(keys, FromOrderKey<uint16_t>);
    case Type::UINT32:
      return WriteValues<uint32_t>(keys, FromOrderKey<uint32_t>);
    case Type::UINT64:
      return WriteValues<uint64_t>(keys, FromOrderKey<uint64_t>);
    case Type::INT8:
      return WriteValues<int8_t>(keys, FromOrderKey<int8_t>);
    case Type::INT16:
      return WriteValues<int16_t>(keys, FromOrderKey<int16_t>);
    default:
      // All others are signed numbers.
      return type.byte_width() == 4 ? WriteValues<int32_t>(keys, FromOrderKey<int32_t>)
                                    : WriteValues<int64_t>(keys, FromOrderKey<int64_t>);
  }
}

using ReadFunction = uint64_t (*)(const arrow::Array&, int64_t);

/// Null if the type has no order key.
ReadFunction FindRead(Type::type id) {
  switch (id) {
    case Type::BOOL:
      return ReadKey<arrow::BooleanArray>;
    case Type::INT8:
      return ReadKey<arrow::Int8Array>;
    case Type::INT16:
      return ReadKey<arrow::Int16Array>;
    case Type::INT32:
      return ReadKey<arrow::Int32Array>;
    case Type::INT64:
      return ReadKey<arrow::Int64Array>;
    case Type::UINT8:
      return ReadKey<arrow::UInt8Array>;
    case Type::UINT16:
      return ReadKey<arrow::UInt16Array>;
    case Type::UINT32:
      return ReadKey<arrow::UInt32Array>;
    case Type::UINT64:
      return ReadKey<arrow::UInt64Array>;
    case Type::HALF_FLOAT:
      return ReadHalfFloat;
    case Type::FLOAT:
      return ReadKey<arrow::FloatArray>;
    case Type::DOUBLE:
      return ReadKey<arrow::DoubleArray>;
    case Type::DATE32:
      return ReadKey<arrow::Date32Array>;
    case Type::DATE64:
      return ReadKey<arrow::Date64Array>;
    case Type::TIME32:
      return ReadKey<arrow::Time32Array>;
    case Type::TIME64:
      return ReadKey<arrow::Time64Array>;
    case Type::TIMESTAMP:
      return ReadKey<arrow::TimestampArray>;
    case Type::DURATION:
      return ReadKey<arrow::DurationArray>;
    case Type::INTERVAL_MONTHS:
      return ReadKey<arrow::MonthIntervalArray>;
    case Type::DECIMAL32:
      return ReadDecimal<arrow::Decimal32Array, arrow::Decimal32>;
    case Type::DECIMAL64:
      return ReadDecimal<arrow::Decimal64Array, arrow::Decimal64>;
    default:
      return nullptr;
  }
}

class KeyOrder final : public RowOrder {
 public:
  explicit KeyOrder(ReadFunction read) : read_(read) {}
  int CompareValues(const arrow::Array& left, int64_t i, const arrow::Array& right,
                    int64_t j) const override {
    return ThreeWay(read_(left, i), read_(right, j));
  }

 private:
  ReadFunction read_;
};

/// A leaf: `get(typed array, row)` gives something with an order.
template <typename Array, typename Get>
class LeafOrder final : public RowOrder {
 public:
  explicit LeafOrder(Get get) : get_(std::move(get)) {}
  int CompareValues(const arrow::Array& left, int64_t i, const arrow::Array& right,
                    int64_t j) const override {
    return ThreeWay(get_(checked_cast<const Array&>(left), i),
                    get_(checked_cast<const Array&>(right), j));
  }

 private:
  Get get_;
};

template <typename Array, typename Get>
std::unique_ptr<RowOrder> Leaf(Get get) {
  return std::make_unique<LeafOrder<Array, Get>>(std::move(get));
}

template <typename Array>
std::unique_ptr<RowOrder> BytesOrder() {
  return Leaf<Array>(
      [](const Array& array, int64_t row) { return std::string_view(array.GetView(row)); });
}

class NullOrder final : public RowOrder {
 public:
  int CompareValues(const arrow::Array&, int64_t, const arrow::Array&, int64_t) const override {
    return 0;
  }
};

class DictionaryOrder final : public RowOrder {
 public:
  explicit DictionaryOrder(std::unique_ptr<RowOrder> values) : values_(std::move(values)) {}
  int CompareValues(const arrow::Array& left, int64_t i, const arrow::Array& right,
                    int64_t j) const override {
    const auto& left_typed = checked_cast<const arrow::DictionaryArray&>(left);
    const auto& right_typed = checked_cast<const arrow::DictionaryArray&>(right);
    return values_->Compare(*left_typed.dictionary(), left_typed.GetValueIndex(i),
                            *right_typed.dictionary(), right_typed.GetValueIndex(j));
  }

 private:
  std::unique_ptr<RowOrder> values_;
};

template <typename Array>
class ListOrder final : public RowOrder {
 public:
  explicit ListOrder(std::unique_ptr<RowOrder> values) : values_(std::move(values)) {}
  int CompareValues(const arrow::Array& left, int64_t i, const arrow::Array& right,
                    int64_t j) const override {
    const auto& left_lists = checked_cast<const Array&>(left);
    const auto& right_lists = checked_cast<const Array&>(right);
    const int64_t left_length = left_lists.value_length(i);
    const int64_t right_length = right_lists.value_length(j);
    for (int64_t k = 0; k < left_length && k < right_length; ++k) {
      const int order = values_->Compare(*left_lists.values(), left_lists.value_offset(i) + k,
                                         *right_lists.values(), right_lists.value_offset(j) + k);
      if (order != 0) return order;
    }
    return ThreeWay(left_length, right_length);
  }

 private:
  std::unique_ptr<RowOrder> values_;
};

class StructOrder final : public RowOrder {
 public:
  explicit StructOrder(std::vector<std::unique_ptr<RowOrder>> fields)
      : fields_(std::move(fields)) {}
  int CompareValues(const arrow::Array& left, int64_t i, const arrow::Array& right,
                    int64_t j) const override {
    const auto& left_structs = checked_cast<const arrow::StructArray&>(left);
    const auto& right_structs = checked_cast<const arrow::StructArray&>(right);
    for (size_t k = 0; k < fields_.size(); ++k) {
      const int field = static_cast<int>(k);
      const int order =
          fields_[k]->Compare(*left_structs.field(field), i, *right_structs.field(field), j);
      if (order != 0) return order;
    }
    return 0;
  }

 private:
  std::vector<std::unique_ptr<RowOrder>> fields_;
};

using Nested = NestedTypes<RowOrder, ListOrder, StructOrder, DictionaryOrder>;

}  // namespace

int RowOrder::Compare(const arrow::Array& left, int64_t left_row, const arrow::Array& right,
                      int64_t right_row) const {
  const bool left_null = left.IsNull(left_row);
  const bool right_null = right.IsNull(right_row);
  if (left_null || right_null) return ThreeWay(left_null, right_null);
  return CompareValues(left, left_row, right, right_row);
}

bool RowOrder::Accepts(const arrow::DataType& type) { return Make(type).ok(); }

Result<std::unique_ptr<RowOrder>> RowOrder::Make(const arrow::DataType& type) {
  if (const ReadFunction read = FindRead(type.id())) return std::make_unique<KeyOrder>(read);
  switch (type.id()) {
    case Type::NA:
      return std::make_unique<NullOrder>();
    case Type::STRING:
      return BytesOrder<arrow::StringArray>();
    case Type::LARGE_STRING:
      return BytesOrder<arrow::LargeStringArray>();
    case Type::STRING_VIEW:
      return BytesOrder<arrow::StringViewArray>();
    case Type::BINARY:
      return BytesOrder<arrow::BinaryArray>();
    case Type::LARGE_BINARY:
      return BytesOrder<arrow::LargeBinaryArray>();
    case Type::BINARY_VIEW:
      return BytesOrder<arrow::BinaryViewArray>();
    case Type::FIXED_SIZE_BINARY:
      return BytesOrder<arrow::FixedSizeBinaryArray>();
    case Type::DECIMAL128:
      return Leaf<arrow::Decimal128Array>(
          [](const auto& array, int64_t row) { return arrow::Decimal128(array.GetValue(row)); });
    case Type::DECIMAL256:
      return Leaf<arrow::Decimal256Array>(
          [](const auto& array, int64_t row) { return arrow::Decimal256(array.GetValue(row)); });
    case Type::INTERVAL_DAY_TIME:
      return Leaf<arrow::DayTimeIntervalArray>([](const auto& array, int64_t row) {
        const auto value = array.Value(row);
        return std::tuple(value.days, value.milliseconds);
      });
    case Type::INTERVAL_MONTH_DAY_NANO:
      return Leaf<arrow::MonthDayNanoIntervalArray>([](const auto& array, int64_t row) {
        const auto value = array.Value(row);
        return std::tuple(value.months, value.days, value.nanoseconds);
      });
    default:
      return Nested::Make(type);
  }
}

bool OrderKeys::Accepts(const arrow::DataType& type) { return FindRead(type.id()) != nullptr; }

Result<std::shared_ptr<arrow::Array>> OrderKeys::ToValues(
    const std::shared_ptr<arrow::DataType>& type, std::span<const uint64_t> keys,
    std::span<const int64_t> null_rows) {
  const int64_t rows = static_cast<int64_t>(keys.size());
  NullRows nulls(rows);
  for (const int64_t row : null_rows) WEIR_RETURN_NOT_OK(nulls.Set(row));
  WEIR_ASSIGN_OR_RETURN(const auto values, KeyValues(*type, keys));
  const int64_t null_count = nulls.count();
  return arrow::MakeArray(arrow::ArrayData::Make(type, rows, {nulls.Finish(), values}, null_count));
}

OrderKeys::OrderKeys(const arrow::Array& array) : array_(&array), read_(FindRead(array.type_id())) {
  WEIR_CHECK(read_ != nullptr);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/content_hash.h"

#include <arrow/api.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "weir/base/fingerprint.h"

namespace weir {

namespace {

// Odd constants with about half of their bits set.
constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;
constexpr uint64_t kSecondMultiplier = 0xD6E8FEB86659FD93;
constexpr uint64_t kNull = 0xA0761D6478BD642F;

/// Multiplies to 128 bits and folds the halves: every input bit reaches every output bit.
inline uint64_t Mix(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a ^ kMultiplier) * (b ^ kSecondMultiplier);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t HashBytes(const uint8_t* data, size_t size) {
  uint64_t hash = size * kMultiplier;
  while (size >= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    hash = Mix(hash, word);
    data += 8;
    size -= 8;
  }
  uint64_t word = 0;
  if (size > 0) std::memcpy(&word, data, size);
  return Mix(hash, word ^ (static_cast<uint64_t>(size) << 56));
}

template <typename Float, typename Bits>
inline uint64_t FloatBits(Float value) {
  if (std::isnan(value)) value = std::numeric_limits<Float>::quiet_NaN();
  if (value == 0) value = 0;  // -0.0 too
  return std::bit_cast<Bits>(value);
}

/// Folds one value a row into `hashes`, which stand for the rows of `array`.
template <typename Value>
void FoldValues(const arrow::Array& array, std::vector<uint64_t>& hashes, const Value& value) {
  const int64_t rows = array.length();
  if (array.null_count() == 0) {
    for (int64_t row = 0; row < rows; ++row) hashes[static_cast<size_t>(row)] = Mix(hashes[static_cast<size_t>(row)], value(row) + 1);
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    uint64_t& hash = hashes[static_cast<size_t>(row)];
    hash = array.IsNull(row) ? Mix(hash, kNull) : Mix(hash, value(row) + 1);
  }
}

template <typename ArrayType>
void FoldNumbers(const arrow::Array& array, std::vector<uint64_t>& hashes) {
  const auto* values = static_cast<const ArrayType&>(array).raw_values();
  FoldValues(array, hashes, [values](int64_t row) { return static_cast<uint64_t>(static_cast<int64_t>(values[row])); });
}

Status Fold(const arrow::Array& array, std::vector<uint64_t>& hashes);

/// Lists and maps: the hash of a row's items, in order, with their number.
template <typename ListType>
Status FoldLists(const ListType& lists, std::vector<uint64_t>& hashes) {
  const int64_t begin = lists.length() == 0 ? 0 : lists.value_offset(0);
  const int64_t end = lists.length() == 0 ? 0 : lists.value_offset(lists.length());
  std::vector<uint64_t> items(static_cast<size_t>(end - begin), kMultiplier);
  WEIR_RETURN_NOT_OK(Fold(*lists.values()->Slice(begin, end - begin), items));
  FoldValues(lists, hashes, [&](int64_t row) {
    uint64_t hash = static_cast<uint64_t>(lists.value_length(row));
    for (int64_t i = lists.value_offset(row); i < lists.value_offset(row + 1); ++i) {
      hash = Mix(hash, items[static_cast<size_t>(i - begin)]);
    }
    return hash;
  });
  return Status::OK();
}

Status Fold(const arrow::Array& array, std::vector<uint64_t>& hashes) {
  switch (array.type_id()) {
    case arrow::Type::BOOL: {
      const auto& values = static_cast<const arrow::BooleanArray&>(array);
      FoldValues(array, hashes, [&](int64_t row) { return uint64_t{values.Value(row)}; });
      return Status::OK();
    }
    case arrow::Type::INT8:
      FoldNumbers<arrow::Int8Array>(array, hashes);
      return Status::OK();
    case arrow::Type::INT16:
      FoldNumbers<arrow::Int16Array>(array, hashes);
      return Status::OK();
    case arrow::Type::INT32:
      FoldNumbers<arrow::Int32Array>(array, hashes);
      return Status::OK();
    case arrow::Type::DATE32:
      FoldNumbers<arrow::Date32Array>(array, hashes);
      return Status::OK();
    case arrow::Type::INT64:
      FoldNumbers<arrow::Int64Array>(array, hashes);
      return Status::OK();
    case arrow::Type::TIMESTAMP:
      FoldNumbers<arrow::TimestampArray>(array, hashes);
      return Status::OK();
    case arrow::Type::FLOAT: {
      const auto* values = static_cast<const arrow::FloatArray&>(array).raw_values();
      FoldValues(array, hashes, [values](int64_t row) { return FloatBits<float, uint32_t>(values[row]); });
      return Status::OK();
    }
    case arrow::Type::DOUBLE: {
      const auto* values = static_cast<const arrow::DoubleArray&>(array).raw_values();
      FoldValues(array, hashes, [values](int64_t row) { return FloatBits<double, uint64_t>(values[row]); });
      return Status::OK();
    }
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const auto& values = static_cast<const arrow::BinaryArray&>(array);
      FoldValues(array, hashes, [&](int64_t row) {
        const auto view = values.GetView(row);
        return HashBytes(reinterpret_cast<const uint8_t*>(view.data()), view.size());
      });
      return Status::OK();
    }
    case arrow::Type::DECIMAL128: {
      const auto& values = static_cast<const arrow::Decimal128Array&>(array);
      FoldValues(array, hashes, [&](int64_t row) { return HashBytes(values.GetValue(row), 16); });
      return Status::OK();
    }
    case arrow::Type::LIST:
      return FoldLists(static_cast<const arrow::ListArray&>(array), hashes);
    case arrow::Type::MAP:
      return FoldLists(static_cast<const arrow::MapArray&>(array), hashes);
    case arrow::Type::STRUCT: {
      const auto& structs = static_cast<const arrow::StructArray&>(array);
      std::vector<uint64_t> rows(static_cast<size_t>(array.length()), kSecondMultiplier);
      for (int i = 0; i < structs.num_fields(); ++i) WEIR_RETURN_NOT_OK(Fold(*structs.field(i), rows));
      FoldValues(array, hashes, [&](int64_t row) { return rows[static_cast<size_t>(row)]; });
      return Status::OK();
    }
    default:
      return Status::User(StatusCode::kUnsupported, "there is no content hash of the type `{}`", array.type()->ToString());
  }
}

}  // namespace

ContentHasher::ContentHasher(const arrow::Schema& schema) {
  for (const auto& field : schema.fields()) schema_text_ += field->name() + "\x1f" + field->type()->ToString() + "\x1e";
}

Result<ContentSum> ContentHasher::Sum(const arrow::RecordBatch& batch) const {
  std::vector<uint64_t> hashes(static_cast<size_t>(batch.num_rows()), kMultiplier);
  for (const auto& column : batch.columns()) WEIR_RETURN_NOT_OK(Fold(*column, hashes));
  ContentSum sum;
  sum.rows = hashes.size();
  for (uint64_t hash : hashes) {
    sum.low += Mix(hash, kMultiplier);
    sum.high += Mix(hash, kSecondMultiplier * 3);
  }
  return sum;
}

std::string ContentHasher::Finish(const ContentSum& sum) const {
  return FingerprintBuilder()
      .Add("schema", schema_text_)
      .Add("low", static_cast<int64_t>(sum.low))
      .Add("high", static_cast<int64_t>(sum.high))
      .Add("rows", static_cast<int64_t>(sum.rows))
      .Finish()
      .ToString();
}

}  // namespace weir

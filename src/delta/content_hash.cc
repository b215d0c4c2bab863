// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/content_hash.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include <arrow/api.h>

#include "weir/base/fingerprint.h"

namespace weir {

namespace {

/// Version of the recipe by which content is hashed. Raise it when the recipe changes: results
/// hashed by another one then count as different.
constexpr int64_t kContentRecipe = 2;

// Odd constants with about half of their bits set.
constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;
constexpr uint64_t kSecondMultiplier = 0xD6E8FEB86659FD93;

/// A hash in two lanes that know nothing of each other.
struct Lanes {
  uint64_t low;
  uint64_t high;
};

constexpr Lanes kStart = {0xA0761D6478BD642F, 0xE7037ED1A0B428DB};
/// Stands for NULL: no number, text, list or struct has different words that are these.
constexpr Lanes kNull = {0x8EBC6AF09C88C6E3, 0x589965CC75374CC3};

/// Multiplies to 128 bits and folds the halves: every input bit reaches every output bit.
inline uint64_t MultiplyFold(uint64_t value, uint64_t multiplier) {
  const unsigned __int128 product = static_cast<unsigned __int128>(value) * multiplier;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Takes one word into each lane. No word wipes out what came before; in the high lane different
/// words never meet.
inline void Fold(Lanes& hash, Lanes word) {
  hash.low = MultiplyFold(hash.low ^ word.low, kMultiplier);
  const uint64_t high = (hash.high + word.high) * kSecondMultiplier;
  hash.high = high ^ (high >> 32);
}

/// Spreads a finished lane, so that sums of rows do not cancel out. One to one.
inline uint64_t Spread(uint64_t lane) {
  lane = (lane ^ (lane >> 32)) * kSecondMultiplier;
  lane = (lane ^ (lane >> 29)) * kMultiplier;
  return lane ^ (lane >> 32);
}

inline Lanes Word(uint64_t value) { return {value, value}; }

template <typename Integer>
inline uint64_t Load(const uint8_t* data) {
  Integer value;
  std::memcpy(&value, data, sizeof(value));
  return value;
}

/// The last words of long texts overlap the ones before: there is no loop over single bytes.
inline Lanes HashBytes(const uint8_t* data, size_t size) {
  Lanes hash = kStart;
  Fold(hash, Word(size));
  if (size >= 8) {
    for (size_t at = 0; at + 8 < size; at += 8) Fold(hash, Word(Load<uint64_t>(data + at)));
    Fold(hash, Word(Load<uint64_t>(data + size - 8)));
  } else if (size >= 4) {
    Fold(hash, Word(Load<uint32_t>(data) | Load<uint32_t>(data + size - 4) << 32));
  } else if (size > 0) {
    Fold(hash, Word(Load<uint8_t>(data) | Load<uint8_t>(data + size / 2) << 8 |
                    Load<uint8_t>(data + size - 1) << 16));
  }
  return hash;
}

template <typename View>
inline Lanes HashView(const View& view) {
  return HashBytes(reinterpret_cast<const uint8_t*>(view.data()), view.size());
}

/// Zeros differ by their sign, which a reader can see: 1 / x, CAST(x AS VARCHAR).
template <typename Float, typename Bits>
inline uint64_t FloatBits(Float value) {
  if (std::isnan(value)) value = std::numeric_limits<Float>::quiet_NaN();
  return std::bit_cast<Bits>(value);
}

/// Takes the words of a column into the hashes of its rows.
class RowFolder {
 public:
  explicit RowFolder(std::vector<Lanes>& rows) : rows_(rows) {}
  void operator()(int64_t row, Lanes word) { Fold(rows_[static_cast<size_t>(row)], word); }

 private:
  std::vector<Lanes>& rows_;
};

/// Keeps the words themselves, for columns whose rows refer to them: dictionaries and lists.
class WordCollector {
 public:
  explicit WordCollector(int64_t size) : words_(static_cast<size_t>(size)) {}
  void operator()(int64_t row, Lanes word) { words_[static_cast<size_t>(row)] = word; }
  Lanes operator[](int64_t row) const { return words_[static_cast<size_t>(row)]; }

 private:
  std::vector<Lanes> words_;
};

template <typename Sink>
Status VisitWords(const arrow::Array& array, Sink& sink);

/// Gives `sink` the word of every row; `word` is asked for rows that are not NULL.
template <typename Sink, typename WordOf>
Status Each(const arrow::Array& array, Sink& sink, const WordOf& word) {
  const int64_t rows = array.length();
  if (array.null_count() == 0) {
    for (int64_t row = 0; row < rows; ++row) sink(row, word(row));
  } else {
    for (int64_t row = 0; row < rows; ++row) sink(row, array.IsNull(row) ? kNull : word(row));
  }
  return Status::OK();
}

template <typename ArrayType, typename Sink>
Status VisitNumbers(const arrow::Array& array, Sink& sink) {
  const auto* values = static_cast<const ArrayType&>(array).raw_values();
  return Each(array, sink, [values](int64_t row) {
    return Word(static_cast<uint64_t>(static_cast<int64_t>(values[row])));
  });
}

template <typename ArrayType, typename Sink>
Status VisitTexts(const arrow::Array& array, Sink& sink) {
  const auto& values = static_cast<const ArrayType&>(array);
  return Each(array, sink, [&](int64_t row) { return HashView(values.GetView(row)); });
}

/// Lists and maps: the hash of a row's items, in order, with their number.
template <typename ListType, typename Sink>
Status VisitLists(const arrow::Array& array, Sink& sink) {
  const auto& lists = static_cast<const ListType&>(array);
  const int64_t begin = lists.length() == 0 ? 0 : lists.value_offset(0);
  const int64_t end = lists.length() == 0 ? 0 : lists.value_offset(lists.length());
  WordCollector items(end - begin);
  WEIR_RETURN_NOT_OK(VisitWords(*lists.values()->Slice(begin, end - begin), items));
  return Each(array, sink, [&](int64_t row) {
    Lanes hash = kStart;
    const int64_t first = lists.value_offset(row) - begin, length = lists.value_length(row);
    Fold(hash, Word(static_cast<uint64_t>(length)));
    for (int64_t i = first; i < first + length; ++i) Fold(hash, items[i]);
    return hash;
  });
}

template <typename Sink>
Status VisitStructs(const arrow::StructArray& structs, Sink& sink) {
  std::vector<Lanes> rows(static_cast<size_t>(structs.length()), kStart);
  RowFolder folder(rows);
  for (int i = 0; i < structs.num_fields(); ++i)
    WEIR_RETURN_NOT_OK(VisitWords(*structs.field(i), folder));
  return Each(structs, sink, [&](int64_t row) { return rows[static_cast<size_t>(row)]; });
}

template <typename Sink>
Status VisitDictionary(const arrow::DictionaryArray& array, Sink& sink) {
  WordCollector words(array.dictionary()->length());
  WEIR_RETURN_NOT_OK(VisitWords(*array.dictionary(), words));
  return Each(array, sink, [&](int64_t row) { return words[array.GetValueIndex(row)]; });
}

template <typename Sink>
Status VisitWords(const arrow::Array& array, Sink& sink) {
  switch (array.type_id()) {
    case arrow::Type::BOOL: {
      const auto& values = static_cast<const arrow::BooleanArray&>(array);
      return Each(array, sink, [&](int64_t row) { return Word(values.Value(row)); });
    }
    case arrow::Type::INT8:
      return VisitNumbers<arrow::Int8Array>(array, sink);
    case arrow::Type::INT16:
      return VisitNumbers<arrow::Int16Array>(array, sink);
    case arrow::Type::INT32:
      return VisitNumbers<arrow::Int32Array>(array, sink);
    case arrow::Type::DATE32:
      return VisitNumbers<arrow::Date32Array>(array, sink);
    case arrow::Type::INT64:
      return VisitNumbers<arrow::Int64Array>(array, sink);
    case arrow::Type::TIMESTAMP:
      return VisitNumbers<arrow::TimestampArray>(array, sink);
    case arrow::Type::FLOAT: {
      const auto* values = static_cast<const arrow::FloatArray&>(array).raw_values();
      return Each(array, sink,
                  [values](int64_t row) { return Word(FloatBits<float, uint32_t>(values[row])); });
    }
    case arrow::Type::DOUBLE: {
      const auto* values = static_cast<const arrow::DoubleArray&>(array).raw_values();
      return Each(array, sink,
                  [values](int64_t row) { return Word(FloatBits<double, uint64_t>(values[row])); });
    }
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return VisitTexts<arrow::BinaryArray>(array, sink);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return VisitTexts<arrow::LargeBinaryArray>(array, sink);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return VisitTexts<arrow::BinaryViewArray>(array, sink);
    case arrow::Type::DECIMAL128: {
      const auto& values = static_cast<const arrow::Decimal128Array&>(array);
      return Each(array, sink, [&](int64_t row) { return HashBytes(values.GetValue(row), 16); });
    }
    case arrow::Type::LIST:
      return VisitLists<arrow::ListArray>(array, sink);
    case arrow::Type::LARGE_LIST:
      return VisitLists<arrow::LargeListArray>(array, sink);
    case arrow::Type::MAP:
      return VisitLists<arrow::MapArray>(array, sink);
    case arrow::Type::STRUCT:
      return VisitStructs(static_cast<const arrow::StructArray&>(array), sink);
    case arrow::Type::DICTIONARY:
      return VisitDictionary(static_cast<const arrow::DictionaryArray&>(array), sink);
    default:
      return Status::User(StatusCode::kUnsupported, "there is no content hash of the type `{}`",
                          array.type()->ToString());
  }
}

/// A type by its meaning, whatever layout its values have.
std::string TypeText(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return arrow::utf8()->ToString();
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return arrow::binary()->ToString();
    case arrow::Type::DICTIONARY:
      return TypeText(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
      return "list<" + TypeText(*type.field(0)->type()) + ">";
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      return "map<" + TypeText(*map.key_type()) + ", " + TypeText(*map.item_type()) + ">";
    }
    case arrow::Type::STRUCT: {
      std::string text = "struct<";
      for (const auto& field : type.fields())
        text += field->name() + "\x1f" + TypeText(*field->type()) + "\x1e";
      return text + ">";
    }
    default:
      return type.ToString();
  }
}

ContentSum SumOf(const std::vector<Lanes>& rows, const arrow::BooleanArray* mask) {
  ContentSum sum;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (mask != nullptr && !mask->Value(static_cast<int64_t>(row))) continue;
    sum.low += Spread(rows[row].low);
    sum.high += Spread(rows[row].high);
    ++sum.rows;
  }
  return sum;
}

}  // namespace

ContentHasher::ContentHasher(const arrow::Schema& schema) {
  for (const auto& field : schema.fields())
    schema_text_ += field->name() + "\x1f" + TypeText(*field->type()) + "\x1e";
}

Result<ContentSum> ContentHasher::Sum(const arrow::RecordBatch& batch) const {
  std::vector<Lanes> rows(static_cast<size_t>(batch.num_rows()), kStart);
  RowFolder folder(rows);
  for (const auto& column : batch.columns()) WEIR_RETURN_NOT_OK(VisitWords(*column, folder));
  return SumOf(rows, nullptr);
}

std::string ContentHasher::Finish(const ContentSum& sum) const {
  return FingerprintBuilder()
      .Add("recipe", kContentRecipe)
      .Add("schema", schema_text_)
      .Add("low", static_cast<int64_t>(sum.low))
      .Add("high", static_cast<int64_t>(sum.high))
      .Add("rows", static_cast<int64_t>(sum.rows))
      .Finish()
      .ToString();
}

PartHasher::PartHasher(const arrow::Schema& schema, std::vector<ColumnSubset> parts)
    : parts_(std::move(parts)), uses_(static_cast<size_t>(schema.num_fields())) {
  for (const ColumnSubset& part : parts_) {
    arrow::FieldVector fields;
    for (int column : part) {
      fields.push_back(schema.field(column));
      ++uses_[static_cast<size_t>(column)];
    }
    hashers_.emplace_back(arrow::Schema(std::move(fields)));
  }
}

Result<std::vector<ContentSum>> PartHasher::Sum(
    const arrow::RecordBatch& batch,
    const std::vector<std::shared_ptr<arrow::BooleanArray>>& masks) const {
  const auto size = static_cast<size_t>(batch.num_rows());
  std::vector<std::optional<WordCollector>> words(static_cast<size_t>(batch.num_columns()));
  std::vector<ContentSum> sums;
  for (size_t part = 0; part < parts_.size(); ++part) {
    std::vector<Lanes> rows(size, kStart);
    RowFolder folder(rows);
    for (int column : parts_[part]) {
      if (uses_[static_cast<size_t>(column)] == 1) {
        WEIR_RETURN_NOT_OK(VisitWords(*batch.column(column), folder));
        continue;
      }
      auto& collected = words[static_cast<size_t>(column)];
      if (!collected) {
        collected.emplace(batch.num_rows());
        WEIR_RETURN_NOT_OK(VisitWords(*batch.column(column), *collected));
      }
      for (size_t row = 0; row < size; ++row)
        Fold(rows[row], (*collected)[static_cast<int64_t>(row)]);
    }
    sums.push_back(SumOf(rows, masks[part].get()));
  }
  return sums;
}

std::string PartHasher::Finish(size_t part, const ContentSum& sum) const {
  return hashers_[part].Finish(sum);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// Every scalar function against a naive model of its own, written over JSON values: some thousand
// random rows each, in every encoding, sliced, with every pattern of NULLs, as columns and as
// constants.

#include <functional>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "weir/functions/function_testing.h"
#include "weir/functions/naive_hash_testing.h"
#include "weir/functions/span_type.h"
#include "weir/functions/unicode_vectors_testing.h"

namespace weir {
namespace {

using namespace weir::testing;
using Json = nlohmann::json;
using Row = std::vector<Json>;

constexpr int64_t kLeastCases = 5000;

/// What a parameter of a function may be.
struct Parameter {
  TypeVector types;  ///< one is drawn a batch; texts have other encodings too if there are several
  std::function<Json(Random&)> value;  ///< never null
};

struct Model {
  std::string name;
  std::vector<Parameter> parameters;
  /// Null where the result type follows from the first argument.
  std::shared_ptr<arrow::DataType> result;
  std::function<Json(const Row&)> compute;
  size_t fewest_arguments = SIZE_MAX;  ///< SIZE_MAX: all
  size_t only_constant_from = SIZE_MAX;
};

std::shared_ptr<arrow::Array> FromRows(const std::shared_ptr<arrow::DataType>& type,
                                       const std::vector<Json>& rows) {
  return FromJson(type, Json(rows).dump());
}

/// One argument of a batch: the JSON value of each row, and the array that the function gets.
struct Argument {
  std::vector<Json> rows;
  FunctionValue value;
};

Argument DrawArgument(Random& random, const Parameter& parameter, size_t rows, bool constant,
                      uint64_t null_percent) {
  const auto draw = [&]() -> Json {
    return random() % 100 < null_percent ? Json() : parameter.value(random);
  };
  const auto& type = parameter.types[random() % parameter.types.size()];
  Argument argument;
  if (constant) {
    const Json value = draw();
    argument.rows.assign(rows, value);
    argument.value = {FromRows(type, std::vector<Json>(1, value)), true};
    return argument;
  }
  for (size_t i = 0; i < rows; ++i) argument.rows.push_back(draw());
  if (type->id() == arrow::Type::STRING && parameter.types.size() > 1 && random() % 2 == 0) {
    Texts texts;
    for (const Json& row : argument.rows) {
      texts.push_back(row.is_null() ? std::nullopt : std::optional(row.get<std::string>()));
    }
    argument.value = Column(EncodeTexts(random, texts));
    return argument;
  }
  const size_t before = random() % 70;
  const size_t behind = random() % 3;
  std::vector<Json> longer;
  for (size_t i = 0; i < before; ++i) longer.push_back(draw());
  longer.insert(longer.end(), argument.rows.begin(), argument.rows.end());
  for (size_t i = 0; i < behind; ++i) longer.push_back(draw());
  argument.value = Column(
      FromRows(type, longer)->Slice(static_cast<int64_t>(before), static_cast<int64_t>(rows)));
  return argument;
}

/// As Call of function_testing.h, with the constants at planning.
Result<std::shared_ptr<arrow::Array>> CallPlanned(const ScalarFunction& function,
                                                  const std::vector<FunctionValue>& arguments,
                                                  int64_t rows) {
  FieldVector fields;
  ConstantVector constants;
  for (const auto& argument : arguments) {
    fields.push_back(arrow::field("a", argument.values->type()));
    constants.emplace_back();
    if (argument.is_constant) constants.back() = argument.values->GetScalar(0).ValueOrDie();
  }
  WEIR_ASSIGN_OR_RETURN(const auto field, function.ReturnField(fields, constants));
  WEIR_ASSIGN_OR_RETURN(auto result, function.Invoke(arguments, rows, *field));
  EXPECT_TRUE(result->ValidateFull().ok()) << result->ValidateFull().ToString();
  EXPECT_TRUE(result->type()->Equals(field->type())) << result->type()->ToString();
  EXPECT_TRUE(field->nullable() || result->null_count() == 0);
  return result;
}

/// Runs one batch; returns the number of rows.
int64_t CheckBatch(const Model& model, const ScalarFunction& function, uint64_t seed) {
  Random random(seed);
  static constexpr uint64_t kNullPercents[] = {0, 10, 40, 100};
  const size_t rows = seed % 20 == 0 ? 0 : 1 + random() % 120;
  const size_t fewest = std::min(model.fewest_arguments, model.parameters.size());
  const size_t count = fewest + random() % (model.parameters.size() - fewest + 1);
  std::vector<Argument> arguments;
  for (size_t i = 0; i < count; ++i) {
    const bool must_be_constant = i >= model.only_constant_from;
    const uint64_t null_percent = must_be_constant ? 0 : kNullPercents[random() % (i == 0 ? 4 : 3)];
    arguments.push_back(DrawArgument(random, model.parameters[i], rows,
                                     must_be_constant || random() % 4 == 0, null_percent));
  }
  std::vector<FunctionValue> values;
  bool all_constant = true;
  for (const Argument& argument : arguments) {
    values.push_back(argument.value);
    all_constant = all_constant && argument.value.is_constant;
  }
  const auto result = CallPlanned(function, values, static_cast<int64_t>(rows));
  EXPECT_TRUE(result.ok()) << model.name << " seed " << seed << ": " << result.status().ToString();
  if (!result.ok()) return 0;
  std::vector<Json> expected_rows;
  if (!all_constant || rows > 0) {
    for (size_t i = 0; i < (all_constant ? 1 : rows); ++i) {
      Row row;
      for (const Argument& argument : arguments) row.push_back(argument.rows[i]);
      expected_rows.push_back(model.compute(row));
    }
    const auto expected = FromRows((*result)->type(), expected_rows);
    EXPECT_TRUE((*result)->Equals(expected))
        << model.name << " seed " << seed << "\nfound " << (*result)->ToString() << "\nwanted "
        << expected->ToString();
  }
  EXPECT_TRUE(model.result == nullptr || (*result)->type()->Equals(model.result))
      << (*result)->type()->ToString();
  return static_cast<int64_t>(rows);
}

// --- values ---

const TypeVector kTextTypes = {arrow::utf8(),
                               arrow::utf8(),
                               arrow::large_utf8(),
                               arrow::utf8_view(),
                               arrow::dictionary(arrow::int16(), arrow::utf8()),
                               arrow::dictionary(arrow::uint32(), arrow::utf8_view())};

Json DrawText(Random& random) {
  if (random() % 50 == 0) return std::string(1000 + random() % 5000, 'q');
  return RandomText(random);
}
Parameter Text() { return {kTextTypes, DrawText}; }
Parameter OneOf(std::vector<std::string> choices) {
  return {kTextTypes,
          [choices](Random& random) -> Json { return choices[random() % choices.size()]; }};
}
Parameter Integer(int64_t least, int64_t most) {
  return {{arrow::int64()}, [least, most](Random& random) -> Json {
            return least + static_cast<int64_t>(random() % static_cast<uint64_t>(most - least + 1));
          }};
}
Parameter Boolean() {
  return {{arrow::boolean()}, [](Random& random) -> Json { return random() % 2 == 0; }};
}

bool AnyNull(const Row& row) {
  return std::any_of(row.begin(), row.end(), [](const Json& value) { return value.is_null(); });
}

// --- identity ---

std::string PartOf(const Json& value) {
  if (value.is_null()) return "__NULL__";
  if (value.is_string()) return value.get<std::string>();
  return value.dump();  // integers in decimal, true, false
}

std::string Joined(const Row& row, size_t first) {
  std::string bytes;
  for (size_t i = first; i < row.size(); ++i) bytes += (i > first ? "\x1f" : "") + PartOf(row[i]);
  return bytes;
}

Json PrefixedId(const Row& row, bool required, bool short_hash) {
  if (row[0].is_null() || (required && AnyNull(row))) return {};
  const std::string bytes = Joined(row, 1);
  return row[0].get<std::string>() + ":" +
         (short_hash ? std::to_string(NaiveHash64(bytes)) : NaiveHash128(bytes));
}

void AddIdentityModels(std::vector<Model>* models) {
  const auto text = arrow::utf8();
  models->push_back({"stable_hash64", {Text()}, arrow::int64(), [](const Row& row) -> Json {
                       return row[0].is_null() ? Json() : Json(NaiveHash64(row[0]));
                     }});
  models->push_back({"stable_hash128", {Text()}, text, [](const Row& row) -> Json {
                       return row[0].is_null() ? Json() : Json(NaiveHash128(row[0]));
                     }});
  models->push_back({"stable_id", {Text(), Text()}, text, [](const Row& row) {
                       return PrefixedId(row, true, false);
                     }});
  models->push_back({"prefixed_hash64", {Text(), Text()}, text, [](const Row& row) {
                       return PrefixedId(row, true, true);
                     }});
  const Parameter number = {{arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(),
                             arrow::uint8(), arrow::uint64()},
                            [](Random& random) -> Json { return random() % 128; }};
  const std::vector<Parameter> parts = {Text(), Text(), number, Boolean(), Text()};
  models->push_back({"stable_id_parts", parts, text,
                     [](const Row& row) { return PrefixedId(row, false, false); }, 2});
  models->push_back({"stable_id_parts_required", parts, text,
                     [](const Row& row) { return PrefixedId(row, true, false); }, 2});
  models->push_back({"prefixed_hash_parts64", parts, text,
                     [](const Row& row) { return PrefixedId(row, false, true); }, 2});
  models->push_back({"span_id",
                     {Text(), Text(), Integer(-5, 5000), Integer(-5, 5000), Text()},
                     text,
                     [](const Row& row) { return PrefixedId(row, false, false); },
                     4});
}

// --- spans ---

Json DrawSpan(Random& random) {
  const auto maybe = [&](Json value) { return random() % 15 == 0 ? Json() : value; };
  const int64_t start = static_cast<int64_t>(random() % 12) - 3;
  return {{"bstart", maybe(start)},
          {"bend", maybe(start + static_cast<int64_t>(random() % 6))},
          {"line_base", maybe(random() % 2)},
          {"col_unit", "byte"},
          {"end_exclusive", maybe(random() % 3 != 0)}};
}
Parameter Span() { return {{SpanType()}, DrawSpan}; }

struct PlainSpan {
  int64_t start, end;  ///< half-open
};
std::optional<PlainSpan> Plain(const Json& span) {
  if (span.is_null() || span["bstart"].is_null() || span["bend"].is_null() ||
      span["end_exclusive"].is_null()) {
    return std::nullopt;
  }
  return PlainSpan{span["bstart"], span["bend"].get<int64_t>() + (span["end_exclusive"] ? 0 : 1)};
}

/// From two spans that are there.
std::function<Json(const Row&)> OfTwoSpans(std::function<Json(PlainSpan, PlainSpan)> compute) {
  return [compute](const Row& row) -> Json {
    const auto a = Plain(row[0]), b = Plain(row[1]);
    return a && b ? compute(*a, *b) : Json();
  };
}

std::function<Json(const Row&)> CombinedSpan(
    std::function<PlainSpan(PlainSpan, PlainSpan)> combine) {
  return [combine](const Row& row) -> Json {
    const auto a = Plain(row[0]), b = Plain(row[1]);
    if (!a || !b) return {};
    const PlainSpan both = combine(*a, *b);
    if (both.end <= both.start) return {};
    Json span = row[0];
    span["bstart"] = both.start;
    span["bend"] = both.end - (row[0]["end_exclusive"] ? 0 : 1);
    if (span["line_base"].is_null()) span["line_base"] = 0;
    return span;
  };
}

void AddSpanModels(std::vector<Model>* models) {
  models->push_back({"span_make",
                     {Integer(-2000, 4), Integer(4, 2000), Integer(0, 1),
                      OneOf({"byte", "utf16", "utf8"}), Boolean()},
                     SpanType(),
                     [](const Row& row) -> Json {
                       if (AnyNull(row)) return {};
                       return {{"bstart", row[0]},
                               {"bend", row[1]},
                               {"line_base", row.size() > 2 ? row[2] : Json(0)},
                               {"col_unit", row.size() > 3 ? row[3] : Json("byte")},
                               {"end_exclusive", row.size() > 4 ? row[4] : Json(true)}};
                     },
                     2});
  models->back().parameters[3].types = {arrow::utf8()};
  models->push_back({"span_len", {Span()}, arrow::int64(), [](const Row& row) -> Json {
                       const auto span = Plain(row[0]);
                       return span ? Json(span->end - span->start) : Json();
                     }});
  models->push_back({"span_overlaps",
                     {Span(), Span()},
                     arrow::boolean(),
                     OfTwoSpans([](PlainSpan a, PlainSpan b) -> Json {
                       return !(a.start >= b.end || a.end <= b.start);
                     })});
  models->push_back({"span_contains",
                     {Span(), Span()},
                     arrow::boolean(),
                     OfTwoSpans([](PlainSpan a, PlainSpan b) -> Json {
                       return std::min(a.start, b.start) == a.start &&
                              std::max(a.end, b.end) == a.end;
                     })});
  models->push_back(
      {"span_intersection",
       {Span(), Span()},
       SpanType(),
       CombinedSpan([](PlainSpan a, PlainSpan b) {
         return PlainSpan{a.start > b.start ? a.start : b.start, a.end < b.end ? a.end : b.end};
       })});
  models->push_back(
      {"span_union_hull", {Span(), Span()}, SpanType(), CombinedSpan([](PlainSpan a, PlainSpan b) {
         return PlainSpan{a.start < b.start ? a.start : b.start, a.end > b.end ? a.end : b.end};
       })});
}

// --- positions ---

/// The code points of valid UTF-8.
std::u32string CodePoints(const std::string& text) {
  std::u32string points;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t point = bytes == 1 ? lead : lead & (0xff >> (bytes + 1));
    for (size_t k = 1; k < bytes; ++k)
      point = (point << 6) | (static_cast<uint8_t>(text[i + k]) & 0x3f);
    points += point;
    i += bytes;
  }
  return points;
}

size_t Utf8Bytes(char32_t point) {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

int64_t NaiveByteOffset(const std::string& line, int64_t col, const std::string& unit) {
  // The byte offset of each column, one entry a unit, then the end.
  std::vector<int64_t> offsets;
  int64_t at = 0;
  for (const char32_t point : CodePoints(line)) {
    const size_t bytes = Utf8Bytes(point);
    if (unit == "byte" || unit == "utf8") {
      for (size_t k = 0; k < bytes; ++k) offsets.push_back(at + static_cast<int64_t>(k));
    } else {
      offsets.push_back(at);
      if (unit == "utf16" && point > 0xffff) offsets.push_back(at);
    }
    at += static_cast<int64_t>(bytes);
  }
  offsets.push_back(at);
  if (col < 0) return 0;
  return offsets[std::min(static_cast<size_t>(col), offsets.size() - 1)];
}

void AddPositionModels(std::vector<Model>* models) {
  models->push_back({"position_encoding_norm",
                     {OneOf({"UTF-8", "utf8", "Utf-16", "UTF16", "utf-32", "UTF32", "u-t-f-8", "",
                             "latin1", "utf 8", "utf161"})},
                     arrow::int32(),
                     [](const Row& row) -> Json {
                       static const std::map<Json, int> kNumbers = {
                           {"UTF-8", 1}, {"utf8", 1}, {"u-t-f-8", 1}, {"Utf-16", 2}, {"UTF16", 2}};
                       const auto found = kNumbers.find(row[0]);
                       return found == kNumbers.end() ? 3 : found->second;
                     }});
  const Parameter line = {kTextTypes, [](Random& random) -> Json {
                            static const std::string kPieces[] = {"a", "é", "☃", "😀", " ", "𝒳y"};
                            std::string text;
                            for (uint64_t i = random() % 12; i > 0; --i)
                              text += kPieces[random() % 6];
                            return text;
                          }};
  models->push_back({"col_to_byte",
                     {line, Integer(-3, 30), OneOf({"byte", "utf8", "utf16", "utf32"})},
                     arrow::int64(),
                     [](const Row& row) -> Json {
                       return AnyNull(row) ? Json() : Json(NaiveByteOffset(row[0], row[1], row[2]));
                     }});
}

// --- texts ---

bool IsWhite(char32_t c) {
  static const std::set<char32_t> kOthers = {0x20,   0x85,   0xa0,   0x1680, 0x2028,
                                             0x2029, 0x202f, 0x205f, 0x3000};
  return (c >= 9 && c <= 13) || (c >= 0x2000 && c <= 0x200a) || kOthers.contains(c);
}

std::string NaiveCollapse(const std::string& text) {
  std::string out;
  size_t at = 0;
  bool white = false;
  for (const char32_t point : CodePoints(text)) {
    const size_t bytes = Utf8Bytes(point);
    if (!IsWhite(point)) {
      out += text.substr(at, bytes);
    } else if (!white) {
      out += ' ';
    }
    white = IsWhite(point);
    at += bytes;
  }
  return out;
}

/// A text is a sequence of pieces; a letter stands for each.
const UnicodePiece* FindPiece(const std::string& text, size_t at) {
  const UnicodePiece* longest = nullptr;
  for (const UnicodePiece& piece : kUnicodePieces) {
    if (text.compare(at, piece.text.size(), piece.text) != 0) continue;
    if (longest == nullptr || piece.text.size() > longest->text.size()) longest = &piece;
  }
  return longest;
}

std::vector<const UnicodePiece*> PiecesOf(const std::string& text) {
  std::vector<const UnicodePiece*> pieces;
  for (size_t at = 0; at < text.size();) {
    const UnicodePiece* piece = FindPiece(text, at);
    if (piece == nullptr) throw std::logic_error("no piece");
    pieces.push_back(piece);
    at += piece->text.size();
  }
  return pieces;
}

Json NaiveTrim(const std::string& text) {
  auto pieces = PiecesOf(text);
  while (!pieces.empty() && pieces.front()->is_white_space) pieces.erase(pieces.begin());
  while (!pieces.empty() && pieces.back()->is_white_space) pieces.pop_back();
  std::string trimmed;
  for (const auto* piece : pieces) trimmed += piece->text;
  return trimmed.empty() ? Json() : Json(trimmed);
}

Json NaiveNormalize(const Row& row) {
  if (AnyNull(row)) return {};
  static const std::map<std::string, size_t> kForms = {
      {"NFC", 0}, {"NFD", 1}, {"NFKC", 2}, {"NFKD", 3}, {"nfkc", 2}};
  const size_t form = row.size() > 1 ? kForms.at(row[1]) : 2;
  const bool fold = row.size() > 2 ? row[2].get<bool>() : true;
  const bool collapse = row.size() > 3 ? row[3].get<bool>() : true;
  const Json trimmed = NaiveTrim(row[0]);
  if (trimmed.is_null()) return {};
  std::string text;
  for (const auto* piece : PiecesOf(trimmed))
    text += fold ? piece->normal_folded[form] : piece->normal[form];
  return collapse ? NaiveCollapse(text) : text;
}

Parameter UnicodeText(uint64_t white_one_in) {
  return {kTextTypes, [white_one_in](Random& random) -> Json {
            const bool ascii = random() % 3 == 0;
            std::string text;
            for (uint64_t i = random() % 8; i > 0; --i) {
              const UnicodePiece* piece;
              do {
                piece = &kUnicodePieces[random() % std::size(kUnicodePieces)];
              } while ((ascii && static_cast<uint8_t>(piece->text[0]) >= 0x80) ||
                       (random() % white_one_in == 0 && !piece->is_white_space));
              text += piece->text;
            }
            return text;
          }};
}

Json NaiveQname(const Row& row) {
  if (row[0].is_null()) return {};
  static const std::map<std::string, std::string> kSeparators = {
      {"c++", "::"}, {"Rust", "::"}, {"php", "\\"}};
  static const std::set<std::string> kFolded = {"sql", "SQL", "Pascal", "fortran", "ada", "basic"};
  const std::string symbol = row[0];
  const std::string module = row.size() > 1 && !row[1].is_null() ? row[1].get<std::string>() : "";
  const std::string lang = row.size() > 2 && !row[2].is_null() ? row[2].get<std::string>() : "";
  bool qualified = symbol.find('.') != std::string::npos;
  if (kSeparators.contains(lang))
    qualified = qualified || symbol.find(kSeparators.at(lang)) != std::string::npos;
  const bool blank = module.find_first_not_of(" \t") == std::string::npos;
  std::string name = qualified || blank ? symbol : module + "." + symbol;
  if (kFolded.contains(lang)) {
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return name;
}

void AddTextModels(std::vector<Model>* models) {
  models->push_back(
      {"utf8_normalize",
       {UnicodeText(4), OneOf({"NFC", "NFD", "NFKC", "NFKD", "nfkc"}), Boolean(), Boolean()},
       arrow::utf8(),
       NaiveNormalize,
       1});
  models->push_back({"utf8_null_if_blank", {UnicodeText(2)}, arrow::utf8(), [](const Row& row) {
                       return row[0].is_null() ? Json() : NaiveTrim(row[0]);
                     }});
  models->push_back(
      {"qname_normalize",
       {OneOf({"parse", "Read", "a.b", "a::b", "x\\y", "", "ÄB"}),
        OneOf({"app.io", "M", "", "  ", "\t"}),
        OneOf({"python", "sql", "SQL", "Pascal", "fortran", "ada", "basic", "c++", "Rust", "php",
               "", "?"})},
       arrow::utf8(),
       [](const Row& row) -> Json {
         Json name = NaiveQname(row);
         // The only letter of the table with case beyond ASCII.
         const bool folded =
             row.size() > 2 && row[2].is_string() &&
             std::set<std::string>{"sql", "SQL", "Pascal", "fortran", "ada", "basic"}.contains(
                 row[2]);
         if (folded && name.is_string()) {
           std::string text = name;
           const size_t at = text.find("Ä");
           if (at != std::string::npos) text.replace(at, 2, "ä");
           name = text;
         }
         return name;
       },
       1});
}

// --- change data ---

void AddChangeDataModels(std::vector<Model>* models) {
  const Parameter types =
      OneOf({"insert", " INSERT\t", "delete", "Delete ", "update_postimage", "UPDATE_postimage",
             "update_preimage", "\nupdate_PREIMAGE", "", "upsert", "insert x"});
  const auto rank = [](const Json& type) -> int {
    std::string name;
    for (const char c : type.get<std::string>()) {
      if (!std::isspace(static_cast<unsigned char>(c)) || c == ' ')
        name += static_cast<char>(std::tolower(c));
    }
    name.erase(0, std::min(name.find_first_not_of(' '), name.size()));
    name.erase(name.find_last_not_of(' ') + 1);
    static const std::map<std::string, int> kRanks = {
        {"update_postimage", 3}, {"insert", 2}, {"delete", 1}, {"update_preimage", 0}};
    return kRanks.contains(name) ? kRanks.at(name) : -1;
  };
  models->push_back({"cdf_change_rank", {types}, arrow::int32(), [rank](const Row& row) {
                       return row[0].is_null() ? Json() : Json(rank(row[0]));
                     }});
  models->push_back({"cdf_is_upsert", {types}, arrow::boolean(), [rank](const Row& row) {
                       return row[0].is_null() ? Json() : Json(rank(row[0]) >= 2);
                     }});
  models->push_back({"cdf_is_delete", {types}, arrow::boolean(), [rank](const Row& row) {
                       return row[0].is_null() ? Json() : Json(rank(row[0]) == 1);
                     }});
}

// --- nested ---

Json DrawList(Random& random, const std::function<Json(Random&)>& element) {
  Json list = Json::array();
  for (uint64_t i = random() % 7; i > 0; --i)
    list.push_back(random() % 4 == 0 ? Json() : element(random));
  return list;
}

/// A list nested `levels` deep around a list of numbers.
std::shared_ptr<arrow::DataType> DeepList(int levels) {
  return levels == 0 ? arrow::list(arrow::int32()) : arrow::list(DeepList(levels - 1));
}
/// Wide at the top and at the bottom, one element a level between.
Json DrawDeep(Random& random, int levels, bool top = true) {
  if (levels == 0) return DrawList(random, [](Random& r) -> Json { return r() % 3; });
  const auto below = [levels](Random& r) { return DrawDeep(r, levels - 1, false); };
  if (top) return DrawList(random, below);
  return random() % 30 == 0 ? Json::array({Json()}) : Json::array({below(random)});
}

std::vector<Parameter> Lists() {
  const auto small = [](Random& random) -> Json { return static_cast<int64_t>(random() % 9); };
  const auto word = [](Random& random) -> Json {
    static const std::string kWords[] = {"", "a", "b", "ab", "a longer word than a view holds",
                                         "é"};
    return kWords[random() % 6];
  };
  const auto list_of = [](const std::shared_ptr<arrow::DataType>& type) {
    return arrow::list(type);
  };
  return {
      {{list_of(arrow::int64()), arrow::large_list(arrow::int8()), list_of(arrow::uint32()),
        list_of(arrow::float64()), list_of(arrow::date32()), list_of(arrow::float32())},
       [=](Random& random) { return DrawList(random, small); }},
      {{list_of(arrow::utf8()), list_of(arrow::utf8_view()), arrow::large_list(arrow::large_utf8()),
        list_of(arrow::dictionary(arrow::int8(), arrow::utf8())), list_of(arrow::binary())},
       [=](Random& random) { return DrawList(random, word); }},
      {{list_of(arrow::boolean())},
       [](Random& random) {
         return DrawList(random, [](Random& r) -> Json { return r() % 2 == 0; });
       }},
      {{list_of(list_of(arrow::int16()))},
       [=](Random& random) {
         return DrawList(random, [=](Random& r) { return DrawList(r, small); });
       }},
      {{DeepList(10)}, [](Random& random) { return DrawDeep(random, 10); }},
  };
}

/// JSON null last, arrays element by element; as the order of types says.
bool JsonLess(const Json& a, const Json& b) {
  if (a.is_null() || b.is_null()) return !a.is_null() && b.is_null();
  if (a.is_array())
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), JsonLess);
  return a < b;
}

Json NaiveCompact(const Row& row) {
  if (row[0].is_null()) return {};
  Json kept = Json::array();
  for (const Json& element : row[0]) {
    if (!element.is_null()) kept.push_back(element);
  }
  return kept;
}

Json NaiveUniqueSorted(const Row& row) {
  if (row[0].is_null()) return {};
  std::set<Json, decltype(&JsonLess)> distinct(&JsonLess);
  for (const Json& element : row[0]) {
    if (!element.is_null()) distinct.insert(element);
  }
  return Json(std::vector<Json>(distinct.begin(), distinct.end()));
}

Parameter Map(const TypeVector& key_types, std::function<Json(Random&)> key) {
  TypeVector types;
  for (const auto& type : key_types) types.push_back(arrow::map(type, arrow::int64()));
  return {types, [key](Random& random) -> Json {
            Json map = Json::array();
            for (uint64_t i = random() % 6; i > 0; --i) {
              map.push_back({key(random), random() % 5 == 0 ? Json() : Json(random() % 50)});
            }
            return map;
          }};
}

Json DrawWord(Random& random) {
  return std::string(kCasedWords[random() % std::size(kCasedWords)].text);
}

Json NaiveGet(const Row& row) {
  Json found = row[2];
  if (row[0].is_null() || row[1].is_null()) return found;
  for (const Json& entry : row[0]) {
    if (entry[0] == row[1]) found = entry[1];
  }
  return found;
}

Json NaiveMapNormalize(const Row& row) {
  if (AnyNull(row)) return {};
  const std::string key_case = row.size() > 1 ? row[1].get<std::string>() : "lower";
  const bool sort = row.size() > 2 ? row[2].get<bool>() : true;
  const auto changed = [&](const Json& key) -> Json {
    if (!key.is_string() || key_case == "keep") return key;
    for (const CasedWord& word : kCasedWords) {
      if (word.text == key.get<std::string>())
        return std::string(key_case == "lower" ? word.lower : word.upper);
    }
    return {};
  };
  std::vector<Json> entries;
  for (const Json& entry : row[0]) {
    const Json key = changed(entry[0]);
    const auto known = std::find_if(entries.begin(), entries.end(),
                                    [&](const Json& other) { return other[0] == key; });
    if (known != entries.end()) {
      (*known)[1] = entry[1];
    } else {
      entries.push_back({key, entry[1]});
    }
  }
  if (sort)
    std::sort(entries.begin(), entries.end(),
              [](const Json& a, const Json& b) { return a[0] < b[0]; });
  return entries;
}

Json NaivePick(const Row& row) {
  if (row[0].is_null()) return {};
  Json picked = Json::object();
  for (size_t i = 1; i < row.size(); ++i)
    picked[row[i].get<std::string>()] = row[0][row[i].get<std::string>()];
  return picked;
}

void AddNestedModels(std::vector<Model>* models) {
  for (const Parameter& lists : Lists()) {
    models->push_back({"list_compact", {lists}, nullptr, NaiveCompact});
    models->push_back({"list_unique_sorted", {lists}, nullptr, NaiveUniqueSorted});
  }
  const TypeVector word_types = {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(),
                                 arrow::dictionary(arrow::int8(), arrow::utf8())};
  for (const auto& type : word_types) {
    const Parameter words = Map({type}, DrawWord);
    models->push_back({"map_get_default",
                       {words, {{type}, DrawWord}, Integer(100, 120)},
                       arrow::int64(),
                       NaiveGet});
    models->push_back({"map_normalize",
                       {words, OneOf({"lower", "upper", "keep"}), Boolean()},
                       nullptr,
                       NaiveMapNormalize,
                       1});
  }
  const auto number = [](Random& random) -> Json { return random() % 4; };
  const Parameter numbers = Map({arrow::int32()}, number);
  models->push_back({"map_get_default",
                     {numbers, {{arrow::int32()}, number}, Integer(100, 120)},
                     arrow::int64(),
                     NaiveGet});
  models->push_back(
      {"map_normalize", {numbers, OneOf({"lower"}), Boolean()}, nullptr, NaiveMapNormalize, 1});
  const Parameter structs = {
      {arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("b", arrow::utf8_view()),
                       arrow::field("c", arrow::list(arrow::int64()))})},
      [](Random& random) -> Json {
        return {{"a", random() % 3 == 0 ? Json() : Json(random() % 9)},
                {"b", random() % 3 == 0 ? Json() : DrawText(random)},
                {"c", DrawList(random, [](Random& r) -> Json { return r() % 9; })}};
      }};
  Model pick = {
      "struct_pick", {structs, OneOf({"a", "b"}), OneOf({"c"})}, nullptr, NaivePick, 2, 1};
  models->push_back(pick);
}

/// stable_hash_any, whose text form of simple values is that of parts.
void AddHashAny(std::vector<Model>* models) {
  const auto hash = [](const Row& row) -> Json {
    if ((row.size() > 1 && row[1].is_null()) || (row.size() > 2 && row[2].is_null())) return {};
    if (row[0].is_null())
      return NaiveHash128(row.size() > 2 ? row[2].get<std::string>() : "__NULL__");
    const bool canonical = row.size() > 1 ? row[1].get<bool>() : true;
    std::string text = PartOf(row[0]);
    if (canonical && row[0].is_string()) {
      const Json trimmed = NaiveTrim(text);
      text.clear();
      if (trimmed.is_string()) {
        for (const auto* piece : PiecesOf(trimmed)) text += piece->normal[2];
      }
    }
    return NaiveHash128(text);
  };
  models->push_back({"stable_hash_any",
                     {UnicodeText(4), Boolean(), OneOf({"-", "", " é "})},
                     arrow::utf8(),
                     hash,
                     1});
  models->push_back({"stable_hash_any",
                     {Integer(-1000000, 1000000), Boolean(), OneOf({"-"})},
                     arrow::utf8(),
                     hash,
                     1});
  models->push_back(
      {"stable_hash_any", {Boolean(), Boolean(), OneOf({"-"})}, arrow::utf8(), hash, 1});
}

std::vector<Model> AllModels() {
  std::vector<Model> models;
  AddIdentityModels(&models);
  AddHashAny(&models);
  AddSpanModels(&models);
  AddPositionModels(&models);
  AddTextModels(&models);
  AddChangeDataModels(&models);
  AddNestedModels(&models);
  return models;
}

TEST(ScalarModels, EveryFunctionAgreesWithItsModel) {
  std::map<std::string, int64_t> cases;
  for (const Model& model : AllModels()) {
    SCOPED_TRACE(model.name);
    const auto function = Scalar(model.name);
    ASSERT_NE(function, nullptr);
    int64_t checked = 0;
    for (uint64_t seed = 0; checked < kLeastCases; ++seed) {
      checked += CheckBatch(model, *function, seed);
      if (::testing::Test::HasFailure()) return;
    }
    cases[model.name] += checked;
  }
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.scalars()) {
    EXPECT_GE(cases[function->declaration().name], kLeastCases) << function->declaration().name;
  }
}

}  // namespace
}  // namespace weir

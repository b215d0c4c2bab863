// SPDX-License-Identifier: Apache-2.0
//
// Models of functions of texts, of positions in them, and of change types.

#include <map>
#include <set>

#include "weir/functions/text/naive_text_testing.h"

namespace weir::testing {
namespace {

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
                     {line, Integer(-3, 30), Keyword({"byte", "utf8", "utf16", "utf32"})},
                     arrow::int64(),
                     [](const Row& row) -> Json {
                       return AnyNull(row) ? Json() : Json(NaiveByteOffset(row[0], row[1], row[2]));
                     }});
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
       {UnicodeText(4), Keyword({"NFC", "NFD", "NFKC", "NFKD", "nfkc"}), Boolean(), Boolean()},
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
           for (size_t at = text.find("Ä"); at != std::string::npos; at = text.find("Ä", at))
             text.replace(at, 2, "ä");
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

}  // namespace

std::vector<Model> TextModels() {
  std::vector<Model> models;
  AddPositionModels(&models);
  AddTextModels(&models);
  AddChangeDataModels(&models);
  return models;
}

TEST(ScalarModels, OfTexts) { CheckModels(TextModels()); }

}  // namespace weir::testing

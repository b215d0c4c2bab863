// SPDX-License-Identifier: Apache-2.0
//
// Models of hashes and identities.

#include "weir/functions/identity/naive_hash_testing.h"
#include "weir/functions/text/naive_text_testing.h"

namespace weir::testing {
namespace {

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
  const std::vector<Parameter> parts = {Text(), Text(), number, Boolean(), Deep(), Text()};
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
  for (const Parameter& value : {Boolean(), Deep()}) {
    models->push_back(
        {"stable_hash_any", {value, Boolean(), OneOf({"-"})}, arrow::utf8(), hash, 1});
  }
}

}  // namespace

std::vector<Model> IdentityModels() {
  std::vector<Model> models;
  AddIdentityModels(&models);
  AddHashAny(&models);
  return models;
}

TEST(ScalarModels, OfIdentities) { CheckModels(IdentityModels()); }

}  // namespace weir::testing

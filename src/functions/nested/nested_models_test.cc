// SPDX-License-Identifier: Apache-2.0
//
// Models of functions of lists, maps and structs.

#include <set>

#include "weir/functions/text/naive_text_testing.h"

namespace weir::testing {
namespace {

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
      Deep(),
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

Parameter Map(const std::shared_ptr<arrow::DataType>& key_type, std::function<Json(Random&)> key,
              const Parameter& item = Integer(0, 49)) {
  return {{arrow::map(key_type, item.types[0])}, [key, item](Random& random) -> Json {
            Json map = Json::array();
            for (uint64_t i = random() % 6; i > 0; --i) {
              map.push_back({key(random), random() % 5 == 0 ? Json() : item.value(random)});
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
              [](const Json& a, const Json& b) { return JsonLess(a[0], b[0]); });
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
    const Parameter words = Map(type, DrawWord);
    models->push_back({"map_get_default",
                       {words, {{type}, DrawWord}, Integer(100, 120)},
                       arrow::int64(),
                       NaiveGet});
    models->push_back({"map_normalize",
                       {words, Keyword({"lower", "upper", "keep"}), Boolean()},
                       nullptr,
                       NaiveMapNormalize,
                       1});
  }
  const auto number = [](Random& random) -> Json { return random() % 4; };
  const Parameter numbers = Map(arrow::int32(), number);
  models->push_back({"map_get_default",
                     {numbers, {{arrow::int32()}, number}, Integer(100, 120)},
                     arrow::int64(),
                     NaiveGet});
  models->push_back(
      {"map_normalize", {numbers, Keyword({"lower"}), Boolean()}, nullptr, NaiveMapNormalize, 1});
  const Parameter structs = {
      {arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("b", arrow::utf8_view()),
                       arrow::field("c", arrow::list(arrow::int64()))})},
      [](Random& random) -> Json {
        return {{"a", random() % 3 == 0 ? Json() : Json(random() % 9)},
                {"b", random() % 3 == 0 ? Json() : DrawText(random)},
                {"c", DrawList(random, [](Random& r) -> Json { return r() % 9; })}};
      }};
  Model pick = {
      "struct_pick", {structs, Keyword({"a", "b"}), Keyword({"c"})}, nullptr, NaivePick, 2, 1};
  models->push_back(pick);
}

/// Keys, items and fields nested ten levels deep.
void AddDeepModels(std::vector<Model>* models) {
  const auto draw_key = [](Random& random) { return DrawDeepList(random, kDeepLevels, false); };
  const Parameter deep_items = Map(arrow::utf8(), DrawWord, Deep());
  const Parameter deep_keys = Map(DeepList(), draw_key);
  const auto text = arrow::utf8();
  models->push_back(
      {"map_get_default", {deep_items, {{text}, DrawWord}, Deep()}, DeepList(), NaiveGet});
  models->push_back({"map_get_default",
                     {deep_keys, {{DeepList()}, draw_key}, Integer(100, 120)},
                     arrow::int64(),
                     NaiveGet});
  for (const Parameter& maps : {deep_items, deep_keys}) {
    models->push_back({"map_normalize",
                       {maps, Keyword({"lower", "upper", "keep"}), Boolean()},
                       nullptr,
                       NaiveMapNormalize,
                       1});
  }
  const Parameter structs = {
      {arrow::struct_({arrow::field("a", DeepList()), arrow::field("b", arrow::int64())})},
      [](Random& random) -> Json {
        return {{"a", random() % 3 == 0 ? Json() : DrawDeepList(random)}, {"b", random() % 9}};
      }};
  models->push_back(
      {"struct_pick", {structs, Keyword({"a"}), Keyword({"b"})}, nullptr, NaivePick, 2, 1});
}

}  // namespace

std::vector<Model> NestedModels() {
  std::vector<Model> models;
  AddNestedModels(&models);
  AddDeepModels(&models);
  return models;
}

TEST(ScalarModels, OfListsMapsAndStructs) { CheckModels(NestedModels()); }

}  // namespace weir::testing

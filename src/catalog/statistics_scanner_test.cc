// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/statistics_scanner.h"

#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/catalog/file_list.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr int kDocuments = 20'000;

TEST(StatisticsScanner, TakesOutWhatIsWantedOnly) {
  StatisticsScanner scanner({{"a"}, {"s", "x"}});
  ASSERT_TRUE(scanner.Scan(
      R"({"numRecords": 7, "tightBounds": true, "minValues": {"b": 1, "a": "\"q", "s": {"x": -1.5e3, "y": [1]}},)"
      R"( "maxValues": {"a": null}, "nullCount": {"s": {"x": 2}}, "more": {"a": [{"a": 1}]}})"));
  EXPECT_EQ(RecordCount(scanner.num_records()), 7);
  EXPECT_EQ(scanner.columns()[0].min, R"("\"q")");
  EXPECT_EQ(scanner.columns()[0].max, "");
  EXPECT_EQ(scanner.columns()[1].min, "-1.5e3");
  EXPECT_EQ(scanner.columns()[1].null_count, "2");
}

TEST(StatisticsScanner, KnowsNothingOfWhatIsNoObject) {
  StatisticsScanner scanner({{"a"}});
  for (const char* text :
       {"", "[]", "7", "{", "{\"a\"}", R"({"minValues":{"a":1})", R"({"minValues":{"a":1}} x)",
        R"({"minValues":{"a":}})", R"({"minValues":{"a":tru}})", R"({"a":"x)"}) {
    EXPECT_FALSE(scanner.Scan(text)) << text;
    EXPECT_EQ(scanner.columns()[0].min, "") << text;
  }
  EXPECT_FALSE(scanner.Scan(std::string(10'000, '[')));
  EXPECT_TRUE(scanner.Scan(" {} "));
}

using Random = std::mt19937_64;

Json RandomValue(Random& random, int depth) {
  switch (random() % (depth > 0 ? 6 : 4)) {
    case 0:
      return static_cast<int64_t>(random() % 2'000) - 1'000;
    case 1:
      return static_cast<double>(random() % 1'000) / 8;
    case 2:
      return std::string(random() % 3, "\"\\a{,"[random() % 5]);
    case 3:
      return random() % 2 == 0 ? Json(nullptr) : Json(random() % 2 == 0);
    case 4: {
      Json array = Json::array();
      for (uint64_t i = random() % 3; i > 0; --i) array.push_back(RandomValue(random, depth - 1));
      return array;
    }
    default: {
      Json object = Json::object();
      for (uint64_t i = random() % 4; i > 0; --i)
        object[std::string(1, static_cast<char>('a' + random() % 4))] =
            RandomValue(random, depth - 1);
      return object;
    }
  }
}

/// What a parser of whole documents finds; null for nothing.
Json Found(const Json& document, const char* kind, const StatisticsPath& path) {
  if (!document.is_object() || !document.contains(kind)) return nullptr;
  const Json* at = &document[kind];
  for (const std::string& name : path) {
    if (!at->is_object() || !at->contains(name)) return nullptr;
    at = &(*at)[name];
  }
  return *at;
}

Json Parsed(std::string_view text) { return text.empty() ? Json(nullptr) : Json::parse(text); }

TEST(StatisticsScannerProperty, FindsWhatAParserFinds) {
  Random random(4);
  const std::vector<StatisticsPath> paths = {{"a"}, {"b", "a"}, {"b", "c"}, {"d"}};
  StatisticsScanner scanner(paths);
  for (int i = 0; i < kDocuments; ++i) {
    Json document = Json::object();
    for (const char* kind : {"numRecords", "minValues", "maxValues", "nullCount", "tags"})
      if (random() % 4 != 0) document[kind] = RandomValue(random, 3);
    std::string text = document.dump(random() % 2 == 0 ? -1 : 1);
    if (random() % 8 == 0) text.resize(text.size() - 1);
    const Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    ASSERT_EQ(scanner.Scan(text), parsed.is_object()) << text;
    for (size_t k = 0; k < paths.size(); ++k) {
      ASSERT_EQ(Parsed(scanner.columns()[k].min), Found(parsed, "minValues", paths[k])) << text;
      ASSERT_EQ(Parsed(scanner.columns()[k].max), Found(parsed, "maxValues", paths[k])) << text;
      ASSERT_EQ(Parsed(scanner.columns()[k].null_count), Found(parsed, "nullCount", paths[k]))
          << text;
    }
  }
}

TEST(FileList, IsOrderedByPathAndKeepsWhatBelongsTogether) {
  FileListBuilder builder({{"i"}});
  builder.Add(
      {.path = "b", .size_bytes = 2, .statistics = R"({"numRecords":3,"minValues":{"i":5}})"});
  builder.Add({.path = "a", .size_bytes = 1, .rows = 9, .partition_values = {{"p", "x"}}});
  builder.Add({.path = "c", .partition_values = {{"p", std::nullopt}}, .statistics = "damaged"});
  const auto files = builder.Finish();
  ASSERT_EQ(files->size(), 3U);
  EXPECT_EQ(files->path(0), "a");
  EXPECT_EQ(files->rows(0), 9);
  ASSERT_TRUE(files->partition_value(0, "p").has_value());
  EXPECT_EQ(*files->partition_value(0, "p"), "x");
  EXPECT_EQ(files->path(1), "b");
  EXPECT_EQ(files->size_bytes(1), 2);
  EXPECT_EQ(files->rows(1), 3);
  EXPECT_EQ(files->statistics(1, files->StatisticsIndex({"i"})).min, "5");
  EXPECT_EQ(files->partition_value(1, "p"), std::nullopt);
  ASSERT_TRUE(files->partition_value(2, "p").has_value());
  EXPECT_EQ(*files->partition_value(2, "p"), std::nullopt);
  EXPECT_FALSE(files->statistics_readable(2));
  EXPECT_EQ(files->StatisticsIndex({"j"}), -1);
}

TEST(TableFiles, ReadMoreWhenMoreIsAskedFor) {
  const TableFiles files(
      std::vector<DataFile>{{.path = "a", .statistics = R"({"minValues":{"i":5,"j":6,"k":7}})"}});
  files.Announce({{"j"}});
  const auto first = files.Read({{"i"}});
  ASSERT_TRUE(first.ok());
  EXPECT_GE((*first)->StatisticsIndex({"j"}), 0);
  EXPECT_EQ(*files.Read({{"j"}}), *first);
  const auto second = files.Read({{"k"}});
  ASSERT_TRUE(second.ok());
  EXPECT_NE(*second, *first);
  EXPECT_EQ((*second)->statistics(0, (*second)->StatisticsIndex({"i"})).min, "5");
}

}  // namespace
}  // namespace weir

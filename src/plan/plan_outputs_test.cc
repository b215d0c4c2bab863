// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_outputs.h"

#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace weir::internal {
namespace {

using Json = nlohmann::json;

std::string RandomName(std::mt19937_64& random) {
  static const std::vector<std::string> kPieces = {
      "a", "sum(x)", " ", "\"", "\\", "\n", "\x01", "\x7f", "ü", "→", "𝄞", "[", "]", ",", "null"};
  std::string name;
  for (auto n = random() % 6; n > 0; --n) name += kPieces[random() % kPieces.size()];
  return name;
}

TEST(ParseOutputs, ReadsWhatAJsonLibraryWrites) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::vector<OutputColumn>> nodes(random() % 4);
    Json json = Json::array();
    for (auto& node : nodes) {
      Json& columns = json.emplace_back(Json::array());
      for (auto n = random() % 4; n > 0; --n) {
        OutputColumn column{.relation = std::nullopt, .name = RandomName(random)};
        if (random() % 2 == 0) column.relation = RandomName(random);
        columns.push_back({column.relation ? Json(*column.relation) : Json(), column.name});
        node.push_back(std::move(column));
      }
    }
    for (const bool ascii : {false, true}) {
      const std::string text = json.dump(-1, ' ', ascii);
      const auto read = ParseOutputs(text);
      ASSERT_TRUE(read.ok()) << text;
      EXPECT_EQ(*read, nodes) << text;
      for (size_t end = 0; end < text.size(); ++end)
        EXPECT_FALSE(ParseOutputs(std::string_view(text).substr(0, end)).ok()) << text;
    }
  }
}

TEST(ParseOutputs, RefusesEverythingElse) {
  for (const char* text :
       {"", "null", "[]]", "[] ", "[[],]", "[[[null]]]", "[[[null,\"a\",\"b\"]]]", "[[[1,\"a\"]]]",
        "[[[null,null]]]", "[[[\"a\",null]]]", "[[null]]", "[null]", "[[[null,\"\xff\"]]]",
        "[[[null,\"\\x\"]]]", "[[[null,\"a\\\"]]]", "[[[null,\"\n\"]]]", "{}"}) {
    EXPECT_EQ(ParseOutputs(text).status().code(), StatusCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace weir::internal

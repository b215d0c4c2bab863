// SPDX-License-Identifier: Apache-2.0

#include "weir/graph/critical_path.h"

#include <algorithm>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "weir/graph/graph_testing.h"

namespace weir {
namespace {

TEST(CriticalPath, FollowsCostsNotCounts) {
  const TaskGraph graph = GraphOf({{"a", {}}, {"b", {"a"}}, {"c", {"b"}}, {"slow", {"a"}}});
  EXPECT_EQ(CriticalPath(graph, {}), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(CriticalPath(graph, {{"a", 1}, {"b", 1}, {"c", 1}, {"slow", 5}}),
            (std::vector<std::string>{"a", "slow"}));
}

TEST(CriticalPath, ViewsWithoutCostHaveTheMean) {
  const TaskGraph graph = GraphOf({{"a", {}}, {"b", {"a"}}});
  EXPECT_EQ(LongestPaths(graph, {{"b", 4}, {"gone", 100}}).at("a"), 8);
}

TEST(CriticalPath, AnEmptyGraphHasNone) { EXPECT_TRUE(CriticalPath(GraphOf({}), {}).empty()); }

TEST(LongestPaths, OnlyAmongSomeViews) {
  const TaskGraph graph = GraphOf({{"a", {}}, {"b", {"a"}}, {"c", {"b"}}});
  const std::set<std::string> among = {"a", "b"};
  const auto paths = LongestPaths(graph, {}, &among);
  EXPECT_EQ(paths.size(), 2);
  EXPECT_EQ(paths.at("a"), 2);
}

/// All chains by brute force, on random graphs.
TEST(LongestPaths, AreThoseOfAllChains) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Reads reads;
    std::map<std::string, double> costs;
    const int views = 1 + static_cast<int>(random() % 8);
    for (int v = 0; v < views; ++v) {
      auto& upstream = reads["v" + std::to_string(v)];
      for (int u = 0; u < v; ++u) {
        if (random() % 3 == 0) upstream.push_back("v" + std::to_string(u));
      }
      costs["v" + std::to_string(v)] = static_cast<double>(random() % 5);
    }
    const TaskGraph graph = GraphOf(reads);
    const std::function<double(const std::string&)> longest = [&](const std::string& view) {
      double rest = 0;
      for (const auto& [reader, upstream] : reads) {
        if (std::find(upstream.begin(), upstream.end(), view) != upstream.end())
          rest = std::max(rest, longest(reader));
      }
      return rest + costs.at(view);
    };
    double most = 0;
    for (const auto& [view, path] : LongestPaths(graph, costs)) {
      EXPECT_EQ(path, longest(view)) << view;
      most = std::max(most, path);
    }
    double along = 0;
    const auto path = CriticalPath(graph, costs);
    for (size_t i = 0; i < path.size(); ++i) {
      along += costs.at(path[i]);
      if (i == 0) continue;
      const auto& upstream = reads.at(path[i]);
      EXPECT_NE(std::find(upstream.begin(), upstream.end(), path[i - 1]), upstream.end());
    }
    EXPECT_EQ(along, most);
  }
}

}  // namespace
}  // namespace weir

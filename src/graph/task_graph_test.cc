// SPDX-License-Identifier: Apache-2.0

#include "weir/graph/task_graph.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using Names = std::set<std::string>;
/// A view and the tables that it reads.
using Reads = std::vector<std::pair<std::string, std::vector<std::string>>>;

std::shared_ptr<const PlanBundle> BundleOf(const std::string& view,
                                           std::vector<std::string> tables) {
  auto bundle = std::make_shared<PlanBundle>();
  bundle->view_name = view;
  bundle->fingerprint = FingerprintBuilder().Add("view", view).Finish();
  std::sort(tables.begin(), tables.end());
  for (const std::string& table : tables)
    bundle->pins.push_back({.table = table, .kind = "delta", .version = 3});
  return bundle;
}

TaskGraph GraphOf(const Reads& reads) {
  std::vector<std::shared_ptr<const PlanBundle>> bundles;
  for (const auto& [view, tables] : reads) bundles.push_back(BundleOf(view, tables));
  return TaskGraph::Derive(bundles);
}

/// Two staging views, two that build on them, one that stands alone.
TaskGraph Example() {
  return GraphOf({{"report", {"joined", "stg_flights"}},
                  {"joined", {"stg_flights", "stg_planes", "weather"}},
                  {"stg_planes", {"planes"}},
                  {"stg_flights", {"flights"}},
                  {"alone", {}}});
}

std::vector<std::string> Order(const TaskGraph& graph) {
  std::vector<std::string> names;
  for (const ViewTask& task : graph.tasks()) names.push_back(task.view_name);
  return names;
}

std::string ReadGolden(const std::string& name) {
  std::ifstream stream(std::string(WEIR_SOURCE_DIR) + "/tests/golden/graph/" + name,
                       std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// WEIR_ACCEPT=1 rewrites the goldens: read the difference before committing it.
void ExpectGolden(const std::string& name, const std::string& actual) {
  if (std::getenv("WEIR_ACCEPT") != nullptr) {
    std::ofstream(std::string(WEIR_SOURCE_DIR) + "/tests/golden/graph/" + name, std::ios::binary)
        << actual;
  }
  EXPECT_EQ(ReadGolden(name), actual);
}

TEST(TaskGraph, OrdersByLevelThenName) {
  EXPECT_EQ(Order(Example()),
            (std::vector<std::string>{"alone", "stg_flights", "stg_planes", "joined", "report"}));
  EXPECT_EQ(Example().Find("report")->level, 2);
  EXPECT_EQ(Example().Find("alone")->level, 0);
  EXPECT_EQ(Example().Find("flights"), nullptr);
}

TEST(TaskGraph, EdgesComeFromPins) {
  const TaskGraph graph = Example();
  const ViewTask& joined = *graph.Find("joined");
  EXPECT_EQ(joined.upstream_views, (std::vector<std::string>{"stg_flights", "stg_planes"}));
  EXPECT_EQ(joined.downstream_views, std::vector<std::string>{"report"});
  ASSERT_EQ(joined.sources.size(), 1U);
  EXPECT_EQ(joined.sources[0].table, "weather");
  EXPECT_EQ(graph.Find("stg_flights")->downstream_views,
            (std::vector<std::string>{"joined", "report"}));
}

TEST(TaskGraph, ClosuresLeaveTheViewItselfOut) {
  EXPECT_EQ(Example().Upstream("report"), (Names{"joined", "stg_flights", "stg_planes"}));
  EXPECT_EQ(Example().Downstream("stg_planes"), (Names{"joined", "report"}));
  EXPECT_EQ(Example().Upstream("alone"), Names{});
  EXPECT_EQ(Example().Downstream("unknown"), Names{});
}

TEST(TaskGraph, SelectorsAreNamesGlobsAndNeighbourhoods) {
  const TaskGraph graph = Example();
  EXPECT_EQ(*graph.Select({}), (Names{"alone", "joined", "report", "stg_flights", "stg_planes"}));
  EXPECT_EQ(*graph.Select({.selectors = {"joined"}}), Names{"joined"});
  EXPECT_EQ(*graph.Select({.selectors = {"stg_*"}}), (Names{"stg_flights", "stg_planes"}));
  EXPECT_EQ(*graph.Select({.selectors = {"+joined"}}),
            (Names{"joined", "stg_flights", "stg_planes"}));
  EXPECT_EQ(*graph.Select({.selectors = {"joined+"}}), (Names{"joined", "report"}));
  EXPECT_EQ(*graph.Select({.selectors = {"+joined+"}}),
            (Names{"joined", "report", "stg_flights", "stg_planes"}));
  EXPECT_EQ(*graph.Select({.selectors = {"alone", "stg_p*+"}}),
            (Names{"alone", "joined", "report", "stg_planes"}));
}

/// Three views in two folders, two of them with tags.
TaskGraph Tagged() {
  const auto bundle = [](const std::string& name, const std::string& file, const std::string& tags,
                         const std::vector<std::string>& reads) {
    auto made = std::make_shared<PlanBundle>();
    made->view_name = name;
    made->file = file;
    if (!tags.empty()) made->properties["tags"] = tags;
    for (const std::string& table : reads) made->pins.push_back({.table = table});
    return made;
  };
  return TaskGraph::Derive({bundle("a", "views/staging/a.sql", "hot, nightly ,", {}),
                            bundle("b", "views/marts/b.sql", "", {"a"}),
                            bundle("c", "views/marts/deep/c.sql", "nightly", {"b"})});
}

TEST(TaskGraph, SelectorsGoByTagFileAndFolder) {
  const TaskGraph graph = Tagged();
  EXPECT_EQ(*graph.Select({.selectors = {"tag:nightly"}}), (Names{"a", "c"}));
  EXPECT_EQ(*graph.Select({.selectors = {"tag:h*"}}), Names{"a"});
  EXPECT_EQ(*graph.Select({.selectors = {"tag:hot+"}}), (Names{"a", "b", "c"}));
  EXPECT_EQ(*graph.Select({.selectors = {"path:views/marts"}}), (Names{"b", "c"}));
  EXPECT_EQ(*graph.Select({.selectors = {"path:./views/marts/deep/"}}), Names{"c"});
  EXPECT_EQ(*graph.Select({.selectors = {"path:views/marts/b.sql"}}), Names{"b"});
  EXPECT_EQ(*graph.Select({.selectors = {"path:views/*/a.sql"}}), Names{"a"});
  EXPECT_EQ(*graph.Select({.selectors = {"+path:views/marts/b.sql"}}), (Names{"a", "b"}));
}

TEST(TaskGraph, WhatIsExcludedIsLeftOut) {
  const TaskGraph graph = Tagged();
  EXPECT_EQ(*graph.Select({.excluded = {"b"}}), (Names{"a", "c"}));
  EXPECT_EQ(*graph.Select({.selectors = {"a+"}, .excluded = {"tag:hot", "c"}}), Names{"b"});
  EXPECT_EQ(graph.Select({.excluded = {"tag:nigthly"}}).status().hint(), "did you mean `nightly`?");
}

TEST(TaskGraph, ChangedIsWhatTheCallerSays) {
  const TaskGraph graph = Tagged();
  const auto select = [&](const std::string& selector, const std::set<std::string>& changed) {
    return *graph.Select({.selectors = {selector}},
                         [&]() -> Result<std::set<std::string>> { return changed; });
  };
  EXPECT_EQ(select("changed", {"b"}), Names{"b"});
  EXPECT_EQ(select("changed+", {"b"}), (Names{"b", "c"}));
  EXPECT_EQ(select("changed", {}), Names{});
}

TEST(TaskGraph, ASelectorThatMeansNothingIsAnErrorWithTheNearestName) {
  const auto selected = Example().Select({.selectors = {"alone", "joinde"}});
  ASSERT_FALSE(selected.ok());
  EXPECT_EQ(selected.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(selected.status().message(), "no stored view is selected by `joinde`");
  EXPECT_EQ(selected.status().hint(), "did you mean `joined`?");
  for (const char* selector : {"", "+", "++", "[", "nothing_like_it"}) {
    EXPECT_FALSE(Example().Select({.selectors = {selector}}).ok()) << selector;
  }
}

TEST(TaskGraph, ExportsAreStable) {
  ExpectGolden("example.json", Example().ToJson() + "\n");
  ExpectGolden("example.dot", Example().ToDot());
}

TEST(TaskGraph, ExportsTakeAnyName) {
  const TaskGraph graph = GraphOf({{"a \"b\" \\", {"\xFF", "naïve"}}});
  EXPECT_TRUE(nlohmann::json::accept(graph.ToJson()));
  EXPECT_NE(graph.ToDot().find(R"("a \"b\" \\" [shape=box];)"), std::string::npos) << graph.ToDot();
}

TEST(TaskGraph, AnEmptyProjectHasAnEmptyGraph) {
  EXPECT_TRUE(GraphOf({}).tasks().empty());
  EXPECT_EQ(*GraphOf({}).Select({}), Names{});
}

/// Views numbered so that each reads smaller ones only.
Reads RandomReads(std::mt19937& random) {
  Reads reads;
  const size_t views = 1 + random() % 12;
  for (size_t i = 0; i < views; ++i) {
    std::vector<std::string> tables;
    for (size_t j = 0; j < i; ++j) {
      if (random() % 3 == 0) tables.push_back(fmt::format("v{:02}", j));
    }
    if (random() % 2 == 0) tables.push_back(fmt::format("source{}", random() % 3));
    reads.emplace_back(fmt::format("v{:02}", i), tables);
  }
  return reads;
}

/// Longest path, straight from the definition.
int LevelOf(const std::map<std::string, std::vector<std::string>>& reads, const std::string& view) {
  int level = 0;
  for (const std::string& table : reads.at(view)) {
    if (reads.contains(table)) level = std::max(level, LevelOf(reads, table) + 1);
  }
  return level;
}

void CollectUpstream(const std::map<std::string, std::vector<std::string>>& reads,
                     const std::string& view, Names& reached) {
  for (const std::string& table : reads.at(view)) {
    if (!reads.contains(table)) continue;
    reached.insert(table);
    CollectUpstream(reads, table, reached);
  }
}

TEST(TaskGraphProperty, LevelsOrderAndClosuresAreThoseOfTheDefinition) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    Reads reads = RandomReads(random);
    const std::map<std::string, std::vector<std::string>> by_view(reads.begin(), reads.end());
    const TaskGraph graph = GraphOf(reads);
    std::shuffle(reads.begin(), reads.end(), random);
    ASSERT_EQ(GraphOf(reads).ToJson(), graph.ToJson()) << "the order of bundles shows";
    ASSERT_EQ(graph.tasks().size(), reads.size());
    std::map<std::string, Names> downstream;
    for (size_t i = 0; i < graph.tasks().size(); ++i) {
      const ViewTask& task = graph.tasks()[i];
      ASSERT_EQ(task.level, LevelOf(by_view, task.view_name));
      if (i > 0) {
        const ViewTask& before = graph.tasks()[i - 1];
        ASSERT_LT(std::pair(before.level, before.view_name), std::pair(task.level, task.view_name));
      }
      Names upstream;
      CollectUpstream(by_view, task.view_name, upstream);
      ASSERT_EQ(graph.Upstream(task.view_name), upstream);
      for (const std::string& name : upstream) downstream[name].insert(task.view_name);
    }
    for (const ViewTask& task : graph.tasks())
      ASSERT_EQ(graph.Downstream(task.view_name), downstream[task.view_name]);
  }
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/retention.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/base/clock.h"
#include "weir/delta/memory_log_fixture.h"

namespace weir {
namespace {

using Ids = std::set<std::string>;
using Versions = std::set<int64_t>;

constexpr int64_t kDay = 86'400'000'000;
const FixedClock kNow(1'000 * kDay);

RunRecord Ran(const std::string& id, double days_ago, const std::string& tag = {}) {
  return {.run_id = id,
          .started_at_us = kNow.Now() - static_cast<int64_t>(days_ago * kDay),
          .tag = tag,
          .project = "p",
          .succeeded = true};
}

/// A log of builds, one a version.
class Log {
 public:
  Log& Build(const std::string& run_id, double days_ago,
             const std::map<std::string, int64_t>& pins = {}, const std::string& deferred = "{}") {
    return Add(days_ago, {{"run_id", run_id},
                          {"pins", nlohmann::json(pins).dump()},
                          {"deferred", deferred},
                          {"view_name", "v"}});
  }
  Log& Maintain(double days_ago) { return Add(days_ago, nlohmann::json()); }
  Log& Property(const std::string& key, const std::string& value) {
    text_ = nlohmann::json{{"metaData", {{"configuration", {{key, value}}}}}}.dump() + "\n";
    return *this;
  }
  TableHistory Read() const {
    auto history = TableHistory::Read(log_, "file:///t/", {}, RecordedKeys(), {});
    EXPECT_TRUE(history.ok()) << history.status().ToString();
    return *std::move(history);
  }

 private:
  Log& Add(double days_ago, const nlohmann::json& recorded) {
    nlohmann::json info = {
        {"timestamp", (kNow.Now() - static_cast<int64_t>(days_ago * kDay)) / 1000},
        {"engineInfo", "weir"}};
    if (!recorded.is_null()) info["weir"] = recorded;
    log_.SetCommit(next_++, nlohmann::json{{"commitInfo", info}}.dump() + "\n" + text_);
    text_.clear();
    return *this;
  }
  MemoryLog log_;
  std::string text_;
  int64_t next_ = 0;
};

TEST(Retention, KeepsWhatPublishedSetsNameAsFarAsLogsTellIt) {
  const TableHistory table = Log().Build("a", 9).Build("b", 8).Maintain(7).Read();
  std::map<std::string, Versions> versions = {{"v", {0}}};
  const Histories of_all = {{"v", &table}, {"theirs", &table}};
  ProjectDefinition project;
  project.name = "p";
  project.views.emplace_back().name = "v";
  AddPublished({{.project = "p", .view_name = "v", .version = 2},
                {.project = "p", .view_name = "v", .version = 7},
                {.project = "p", .view_name = "gone", .version = 0},
                {.project = "earlier name", .view_name = "v", .version = 1},
                {.project = "another", .view_name = "theirs", .version = 1}},
               project, of_all, versions);
  EXPECT_EQ(versions, (std::map<std::string, Versions>{{"v", {0, 2}}, {"theirs", {1}}}));
}

TEST(Retention, KeepsTheLastRunsThoseOfTheDaysAndTheNewestOfEachTag) {
  const std::vector<RunRecord> runs = {Ran("a", 30, "x"), Ran("b", 20, "y"), Ran("c", 10, "x"),
                                       Ran("d", 5),       Ran("e", 3),       Ran("f", 0.5)};
  const auto retained = [&](int64_t count, int64_t days) {
    return RetainedRuns(runs, {.runs = count, .days = days}, kNow.Now());
  };
  EXPECT_EQ(retained(0, 0), (Ids{"b", "c"})) << "`a` has the tag of a newer one";
  EXPECT_EQ(retained(1, 0), (Ids{"b", "c", "f"}));
  EXPECT_EQ(retained(1, 4), (Ids{"b", "c", "e", "f"}));
  EXPECT_EQ(retained(100, 0).size(), runs.size());
  EXPECT_EQ(retained(0, 100'000).size(), runs.size()) << "a time before all";
  EXPECT_TRUE(RetainedRuns({}, {}, kNow.Now()).empty());
  std::vector<RunRecord> failed = runs;
  failed[2].succeeded = false;
  EXPECT_EQ(RetainedRuns(failed, {.runs = 0, .days = 0}, kNow.Now()), (Ids{"a", "b"}))
      << "a run that failed takes nobody's tag";
}

TEST(Retention, KnowsRunsThatOnlyCommitsTellOf) {
  const TableHistory v = Log().Build("a", 9).Build("killed", 1).Build("b", 0.5).Read();
  const auto runs = AllRuns({Ran("a", 9), Ran("b", 0.5)}, {{"v", &v}});
  EXPECT_EQ(RetainedRuns(runs, {.runs = 2, .days = 0}, kNow.Now()), (Ids{"b", "killed"}));
}

TEST(Retention, NeedsWhatRunsWroteFoundAndRead) {
  const TableHistory up = Log().Build("a", 9).Build("b", 8).Build("c", 7).Build("d", 6).Read();
  const TableHistory v =
      Log().Build("a", 9, {{"up", 0}}).Build("c", 7, {{"up", 2}, {"src", 5}}).Read();
  const Histories histories = {{"up", &up}, {"v", &v}};
  const auto needed = [&](const Ids& runs, const std::vector<TaskRecord>& tasks) {
    return VersionsOfRuns(runs, tasks, histories);
  };
  using Needed = std::map<std::string, Versions>;
  EXPECT_EQ(needed({"c"}, {}), (Needed{{"up", {2}}, {"v", {1}}}))
      << "commits tell what was written";
  EXPECT_EQ(needed({"d"}, {{"d", "v", 1}}), (Needed{{"up", {2, 3}}, {"v", {1}}}))
      << "what was found, and what that was built from";
  EXPECT_EQ(needed({"b"}, {{"b", "v", -1}}), (Needed{{"up", {0, 1}}, {"v", {0}}}))
      << "an older run did not record what it found";
  EXPECT_EQ(needed({"b"}, {{"d", "v", 1}}), (Needed{{"up", {1}}}))
      << "tasks of others do not count";
  EXPECT_EQ(needed({"d"}, {{"d", "v", 7}, {"d", "unknown", 0}}), (Needed{{"up", {3}}}))
      << "versions and tables that are no more";
}

TEST(Retention, WhatWasReadElsewhereIsNotOfThisWarehouse) {
  const TableHistory up = Log().Build("a", 9).Read();
  const TableHistory v = Log().Build("a", 9, {{"up", 0}}, R"({"up": "s3://prod/up/"})").Read();
  const Histories histories = {{"up", &up}, {"v", &v}};
  EXPECT_EQ(VersionsOfRuns({"b"}, {{"b", "v", 0}}, histories),
            (std::map<std::string, Versions>{{"v", {0}}}));
}

TEST(Retention, VersionIsRecentAsLongAsItWasTheLatestWithinTheDays) {
  // 0 was replaced ten days ago, 1 three days ago, 2 an hour ago.
  const TableHistory v =
      Log().Build("a", 20).Build("b", 10).Build("c", 3).Maintain(1.0 / 24).Read();
  EXPECT_EQ(RecentVersions(v, 0, kNow.Now()), Versions{3});
  EXPECT_EQ(RecentVersions(v, 1, kNow.Now()), (Versions{2, 3}));
  EXPECT_EQ(RecentVersions(v, 4, kNow.Now()), (Versions{1, 2, 3}));
  EXPECT_EQ(RecentVersions(v, 100'000, kNow.Now()), (Versions{0, 1, 2, 3}));
}

TEST(Retention, TableMayAskForMore) {
  const auto recent = [](const std::string& duration, int64_t days) {
    const TableHistory v = Log()
                               .Property("delta.deletedFileRetentionDuration", duration)
                               .Build("a", 20)
                               .Build("b", 10)
                               .Build("c", 3)
                               .Read();
    return RecentVersions(v, days, kNow.Now());
  };
  EXPECT_EQ(recent("interval 5 days", 0), (Versions{1, 2}));
  EXPECT_EQ(recent("interval 1 hour", 11), (Versions{0, 1, 2})) << "never less than the project";
  EXPECT_EQ(recent("forever", 0), (Versions{0, 1, 2})) << "what cannot be understood keeps all";
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/table_history.h"

#include <random>

#include <gtest/gtest.h>

#include "weir/delta/memory_log_fixture.h"

namespace weir {
namespace {

constexpr const char* kUrl = "file:///lake/t/";

std::string Info(int64_t timestamp_ms, const std::string& run_id = {}) {
  nlohmann::json info = {{"timestamp", timestamp_ms}, {"engineInfo", "weir"}};
  if (!run_id.empty()) info["weir"] = {{"run_id", run_id}, {"definition", "long"}};
  return nlohmann::json{{"commitInfo", info}}.dump() + "\n";
}
std::string Add(const std::string& path, bool changes = true) {
  return nlohmann::json{{"add",
                         {{"path", path},
                          {"partitionValues", nlohmann::json::object()},
                          {"size", 10},
                          {"modificationTime", 1},
                          {"dataChange", changes}}}}
             .dump() +
         "\n";
}
std::string Remove(const std::string& path, bool changes = true) {
  return nlohmann::json{{"remove", {{"path", path}, {"size", 10}, {"dataChange", changes}}}}
             .dump() +
         "\n";
}

Result<TableHistory> ReadHistory(const DeltaLog& log, const std::vector<StoredFile>& files = {},
                                 const TableAt& table_at = {}) {
  return TableHistory::Read(log, kUrl, files, {"run_id"}, table_at);
}

std::set<std::string> FilesIn(const TableHistory& history, int64_t version) {
  std::set<std::string> paths;
  for (const NamedFile& file : history.files()) {
    if (file.IsIn(version)) paths.insert(file.path);
  }
  return paths;
}

using Paths = std::set<std::string>;

TEST(TableHistory, TellsWhichVersionHoldsWhichFile) {
  MemoryLog log;
  log.SetCommit(0, Info(1000, "r0") + Add("a") + Add("b"));
  log.SetCommit(1, Info(2000, "r1") + Remove("a") + Add("c"));
  log.SetCommit(2, Info(3000) + Remove("b", false) + Remove("c", false) + Add("bc", false));
  log.SetCommit(3, Info(4000, "r3") + Remove("bc") + Add("a"));
  const auto history = ReadHistory(log);
  ASSERT_TRUE(history.ok()) << history.status().ToString();
  EXPECT_EQ(FilesIn(*history, 0), (Paths{"a", "b"}));
  EXPECT_EQ(FilesIn(*history, 1), (Paths{"b", "c"}));
  EXPECT_EQ(FilesIn(*history, 2), (Paths{"bc"}));
  EXPECT_EQ(FilesIn(*history, 3), (Paths{"a"})) << "a path may come back";
  EXPECT_EQ(history->BuildAt(2)->version, 1) << "maintenance is no build";
  EXPECT_EQ(history->Find(3)->recorded, (std::map<std::string, std::string>{{"run_id", "r3"}}));
  EXPECT_EQ(history->Find(1)->time_ms, 2000);
  EXPECT_EQ(history->first(), 0);
  EXPECT_EQ(history->latest(), 3);
}

TEST(TableHistory, FileWithANewDeletionVectorStays) {
  MemoryLog log;
  log.SetCommit(0, Info(1) + Add("a"));
  log.SetCommit(1, Info(2) + Add("a") + Remove("a"));
  const auto history = ReadHistory(log);
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(FilesIn(*history, 0), Paths{"a"});
  EXPECT_EQ(FilesIn(*history, 1), Paths{"a"});
}

TEST(TableHistory, FindsFilesHoweverTheyAreSpelled) {
  MemoryLog log;
  log.SetCommit(0, Info(1) + Add("k=a%2520b/x") + Add(std::string(kUrl) + "k=%C3%BC/y") +
                       Add("raw 50%/z") + Add("s3://elsewhere/a"));
  const auto history = ReadHistory(log);
  ASSERT_TRUE(history.ok());
  for (const char* stored : {"k=a%20b/x", "k=ü/y", "raw 50%/z", "k=a%2520b/x", "k=%C3%BC/y"})
    EXPECT_EQ(history->Named(stored).size(), 1u) << stored;
  EXPECT_TRUE(history->Named("a").empty());
  EXPECT_TRUE(history->Named("y").empty());
}

TEST(TableHistory, BeginsWithACheckpointWhereCommitsAreGone) {
  MemoryLog log;
  log.SetCommit(4, Info(5) + Add("x"));  // it may have been left
  log.SetCommit(5, Info(6) + Add("b") + Remove("gone"));
  log.SetCommit(6, Info(7) + Add("c") + Remove("a"));
  log.Set("00000000000000000005.checkpoint.parquet", "");
  const std::vector<StoredFile> files = {
      {"_delta_log/00000000000000000005.checkpoint.parquet", 1, 1},
      {"_delta_log/00000000000000000003.checkpoint.json", 1, 1}};
  int64_t asked = -1;
  const auto history = ReadHistory(log, files, [&](int64_t version) -> Result<TableState> {
    asked = version;
    return TableState{
        .files = {{.path = "a"}, {.path = "b"}},
        .metadata = R"({"configuration":{"delta.logRetentionDuration":"interval 2 days"}})"};
  });
  ASSERT_TRUE(history.ok()) << history.status().ToString();
  EXPECT_EQ(asked, 5);
  EXPECT_EQ(history->first(), 5);
  EXPECT_FALSE(history->IsReadable(4));
  EXPECT_EQ(FilesIn(*history, 5), (Paths{"a", "b"}));
  EXPECT_EQ(FilesIn(*history, 6), (Paths{"b", "c"}));
  EXPECT_EQ(history->DurationOf("delta.logRetentionDuration"), 2 * 86'400'000);
  EXPECT_EQ(history->Named("gone").size(), 1u) << "a removal names it, too";
  EXPECT_EQ(history->checkpoints(), std::vector<int64_t>{5});
}

TEST(TableHistory, OfNoTableIsEmpty) {
  const MemoryLog log;
  const auto history = ReadHistory(log);
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->latest(), -1);
  EXPECT_FALSE(history->IsReadable(0));
}

TEST(TableHistory, NamesADamagedCommit) {
  MemoryLog log;
  log.SetCommit(0, Info(1) + Add("a"));
  log.SetCommit(1, Info(2) + R"({"add": {"pa)");
  const auto history = ReadHistory(log);
  ASSERT_FALSE(history.ok());
  EXPECT_EQ(history.status().code(), StatusCode::kCorrupt);
  EXPECT_NE(history.status().message().find("version 1"), std::string::npos);
}

TEST(TableHistory, ReadsDurationsAsDeltaWritesThem) {
  EXPECT_EQ(ParseDeltaInterval("interval 7 days"), 7 * 86'400'000);
  EXPECT_EQ(ParseDeltaInterval("INTERVAL 1 Week 2 hours"), 604'800'000 + 7'200'000);
  EXPECT_EQ(ParseDeltaInterval("90 minutes"), 5'400'000);
  EXPECT_EQ(ParseDeltaInterval("interval 0 seconds"), 0);
  EXPECT_EQ(ParseDeltaInterval("interval 5 milliseconds"), 5);
  for (const char* wrong : {"", "interval", "interval days", "interval 1", "interval -1 days",
                            "interval 1 month", "1.5 days", "interval 9223372036854775807 weeks"})
    EXPECT_EQ(ParseDeltaInterval(wrong), std::nullopt) << wrong;
}

/// Random logs against the replay that the tests of commits go by.
TEST(TableHistory, AgreesWithReplayOfRandomLogs) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    MemoryLog log;
    std::set<std::string> active;
    const int64_t versions = 1 + random() % 12;
    for (int64_t version = 0; version < versions; ++version) {
      std::string commit = Info(version);
      std::set<std::string> touched;  // a commit names a file once
      for (uint32_t i = random() % 5; i > 0; --i) {
        const std::string path = std::string(1, static_cast<char>('a' + random() % 8));
        if (!touched.insert(path).second) continue;
        if (active.contains(path)) {
          commit += Remove(path);
          active.erase(path);
        } else {
          commit += Add(path);
          active.insert(path);
        }
      }
      log.SetCommit(version, commit);
    }
    const auto history = ReadHistory(log);
    ASSERT_TRUE(history.ok());
    for (int64_t version = 0; version < versions; ++version) {
      Paths wanted;
      for (const auto& [path, add] : Replayed::Of(log, version).files) wanted.insert(path);
      ASSERT_EQ(FilesIn(*history, version), wanted) << "seed " << seed << ", version " << version;
    }
  }
}

}  // namespace
}  // namespace weir

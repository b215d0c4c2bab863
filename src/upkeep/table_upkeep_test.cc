// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/table_upkeep.h"

#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/delta/memory_log_fixture.h"

namespace weir {
namespace {

using Paths = std::set<std::string>;

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kNowMs = 1000 * kDayMs;

struct Add {
  std::string path;
  int64_t size = 10;
  std::string partition = "0";
};

/// A table in the making: each commit replaces files.
class Table {
 public:
  Table& Commit(const std::vector<Add>& added, const Paths& removed, int64_t days_ago = 100) {
    std::string text = nlohmann::json{{"commitInfo",
                                       {{"timestamp", kNowMs - days_ago * kDayMs},
                                        {"weir", nlohmann::json::object()}}}}
                           .dump() +
                       "\n" + metadata_;
    metadata_.clear();
    for (const std::string& path : removed)
      text += nlohmann::json{{"remove", {{"path", path}}}}.dump() + "\n";
    for (const Add& add : added) {
      text += nlohmann::json{{"add",
                              {{"path", add.path},
                               {"size", add.size},
                               {"partitionValues", {{"k", add.partition}}}}}}
                  .dump() +
              "\n";
      Store(add.path);
    }
    log_.SetCommit(next_, text);
    Store("_delta_log/" + CommitName(next_));
    ++next_;
    return *this;
  }
  Table& Checkpoint(int64_t version) {
    const std::string name = fmt::format("{:020}.checkpoint.parquet", version);
    log_.Set(name, "");
    return Store("_delta_log/" + name);
  }
  Table& Property(const std::string& key, const std::string& value) {
    metadata_ = nlohmann::json{{"metaData", {{"configuration", {{key, value}}}}}}.dump() + "\n";
    return *this;
  }
  Table& Store(const std::string& path) {
    files_.insert(path);
    return *this;
  }
  ReadTable Read() const {
    ReadTable table{.name = "t", .url = "file:///t/", .files = {}, .history = {}};
    for (const std::string& path : files_) table.files.push_back({path, 7, 1});
    auto history = TableHistory::Read(log_, table.url, table.files, {}, {});
    EXPECT_TRUE(history.ok()) << history.status().ToString();
    table.history = *std::move(history);
    return table;
  }
  /// What a whole checkpoint says.
  CheckpointFiles Checkpoints() const {
    return [this](int64_t version) -> Result<Paths> {
      Paths paths;
      for (const auto& [path, add] : Replayed::Of(log_, version).files) paths.insert(path);
      return paths;
    };
  }

 private:
  MemoryLog log_;
  Paths files_;
  std::string metadata_;
  int64_t next_ = 0;
};

Paths PathsOf(const std::vector<UpkeepAction>& actions) {
  Paths paths;
  for (const UpkeepAction& action : actions) paths.insert(action.path);
  return paths;
}

TEST(TableUpkeep, RemovesWhatNoKeptVersionHolds) {
  const ReadTable table = Table()
                              .Commit({{"a.parquet"}, {"b.parquet"}}, {})
                              .Commit({{"c.parquet"}}, {"a.parquet"})
                              .Commit({{"d.parquet"}}, {"b.parquet", "c.parquet"})
                              .Store("left.parquet")
                              .Store("begun.parquet#1")
                              .Store("_delta_log/00000000000000000009.json#2")
                              .Store("deletion_vector_1.bin")
                              .Store("notes.txt")
                              .Store("_delta_log/x.parquet")
                              .Read();
  const Paths left = {"left.parquet", "begun.parquet#1", "_delta_log/00000000000000000009.json#2"};
  const auto with = [&](Paths more) {
    more.insert(left.begin(), left.end());
    return more;
  };
  EXPECT_EQ(PathsOf(PlanFiles(table, nullptr)), left) << "nobody knows what is kept";
  const auto planned = [&](const std::set<int64_t>& kept) {
    return PathsOf(PlanFiles(table, &kept));
  };
  EXPECT_EQ(planned({0, 1, 2}), left);
  EXPECT_EQ(planned({0, 2}), with({"c.parquet"}));
  EXPECT_EQ(planned({1, 2}), with({"a.parquet"}));
  EXPECT_EQ(planned({2}), with({"a.parquet", "b.parquet", "c.parquet"}));
}

TEST(TableUpkeep, SaysWhy) {
  const ReadTable table = Table()
                              .Commit({{"a.parquet"}}, {})
                              .Commit({}, {})
                              .Commit({{"b.parquet"}}, {"a.parquet"})
                              .Store("left.parquet")
                              .Read();
  const std::set<int64_t> kept = {2};
  const auto actions = PlanFiles(table, &kept);
  ASSERT_EQ(actions.size(), 2u);
  EXPECT_EQ(actions[0].reason, "no version that is kept holds it, only versions 0 to 1");
  EXPECT_EQ(actions[0].bytes, 7);
  EXPECT_EQ(actions[1].reason, "no version names it");
}

/// Against the definition: a file stays if and only if the replay of a kept version has it.
TEST(TableUpkeep, AgreesWithReplayOfRandomTables) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    Table table;
    std::vector<Paths> versions;
    Paths active, all;
    for (uint32_t i = 1 + random() % 10; i > 0; --i) {
      std::vector<Add> added;
      Paths removed;
      for (const std::string& path : active) {
        if (random() % 3 == 0) removed.insert(path);
      }
      for (uint32_t n = random() % 3; n > 0; --n)
        added.push_back({fmt::format("{}-{}.parquet", versions.size(), n)});
      for (const std::string& path : removed) active.erase(path);
      for (const Add& add : added) active.insert(add.path), all.insert(add.path);
      table.Commit(added, removed);
      versions.push_back(active);
    }
    std::set<int64_t> kept = {static_cast<int64_t>(versions.size()) - 1};
    for (size_t version = 0; version < versions.size(); ++version) {
      if (random() % 3 == 0) kept.insert(static_cast<int64_t>(version));
    }
    Paths wanted = all;
    for (const int64_t version : kept) {
      for (const std::string& path : versions[static_cast<size_t>(version)]) wanted.erase(path);
    }
    ASSERT_EQ(PathsOf(PlanFiles(table.Read(), &kept)), wanted) << "seed " << seed;
  }
}

TEST(TableUpkeep, LogBeginsWithTheLastCheckpointThatKeptVersionsAllow) {
  Table table;
  for (int i = 0; i < 9; ++i) table.Commit({{fmt::format("{}.parquet", i)}}, {});
  table.Checkpoint(2).Checkpoint(5).Checkpoint(8);
  table.Store("_delta_log/00000000000000000003.crc").Store("_delta_log/_last_checkpoint");
  table.Store("_delta_log/00000000000000000000.00000000000000000001.compacted.json");
  const ReadTable read = table.Read();
  const auto versions = [&](const std::set<int64_t>& kept) {
    const auto planned = PlanLog(read, kept, kNowMs * 1000, table.Checkpoints());
    EXPECT_TRUE(planned.ok());
    std::set<int64_t> found;
    int64_t before = -1;
    for (const UpkeepAction& action : *planned) {
      EXPECT_GE(action.version, before) << "a kill leaves no hole that matters";
      before = action.version;
      found.insert(action.version);
    }
    return found;
  };
  EXPECT_EQ(versions({8}), (std::set<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(versions({7, 8}), (std::set<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(versions({5, 8}), (std::set<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(versions({4, 8}), (std::set<int64_t>{0, 1}));
  EXPECT_EQ(versions({1, 8}), (std::set<int64_t>{}));
  const auto planned = PlanLog(read, {7, 8}, kNowMs * 1000, table.Checkpoints());
  EXPECT_EQ(PathsOf(*planned),
            (Paths{"_delta_log/00000000000000000000.json", "_delta_log/00000000000000000001.json",
                   "_delta_log/00000000000000000002.json", "_delta_log/00000000000000000003.json",
                   "_delta_log/00000000000000000004.json",
                   "_delta_log/00000000000000000002.checkpoint.parquet",
                   "_delta_log/00000000000000000003.crc"}));
}

TEST(TableUpkeep, YoungCommitsStayAsLongAsTheTableSays) {
  Table table;
  table.Property("delta.logRetentionDuration", "interval 30 days");
  for (int i = 0; i < 9; ++i) table.Commit({}, {}, /*days_ago=*/60 - 6 * i);  // 60, 54, … 12
  table.Checkpoint(2).Checkpoint(4).Checkpoint(6).Checkpoint(8);
  const auto planned = PlanLog(table.Read(), {8}, kNowMs * 1000, table.Checkpoints());
  ASSERT_TRUE(planned.ok());
  // Version 5 is thirty days old, 6 is younger.
  EXPECT_EQ(planned->back().version, 5);
}

TEST(TableUpkeep, CheckpointThatSaysAnotherThingIsNoGround) {
  Table table;
  for (int i = 0; i < 4; ++i) table.Commit({{fmt::format("{}.parquet", i)}}, {});
  table.Checkpoint(2);
  for (const Paths& wrong : {Paths{"0.parquet", "1.parquet"}, Paths{},
                             Paths{"0.parquet", "1.parquet", "2.parquet", "3.parquet"}}) {
    const auto planned =
        PlanLog(table.Read(), {3}, kNowMs * 1000, [&](int64_t) -> Result<Paths> { return wrong; });
    EXPECT_EQ(planned.status().code(), StatusCode::kCorrupt);
  }
}

TEST(TableUpkeep, PutsTogetherManySmallFilesOfOnePartition) {
  const auto kinds = [](const std::vector<Add>& files) {
    std::vector<UpkeepAction> planned = PlanReading(Table().Commit(files, {}).Read());
    return planned;
  };
  const auto files = [](int count, const std::string& partition, int64_t size = 10) {
    std::vector<Add> added;
    for (int i = 0; i < count; ++i)
      added.push_back({partition + fmt::to_string(i), size, partition});
    return added;
  };
  EXPECT_TRUE(kinds(files(9, "a")).empty());
  EXPECT_TRUE(kinds(files(100, "a", 100 << 20)).empty());
  std::vector<Add> mixed = files(10, "a");
  for (const auto& more : {files(9, "b"), files(30, "c", 100 << 20)})
    mixed.insert(mixed.end(), more.begin(), more.end());
  const auto planned = kinds(mixed);
  ASSERT_EQ(planned.size(), 1u);
  EXPECT_EQ(planned[0].kind, UpkeepKind::kCompact);
  EXPECT_EQ(planned[0].files, 10);
  EXPECT_EQ(planned[0].bytes, 100);
}

TEST(TableUpkeep, LongTailGetsACheckpoint) {
  Table table;
  for (int i = 0; i < 10; ++i) table.Commit({}, {});
  EXPECT_TRUE(PlanReading(table.Read()).empty()) << "the next commit writes one";
  table.Commit({}, {});
  ASSERT_EQ(PlanReading(table.Read()).size(), 1u);
  EXPECT_EQ(PlanReading(table.Read())[0].kind, UpkeepKind::kWriteCheckpoint);
  table.Checkpoint(10);
  EXPECT_TRUE(PlanReading(table.Read()).empty());
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/delta_commit.h"

#include <random>
#include <regex>
#include <thread>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/delta/memory_log_fixture.h"

namespace weir {
namespace {

DataFile File(const std::string& path, int64_t size = 100) {
  return DataFile{.path = path,
                  .size_bytes = size,
                  .modified_ms = 1000,
                  .rows = 1,
                  .partition_values = {},
                  .statistics = R"({"numRecords":1})"};
}

DeltaWriteSpec Spec(std::vector<DataFile> added, int64_t epoch = 1) {
  return DeltaWriteSpec{.table_url = "memory:///table/",
                        .schema = arrow::schema({arrow::field("id", arrow::int64()),
                                                 arrow::field("day", arrow::utf8())}),
                        .partition_columns = {},
                        .mode = WriteMode::kOverwrite,
                        .added = std::move(added),
                        .app_id = "weir.view.v",
                        .epoch = epoch,
                        .metadata = {{"run_id", "r1"}, {"fingerprint", "f1"}},
                        .comment = "",
                        .properties = {},
                        .timestamp_ms = 1700000000000};
}

Result<CommitOutcome> Commit(const MemoryLog& log, const DeltaWriteSpec& spec) {
  return CommitTo(log, spec, ReplayTable(log, spec.app_id));
}

/// The commit with its random id replaced.
std::string WithoutIds(const std::string& actions) {
  return std::regex_replace(
      actions, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
      "UUID");
}

std::string Head(const char* mode, const char* partitions, bool blind, int actions,
                 const std::string& recorded = R"({"fingerprint":"f1","run_id":"r1"})") {
  return fmt::format(
      R"({{"commitInfo":{{"timestamp":1700000000000,"operation":"WRITE","operationParameters":{{"mode":"{}","partitionBy":"{}"}},)"
      R"("isBlindAppend":{},"engineInfo":"weir","weirActions":{},"weir":{}}}}})"
      "\n",
      mode, partitions, blind, actions, recorded);
}

TEST(DeltaCommit, CreatesATableAsTheProtocolSays) {
  MemoryLog log;
  auto spec = Spec({});
  spec.partition_columns = {"day"};
  spec.comment = "flights a day";
  spec.properties = {{"owner", "me"}};
  DataFile file = File("day=a%20b:c/part 0.parquet", 321);
  file.partition_values = {{"day", "a b:c"}, {"other", std::nullopt}};
  spec.added = {file};
  const auto outcome = Commit(log, spec);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->version, 0);
  EXPECT_FALSE(outcome->already_committed);
  EXPECT_EQ(WithoutIds(log.At(0)), Head("Overwrite", R"([\"day\"])", false, 5) +
                                       R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"UUID","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},{\"name\":\"day\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["day"],"configuration":{"owner":"me"},"createdTime":1700000000000,"description":"flights a day"}}
{"txn":{"appId":"weir.view.v","version":1,"lastUpdated":1700000000000}}
{"add":{"path":"day=a%2520b%3Ac/part%200.parquet","partitionValues":{"day":"a b:c","other":null},"size":321,"modificationTime":1000,"dataChange":true,"stats":"{\"numRecords\":1}"}}
)");
}

TEST(DeltaCommit, NamesTheFeatureThatTimestampsWithoutZoneNeed) {
  MemoryLog log;
  auto spec = Spec({});
  spec.schema = arrow::schema({arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))});
  ASSERT_TRUE(Commit(log, spec).ok());
  const auto protocol = Replayed::Of(log, 0).protocol;
  EXPECT_EQ(protocol["minReaderVersion"], 3);
  EXPECT_EQ(protocol["minWriterVersion"], 7);
  EXPECT_EQ(protocol["readerFeatures"].dump(), R"(["timestampNtz"])");
  EXPECT_EQ(protocol["writerFeatures"].dump(), R"(["appendOnly","invariants","timestampNtz"])");
}

TEST(DeltaCommit, OverwriteRemovesEveryActiveFile) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet"), File("b.parquet", 7)}, 1)).ok());
  ASSERT_TRUE(Commit(log, Spec({File("c.parquet")}, 2)).ok());
  EXPECT_EQ(log.At(1),
            Head("Overwrite", "[]", false, 5) +
                R"({"txn":{"appId":"weir.view.v","version":2,"lastUpdated":1700000000000}}
{"remove":{"path":"a.parquet","deletionTimestamp":1700000000000,"dataChange":true,"extendedFileMetadata":true,"partitionValues":{},"size":100}}
{"remove":{"path":"b.parquet","deletionTimestamp":1700000000000,"dataChange":true,"extendedFileMetadata":true,"partitionValues":{},"size":7}}
{"add":{"path":"c.parquet","partitionValues":{},"size":100,"modificationTime":1000,"dataChange":true,"stats":"{\"numRecords\":1}"}}
)");
}

TEST(DeltaCommit, AppendKeepsActiveFiles) {
  MemoryLog log;
  auto spec = Spec({File("a.parquet")}, 1);
  spec.mode = WriteMode::kAppend;
  spec.app_id.clear();
  spec.metadata.clear();
  ASSERT_TRUE(Commit(log, spec).ok());
  spec.added = {File("b.parquet")};
  ASSERT_TRUE(Commit(log, spec).ok());
  EXPECT_EQ(
      log.At(1),
      Head("Append", "[]", true, 2, "{}") +
          R"({"add":{"path":"b.parquet","partitionValues":{},"size":100,"modificationTime":1000,"dataChange":true,"stats":"{\"numRecords\":1}"}})"
          "\n");
  EXPECT_EQ(Replayed::Of(log, 1).files.size(), 2U);
}

TEST(DeltaCommit, CompactionChangesNoData) {
  MemoryLog log;
  auto spec = Spec({File("a.parquet"), File("b.parquet", 7)}, 1);
  ASSERT_TRUE(Commit(log, spec).ok());
  spec.mode = WriteMode::kAppend;
  spec.epoch = 2;
  spec.added = {File("c.parquet")};  // while a and b are compacted
  ASSERT_TRUE(Commit(log, spec).ok());
  spec.mode = WriteMode::kCompact;
  spec.app_id.clear();
  spec.compacted = {File("a.parquet"), File("b.parquet", 7)};
  spec.added = {File("ab.parquet", 99)};
  ASSERT_TRUE(Commit(log, spec).ok());
  EXPECT_EQ(
      log.At(2),
      R"({"commitInfo":{"timestamp":1700000000000,"operation":"OPTIMIZE","operationParameters":{},"isBlindAppend":false,"engineInfo":"weir","weirActions":4}}
{"remove":{"path":"a.parquet","deletionTimestamp":1700000000000,"dataChange":false,"extendedFileMetadata":true,"partitionValues":{},"size":100}}
{"remove":{"path":"b.parquet","deletionTimestamp":1700000000000,"dataChange":false,"extendedFileMetadata":true,"partitionValues":{},"size":7}}
{"add":{"path":"ab.parquet","partitionValues":{},"size":99,"modificationTime":1000,"dataChange":false,"stats":"{\"numRecords\":1}"}}
)");
  EXPECT_EQ(Replayed::Of(log, 2).files.size(), 2U);
  // Nobody takes it for a build.
  const auto last = ReadLastCommitFrom(log);
  ASSERT_TRUE(last.ok() && last->has_value());
  EXPECT_EQ((*last)->version, 1);
  EXPECT_EQ((*last)->table_version, 2);
}

TEST(DeltaCommit, ReadersReadMaintenanceThatLeavesTheTableWhatItIs) {
  MemoryLog log;
  log.SetCommit(0, R"({"commitInfo":{"weir":{"run_id":"r"}}})"
                   "\n"
                   R"({"add":{"path":"a.parquet"}})");
  log.SetCommit(1, R"({"remove":{"path":"a.parquet","dataChange":false}})"
                   "\n"
                   R"({"add":{"path":"b.parquet","dataChange":false}})");
  auto last = ReadLastCommitFrom(log);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ((*last)->version, 0);
  EXPECT_EQ((*last)->read_version, 1);
  log.SetCommit(2, R"({"metaData":{"schemaString":"another"}})");
  last = ReadLastCommitFrom(log);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ((*last)->table_version, 2);
  EXPECT_EQ((*last)->read_version, 0) << "readers were planned with other columns";
}

TEST(DeltaCommit, CompactionOfFilesThatAreGoneIsRefused) {
  MemoryLog log;
  auto spec = Spec({File("a.parquet"), File("b.parquet")}, 1);
  ASSERT_TRUE(Commit(log, spec).ok());
  ASSERT_TRUE(Commit(log, Spec({File("c.parquet")}, 2)).ok());
  spec.mode = WriteMode::kCompact;
  spec.app_id.clear();
  spec.compacted = {File("a.parquet"), File("b.parquet")};
  spec.added = {File("ab.parquet")};
  const auto outcome = Commit(log, spec);
  EXPECT_EQ(outcome.status().code(), StatusCode::kConflict);
  EXPECT_NE(outcome.status().message().find("a.parquet"), std::string::npos);
  EXPECT_EQ(Replayed::Of(log, 1).files.size(), 1U);
}

TEST(DeltaCommit, WritesMetadataAnewOnlyWhenItChanged) {
  MemoryLog log;
  auto spec = Spec({File("a.parquet")}, 1);
  spec.properties = {{"x", "1"}, {"a", "2"}};
  ASSERT_TRUE(Commit(log, spec).ok());
  const auto first = Replayed::Of(log, 0).metadata;
  spec.epoch = 2;
  const auto in_another_order = [&](int64_t version) -> Result<TableState> {
    auto table = ReplayTable(log, spec.app_id)(version);
    table->metadata = std::regex_replace(table->metadata, std::regex(R"(\{"a":"2","x":"1"\})"),
                                         R"({"x":"1","a":"2"})");
    EXPECT_NE(table->metadata.find(R"({"x":"1","a":"2"})"), std::string::npos);
    return table;
  };
  ASSERT_TRUE(CommitTo(log, spec, in_another_order).ok());
  EXPECT_EQ(log.At(1).find("metaData"), std::string::npos);
  spec.epoch = 3;
  spec.schema = arrow::schema({arrow::field("id", arrow::utf8())});
  ASSERT_TRUE(Commit(log, spec).ok());
  const auto changed = Replayed::Of(log, 2).metadata;
  EXPECT_NE(changed["schemaString"], first["schemaString"]);
  EXPECT_EQ(changed["id"], first["id"]);
  EXPECT_EQ(log.At(2).find("\"protocol\""), std::string::npos);
  for (const auto& change : std::vector<std::function<void()>>{
           [&] { spec.comment = "new"; }, [&] { spec.properties["x"] = "3"; },
           [&] { spec.partition_columns = {"id"}; }}) {
    ++spec.epoch;
    change();
    const auto outcome = Commit(log, spec);
    ASSERT_TRUE(outcome.ok());
    EXPECT_NE(log.At(outcome->version).find("metaData"), std::string::npos);
  }
}

TEST(DeltaCommit, RaisesTheProtocolOnce) {
  MemoryLog log;
  auto spec = Spec({}, 1);
  ASSERT_TRUE(Commit(log, spec).ok());
  spec.schema = arrow::schema({arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))});
  spec.epoch = 2;
  ASSERT_TRUE(Commit(log, spec).ok());
  EXPECT_EQ(Replayed::Of(log, 1).protocol["minReaderVersion"], 3);
  spec.schema = arrow::schema({arrow::field("other", arrow::timestamp(arrow::TimeUnit::MICRO))});
  spec.epoch = 3;
  ASSERT_TRUE(Commit(log, spec).ok());
  EXPECT_EQ(log.At(2).find("\"protocol\""), std::string::npos);
}

TEST(DeltaCommit, RepeatedAttemptFindsItsTransactionAndWritesNothing) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 5)).ok());
  for (int64_t epoch : {5, 4}) {
    const auto outcome = Commit(log, Spec({File("again.parquet")}, epoch));
    ASSERT_TRUE(outcome.ok());
    EXPECT_TRUE(outcome->already_committed);
    EXPECT_EQ(outcome->version, 0);
  }
  EXPECT_EQ(log.writes(), 1);
}

TEST(DeltaCommit, FollowsAWriterThatWasFirst) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
  int races = 3;
  log.before_write = [&](const std::string& name) {
    if (races-- > 0)
      log.Set(
          name,
          fmt::format(
              R"({{"add":{{"path":"foreign{}.parquet","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true}}}})",
              races));
  };
  const auto outcome = Commit(log, Spec({File("b.parquet")}, 2));
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->version, 4);
  const auto files = Replayed::Of(log, 4).files;
  EXPECT_EQ(files.size(), 1U);
  EXPECT_TRUE(files.contains("b.parquet"));
}

TEST(DeltaCommit, FindsThatTheWriterThatWasFirstDidTheSame) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
  log.before_write = [&](const std::string& name) {
    log.Set(name, R"({"txn":{"appId":"weir.view.v","version":2}})");
  };
  const auto outcome = Commit(log, Spec({File("b.parquet")}, 2));
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_TRUE(outcome->already_committed);
  EXPECT_EQ(outcome->version, 1);
}

TEST(DeltaCommit, GivesUpWhenOthersAreAlwaysFirst) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
  log.before_write = [&](const std::string& name) { log.Set(name, R"({"commitInfo":{}})"); };
  const auto outcome = Commit(log, Spec({File("b.parquet")}, 2));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.status().code(), StatusCode::kConflict);
  EXPECT_EQ(outcome.status().blame(), Blame::kEnvironment);
  EXPECT_EQ(log.writes(), 1 + 10);
  EXPECT_FALSE(Replayed::Of(log, 10).files.contains("b.parquet"));
}

TEST(DeltaCommit, IsNotRepeatedWhenTheStoreFailedAfterItWasWritten) {
  MemoryLog log;
  log.write_failure = Status::Environment(StatusCode::kIo, "connection lost");
  log.fails_after_writing = true;
  const auto first = Commit(log, Spec({File("a.parquet")}, 1));
  ASSERT_TRUE(first.ok()) << "the commit is there: " << first.status().ToString();
  EXPECT_FALSE(first->already_committed);
  log.write_failure = Status();
  const auto outcome = Commit(log, Spec({File("a.parquet")}, 1));
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->already_committed);
  EXPECT_EQ(log.List()->latest(), 0);
}

TEST(DeltaCommit, ChangesNothingWhenTheStoreFails) {
  MemoryLog log;
  log.write_failure = Status::Environment(StatusCode::kOutOfSpace, "disk full");
  const auto outcome = Commit(log, Spec({File("a.parquet")}, 1));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.status().code(), StatusCode::kOutOfSpace);
  EXPECT_EQ(log.List()->latest(), -1);
}

TEST(DeltaCommit, RefusesATableWhoseFeaturesItDoesNotWrite) {
  const auto commit_after = [](const std::string& action) {
    MemoryLog log;
    EXPECT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
    log.SetCommit(1, action);
    const auto outcome = Commit(log, Spec({File("b.parquet")}, 2));
    EXPECT_EQ(log.List()->latest(), outcome.ok() ? 2 : 1);
    return outcome.ok() ? Status::OK() : outcome.status();
  };
  const Status mapped = commit_after(
      R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["columnMapping"],"writerFeatures":["columnMapping","invariants"]}})");
  EXPECT_EQ(mapped.code(), StatusCode::kUnsupported);
  EXPECT_NE(mapped.message().find("`columnMapping`"), std::string::npos) << mapped.message();
  EXPECT_EQ(commit_after(R"({"protocol":{"minReaderVersion":2,"minWriterVersion":5}})").code(),
            StatusCode::kUnsupported);
  EXPECT_TRUE(
      commit_after(
          R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["appendOnly","invariants"]}})")
          .ok());
}

TEST(DeltaCommit, RefusesToOverwriteFilesWithDeletionVectors) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
  const auto table_at = [&](int64_t version) -> Result<TableState> {
    auto table = ReplayTable(log, "")(version);
    table->files[0].has_deletion_vector = true;
    return table;
  };
  const auto outcome = CommitTo(log, Spec({File("b.parquet")}, 2), table_at);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(log.List()->latest(), 0);
}

TEST(DeltaCommit, RefusesPropertiesItCannotKeep) {
  const auto status_of = [](const std::string& key, const std::string& value) {
    MemoryLog log;
    auto spec = Spec({});
    spec.properties = {{key, value}};
    const auto outcome = Commit(log, spec);
    EXPECT_EQ(log.List()->latest(), outcome.ok() ? 0 : -1);
    if (outcome.ok()) return StatusCode::kOk;
    EXPECT_NE(outcome.status().message().find(key), std::string::npos);
    return outcome.status().code();
  };
  EXPECT_EQ(status_of("delta.columnMapping.mode", "name"), StatusCode::kUnsupported);
  EXPECT_EQ(status_of("delta.enableRowTracking", "true"), StatusCode::kUnsupported);
  EXPECT_EQ(status_of("delta.enableChangeDataFeed", "true"), StatusCode::kOk);
  EXPECT_EQ(status_of("delta.constraints.positive", "x > 0"), StatusCode::kUnsupported);
  EXPECT_EQ(status_of("delta.appendOnly", "true"), StatusCode::kInvalidArgument);
  EXPECT_EQ(status_of("delta.columnMapping.mode", "none"), StatusCode::kOk);
  EXPECT_EQ(status_of("delta.logRetentionDuration", "interval 7 days"), StatusCode::kOk);
  EXPECT_EQ(status_of("owner", "me"), StatusCode::kOk);
}

TEST(DeltaCommit, RefusesToAppendWithOtherPartitions) {
  MemoryLog log;
  auto spec = Spec({File("a.parquet")}, 1);
  spec.mode = WriteMode::kAppend;
  ASSERT_TRUE(Commit(log, spec).ok());
  spec.partition_columns = {"day"};
  spec.epoch = 2;
  EXPECT_EQ(Commit(log, spec).status().code(), StatusCode::kInvalidArgument);
}

TEST(DeltaCommit, WritesJsonWhateverBytesTheCommentHas) {
  MemoryLog log;
  auto spec = Spec({});
  spec.comment = "caf\xE9 \"quoted\"\nline";
  ASSERT_TRUE(Commit(log, spec).ok());
  EXPECT_EQ(Replayed::Of(log, 0).metadata["description"], "caf\xEF\xBF\xBD \"quoted\"\nline");
}

/// Several writers at once: every append is in the table once, and each transaction was made by
/// exactly one of them.
TEST(DeltaCommitProperty, ConcurrentWritersLoseNothingAndRepeatNothing) {
  for (int round = 0; round < 20; ++round) {
    MemoryLog log;
    constexpr int kWriters = 4;
    constexpr int kCommits = 6;
    std::atomic<int> made = 0;
    std::vector<std::thread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; i < kCommits; ++i) {
          auto spec = Spec({File(fmt::format("w{}-{}.parquet", writer, i))}, i);
          spec.mode = WriteMode::kAppend;
          spec.app_id = fmt::format("pair{}", writer / 2);  // two writers a transaction
          for (;;) {
            const auto outcome = Commit(log, spec);
            if (!outcome.ok() && outcome.status().code() == StatusCode::kConflict) continue;
            ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
            if (!outcome->already_committed) ++made;
            break;
          }
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    const auto listing = log.List();
    ASSERT_TRUE(listing.ok());
    const Replayed table = Replayed::Of(log, listing->latest());
    // Epochs only grow: a writer whose partner is ahead makes nothing, so that a pair makes at most
    // one commit an epoch.
    EXPECT_EQ(static_cast<int>(table.files.size()), made);
    EXPECT_EQ(listing->latest() + 1, made);
    EXPECT_EQ(table.transactions,
              (std::map<std::string, int64_t>{{"pair0", kCommits - 1}, {"pair1", kCommits - 1}}));
    EXPECT_EQ(made, 2 * kCommits);
  }
}

TEST(LastCommit, IsNoneWithoutATable) {
  const auto last = ReadLastCommitFrom(MemoryLog());
  ASSERT_TRUE(last.ok());
  EXPECT_FALSE(last->has_value());
}

TEST(LastCommit, GivesBackWhatWasRecorded) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
  auto spec = Spec({File("b.parquet")}, 2);
  spec.metadata = {{"run_id", "r2"}, {"inputs", R"({"t":"1"})"}};
  ASSERT_TRUE(Commit(log, spec).ok());
  const auto last = ReadLastCommitFrom(log);
  ASSERT_TRUE(last.ok() && last->has_value());
  EXPECT_EQ((*last)->version, 1);
  EXPECT_EQ((*last)->table_version, 1);
  EXPECT_EQ((*last)->metadata, spec.metadata);
  EXPECT_EQ((*last)->files, std::vector<std::string>{"b.parquet"});
  EXPECT_EQ((*last)->engine, "weir");
}

TEST(LastCommit, NamesFilesDecoded) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("k=a%20b/ü.parquet")}, 1)).ok());
  const auto last = ReadLastCommitFrom(log);
  ASSERT_TRUE(last.ok() && last->has_value());
  EXPECT_EQ((*last)->files, std::vector<std::string>{"k=a%20b/ü.parquet"});
}

TEST(LastCommit, SeesThroughMaintenance) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
  log.SetCommit(1, R"({"commitInfo":{"operation":"OPTIMIZE"}}
{"remove":{"path":"a.parquet","dataChange":false}}
{"add":{"path":"b.parquet","size":1,"modificationTime":1,"partitionValues":{},"dataChange":false}})");
  log.SetCommit(2, R"({"commitInfo":{"operation":"VACUUM END"}})");
  const auto last = ReadLastCommitFrom(log);
  ASSERT_TRUE(last.ok() && last->has_value());
  EXPECT_EQ((*last)->version, 0);
  EXPECT_EQ((*last)->table_version, 2);
  EXPECT_EQ((*last)->metadata.at("run_id"), "r1");
  EXPECT_EQ((*last)->files, std::vector<std::string>{"b.parquet"}) << "what was compacted is gone";
}

TEST(LastCommit, IsForeignWhenSomebodyElseChangedTheData) {
  for (const char* action :
       {R"({"remove":{"path":"a.parquet"}})", R"({"add":{"path":"b.parquet","dataChange":true}})",
        R"({"add":{"path":"b.parquet","dataChange":null}})"}) {
    MemoryLog log;
    ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
    log.SetCommit(1, std::string(R"({"commitInfo":{"operation":"DELETE"}})") + "\n" + action);
    const auto last = ReadLastCommitFrom(log);
    ASSERT_TRUE(last.ok() && last->has_value());
    EXPECT_EQ((*last)->version, 1);
    EXPECT_TRUE((*last)->metadata.empty());
  }
}

TEST(LastCommit, KnowsAnEmptyResult) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({}, 1)).ok());
  const auto last = ReadLastCommitFrom(log);
  ASSERT_TRUE(last.ok() && last->has_value());
  EXPECT_EQ((*last)->metadata.at("run_id"), "r1");
}

TEST(LastCommit, IsForeignWhenOnlyACheckpointIsLeft) {
  MemoryLog log;
  log.Set("00000000000000000010.checkpoint.parquet", "");
  const auto last = ReadLastCommitFrom(log);
  ASSERT_TRUE(last.ok() && last->has_value());
  EXPECT_EQ((*last)->version, -1);
  EXPECT_EQ((*last)->table_version, 10);
  EXPECT_TRUE((*last)->metadata.empty());
}

TEST(LastCommit, TellsHolesAndDamage) {
  MemoryLog log;
  ASSERT_TRUE(Commit(log, Spec({File("a.parquet")}, 1)).ok());
  log.SetCommit(1, R"({"commitInfo":{"weir")");
  auto last = ReadLastCommitFrom(log);
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.status().code(), StatusCode::kCorrupt);
  EXPECT_NE(last.status().message().find("version 1"), std::string::npos)
      << last.status().message();
  log.Remove(CommitName(1));
  log.SetCommit(2, "{}");
  last = ReadLastCommitFrom(log);
  ASSERT_FALSE(last.ok());
  EXPECT_NE(last.status().message().find("version 1 is missing"), std::string::npos)
      << last.status().message();
}

/// Whatever bytes a commit holds, reading it answers or fails; it never throws.
TEST(LastCommitFuzz, SurvivesAnyCommit) {
  MemoryLog log;
  auto spec = Spec({File("a.parquet")}, 1);
  ASSERT_TRUE(Commit(log, spec).ok());
  const std::string whole = log.At(0);
  std::mt19937_64 random(3);
  const std::string pieces[] = {"null",
                                "[]",
                                "{}",
                                "\"x\"",
                                "\n",
                                "{\"add\":null}",
                                "{\"remove\":3}",
                                "{\"commitInfo\":[]}",
                                "{\"commitInfo\":{\"weir\":[1]}}",
                                "{\"add\":{\"dataChange\":\"no\"}}"};
  for (int i = 0; i < 3000; ++i) {
    std::string text = whole;
    for (auto changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = random() % (text.size() + 1);
      switch (random() % 3) {
        case 0:
          text.insert(at, pieces[random() % std::size(pieces)]);
          break;
        case 1:
          text.erase(at, random() % 40);
          break;
        default:
          if (at < text.size()) text[at] = static_cast<char>(random());
      }
    }
    log.SetCommit(0, text);
    const auto last = ReadLastCommitFrom(log);
    ASSERT_TRUE(last.ok() || last.status().code() == StatusCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/table_change.h"

#include <gtest/gtest.h>

#include "weir/base/json_text.h"
#include "weir/delta/log_actions.h"
#include "weir/delta/memory_log_fixture.h"
#include "weir/delta/table_features.h"

namespace weir {
namespace {

DataFile File(const std::string& path) {
  return DataFile{.path = path, .size_bytes = 10, .modified_ms = 1};
}

std::string Commit(bool is_blind, const std::vector<std::string>& added,
                   const std::vector<std::string>& removed = {}, const std::string& head = {}) {
  std::string text =
      fmt::format(R"({{"commitInfo":{{"operation":"OTHER","isBlindAppend":{}}}}})", is_blind) +
      "\n" + head;
  for (const std::string& path : removed)
    text += JsonText(RemoveAction(File(path), 1, true)) + "\n";
  for (const std::string& path : added) text += JsonText(AddAction(File(path), true)) + "\n";
  return text;
}

/// A log with one version, in which a statement that read it removes `a` and adds `b`.
struct Race {
  MemoryLog log;
  TableChange change{.table_url = "memory:///table/",
                     .read_version = 0,
                     .operation = "DELETE",
                     .removed = {File("a")},
                     .added = {File("b")}};

  Race() { log.SetCommit(0, Commit(true, {"a", "z"})); }

  /// The version that is made where another writer comes first with `other`; -1: none.
  int64_t After(const std::string& other) {
    log.SetCommit(1, other);
    const auto outcome = CommitChangeTo(log, change);
    EXPECT_TRUE(outcome.ok());
    if (outcome->other) {
      EXPECT_EQ(outcome->other->version, 1);
      EXPECT_EQ(outcome->other->operation, "OTHER");
    }
    return outcome->version;
  }
};

TEST(TableChange, ANewVersionFollowsTheOneThatWasRead) {
  Race race;
  const auto outcome = CommitChangeTo(race.log, race.change);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->version, 1);
  EXPECT_EQ(Replayed::Of(race.log, 1).files.size(), 2u);
}

TEST(TableChange, OnlyWhatTheStatementCouldHaveComeBeforeIsPassedOver) {
  EXPECT_EQ(Race().After(Commit(true, {"c"})), 2);
  EXPECT_EQ(Race().After(Commit(false, {"c"})), -1);      // it may have read what is removed
  EXPECT_EQ(Race().After(Commit(false, {}, {"a"})), -1);  // removed twice
  EXPECT_EQ(Race().After(Commit(false, {"c"}, {"z"})), -1);
  EXPECT_EQ(Race().After(Commit(true, {}, {}, "{\"metaData\":{\"id\":\"x\"}}\n")), -1);
  EXPECT_EQ(Race().After("{\"commitInfo\":{\"operation\":\"OTHER\"}}\n"), 2);
  EXPECT_EQ(Race().After("{\"commitInfo\":{\"operation\":\"OTHER\"}}\nbroken"), -1);
}

TEST(TableChange, MaintenanceOfOtherFilesIsPassedOver) {
  const auto compacted = [](const std::string& from) {
    return "{\"commitInfo\":{\"operation\":\"OTHER\"}}\n" +
           JsonText(RemoveAction(File(from), 1, false)) + "\n" +
           JsonText(AddAction(File("c"), false)) + "\n";
  };
  EXPECT_EQ(Race().After(compacted("z")), 2);
  EXPECT_EQ(Race().After(compacted("a")), -1);
}

TEST(TableChange, AnAppendComesAfterWhateverElseButNewColumns) {
  const auto append = [](const std::string& other) {
    Race race;
    race.change.removed.clear();
    race.change.is_blind_append = true;
    return race.After(other);
  };
  EXPECT_EQ(append(Commit(false, {"c"}, {"a", "z"})), 2);
  EXPECT_EQ(append(Commit(false, {}, {}, "{\"metaData\":{\"id\":\"x\"}}\n")), -1);
}

TEST(TableChange, ACommitWhoseAnswerWasLostIsFound) {
  Race race;
  race.log.write_failure = Status::Environment(StatusCode::kIo, "cut off");
  race.log.fails_after_writing = true;
  const auto made = CommitChangeTo(race.log, race.change);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->version, 1);
  Race lost;
  lost.log.write_failure = Status::Environment(StatusCode::kIo, "cut off");
  EXPECT_FALSE(CommitChangeTo(lost.log, lost.change).ok());
}

TEST(TableChange, ACommitThatTheStoreSaysIsThereAlreadyMayBeThisOne) {
  Race first;
  ASSERT_TRUE(CommitChangeTo(first.log, first.change).ok());
  Race race;
  // The put was made, its answer lost, and the one that was made again found it there.
  race.log.before_write = [&](const std::string& name) { race.log.Set(name, first.log.At(1)); };
  const auto made = CommitChangeTo(race.log, race.change);
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(made->other);
  EXPECT_EQ(made->version, 1);
}

TEST(TableChange, FilesAreRemovedAsTheLogSpellsThem) {
  Race race;
  race.log.SetCommit(0, "{\"add\":{\"path\":\"p=\xC3\xBC/a\",\"dataChange\":true}}\n");
  race.change.removed = {File("p=\xC3\xBC/a")};
  ASSERT_TRUE(CommitChangeTo(race.log, race.change).ok());
  EXPECT_NE(race.log.At(1).find("{\"remove\":{\"path\":\"p=\xC3\xBC/a\""), std::string::npos);
  Race unknown;
  unknown.change.removed = {File("p=\xC3\xBC/a")};
  const auto refused = CommitChangeTo(unknown.log, unknown.change);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kUnsupported);
}

TEST(TableFeatures, TablesAreWrittenOnlyWithFeaturesWhoseRulesAreKept) {
  const auto written = [](const std::string& protocol, const std::string& metadata) {
    return CheckWritable(protocol, metadata, "t").ok();
  };
  const std::string plain = R"({"schemaString":"{}","configuration":{}})";
  EXPECT_TRUE(written(R"({"minReaderVersion":1,"minWriterVersion":2})", plain));
  EXPECT_TRUE(written(R"({"minReaderVersion":2,"minWriterVersion":6})", plain));
  EXPECT_FALSE(
      written(R"({"minReaderVersion":2,"minWriterVersion":6})",
              R"({"schemaString":"{}","configuration":{"delta.columnMapping.mode":"name"}})"));
  EXPECT_FALSE(written(R"({"minWriterVersion":7,"writerFeatures":["rowTracking"]})", plain));
  EXPECT_FALSE(written(R"({"minWriterVersion":7,"writerFeatures":["fromTheFuture"]})", plain));
  EXPECT_TRUE(
      written(R"({"minWriterVersion":7,"writerFeatures":["variantType","appendOnly"]})", plain));
  EXPECT_FALSE(written(R"({"minWriterVersion":8})", plain));
}

TEST(TableFeatures, AProtocolIsRaisedNoFurtherThanNeeded) {
  const auto action = [](const std::string& protocol, const std::vector<std::string>& features) {
    const std::string text = UpgradedProtocol(protocol, features);
    return text.empty() ? nlohmann::json() : nlohmann::json::parse(text)["protocol"];
  };
  EXPECT_EQ(action("", {})["minWriterVersion"], 2);
  EXPECT_EQ(action("", {"changeDataFeed"})["minWriterVersion"], 4);
  EXPECT_TRUE(
      action(R"({"minReaderVersion":1,"minWriterVersion":4})", {"checkConstraints"}).is_null());
  const auto raised = action(R"({"minReaderVersion":1,"minWriterVersion":4})", {"deletionVectors"});
  EXPECT_EQ(raised["minReaderVersion"], 3);
  EXPECT_EQ(raised["readerFeatures"], nlohmann::json({"deletionVectors"}));
  EXPECT_EQ(raised["writerFeatures"],
            nlohmann::json({"appendOnly", "changeDataFeed", "checkConstraints", "deletionVectors",
                            "generatedColumns", "invariants"}));
  EXPECT_TRUE(
      action(R"({"minReaderVersion":3,"minWriterVersion":7,"writerFeatures":["appendOnly"]})",
             {"appendOnly"})
          .is_null());
}

}  // namespace
}  // namespace weir

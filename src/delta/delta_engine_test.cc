// SPDX-License-Identifier: Apache-2.0
//
// What Weir commits, read by the real engine from a real folder.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <thread>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/base/assert_ok_testing.h"
#include "weir/base/temporary_folder_testing.h"
#include "weir/catalog/delta_names.h"
#include "weir/delta/delta_commit.h"
#include "weir/delta/delta_log.h"
#include "weir/engine/engine.h"

namespace weir {
namespace {

using Rows = std::vector<std::pair<std::optional<std::string>, int64_t>>;

class DeltaEngine : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = engine::Session::Open({});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    session_ = *opened;
    spec_ = DeltaWriteSpec{.table_url = "file://" + Encoded(folder_) + "/t/",
                           .schema = arrow::schema({arrow::field("day", arrow::utf8()),
                                                    arrow::field("n", arrow::int64())}),
                           .partition_columns = {},
                           .mode = WriteMode::kOverwrite,
                           .added = {},
                           .app_id = "weir.view.t",
                           .epoch = 0,
                           .metadata = {{"run_id", "r"}},
                           .comment = "",
                           .properties = {},
                           .timestamp_ms = 1700000000000};
  }

  static std::string Encoded(std::string path) {
    for (size_t at = 0; (at = path.find(' ', at)) != std::string::npos;) path.replace(at, 1, "%20");
    return path;
  }

  /// Writes rows and commits them with the next epoch.
  Result<CommitOutcome> Write(const Rows& rows) {
    arrow::StringBuilder days;
    arrow::Int64Builder numbers;
    for (const auto& [day, n] : rows) {
      EXPECT_TRUE((day ? days.Append(*day) : days.AppendNull()).ok());
      EXPECT_TRUE(numbers.Append(n).ok());
    }
    const auto batch = arrow::RecordBatch::Make(spec_.schema, static_cast<int64_t>(rows.size()),
                                                {*days.Finish(), *numbers.Finish()});
    const engine::WriteOptions options{.root_url = spec_.table_url,
                                       .partition_columns = spec_.partition_columns};
    WEIR_ASSIGN_OR_RETURN(auto written, session_.WriteBatch(options, *batch));
    spec_.added = std::move(written.files);
    ++spec_.epoch;
    return CommitWrite(session_, spec_);
  }

  /// The rows of the latest version, as "day|n" in order.
  Result<std::vector<std::string>> Read() const {
    WEIR_ASSIGN_OR_RETURN(const auto snapshot,
                          engine::DeltaSnapshot::Open(session_, spec_.table_url));
    WEIR_ASSIGN_OR_RETURN(const auto table, snapshot.AsTable(session_, spec_.table_url));
    const std::string name = fmt::format("t{}", snapshot.version());
    WEIR_RETURN_NOT_OK(session_.RegisterTable(name, table));
    WEIR_ASSIGN_OR_RETURN(const auto result,
                          session_.Query("SELECT coalesce(day, 'NULL') || '|' || n AS line FROM " +
                                         name + " ORDER BY n"));
    std::vector<std::string> lines;
    for (int64_t row = 0; row < result->num_rows(); ++row)
      lines.push_back((*result->column(0)->GetScalar(row))->ToString());
    return lines;
  }

  std::string LogFile(int64_t version) const {
    return folder_ + "/t/_delta_log/" + CommitName(version);
  }
  std::string LogText(int64_t version) const {
    std::ifstream file(LogFile(version));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  engine::Session session_;
  TemporaryFolder temporary_{"weir delta"};
  std::string folder_ = temporary_.path();
  DeltaWriteSpec spec_;
};

TEST_F(DeltaEngine, ReadsBackWhatWasCommitted) {
  ASSERT_OK_AND_ASSIGN(auto outcome, Write({{"a", 1}, {std::nullopt, 2}}));
  EXPECT_EQ(outcome.version, 0);
  ASSERT_OK_AND_ASSIGN(auto rows, Read());
  EXPECT_EQ(rows, (std::vector<std::string>{"a|1", "NULL|2"}));
  ASSERT_OK_AND_ASSIGN(outcome, Write({{"b", 3}}));
  EXPECT_EQ(outcome.version, 1);
  ASSERT_OK_AND_ASSIGN(rows, Read());
  EXPECT_EQ(rows, (std::vector<std::string>{"b|3"}));
  ASSERT_OK_AND_ASSIGN(const auto snapshot, engine::DeltaSnapshot::Open(session_, spec_.table_url));
  ASSERT_OK_AND_ASSIGN(const auto files, snapshot.files());
  ASSERT_EQ(files.size(), 1U);
  EXPECT_NE(files[0].statistics.find("\"numRecords\":1"), std::string::npos) << files[0].statistics;
  EXPECT_EQ(files[0].rows, 1);
  ASSERT_OK_AND_ASSIGN(const int64_t transaction, snapshot.transaction_version("weir.view.t"));
  EXPECT_EQ(transaction, 2);
}

TEST_F(DeltaEngine, FindsFilesOfOddPartitions) {
  spec_.partition_columns = {"day"};
  const Rows rows = {{"a b", 1},         {"x/y", 2},        {"50%", 3},    {"h:m", 4},
                     {"caf\xC3\xA9", 5}, {std::nullopt, 6}, {"q?#&=+", 7}, {"a%20b", 8}};
  std::vector<std::string> lines;
  for (const auto& [day, n] : rows) lines.push_back(day.value_or("NULL") + "|" + std::to_string(n));
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto outcome, Write(rows));
    EXPECT_EQ(outcome.version, i);
    ASSERT_OK_AND_ASSIGN(const auto read, Read());
    EXPECT_EQ(read, lines);
    // The files that the snapshot names are there, and the second version removed those of the
    // first.
    ASSERT_OK_AND_ASSIGN(const auto snapshot,
                         engine::DeltaSnapshot::Open(session_, spec_.table_url));
    ASSERT_OK_AND_ASSIGN(const auto files, snapshot.files());
    EXPECT_EQ(files.size(), rows.size());
    for (const DataFile& file : files)
      EXPECT_TRUE(std::filesystem::exists(folder_ + "/t/" + file.path)) << file.path;
  }
}

TEST_F(DeltaEngine, MakesACheckpointThatKeepsEverything) {
  spec_.comment = "what it is";
  spec_.properties = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}};
  for (int64_t i = 0; i <= 12; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto outcome, Write({{"a", i}}));
    ASSERT_EQ(outcome.version, i);
    if (i > 0) {
      EXPECT_EQ(LogText(i).find("metaData"), std::string::npos)
          << "version " << i << " repeats what did not change";
    }
  }
  EXPECT_TRUE(
      std::filesystem::exists(folder_ + "/t/_delta_log/00000000000000000010.checkpoint.parquet"));
  for (int64_t i = 0; i < 10; ++i) std::filesystem::remove(LogFile(i));
  ASSERT_OK_AND_ASSIGN(auto rows, Read());
  EXPECT_EQ(rows, (std::vector<std::string>{"a|12"}));
  // The transaction is found in the checkpoint, too.
  std::filesystem::remove(LogFile(11));
  std::filesystem::remove(LogFile(12));
  spec_.epoch = 11;
  ASSERT_OK_AND_ASSIGN(const auto repeated, CommitWrite(session_, spec_));
  EXPECT_TRUE(repeated.already_committed);
  ASSERT_OK_AND_ASSIGN(const auto next, Write({{"z", 1}}));
  EXPECT_EQ(next.version, 11);
  EXPECT_EQ(LogText(11).find("metaData"), std::string::npos);
  ASSERT_OK_AND_ASSIGN(rows, Read());
  EXPECT_EQ(rows, (std::vector<std::string>{"z|1"}));
}

TEST_F(DeltaEngine, ReadsTimestampsWithoutZone) {
  spec_.schema = arrow::schema({arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))});
  ASSERT_OK_AND_ASSIGN(const auto outcome, CommitWrite(session_, spec_));
  ASSERT_OK_AND_ASSIGN(const auto snapshot,
                       engine::DeltaSnapshot::Open(session_, spec_.table_url, outcome.version));
  ASSERT_OK_AND_ASSIGN(const auto schema, snapshot.schema());
  EXPECT_EQ(schema->field(0)->type()->ToString(), "timestamp[us]");
}

TEST_F(DeltaEngine, ReadsEveryTypeThatItIsToldToStore) {
  spec_.schema = arrow::schema(
      {arrow::field("b", arrow::boolean()), arrow::field("i8", arrow::int8()),
       arrow::field("i16", arrow::int16()), arrow::field("i32", arrow::int32()),
       arrow::field("i64", arrow::int64()), arrow::field("f", arrow::float32()),
       arrow::field("d", arrow::float64()), arrow::field("s", arrow::utf8()),
       arrow::field("bin", arrow::binary()), arrow::field("date", arrow::date32()),
       arrow::field("dec", arrow::decimal128(20, 4)),
       arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
       arrow::field("l", arrow::list(arrow::field(
                             "element", arrow::struct_({arrow::field("x", arrow::int32())})))),
       arrow::field("m", arrow::map(arrow::utf8(), arrow::int64())),
       arrow::field("mapped", arrow::int64(), true,
                    arrow::key_value_metadata({"delta.columnMapping.id"}, {"1"}))});
  ASSERT_OK_AND_ASSIGN(const auto outcome, CommitWrite(session_, spec_));
  EXPECT_EQ(outcome.version, 0);
  ASSERT_OK_AND_ASSIGN(const auto snapshot, engine::DeltaSnapshot::Open(session_, spec_.table_url));
  ASSERT_OK_AND_ASSIGN(const auto schema, snapshot.schema());
  ASSERT_EQ(schema->num_fields(), spec_.schema->num_fields());
  for (int i = 0; i < 12; ++i) {
    EXPECT_TRUE(schema->field(i)->type()->Equals(spec_.schema->field(i)->type()))
        << schema->field(i)->ToString();
  }
}

TEST_F(DeltaEngine, KeepsAllRowsOfConcurrentAppends) {
  spec_.mode = WriteMode::kAppend;
  spec_.app_id.clear();
  std::vector<std::vector<DataFile>> added;
  for (int64_t i = 0; i < 6; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto outcome, Write({{"w", i}}));
    EXPECT_EQ(outcome.version, i);
    added.push_back(spec_.added);
  }
  DeltaWriteSpec spec = spec_;
  spec.table_url = spec_.table_url = "file://" + Encoded(folder_) + "/copy/";
  std::filesystem::create_directories(folder_ + "/copy");
  std::vector<std::thread> writers;
  for (size_t i = 0; i < added.size(); ++i) {
    std::filesystem::copy(folder_ + "/t/" + added[i][0].path,
                          folder_ + "/copy/" + added[i][0].path);
    writers.emplace_back([this, spec, &added, i]() mutable {
      spec.added = added[i];
      const auto outcome = CommitWrite(session_, spec);
      EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    });
  }
  for (std::thread& writer : writers) writer.join();
  ASSERT_OK_AND_ASSIGN(const auto rows, Read());
  EXPECT_EQ(rows, (std::vector<std::string>{"w|0", "w|1", "w|2", "w|3", "w|4", "w|5"}));
}

TEST_F(DeltaEngine, LooksAtLocalLogsWithoutTheEngineAndSeesTheSame) {
  ASSERT_OK_AND_ASSIGN(auto last, ReadLastCommit(session_, spec_.table_url));
  EXPECT_FALSE(last.has_value());
  ASSERT_OK_AND_ASSIGN(auto outcome, Write({{"a", 1}}));
  ASSERT_OK_AND_ASSIGN(outcome, Write({{"a", 2}}));
  ASSERT_OK_AND_ASSIGN(last, ReadLastCommit(session_, spec_.table_url));
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->version, outcome.version);
  EXPECT_EQ(last->metadata, spec_.metadata);
  std::filesystem::remove(LogFile(0));
  const auto hole = ReadLastCommit(session_, spec_.table_url);
  ASSERT_FALSE(hole.ok());
  EXPECT_EQ(hole.status().code(), StatusCode::kCorrupt);
  EXPECT_NE(hole.status().message().find("version 0 is missing"), std::string::npos);
}

TEST_F(DeltaEngine, FailsWithoutThrowingOnALogThatIsNoLog) {
  std::filesystem::create_directories(LogFile(0));  // a folder where the commit should be
  EXPECT_FALSE(ReadLastCommit(session_, spec_.table_url).ok());
  std::filesystem::remove_all(folder_ + "/t");
  std::filesystem::create_directories(folder_ + "/t");
  std::ofstream(folder_ + "/t/_delta_log") << "a file where the folder should be";
  EXPECT_FALSE(ReadLastCommit(session_, spec_.table_url).ok());
}

TEST_F(DeltaEngine, OneOfManyWritersWritesACommitWhole) {
  for (const auto durability : {CommitDurability::kLater, CommitDurability::kWhole}) {
    std::filesystem::remove_all(folder_ + "/t");
    std::vector<std::string> texts(8, std::string(20'000, 'x'));
    std::vector<int> written(texts.size());
    std::vector<std::thread> writers;
    for (size_t i = 0; i < texts.size(); ++i) {
      texts[i] += fmt::format("{}", i);
      writers.emplace_back([&, i] {
        const auto log = OpenDeltaLog(session_, spec_.table_url, durability);
        const auto is_written = log->WriteCommit(0, texts[i]);
        ASSERT_TRUE(is_written.ok()) << is_written.status().ToString();
        written[i] = *is_written ? 1 : 0;
      });
    }
    for (std::thread& writer : writers) writer.join();
    EXPECT_EQ(std::accumulate(written.begin(), written.end(), 0), 1);
    const auto found = OpenDeltaLog(session_, spec_.table_url)->ReadCommit(0);
    ASSERT_TRUE(found.ok());
    for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(*found == texts[i], written[i] == 1);
    const std::filesystem::directory_iterator names(folder_ + "/t/_delta_log");
    EXPECT_EQ(std::distance(begin(names), end(names)), 1) << "nothing unfinished is left";
  }
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/run/delta_history.h"

#include <random>
#include <set>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"
#include "weir/delta/delta_commit.h"
#include "weir/session/session_runtime.h"

namespace weir {
namespace {

ViewContent Content() {
  ViewContent content("0123456789abcdef0123456789abcdef");
  content.readings["0a"] = "ff";
  return content;
}

BuildRecord Example() {
  return {.view_name = "daily",
          .fingerprint = *Fingerprint::Parse("00112233445566778899aabbccddeeff"),
          .input_hash = *Fingerprint::Parse("ffeeddccbbaa99887766554433221100"),
          .content = Content(),
          .run_id = "20240102T030405-1a2b",
          .epoch = 1704164645000,
          .rows = 12,
          .inputs = {{"flights", "abc"}, {"Odd \"name\" ü", "x\ny"}},
          .pins = {{"flights", 7}, {"planes", -1}},
          .listings = {{"planes", {{"planes.csv", "10:20:"}}}},
          .deferred = {{"orders", "file:///lake/orders/"}},
          .definition = {{"plan", "blake2b:00"}, {"setting.x", "y"}}};
}

void ExpectSame(const BuildRecord& found, const BuildRecord& wanted) {
  EXPECT_EQ(found.view_name, wanted.view_name);
  EXPECT_EQ(found.fingerprint, wanted.fingerprint);
  EXPECT_EQ(found.input_hash, wanted.input_hash);
  EXPECT_EQ(found.content, wanted.content);
  EXPECT_EQ(found.run_id, wanted.run_id);
  EXPECT_EQ(found.epoch, wanted.epoch);
  EXPECT_EQ(found.rows, wanted.rows);
  EXPECT_EQ(found.inputs, wanted.inputs);
  EXPECT_EQ(found.pins, wanted.pins);
  EXPECT_EQ(found.listings, wanted.listings);
  EXPECT_EQ(found.deferred, wanted.deferred);
  EXPECT_EQ(found.definition, wanted.definition);
}

TEST(CommitMetadata, GivesBackTheRecord) {
  const auto back = FromCommitMetadata(ToCommitMetadata(Example()));
  ASSERT_TRUE(back);
  ExpectSame(*back, Example());
  EXPECT_EQ(back->version, -1) << "only the log knows the version";
  EXPECT_EQ(back->table_version, -1);
}

TEST(CommitMetadata, GivesBackARecordWithoutInputsAndRows) {
  BuildRecord record = Example();
  record.inputs.clear();
  record.rows = 0;
  const auto back = FromCommitMetadata(ToCommitMetadata(record));
  ASSERT_TRUE(back);
  ExpectSame(*back, record);
}

TEST(CommitMetadata, PassesOverFieldsOfLaterReleases) {
  auto metadata = ToCommitMetadata(Example());
  metadata["something_new"] = "1";
  ASSERT_TRUE(FromCommitMetadata(metadata));
}

TEST(CommitMetadata, ARecordNeedsEveryField) {
  EXPECT_FALSE(FromCommitMetadata({}));
  // Older builds lack these: without them less is reused, and less said.
  const std::set<std::string> optional = {"readings", "pins", "listings", "deferred", "definition"};
  for (const auto& [key, value] : ToCommitMetadata(Example())) {
    if (optional.contains(key)) continue;
    auto metadata = ToCommitMetadata(Example());
    metadata.erase(key);
    EXPECT_FALSE(FromCommitMetadata(metadata)) << "without " << key;
    metadata[key] = "";
    EXPECT_FALSE(FromCommitMetadata(metadata)) << "with an empty " << key;
  }
}

TEST(CommitMetadata, DamageInWhatOnlySaysMoreIsPassedOver) {
  for (const char* key : {"readings", "pins", "listings", "deferred", "definition"}) {
    for (const char* damage : {"", "{", "[]", "{\"a\": [1]}", "{\"a\": {\"b\": 2}}"}) {
      auto metadata = ToCommitMetadata(Example());
      metadata[key] = damage;
      const auto record = FromCommitMetadata(metadata);
      ASSERT_TRUE(record) << key << " " << damage;
      EXPECT_EQ(record->content.whole, Example().content.whole);
    }
  }
}

TEST(CommitMetadata, DamagedFieldsMakeNoRecord) {
  const std::vector<std::pair<std::string, std::string>> damages = {
      {"fingerprint", "00112233445566778899aabbccddeef"},    // a digit short
      {"fingerprint", "00112233445566778899AABBCCDDEEFF"},   // upper case
      {"fingerprint", "00112233445566778899aabbccddeeffe"},  // a digit long
      {"input_hash", "none"},
      {"epoch", "12x"},
      {"epoch", " 12"},
      {"epoch", "1.5"},
      {"epoch", "-1"},
      {"epoch", "9223372036854775808"},  // more than 64 bits
      {"rows", "many"},
      {"rows", "-1"},
      {"rows", "0x10"},
      {"inputs", "{"},
      {"inputs", "null"},
      {"inputs", "[]"},
      {"inputs", "\"text\""},
      {"inputs", "{\"flights\": \"abc\"} and more"},
      {"inputs", "{\"flights\": 7}"},
      {"inputs", "{\"flights\": null}"},
      {"inputs", "{\"flights\": {\"deep\": \"abc\"}}"},
  };
  for (const auto& [key, value] : damages) {
    auto metadata = ToCommitMetadata(Example());
    ASSERT_TRUE(metadata.contains(key)) << key;
    metadata[key] = value;
    EXPECT_FALSE(FromCommitMetadata(metadata)) << key << " = " << value;
  }
}

TEST(CommitMetadataFuzz, AnyBytesMakeARecordOrNone) {
  std::mt19937_64 random(20240131);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    auto metadata = ToCommitMetadata(Example());
    auto field = metadata.begin();
    std::advance(field, random() % metadata.size());
    std::string& value = field->second;
    for (uint64_t changes = 1 + random() % 3; changes > 0 && !value.empty(); --changes) {
      const size_t at = random() % value.size();
      if (random() % 3 == 0) {
        value.erase(at, 1 + random() % 4);
      } else {
        value[at] = static_cast<char>(random() % 256);
      }
    }
    const auto record = FromCommitMetadata(metadata);
    if (!record) {
      ++refused;
      continue;
    }
    EXPECT_FALSE(record->fingerprint.empty());
    EXPECT_GE(record->rows, 0);
  }
  EXPECT_GT(refused, 1000);
}

class DeltaHistoryOfTables : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = engine::Session::Open({});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    session_ = *opened;
  }

  std::string warehouse() const { return "file://" + folder_ + "/"; }
  DeltaHistory History() const { return DeltaHistory(session_, warehouse()); }

  /// Commits an empty result that records `metadata`.
  void Commit(const BuildRecord& record, const std::map<std::string, std::string>& metadata) {
    const DeltaWriteSpec spec{.table_url = TableUrl(warehouse(), record.view_name),
                              .schema = arrow::schema({arrow::field("n", arrow::int64())}),
                              .partition_columns = {},
                              .mode = WriteMode::kOverwrite,
                              .added = {},
                              .app_id = TransactionId(record.view_name),
                              .epoch = record.epoch,
                              .metadata = metadata,
                              .comment = "",
                              .properties = {},
                              .timestamp_ms = 1704164645000};
    const auto outcome = CommitWrite(session_, spec);
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    ASSERT_FALSE(outcome->already_committed);
  }

  engine::Session session_;
  TemporaryFolder temporary_;
  std::string folder_ = temporary_.path();
};

TEST_F(DeltaHistoryOfTables, AViewWithoutATableWasNeverBuilt) {
  const auto record = History().LastBuild("daily");
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_FALSE(*record);
}

TEST_F(DeltaHistoryOfTables, TheLastCommitIsTheLastBuild) {
  BuildRecord built = Example();
  Commit(built, ToCommitMetadata(built));
  built.epoch += 1;
  built.rows = 13;
  Commit(built, ToCommitMetadata(built));
  const auto record = History().LastBuild("daily");
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  ASSERT_TRUE(*record);
  ExpectSame(**record, built);
  EXPECT_EQ((*record)->version, 1);
  EXPECT_EQ((*record)->table_version, 1);
}

TEST_F(DeltaHistoryOfTables, ATableThatSomebodyElseWroteLastHasNoBuild) {
  BuildRecord built = Example();
  Commit(built, ToCommitMetadata(built));
  built.epoch += 1;
  Commit(built, {});
  const auto record = History().LastBuild("daily");
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_FALSE(*record);
}

TEST_F(DeltaHistoryOfTables, ADamagedRecordIsNoBuild) {
  auto metadata = ToCommitMetadata(Example());
  metadata["rows"] = "many";
  Commit(Example(), metadata);
  const auto record = History().LastBuild("daily");
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_FALSE(*record);
}

TEST(TransactionId, TellsViewsApart) {
  EXPECT_EQ(TransactionId("daily"), "weir.view.daily");
  EXPECT_NE(TransactionId("a"), TransactionId("A"));
}

}  // namespace
}  // namespace weir

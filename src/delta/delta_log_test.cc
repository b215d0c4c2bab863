// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/delta_log.h"

#include <gtest/gtest.h>

#include "weir/delta/memory_log_fixture.h"

namespace weir {
namespace {

TEST(DeltaLog, IsNoTableWithoutCommits) {
  const MemoryLog log;
  const auto listing = log.List();
  ASSERT_TRUE(listing.ok());
  EXPECT_EQ(listing->latest(), -1);
}

TEST(DeltaLog, ListsCommitsInOrderAndPassesOverOtherFiles) {
  MemoryLog log;
  for (int64_t version : {0, 1, 2}) log.SetCommit(version, "");
  log.Set("_last_checkpoint", "");
  log.Set("_commit_6f3a1c5e-5a43-4f7a-9c09-0f6e8f3c8b11.json.tmp", "");
  log.Set("00000000000000000003.json#1", "");                // a writer was killed over it
  log.Set("00000000000000000009.checkpoint.parquet#1", "");  // likewise
  log.Set("00000000000000000001.crc", "");
  log.Set("99999999999999999999.json", "");  // no version: it does not fit
  log.Set("-0000000000000000001.json", "");
  const auto listing = log.List();
  ASSERT_TRUE(listing.ok()) << listing.status().ToString();
  EXPECT_EQ(listing->commits, (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(listing->last_checkpoint, -1);
  EXPECT_EQ(listing->latest(), 2);
}

TEST(DeltaLog, NamesTheVersionThatIsMissing) {
  MemoryLog log;
  for (int64_t version : {0, 1, 3, 4}) log.SetCommit(version, "");
  const auto listing = log.List();
  ASSERT_FALSE(listing.ok());
  EXPECT_EQ(listing.status().code(), StatusCode::kCorrupt);
  EXPECT_NE(listing.status().message().find("version 2 is missing"), std::string::npos)
      << listing.status().message();
}

TEST(DeltaLog, MissesTheFirstVersion) {
  MemoryLog log;
  log.SetCommit(1, "");
  const auto listing = log.List();
  ASSERT_FALSE(listing.ok());
  EXPECT_NE(listing.status().message().find("version 0 is missing"), std::string::npos)
      << listing.status().message();
}

TEST(DeltaLog, NeedsNoCommitThatACheckpointCovers) {
  MemoryLog log;
  log.Set("00000000000000000010.checkpoint.parquet", "");
  for (int64_t version : {9, 10, 11, 12}) log.SetCommit(version, "");
  auto listing = log.List();
  ASSERT_TRUE(listing.ok()) << listing.status().ToString();
  EXPECT_EQ(listing->latest(), 12);
  log.Remove(CommitName(11));
  listing = log.List();
  ASSERT_FALSE(listing.ok());
  EXPECT_NE(listing.status().message().find("version 11 is missing"), std::string::npos)
      << listing.status().message();
}

TEST(DeltaLog, KnowsMultiPartAndUuidCheckpoints) {
  MemoryLog log;
  log.Set("00000000000000000010.checkpoint.0000000001.0000000002.parquet", "");
  log.Set("00000000000000000020.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json", "");
  const auto listing = log.List();
  ASSERT_TRUE(listing.ok());
  EXPECT_EQ(listing->latest(), 20);
}

TEST(DeltaLog, DoesNotReplaceACommit) {
  MemoryLog log;
  auto written = log.WriteCommit(0, "first");
  ASSERT_TRUE(written.ok());
  EXPECT_TRUE(*written);
  written = log.WriteCommit(0, "second");
  ASSERT_TRUE(written.ok());
  EXPECT_FALSE(*written);
  EXPECT_EQ(log.At(0), "first");
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/delta_names.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(LogObjectName, HasAVersionAndARest) {
  const auto commit = ReadLogObjectName("00000000000000000007.json");
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->version, 7);
  EXPECT_TRUE(commit->is_commit());
  const auto checkpoint = ReadLogObjectName("00000000000000000010.checkpoint.parquet");
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->version, 10);
  EXPECT_EQ(checkpoint->rest, ".checkpoint.parquet");
  EXPECT_FALSE(checkpoint->is_commit());
  EXPECT_FALSE(ReadLogObjectName("00000000000000000007.json.tmp")->is_commit());
}

TEST(LogObjectName, IsNotReadOutOfOtherNames) {
  for (const char* name :
       {"", "7.json", "_last_checkpoint", "0000000000000000007.json", "-0000000000000000007.json",
        "0000000000000000000x.json", "99999999999999999999.json"})
    EXPECT_FALSE(ReadLogObjectName(name)) << name;
}

TEST(LogObjectName, IsReadBackFromACommitsName) {
  EXPECT_EQ(CommitName(7), "00000000000000000007.json");
  for (const int64_t version : {int64_t{0}, int64_t{12345}, INT64_MAX}) {
    const std::string name = CommitName(version);
    const auto read = ReadLogObjectName(name);
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(read->version, version);
    EXPECT_TRUE(read->is_commit());
  }
}

TEST(PhysicalName, IsTheColumnsOwnButForColumnMapping) {
  const auto plain = arrow::field("km", arrow::float64());
  EXPECT_EQ(PhysicalName(*plain), "km");
  EXPECT_EQ(PhysicalName(*plain->WithMetadata(arrow::key_value_metadata({"comment"}, {"far"}))),
            "km");
  EXPECT_EQ(PhysicalName(*plain->WithMetadata(
                arrow::key_value_metadata({"delta.columnMapping.physicalName"}, {"col-17"}))),
            "col-17");
}

}  // namespace
}  // namespace weir

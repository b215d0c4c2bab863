// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/bundle_record.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/artifacts/source_record.h"

namespace weir {
namespace {

PlanBundle Written() {
  PlanBundle bundle;
  bundle.view_name = "v";
  bundle.plan = std::make_shared<const LogicalPlan>();
  bundle.output_schema =
      arrow::schema({arrow::field("a b", arrow::utf8_view()),
                     arrow::field("n", arrow::list(arrow::field("item", arrow::int32())), false)});
  bundle.stored_schema =
      arrow::schema({arrow::field("a b", arrow::utf8()),
                     arrow::field("n", arrow::list(arrow::field("element", arrow::int32())))});
  bundle.partition_columns = {"a b"};
  bundle.cluster_columns = {"n", "ü"};
  bundle.needs_one_partition = true;
  bundle.comment = "it's \"so\"";
  bundle.properties = {{"delta.appendOnly", "false"}, {"", "empty"}};
  bundle.constraints = {{.name = "c 1",
                         .action = ViolationAction::kDropRow,
                         .text = "x > 'y'",
                         .expression_proto = std::string("\0\xff\x10z", 4),
                         .columns = {"a b"},
                         .functions = {"now"},
                         .location = {}}};
  return bundle;
}

TEST(BundleRecord, HoldsAllThatExecutionTakesBesideThePlan) {
  const PlanBundle before = Written();
  PlanBundle after;
  after.view_name = "v";
  const auto now_us = ReadBundleDetails(BundleDetailsJson(before, -5), after);
  ASSERT_TRUE(now_us.ok()) << now_us.status().ToString();
  EXPECT_EQ(*now_us, -5);
  EXPECT_TRUE(after.output_schema->Equals(before.output_schema, /*check_metadata=*/true));
  EXPECT_TRUE(after.stored_schema->Equals(before.stored_schema, /*check_metadata=*/true));
  EXPECT_EQ(after.partition_columns, before.partition_columns);
  EXPECT_EQ(after.cluster_columns, before.cluster_columns);
  EXPECT_TRUE(after.needs_one_partition);
  EXPECT_EQ(after.comment, before.comment);
  EXPECT_EQ(after.properties, before.properties);
  ASSERT_EQ(after.constraints.size(), 1U);
  EXPECT_EQ(after.constraints[0].name, "c 1");
  EXPECT_EQ(after.constraints[0].action, ViolationAction::kDropRow);
  EXPECT_EQ(after.constraints[0].text, "x > 'y'");
  EXPECT_EQ(after.constraints[0].expression_proto, before.constraints[0].expression_proto);
  EXPECT_EQ(after.constraints[0].columns, before.constraints[0].columns);
  EXPECT_EQ(after.constraints[0].functions, before.constraints[0].functions);
}

TEST(BundleRecord, TellsAnEarlierRecordFromADamagedOne) {
  PlanBundle bundle;
  EXPECT_EQ(ReadBundleDetails(R"({"partition_columns":[],"nodes":3})", bundle).status().code(),
            StatusCode::kUnsupported);
  EXPECT_EQ(ReadBundleDetails("", bundle).status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(ReadBundleDetails(R"({"now_us":1})", bundle).status().code(), StatusCode::kCorrupt);
  std::string text = BundleDetailsJson(Written(), 1);
  text.replace(text.find("drop row"), 8, "dropped!");
  EXPECT_EQ(ReadBundleDetails(text, bundle).status().code(), StatusCode::kCorrupt);
}

TEST(SourceRecord, HoldsHowFilesAreRead) {
  SourceDefinition before;
  before.name = "t t";
  before.format = SourceFormat::kCsv;
  before.columns = {{.name = "a \"b\"", .sql_type = "DECIMAL(10, 2)", .nullable = false},
                    {.name = "y", .sql_type = "INT", .nullable = true}};
  before.partition_columns = {"y"};
  before.options = {{"delimiter", "\t"}, {"has_header", "true"}};
  before.file_column = "from file";
  before.row_column = "n";
  before.pushes_filters = false;
  before.schema_drift = SchemaDrift::kIgnore;
  const auto after = ReadSource("t t", SourceJson(before));
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(after->name, before.name);
  EXPECT_EQ(after->format, before.format);
  EXPECT_EQ(after->columns, before.columns);
  EXPECT_EQ(after->partition_columns, before.partition_columns);
  EXPECT_EQ(after->options, before.options);
  EXPECT_EQ(after->file_column, before.file_column);
  EXPECT_EQ(after->row_column, before.row_column);
  EXPECT_FALSE(after->pushes_filters);
  EXPECT_EQ(after->schema_drift, SchemaDrift::kIgnore);
  SourceDefinition feed;
  feed.format = SourceFormat::kDelta;
  feed.change_feed = true;
  feed.first_version = 7;
  const auto again = ReadSource("f", SourceJson(feed));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->format, SourceFormat::kDelta);
  EXPECT_TRUE(again->change_feed);
  EXPECT_EQ(again->first_version, 7);
  EXPECT_EQ(ReadSource("f", "{}").status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(ReadSource("f", "").status().code(), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/imported_fields.h"

#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <gtest/gtest.h>

namespace weir::engine::internal {
namespace {

arrow::FieldVector RoundTrip(const arrow::FieldVector& fields) {
  ArrowSchema schema;
  EXPECT_TRUE(arrow::ExportType(*arrow::struct_(fields), &schema).ok());
  auto imported = ImportFieldsOnce(&schema);
  EXPECT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(schema.release, nullptr);
  return *imported;
}

// Fields that differ in one thing only, each imported twice and in turns.
TEST(ImportedFields, AreThoseThatCame) {
  const auto metadata = [](const std::string& value) {
    return arrow::key_value_metadata({"semantic_type"}, {value});
  };
  const auto item = arrow::field("item", arrow::int32());
  const std::vector<arrow::FieldVector> all = {
      {},
      {arrow::field("a", arrow::int64())},
      {arrow::field("b", arrow::int64())},
      {arrow::field("a", arrow::int64(), false)},
      {arrow::field("a", arrow::int64(), true, metadata("Span"))},
      {arrow::field("a", arrow::int64(), true, metadata("Spaß"))},
      {arrow::field("a", arrow::utf8_view()), arrow::field("a", arrow::utf8())},
      {arrow::field("a", arrow::list(item))},
      {arrow::field("a", arrow::list(item->WithNullable(false)))},
      {arrow::field("a", arrow::list(item->WithMetadata(metadata("x"))))},
      {arrow::field("a", arrow::dictionary(arrow::int8(), arrow::utf8()))},
      {arrow::field("a", arrow::dictionary(arrow::int8(), arrow::large_utf8()))},
      {arrow::field("a", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))},
      {arrow::field("a", arrow::timestamp(arrow::TimeUnit::MICRO))},
      {arrow::field("a", arrow::map(arrow::utf8(), arrow::int64()))},
  };
  for (int round = 0; round < 2; ++round) {
    for (const auto& fields : all) {
      const auto schema = arrow::schema(RoundTrip(fields));
      EXPECT_TRUE(schema->Equals(arrow::schema(fields), /*check_metadata=*/true))
          << schema->ToString();
    }
  }
}

TEST(ImportedFields, ManyDifferentOnes) {
  for (int i = 0; i < 1000; ++i) {
    const arrow::FieldVector fields = {arrow::field("f" + std::to_string(i), arrow::int64())};
    EXPECT_TRUE(RoundTrip(fields)[0]->Equals(fields[0]));
  }
}

}  // namespace
}  // namespace weir::engine::internal

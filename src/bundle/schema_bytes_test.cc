// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/schema_bytes.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using SchemaPtr = std::shared_ptr<arrow::Schema>;

/// One column of each kind of type, both forms of bytes.
std::vector<SchemaPtr> Schemas() {
  const auto meta = arrow::key_value_metadata({"k", "é"}, {"v", ""});
  const auto point =
      arrow::struct_({arrow::field("x", arrow::int64(), false), arrow::field("y", arrow::utf8())});
  arrow::FieldVector fields;
  for (const auto& type : {arrow::null(),
                           arrow::boolean(),
                           arrow::uint8(),
                           arrow::int8(),
                           arrow::int64(),
                           arrow::float16(),
                           arrow::float32(),
                           arrow::float64(),
                           arrow::utf8(),
                           arrow::binary(),
                           arrow::large_utf8(),
                           arrow::utf8_view(),
                           arrow::binary_view(),
                           arrow::date32(),
                           arrow::date64(),
                           arrow::decimal128(38, 10),
                           arrow::decimal128(5, -2),
                           arrow::timestamp(arrow::TimeUnit::MICRO),
                           arrow::timestamp(arrow::TimeUnit::NANO, "UTC"),
                           arrow::list(arrow::field("element", arrow::int32(), false)),
                           arrow::list(point),
                           point,
                           arrow::struct_({}),
                           arrow::fixed_size_binary(3),
                           arrow::fixed_size_list(arrow::utf8(), 2),
                           arrow::map(arrow::utf8(), point),
                           arrow::dictionary(arrow::int32(), arrow::utf8()),
                           arrow::time64(arrow::TimeUnit::NANO),
                           arrow::duration(arrow::TimeUnit::SECOND)})
    fields.push_back(arrow::field("c", type));
  std::vector<SchemaPtr> schemas;
  for (const auto& field : fields) {
    schemas.push_back(arrow::schema({field}));
    schemas.push_back(arrow::schema({field->WithNullable(false)}));
    schemas.push_back(arrow::schema({field->WithName("")}));
    schemas.push_back(arrow::schema({field->WithMetadata(meta)}));
    schemas.push_back(arrow::schema({field}, meta));
    schemas.push_back(arrow::schema({field, fields[1]}));
  }
  schemas.push_back(arrow::schema(arrow::FieldVector()));
  return schemas;
}

TEST(SchemaBytes, AreReadAsTheSameSchema) {
  for (const SchemaPtr& schema : Schemas()) {
    const SchemaPtr read = SchemaOf(SchemaBytes(schema));
    ASSERT_NE(read, nullptr) << schema->ToString();
    EXPECT_TRUE(read->Equals(*schema, /*check_metadata=*/true)) << schema->ToString(true);
  }
}

TEST(SchemaBytes, AreEqualForEqualSchemasOnly) {
  const std::vector<SchemaPtr> schemas = Schemas(), again = Schemas();
  for (size_t i = 0; i < schemas.size(); ++i) {
    for (size_t j = 0; j < schemas.size(); ++j) {
      EXPECT_EQ(SchemaBytes(schemas[i]) == SchemaBytes(again[j]),
                schemas[i]->Equals(*again[j], /*check_metadata=*/true))
          << schemas[i]->ToString(true) << "\n\n"
          << again[j]->ToString(true);
    }
  }
}

TEST(SchemaBytes, ThatAreCutAreNoSchema) {
  for (const SchemaPtr& schema : Schemas()) {
    const std::string bytes = SchemaBytes(schema);
    for (size_t size = 0; size < bytes.size(); ++size) {
      // Arrow pads its form, and does not miss the end of the padding.
      const SchemaPtr read = SchemaOf(bytes.substr(0, size));
      if (read != nullptr) {
        EXPECT_TRUE(bytes[0] == 1 && read->Equals(*schema, true)) << size;
      }
    }
  }
  EXPECT_EQ(SchemaBytes(nullptr), "");
}

}  // namespace
}  // namespace weir

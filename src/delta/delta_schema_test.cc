// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/delta_schema.h"

#include <arrow/api.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace weir {
namespace {

std::string SchemaOf(const std::shared_ptr<arrow::DataType>& type) {
  const auto text = DeltaSchemaString(arrow::Schema({arrow::field("c", type)}));
  EXPECT_TRUE(text.ok()) << text.status().ToString();
  return text.ok() ? nlohmann::json::parse(*text)["fields"][0]["type"].dump() : "";
}

TEST(DeltaSchema, NamesEveryTypeAsTheProtocolDoes) {
  EXPECT_EQ(SchemaOf(arrow::boolean()), R"("boolean")");
  EXPECT_EQ(SchemaOf(arrow::int8()), R"("byte")");
  EXPECT_EQ(SchemaOf(arrow::int16()), R"("short")");
  EXPECT_EQ(SchemaOf(arrow::int32()), R"("integer")");
  EXPECT_EQ(SchemaOf(arrow::int64()), R"("long")");
  EXPECT_EQ(SchemaOf(arrow::float32()), R"("float")");
  EXPECT_EQ(SchemaOf(arrow::float64()), R"("double")");
  EXPECT_EQ(SchemaOf(arrow::utf8()), R"("string")");
  EXPECT_EQ(SchemaOf(arrow::binary()), R"("binary")");
  EXPECT_EQ(SchemaOf(arrow::date32()), R"("date")");
  EXPECT_EQ(SchemaOf(arrow::decimal128(38, 10)), "\"decimal(38,10)\"");
  EXPECT_EQ(SchemaOf(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")), R"("timestamp")");
  EXPECT_EQ(SchemaOf(arrow::timestamp(arrow::TimeUnit::MICRO)), R"("timestamp_ntz")");
  EXPECT_EQ(SchemaOf(arrow::list(arrow::int32())),
            R"({"containsNull":true,"elementType":"integer","type":"array"})");
  EXPECT_EQ(SchemaOf(arrow::map(arrow::utf8(), arrow::int64())),
            R"({"keyType":"string","type":"map","valueContainsNull":true,"valueType":"long"})");
  EXPECT_EQ(
      SchemaOf(arrow::struct_({arrow::field("x", arrow::list(arrow::float64()))})),
      R"({"fields":[{"metadata":{},"name":"x","nullable":true,"type":{"containsNull":true,"elementType":"double","type":"array"}}],)"
      R"("type":"struct"})");
}

TEST(DeltaSchema, IsWrittenInOneForm) {
  const auto text = DeltaSchemaString(arrow::Schema(
      {arrow::field("a", arrow::int64(), /*nullable=*/false), arrow::field("b", arrow::utf8())}));
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(
      *text,
      R"({"type":"struct","fields":[{"name":"a","type":"long","nullable":true,"metadata":{}},)"
      R"({"name":"b","type":"string","nullable":true,"metadata":{}}]})");
}

TEST(DeltaSchema, KeepsCommentsButNotHowASourceStoresAField) {
  const auto metadata =
      arrow::key_value_metadata({"comment", "delta.columnMapping.id", "delta.invariants",
                                 "PARQUET:field_id", "ARROW:extension:name"},
                                {"what it is", "3", "x > 0", "7", "uuid"});
  const auto text =
      DeltaSchemaString(arrow::Schema({arrow::field("a", arrow::int64(), true, metadata)}));
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(nlohmann::json::parse(*text)["fields"][0]["metadata"].dump(),
            R"({"comment":"what it is"})");
}

TEST(DeltaSchema, RefusesOtherTypesAndNamesTheColumn) {
  for (const auto& type :
       {arrow::null(), arrow::duration(arrow::TimeUnit::SECOND), arrow::month_interval(),
        arrow::day_time_interval(), arrow::month_day_nano_interval(),
        arrow::time32(arrow::TimeUnit::SECOND), arrow::time64(arrow::TimeUnit::MICRO),
        arrow::uint64(), arrow::decimal128(5, -2)}) {
    for (const auto& nested :
         {type, arrow::list(type), arrow::struct_({arrow::field("inner", type)}),
          arrow::map(arrow::utf8(), type)}) {
      const auto text = DeltaSchemaString(
          arrow::Schema({arrow::field("good", arrow::int64()), arrow::field("wrong", nested)}));
      ASSERT_FALSE(text.ok()) << nested->ToString();
      EXPECT_EQ(text.status().code(), StatusCode::kUnsupported);
      EXPECT_EQ(text.status().blame(), Blame::kUser);
      EXPECT_NE(text.status().message().find("`wrong`"), std::string::npos)
          << text.status().message();
      EXPECT_NE(text.status().message().find(type->ToString()), std::string::npos)
          << text.status().message();
      EXPECT_EQ(text.status().hint(), "cast it");
    }
  }
}

TEST(DeltaSchema, FindsTimestampsWithoutZoneAtAnyDepth) {
  const auto ntz = arrow::timestamp(arrow::TimeUnit::MICRO);
  const auto with_zone = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto has = [](const std::shared_ptr<arrow::DataType>& type) {
    return HasTimestampNtz(arrow::Schema({arrow::field("c", type)}));
  };
  EXPECT_TRUE(has(ntz));
  EXPECT_TRUE(has(arrow::list(ntz)));
  EXPECT_TRUE(has(arrow::map(arrow::utf8(), arrow::struct_({arrow::field("x", ntz)}))));
  EXPECT_FALSE(has(with_zone));
  EXPECT_FALSE(has(arrow::list(with_zone)));
}

}  // namespace
}  // namespace weir

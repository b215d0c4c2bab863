// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/column_types.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using TypePointer = std::shared_ptr<arrow::DataType>;

std::string Wider(const TypePointer& a, const TypePointer& b) {
  const TypePointer wider = WiderType(a, b);
  return wider ? SqlTypeName(*wider) : "-";
}

/// Types without parts, all kinds.
std::vector<TypePointer> PlainTypes() {
  return {arrow::boolean(),
          arrow::int8(),
          arrow::int16(),
          arrow::int32(),
          arrow::int64(),
          arrow::uint8(),
          arrow::uint16(),
          arrow::uint32(),
          arrow::uint64(),
          arrow::float16(),
          arrow::float32(),
          arrow::float64(),
          arrow::decimal128(10, 2),
          arrow::decimal128(38, 0),
          arrow::decimal128(38, 38),
          arrow::date32(),
          arrow::timestamp(arrow::TimeUnit::MILLI),
          arrow::timestamp(arrow::TimeUnit::MICRO),
          arrow::timestamp(arrow::TimeUnit::NANO),
          arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
          arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Berlin"),
          arrow::utf8(),
          arrow::large_utf8(),
          arrow::binary(),
          arrow::fixed_size_binary(4),
          arrow::null()};
}

TEST(WiderType, HoldsWholeNumbersOfBothSigns) {
  EXPECT_EQ(Wider(arrow::int32(), arrow::int64()), "BIGINT");
  EXPECT_EQ(Wider(arrow::uint8(), arrow::int8()), "SMALLINT");
  EXPECT_EQ(Wider(arrow::uint32(), arrow::int8()), "BIGINT");
  EXPECT_EQ(Wider(arrow::uint16(), arrow::int64()), "BIGINT");
  EXPECT_EQ(Wider(arrow::uint64(), arrow::int8()), "-");
  EXPECT_EQ(Wider(arrow::uint8(), arrow::uint64()), "BIGINT UNSIGNED");
}

TEST(WiderType, KeepsEveryDigit) {
  EXPECT_EQ(Wider(arrow::float32(), arrow::float64()), "DOUBLE");
  EXPECT_EQ(Wider(arrow::int32(), arrow::float32()), "DOUBLE");
  EXPECT_EQ(Wider(arrow::int64(), arrow::float64()), "-");
  EXPECT_EQ(Wider(arrow::decimal128(10, 2), arrow::decimal128(12, 1)), "DECIMAL(13,2)");
  EXPECT_EQ(Wider(arrow::decimal128(38, 0), arrow::decimal128(10, 2)), "-");
  EXPECT_EQ(Wider(arrow::int64(), arrow::decimal128(10, 2)), "DECIMAL(21,2)");
  EXPECT_EQ(Wider(arrow::float64(), arrow::decimal128(10, 2)), "-");
}

TEST(WiderType, KeepsMoments) {
  EXPECT_EQ(Wider(arrow::date32(), arrow::timestamp(arrow::TimeUnit::MILLI)), "TIMESTAMP");
  EXPECT_EQ(Wider(arrow::date32(), arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")), "-");
  EXPECT_EQ(
      Wider(arrow::timestamp(arrow::TimeUnit::MILLI), arrow::timestamp(arrow::TimeUnit::NANO)),
      "TIMESTAMP(9)");
  EXPECT_EQ(Wider(arrow::timestamp(arrow::TimeUnit::MICRO),
                  arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
            "-");
  const TypePointer berlin = arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Berlin");
  EXPECT_EQ(Wider(berlin, arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
            "TIMESTAMP WITH TIME ZONE");
  EXPECT_TRUE(IsSameType(*arrow::timestamp(arrow::TimeUnit::MICRO, "+00:00"),
                         *arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")));
}

TEST(WiderType, TakesFieldsOfBothStructs) {
  const auto x = arrow::field("x", arrow::int32());
  const TypePointer one = arrow::struct_({x});
  const TypePointer two =
      arrow::struct_({arrow::field("y", arrow::utf8()), arrow::field("x", arrow::int64())});
  EXPECT_EQ(Wider(one, two), "STRUCT<y VARCHAR, x BIGINT>");
  EXPECT_EQ(Wider(arrow::list(one), arrow::large_list(two)), "STRUCT<y VARCHAR, x BIGINT>[]");
  EXPECT_EQ(Wider(arrow::map(arrow::utf8(), one), arrow::map(arrow::utf8(), two)), "-");
  EXPECT_EQ(
      Wider(arrow::map(arrow::utf8(), arrow::int32()), arrow::map(arrow::utf8(), arrow::int64())),
      "MAP<VARCHAR, BIGINT>");
  EXPECT_EQ(Wider(one, arrow::struct_({arrow::field("X", arrow::int32())})), "-");
  EXPECT_EQ(Wider(one, arrow::struct_({arrow::field("x", arrow::utf8())})), "-");
  EXPECT_EQ(Wider(one, arrow::int32()), "-");
}

TEST(WiderType, SeesThroughEncodings) {
  const TypePointer encoded = arrow::dictionary(arrow::int8(), arrow::utf8());
  EXPECT_EQ(Wider(encoded, arrow::large_utf8()), "VARCHAR");
  EXPECT_TRUE(IsSameType(*encoded, *arrow::utf8_view()));
  EXPECT_EQ(Wider(arrow::utf8(), arrow::binary()), "-");
  EXPECT_EQ(Wider(arrow::null(), arrow::list(arrow::int8())), "TINYINT[]");
}

TEST(WiderType, IsTheSameFromBothSides) {
  for (const TypePointer& a : PlainTypes()) {
    EXPECT_EQ(Wider(a, a), SqlTypeName(*a));
    for (const TypePointer& b : PlainTypes()) {
      EXPECT_EQ(Wider(a, b), Wider(b, a)) << a->ToString() << " and " << b->ToString();
      const TypePointer wider = WiderType(a, b);
      if (!wider) continue;
      EXPECT_TRUE(Widens(a, wider)) << a->ToString() << " to " << wider->ToString();
      EXPECT_TRUE(Widens(b, wider)) << b->ToString() << " to " << wider->ToString();
    }
  }
}

TEST(Widens, GoesOneWay) {
  EXPECT_TRUE(Widens(arrow::int32(), arrow::int64()));
  EXPECT_FALSE(Widens(arrow::int64(), arrow::int32()));
  EXPECT_FALSE(Widens(arrow::decimal128(10, 2), arrow::decimal128(10, 3)));
  EXPECT_TRUE(Widens(arrow::decimal128(10, 2), arrow::decimal128(11, 3)));
  EXPECT_FALSE(
      Widens(arrow::timestamp(arrow::TimeUnit::NANO), arrow::timestamp(arrow::TimeUnit::MICRO)));
}

}  // namespace
}  // namespace weir

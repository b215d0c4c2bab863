// SPDX-License-Identifier: Apache-2.0
//
// The expected texts of floats are those of Python's repr().

#include "weir/functions/identity/part_text.h"

#include <cmath>
#include <limits>

#include "weir/functions/function_testing.h"

namespace weir {
namespace {

using namespace weir::testing;

std::string TextOf(const std::shared_ptr<arrow::Array>& array, int64_t row = 0) {
  auto text = PartText::Make(array);
  if (!text.ok()) return text.status().ToString();
  std::string out;
  (*text)->AppendText(row, &out);
  return out;
}

std::string FloatText(double value) {
  arrow::DoubleBuilder builder;
  EXPECT_TRUE(builder.Append(value).ok());
  return TextOf(builder.Finish().ValueOrDie());
}

TEST(PartText, FloatsAreTheShortestThatReadBack) {
  EXPECT_EQ(FloatText(1.0), "1.0");
  EXPECT_EQ(FloatText(1e-5), "1e-05");
  EXPECT_EQ(FloatText(0.0001), "0.0001");
  EXPECT_EQ(FloatText(123456789012345680.0), "1.2345678901234568e+17");
  EXPECT_EQ(FloatText(9007199254740993.0), "9007199254740992.0");
  EXPECT_EQ(FloatText(9999999999999998.0), "9999999999999998.0");
  EXPECT_EQ(FloatText(1e15), "1000000000000000.0");
  EXPECT_EQ(FloatText(5e-324), "5e-324");
  EXPECT_EQ(FloatText(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(FloatText(-123.456), "-123.456");
  EXPECT_EQ(FloatText(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(PartText, RandomFloatsReadBack) {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (std::isnan(value)) continue;
    ASSERT_EQ(std::strtod(FloatText(value).c_str(), nullptr), value);
  }
}

TEST(PartText, Decimals) {
  const auto type = arrow::decimal128(10, 3);
  EXPECT_EQ(TextOf(FromJson(type, R"(["0.000"])")), "0");
  EXPECT_EQ(TextOf(FromJson(type, R"(["0.050"])")), "0.05");
  EXPECT_EQ(TextOf(FromJson(type, R"(["-120.000"])")), "-120");
  EXPECT_EQ(TextOf(FromJson(arrow::decimal256(50, 2), R"(["1234.50"])")), "1234.5");
}

TEST(PartText, Dates) {
  const auto dates = FromJson(arrow::date32(), "[0, -1, 11016, 19782, -719528, 2932897]");
  const std::vector<std::string> texts = {"1970-01-01", "1969-12-31", "2000-02-29",
                                          "2024-02-29", "0000-01-01", "+10000-01-01"};
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(TextOf(dates, static_cast<int64_t>(i)), texts[i]);
  }
  EXPECT_EQ(TextOf(FromJson(arrow::time32(arrow::TimeUnit::MILLI), "[86399050]")), "23:59:59.05");
  EXPECT_EQ(TextOf(FromJson(arrow::timestamp(arrow::TimeUnit::NANO), "[-1]")),
            "1969-12-31T23:59:59.999999999Z");
}

TEST(PartText, NestedValuesAreCanonicalJson) {
  const auto type = arrow::list(
      arrow::struct_({arrow::field("z", arrow::date32()), arrow::field("a", arrow::float64())}));
  EXPECT_EQ(TextOf(FromJson(type, R"([[{"z": 0, "a": NaN}, null, {"z": null, "a": 2}]])")),
            R"([{"a":"nan","z":"1970-01-01"},null,{"a":2.0,"z":null}])");
  EXPECT_EQ(TextOf(FromJson(arrow::list(arrow::utf8()), R"([["\u0001\n\"\\é"]])")),
            "[\"\\u0001\\n\\\"\\\\é\"]");
  const auto sliced = FromJson(type, R"([[], [{"z": 1, "a": 1}]])")->Slice(1);
  EXPECT_EQ(TextOf(sliced), R"([{"a":1.0,"z":"1970-01-02"}])");
}

}  // namespace
}  // namespace weir

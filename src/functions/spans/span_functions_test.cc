// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/function_testing.h"
#include "weir/functions/spans/span_type.h"

namespace weir {
namespace {

using namespace weir::testing;

FunctionValue Spans(const std::string& json) { return Column(FromJson(SpanType(), json)); }

std::string Span(int64_t bstart, int64_t bend, bool end_exclusive = true,
                 const std::string& unit = "byte") {
  return fmt::format(
      R"({{"bstart": {}, "bend": {}, "line_base": 0, "col_unit": "{}", "end_exclusive": {}}})",
      bstart, bend, unit, end_exclusive);
}

TEST(SpanMake, DefaultsStandForOmittedArguments) {
  const auto bounds = FromJson(arrow::int64(), "[0, 3, null]");
  auto spans = Call("span_make", {Column(bounds), Constant(arrow::int64(), "7")}, 3);
  ASSERT_TRUE(spans.ok()) << spans.status().ToString();
  EXPECT_TRUE(
      (*spans)->Equals(FromJson(SpanType(), "[" + Span(0, 7) + "," + Span(3, 7) + ", null]")));
}

TEST(SpanMake, EveryArgumentIsKept) {
  auto spans =
      Call("span_make",
           {Column(FromJson(arrow::int64(), "[5, 5]")), Column(FromJson(arrow::int64(), "[5, 9]")),
            Column(FromJson(arrow::int64(), "[1, 2]")),
            Column(FromJson(arrow::utf8(), R"(["utf16", "byte"])")),
            Column(FromJson(arrow::boolean(), "[false, true]"))},
           2);
  ASSERT_TRUE(spans.ok()) << spans.status().ToString();
  EXPECT_TRUE((*spans)->Equals(FromJson(
      SpanType(),
      R"([{"bstart": 5, "bend": 5, "line_base": 1, "col_unit": "utf16", "end_exclusive": false},
          {"bstart": 5, "bend": 9, "line_base": 2, "col_unit": "byte", "end_exclusive": true}])")));
}

TEST(SpanMake, AnEndBeforeTheStartNamesTheRowsValues) {
  auto spans = Call(
      "span_make",
      {Column(FromJson(arrow::int64(), "[0, 9]")), Column(FromJson(arrow::int64(), "[0, 3]"))}, 2);
  EXPECT_EQ(spans.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(spans.status().message(),
            "span_make wants bend at or behind bstart, found bstart `9` and bend `3`");
}

TEST(SpanMake, FieldSaysThatItIsASpan) {
  const auto must = arrow::field("x", arrow::int64(), false);
  const auto field = *Scalar("span_make")->ReturnField({must, must}, {});
  EXPECT_FALSE(field->nullable());
  EXPECT_EQ(field->metadata()->Get("semantic_type").ValueOrDie(), "Span");
}

TEST(SpanLen, AnInclusiveEndCountsOneMore) {
  auto lengths =
      Call("span_len", {Spans("[" + Span(2, 7) + "," + Span(2, 7, false) + ", null]")}, 3);
  ASSERT_TRUE(lengths.ok());
  EXPECT_TRUE((*lengths)->Equals(FromJson(arrow::int64(), "[5, 6, null]")));
}

TEST(SpanLen, ANullBoundGivesNull) {
  auto lengths = Call(
      "span_len",
      {Spans(
          R"([{"bstart": null, "bend": 3, "line_base": 0, "col_unit": "byte", "end_exclusive": true}])")},
      1);
  ASSERT_TRUE(lengths.ok());
  EXPECT_EQ((*lengths)->null_count(), 1);
}

TEST(SpanTests, DifferentUnitsAreAnError) {
  for (const char* name : {"span_overlaps", "span_contains"}) {
    auto result = Call(
        name, {Spans("[" + Span(0, 1) + "]"), Spans("[" + Span(0, 1, true, "utf16") + "]")}, 1);
    EXPECT_EQ(result.status().message(),
              fmt::format("{} wants spans of the same col_unit, found `byte` and `utf16`", name));
  }
}

TEST(SpanTests, LastOffsetDoesNotOverflow) {
  const std::string last = Span(INT64_MAX, INT64_MAX, false);
  auto result = Call("span_overlaps", {Spans("[" + last + "]"), Spans("[" + last + "]")}, 1);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE((*result)->Equals(FromJson(arrow::boolean(), "[true]")));
}

TEST(SpanTests, AgreeWithSetsOfPositions) {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    int64_t start[2], end[2];
    std::set<int64_t> positions[2];
    bool exclusive[2];
    for (int k = 0; k < 2; ++k) {
      start[k] = static_cast<int64_t>(random() % 8);
      exclusive[k] = random() % 2 == 0;
      // Half-open comparison is comparison of sets where no span is empty.
      end[k] = start[k] + static_cast<int64_t>(random() % 4) + (exclusive[k] ? 1 : 0);
      for (int64_t p = start[k]; p < end[k] + (exclusive[k] ? 0 : 1); ++p) positions[k].insert(p);
    }
    const bool contains = std::includes(positions[0].begin(), positions[0].end(),
                                        positions[1].begin(), positions[1].end());
    const bool overlaps = std::any_of(positions[0].begin(), positions[0].end(),
                                      [&](int64_t p) { return positions[1].contains(p); });
    const auto padding = Span(100, 101);
    const auto a =
        FromJson(SpanType(), "[" + padding + "," + Span(start[0], end[0], exclusive[0]) + "]")
            ->Slice(1);
    const FunctionValue b = {FromJson(SpanType(), "[" + Span(start[1], end[1], exclusive[1]) + "]"),
                             true};
    auto got_overlaps = Call("span_overlaps", {Column(a), b}, 1);
    auto got_contains = Call("span_contains", {Column(a), b}, 1);
    ASSERT_TRUE(got_overlaps.ok() && got_contains.ok());
    ASSERT_EQ(static_cast<const arrow::BooleanArray&>(**got_overlaps).Value(0), overlaps);
    ASSERT_EQ(static_cast<const arrow::BooleanArray&>(**got_contains).Value(0), contains);
  }
}

TEST(SpanTests, OtherTypesAreRefusedOrCast) {
  const auto function = Scalar("span_len");
  EXPECT_NE(
      function->CoerceTypes({arrow::int64()}).status().message().find("span_len(span) takes spans"),
      std::string::npos);
  const auto narrow = arrow::struct_(
      {arrow::field("bstart", arrow::int32()), arrow::field("bend", arrow::int64()),
       arrow::field("line_base", arrow::int32()), arrow::field("col_unit", arrow::utf8_view()),
       arrow::field("end_exclusive", arrow::boolean())});
  EXPECT_TRUE((*function->CoerceTypes({narrow}))[0]->Equals(SpanType()));
}

}  // namespace
}  // namespace weir

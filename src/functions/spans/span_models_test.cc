// SPDX-License-Identifier: Apache-2.0
//
// Models of span functions.

#include "weir/functions/scalar_model_testing.h"
#include "weir/functions/spans/span_type.h"

namespace weir::testing {
namespace {

Json DrawSpan(Random& random) {
  const auto maybe = [&](Json value) { return random() % 15 == 0 ? Json() : value; };
  const int64_t start = static_cast<int64_t>(random() % 12) - 3;
  return {{"bstart", maybe(start)},
          {"bend", maybe(start + static_cast<int64_t>(random() % 6))},
          {"line_base", maybe(random() % 2)},
          {"col_unit", "byte"},
          {"end_exclusive", maybe(random() % 3 != 0)}};
}
Parameter Span() { return {{SpanType()}, DrawSpan}; }

struct PlainSpan {
  int64_t start, end;  ///< half-open
};
std::optional<PlainSpan> Plain(const Json& span) {
  if (span.is_null() || span["bstart"].is_null() || span["bend"].is_null() ||
      span["end_exclusive"].is_null()) {
    return std::nullopt;
  }
  return PlainSpan{span["bstart"], span["bend"].get<int64_t>() + (span["end_exclusive"] ? 0 : 1)};
}

/// From two spans that are there.
std::function<Json(const Row&)> OfTwoSpans(std::function<Json(PlainSpan, PlainSpan)> compute) {
  return [compute](const Row& row) -> Json {
    const auto a = Plain(row[0]), b = Plain(row[1]);
    return a && b ? compute(*a, *b) : Json();
  };
}

std::function<Json(const Row&)> CombinedSpan(
    std::function<PlainSpan(PlainSpan, PlainSpan)> combine) {
  return [combine](const Row& row) -> Json {
    const auto a = Plain(row[0]), b = Plain(row[1]);
    if (!a || !b) return {};
    const PlainSpan both = combine(*a, *b);
    if (both.end <= both.start) return {};
    Json span = row[0];
    span["bstart"] = both.start;
    span["bend"] = both.end - (row[0]["end_exclusive"] ? 0 : 1);
    if (span["line_base"].is_null()) span["line_base"] = 0;
    return span;
  };
}

void AddSpanModels(std::vector<Model>* models) {
  models->push_back({"span_make",
                     {Integer(-2000, 4), Integer(4, 2000), Integer(0, 1),
                      OneOf({"byte", "utf16", "utf8"}), Boolean()},
                     SpanType(),
                     [](const Row& row) -> Json {
                       if (AnyNull(row)) return {};
                       return {{"bstart", row[0]},
                               {"bend", row[1]},
                               {"line_base", row.size() > 2 ? row[2] : Json(0)},
                               {"col_unit", row.size() > 3 ? row[3] : Json("byte")},
                               {"end_exclusive", row.size() > 4 ? row[4] : Json(true)}};
                     },
                     2});
  models->back().parameters[3].types = {arrow::utf8()};
  models->push_back({"span_len", {Span()}, arrow::int64(), [](const Row& row) -> Json {
                       const auto span = Plain(row[0]);
                       return span ? Json(span->end - span->start) : Json();
                     }});
  models->push_back({"span_overlaps",
                     {Span(), Span()},
                     arrow::boolean(),
                     OfTwoSpans([](PlainSpan a, PlainSpan b) -> Json {
                       return !(a.start >= b.end || a.end <= b.start);
                     })});
  models->push_back({"span_contains",
                     {Span(), Span()},
                     arrow::boolean(),
                     OfTwoSpans([](PlainSpan a, PlainSpan b) -> Json {
                       return std::min(a.start, b.start) == a.start &&
                              std::max(a.end, b.end) == a.end;
                     })});
  models->push_back(
      {"span_intersection",
       {Span(), Span()},
       SpanType(),
       CombinedSpan([](PlainSpan a, PlainSpan b) {
         return PlainSpan{a.start > b.start ? a.start : b.start, a.end < b.end ? a.end : b.end};
       })});
  models->push_back(
      {"span_union_hull", {Span(), Span()}, SpanType(), CombinedSpan([](PlainSpan a, PlainSpan b) {
         return PlainSpan{a.start < b.start ? a.start : b.start, a.end > b.end ? a.end : b.end};
       })});
}

}  // namespace

std::vector<Model> SpanModels() {
  std::vector<Model> models;
  AddSpanModels(&models);
  return models;
}

TEST(ScalarModels, OfSpans) { CheckModels(SpanModels()); }

}  // namespace weir::testing

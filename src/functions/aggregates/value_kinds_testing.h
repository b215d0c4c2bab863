// SPDX-License-Identifier: Apache-2.0
//
// Every kind of type with some of its values in ascending order, written as JSON: who compares
// places in these lists knows the order of values without reading any.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/functions/function_testing.h"

namespace weir::testing {

struct ValueKind {
  std::shared_ptr<arrow::DataType> type;
  std::vector<std::string> ascending;
};

/// Place of a value in ValueKind::ascending; nullopt: NULL.
using Places = std::vector<std::optional<size_t>>;

inline Places DrawPlaces(Random& random, const ValueKind& kind, size_t rows,
                         uint64_t null_percent) {
  Places places(rows);
  for (auto& place : places) {
    if (!kind.ascending.empty() && random() % 100 >= null_percent)
      place = random() % kind.ascending.size();
  }
  return places;
}

inline std::string ToJson(const ValueKind& kind, const std::optional<size_t>& place) {
  return place ? kind.ascending[*place] : "null";
}

/// The values, as a slice of something longer.
inline std::shared_ptr<arrow::Array> FromPlaces(Random& random, const ValueKind& kind,
                                                const Places& places) {
  const Places before = DrawPlaces(random, kind, random() % 10, 20);
  const Places behind = DrawPlaces(random, kind, random() % 3, 20);
  std::string json = "[";
  for (const Places* part : {&before, &places, &behind}) {
    for (const auto& place : *part) json += (json.size() > 1 ? ", " : "") + ToJson(kind, place);
  }
  return FromJson(kind.type, json + "]")
      ->Slice(static_cast<int64_t>(before.size()), static_cast<int64_t>(places.size()));
}

/// Puts each value into the innermost of ten lists and structs, one within the other.
inline ValueKind TenLevelsDeep(ValueKind kind) {
  for (int level = 0; level < 10; ++level) {
    const bool as_list = level % 2 == 0;
    kind.type = as_list ? arrow::list(kind.type) : arrow::struct_({arrow::field("x", kind.type)});
    for (std::string& value : kind.ascending)
      value = as_list ? "[" + value + "]" : "{\"x\": " + value + "}";
  }
  return kind;
}

inline std::vector<ValueKind> NumberKinds() {
  const std::vector<std::string> floats = {"-Inf", "-1.5", "-0.0", "0.0", "0.25", "Inf", "NaN"};
  const std::vector<std::string> decimals = {"\"-10.50\"", "\"-1.50\"", "\"0.00\"", "\"2.00\"",
                                             "\"10.00\""};
  return {
      {arrow::boolean(), {"false", "true"}},
      {arrow::int8(), {"-128", "-1", "0", "1", "127"}},
      {arrow::int16(), {"-32768", "-1", "0", "32767"}},
      {arrow::int32(), {"-2147483648", "-5", "0", "7", "2147483647"}},
      {arrow::int64(), {"-9223372036854775808", "-1", "0", "1", "9223372036854775807"}},
      {arrow::uint8(), {"0", "1", "255"}},
      {arrow::uint16(), {"0", "1", "65535"}},
      {arrow::uint32(), {"0", "7", "4294967295"}},
      {arrow::uint64(), {"0", "1", "18446744073709551615"}},
      {arrow::float16(), {"-1.5", "0.0", "0.25", "2.0"}},
      {arrow::float32(), floats},
      {arrow::float64(), floats},
      {arrow::decimal32(7, 2), decimals},
      {arrow::decimal64(12, 2), decimals},
      {arrow::decimal128(20, 2), decimals},
      {arrow::decimal256(50, 2), decimals},
  };
}

inline std::vector<ValueKind> TimeKinds() {
  const std::vector<std::string> signs = {"-100", "-1", "0", "1", "86399"};
  const std::vector<std::string> times = {"0", "1", "59", "86399"};
  std::vector<ValueKind> kinds = {
      {arrow::date32(), signs},
      {arrow::date64(), {"-86400000", "0", "86400000"}},
      {arrow::time32(arrow::TimeUnit::SECOND), times},
      {arrow::time32(arrow::TimeUnit::MILLI), times},
      {arrow::time64(arrow::TimeUnit::MICRO), times},
      {arrow::time64(arrow::TimeUnit::NANO), times},
      {arrow::month_interval(), {"-1", "0", "5"}},
      {arrow::day_time_interval(), {"[-1, 5]", "[0, 0]", "[0, 1]", "[1, -5]"}},
      {arrow::month_day_nano_interval(), {"[-1, 9, 9]", "[1, 2, 3]", "[1, 2, 4]", "[1, 3, 0]"}},
  };
  for (const auto unit : arrow::TimeUnit::values()) {
    kinds.push_back({arrow::timestamp(unit), signs});
    kinds.push_back({arrow::timestamp(unit, "UTC"), signs});
    kinds.push_back({arrow::duration(unit), signs});
  }
  return kinds;
}

inline std::vector<ValueKind> TextKinds() {
  const std::string far(40, 'b');
  const std::vector<std::string> texts = {"\"\"",
                                          "\"B\"",
                                          "\"a\"",
                                          "\"ab\"",
                                          "\"b\"",
                                          "\"" + far + "\"",
                                          "\"" + far + "c\"",
                                          "\"é\"",
                                          "\"\xf0\x9f\x98\x80\""};
  std::vector<ValueKind> kinds;
  for (const auto& type : {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(), arrow::binary(),
                           arrow::large_binary(), arrow::binary_view()}) {
    kinds.push_back({type, texts});
  }
  kinds.push_back({arrow::fixed_size_binary(2), {"\"aa\"", "\"ab\"", "\"b \""}});
  return kinds;
}

inline std::vector<ValueKind> NestedKinds() {
  const auto number = arrow::int32();
  const std::vector<std::string> lists = {"[]",     "[-5, 9]",   "[1]",   "[1, 1]",
                                          "[1, 2]", "[1, null]", "[null]"};
  const auto pair = arrow::struct_({arrow::field("x", number), arrow::field("y", arrow::utf8())});
  std::vector<ValueKind> kinds = {
      {arrow::null(), {}},
      {arrow::list(number), lists},
      {arrow::large_list(number), lists},
      {arrow::list_view(number), lists},
      {arrow::large_list_view(number), lists},
      {arrow::fixed_size_list(number, 2),
       {"[-1, 5]", "[1, 2]", "[1, 3]", "[1, null]", "[null, 0]"}},
      {arrow::list(arrow::utf8_view()), {"[]", R"(["a"])", R"(["a", "b"])", R"(["b"])"}},
      {arrow::list(arrow::dictionary(arrow::int8(), arrow::utf8())),
       {"[]", R"(["a"])", R"(["a", "b"])", R"(["b"])", "[null]"}},
      {pair,
       {R"({"x": 1, "y": "a"})", R"({"x": 1, "y": "b"})", R"({"x": 1, "y": null})",
        R"({"x": 2, "y": "a"})", R"({"x": null, "y": "a"})"}},
      {arrow::map(arrow::utf8(), arrow::int64()),
       {"[]", R"([["a", 1]])", R"([["a", 1], ["b", 0]])", R"([["a", 2]])", R"([["a", null]])"}},
  };
  kinds.push_back(TenLevelsDeep({number, {"-1", "0", "1", "null"}}));
  kinds.push_back(TenLevelsDeep({arrow::utf8(), {"\"a\"", "\"b\"", "null"}}));
  return kinds;
}

inline std::vector<ValueKind> ValueKinds() {
  std::vector<ValueKind> all;
  for (auto& kinds : {NumberKinds(), TimeKinds(), TextKinds(), NestedKinds()})
    all.insert(all.end(), kinds.begin(), kinds.end());
  return all;
}

}  // namespace weir::testing

// SPDX-License-Identifier: Apache-2.0
//
// The expected hashes are those of Python's hashlib.blake2b with digest_size 8 and 16.

#include "weir/functions/function_testing.h"
#include "weir/functions/identity/naive_hash_testing.h"
#include "weir/functions/identity/stable_hash.h"

namespace weir {
namespace {

using namespace weir::testing;

std::string Hex(std::string_view bytes) {
  const auto hex = StableHash128(bytes);
  return {hex.data(), hex.size()};
}

/// One text result of a call whose arguments are all constants.
std::string CallText(const std::string& name, const std::vector<FunctionValue>& arguments) {
  auto result = Call(name, arguments, 7);
  if (!result.ok()) return result.status().ToString();
  EXPECT_EQ((*result)->length(), 1);
  return (*result)->IsNull(0) ? "NULL"
                              : static_cast<const arrow::StringArray&>(**result).GetString(0);
}

FunctionValue Text(const std::string& text) {
  return {BuildTexts<arrow::StringBuilder>({text}), true};
}

TEST(StableHash, KnownVectorsOfHashlib) {
  EXPECT_EQ(StableHash64("abc"), 6393727014797677913);
  EXPECT_EQ(StableHash64(""), 7252660547403494068);
  EXPECT_EQ(StableHash64("é"), 5411848509986117935);
  EXPECT_EQ(StableHash64("ünïcode ☃"), 5031886956769119631);
  EXPECT_EQ(StableHash64(std::string(1000, 'x')), 1887126481299408407);
  EXPECT_EQ(Hex(""), "cae66941d9efbd404e4d88758ea67670");
  EXPECT_EQ(Hex("abc"), "cf4ab791c62b8d2b2109c90275287816");
  EXPECT_EQ(Hex(std::string(1000, 'x')), "c9b2bd4ff487864c29fb41fab3e8187e");
}

TEST(StableId, KnownVectorOfParts) {
  const std::vector<FunctionValue> arguments = {
      Text("cst_def"), Text("a.py"), Constant(arrow::int64(), "0"), Constant(arrow::int32(), "10")};
  EXPECT_EQ(CallText("stable_id_parts", arguments), "cst_def:90a6928209d1e25ff2290615b7e5e183");
  EXPECT_EQ(CallText("stable_id_parts_required", arguments),
            "cst_def:90a6928209d1e25ff2290615b7e5e183");
  EXPECT_EQ(CallText("prefixed_hash_parts64", arguments), "cst_def:9193381333914081074");
}

TEST(StableId, OneTextIsHashedAsItIs) {
  EXPECT_EQ(CallText("stable_id", {Text("k"), Text("abc")}), "k:cf4ab791c62b8d2b2109c90275287816");
  EXPECT_EQ(CallText("prefixed_hash64", {Text("k"), Text("abc")}), "k:6393727014797677913");
}

TEST(StableId, TextFormsOfParts) {
  EXPECT_EQ(CallText("stable_id_parts",
                     {Text("k"), Constant(arrow::int8(), "null"),
                      Constant(arrow::boolean(), "true"), Constant(arrow::float64(), "1.5")}),
            "k:b691e89e3c150867ca26ab3c64d0b994");
  const auto float64 = arrow::float64();
  EXPECT_EQ(CallText("stable_id_parts",
                     {Text("k"), Constant(float64, "1e-5"), Constant(arrow::float32(), "0.1"),
                      Constant(float64, "100000"), Constant(float64, "1e16"),
                      Constant(float64, "-0.0"), Constant(float64, "NaN")}),
            "k:e3a496857a4eb41243414deb45ac8c44");
  EXPECT_EQ(CallText("stable_id_parts",
                     {Text("k"),
                      Constant(arrow::date32(), "19782"),
                      Constant(arrow::timestamp(arrow::TimeUnit::MILLI, "Europe/Berlin"), "-500"),
                      {FromJson(arrow::fixed_size_binary(2), R"(["\u0000?"])"), true},
                      Constant(arrow::decimal128(10, 3), "\"-1.500\"")}),
            "k:" + Hex("2024-02-29\x1f"
                       "1969-12-31T23:59:59.5Z\x1f"
                       "003f\x1f"
                       "-1.5"));
  const auto nested = arrow::struct_(
      {arrow::field("b", arrow::utf8_view()), arrow::field("a", arrow::list(arrow::float64()))});
  EXPECT_EQ(CallText("stable_id_parts",
                     {Text("k"), Constant(nested, R"({"b": "x\"y", "a": [1, null, 2.5]})")}),
            "k:" + Hex(R"({"a":[1.0,null,2.5],"b":"x\"y"})"));
}

TEST(StableId, EqualTimesOfDifferentUnitsHaveTheSameId) {
  std::set<std::string> ids;
  for (const auto& [unit, value] : std::vector<std::pair<arrow::TimeUnit::type, std::string>>{
           {arrow::TimeUnit::SECOND, "1700000000"},
           {arrow::TimeUnit::MILLI, "1700000000000"},
           {arrow::TimeUnit::MICRO, "1700000000000000"},
           {arrow::TimeUnit::NANO, "1700000000000000000"}}) {
    ids.insert(CallText("stable_id_parts", {Text("t"), Constant(arrow::timestamp(unit), value)}));
  }
  EXPECT_EQ(ids, std::set<std::string>{"t:" + Hex("2023-11-14T22:13:20Z")});
}

TEST(StableId, MapKeysAreOrdered) {
  const auto map = arrow::map(arrow::utf8(), arrow::int32());
  EXPECT_EQ(CallText("stable_id_parts", {Text("m"), Constant(map, R"([["b", 1], ["a", null]])")}),
            "m:" + Hex(R"({"a":null,"b":1})"));
}

TEST(StableId, NullRules) {
  const FunctionValue null = Constant(arrow::utf8(), "null");
  EXPECT_EQ(CallText("stable_id_parts", {null, Text("a")}), "NULL");
  EXPECT_EQ(CallText("stable_id_parts", {Text("k"), null}), "k:" + Hex("__NULL__"));
  EXPECT_EQ(CallText("stable_id_parts", {Text("k"), Constant(arrow::null(), "null")}),
            "k:" + Hex("__NULL__"));
  EXPECT_EQ(CallText("stable_id_parts_required", {Text("k"), Text("a"), null}), "NULL");
  EXPECT_EQ(CallText("stable_id", {Text("k"), null}), "NULL");
  EXPECT_EQ(CallText("prefixed_hash64", {null, Text("a")}), "NULL");
  EXPECT_EQ(CallText("stable_hash128", {null}), "NULL");
}

TEST(StableId, BadArgumentsAreNamed) {
  const auto function = Scalar("stable_id_parts");
  EXPECT_EQ(function->CoerceTypes({arrow::utf8()}).status().message(),
            "stable_id_parts(prefix, part, …) takes at least 2 arguments, found 1");
  const auto duration =
      function->CoerceTypes({arrow::utf8(), arrow::duration(arrow::TimeUnit::NANO)});
  EXPECT_EQ(duration.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(duration.status().message().find("duration"), std::string::npos);
}

TEST(StableId, NullabilityFollowsTheNullRules) {
  const auto must = arrow::field("a", arrow::utf8(), false);
  const auto may = arrow::field("b", arrow::utf8(), true);
  EXPECT_FALSE((*Scalar("stable_id_parts")->ReturnField({must, may}, {}))->nullable());
  EXPECT_TRUE((*Scalar("stable_id_parts")->ReturnField({may, must}, {}))->nullable());
  EXPECT_TRUE((*Scalar("stable_id_parts_required")->ReturnField({must, may}, {}))->nullable());
  EXPECT_FALSE((*Scalar("stable_hash64")->ReturnField({must}, {}))->nullable());
}

TEST(StableId, AgreesWithANaiveModelForEveryEncodingAndSlice) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const size_t rows = random() % 40;
    const Texts prefixes = RandomTexts(random, rows);
    const Texts texts = RandomTexts(random, rows);
    arrow::Int64Builder numbers;
    std::vector<int64_t> values;
    for (size_t i = 0; i < rows; ++i) {
      values.push_back(static_cast<int64_t>(random()));
      ASSERT_TRUE(numbers.Append(values.back()).ok());
    }
    const std::string constant = RandomText(random);
    auto result = Call("stable_id_parts",
                       {Column(EncodeTexts(random, prefixes)), Column(EncodeTexts(random, texts)),
                        Column(numbers.Finish().ValueOrDie()), Text(constant)},
                       static_cast<int64_t>(rows));
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    ASSERT_EQ((*result)->length(), static_cast<int64_t>(rows));
    const auto& ids = static_cast<const arrow::StringArray&>(**result);
    for (size_t i = 0; i < rows; ++i) {
      const int64_t row = static_cast<int64_t>(i);
      ASSERT_EQ(ids.IsNull(row), !prefixes[i].has_value()) << "seed " << seed;
      if (!prefixes[i]) continue;
      ASSERT_EQ(ids.GetString(row), *prefixes[i] + ":" +
                                        NaiveHash128(texts[i].value_or("__NULL__") + "\x1f" +
                                                     std::to_string(values[i]) + "\x1f" + constant))
          << "seed " << seed;
    }
  }
}

TEST(StableHash, AgreesWithANaiveModelForEveryEncodingAndSlice) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Texts texts = RandomTexts(random, random() % 40);
    const int64_t rows = static_cast<int64_t>(texts.size());
    const auto column = Column(EncodeTexts(random, texts));
    auto hex = Call("stable_hash128", {column}, rows);
    auto number = Call("stable_hash64", {column}, rows);
    ASSERT_TRUE(hex.ok() && number.ok());
    for (int64_t row = 0; row < rows; ++row) {
      const auto& text = texts[static_cast<size_t>(row)];
      ASSERT_EQ((*hex)->IsNull(row), !text.has_value());
      ASSERT_EQ((*number)->IsNull(row), !text.has_value());
      if (!text) continue;
      ASSERT_EQ(static_cast<const arrow::StringArray&>(**hex).GetString(row), NaiveHash128(*text));
      ASSERT_EQ(static_cast<const arrow::Int64Array&>(**number).Value(row), StableHash64(*text));
    }
  }
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// Aggregates over texts against models over plain values, and corners. Every type:
// aggregate_models_test.cc.

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "weir/functions/aggregates/aggregate_testing.h"
#include "weir/functions/aggregates/row_order.h"

namespace weir {
namespace {

using namespace weir::testing;

TEST(CountIf, CountsTrueRowsForEveryOrderAndPartitioning) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const size_t rows = random() % 60;
    const int64_t groups = 1 + static_cast<int64_t>(random() % 7);
    Input input{{RandomFilter(random, rows)}, RandomGroups(random, rows, groups), nullptr};
    if (random() % 2 == 0) input.filter = RandomFilter(random, rows);
    std::vector<int64_t> model(static_cast<size_t>(groups));
    const auto& conditions = static_cast<const arrow::BooleanArray&>(*input.arguments[0]);
    for (size_t i = 0; i < rows; ++i) {
      const int64_t row = static_cast<int64_t>(i);
      if (Passes(input, i) && conditions.IsValid(row) && conditions.Value(row))
        ++model[input.groups[i]];
    }
    const auto plain = Plain("count_if", input, groups);
    for (size_t group = 0; group < model.size(); ++group) {
      ASSERT_EQ(static_cast<const arrow::Int64Array&>(*plain).Value(static_cast<int64_t>(group)),
                model[group]);
    }
    ASSERT_TRUE(plain->Equals(Scrambled("count_if", input, groups, random))) << "seed " << seed;
  }
}

TEST(CountIf, RetractTakesRowsBackOut) {
  const auto accumulator = *Aggregate("count_if")->CreateGroupsAccumulator({});
  const auto conditions = FromJson(arrow::boolean(), "[true, null, false, true]");
  const std::vector<uint64_t> groups(4, 0);
  Must(accumulator->Update({conditions}, groups, nullptr, 1));
  Must(accumulator->Retract({conditions->Slice(0, 1)}, std::span(groups).first(1), 1));
  EXPECT_TRUE((*accumulator->Peek(1))->Equals(FromJson(arrow::int64(), "[1]")));
}

/// A model of arg_min and arg_max over pairs of texts.
using Best = std::map<uint64_t, std::pair<std::string, std::string>>;
Best TextModel(const Input& input, const Texts& values, const Texts& keys, bool largest) {
  Best best;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!Passes(input, i) || !values[i] || !keys[i]) continue;
    auto [place, is_new] = best.try_emplace(input.groups[i], *keys[i], *values[i]);
    if (is_new) continue;
    auto& [key, value] = place->second;
    if (largest ? *keys[i] > key : *keys[i] < key) {
      place->second = {*keys[i], *values[i]};
    } else if (*keys[i] == key) {
      value = std::min(value, *values[i]);
    }
  }
  return best;
}

TEST(ArgExtremes, TextKeysAndValuesAgreeWithAModel) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const size_t rows = random() % 60;
    const int64_t groups = 1 + static_cast<int64_t>(random() % 9);
    const Texts values = RandomTexts(random, rows);
    const Texts keys = RandomTexts(random, rows);
    Input input{
        {BuildTexts<arrow::StringViewBuilder>(values), BuildTexts<arrow::LargeStringBuilder>(keys)},
        RandomGroups(random, rows, groups),
        nullptr};
    if (random() % 2 == 0) input.filter = RandomFilter(random, rows);
    const bool largest = random() % 2 == 0;
    const std::string name = largest ? "arg_max" : "any_value_det";
    const Best model = TextModel(input, values, keys, largest);
    const auto plain = Plain(name, input, groups);
    ASSERT_TRUE(plain->ValidateFull().ok());
    const auto& texts = static_cast<const arrow::StringViewArray&>(*plain);
    for (int64_t group = 0; group < groups; ++group) {
      const auto found = model.find(static_cast<uint64_t>(group));
      ASSERT_EQ(texts.IsNull(group), found == model.end()) << "seed " << seed;
      if (found != model.end()) {
        ASSERT_EQ(texts.GetView(group), found->second.second);
      }
    }
    ASSERT_TRUE(plain->Equals(Scrambled(name, input, groups, random))) << "seed " << seed;
  }
}

TEST(ArgExtremes, PeekChangesNothing) {
  Input input{{FromJson(arrow::utf8(), R"(["x", "y"])"), FromJson(arrow::int32(), "[2, 1]")},
              {0, 0},
              nullptr};
  auto accumulator = NewAccumulator("any_value_det", input);
  Must(accumulator->Update(input.arguments, input.groups, nullptr, 1));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE((*accumulator->Peek(1))->Equals(FromJson(arrow::utf8(), R"(["y"])")));
  }
}

TEST(ArgExtremes, EqualKeysGiveTheSmallestValueAtBothEnds) {
  Input input{
      {FromJson(arrow::utf8(), R"(["c", "a", "b"])"), FromJson(arrow::int32(), "[1, 1, 1]")},
      {0, 0, 0},
      nullptr};
  for (const char* name : {"any_value_det", "arg_max"}) {
    EXPECT_TRUE(Plain(name, input, 1)->Equals(FromJson(arrow::utf8(), R"(["a"])")));
  }
}

TEST(ArgExtremes, MemoryFollowsTheGroupsNotTheRows) {
  Input input{{FromJson(arrow::utf8(), "[]"), FromJson(arrow::int64(), "[]")}, {}, nullptr};
  auto accumulator = NewAccumulator("any_value_det", input);
  for (int64_t batch = 0; batch < 2000; ++batch) {
    arrow::StringBuilder values;
    arrow::Int64Builder keys;
    std::vector<uint64_t> groups;
    for (uint64_t group = 0; group < 50; ++group) {
      Must(values.Append(std::string(100, 'x')).ok() ? Status::OK() : Status::Bug("append"));
      Must(keys.Append(-batch).ok() ? Status::OK() : Status::Bug("append"));
      groups.push_back(group);
    }
    Must(accumulator->Update({values.Finish().ValueOrDie(), keys.Finish().ValueOrDie()}, groups,
                             nullptr, 50));
  }
  // 100,000 rows of more than 100 bytes went in; at most some thousand dead ones may be kept.
  EXPECT_LT(accumulator->SizeBytes(), 1000000);
}

TEST(ArgExtremes, ValuesWithoutOrderAreRefused) {
  const auto unions = arrow::sparse_union({arrow::field("a", arrow::int32())});
  const auto refused = Aggregate("arg_max")->CoerceTypes({unions, arrow::int32()});
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  const auto dictionary = arrow::dictionary(arrow::int8(), arrow::utf8());
  EXPECT_TRUE(
      (*Aggregate("arg_max")->CoerceTypes({dictionary, arrow::int32()}))[0]->Equals(arrow::utf8()));
}

/// A model of collect_set over texts: of each group the distinct values in order, NULL last.
std::string CollectSetModel(const Input& input, const Texts& values, int64_t groups,
                            bool ignore_nulls) {
  std::vector<std::set<std::string>> sets(static_cast<size_t>(groups));
  std::set<uint64_t> with_null;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!Passes(input, i)) continue;
    if (values[i]) {
      sets[input.groups[i]].insert(*values[i]);
    } else if (!ignore_nulls) {
      with_null.insert(input.groups[i]);
    }
  }
  nlohmann::json lists = nlohmann::json::array();
  for (size_t group = 0; group < sets.size(); ++group) {
    nlohmann::json list = std::vector<std::string>(sets[group].begin(), sets[group].end());
    if (with_null.contains(group)) list.push_back(nullptr);
    lists.push_back(list);
  }
  return lists.dump();
}

TEST(CollectSet, TextsAgreeWithAModel) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const size_t rows = random() % 80;
    const int64_t groups = 1 + static_cast<int64_t>(random() % 9);
    const Texts values = RandomTexts(random, rows);
    Input input{{BuildTexts<arrow::StringViewBuilder>(values)},
                RandomGroups(random, rows, groups),
                nullptr};
    if (random() % 2 == 0) input.filter = RandomFilter(random, rows);
    input.call.ignore_nulls = random() % 3 == 0;
    const auto plain = Plain("collect_set", input, groups);
    ASSERT_TRUE(plain->ValidateFull().ok());
    const auto expected =
        FromJson(plain->type(), CollectSetModel(input, values, groups, input.call.ignore_nulls));
    ASSERT_TRUE(plain->Equals(expected))
        << "seed " << seed << plain->ToString() << expected->ToString();
    ASSERT_TRUE(plain->Equals(Scrambled("collect_set", input, groups, random))) << "seed " << seed;
  }
}

TEST(CollectSet, MemoryFollowsTheDistinctValues) {
  Input input{{FromJson(arrow::utf8(), "[]")}, {}, nullptr};
  auto accumulator = NewAccumulator("collect_set", input);
  for (int64_t batch = 0; batch < 2000; ++batch) {
    arrow::StringBuilder values;
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(values.Append(std::string(100, static_cast<char>('a' + i % 26))).ok());
    Must(accumulator->Update({values.Finish().ValueOrDie()}, std::vector<uint64_t>(100, 0), nullptr,
                             1));
  }
  EXPECT_LT(accumulator->SizeBytes(), 100000);
}

TEST(Aggregates, GiveTheirMemoryBackWhenTheGroupsAreGone) {
  std::vector<uint64_t> groups(5000);
  std::string json = "[";
  for (size_t i = 0; i < groups.size(); ++i) {
    groups[i] = i;
    json += (i > 0 ? "," : "") + std::to_string(i);
  }
  const auto numbers = FromJson(arrow::int64(), json + "]");
  for (const auto& [name, arguments] : std::map<std::string, arrow::ArrayVector>{
           {"collect_set", {numbers}}, {"any_value_det", {numbers, numbers}}}) {
    Input input{arguments, groups, nullptr};
    auto accumulator = NewAccumulator(name, input);
    Must(accumulator->Update(arguments, groups, nullptr, 5000));
    EXPECT_GT(accumulator->SizeBytes(), 50000) << name;
    ASSERT_TRUE(accumulator->Evaluate(std::nullopt).ok());
    EXPECT_LT(accumulator->SizeBytes(), 2000) << name;
  }
}

TEST(RowOrder, OrdersFloatsTotally) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> ascending = {
      -nan, -std::numeric_limits<double>::infinity(), -1.5, -0.0, 0.0, 5e-324,
      1.5,  std::numeric_limits<double>::infinity(),  nan};
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder.AppendValues(ascending).ok());
  const auto values = builder.Finish().ValueOrDie();
  const auto order = *RowOrder::Make(*arrow::float64());
  for (int64_t i = 0; i < values->length(); ++i) {
    for (int64_t j = 0; j < values->length(); ++j) {
      EXPECT_EQ(order->Compare(*values, i, *values, j), i < j ? -1 : (i > j ? 1 : 0));
    }
  }
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// Aggregates against models over plain values; every order, partitioning and path through states
// gives the same result.

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "weir/functions/function_testing.h"
#include "weir/functions/row_order.h"
#include "weir/functions/row_store.h"

namespace weir {
namespace {

using namespace weir::testing;

std::shared_ptr<arrow::Array> Take(const std::shared_ptr<arrow::Array>& array,
                                   const std::vector<int64_t>& rows) {
  std::vector<RowRef> refs;
  for (int64_t row : rows) refs.push_back({array.get(), row});
  return *GatherRows(array->type(), refs);
}

struct Input {
  arrow::ArrayVector arguments;
  std::vector<uint64_t> groups;
  std::shared_ptr<arrow::BooleanArray> filter;  ///< may be null
  AggregateCall call = {};
};

Input TakeRows(const Input& input, const std::vector<int64_t>& rows) {
  Input taken;
  taken.call = input.call;
  for (const auto& argument : input.arguments) taken.arguments.push_back(Take(argument, rows));
  for (int64_t row : rows) taken.groups.push_back(input.groups[static_cast<size_t>(row)]);
  if (input.filter) {
    taken.filter = std::static_pointer_cast<arrow::BooleanArray>(Take(input.filter, rows));
  }
  return taken;
}

FieldVector FieldsOf(const Input& input) {
  FieldVector fields;
  for (const auto& argument : input.arguments)
    fields.push_back(arrow::field("a", argument->type()));
  return fields;
}

std::unique_ptr<GroupsAccumulator> NewAccumulator(const std::string& name, const Input& input) {
  return *Aggregate(name)->CreateAccumulator(FieldsOf(input), input.call);
}

void Must(const Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }

/// One accumulator, one batch.
std::shared_ptr<arrow::Array> Plain(const std::string& name, const Input& input, int64_t groups) {
  auto accumulator = NewAccumulator(name, input);
  Must(accumulator->Update(input.arguments, input.groups, input.filter.get(), groups));
  return *accumulator->Evaluate(std::nullopt);
}

/// Rows in random order, cut into batches over some accumulators, which are merged through their
/// states (some rows through ConvertToState), whole or in emitted pieces.
std::shared_ptr<arrow::Array> Scrambled(const std::string& name, const Input& input, int64_t groups,
                                        Random& random) {
  std::vector<int64_t> rows(input.groups.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i);
  std::shuffle(rows.begin(), rows.end(), random);

  std::vector<std::unique_ptr<GroupsAccumulator>> parts;
  for (uint64_t i = 0; i <= random() % 3; ++i) parts.push_back(NewAccumulator(name, input));
  auto final_part = NewAccumulator(name, input);
  for (size_t first = 0; first < rows.size();) {
    const size_t end = std::min(rows.size(), first + 1 + random() % 12);
    const Input batch = TakeRows(input, {rows.begin() + static_cast<int64_t>(first),
                                         rows.begin() + static_cast<int64_t>(end)});
    if (random() % 4 == 0) {
      auto states = final_part->ConvertToState(batch.arguments, batch.filter.get());
      Must(final_part->Merge(*states, batch.groups, nullptr, groups));
    } else {
      Must(parts[random() % parts.size()]->Update(batch.arguments, batch.groups, batch.filter.get(),
                                                  groups));
    }
    first = end;
  }
  for (auto& part : parts) {
    uint64_t group = 0;
    while (part->group_count() > 0) {
      const int64_t emit =
          std::min<int64_t>(part->group_count(), 1 + static_cast<int64_t>(random() % 5));
      auto states = part->State(random() % 2 == 0 ? std::optional(emit) : std::nullopt);
      std::vector<uint64_t> indices;
      for (int64_t i = 0; i < (*states)[0]->length(); ++i) indices.push_back(group++);
      Must(final_part->Merge(*states, indices, nullptr, groups));
    }
  }
  EXPECT_GT(final_part->SizeBytes(), 0);
  if (final_part->group_count() == 0)
    Must(final_part->Merge((*final_part->State(0)), {}, nullptr, groups));

  // Emitting in pieces shifts the groups behind.
  arrow::ArrayVector pieces;
  while (final_part->group_count() > 0) {
    const int64_t emit =
        std::min<int64_t>(final_part->group_count(), 1 + static_cast<int64_t>(random() % 4));
    pieces.push_back(*final_part->Evaluate(emit));
  }
  return arrow::Concatenate(pieces).ValueOrDie();
}

std::shared_ptr<arrow::BooleanArray> RandomFilter(Random& random, size_t rows) {
  arrow::BooleanBuilder builder;
  for (size_t i = 0; i < rows; ++i) {
    EXPECT_TRUE(
        (random() % 6 == 0 ? builder.AppendNull() : builder.Append(random() % 3 != 0)).ok());
  }
  return std::static_pointer_cast<arrow::BooleanArray>(builder.Finish().ValueOrDie());
}

std::vector<uint64_t> RandomGroups(Random& random, size_t rows, int64_t groups) {
  std::vector<uint64_t> indices(rows);
  for (auto& index : indices) index = random() % static_cast<uint64_t>(groups);
  return indices;
}

bool Passes(const Input& input, size_t row) {
  const int64_t i = static_cast<int64_t>(row);
  return !input.filter || (input.filter->IsValid(i) && input.filter->Value(i));
}

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

/// Columns of `rows` values of every kind of type, with ties.
arrow::ArrayVector ColumnsOfManyTypes(Random& random, size_t rows) {
  const auto structs =
      arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("y", arrow::utf8())});
  const std::vector<std::pair<std::shared_ptr<arrow::DataType>, std::vector<std::string>>> kinds = {
      {arrow::int8(), {"-1", "0", "5", "null"}},
      {arrow::uint64(), {"18446744073709551615", "0", "null"}},
      {arrow::float64(), {"-0.0", "0.0", "NaN", "-Inf", "1.5", "null"}},
      {arrow::boolean(), {"true", "false", "null"}},
      {arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), {"-5", "0", "7", "null"}},
      {arrow::decimal128(20, 2), {"\"-1.50\"", "\"2.00\"", "\"10.00\"", "null"}},
      {arrow::list(arrow::int32()), {"[]", "[1]", "[1, null]", "[1, 2]", "null"}},
      {arrow::large_list(arrow::utf8()), {R"(["a"])", R"(["a", "b"])", "null"}},
      {structs,
       {R"({"x": 1, "y": "a"})", R"({"x": 1, "y": null})", R"({"x": null, "y": "a"})", "null"}},
      {arrow::map(arrow::utf8(), arrow::int64()), {R"([["a", 1]])", R"([["a", 2]])", "[]", "null"}},
      {arrow::fixed_size_list(arrow::int16(), 2), {"[1, 2]", "[1, 3]", "null"}},
      {arrow::dictionary(arrow::int8(), arrow::utf8()), {R"("b")", R"("a")", "null"}},
      {arrow::fixed_size_binary(2), {R"("ab")", R"("aa")", "null"}},
      {arrow::month_day_nano_interval(), {"[1, 2, 3]", "[1, 2, 4]", "null"}},
      {arrow::null(), {"null"}},
  };
  arrow::ArrayVector columns;
  for (const auto& [type, values] : kinds) {
    std::string json;
    for (size_t i = 0; i < rows + 2; ++i) {
      json += (i == 0 ? "[" : ", ") + values[random() % values.size()];
    }
    columns.push_back(FromJson(type, json + "]")->Slice(2));
  }
  return columns;
}

TEST(ArgExtremes, AnyTypesGiveTheSameForEveryOrderAndPartitioning) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const size_t rows = 1 + random() % 30;
    const int64_t groups = 1 + static_cast<int64_t>(random() % 5);
    const auto columns = ColumnsOfManyTypes(random, rows);
    for (const auto& values : columns) {
      Input input{{values, columns[random() % columns.size()]},
                  RandomGroups(random, rows, groups),
                  random() % 2 == 0 ? RandomFilter(random, rows) : nullptr};
      for (const char* name : {"any_value_det", "arg_max"}) {
        const auto plain = Plain(name, input, groups);
        ASSERT_TRUE(plain->ValidateFull().ok());
        ASSERT_TRUE(plain->type()->Equals(values->type()));
        const auto scrambled = Scrambled(name, input, groups, random);
        ASSERT_TRUE(plain->Equals(scrambled,
                                  arrow::EqualOptions().nans_equal(true).signed_zeros_equal(false)))
            << "seed " << seed << " " << name << " " << values->type()->ToString() << " by "
            << input.arguments[1]->type()->ToString() << "\n"
            << plain->ToString() << scrambled->ToString();
      }
    }
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

TEST(CollectSet, AnyTypesGiveTheSameForEveryOrderAndPartitioning) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const size_t rows = 1 + random() % 40;
    const int64_t groups = 1 + static_cast<int64_t>(random() % 5);
    for (const auto& values : ColumnsOfManyTypes(random, rows)) {
      if (values->type_id() == arrow::Type::DICTIONARY) continue;  // settled as its values
      Input input{{values},
                  RandomGroups(random, rows, groups),
                  random() % 2 == 0 ? RandomFilter(random, rows) : nullptr};
      const auto plain = Plain("collect_set", input, groups);
      ASSERT_TRUE(plain->ValidateFull().ok());
      const auto scrambled = Scrambled("collect_set", input, groups, random);
      ASSERT_TRUE(plain->Equals(scrambled,
                                arrow::EqualOptions().nans_equal(true).signed_zeros_equal(false)))
          << "seed " << seed << " " << values->type()->ToString() << plain->ToString()
          << scrambled->ToString();
      // Strictly ascending, hence distinct.
      const auto& lists = static_cast<const arrow::ListArray&>(*plain);
      const auto order = *RowOrder::Make(*values->type());
      for (int64_t group = 0; group < groups; ++group) {
        for (int64_t i = lists.value_offset(group) + 1; i < lists.value_offset(group + 1); ++i) {
          ASSERT_LT(order->Compare(*lists.values(), i - 1, *lists.values(), i), 0);
        }
      }
    }
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

/// Every frame of a sliding window against the result over its rows alone.
void CheckSliding(const std::string& name, const Input& input, Random& random) {
  const int64_t rows = static_cast<int64_t>(input.groups.size());
  const auto function = Aggregate(name);
  auto sliding = *function->CreateAccumulator(
      FieldsOf(input), {.ignore_nulls = input.call.ignore_nulls, .sliding = true});
  ASSERT_TRUE(sliding->supports_retract()) << name;
  int64_t first = 0;
  int64_t end = 0;
  const auto slice = [&](int64_t from, int64_t to) {
    arrow::ArrayVector columns;
    for (const auto& column : input.arguments) columns.push_back(column->Slice(from, to - from));
    return columns;
  };
  const std::vector<uint64_t> zeros(static_cast<size_t>(rows), 0);
  const auto zeros_of = [&](int64_t count) {
    return std::span(zeros).first(static_cast<size_t>(count));
  };
  Must(sliding->Update(slice(0, 0), {}, nullptr, 1));
  while (first < rows) {
    const int64_t new_end = std::min(rows, end + static_cast<int64_t>(random() % 4));
    Must(sliding->Update(slice(end, new_end), zeros_of(new_end - end), nullptr, 1));
    end = new_end;
    const int64_t new_first = std::min(end, first + static_cast<int64_t>(random() % 4));
    Must(sliding->Retract(slice(first, new_first), zeros_of(new_first - first), 1));
    first = new_first;
    auto alone = *function->CreateAccumulator(FieldsOf(input), input.call);
    Must(alone->Update(slice(first, end), zeros_of(end - first), nullptr, 1));
    const auto found = *sliding->Peek(1);
    const auto wanted = *alone->Peek(1);
    ASSERT_TRUE(
        found->Equals(wanted, arrow::EqualOptions().nans_equal(true).signed_zeros_equal(false)))
        << name << " rows " << first << " to " << end << found->ToString() << wanted->ToString();
    if (end == rows && random() % 3 == 0) break;
  }
}

TEST(SlidingWindows, EqualRecomputation) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const size_t rows = 1 + random() % 60;
    const auto columns = ColumnsOfManyTypes(random, rows);
    const std::vector<uint64_t> groups(rows, 0);
    CheckSliding("count_if", {{RandomFilter(random, rows)}, groups, nullptr}, random);
    for (const auto& values : columns) {
      if (values->type_id() == arrow::Type::DICTIONARY) continue;
      Input set{{values}, groups, nullptr};
      set.call.ignore_nulls = random() % 2 == 0;
      CheckSliding("collect_set", set, random);
      for (const char* name : {"any_value_det", "arg_max"}) {
        CheckSliding(name, {{values, columns[random() % columns.size()]}, groups, nullptr}, random);
      }
      if (HasFatalFailure()) return;
    }
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

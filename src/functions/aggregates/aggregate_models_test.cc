// SPDX-License-Identifier: Apache-2.0
//
// Every aggregate over every kind of type against models that know values only by their place in an
// ascending list: plainly, and with rows in any order over several accumulators that are merged
// through their states; sliding frames as well. A case is the result of one group.

#include <functional>
#include <map>
#include <set>

#include "weir/functions/aggregates/aggregate_testing.h"
#include "weir/functions/aggregates/row_order.h"
#include "weir/functions/aggregates/value_kinds_testing.h"

namespace weir::testing {
namespace {

constexpr int64_t kLeastCases = 5000;
constexpr int64_t kLeastCasesOfKind = 100;
constexpr uint64_t kNullPercents[] = {0, 15, 50, 100};

/// The same values to the bit, whatever dictionaries they are in.
bool Same(const arrow::Array& a, const arrow::Array& b) {
  if (a.length() != b.length() || !a.type()->Equals(b.type())) return false;
  if (a.type()->ToString().find("dictionary") == std::string::npos) {
    return a.Equals(b, arrow::EqualOptions().nans_equal(true).signed_zeros_equal(false));
  }
  const auto order = *RowOrder::Make(*a.type());
  for (int64_t row = 0; row < a.length(); ++row) {
    if (order->Compare(a, row, b, row) != 0) return false;
  }
  return true;
}

/// A drawn input, as arrays and as places.
struct Case {
  Input input;
  std::vector<Places> columns;
  int64_t groups;

  bool Passes(size_t row) const { return weir::testing::Passes(input, row); }
};

Case DrawCase(Random& random, const std::vector<const ValueKind*>& kinds) {
  Case drawn;
  const size_t rows = random() % 16 == 0 ? 0 : random() % 50;
  drawn.groups = 1 + static_cast<int64_t>(random() % 12);
  for (const ValueKind* kind : kinds) {
    const uint64_t null_percent = kNullPercents[random() % 8 == 0 ? 3 : random() % 3];
    drawn.columns.push_back(DrawPlaces(random, *kind, rows, null_percent));
    drawn.input.arguments.push_back(FromPlaces(random, *kind, drawn.columns.back()));
  }
  drawn.input.groups = RandomGroups(random, rows, drawn.groups);
  if (random() % 2 == 0) drawn.input.filter = RandomFilter(random, rows);
  return drawn;
}

/// The JSON of the result of each group.
using GroupModel = std::function<std::vector<std::string>(const Case&)>;

void CheckCase(const std::string& name, const Case& drawn, const GroupModel& model,
               Random& random) {
  const auto plain = Plain(name, drawn.input, drawn.groups);
  ASSERT_TRUE(plain->ValidateFull().ok()) << plain->ValidateFull().ToString();
  std::string json;
  for (const std::string& result : model(drawn)) json += (json.empty() ? "[" : ", ") + result;
  const auto expected = FromJson(plain->type(), json + "]");
  ASSERT_TRUE(Same(*plain, *expected)) << plain->ToString() << expected->ToString();
  const auto scrambled = Scrambled(name, drawn.input, drawn.groups, random);
  ASSERT_TRUE(scrambled->ValidateFull().ok()) << scrambled->ValidateFull().ToString();
  ASSERT_TRUE(Same(*scrambled, *expected)) << scrambled->ToString() << expected->ToString();
}

/// Of each group the value with the best key; of equal keys the smallest value.
GroupModel ArgExtremeModel(const ValueKind& values, bool largest) {
  return [&values, largest](const Case& drawn) {
    std::vector<std::optional<std::pair<size_t, size_t>>> best(static_cast<size_t>(drawn.groups));
    for (size_t row = 0; row < drawn.input.groups.size(); ++row) {
      const auto value = drawn.columns[0][row];
      const auto key = drawn.columns[1][row];
      if (!value || !key || !drawn.Passes(row)) continue;
      const std::pair candidate(largest ? SIZE_MAX - *key : *key, *value);
      auto& group = best[drawn.input.groups[row]];
      group = group ? std::min(*group, candidate) : candidate;
    }
    std::vector<std::string> results;
    for (const auto& group : best)
      results.push_back(group ? values.ascending[group->second] : "null");
    return results;
  };
}

GroupModel CollectSetModel(const ValueKind& values) {
  return [&values](const Case& drawn) {
    const size_t kNullPlace = values.ascending.size();
    std::vector<std::set<size_t>> sets(static_cast<size_t>(drawn.groups));
    for (size_t row = 0; row < drawn.input.groups.size(); ++row) {
      const auto place = drawn.columns[0][row];
      if (!drawn.Passes(row) || (!place && drawn.input.call.ignore_nulls)) continue;
      sets[drawn.input.groups[row]].insert(place.value_or(kNullPlace));
    }
    std::vector<std::string> results;
    for (const auto& set : sets) {
      std::string list;
      for (const size_t place : set) {
        list += (list.empty() ? "" : ", ") +
                ToJson(values, place == kNullPlace ? std::nullopt : std::optional(place));
      }
      results.push_back("[" + list + "]");
    }
    return results;
  };
}

std::vector<std::string> CountIfModel(const Case& drawn) {
  std::vector<int64_t> counts(static_cast<size_t>(drawn.groups));
  for (size_t row = 0; row < drawn.input.groups.size(); ++row) {
    if (drawn.Passes(row) && drawn.columns[0][row] == size_t{1}) ++counts[drawn.input.groups[row]];
  }
  std::vector<std::string> results;
  for (const int64_t count : counts) results.push_back(std::to_string(count));
  return results;
}

class AggregateModels : public ::testing::Test {
 protected:
  /// Draws cases until there are `least`.
  void Check(const std::string& name, const std::vector<const ValueKind*>& kinds,
             const GroupModel& model, int64_t least) {
    int64_t checked = 0;
    for (uint64_t seed = 0; checked < least; ++seed) {
      SCOPED_TRACE(name + " over " + kinds[0]->type->ToString() + " seed " + std::to_string(seed));
      Random random(seed);
      Case drawn = DrawCase(random, kinds);
      drawn.input.call.ignore_nulls = name == "collect_set" && random() % 3 == 0;
      CheckCase(name, drawn, model, random);
      if (HasFailure()) return;
      checked += drawn.groups;
    }
    cases_[name] += checked;
  }

  std::map<std::string, int64_t> cases_;
};

TEST_F(AggregateModels, EveryAggregateOverEveryKindOfType) {
  const std::vector<ValueKind> kinds = ValueKinds();
  Random random(5);
  for (const ValueKind& kind : kinds) {
    // Each kind as value and as key, of another kind each.
    const ValueKind& other = kinds[random() % kinds.size()];
    for (const bool largest : {false, true}) {
      const std::string name = largest ? "arg_max" : "any_value_det";
      Check(name, {&kind, &other}, ArgExtremeModel(kind, largest), kLeastCasesOfKind);
      Check(name, {&other, &kind}, ArgExtremeModel(other, largest), kLeastCasesOfKind);
    }
    Check("collect_set", {&kind}, CollectSetModel(kind), kLeastCasesOfKind);
    if (HasFailure()) return;
  }
  const ValueKind booleans = {arrow::boolean(), {"false", "true"}};
  Check("count_if", {&booleans}, CountIfModel, kLeastCases);
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.aggregates()) {
    // exact_sums_test.cc models these.
    if (!function->declaration().stands_for.empty()) continue;
    EXPECT_GE(cases_[function->declaration().name], kLeastCases) << function->declaration().name;
  }
}

// A dictionary's entries differ between batches: values come out of it before they are kept.
TEST_F(AggregateModels, DictionariesAreSettledAsTheirValues) {
  const auto dictionary = arrow::dictionary(arrow::int8(), arrow::utf8_view());
  for (const char* name : {"any_value_det", "arg_max", "collect_set"}) {
    const TypeVector types(std::string(name) == "collect_set" ? 1 : 2, dictionary);
    const auto settled = Aggregate(name)->CoerceTypes(types);
    ASSERT_TRUE(settled.ok()) << settled.status().ToString();
    for (const auto& type : *settled) EXPECT_TRUE(type->Equals(arrow::utf8_view()));
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
    ASSERT_TRUE(Same(*found, *wanted))
        << name << " rows " << first << " to " << end << found->ToString() << wanted->ToString();
    if (end == rows && random() % 3 == 0) break;
  }
}

TEST(SlidingWindows, EqualRecomputation) {
  const std::vector<ValueKind> kinds = ValueKinds();
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const size_t rows = 1 + random() % 60;
    const std::vector<uint64_t> groups(rows, 0);
    const auto draw = [&](const ValueKind& kind) {
      return FromPlaces(random, kind, DrawPlaces(random, kind, rows, kNullPercents[random() % 3]));
    };
    CheckSliding("count_if", {{RandomFilter(random, rows)}, groups, nullptr}, random);
    for (const ValueKind& kind : kinds) {
      Input set{{draw(kind)}, groups, nullptr};
      set.call.ignore_nulls = random() % 2 == 0;
      CheckSliding("collect_set", set, random);
      for (const char* name : {"any_value_det", "arg_max"}) {
        CheckSliding(name, {{draw(kind), draw(kinds[random() % kinds.size()])}, groups, nullptr},
                     random);
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(SlidingWindows, EveryAggregateCanTakeRowsBackOut) {
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.aggregates()) {
    FieldVector fields;
    for (const auto& type : function->declaration().signatures[0])
      fields.push_back(arrow::field("a", type));
    EXPECT_TRUE((*function->CreateAccumulator(fields, {.sliding = true}))->supports_retract())
        << function->declaration().name;
  }
}

}  // namespace
}  // namespace weir::testing

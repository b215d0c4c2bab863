// SPDX-License-Identifier: Apache-2.0
//
// Native aggregates in the engine: any order of the input, 1 to 16 partitions, in memory and
// spilled to disk, always the results of a model over plain values.

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/engine/engine.h"
#include "weir/functions/function_registry.h"

namespace weir::engine {
namespace {

using Json = nlohmann::json;

constexpr int64_t kRows = 30000;
constexpr int64_t kGroups = 4500;
/// Room for a part of the groups.
constexpr int64_t kTightBytes = 5 << 19;

struct InputRow {
  int64_t group;
  Json text, key, number, pair, condition;  ///< null where NULL
};

std::vector<InputRow> DrawRows(std::mt19937_64& random) {
  const auto maybe = [&](Json value) { return random() % 10 == 0 ? Json() : value; };
  std::vector<InputRow> rows;
  for (int64_t i = 0; i < kRows; ++i) {
    const std::string text =
        "text " + std::to_string(random() % 40) + std::string(random() % 50, 'x');
    rows.push_back(
        {static_cast<int64_t>(random() % kGroups), maybe(text), maybe(random() % 20),
         maybe(random() % 9),
         maybe({{"a", maybe(random() % 3)}, {"b", maybe("b" + std::to_string(random() % 3))}}),
         maybe(random() % 2 == 0)});
  }
  return rows;
}

std::shared_ptr<arrow::DataType> PairType() {
  return arrow::struct_({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
}

std::shared_ptr<arrow::Array> ToArray(const std::shared_ptr<arrow::DataType>& type,
                                      const std::vector<Json>& values) {
  return arrow::json::ArrayFromJSONString(type, Json(values).dump()).ValueOrDie();
}

std::shared_ptr<arrow::RecordBatch> ToBatch(std::span<const InputRow> rows) {
  std::vector<Json> columns[6];
  for (const InputRow& row : rows) {
    const Json cells[] = {row.group, row.text, row.key, row.number, row.pair, row.condition};
    for (size_t i = 0; i < 6; ++i) columns[i].push_back(cells[i]);
  }
  const auto schema =
      arrow::schema({arrow::field("g", arrow::int64()), arrow::field("t", arrow::utf8()),
                     arrow::field("k", arrow::int64()), arrow::field("n", arrow::int64()),
                     arrow::field("p", PairType()), arrow::field("c", arrow::boolean())});
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < 6; ++i)
    arrays.push_back(ToArray(schema->field(static_cast<int>(i))->type(), columns[i]));
  return arrow::RecordBatch::Make(schema, static_cast<int64_t>(rows.size()), arrays);
}

/// NULL fields last.
std::pair<std::string, std::string> PairOrder(const Json& pair) {
  const auto text = [](const Json& value) { return value.is_null() ? "~" : value.dump(); };
  return {text(pair["a"]), text(pair["b"])};
}

/// What the query below gives for one group.
struct GroupResult {
  std::optional<std::pair<int64_t, std::string>> smallest, largest;  ///< (key, text)
  std::optional<std::pair<std::string, std::pair<std::string, std::string>>> pair_at_text;
  Json pair;
  std::set<int64_t> numbers;
  bool null_number = false;
  std::map<std::pair<std::string, std::string>, Json> pairs;
  int64_t count = 0;

  void Take(const InputRow& row) {
    if (!row.text.is_null() && !row.key.is_null()) {
      const std::pair candidate(row.key.get<int64_t>(), row.text.get<std::string>());
      if (!smallest || candidate < *smallest) smallest = candidate;
      const auto better = [&](const auto& old) {
        return candidate.first > old.first ||
               (candidate.first == old.first && candidate.second < old.second);
      };
      if (!largest || better(*largest)) largest = candidate;
    }
    if (!row.pair.is_null() && !row.text.is_null()) {
      const std::pair candidate(row.text.get<std::string>(), PairOrder(row.pair));
      if (!pair_at_text || candidate < *pair_at_text) {
        pair_at_text = candidate;
        pair = row.pair;
      }
    }
    if (row.number.is_null()) {
      null_number = true;
    } else {
      numbers.insert(row.number.get<int64_t>());
    }
    if (!row.pair.is_null()) pairs.emplace(PairOrder(row.pair), row.pair);
    if (row.condition == Json(true)) ++count;
  }

  Json Cells(int64_t group) const {
    Json set = std::vector<int64_t>(numbers.begin(), numbers.end());
    if (null_number) set.push_back(nullptr);
    Json pair_set = Json::array();
    for (const auto& [order, value] : pairs) pair_set.push_back(value);
    const auto text = [](const auto& best) { return best ? Json(best->second) : Json(); };
    return {group, text(smallest), text(largest), pair, set, pair_set, count};
  }
};

constexpr char kQuery[] =
    "SELECT g, any_value_det(t, k), arg_max(t, k), arg_min(p, t), collect_set(n), "
    "collect_set(p) IGNORE NULLS, count_if(c) FROM ({}) GROUP BY g";

/// Each group's cells as texts, by group.
using Results = std::map<int64_t, std::string>;

std::string RowText(const arrow::ArrayVector& columns, int64_t row) {
  std::string text;
  for (const auto& column : columns) text += (*column->GetScalar(row))->ToString() + "|";
  return text;
}

Results ExpectedResults(const std::vector<InputRow>& rows) {
  std::map<int64_t, GroupResult> groups;
  for (const InputRow& row : rows) groups[row.group].Take(row);
  const TypeVector types = {arrow::int64(),
                            arrow::utf8(),
                            arrow::utf8(),
                            PairType(),
                            arrow::list(arrow::int64()),
                            arrow::list(PairType()),
                            arrow::int64()};
  std::vector<std::vector<Json>> columns(types.size());
  for (const auto& [group, result] : groups) {
    const Json cells = result.Cells(group);
    for (size_t i = 0; i < types.size(); ++i) columns[i].push_back(cells[i]);
  }
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < types.size(); ++i) arrays.push_back(ToArray(types[i], columns[i]));
  Results expected;
  int64_t row = 0;
  for (const auto& [group, result] : groups) expected[group] = RowText(arrays, row++);
  return expected;
}

/// Runs of the query over the rows in random order.
class AggregateRuns : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::mt19937_64 random(3);
    rows_ = DrawRows(random);
    expected_ = ExpectedResults(rows_);
  }

  /// Bytes that aggregates spilled; the results are compared. The rows come from as many tables as
  /// there are `pieces`, each a partition.
  int64_t Run(int partitions, size_t pieces, int64_t memory_limit_bytes, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::shuffle(rows_.begin(), rows_.end(), random);
    const auto session = Session::Open(
        {.settings = {{"datafusion.execution.target_partitions", std::to_string(partitions)},
                      {"datafusion.execution.batch_size", "128"},
                      {"datafusion.optimizer.enable_round_robin_repartition",
                       pieces > 1 ? "true" : "false"}},
         .memory_limit_bytes = memory_limit_bytes});
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    EXPECT_TRUE(session->RegisterFunctions(NativeFunctions()).ok());
    std::string input;
    for (size_t piece = 0; piece < pieces; ++piece) {
      const size_t first = rows_.size() * piece / pieces;
      const size_t end = rows_.size() * (piece + 1) / pieces;
      const std::string name = "t" + std::to_string(piece);
      const auto table = Table::FromRows(*ToBatch(std::span(rows_).subspan(first, end - first)));
      EXPECT_TRUE(session->RegisterTable(name, *table).ok());
      input += (piece > 0 ? " UNION ALL " : "") + ("SELECT * FROM " + name);
    }
    return Execute(*session, fmt::format(fmt::runtime(kQuery), input));
  }

 private:
  static int64_t Execute(const Session& session, const std::string& sql) {
    const auto logical = Plan::FromSql(session, sql);
    EXPECT_TRUE(logical.ok()) << logical.status().ToString();
    const auto plan = PhysicalPlan::Create(session, *logical->Optimize(session));
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    const auto reader = plan->Execute(session, Cancellation());
    EXPECT_TRUE(reader.ok()) << reader.status().ToString();
    Results found;
    while (true) {
      const auto batch = (*reader)->Next();
      EXPECT_TRUE(batch.ok()) << batch.status().ToString();
      if (!batch.ok() || *batch == nullptr) break;
      const auto& groups = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
      for (int64_t row = 0; row < groups.length(); ++row) {
        EXPECT_TRUE(found.emplace(groups.Value(row), RowText((*batch)->columns(), row)).second);
      }
    }
    EXPECT_EQ(found.size(), expected_.size());
    EXPECT_TRUE(found == expected_) << FirstDifference(found);
    int64_t spilled = 0;
    for (const auto& node : Json::parse(*plan->Metrics())) {
      if (node["name"] == "AggregateExec" && node["spilled_bytes"].is_number())
        spilled += node["spilled_bytes"].get<int64_t>();
    }
    return spilled;
  }

  static std::string FirstDifference(const Results& found) {
    for (const auto& [group, text] : expected_) {
      const auto other = found.find(group);
      if (other == found.end()) return "no group " + std::to_string(group);
      if (other->second != text) return "found  " + other->second + "\nwanted " + text;
    }
    return "";
  }

  static std::vector<InputRow> rows_;
  static Results expected_;
};

std::vector<InputRow> AggregateRuns::rows_;
Results AggregateRuns::expected_;

TEST_F(AggregateRuns, InMemoryOnOneToSixteenPartitions) {
  for (int partitions = 1; partitions <= 16; ++partitions) {
    SCOPED_TRACE(partitions);
    EXPECT_EQ(Run(partitions, 16, 0, static_cast<uint64_t>(partitions)), 0);
    if (HasFailure()) return;
  }
}

// With several inputs too: the queues between them and the aggregates must not spill, see
// rust/bridge/src/memory_pool.rs.
TEST_F(AggregateRuns, SpilledOnOneToSixteenPartitions) {
  for (int partitions = 1; partitions <= 16; ++partitions) {
    for (const size_t pieces : {1, 16}) {
      SCOPED_TRACE(fmt::format("{} partitions of {} inputs", partitions, pieces));
      EXPECT_GT(Run(partitions, pieces, kTightBytes, 100 + static_cast<uint64_t>(partitions)), 0);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weir::engine

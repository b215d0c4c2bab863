// SPDX-License-Identifier: Apache-2.0
//
// Lineage against what really happens. Random queries are planned and run by the engine; then every
// source value that is in no lineage of an output column gets another value, and the column must
// come out the same. The other way round, lineage may name no column that the author of the query
// knows to play no part. A case is one output column. WEIR_TEST_SCALE=full runs ten times as many.

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "random_query.h"

#include "weir/engine/engine.h"
#include "weir/lineage/lineage.h"
#include "weir/plan/logical_plan.h"

namespace weir {

namespace {

using testing_queries::AddTo;
using testing_queries::Leaves;
using testing_queries::Query;

constexpr size_t kRows = 7;
const std::vector<std::string> kTables = {"t0", "t1", "t2"};
const std::vector<std::string> kColumns = {"a", "b", "c", "s", "st.x", "st.w", "l"};

/// Whole numbers of a small range, so that keys meet, with NULLs.
std::shared_ptr<arrow::Array> WholeNumbers(std::mt19937_64& random) {
  arrow::Int64Builder builder;
  for (size_t row = 0; row < kRows; ++row) {
    if (random() % 8 == 0) {
      EXPECT_TRUE(builder.AppendNull().ok());
    } else {
      EXPECT_TRUE(builder.Append(static_cast<int64_t>(random() % 5)).ok());
    }
  }
  return *builder.Finish();
}

std::shared_ptr<arrow::Array> Texts(std::mt19937_64& random) {
  arrow::StringBuilder builder;
  for (size_t row = 0; row < kRows; ++row) {
    EXPECT_TRUE(builder.Append(std::string(1 + random() % 3, "abcd"[random() % 4])).ok());
  }
  return *builder.Finish();
}

std::shared_ptr<arrow::Array> Lists(std::mt19937_64& random) {
  arrow::ListBuilder builder(arrow::default_memory_pool(), std::make_shared<arrow::Int64Builder>());
  auto& values = static_cast<arrow::Int64Builder&>(*builder.value_builder());
  for (size_t row = 0; row < kRows; ++row) {
    EXPECT_TRUE(builder.Append().ok());
    for (size_t n = random() % 4; n > 0; --n)
      EXPECT_TRUE(values.Append(static_cast<int64_t>(random() % 5)).ok());
  }
  return *builder.Finish();
}

/// The leaves of a table by name.
using Arrays = std::map<std::string, std::shared_ptr<arrow::Array>>;

Arrays RandomArrays(std::mt19937_64& random) {
  Arrays arrays;
  for (const std::string& column : kColumns) {
    arrays[column] = column == "s"   ? Texts(random)
                     : column == "l" ? Lists(random)
                                     : WholeNumbers(random);
  }
  return arrays;
}

std::shared_ptr<arrow::RecordBatch> BatchOf(const Arrays& arrays) {
  const auto pair = *arrow::StructArray::Make({arrays.at("st.x"), arrays.at("st.w")},
                                              std::vector<std::string>{"x", "w"});
  const std::vector<std::shared_ptr<arrow::Array>> columns = {
      arrays.at("a"), arrays.at("b"), arrays.at("c"), arrays.at("s"), pair, arrays.at("l")};
  const std::vector<std::string> names = {"a", "b", "c", "s", "st", "l"};
  arrow::FieldVector fields;
  for (size_t i = 0; i < names.size(); ++i)
    fields.push_back(arrow::field(names[i], columns[i]->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), kRows, columns);
}

/// The leaves that an input names: of a struct as a whole, all its fields; of a list, the list.
Leaves LeavesOf(const ColumnInput& input) {
  std::string name = FullColumn(input);
  if (const size_t bracket = name.find('['); bracket != std::string::npos) name.resize(bracket);
  Leaves leaves;
  for (const std::string& column : kColumns) {
    if (column == name || column.starts_with(name + ".")) leaves.insert(input.table + "." + column);
  }
  return leaves;
}

/// The values of each column as sorted texts: the order of rows means nothing.
using Columns = std::vector<std::vector<std::string>>;

class LineageProperty : public testing::Test {
 protected:
  void SetUp() override {
    auto session = engine::Session::Open(
        {.settings = {{"datafusion.execution.target_partitions", "1"}}, .spill_directory = {}});
    ASSERT_TRUE(session.ok()) << session.status().ToString();
    session_.emplace(*session);
  }

  /// The tables bound to the scans of a plan.
  Result<Columns> Run(const std::string& bytes, const LogicalPlan& plan,
                      const std::map<std::string, Arrays>& data) {
    std::vector<std::pair<uint32_t, engine::Table>> bound;
    for (const Scan* scan : CollectScans(plan)) {
      WEIR_ASSIGN_OR_RETURN(engine::Table table,
                            engine::Table::FromRows(*BatchOf(data.at(scan->table))));
      if (scan->scan_id >= 0) {
        bound.emplace_back(static_cast<uint32_t>(scan->scan_id), std::move(table));
      } else {
        WEIR_RETURN_NOT_OK(session_->RegisterTable(scan->table, table));
      }
    }
    WEIR_ASSIGN_OR_RETURN(const engine::Plan decoded,
                          engine::Plan::FromProto(*session_, bytes, bound));
    WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(*session_, decoded));
    const engine::Cancellation cancellation;
    WEIR_ASSIGN_OR_RETURN(const auto reader, physical.Execute(*session_, cancellation));
    Columns columns(static_cast<size_t>(reader->schema()->num_fields()));
    while (true) {
      std::shared_ptr<arrow::RecordBatch> batch;
      const arrow::Status read = reader->ReadNext(&batch);
      if (!read.ok()) return engine::FromStreamFailure(read);
      if (!batch) break;
      for (int column = 0; column < batch->num_columns(); ++column) {
        for (int64_t row = 0; row < batch->num_rows(); ++row) {
          const auto scalar = batch->column(column)->GetScalar(row);
          columns[static_cast<size_t>(column)].push_back(scalar.ok() ? (*scalar)->ToString()
                                                                     : scalar.status().ToString());
        }
      }
    }
    for (auto& values : columns) std::sort(values.begin(), values.end());
    return columns;
  }

  Status RegisterTables() {
    for (const std::string& name : kTables) {
      WEIR_ASSIGN_OR_RETURN(const auto table, engine::Table::FromRows(*BatchOf(data_.at(name))));
      WEIR_RETURN_NOT_OK(session_->RegisterTable(name, table));
    }
    return Status::OK();
  }

  /// Lineage names nothing that plays no part.
  void ExpectKnown(const Query& query, const Lineage& lineage) {
    for (size_t i = 0; i < lineage.columns.size(); ++i) {
      const testing_queries::Known& known = query.columns[i].known;
      Leaves any = query.rows;
      AddTo(any, known.values);
      AddTo(any, known.others);
      for (const ColumnInput& input : lineage.InputsOf(i)) {
        const bool is_value = input.use == ColumnUse::kValue;
        for (const std::string& leaf : LeavesOf(input)) {
          EXPECT_TRUE((is_value ? known.values : any).contains(leaf))
              << query.sql << "\n column " << lineage.columns[i].name << " should not have " << leaf
              << " as " << ToString(input.use);
        }
      }
    }
  }

  /// What is in no lineage of a column does not change it. Counts a case for each column.
  void ExpectUntouched(const Query& query, const std::string& bytes, const LogicalPlan& plan,
                       const Lineage& lineage) {
    const auto before = Run(bytes, plan, data_);
    if (!before.ok()) {
      ++failed_;
      return;
    }
    std::vector<Leaves> inputs(lineage.columns.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      for (const ColumnInput& input : lineage.InputsOf(i)) AddTo(inputs[i], LeavesOf(input));
    }
    std::set<Leaves> tried;
    for (const Leaves& kept : inputs) {
      if (!tried.insert(kept).second) continue;
      auto changed = data_;
      for (auto& [table, arrays] : changed) {
        for (auto& [column, array] : RandomArrays(random_)) {
          if (!kept.contains(table + "." + column)) arrays[column] = array;
        }
      }
      const auto after = Run(bytes, plan, changed);
      ASSERT_TRUE(after.ok()) << query.sql << "\n" << after.status().ToString();
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (!std::includes(kept.begin(), kept.end(), inputs[i].begin(), inputs[i].end())) continue;
        ++cases_;
        EXPECT_EQ((*before)[i], (*after)[i])
            << query.sql << "\n column " << lineage.columns[i].name << "\n"
            << ToJson(lineage).dump(1) << "\n"
            << ToText(plan);
      }
    }
  }

  void Check(uint64_t seed) {
    const Query query = testing_queries::QueryMaker(seed).Make();
    const auto planned = engine::Plan::FromSql(*session_, query.sql);
    const auto optimized = planned.ok() ? planned->Optimize(*session_) : planned;
    const auto bytes =
        optimized.ok() ? optimized->ToProto() : Result<std::string>(optimized.status());
    if (!bytes.ok()) {
      ++unplanned_;
      if (std::getenv("WEIR_TEST_VERBOSE") != nullptr)
        std::cout << bytes.status().ToString() << "\n" << query.sql << "\n";
      return;
    }
    const auto outputs = optimized->Outputs();
    ASSERT_TRUE(outputs.ok());
    const auto plan = DecodePlan(*bytes, *outputs);
    ASSERT_TRUE(plan.ok()) << plan.status().ToString() << "\n" << query.sql;
    const auto lineage = DeriveLineage(**plan);
    ASSERT_TRUE(lineage.ok()) << lineage.status().ToString() << "\n" << query.sql;
    ASSERT_EQ(lineage->columns.size(), query.columns.size()) << query.sql;
    ExpectKnown(query, *lineage);
    ExpectUntouched(query, *bytes, **plan, *lineage);
  }

  std::optional<engine::Session> session_;
  std::mt19937_64 random_{20260101};
  std::map<std::string, Arrays> data_;
  size_t cases_ = 0, queries_ = 0, unplanned_ = 0, failed_ = 0;
};

TEST_F(LineageProperty, WhatIsInNoLineageChangesNothing) {
  const char* scale = std::getenv("WEIR_TEST_SCALE");
  const size_t wanted = scale != nullptr && std::string(scale) == "full" ? 100'000 : 10'000;
  for (uint64_t seed = 1; cases_ < wanted && !HasFailure(); ++seed) {
    for (const std::string& table : kTables) data_[table] = RandomArrays(random_);
    const Status registered = RegisterTables();
    ASSERT_TRUE(registered.ok()) << registered.ToString();
    ++queries_;
    Check(seed);
    ASSERT_LT(queries_, wanted) << "too few queries are planned";
  }
  std::cout << queries_ << " queries, " << cases_ << " cases; " << unplanned_ << " not planned, "
            << failed_ << " not run\n";
  // What the engine cannot plan or run says nothing: it must stay rare.
  EXPECT_LT(unplanned_ + failed_, queries_ / 5);
}

}  // namespace

}  // namespace weir

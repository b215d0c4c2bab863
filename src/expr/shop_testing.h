// SPDX-License-Identifier: Apache-2.0
//
// A session with the tables of a shop, and plans compared. For tests only.

#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "weir/engine/engine.h"
#include "weir/expr.h"
#include "weir/functions/function_registry.h"

namespace weir::testing_expr {

inline void RegisterRows(const engine::Session& session, const std::string& name,
                         const arrow::FieldVector& fields, const std::string& json) {
  const auto rows = arrow::json::ArrayFromJSONString(arrow::struct_(fields), json);
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  const auto batch = arrow::RecordBatch::FromStructArray(*rows);
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();
  const auto table = engine::Table::FromRows(**batch);
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  ASSERT_TRUE(session.RegisterTable(name, *table).ok());
}

/// Customers, orders and their lines, and a few types that a shop does not need.
inline engine::Session OpenShop() {
  auto session =
      engine::Session::Open({.settings = {{"datafusion.catalog.information_schema", "true"},
                                          {"datafusion.execution.target_partitions", "2"}}});
  EXPECT_TRUE(session.ok()) << session.status().ToString();
  EXPECT_TRUE(session->RegisterFunctions(NativeFunctions()).ok());
  using arrow::field;
  const auto text = arrow::utf8();
  const auto whole = arrow::int64();
  RegisterRows(*session, "customer",
               {field("c_custkey", whole), field("c_name", text), field("c_nation", text),
                field("c_acctbal", arrow::float64()), field("c_phone", text)},
               R"([[1, "Ada", "NO", 10.5, "13-1"], [2, "Bo", "SE", -3, "23-2"],
                   [3, "Cy", "NO", 7, null], [4, null, "DK", 0, "31-4"]])");
  RegisterRows(
      *session, "orders",
      {field("o_orderkey", whole), field("o_custkey", whole), field("o_orderdate", arrow::date32()),
       field("o_priority", text), field("o_total", arrow::decimal128(12, 2))},
      R"([[10, 1, 15000, "1-URGENT", "100.00"], [11, 1, 15100, "5-LOW", "20.50"],
                   [12, 2, 15400, "2-HIGH", "7.25"], [13, 9, 15800, "1-URGENT", "1.00"]])");
  RegisterRows(*session, "lineitem",
               {field("l_orderkey", whole), field("l_quantity", arrow::float64()),
                field("l_price", arrow::float64()), field("l_discount", arrow::float64()),
                field("l_flag", text), field("l_shipdate", arrow::date32()),
                field("l_commitdate", arrow::date32())},
               R"([[10, 5, 100, 0.1, "A", 15010, 15011], [10, 7, 30, 0, "R", 15020, 15012],
                   [11, 1, 20.5, 0.05, "A", 15120, 15130], [12, 2, 7.25, 0, "N", 15410, 15405],
                   [14, 2, 1, null, null, null, 15405]])");
  RegisterRows(
      *session, "things",
      {field("id", whole), field("tags", arrow::list(text)),
       field("info", arrow::struct_({field("kind", text), field("weight", whole)})),
       field("at", arrow::timestamp(arrow::TimeUnit::MICRO)), field("data", arrow::binary())},
      R"([[1, ["b", "a", "b"], ["x", 1], 1000, "ab"], [2, [], ["y", null], null, null],
                   [3, null, null, 5000000000, ""]])");
  return *session;
}

inline Result<std::string> OptimizedBytes(const engine::Session& session,
                                          const Result<engine::Plan>& plan) {
  if (!plan.ok()) return plan.status();
  WEIR_ASSIGN_OR_RETURN(const auto optimized, plan->Optimize(session));
  return optimized.ToProto();
}

inline std::string Shown(const engine::Session& session, const Result<engine::Plan>& plan) {
  if (!plan.ok()) return plan.status().ToString();
  const auto optimized = plan->Optimize(session);
  if (!optimized.ok()) return optimized.status().ToString();
  const auto shown = optimized->Display("indent");
  return shown.ok() ? *shown : shown.status().ToString();
}

/// All rows as texts, names first; ordered unless the query orders them.
inline std::vector<std::string> RowsOf(const engine::Session& session,
                                       const Result<engine::Plan>& plan, bool keep_order = false) {
  const auto fail = [](const Status& status) { return std::vector{status.ToString()}; };
  if (!plan.ok()) return fail(plan.status());
  const auto optimized = plan->Optimize(session);
  if (!optimized.ok()) return fail(optimized.status());
  const auto physical = engine::PhysicalPlan::Create(session, *optimized);
  if (!physical.ok()) return fail(physical.status());
  const auto reader = physical->Execute(session, engine::Cancellation());
  if (!reader.ok()) return fail(reader.status());
  const auto table = (*reader)->ToTable();
  if (!table.ok()) return fail(engine::FromStreamFailure(table.status()));
  std::vector<std::string> rows;
  for (int64_t row = 0; row < (*table)->num_rows(); ++row) {
    std::string text;
    for (const auto& column : (*table)->columns()) {
      const auto value = column->GetScalar(row);
      text += ((*value)->is_valid ? (*value)->ToString() : "NULL") + "|";
    }
    rows.push_back(std::move(text));
  }
  if (!keep_order) std::sort(rows.begin(), rows.end());
  std::string names;
  for (const std::string& name : (*table)->schema()->field_names()) names += name + "|";
  rows.insert(rows.begin(), names);
  return rows;
}

}  // namespace weir::testing_expr

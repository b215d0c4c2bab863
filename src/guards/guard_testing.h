// SPDX-License-Identifier: Apache-2.0
//
// For tests of guards: the rows of a query with all guards, and without one.

#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/engine/rows_testing.h"

namespace weir {

/// A query that the engine answers wrongly unless the guard is there.
struct GuardCase {
  std::string guard;
  /// Run first, one statement each: CREATE TABLE … AS VALUES.
  std::vector<std::string> tables;
  std::string sql;
  /// Ordered, a bar behind each value; `{"error: <part of the message>"}` for a refusal.
  std::vector<std::string> rows;
  std::vector<std::pair<std::string, std::string>> settings = {};
  /// Whether the optimised plan goes through bytes and is optimised again, as those of views are.
  bool through_bytes = false;
};

inline std::vector<std::string> RowsOf(const GuardCase& guard_case, std::vector<std::string> off) {
  const auto answer = [&]() -> Result<std::vector<std::string>> {
    std::vector<std::pair<std::string, std::string>> settings = {
        {"datafusion.execution.target_partitions", "1"}};
    settings.insert(settings.end(), guard_case.settings.begin(), guard_case.settings.end());
    WEIR_ASSIGN_OR_RETURN(
        const engine::Session session,
        engine::Session::Open(
            {.settings = settings, .spill_directory = {}, .guards_off = std::move(off)}));
    for (const std::string& table : guard_case.tables) {
      WEIR_ASSIGN_OR_RETURN(
          const engine::Plan made,
          engine::Plan::FromStatement(session, table, {}, engine::Cancellation()));
      WEIR_RETURN_NOT_OK(engine::SortedRows(session, made).status());
    }
    WEIR_ASSIGN_OR_RETURN(engine::Plan plan, engine::Plan::FromSql(session, guard_case.sql));
    if (guard_case.through_bytes) {
      WEIR_ASSIGN_OR_RETURN(plan, plan.Optimize(session));
      WEIR_ASSIGN_OR_RETURN(const std::string bytes, plan.ToProto());
      WEIR_ASSIGN_OR_RETURN(plan, engine::Plan::FromProto(session, bytes));
    }
    WEIR_ASSIGN_OR_RETURN(plan, plan.Optimize(session));
    return engine::SortedRows(session, plan);
  };
  auto rows = answer();
  return rows.ok() ? *rows : std::vector<std::string>{"error: " + rows.status().message()};
}

/// Expects the right rows with the guard, and others without it: if those are right too, the engine
/// no longer needs the guard.
inline void ExpectGuarded(const GuardCase& guard_case) {
  const std::vector<std::string> with = RowsOf(guard_case, {});
  const bool refused = guard_case.rows.size() == 1 && guard_case.rows[0].starts_with("error: ");
  if (refused) {
    ASSERT_EQ(with.size(), 1u) << guard_case.sql;
    EXPECT_NE(with[0].find(guard_case.rows[0].substr(7)), std::string::npos)
        << guard_case.sql << "\n"
        << with[0];
  } else {
    EXPECT_EQ(with, guard_case.rows) << guard_case.sql;
  }
  EXPECT_NE(RowsOf(guard_case, {guard_case.guard}), with)
      << guard_case.sql << "\nThe engine is right without the guard `" << guard_case.guard
      << "`: remove it.";
}

}  // namespace weir

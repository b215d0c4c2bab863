// SPDX-License-Identifier: Apache-2.0
//
// For tests: the rows that a plan gives, as texts.

#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <arrow/api.h>

#include "weir/engine/engine.h"

namespace weir::engine {

/// Ordered, with a bar behind each value.
inline Result<std::vector<std::string>> SortedRows(const Session& session, const Plan& plan) {
  WEIR_ASSIGN_OR_RETURN(const PhysicalPlan physical, PhysicalPlan::Create(session, plan));
  WEIR_ASSIGN_OR_RETURN(const auto reader, physical.Execute(session, Cancellation()));
  const auto table = reader->ToTable();
  if (!table.ok()) return FromStreamFailure(table.status());
  std::vector<std::string> rows;
  for (int64_t row = 0; row < (*table)->num_rows(); ++row) {
    std::string text;
    for (const auto& column : (*table)->columns())
      text += (*column->GetScalar(row))->ToString() + "|";
    rows.push_back(std::move(text));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace weir::engine

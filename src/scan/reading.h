// SPDX-License-Identifier: Apache-2.0
//
// What a view reads of another one: some columns, and the rows that pass the filters of its scan.
// In: a scan of a plan. Out: a Reading, told apart from others by an id that stays the same as long
// as columns and filters do. Rows outside of a reading cannot change the view that reads.

#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "weir/plan/logical_plan.h"

namespace weir {

struct Reading {
  std::string table;
  std::vector<std::string> columns;       ///< ordered by name
  std::vector<std::string> filter_bytes;  ///< in byte order; all must be true for a row
  /// Hash of columns and filters, as 32 hex digits.
  std::string id;
};

/// REQUIRES: `scan.scan_id` >= 0 or a table of the project.
Reading ReadingOf(const Scan& scan);

/// What is known of the content of a view's result.
struct ViewContent {
  ViewContent() = default;
  explicit(false) ViewContent(std::string whole_hash) : whole(std::move(whole_hash)) {}

  std::string whole;                            ///< content hash of all columns and rows
  std::map<std::string, std::string> readings;  ///< id of a reading → content hash of it
  bool operator==(const ViewContent&) const = default;
};

}  // namespace weir

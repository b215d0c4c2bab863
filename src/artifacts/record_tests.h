// SPDX-License-Identifier: Apache-2.0
//
// Turns what `weir test` found into rows of the artifact table `tests`.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/status.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// One test that was run.
struct TestRecord {
  std::string name;
  std::string kind;       ///< "data" or "unit"
  std::string view_name;  ///< of a unit test; else empty
  std::string state;      ///< "passed", "failed" or "error"
  /// Rows that should not be there, and of a unit test those missing.
  int64_t rows = 0;
  std::string message;  ///< empty when it passed
  SourceLocation location;
  int64_t started_at_us = 0;
  int64_t finished_at_us = 0;
};

/// Appends one row a test, in one commit.
Status RecordTests(const std::string& run_id, const std::vector<TestRecord>& tests,
                   const SessionRuntime& session);

}  // namespace weir

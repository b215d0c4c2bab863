// SPDX-License-Identifier: Apache-2.0
//
// What the operators of an executed plan did. In: the JSON that PhysicalPlan::Metrics gives and
// `weir.tasks` keeps. Out: plain values.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// One operator; nothing where it does not measure that, or its record is older than the figure.
struct OperatorMetrics {
  std::string name;  ///< the engine's: "HashJoinExec"
  size_t depth = 0;  ///< in the tree; 0: the root
  std::optional<int64_t> rows;
  std::optional<int64_t> compute_ns;     ///< nanoseconds of all threads
  std::optional<int64_t> scanned_bytes;  ///< that were fetched of files
  std::optional<int64_t> spilled_bytes;
  std::optional<int64_t> memory_bytes;    ///< the sum of its partitions' peaks
  std::optional<int64_t> started_at_us;   ///< microseconds since 1970
  std::optional<int64_t> finished_at_us;  ///< of its last partition
};

/// Parents before their children. Nothing for a text that is no such JSON.
std::vector<OperatorMetrics> ReadOperatorMetrics(const std::string& json);

}  // namespace weir

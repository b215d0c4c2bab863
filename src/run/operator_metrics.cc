// SPDX-License-Identifier: Apache-2.0

#include "weir/run/operator_metrics.h"

#include <nlohmann/json.hpp>

namespace weir {

std::vector<OperatorMetrics> ReadOperatorMetrics(const std::string& json) {
  std::vector<OperatorMetrics> operators;
  for (const auto& node : nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false)) {
    if (!node.is_object()) continue;
    const auto figure = [&](const char* key) -> std::optional<int64_t> {
      const auto found = node.find(key);
      if (found == node.end() || !found->is_number_integer()) return std::nullopt;
      return found->get<int64_t>();
    };
    operators.push_back({.name = node.value("name", "?"),
                         .depth = node.value("depth", size_t{0}),
                         .rows = figure("output_rows"),
                         .compute_ns = figure("elapsed_compute_ns"),
                         .scanned_bytes = figure("bytes_scanned"),
                         .spilled_bytes = figure("spilled_bytes"),
                         .memory_bytes = figure("memory_bytes"),
                         .started_at_us = figure("started_at_us"),
                         .finished_at_us = figure("finished_at_us")});
  }
  return operators;
}

}  // namespace weir

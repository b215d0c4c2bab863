// SPDX-License-Identifier: Apache-2.0

#include "weir/session/result_settings.h"

#include <algorithm>
#include <iterator>

namespace weir {

namespace {

/// How files are read: everything else under this prefix says how fast, or how files are written.
constexpr std::string_view kParquet = "datafusion.execution.parquet.";
constexpr std::string_view kParquetReading[] = {
    "binary_as_string",        "coerce_int96",        "coerce_int96_tz",
    "schema_force_view_types", "skip_arrow_metadata", "skip_metadata",
};

constexpr std::string_view kIdlePrefixes[] = {
    "datafusion.catalog.information_schema",
    "datafusion.explain.",  // what EXPLAIN prints
    "datafusion.format.",   // what the engine prints; no cast heeds it
    "datafusion.runtime.",
    "datafusion.sql_parser.",  // acts through the plan
};

constexpr std::string_view kExecution = "datafusion.execution.";
constexpr std::string_view kIdleOfExecution[] = {
    "batch_size",
    "coalesce_batches",
    "collect_statistics",
    "enable_file_stream_work_stealing",
    "hash_join_buffering_capacity",
    "max_buffered_batches_per_output_file",
    "max_spill_file_size_bytes",
    "meta_fetch_concurrency",
    "minimum_parallel_output_files",
    "objectstore_writer_buffer_size",
    "planning_concurrency",
    "soft_max_rows_per_output_file",
    "sort_in_place_threshold_bytes",
    "sort_pushdown_buffer_capacity",
    "sort_spill_reservation_bytes",
    "spill_compression",
    "target_partitions",  // as the number of threads; `deterministic` counts
};

template <size_t count>
bool Holds(const std::string_view (&names)[count], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

bool CanChangeResults(std::string_view setting) {
  if (setting.starts_with(kParquet)) return Holds(kParquetReading, setting.substr(kParquet.size()));
  if (setting.starts_with(kExecution))
    return !Holds(kIdleOfExecution, setting.substr(kExecution.size()));
  return std::none_of(std::begin(kIdlePrefixes), std::end(kIdlePrefixes),
                      [&](std::string_view prefix) { return setting.starts_with(prefix); });
}

}  // namespace weir

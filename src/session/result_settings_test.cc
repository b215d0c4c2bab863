// SPDX-License-Identifier: Apache-2.0

#include "weir/session/result_settings.h"

#include <set>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/engine/engine.h"

namespace weir {
namespace {

/// The names of all settings that the engine has.
std::set<std::string> EngineSettings() {
  std::set<std::string> names;
  const auto session = engine::Session::Open(
      {.settings = {{"datafusion.catalog.information_schema", "true"}}, .spill_directory = {}});
  EXPECT_TRUE(session.ok()) << session.status().ToString();
  const auto table =
      session->Query("SELECT CAST(name AS VARCHAR) FROM information_schema.df_settings");
  EXPECT_TRUE(table.ok()) << table.status().ToString();
  for (int64_t row = 0; row < (*table)->num_rows(); ++row)
    names.insert((*(*table)->column(0)->GetScalar(row))->ToString());
  return names;
}

TEST(ResultSettings, CountUnlessTheyAreKnownToChangeNothing) {
  EXPECT_TRUE(CanChangeResults("datafusion.execution.time_zone"));
  EXPECT_TRUE(CanChangeResults("datafusion.execution.enable_ansi_mode"));
  EXPECT_TRUE(CanChangeResults("datafusion.execution.parquet.coerce_int96"));
  EXPECT_TRUE(CanChangeResults("datafusion.catalog.has_header"));
  EXPECT_TRUE(CanChangeResults("datafusion.optimizer.prefer_hash_join"));
  EXPECT_TRUE(CanChangeResults("datafusion.spark.map_key_dedup_policy"));
  EXPECT_TRUE(CanChangeResults("datafusion.something.that_comes_later"));
  EXPECT_FALSE(CanChangeResults("datafusion.execution.batch_size"));
  EXPECT_FALSE(CanChangeResults("datafusion.execution.target_partitions"));
  EXPECT_FALSE(CanChangeResults("datafusion.execution.parquet.compression"));
  EXPECT_FALSE(CanChangeResults("datafusion.runtime.memory_limit"));
  EXPECT_FALSE(CanChangeResults("datafusion.format.date_format"));
  EXPECT_FALSE(CanChangeResults("datafusion.sql_parser.dialect"));
}

/// Whoever takes a new release of the engine looks at what it adds, and puts it here or into the
/// lists of what changes nothing.
TEST(ResultSettings, AllOfExecutionWereLookedAt) {
  std::set<std::string> counting;
  for (const std::string& name : EngineSettings()) {
    if (name.starts_with("datafusion.execution.") && CanChangeResults(name))
      counting.insert(name.substr(std::string("datafusion.execution.").size()));
  }
  EXPECT_EQ(counting, (std::set<std::string>{"enable_ansi_mode",
                                             "enable_migration_aggregate",
                                             "enable_recursive_ctes",
                                             "enforce_batch_size_in_joins",
                                             "keep_partition_by_columns",
                                             "listing_table_factory_infer_partitions",
                                             "listing_table_ignore_subdirectory",
                                             "parquet.binary_as_string",
                                             "parquet.coerce_int96",
                                             "parquet.coerce_int96_tz",
                                             "parquet.schema_force_view_types",
                                             "parquet.skip_arrow_metadata",
                                             "parquet.skip_metadata",
                                             "perfect_hash_join_min_key_density",
                                             "perfect_hash_join_small_build_threshold",
                                             "skip_partial_aggregation_probe_ratio_threshold",
                                             "skip_partial_aggregation_probe_rows_threshold",
                                             "skip_physical_aggregate_schema_check",
                                             "split_file_groups_by_statistics",
                                             "time_zone",
                                             "use_row_number_estimates_to_optimize_partitioning"}));
}

}  // namespace
}  // namespace weir

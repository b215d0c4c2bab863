// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/artifact_tables.h"

#include <arrow/api.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace weir {
namespace {

TEST(ArtifactDocumentation, StandsInDocsAsTheTablesAre) {
  const std::string path = std::string(WEIR_SOURCE_DIR) + "/docs/artifacts.md";
  if (std::getenv("WEIR_ACCEPT") != nullptr) std::ofstream(path) << ArtifactDocumentation();
  std::ifstream file(path);
  const std::string found(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(found, ArtifactDocumentation()) << "run `make docs`";
}

TEST(ArtifactTables, PlanBundlesHaveTheColumnsOfThePlanArtifactContract) {
  const auto& tables = ArtifactTables();
  const auto bundles = std::find_if(tables.begin(), tables.end(), [](const auto& table) { return table.name == "plan_bundles"; });
  ASSERT_NE(bundles, tables.end());
  for (const char* name :
       {"view_name", "plan_fingerprint", "udf_snapshot_hash", "function_registry_hash", "required_udfs", "required_rewrite_tags",
        "domain_planner_names", "delta_inputs", "df_settings", "optimized_plan_pgjson", "optimized_plan_graphviz", "lineage",
        "scan_units", "plan_details", "udf_compatibility_ok"}) {
    EXPECT_NE(bundles->schema()->GetFieldByName(name), nullptr) << name;
  }
}

TEST(ArtifactTables, ValuesOfSecretsAreNotShown) {
  EXPECT_EQ(Redacted("aws_secret_access_key", "abc"), "***");
  EXPECT_EQ(Redacted("azure_storage_sas_token", "abc"), "***");
  EXPECT_EQ(Redacted("datafusion.execution.batch_size", "8192"), "8192");
}

TEST(ArtifactTables, RowsAreAppendedWithOneCommitATable) {
  auto session = engine::Session::Open({});
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  const std::string warehouse = "file://" + testing::TempDir() + "artifacts_" + std::to_string(::getpid()) + "/";
  for (int run = 0; run < 2; ++run) {
    ArtifactRows rows;
    for (int i = 0; i < 3; ++i) rows.Add("settings", {"hash", "name" + std::to_string(i), "value"});
    const Status committed = rows.Commit(*session, warehouse, 1'700'000'000'000);
    ASSERT_TRUE(committed.ok()) << committed.ToString();
    auto snapshot = engine::DeltaSnapshot::Open(*session, ArtifactTableUrl(warehouse, "settings"));
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    EXPECT_EQ(snapshot->version(), run);
    const auto files = snapshot->files();
    ASSERT_TRUE(files.ok());
    EXPECT_EQ(files->size(), static_cast<size_t>(run + 1));
    EXPECT_EQ(files->front().rows, 3);
  }
}

}  // namespace
}  // namespace weir

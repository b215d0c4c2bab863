// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/artifact_tables.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/artifacts/compaction.h"
#include "weir/base/clock.h"
#include "weir/base/temporary_folder_testing.h"
#include "weir/delta/delta_schema.h"

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
  const auto bundles = std::find_if(tables.begin(), tables.end(),
                                    [](const auto& table) { return table.name == "plan_bundles"; });
  ASSERT_NE(bundles, tables.end());
  for (const char* name :
       {"view_name", "plan_fingerprint", "udf_snapshot_hash", "function_registry_hash",
        "required_udfs", "required_rewrite_tags", "domain_planner_names", "delta_inputs",
        "df_settings", "optimized_plan_pgjson", "optimized_plan_graphviz", "lineage", "scan_units",
        "plan_details", "udf_compatibility_ok"}) {
    EXPECT_NE(bundles->schema()->GetFieldByName(name), nullptr) << name;
  }
}

TEST(ArtifactTables, ValuesOfSecretsAreNotShown) {
  for (const char* key :
       {"aws_secret_access_key", "azure_storage_sas_token", "azure_storage_account_key",
        "AWS_SESSION_TOKEN", "api-key", "apiKey", "sas", "google.service_account_credentials",
        "datafusion.execution.parquet.crypto.file_encryption.footer_key_as_hex", "db.passwd",
        "sig"}) {
    EXPECT_EQ(Redacted(key, "abc"), "***") << key;
  }
  for (const char* key :
       {"datafusion.execution.batch_size", "disaster", "keyboard", "passes", "signature_version",
        "", "datafusion.execution.perfect_hash_join_min_key_density",
        "datafusion.optimizer.filter_null_join_keys", "map_key_dedup_policy"}) {
    EXPECT_EQ(Redacted(key, "8192"), "8192") << key;
  }
}

TEST(ArtifactTables, HaveColumnsThatTheContentOfADeltaTableCanHave) {
  for (const ArtifactTable& table : ArtifactTables()) {
    EXPECT_TRUE(DeltaSchemaString(*table.schema()).ok()) << table.name;
    EXPECT_FALSE(table.description.empty()) << table.name;
    for (const ArtifactColumn& column : table.columns)
      EXPECT_FALSE(column.description.empty()) << table.name << "." << column.name;
    const bool is_of_runs =
        table.name != "settings" && table.name != "functions" && table.name != "maintenance";
    EXPECT_EQ(table.columns.front().name == "run_id", is_of_runs) << table.name;
  }
}

/// A value that tells its column and row, or NULL.
ArtifactValue ValueFor(ArtifactType type, int64_t n) {
  switch (type) {
    case ArtifactType::kText:
    case ArtifactType::kBinary:
      return std::string(type == ArtifactType::kText ? "text" : "\0\xFF",
                         type == ArtifactType::kText ? 4 : 2) +
             std::to_string(n);
    case ArtifactType::kInteger:
    case ArtifactType::kTimestamp:
      return 1'700'000'000'000'000 + n;
    case ArtifactType::kFloat:
      return 0.5 + static_cast<double>(n);
    case ArtifactType::kBoolean:
      return n % 2 == 0;
    case ArtifactType::kTextList:
      return n % 2 == 0 ? std::vector<std::string>{"a", "", std::to_string(n)}
                        : std::vector<std::string>{};
  }
  return {};
}

/// What a cell should read as.
std::string Expected(const ArtifactColumn& column, const ArtifactValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return "null";
  arrow::StringBuilder items;
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    EXPECT_TRUE(items.AppendValues(*list).ok());
    return arrow::ListScalar(*items.Finish(), arrow::list(arrow::field("element", arrow::utf8())))
        .ToString();
  }
  if (column.type == ArtifactType::kBinary)
    return arrow::BinaryScalar(std::get<std::string>(value)).ToString();
  if (column.type == ArtifactType::kText) return std::get<std::string>(value);
  if (column.type == ArtifactType::kFloat)
    return arrow::DoubleScalar(std::get<double>(value)).ToString();
  if (column.type == ArtifactType::kBoolean) return std::get<bool>(value) ? "true" : "false";
  if (column.type == ArtifactType::kInteger) return std::to_string(std::get<int64_t>(value));
  return arrow::TimestampScalar(std::get<int64_t>(value),
                                arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))
      .ToString();
}

TEST(ArtifactTables, GiveBackEveryValueThatWasAdded) {
  auto session = engine::Session::Open({});
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  const TemporaryFolder folder;
  const std::string warehouse = "file://" + folder.path().string() + "/";
  std::map<std::string, std::vector<ArtifactRow>> added;
  ArtifactRows rows("r1");
  for (const ArtifactTable& table : ArtifactTables()) {
    for (int64_t n = 0; n < 5; ++n) {
      ArtifactRow row;
      for (size_t i = 0; i < table.columns.size(); ++i) {
        const bool is_null = n == 4 || (i + static_cast<size_t>(n)) % 3 == 2;
        row.push_back(is_null ? ArtifactValue() : ValueFor(table.columns[i].type, n));
      }
      rows.Add(table.name, row);
      added[table.name].push_back(row);
    }
  }
  const Status committed = rows.Commit(*session, warehouse, 1'700'000'000'000);
  ASSERT_TRUE(committed.ok()) << committed.ToString();
  for (const ArtifactTable& table : ArtifactTables()) {
    const auto snapshot =
        engine::DeltaSnapshot::Open(*session, ArtifactTableUrl(warehouse, table.name));
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    const auto readable = snapshot->AsTable(*session, ArtifactTableUrl(warehouse, table.name));
    ASSERT_TRUE(readable.ok()) << readable.status().ToString();
    ASSERT_TRUE(session->RegisterTable(table.name, *readable).ok());
    const auto read = session->Query("SELECT * FROM " + table.name);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    ASSERT_EQ((*read)->num_rows(), 5) << table.name;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const auto column = (*read)->GetColumnByName(table.columns[i].name);
      ASSERT_NE(column, nullptr) << table.name << "." << table.columns[i].name;
      for (int64_t n = 0; n < 5; ++n) {
        EXPECT_EQ((*column->GetScalar(n))->ToString(),
                  Expected(table.columns[i], added[table.name][static_cast<size_t>(n)][i]))
            << table.name << "." << table.columns[i].name << " row " << n;
      }
    }
  }
}

TEST(ArtifactTables, RowsAreAppendedWithOneCommitATable) {
  auto session = engine::Session::Open({});
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  const TemporaryFolder folder;
  const std::string warehouse = "file://" + folder.path().string() + "/";
  for (int run = 0; run < 2; ++run) {
    ArtifactRows rows("r" + std::to_string(run));
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

TEST(ArtifactTables, WhatIsRecordedAgainAddsNothing) {
  auto session = engine::Session::Open({});
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  const TemporaryFolder folder;
  const std::string warehouse = "file://" + folder.path().string() + "/";
  const int64_t now_ms = SystemClock().Now() / 1000;
  const auto record = [&](const std::string& run, bool as_set) {
    ArtifactRows rows(run);
    rows.Add("settings", {"hash", "name", "value"});
    if (as_set) rows.SetTransaction("settings", "weir.settings.hash", 1);
    const Status committed = rows.Commit(*session, warehouse, now_ms);
    ASSERT_TRUE(committed.ok()) << committed.ToString();
  };
  const auto files = [&] {
    size_t count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder.path() / "_weir" / "settings"))
      count += entry.path().extension() == ".parquet" ? 1 : 0;
    return count;
  };
  record("r1", false);
  record("r1", false);
  EXPECT_EQ(files(), 1U);
  record("r2", false);
  EXPECT_EQ(files(), 2U);
  record("r3", true);
  record("r4", true);
  EXPECT_EQ(files(), 3U);
  const auto snapshot =
      engine::DeltaSnapshot::Open(*session, ArtifactTableUrl(warehouse, "settings"));
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_EQ(snapshot->version(), 2);
}

TEST(ArtifactTables, SmallFilesArePutTogether) {
  auto session = engine::Session::Open({});
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  const TemporaryFolder folder;
  const std::string warehouse = "file://" + folder.path().string() + "/";
  const std::string url = ArtifactTableUrl(warehouse, "settings");
  const int64_t commits = 2 * kCompactionInterval + 3;
  for (int64_t n = 0; n < commits; ++n) {
    ArtifactRows rows("r" + std::to_string(n));
    rows.Add("settings", {"hash", "name" + std::to_string(n), n % 2 == 0 ? ArtifactValue() : "v"});
    const Status committed = rows.Commit(*session, warehouse, 1'700'000'000'000);
    ASSERT_TRUE(committed.ok()) << committed.ToString();
  }
  const auto snapshot = engine::DeltaSnapshot::Open(*session, url);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_EQ(snapshot->version(), commits + 1);  // from 0 on, and two compactions
  const auto files = snapshot->files();
  ASSERT_TRUE(files.ok());
  EXPECT_LT(files->size(), 5U);
  const auto readable = snapshot->AsTable(*session, url);
  ASSERT_TRUE(readable.ok()) << readable.status().ToString();
  ASSERT_TRUE(session->RegisterTable("settings", *readable).ok());
  const auto read = session->Query(
      "SELECT count(*), count(DISTINCT name), count(value), min(name), max(name) FROM settings");
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  const auto cell = [&](int i) { return (*(*read)->column(i)->GetScalar(0))->ToString(); };
  EXPECT_EQ(cell(0), std::to_string(commits));
  EXPECT_EQ(cell(1), std::to_string(commits));
  EXPECT_EQ(cell(2), std::to_string(commits / 2));
  EXPECT_EQ(cell(3), "name0");
  EXPECT_EQ(cell(4), "name99");
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/scan_unit.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/plan/plan_testing.h"
#include "weir/scan/expression_testing.h"

namespace weir {
namespace {

using namespace testing_expressions;

std::shared_ptr<LogicalPlan> ScanNode(int scan_id, std::string table,
                                      std::vector<Expression> filters = {},
                                      std::vector<std::string> columns = {"i"}) {
  auto node = std::make_shared<LogicalPlan>();
  node->kind = PlanKind::kScan;
  node->scan = Scan{.scan_id = scan_id,
                    .table = std::move(table),
                    .schema = arrow::schema({arrow::field("i", arrow::int32())}),
                    .columns = std::move(columns)};
  node->expressions = std::move(filters);
  return node;
}

PlanBundle BundleOf(std::vector<std::shared_ptr<const LogicalPlan>> scans) {
  auto plan = std::make_shared<LogicalPlan>();
  plan->kind = PlanKind::kUnion;
  plan->inputs = std::move(scans);
  PlanBundle bundle;
  bundle.view_name = "v";
  bundle.plan = plan;
  return bundle;
}

DataFile FileWith(std::string path, int64_t rows, int minimum, int maximum) {
  return {
      .path = std::move(path),
      .size_bytes = 100,
      .rows = rows,
      .statistics = fmt::format(
          R"({{"numRecords":{},"minValues":{{"i":{}}},"maxValues":{{"i":{}}},"nullCount":{{"i":0}}}})",
          rows, minimum, maximum)};
}

PinnedTable TableOf(std::vector<DataFile> files, TableKind kind = TableKind::kDelta) {
  PinnedTable table;
  table.kind = kind;
  table.url = "memory:///t/";
  table.version = 7;
  table.schema = arrow::schema({arrow::field("i", arrow::int32())});
  table.files = std::make_shared<const TableFiles>(std::move(files));
  return table;
}

std::vector<ScanUnit> Derive(const PlanBundle& bundle,
                             const std::map<std::string, PinnedTable>& tables) {
  const auto units =
      DeriveScanUnits(bundle, [&](const std::string& name) -> std::shared_ptr<const PinnedTable> {
        const auto found = tables.find(name);
        return found == tables.end() ? nullptr : std::make_shared<const PinnedTable>(found->second);
      });
  EXPECT_TRUE(units.ok()) << units.status().ToString();
  return units.ok() ? *units : std::vector<ScanUnit>();
}

const auto kNoViews = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };

TEST(ScanUnits, SayWhatIsKeptAndWhyTheRestIsNot) {
  const auto bundle = BundleOf({ScanNode(0, "t", {Binary("<", {Column("i"), Int(5)})})});
  const auto units =
      Derive(bundle, {{"t", TableOf({FileWith("a", 10, 0, 3), FileWith("b", 20, 5, 9),
                                     FileWith("c", 30, 2, 7)})}});
  ASSERT_EQ(units.size(), 1U);
  const ScanUnit& unit = units[0];
  EXPECT_EQ(unit.view_name, "v");
  EXPECT_EQ(unit.table, "t");
  EXPECT_EQ(unit.version, 7);
  EXPECT_EQ(unit.url, "memory:///t/");
  EXPECT_EQ(unit.columns, std::vector<std::string>{"i"});
  EXPECT_EQ(unit.filters, std::vector<std::string>{"i < 5"});
  EXPECT_EQ(unit.kept, (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(unit.files->path(unit.kept[1]), "c");
  EXPECT_EQ(unit.kept_bytes, 200);
  EXPECT_EQ(unit.kept_rows, 40);
  ASSERT_EQ(unit.pruned_files.size(), 1U);
  EXPECT_EQ(unit.files->path(unit.pruned_files[0].file), "b");
  EXPECT_EQ(unit.pruned_files[0].reason, "`i < 5`: i is 5 to 9");
  EXPECT_TRUE(unit.files_known);
}

TEST(ScanUnits, ATableThatIsReadTwiceHasTwo) {
  const auto bundle =
      BundleOf({ScanNode(1, "t", {Binary(">", {Column("i"), Int(5)})}), ScanNode(0, "t")});
  const auto units = Derive(bundle, {{"t", TableOf({FileWith("a", 10, 0, 3)})}});
  ASSERT_EQ(units.size(), 2U);
  EXPECT_EQ(units[0].scan_id, 0);
  EXPECT_EQ(units[0].kept.size(), 1U);
  EXPECT_EQ(units[1].scan_id, 1);
  EXPECT_EQ(units[1].kept.size(), 0U);
}

TEST(ScanUnits, RowsAreUnknownAsSoonAsOneFilesAre) {
  DataFile unknown = FileWith("b", 20, 5, 9);
  unknown.rows = -1;
  unknown.statistics = "";
  const auto units =
      Derive(BundleOf({ScanNode(0, "t")}),
             {{"t", TableOf({FileWith("a", 10, 0, 3), unknown, FileWith("c", 10, 0, 3)})}});
  EXPECT_EQ(units[0].kept_rows, -1);
  EXPECT_EQ(units[0].kept_bytes, 300);
}

TEST(ScanUnits, AViewThatWasNeverBuiltHasUnknownFiles) {
  const auto units = Derive(BundleOf({ScanNode(0, "upstream")}), {});
  ASSERT_EQ(units.size(), 1U);
  EXPECT_EQ(units[0].kind, TableKind::kView);
  EXPECT_FALSE(units[0].files_known);
  EXPECT_EQ(units[0].kept_rows, -1);
}

TEST(ScanUnits, TablesThatDeltaRsReadsArePrunedToo) {
  PinnedTable table = TableOf({FileWith("a", 10, 5, 9), FileWith("b", 10, 0, 9)});
  table.has_row_masks = true;
  const auto units =
      Derive(BundleOf({ScanNode(0, "t", {Binary("<", {Column("i"), Int(5)})})}), {{"t", table}});
  EXPECT_EQ(units[0].kept, std::vector<uint32_t>{1});
}

TEST(ScanUnits, AContradictionKeepsTheFileAndWarns) {
  DataFile reversed = FileWith("b", 10, 9, 5);
  const auto units =
      Derive(BundleOf({ScanNode(0, "t", {Binary("<", {Column("i"), Int(5)})})}),
             {{"t", TableOf({FileWith("a", 10, 5, 9), reversed, FileWith("c", 10, 8, 6)})}});
  EXPECT_EQ(units[0].kept, (std::vector<uint32_t>{1, 2}));
  const auto warnings = WarningsOf(units);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].code, "W4001");
  EXPECT_EQ(warnings[0].severity, Severity::kWarning);
  EXPECT_EQ(warnings[0].view_name, "v");
  EXPECT_EQ(
      warnings[0].message,
      "the log of table `t` contradicts itself, its file is read though it may hold no wanted "
      "row: the minimum of `i` is 9, its maximum 5 (and 1 more file): `b`");
}

TEST(ScanUnits, TheEnginesOwnTablesHaveNone) {
  EXPECT_TRUE(Derive(BundleOf({ScanNode(-1, "$empty")}), {}).empty());
}

TEST(ScanUnits, TheDefaultSchemaIsNotPartOfAName) {
  const auto units = Derive(BundleOf({ScanNode(0, "public.t"), ScanNode(1, "other.t")}), {});
  EXPECT_EQ(units[0].table, "t");
  EXPECT_EQ(units[1].table, "other.t");
}

TEST(ScanUnits, FiltersThatTheEngineWroteArePrunedBy) {
  const auto plan = testing_plans::DecodeCase("filter_influences_every_row");
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  PlanBundle bundle;
  bundle.view_name = "v";
  bundle.plan = *plan;
  PinnedTable flights;
  flights.schema = CollectScans(**plan)[0]->schema;
  std::vector<DataFile> files;
  const auto file = [&](const std::string& path, const std::string& origin, int delay) {
    files.push_back({.path = path,
                     .partition_values = {{"origin", origin}},
                     .statistics = fmt::format(R"({{"maxValues":{{"dep_delay":{}}}}})", delay)});
  };
  file("a", "JFK", 16);
  file("b", "JFK", 15);
  file("c", "EWR", 16);
  flights.files = std::make_shared<const TableFiles>(std::move(files));
  const auto units = Derive(bundle, {{"flights", flights}});
  ASSERT_EQ(units.size(), 1U);
  // The delay is a float: NaN may stand above its maximum.
  EXPECT_EQ(units[0].kept, (std::vector<uint32_t>{0, 1}));
  ASSERT_EQ(units[0].pruned_files.size(), 1U);
  EXPECT_EQ(units[0].pruned_files[0].reason, "`flights.origin = 'JFK'`: origin is 'EWR'");
}

/// The input hash of a scan of `t` with a filter that files above 4 do not pass.
std::string HashOf(const PinnedTable& table, const std::vector<std::string>& columns = {"i"}) {
  const auto bundle = BundleOf({ScanNode(0, "t", {Binary("<", {Column("i"), Int(5)})}, columns)});
  const auto hash = InputHash(Derive(bundle, {{"t", table}}), kNoViews);
  return hash ? hash->ToString() : "none";
}

TEST(InputHash, ChangesWithTheKeptFiles) {
  const std::string before = HashOf(TableOf({FileWith("a", 10, 0, 3)}));
  EXPECT_EQ(HashOf(TableOf({FileWith("a", 10, 0, 3)})), before);
  EXPECT_NE(HashOf(TableOf({FileWith("a2", 10, 0, 3)})), before);
  EXPECT_NE(HashOf(TableOf({FileWith("a", 10, 0, 3), FileWith("b", 10, 0, 3)})), before);
  EXPECT_NE(HashOf(TableOf({})), before);
}

TEST(InputHash, StaysWhenOnlyPrunedFilesChange) {
  EXPECT_EQ(HashOf(TableOf({FileWith("a", 10, 0, 3), FileWith("b", 10, 5, 9)})),
            HashOf(TableOf({FileWith("a", 10, 0, 3)})));
}

TEST(InputHash, ChangesWithTheProjectedColumns) {
  const PinnedTable table = TableOf({FileWith("a", 10, 0, 3)});
  EXPECT_NE(HashOf(table, {"i"}), HashOf(table, {"j"}));
  EXPECT_NE(HashOf(table, {"i", "j"}), HashOf(table, {"ij"}));
}

TEST(InputHash, ListedFilesCountByTheirTimeSizeAndEtag) {
  const auto hash_of = [](const DataFile& file) {
    return HashOf(TableOf({file}, TableKind::kListing));
  };
  const DataFile file = FileWith("a.csv", -1, 0, 3);
  const std::string before = hash_of(file);
  EXPECT_EQ(hash_of(file), before);
  DataFile changed = file;
  changed.modified_ms = 5;
  EXPECT_NE(hash_of(changed), before);
  changed = file;
  changed.size_bytes = 101;
  EXPECT_NE(hash_of(changed), before);
  changed = file;
  changed.etag = "second";
  EXPECT_NE(hash_of(changed), before);
}

TEST(InputHash, DeltaFilesAreImmutable) {
  const std::string before = HashOf(TableOf({FileWith("a", 10, 0, 3)}));
  DataFile touched = FileWith("a", 10, 0, 3);
  touched.modified_ms = 5;
  PinnedTable table = TableOf({touched});
  table.version = 8;
  EXPECT_EQ(HashOf(table), before);
}

TEST(InputHash, ADeletionVectorChangesAFileUnderItsName) {
  DataFile masked = FileWith("a", 10, 0, 3);
  const std::string before = HashOf(TableOf({masked}));
  masked.has_deletion_vector = true;
  EXPECT_NE(HashOf(TableOf({masked})), before);
}

TEST(InputHash, ADeletionVectorOfAPrunedFileChangesNothing) {
  DataFile masked = FileWith("b", 10, 5, 9);
  const std::string before = HashOf(TableOf({FileWith("a", 10, 0, 3), masked}));
  masked.has_deletion_vector = true;
  EXPECT_EQ(HashOf(TableOf({FileWith("a", 10, 0, 3), masked})), before);
}

TEST(InputHash, ViewsCountByTheirContent) {
  const auto bundle = BundleOf({ScanNode(0, "upstream")});
  const auto hash_with = [&](std::vector<DataFile> files, const std::string& content) {
    const auto units = Derive(bundle, {{"upstream", TableOf(std::move(files), TableKind::kView)}});
    return InputHash(units, [&](const std::string&) { return std::optional(ViewContent(content)); })
        ->ToString();
  };
  EXPECT_EQ(hash_with({FileWith("a", 10, 0, 3)}, "x"), hash_with({FileWith("b", 20, 0, 3)}, "x"));
  EXPECT_EQ(hash_with({FileWith("a", 10, 0, 3)}, "x"), hash_with({}, "x"));
  EXPECT_NE(hash_with({}, "x"), hash_with({}, "y"));
  EXPECT_EQ(InputHash(Derive(bundle, {}), kNoViews), std::nullopt);
}

TEST(InputHash, StatesTellTheTablesApart) {
  const auto bundle = BundleOf({ScanNode(0, "t"), ScanNode(1, "u"), ScanNode(2, "upstream")});
  std::map<std::string, PinnedTable> tables = {{"t", TableOf({FileWith("a", 10, 0, 3)})},
                                               {"u", TableOf({FileWith("b", 10, 0, 3)})}};
  const auto content = [](const std::string&) { return std::optional(ViewContent("content")); };
  const auto before = InputStates(Derive(bundle, tables), content);
  ASSERT_EQ(before.size(), 3U);
  EXPECT_TRUE(before.at("upstream").starts_with("view:content;")) << before.at("upstream");
  tables["u"] = TableOf({FileWith("c", 10, 0, 3)});
  const auto after = InputStates(Derive(bundle, tables), content);
  EXPECT_EQ(after.at("t"), before.at("t"));
  EXPECT_NE(after.at("u"), before.at("u"));
}

}  // namespace
}  // namespace weir

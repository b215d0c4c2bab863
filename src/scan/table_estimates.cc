// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/table_estimates.h"

#include <algorithm>
#include <map>

#include "weir/plan/join_order.h"
#include "weir/scan/column_facts.h"

namespace weir {

namespace {

/// Of more files every so many-th is looked at.
constexpr size_t kMostFiles = 1000;
/// Of a table whose log does not count its rows.
constexpr double kBytesOfRow = 40;

std::optional<double> NumberOf(const std::optional<Value>& value) {
  if (!value) return {};
  if (const auto* whole = std::get_if<int64_t>(&*value)) return static_cast<double>(*whole);
  if (const auto* number = std::get_if<double>(&*value)) return *number;
  if (const auto* decimal = std::get_if<ExactDecimal>(&*value)) {
    static constexpr int kScale = 38;
    return decimal->unscaled.ToDouble(kScale);
  }
  return {};
}

std::vector<Expression> ColumnExpressions(const std::set<std::string>& names) {
  std::vector<Expression> columns;
  for (const std::string& name : names)
    columns.push_back({.kind = ExpressionKind::kColumn, .name = name});
  return columns;
}

/// Bounds that hold for all of the files that are looked at; nothing where one has none.
std::map<std::string, ColumnBounds> BoundsOf(const FileList& files,
                                             const std::vector<uint32_t>& kept,
                                             const std::vector<Expression>& columns,
                                             const ColumnReferences& references) {
  std::map<std::string, ColumnBounds> bounds;
  std::set<std::string> unknown;
  const size_t step = kept.size() / kMostFiles + 1;
  for (size_t i = 0; i < kept.size(); i += step) {
    FileFacts of_file(files, kept[i]);
    for (const Expression& column : columns) {
      const ColumnReference* reference = references.Find(column);
      if (reference == nullptr || unknown.contains(column.name)) continue;
      const ColumnFacts& facts = of_file.Of(*reference);
      if (facts.all_null || files.rows(kept[i]) == 0) continue;
      const auto min = NumberOf(facts.min), max = NumberOf(facts.max);
      if (!min || !max) {
        unknown.insert(column.name);
        bounds.erase(column.name);
        continue;
      }
      ColumnBounds& of_column =
          bounds.try_emplace(column.name, ColumnBounds{.min = *min, .max = *max}).first->second;
      of_column.min = std::min(of_column.min, *min);
      of_column.max = std::max(of_column.max, *max);
    }
  }
  return bounds;
}

}  // namespace

std::set<StatisticsPath> StatisticsForJoinOrder(const PinnedTable& table,
                                                const std::set<std::string>& columns) {
  return ColumnReferences(table.schema, table.log_schema, ColumnExpressions(columns))
      .StatisticsPaths();
}

Result<TableEstimates> EstimateTables(const PlanBundle& bundle, const TableLookup& lookup,
                                      const std::vector<ScanUnit>& units) {
  auto tables = std::make_shared<std::map<int, TableEstimate>>();
  const auto wanted = ColumnsForJoinOrder(*bundle.plan);
  for (const ScanUnit& unit : units) {
    const auto columns = wanted.find(unit.scan_id);
    if (columns == wanted.end()) continue;
    const auto table = lookup(unit.table);
    if (!table) continue;
    const std::vector<Expression> expressions = ColumnExpressions(columns->second);
    const ColumnReferences references(table->schema, table->log_schema, expressions);
    // In the order of the unit's own list: both are of the same version.
    WEIR_ASSIGN_OR_RETURN(const auto files, table->files->Read(references.StatisticsPaths()));
    TableEstimate& estimate = (*tables)[unit.scan_id];
    estimate.rows = unit.kept_rows >= 0 ? static_cast<double>(unit.kept_rows)
                                        : static_cast<double>(unit.kept_bytes) / kBytesOfRow;
    estimate.columns = BoundsOf(*files, unit.kept, expressions, references);
  }
  return TableEstimates([tables](const Scan& scan) -> std::optional<TableEstimate> {
    const auto found = tables->find(scan.scan_id);
    return found == tables->end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace weir

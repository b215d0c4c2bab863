// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/scan_unit.h"

#include <arrow/api.h>

#include "weir/scan/file_pruner.h"

namespace weir {

namespace {

void ChooseFiles(const PinnedTable& table, const std::vector<Expression>& filters, ScanUnit& unit) {
  const FilePruner pruner(table.schema, filters);
  for (size_t i = 0; i < table.files.size(); ++i) {
    const DataFile& file = table.files[i];
    std::optional<std::string> reason;
    // Deletion vectors and column mapping change what statistics mean; such tables are left to
    // delta-rs' own scan.
    if (unit.restrictable) reason = pruner.ReasonToPrune(file);
    if (reason) {
      unit.pruned_files.push_back({file, std::move(*reason)});
      continue;
    }
    unit.kept.push_back(static_cast<uint32_t>(i));
    unit.kept_files.push_back(file);
    unit.kept_bytes += file.size_bytes;
    unit.kept_rows = file.rows < 0 || unit.kept_rows < 0 ? -1 : unit.kept_rows + file.rows;
  }
}

std::string WithoutDefaultSchema(const std::string& name) {
  return name.starts_with("public.") ? name.substr(7) : name;
}

/// The hash of one source scan's files and columns.
std::string SourceState(const ScanUnit& unit) {
  FingerprintBuilder builder;
  builder.Add("options", unit.read_options_hash);
  for (const std::string& column : unit.columns) builder.Add("column", column);
  // A deletion vector takes rows from a file that keeps its name.
  if (!unit.restrictable) builder.Add("version", unit.version);
  for (const DataFile& file : unit.kept_files) {
    builder.Add("path", file.path).Add("size", file.size_bytes);
    // Delta's files never change under their name; others are told apart by their time.
    if (unit.kind == TableKind::kListing)
      builder.Add("modified", file.modified_ms).Add("etag", file.etag);
  }
  return builder.Finish().ToString();
}

}  // namespace

Result<std::vector<ScanUnit>> DeriveScanUnits(const PlanBundle& bundle, const TableLookup& lookup) {
  std::vector<ScanUnit> units;
  for (const LogicalPlan* node : CollectScanNodes(*bundle.plan)) {
    const Scan& scan = *node->scan;
    if (scan.table.starts_with("$")) continue;
    ScanUnit unit;
    unit.view_name = bundle.view_name;
    unit.scan_id = scan.scan_id;
    unit.table = WithoutDefaultSchema(scan.table);
    unit.columns = scan.columns;
    for (const Expression& filter : node->expressions) unit.filters.push_back(ToText(filter));
    const std::shared_ptr<const PinnedTable> table = lookup(unit.table);
    if (!table) {
      unit.kind = TableKind::kView;
      unit.files_known = false;
      unit.kept_rows = -1;
    } else {
      unit.kind = table->kind;
      unit.url = table->url;
      unit.version = table->version;
      unit.read_options_hash = table->read_options_hash;
      unit.restrictable = !table->needs_delta_scan;
      ChooseFiles(*table, node->expressions, unit);
    }
    units.push_back(std::move(unit));
  }
  return units;
}

std::map<std::string, std::string> InputStates(
    const std::vector<ScanUnit>& units,
    const std::function<std::optional<std::string>(const std::string&)>& content_hash) {
  std::map<std::string, std::string> states;
  for (const ScanUnit& unit : units) {
    if (unit.kind == TableKind::kView) {
      states[unit.table] = content_hash(unit.table).value_or("");
    } else {
      states[unit.table] += SourceState(unit);
    }
  }
  return states;
}

std::optional<Fingerprint> InputHash(
    const std::vector<ScanUnit>& units,
    const std::function<std::optional<std::string>(const std::string&)>& content_hash) {
  for (const ScanUnit& unit : units) {
    if (unit.kind == TableKind::kView && !content_hash(unit.table)) return std::nullopt;
  }
  FingerprintBuilder builder;
  for (const auto& [table, state] : InputStates(units, content_hash)) builder.Add(table, state);
  return builder.Finish();
}

}  // namespace weir

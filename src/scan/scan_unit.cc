// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/scan_unit.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/scan/file_pruner.h"

namespace weir {

namespace {

Status ChooseFiles(const PinnedTable& table, const std::vector<Expression>& filters,
                   ScanUnit& unit) {
  const FilePruner pruner(table.schema, filters, table.log_schema);
  WEIR_ASSIGN_OR_RETURN(unit.files, table.files->Read(pruner.StatisticsPaths()));
  const FileList& files = *unit.files;
  for (uint32_t i = 0; i < files.size(); ++i) {
    FileVerdict verdict = pruner.Judge(files, i);
    if (verdict.reason) {
      unit.pruned_files.push_back({i, std::move(*verdict.reason)});
      continue;
    }
    if (!verdict.contradiction.empty())
      unit.bad_statistics.push_back({i, std::move(verdict.contradiction)});
    unit.kept.push_back(i);
    unit.kept_bytes += files.size_bytes(i);
    const int64_t rows = files.rows(i);
    unit.kept_rows = rows < 0 || unit.kept_rows < 0 ? -1 : unit.kept_rows + rows;
  }
  return Status::OK();
}

std::string WithoutDefaultSchema(const std::string& name) {
  return name.starts_with("public.") ? name.substr(7) : name;
}

/// The hash of one source scan's files and columns.
std::string SourceState(const ScanUnit& unit) {
  FingerprintBuilder builder;
  builder.Add("options", unit.read_options_hash);
  for (const std::string& column : unit.columns) builder.Add("column", column);
  for (const uint32_t i : unit.kept) {
    const FileList& files = *unit.files;
    builder.Add("path", files.path(i)).Add("size", files.size_bytes(i));
    // Delta's files never change under their name; others are told apart by their time.
    if (unit.kind == TableKind::kListing)
      builder.Add("modified", files.modified_ms(i)).Add("etag", files.etag(i));
    // A deletion vector takes rows from a file that keeps its name.
    if (!files.deletion_vector(i).empty()) builder.Add("deletion vector", files.deletion_vector(i));
  }
  return builder.Finish().ToString();
}

}  // namespace

void AnnounceScans(const PlanBundle& bundle, const TableLookup& lookup) {
  for (const LogicalPlan* node : CollectScanNodes(*bundle.plan)) {
    if (node->scan->table.starts_with("$")) continue;
    const std::shared_ptr<const PinnedTable> table =
        lookup(WithoutDefaultSchema(node->scan->table));
    if (!table) continue;
    const FilePruner pruner(table->schema, node->expressions, table->log_schema);
    table->files->Announce(pruner.StatisticsPaths());
  }
}

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
      WEIR_RETURN_NOT_OK(ChooseFiles(*table, node->expressions, unit));
    }
    units.push_back(std::move(unit));
  }
  return units;
}

std::vector<Diagnostic> WarningsOf(const std::vector<ScanUnit>& units) {
  std::vector<Diagnostic> warnings;
  for (const ScanUnit& unit : units) {
    if (unit.bad_statistics.empty()) continue;
    const BadStatistics& first = unit.bad_statistics.front();
    Diagnostic warning{.code = "W4001", .severity = Severity::kWarning};
    warning.blame = Blame::kEnvironment;
    warning.view_name = unit.view_name;
    const size_t others = unit.bad_statistics.size() - 1;
    warning.message = fmt::format(
        "the log of table `{}` contradicts itself, its file is read though it may hold no wanted "
        "row: {}{}: `{}`",
        unit.table, first.what,
        others == 0 ? "" : fmt::format(" (and {} more file{})", others, others == 1 ? "" : "s"),
        unit.files->path(first.file));
    warning.hint = "have the table's writer compute the statistics anew, or rewrite the file";
    warnings.push_back(std::move(warning));
  }
  return warnings;
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

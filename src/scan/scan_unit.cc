// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/scan_unit.h"

#include <algorithm>
#include <set>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/plan/join_order.h"
#include "weir/scan/file_pruner.h"
#include "weir/scan/table_estimates.h"

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
  const auto join_columns = ColumnsForJoinOrder(*bundle.plan);
  for (const LogicalPlan* node : CollectScanNodes(*bundle.plan)) {
    if (node->scan->table.starts_with("$")) continue;
    const std::shared_ptr<const PinnedTable> table =
        lookup(WithoutDefaultSchema(node->scan->table));
    if (!table) continue;
    const FilePruner pruner(table->schema, node->expressions, table->log_schema);
    table->files->Announce(pruner.StatisticsPaths());
    if (const auto columns = join_columns.find(node->scan->scan_id); columns != join_columns.end())
      table->files->Announce(StatisticsForJoinOrder(*table, columns->second));
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
    unit.reading_id = ReadingOf(scan).id;
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

namespace {

// The state of a view: `view:<whole hash>`, then `;<reading id>=<its hash>` for each reading, the
// hash empty where it is not known. Older builds recorded the whole hash alone.
constexpr std::string_view kViewState = "view:";

ViewContent ParseViewState(const std::string& state) {
  if (!state.starts_with(kViewState)) return ViewContent(state);
  ViewContent content;
  size_t at = kViewState.size();
  size_t end = std::min(state.find(';', at), state.size());
  content.whole = state.substr(at, end - at);
  while (end < state.size()) {
    at = end + 1;
    end = std::min(state.find(';', at), state.size());
    const std::string part = state.substr(at, end - at);
    const size_t sign = part.find('=');
    if (sign != std::string::npos) content.readings[part.substr(0, sign)] = part.substr(sign + 1);
  }
  return content;
}

std::string ViewState(const ViewContent& content, const std::set<std::string>& reading_ids) {
  std::string state = std::string(kViewState) + content.whole;
  for (const std::string& id : reading_ids) {
    const auto hash = content.readings.find(id);
    state += ";" + id + "=" + (hash == content.readings.end() ? "" : hash->second);
  }
  return state;
}

}  // namespace

std::map<std::string, std::string> InputStates(const std::vector<ScanUnit>& units,
                                               const ContentLookup& content) {
  std::map<std::string, std::string> states;
  std::map<std::string, std::set<std::string>> readings;
  for (const ScanUnit& unit : units) {
    if (unit.kind == TableKind::kView) {
      readings[unit.table].insert(unit.reading_id);
    } else {
      states[unit.table] += SourceState(unit);
    }
  }
  for (const auto& [view, ids] : readings) {
    const auto known = content(view);
    states[view] = known ? ViewState(*known, ids) : "";
  }
  return states;
}

bool SameContent(const std::string& before, const std::string& now) {
  return before == now || ParseViewState(before).whole == ParseViewState(now).whole;
}

bool SameForReader(const std::string& before, const std::string& now) {
  if (before == now) return true;
  if (!now.starts_with(kViewState)) return false;
  const ViewContent old_content = ParseViewState(before), content = ParseViewState(now);
  if (old_content.whole == content.whole) return true;
  return !content.readings.empty() &&
         std::all_of(content.readings.begin(), content.readings.end(), [&](const auto& reading) {
           const auto old_hash = old_content.readings.find(reading.first);
           return old_hash != old_content.readings.end() && !reading.second.empty() &&
                  old_hash->second == reading.second;
         });
}

bool SameForReader(const std::string& before, const ViewContent& now) {
  std::set<std::string> reading_ids;
  for (const auto& [id, hash] : ParseViewState(before).readings) reading_ids.insert(id);
  return SameForReader(before, ViewState(now, reading_ids));
}

std::optional<Fingerprint> InputHash(const std::vector<ScanUnit>& units,
                                     const ContentLookup& content) {
  for (const ScanUnit& unit : units) {
    if (unit.kind == TableKind::kView && !content(unit.table)) return std::nullopt;
  }
  FingerprintBuilder builder;
  for (const auto& [table, state] : InputStates(units, content)) {
    if (!state.starts_with(kViewState)) {
      builder.Add(table, state);
      continue;
    }
    const ViewContent read = ParseViewState(state);
    const bool known = std::all_of(read.readings.begin(), read.readings.end(),
                                   [](const auto& reading) { return !reading.second.empty(); });
    builder.Add(table, known ? state.substr(state.find(';')) : read.whole);
  }
  return builder.Finish();
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// diff --data: in which rows two versions of views' tables differ.

#include <charconv>
#include <iostream>
#include <set>

#include <arrow/api.h>

#include "weir/artifacts/data_difference.h"
#include "weir/base/json_text.h"
#include "weir/base/nearest.h"
#include "weir/catalog/catalog.h"
#include "weir/catalog/path_table.h"
#include "weir/cli/command.h"
#include "weir/cli/diff_sides.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// A table at a version, as it was asked for.
struct TableSide {
  std::string text;      ///< for people: "orders@20261130T120000Z-0a1b2c"
  std::string url;       ///< or, of `is_path`, what a query would name
  int64_t version = -1;  ///< -1: the latest
  bool is_path = false;
};

/// `path@v12` is version 12.
TableSide SideOfPath(const std::string& text) {
  TableSide side{.text = text, .url = text, .is_path = true};
  const size_t at = text.rfind("@v");
  if (at != std::string::npos) {
    int64_t version = -1;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + at + 2, end, version);
    if (error == std::errc() && rest == end) {
      side.url = text.substr(0, at);
      side.version = version;
    }
  }
  return side;
}

Result<TableSide> SideOfView(const ComparedSide& side, DiffSources& sources) {
  if (!side.table.empty()) return SideOfPath(side.table);
  WEIR_ASSIGN_OR_RETURN(const SessionRuntime* session, sources.Session());
  TableSide table{.text = ToString(side), .url = TableUrl(session->warehouse_url(), side.view)};
  if (side.run.empty()) return table;
  WEIR_ASSIGN_OR_RETURN(const RecordedBundles* recorded, sources.Recorded());
  WEIR_ASSIGN_OR_RETURN(const auto versions, recorded->VersionsUpTo(side.run));
  const auto found = versions.find(side.view);
  if (found == versions.end()) {
    std::vector<std::string> names;
    for (const auto& [name, version] : versions) names.push_back(name);
    const std::string hint = SuggestionHint(side.view, names);
    return Status::User(StatusCode::kNotFound, "no run up to {} has built a view named `{}`",
                        side.run, side.view)
        .WithHint(hint.empty() ? "`weir history` lists the runs" : hint);
  }
  table.version = found->second.version;
  return table;
}

Result<PinnedTable> Pinned(const TableSide& side, const SessionRuntime& session) {
  auto pinned = side.is_path
                    ? PinPath(side.url, {.format = SourceFormat::kDelta, .version = side.version},
                              session.engine())
                    : PinDelta(side.text, side.url, side.version, "", session.engine());
  if (pinned.ok()) return pinned;
  const Status failed = pinned.status().WithContext(fmt::format("`{}`", side.text));
  if (failed.code() != StatusCode::kNotFound) return failed;
  return failed.WithHint(
      "a version that `weir gc` or VACUUM removed cannot be read any more; `weir run --tag` keeps "
      "what a run wrote");
}

void PrintSamples(const std::string& title, const std::shared_ptr<arrow::Table>& rows) {
  if (rows == nullptr || rows->num_rows() == 0) return;
  std::cout << title << "\n" << RenderTable(*rows);
}

Json SamplesJson(const std::shared_ptr<arrow::Table>& rows) {
  Json json = Json::array();
  if (rows == nullptr) return json;
  arrow::TableBatchReader batches(*rows);
  for (std::shared_ptr<arrow::RecordBatch> batch;
       batches.ReadNext(&batch).ok() && batch != nullptr;) {
    for (Json& row : RowsToJson(*batch)) json.push_back(std::move(row));
  }
  return json;
}

Json CountsJson(const DataDifference& found) {
  return {{"removed", found.removed}, {"added", found.added}, {"changed", found.changed}};
}

void PrintDifference(const TableSide& before, const TableSide& after,
                     const PinnedTable& before_table, const PinnedTable& after_table,
                     const DataDifference& found, Format format) {
  if (format == Format::kJson) {
    const auto side = [](const TableSide& of, const PinnedTable& table, int64_t rows) {
      return Json{{"side", of.text}, {"version", table.version}, {"rows", rows}};
    };
    Json changed = Json::object(), columns = Json::array();
    for (const auto& [column, rows] : found.changed_columns) changed[column] = rows;
    for (const ColumnDifference& column : found.columns) {
      columns.push_back({{"column", column.name},
                         {"before", column.before.empty() ? Json() : Json(column.before)},
                         {"after", column.after.empty() ? Json() : Json(column.after)}});
    }
    Json json{{"schema_version", 1},
              {"before", side(before, before_table, found.rows_before)},
              {"after", side(after, after_table, found.rows_after)},
              {"same", found.same()}};
    json.update(CountsJson(found));
    json["changed_columns"] = changed;
    json["columns"] = columns;
    json["samples"] = {{"removed", SamplesJson(found.removed_rows)},
                       {"added", SamplesJson(found.added_rows)},
                       {"changed", Json::object()}};
    for (const auto& [column, rows] : found.changed_rows)
      json["samples"]["changed"][column] = SamplesJson(rows);
    std::cout << JsonText(json, 2) << "\n";
    return;
  }
  std::cout << fmt::format("--- {}  version {}, {} rows\n+++ {}  version {}, {} rows\n",
                           before.text, before_table.version, found.rows_before, after.text,
                           after_table.version, found.rows_after);
  for (const ColumnDifference& column : found.columns) {
    std::cout << (column.after.empty()
                      ? fmt::format("column {} removed: {}\n", column.name, column.before)
                  : column.before.empty()
                      ? fmt::format("column {} added: {}\n", column.name, column.after)
                      : fmt::format("column {}: {} -> {}\n", column.name, column.before,
                                    column.after));
  }
  if (found.same()) {
    std::cout << "no difference\n";
    return;
  }
  std::cout << fmt::format("{} rows removed, {} added, {} changed\n", found.removed, found.added,
                           found.changed);
  for (const auto& [column, rows] : found.changed_columns)
    std::cout << fmt::format("  {} in {} rows\n", column, rows);
  PrintSamples("removed:", found.removed_rows);
  PrintSamples("added:", found.added_rows);
  for (const auto& [column, rows] : found.changed_rows)
    PrintSamples(fmt::format("changed {}:", column), rows);
}

/// Prints how two tables differ; returns whether they do.
Result<bool> CompareTables(const std::pair<ComparedSide, ComparedSide>& sides,
                           const DataDifferenceOptions& options, Format format,
                           DiffSources& sources) {
  WEIR_ASSIGN_OR_RETURN(const TableSide before, SideOfView(sides.first, sources));
  WEIR_ASSIGN_OR_RETURN(const TableSide after, SideOfView(sides.second, sources));
  WEIR_ASSIGN_OR_RETURN(const SessionRuntime* session, sources.Session());
  WEIR_ASSIGN_OR_RETURN(const PinnedTable before_table, Pinned(before, *session));
  WEIR_ASSIGN_OR_RETURN(const PinnedTable after_table, Pinned(after, *session));
  WEIR_ASSIGN_OR_RETURN(const DataDifference found,
                        FindDataDifference(before_table, after_table, options, *session));
  PrintDifference(before, after, before_table, after_table, found, format);
  return !found.same();
}

/// Prints the views whose rows differ between two runs; returns whether there are any. Views with
/// equal content hashes are not read.
Result<bool> CompareRuns(const std::pair<ComparedSide, ComparedSide>& sides, Format format,
                         DiffSources& sources) {
  WEIR_ASSIGN_OR_RETURN(const SessionRuntime* session, sources.Session());
  WEIR_ASSIGN_OR_RETURN(const RecordedBundles* recorded, sources.Recorded());
  const auto versions = [&](const ComparedSide& side) {
    return recorded->VersionsUpTo(side.run.empty() ? recorded->run_ids().back() : side.run);
  };
  WEIR_ASSIGN_OR_RETURN(const auto before, versions(sides.first));
  WEIR_ASSIGN_OR_RETURN(const auto after, versions(sides.second));
  std::set<std::string> names;
  for (const auto* side : {&before, &after}) {
    for (const auto& [name, version] : *side) names.insert(name);
  }
  std::vector<std::vector<std::string>> rows;
  Json views = Json::array();
  for (const std::string& name : names) {
    const auto was = before.find(name), is = after.find(name);
    if (was == before.end() || is == after.end()) {
      const char* change = was == before.end() ? "only after" : "only before";
      rows.push_back({name, change, "", "", ""});
      views.push_back({{"view", name}, {"change", change}});
      continue;
    }
    if (was->second.version == is->second.version ||
        (!was->second.content_hash.empty() &&
         was->second.content_hash == is->second.content_hash)) {
      continue;
    }
    const std::string url = TableUrl(session->warehouse_url(), name);
    const auto table = [&](const RecordedBundles::TableVersion& version) {
      return Pinned({.text = name + "@" + version.run_id, .url = url, .version = version.version},
                    *session);
    };
    WEIR_ASSIGN_OR_RETURN(const PinnedTable first, table(was->second));
    WEIR_ASSIGN_OR_RETURN(const PinnedTable second, table(is->second));
    WEIR_ASSIGN_OR_RETURN(const DataDifference found,
                          FindDataDifference(first, second, {.key = {}, .samples = 0}, *session));
    if (found.same()) continue;
    std::string columns;
    for (const ColumnDifference& column : found.columns)
      columns += (columns.empty() ? "" : ", ") + column.name;
    rows.push_back(
        {name, "changed", std::to_string(found.removed), std::to_string(found.added), columns});
    Json view{{"view", name}, {"change", "changed"}};
    view.update(CountsJson(found));
    views.push_back(std::move(view));
  }
  PrintComparedRuns(sides, {"view", "change", "removed", "added", "columns"}, rows, views, format);
  return !rows.empty();
}

/// What one name, or none, is compared with: of a view the build before its last, of runs the last
/// two.
Result<std::vector<std::string>> Completed(std::vector<std::string> names, DiffSources& sources) {
  if (names.size() > 1 || (names.size() == 1 && !sources.IsView(names[0]))) return names;
  WEIR_ASSIGN_OR_RETURN(const RecordedBundles* recorded, sources.Recorded());
  const auto& runs = recorded->run_ids();
  if (names.empty()) {
    if (runs.size() < 2)
      return Status::User(StatusCode::kNotFound, "two runs are wanted, found one");
    return std::vector<std::string>{runs[runs.size() - 2], runs.back()};
  }
  const std::string view = names[0];
  WEIR_ASSIGN_OR_RETURN(const auto versions, recorded->VersionsOf(view));
  for (auto build = versions.rbegin(); build != versions.rend(); ++build) {
    if (build->second != versions.back().second)
      return std::vector<std::string>{view + "@" + build->first, view};
  }
  return Status::User(StatusCode::kNotFound, "two builds of `{}` are wanted, found {}", view,
                      versions.empty() ? "none" : "one");
}

}  // namespace

int RunDataDiff(const GlobalOptions& options, const std::vector<std::string>& names,
                const DataDifferenceOptions& comparison, bool exit_code) {
  auto sources = DiffSources::Open(options);
  if (!sources.ok()) return FailNamed(sources.status());
  const auto completed = Completed(names, *sources);
  if (!completed.ok()) return FailNamed(completed.status());
  const auto sides = ComparedSidesNamed(*completed, /*takes_tables=*/true, *sources);
  if (!sides.ok()) return FailNamed(sides.status());
  const bool of_runs = sides->first.view.empty() && sides->first.table.empty();
  if (of_runs && !comparison.key.empty()) {
    return FailNamed(
        Status::User(StatusCode::kInvalidArgument, "`--key` goes with two tables, found two runs")
            .WithHint("weir diff --data VIEW@RUN VIEW@RUN --key id"));
  }
  const auto differs = of_runs ? CompareRuns(*sides, options.format, *sources)
                               : CompareTables(*sides, comparison, options.format, *sources);
  if (!differs.ok()) return FailNamed(differs.status());
  return *differs && exit_code ? kWorkFailed : kDone;
}

}  // namespace weir::cli

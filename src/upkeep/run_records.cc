// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/run_records.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/sql_quotes.h"
#include "weir/catalog/catalog.h"

namespace weir {

namespace {

/// Registers an artifact table as `weir.<name>`. Returns its columns; nothing if there is no such
/// table yet.
Result<std::optional<std::set<std::string>>> Register(const SessionRuntime& session,
                                                      const std::string& name) {
  const auto pinned = PinDelta("weir." + name, ArtifactTableUrl(session.warehouse_url(), name), -1,
                               "", session.engine());
  if (!pinned.ok()) {
    if (pinned.status().code() == StatusCode::kNotFound)
      return std::optional<std::set<std::string>>();
    return pinned.status().WithContext(fmt::format("artifact table `{}`", name));
  }
  WEIR_RETURN_NOT_OK(session.engine().RegisterTable(name, *pinned->table, "weir"));
  WEIR_ASSIGN_OR_RETURN(const auto schema, pinned->table->schema());
  const auto names = schema->field_names();
  return std::optional(std::set<std::string>(names.begin(), names.end()));
}

/// The cells of a query as texts; NULL is empty.
Result<std::vector<std::vector<std::string>>> Rows(const SessionRuntime& session,
                                                   const std::string& sql) {
  WEIR_ASSIGN_OR_RETURN(const auto table, session.engine().Query(sql));
  std::vector<std::vector<std::string>> rows(static_cast<size_t>(table->num_rows()));
  for (const auto& column : table->columns()) {
    size_t row = 0;
    for (const auto& chunk : column->chunks()) {
      for (int64_t i = 0; i < chunk->length(); ++i) {
        const auto value = chunk->GetScalar(i);
        if (!value.ok()) return Status::Bug("{}", value.status().ToString());
        rows[row++].push_back((*value)->is_valid ? (*value)->ToString() : "");
      }
    }
  }
  return rows;
}

int64_t IntegerOr(const std::string& text, int64_t otherwise) {
  int64_t value = otherwise;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string Text(const std::string& column) {
  return fmt::format("arrow_cast({}, 'Utf8')", column);
}

/// Microseconds; 0 for NULL.
std::string Time(const std::string& column) {
  return fmt::format("coalesce(arrow_cast({}, 'Int64'), 0)", column);
}

std::string ListOf(const std::set<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + QuotedSqlText(text);
  return list;
}

}  // namespace

Result<std::vector<RecordedRun>> ReadRuns(const SessionRuntime& session) {
  std::vector<RecordedRun> runs;
  WEIR_ASSIGN_OR_RETURN(const auto columns, Register(session, "runs"));
  if (!columns) return runs;
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      Rows(session,
           fmt::format("SELECT {}, {}, {}, CASE WHEN state = 'killed' THEN NULL ELSE {} END, {} "
                       "FROM weir.runs WHERE state <> 'killed' OR views_run > 0",
                       Text("run_id"), Time("started_at"),
                       columns->contains("tag") ? Text("tag") : "''", Text("project"),
                       Text("state"))));
  for (const auto& row : rows) {
    runs.push_back({.run_id = row[0],
                    .started_at_us = IntegerOr(row[1], 0),
                    .tag = row[2],
                    // Of one that was killed, the project is that of the run that found it.
                    .project = row[3],
                    .succeeded = row[4] == "succeeded"});
  }
  return runs;
}

Result<std::vector<RecordedTask>> ReadTasks(const SessionRuntime& session,
                                            const std::set<std::string>& runs) {
  std::vector<RecordedTask> tasks;
  if (runs.empty()) return tasks;
  WEIR_ASSIGN_OR_RETURN(const auto columns, Register(session, "tasks"));
  if (!columns) return tasks;
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      Rows(session,
           fmt::format("SELECT {}, {}, {} FROM weir.tasks WHERE state IN ('run', 'reused') AND "
                       "run_id IN ({})",
                       Text("run_id"), Text("view_name"),
                       columns->contains("version") ? "coalesce(version, -1)" : "-1",
                       ListOf(runs))));
  for (const auto& row : rows)
    tasks.push_back({.run_id = row[0], .view_name = row[1], .version = IntegerOr(row[2], -1)});
  return tasks;
}

Result<std::vector<PublishedTask>> ReadPublished(const SessionRuntime& session,
                                                 const std::set<std::string>& runs) {
  std::vector<PublishedTask> published;
  WEIR_ASSIGN_OR_RETURN(const auto columns, Register(session, "published"));
  if (!columns) return published;
  std::set<std::string> ids = runs;
  WEIR_ASSIGN_OR_RETURN(const auto run_columns, Register(session, "runs"));
  if (!runs.empty() && run_columns && run_columns->contains("published_run_id")) {
    WEIR_ASSIGN_OR_RETURN(
        const auto earlier,
        Rows(session, fmt::format("SELECT DISTINCT {} FROM weir.runs WHERE published_run_id IS NOT "
                                  "NULL AND run_id IN ({})",
                                  Text("published_run_id"), ListOf(runs))));
    for (const auto& row : earlier) ids.insert(row[0]);
  }
  WEIR_ASSIGN_OR_RETURN(
      const auto last,
      Rows(session, "SELECT max(set_number) FROM weir.published GROUP BY project"));
  std::string wanted = ids.empty() ? "false" : fmt::format("run_id IN ({})", ListOf(ids));
  for (const auto& row : last) wanted += " OR set_number = " + row[0];
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      Rows(session, fmt::format("SELECT {}, {}, version FROM weir.published WHERE {}",
                                Text("project"), Text("view_name"), wanted)));
  for (const auto& row : rows)
    published.push_back({.project = row[0], .view_name = row[1], .version = IntegerOr(row[2], -1)});
  return published;
}

Result<std::map<std::string, int64_t>> ReadLastUses(const SessionRuntime& session,
                                                    const std::set<std::string>& views) {
  std::map<std::string, int64_t> uses;
  if (views.empty()) return uses;
  for (const char* name : {"runs", "tasks"}) {
    WEIR_ASSIGN_OR_RETURN(const auto columns, Register(session, name));
    if (!columns) return uses;
  }
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      Rows(session, fmt::format("SELECT {}, max({}) FROM weir.tasks t JOIN weir.runs r ON "
                                "t.run_id = r.run_id WHERE t.view_name IN ({}) GROUP BY 1",
                                Text("t.view_name"), Time("r.started_at"), ListOf(views))));
  for (const auto& row : rows) uses[row[0]] = IntegerOr(row[1], 0);
  return uses;
}

Result<std::map<std::string, std::vector<int64_t>>> ReadSightings(const SessionRuntime& session) {
  std::map<std::string, std::vector<int64_t>> sightings;
  WEIR_ASSIGN_OR_RETURN(const auto columns, Register(session, "maintenance"));
  if (!columns) return sightings;
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      Rows(session, fmt::format("SELECT {}, {} FROM weir.maintenance WHERE action = "
                                "'see_removed_view' ORDER BY 2",
                                Text("table_name"), Time("done_at"))));
  for (const auto& row : rows) sightings[row[0]].push_back(IntegerOr(row[1], 0));
  return sightings;
}

}  // namespace weir

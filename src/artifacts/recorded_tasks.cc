// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/recorded_tasks.h"

#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "weir/artifacts/artifact_reader.h"
#include "weir/base/sql_quotes.h"

namespace weir {

namespace {

int64_t Integer(const std::string& text) {
  int64_t value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string Text(const std::string& column) {
  return fmt::format("arrow_cast({}, 'Utf8')", column);
}

std::string Microseconds(const std::string& column) {
  return fmt::format("coalesce(arrow_cast({}, 'Int64'), 0)", column);
}

}  // namespace

Result<std::optional<RecordedTasks>> RecordedTasks::Open(const SessionRuntime& session) {
  WEIR_ASSIGN_OR_RETURN(const auto runs, RegisterArtifact(session, "runs"));
  if (!runs) return std::optional<RecordedTasks>();
  WEIR_ASSIGN_OR_RETURN(const auto tasks, RegisterArtifact(session, "tasks"));
  RecordedTasks recorded(session);
  recorded.has_tasks_ = tasks.has_value();
  return std::optional(recorded);
}

Result<std::map<std::string, double>> RecordedTasks::LastSeconds() const {
  if (!has_tasks_) return std::map<std::string, double>();
  // Ids begin with the time, hence their order is that of the runs.
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      QueryTexts(
          *session_,
          fmt::format("SELECT {}, {}, {} FROM (SELECT view_name, started_at, finished_at, "
                      "row_number() OVER (PARTITION BY view_name ORDER BY run_id DESC) AS place "
                      "FROM weir.tasks WHERE state = 'run' AND finished_at IS NOT NULL) WHERE "
                      "place = 1",
                      Text("view_name"), Microseconds("started_at"), Microseconds("finished_at"))));
  std::map<std::string, double> seconds;
  for (const auto& row : rows)
    seconds[row[0]] = static_cast<double>(Integer(row[2]) - Integer(row[1])) / 1e6;
  return seconds;
}

Result<std::optional<RecordedOutcome>> RecordedTasks::LastOutcome(
    const std::string& project) const {
  WEIR_ASSIGN_OR_RETURN(
      const auto runs,
      QueryTexts(*session_, fmt::format("SELECT {}, {} FROM weir.runs WHERE project = "
                                        "{} ORDER BY run_id DESC LIMIT 1",
                                        Text("run_id"), Text("state"), QuotedSqlText(project))));
  if (runs.empty()) return std::optional<RecordedOutcome>();
  RecordedOutcome outcome{.run_id = runs[0][0], .state = runs[0][1], .failed_or_blocked = {}};
  if (!has_tasks_) return std::optional(std::move(outcome));
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      QueryTexts(*session_, fmt::format("SELECT {} FROM weir.tasks WHERE run_id = {} AND state IN "
                                        "('failed', 'blocked')",
                                        Text("view_name"), QuotedSqlText(outcome.run_id))));
  for (const auto& row : rows) outcome.failed_or_blocked.insert(row[0]);
  return std::optional(std::move(outcome));
}

Result<std::optional<RecordedMetrics>> RecordedTasks::MetricsOf(const std::string& view_name,
                                                                const std::string& run_id) const {
  if (!has_tasks_) return std::optional<RecordedMetrics>();
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      QueryTexts(
          *session_,
          fmt::format("SELECT {}, {}, coalesce(\"rows\", 0), {}, {} FROM weir.tasks WHERE "
                      "view_name = {} AND operator_metrics IS NOT NULL{} ORDER BY run_id DESC "
                      "LIMIT 1",
                      Text("run_id"), Text("operator_metrics"), Microseconds("started_at"),
                      Microseconds("finished_at"), QuotedSqlText(view_name),
                      run_id.empty() ? "" : " AND run_id = " + QuotedSqlText(run_id))));
  if (rows.empty()) return std::optional<RecordedMetrics>();
  const auto& row = rows[0];
  std::vector<std::vector<std::string>> plans;
  WEIR_ASSIGN_OR_RETURN(const auto bundles, RegisterArtifact(*session_, "plan_bundles"));
  if (bundles) {
    WEIR_ASSIGN_OR_RETURN(
        plans,
        QueryTexts(*session_, fmt::format("SELECT {} FROM weir.plan_bundles WHERE run_id = {} AND "
                                          "view_name = {} LIMIT 1",
                                          Text("physical_plan"), QuotedSqlText(row[0]),
                                          QuotedSqlText(view_name))));
  }
  return std::optional(RecordedMetrics{.run_id = row[0],
                                       .metrics_json = row[1],
                                       .physical_plan = plans.empty() ? "" : plans[0][0],
                                       .rows = Integer(row[2]),
                                       .started_at_us = Integer(row[3]),
                                       .finished_at_us = Integer(row[4])});
}

}  // namespace weir

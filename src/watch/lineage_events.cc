// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/lineage_events.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "weir/base/json_text.h"
#include "weir/base/log.h"
#include "weir/base/secret_names.h"
#include "weir/base/time_text.h"
#include "weir/engine/http_post.h"
#include "weir/lineage/row_filter.h"

namespace weir {

namespace {

/// Who says it; with the version.
constexpr std::string_view kProducer = "urn:weir:";
/// So many failures in a row, and the endpoint is taken for gone.
constexpr int kMostFailures = 3;

/// Where a table of the project is, or will be.
LineageDataset DatasetOf(const std::string& table, const SessionRuntime& session) {
  const PinnedTable* pinned = session.catalog().Find(table);
  if (pinned != nullptr) return {.url = pinned->url, .schema = pinned->schema};
  return {.url = TableUrl(session.warehouse_url(), table), .schema = nullptr};
}

/// As it is recorded: with the rows that constraints drop.
Result<Lineage> LineageOf(const PlanBundle& bundle) {
  WEIR_ASSIGN_OR_RETURN(Lineage lineage, DeriveLineage(*bundle.plan));
  for (const BundledConstraint& constraint : bundle.constraints) {
    if (constraint.action == ViolationAction::kDropRow) AddRowFilter(constraint.columns, lineage);
  }
  return lineage;
}

void AddKnown(int64_t value, int64_t& sum) {
  if (value >= 0) sum = std::max<int64_t>(sum, 0) + value;
}

}  // namespace

LineageEventRequest LineageRequestOf(const std::string& view_name, const Lineage& lineage,
                                     const ProjectDefinition& project,
                                     const CompiledProject& compiled, const SessionRuntime& session,
                                     const std::string& weir_version) {
  LineageEventRequest request{.event = OpenLineageEvent::kJob,
                              .event_time = {},
                              .producer = std::string(kProducer) + weir_version,
                              .project = project.name,
                              .view = view_name,
                              .sql = compiled.Find(view_name)->definition_sql,
                              .run_id = {},
                              .facts = {},
                              .lineage = &lineage,
                              .datasets = {}};
  request.datasets[view_name] = DatasetOf(view_name, session);
  for (const auto& [table, columns] : lineage.required_columns)
    request.datasets[table] = DatasetOf(table, session);
  return request;
}

LineageEvents::LineageEvents(const ProjectDefinition& project, const CompiledProject& compiled,
                             const SessionRuntime& session, std::string weir_version)
    : project_(project),
      compiled_(compiled),
      session_(session),
      weir_version_(std::move(weir_version)) {
  const std::string& path = project.openlineage.file;
  if (path.empty()) return;
  file_.open(path, std::ios::app);
  if (!file_) {
    Fail(path, Status::Environment(StatusCode::kIo, "`{}` cannot be written: {}", path,
                                   std::strerror(errno)));
  }
}

void LineageEvents::Fail(const std::string& target, const Status& status) {
  const std::lock_guard lock(mutex_);
  Failures& failures = failures_[target];
  if (++failures.count > 1) return;
  failures.first =
      ToDiagnostic("W5009", status.WithContext("an OpenLineage event could not be delivered"));
  failures.first.severity = Severity::kWarning;
  failures.first.location = project_.openlineage.location;
}

void LineageEvents::SendToUrl(const std::string& text) {
  const LineageTarget& target = project_.openlineage;
  if (failures_in_a_row_ >= kMostFailures) {
    const std::lock_guard lock(mutex_);
    ++failures_[target.url].count;
    return;
  }
  const Status sent = engine::SendHttpPost({.url = target.url,
                                            .content_type = "application/json",
                                            .headers = target.headers,
                                            .body = text,
                                            .timeout_ms = target.timeout_seconds * 1000});
  failures_in_a_row_ = sent.ok() ? 0 : failures_in_a_row_ + 1;
  Log(LogLevel::kDebug, "an OpenLineage event was sent",
      {{"url", WithoutUrlSecrets(target.url)}, {"bytes", text.size()}, {"succeeded", sent.ok()}});
  if (!sent.ok()) Fail(target.url, sent);
}

void LineageEvents::Send(const std::string& text) {
  if (file_.is_open()) {
    // One write a line, so that several programs can append to one file.
    file_ << text + "\n" << std::flush;
    if (!file_) {
      Fail(project_.openlineage.file,
           Status::Environment(StatusCode::kIo, "`{}` cannot be written: {}",
                               project_.openlineage.file, std::strerror(errno)));
      file_.clear();
    }
  }
  if (!project_.openlineage.url.empty()) calls_.Add([this, text] { SendToUrl(text); });
}

void LineageEvents::AddFacts(const RunEvent& event, LineageRunState state,
                             LineageEventRequest& request) const {
  request.event = OpenLineageEvent::kRun;
  request.event_time = TimeText(event.at_us);
  request.run_id = event.subject->run_id;
  request.facts.state = state;
  request.facts.engine = "DataFusion";
  const auto versions = engine::EngineVersions();
  const auto version = versions.find("datafusion");
  request.facts.engine_version = version == versions.end() ? "" : version->second;
  request.facts.weir_version = weir_version_;
}

void LineageEvents::TakeRun(const RunEvent& event, LineageRunState state) {
  LineageEventRequest request{.producer = std::string(kProducer) + weir_version_,
                              .project = project_.name};
  AddFacts(event, state, request);
  if (state == LineageRunState::kFail) {
    for (const ViewOutcome& view : event.envelope->views) {
      if (view.state == ViewState::kFailed && request.facts.error.empty())
        request.facts.error =
            fmt::format("view `{}` failed: {}", view.view_name, view.status.message());
    }
    if (request.facts.error.empty()) request.facts.error = "the run failed";
  }
  Send(JsonText(ToOpenLineageOfRun(request)));
}

void LineageEvents::StartView(const RunEvent& event) {
  auto lineage = LineageOf(*compiled_.Find(event.view_name));
  if (!lineage.ok()) return Fail("", lineage.status());
  const Lineage& kept =
      building_.insert_or_assign(event.view_name, *std::move(lineage)).first->second;
  LineageEventRequest request =
      LineageRequestOf(event.view_name, kept, project_, compiled_, session_, weir_version_);
  AddFacts(event, LineageRunState::kStart, request);
  request.facts.parent_id = UuidOf(request.run_id, "");
  const auto json = ToOpenLineage(request);
  if (!json.ok()) return Fail("", json.status());
  Send(JsonText(*json));
}

void LineageEvents::EndView(const RunEvent& event) {
  const ViewOutcome& view = *event.outcome;
  const auto building = building_.find(event.view_name);
  if (building == building_.end()) return;
  LineageEventRequest request = LineageRequestOf(event.view_name, building->second, project_,
                                                 compiled_, session_, weir_version_);
  const bool failed = view.state == ViewState::kFailed;
  const bool cancelled = failed && view.status.code() == StatusCode::kCancelled;
  AddFacts(event,
           cancelled ? LineageRunState::kAbort
           : failed  ? LineageRunState::kFail
                     : LineageRunState::kComplete,
           request);
  request.facts.parent_id = UuidOf(request.run_id, "");
  if (failed && !cancelled) request.facts.error = view.status.message();
  for (const ScanUnit& unit : view.scan_units) {
    const auto dataset = request.datasets.find(unit.table);
    if (dataset == request.datasets.end() || unit.table == event.view_name) continue;
    dataset->second.version = unit.version;
    if (!unit.files_known) continue;
    AddKnown(unit.kept_rows, dataset->second.rows);
    AddKnown(unit.kept_bytes, dataset->second.bytes);
    AddKnown(static_cast<int64_t>(unit.kept.size()), dataset->second.files);
  }
  if (view.state == ViewState::kRun) {
    LineageDataset& output = request.datasets.at(event.view_name);
    output.version = view.version;
    output.rows = view.rows;
    output.bytes = view.bytes_written;
    output.files = static_cast<int64_t>(view.files.size());
  }
  const auto json = ToOpenLineage(request);
  building_.erase(building);
  if (!json.ok()) return Fail("", json.status());
  Send(JsonText(*json));
}

void LineageEvents::Take(const RunEvent& event) {
  switch (event.kind) {
    case RunEventKind::kRunStarted:
      return TakeRun(event, LineageRunState::kStart);
    case RunEventKind::kViewStarted:
      return StartView(event);
    case RunEventKind::kViewFinished:
      return EndView(event);
    case RunEventKind::kRunFinished:
      const std::string& state = event.envelope->state;
      TakeRun(event, state == "succeeded" ? LineageRunState::kComplete
                     : state == "failed"  ? LineageRunState::kFail
                                          : LineageRunState::kAbort);
      return calls_.Finish();
  }
}

std::vector<Diagnostic> LineageEvents::TakeWarnings() {
  std::vector<Diagnostic> warnings;
  for (auto& [target, failures] : failures_) {
    if (failures.count > 1)
      failures.first.message += fmt::format("; nor could {} more", failures.count - 1);
    warnings.push_back(std::move(failures.first));
  }
  failures_.clear();
  return warnings;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/record_run.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <optional>
#include <thread>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/artifacts/project_statements.h"
#include "weir/base/json_text.h"
#include "weir/bundle/required_functions.h"
#include "weir/bundle/view_parameters.h"
#include "weir/delta/delta_log.h"
#include "weir/lineage/lineage.h"
#include "weir/lineage/row_filter.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

ArtifactValue TextOrNull(const std::string& text) {
  if (text.empty()) return {};
  return text;
}

std::string SettingsHash(const std::map<std::string, std::string>& settings) {
  FingerprintBuilder builder;
  for (const auto& [name, value] : settings) builder.Add(name, value);
  return builder.Finish().ToString();
}

Json UnitJson(const ScanUnit& unit) {
  return {{"scan_id", unit.scan_id},        {"table", unit.table},
          {"kind", ToString(unit.kind)},    {"version", unit.version},
          {"columns", unit.columns},        {"filters", unit.filters},
          {"files_kept", unit.kept.size()}, {"files_pruned", unit.pruned_files.size()},
          {"bytes_kept", unit.kept_bytes}};
}

/// What describing one view that ran yields; made in parallel.
struct Description {
  BundleDetails details;
  Lineage lineage;
};

class Recorder {
 public:
  Recorder(const RunEnvelope& envelope, const ProjectDefinition& project,
           const CompiledProject& compiled, const SessionRuntime& session,
           const WarehouseLock& lock)
      : envelope_(envelope),
        project_(project),
        compiled_(compiled),
        session_(session),
        lock_(lock),
        rows_(envelope.run_id) {}

  Status Record(const Diagnostics& diagnostics) {
    WEIR_ASSIGN_OR_RETURN(const RegistrySnapshot registry, session_.Registry());
    function_registry_hash_ = registry.hash().ToString();
    udf_snapshot_hash_ = session_.functions().UdfSnapshotHash().ToString();
    WEIR_RETURN_NOT_OK(AddSettings());
    AddFunctions(registry);
    AddRun();
    const std::string known_statements = AddStatements();
    AddEarlierRuns();
    WEIR_RETURN_NOT_OK(Describe());
    for (size_t i = 0; i < envelope_.views.size(); ++i)
      AddView(envelope_.views[i], descriptions_[i]);
    for (const Diagnostic& diagnostic : diagnostics.all()) AddDiagnostic(diagnostic);
    const int64_t now_ms = envelope_.finished_at_us / 1000;
    for (const UnrecordedRun& run : lock_.unrecorded()) {
      WEIR_RETURN_NOT_OK(earlier_rows_.at(run.identity.run_id)
                             .Commit(session_.engine(), session_.warehouse_url(), now_ms));
      lock_.Forget(run);
    }
    WEIR_RETURN_NOT_OK(rows_.Commit(session_.engine(), session_.warehouse_url(), now_ms));
    for (const std::string& url : new_sets_) {
      WEIR_ASSIGN_OR_RETURN([[maybe_unused]] const bool created,
                            session_.engine().PutObjectIfAbsent(url, ""));
    }
    if (known_statements.empty()) return Status::OK();
    return session_.engine().PutObject(KnownStatementsUrl(), known_statements);
  }

 private:
  /// A set of settings or functions is stored once, with a transaction named after its hash. A
  /// marker object beside the table saves looking for that: it is left only after the commit.
  bool IsNew(const std::string& table, const std::string& hash) {
    const std::string url = ArtifactTableUrl(session_.warehouse_url(), table) + "_known/" + hash;
    if (session_.engine().GetObject(url).ok()) return false;
    new_sets_.push_back(url);
    rows_.SetTransaction(table, fmt::format("weir.{}.{}", table, hash), 1);
    return true;
  }

  /// The rows of `runs` for those that never came to record themselves.
  void AddEarlierRuns() {
    for (const UnrecordedRun& run : lock_.unrecorded()) {
      const std::string& id = run.identity.run_id;
      ArtifactRows& rows = earlier_rows_.emplace(id, ArtifactRows(id)).first->second;
      const auto views = std::count_if(envelope_.views.begin(), envelope_.views.end(),
                                       [&](const ViewOutcome& view) { return IsOf(view, id); });
      const auto time = [](int64_t us) { return us > 0 ? ArtifactValue(us) : ArtifactValue(); };
      rows.Add("runs", {id,
                        project_.name,
                        TextOrNull(run.identity.profile),
                        run.state,
                        time(run.identity.started_at_us),
                        time(run.ended_at_us),
                        static_cast<int64_t>(views),
                        int64_t{0},
                        int64_t{0},
                        int64_t{0},
                        {},
                        {},
                        settings_hash_,
                        function_registry_hash_,
                        JsonText(Json(engine::EngineVersions())),
                        session_.warehouse_url(),
                        {},
                        {}});
    }
  }

  static bool IsOf(const ViewOutcome& view, const std::string& run_id) {
    return view.state == ViewState::kReused && view.built_by == run_id;
  }

  /// A reused view whose build nobody has recorded yet.
  bool IsOfEarlierRun(const ViewOutcome& view) const {
    return view.state == ViewState::kReused && earlier_rows_.contains(view.built_by);
  }

  /// Those of the run that built the view: this one, or an earlier one that did not record it.
  ArtifactRows& RowsOfBuild(const ViewOutcome& view) {
    return IsOfEarlierRun(view) ? earlier_rows_.at(view.built_by) : rows_;
  }

  Status AddSettings() {
    WEIR_ASSIGN_OR_RETURN(const auto settings, session_.AllSettings());
    settings_hash_ = SettingsHash(settings);
    if (!IsNew("settings", settings_hash_)) return Status::OK();
    for (const auto& [name, value] : settings)
      rows_.Add("settings", {settings_hash_, name, Redacted(name, value)});
    return Status::OK();
  }

  void AddFunctions(const RegistrySnapshot& registry) {
    if (!IsNew("functions", function_registry_hash_)) return;
    for (const RegisteredFunction& function : registry.functions()) {
      const FunctionDeclaration* native =
          function.origin == "native" ? session_.functions().Find(function.name) : nullptr;
      std::string signatures;
      for (const std::string& signature : function.signatures)
        signatures +=
            fmt::format("{}{}({})", signatures.empty() ? "" : "; ", function.name, signature);
      rows_.Add(
          "functions",
          {function_registry_hash_, function.name, function.kind,
           native == nullptr ? ArtifactValue() : ArtifactValue(int64_t{native->semantic_version}),
           native == nullptr ? signatures : native->Syntax(), function.tags, function.volatility,
           native == nullptr ? DescriptionOf(function) : native->description});
    }
  }

  /// Of a function without documentation: the expression that it is, or its version.
  std::string DescriptionOf(const RegisteredFunction& function) const {
    const FunctionDeclaration* known = session_.functions().Find(function.name);
    const bool is_user = function.origin == "user" && known != nullptr;
    return is_user ? known->description : function.version;
  }

  std::string KnownStatementsUrl() const {
    return ArtifactTableUrl(session_.warehouse_url(), "statements") + "_known/last";
  }

  /// Returns what to remember once the rows are committed; empty if nothing changed. The first line
  /// counts the changes: recorded again after a kill, the same change of the same number adds
  /// nothing.
  std::string AddStatements() {
    const auto known = session_.engine().GetObject(KnownStatementsUrl());
    const std::string before = known.ok() ? *known : std::string();
    static constexpr std::string_view kCount = "count ";
    int64_t count = 0;
    std::string lines = before;
    if (before.starts_with(kCount)) {
      (void)std::from_chars(before.data() + kCount.size(), before.data() + before.size(), count);
      lines.erase(0, std::min(before.find('\n'), before.size() - 1) + 1);
    }
    ChangedStatements changed =
        ReadChangedStatements(session_.engine(), project_, lines, session_.threads());
    for (const ProjectStatement& statement : changed.statements) {
      rows_.Add("statements",
                {envelope_.run_id, statement.kind, statement.name, statement.file,
                 TextOrNull(statement.sql), statement.dialect, statement.normalized_sql,
                 statement.dialect, statement.tree, statement.tree_fingerprint.ToString()});
    }
    if (changed.known == lines) return {};
    const std::string change =
        FingerprintBuilder().Add("before", lines).Add("after", changed.known).Finish().ToString();
    rows_.SetTransaction("statements", "weir.statements." + change, count + 1);
    return fmt::format("{}{}\n{}", kCount, count + 1, changed.known);
  }

  void AddRun() {
    const std::string deferred_to =
        envelope_.deferred.empty() ? "" : envelope_.deferred.begin()->second.profile;
    rows_.Add("runs", {envelope_.run_id, project_.name, project_.profile.name, envelope_.state,
                       envelope_.started_at_us, envelope_.finished_at_us,
                       int64_t{envelope_.Count(ViewState::kRun)},
                       int64_t{envelope_.Count(ViewState::kReused)},
                       int64_t{envelope_.Count(ViewState::kFailed)},
                       int64_t{envelope_.Count(ViewState::kBlocked)}, envelope_.bytes_read(),
                       envelope_.bytes_written(), settings_hash_, function_registry_hash_,
                       JsonText(Json(engine::EngineVersions())), session_.warehouse_url(),
                       JsonText(Json(AllParameters(project_))), TextOrNull(deferred_to)});
  }

  Status Describe() {
    descriptions_.resize(envelope_.views.size());
    std::vector<Status> statuses(envelope_.views.size());
    std::atomic<size_t> next = 0;
    const auto drain = [&] {
      for (size_t i = next++; i < statuses.size(); i = next++) statuses[i] = DescribeOne(i);
    };
    std::vector<std::thread> others;
    for (int t = 1; t < session_.threads(); ++t) others.emplace_back(drain);
    drain();
    for (std::thread& other : others) other.join();
    for (const Status& status : statuses) WEIR_RETURN_NOT_OK(status);
    return Status::OK();
  }

  Status DescribeOne(size_t i) {
    if (envelope_.views[i].state != ViewState::kRun && !IsOfEarlierRun(envelope_.views[i]))
      return Status::OK();
    const auto bundle = compiled_.Find(envelope_.views[i].view_name);
    Description description;
    WEIR_ASSIGN_OR_RETURN(description.details, DescribeBundle(*bundle, session_));
    WEIR_ASSIGN_OR_RETURN(description.lineage, DeriveLineage(*bundle->plan));
    for (const BundledConstraint& constraint : bundle->constraints) {
      if (constraint.action == ViolationAction::kDropRow)
        AddRowFilter(constraint.columns, description.lineage);
    }
    descriptions_[i] = std::move(description);
    return Status::OK();
  }

  void AddView(const ViewOutcome& view, const std::optional<Description>& description) {
    rows_.Add("tasks", {envelope_.run_id, view.view_name, "view:" + view.view_name,
                        std::string(ToString(view.state)), view.started_at_us, view.finished_at_us,
                        view.rows, view.bytes_read, view.bytes_written,
                        TextOrNull(view.status.message()), TextOrNull(view.metrics_json)});
    if (!view.decision.code.empty()) {
      rows_.Add("decisions",
                {envelope_.run_id, view.view_name, std::string(ToString(view.decision.action)),
                 view.decision.code, view.decision.reason, view.fingerprint.ToString(),
                 TextOrNull(view.input_hash.ToString())});
    }
    for (const ConstraintOutcome& constraint : view.constraints) {
      rows_.Add("expectations",
                {envelope_.run_id, view.view_name, constraint.name,
                 std::string(ToString(constraint.action)), constraint.text, constraint.rows_passed,
                 constraint.rows_failed, constraint.rows_dropped, TextOrNull(constraint.example)});
    }
    if (!description) return;
    const auto bundle = compiled_.Find(view.view_name);
    ArtifactRows& rows = RowsOfBuild(view);
    if (IsOfEarlierRun(view)) {
      rows.Add("tasks", {view.built_by,
                         view.view_name,
                         "view:" + view.view_name,
                         "run",
                         {},
                         {},
                         view.rows,
                         {},
                         {},
                         {},
                         {}});
    }
    rows.Add("writes",
             {view.built_by, view.view_name, TableUrl(session_.warehouse_url(), view.view_name),
              view.version, "overwrite",
              IsOfEarlierRun(view) ? ArtifactValue()
                                   : ArtifactValue(static_cast<int64_t>(view.files.size())),
              view.rows, IsOfEarlierRun(view) ? ArtifactValue() : ArtifactValue(view.bytes_written),
              engine::WriteOptions().compression, bundle->partition_columns, view.content.whole});
    AddBundle(view, *bundle, *description);
    AddLineage(view, description->lineage);
    for (const ScanUnit& unit : view.scan_units)
      AddScanUnit(RowsOfBuild(view), view.built_by, unit);
  }

  void AddBundle(const ViewOutcome& view, const PlanBundle& bundle,
                 const Description& description) {
    const BundleDetails& details = description.details;
    std::vector<std::string> functions;
    for (const RequiredFunction& function : bundle.functions)
      functions.push_back(function.name + "@" + function.version);
    Json inputs = Json::object(), units = Json::array();
    for (const ScanUnit& unit : view.scan_units) {
      inputs[unit.table] = unit.version;
      units.push_back(UnitJson(unit));
    }
    RowsOfBuild(view).Add(
        "plan_bundles",
        {view.built_by,
         view.view_name,
         bundle.fingerprint.ToString(),
         bundle.fingerprint_input,
         bundle.file,
         bundle.definition_sql,
         details.lane.name,
         TextOrNull(details.lane.reason),
         bundle.plan_proto,
         bundle.plan_outputs,
         TextOrNull(details.lane.substrait),
         details.logical_plan,
         details.optimized_plan,
         details.physical_plan,
         details.optimized_plan_graphviz,
         details.optimized_plan_pgjson,
         bundle.stored_schema->ToString(),
         JsonText(inputs),
         functions,
         std::vector<std::string>(bundle.required_tags.begin(), bundle.required_tags.end()),
         std::vector<std::string>(bundle.domain_planners.begin(), bundle.domain_planners.end()),
         udf_snapshot_hash_,
         function_registry_hash_,
         CheckRequiredFunctions(bundle, session_.functions()).ok(),
         settings_hash_,
         JsonText(ToJson(description.lineage)),
         JsonText(units),
         JsonText(Json{{"partition_columns", bundle.partition_columns},
                       {"nodes", NodeCount(*bundle.plan)}}),
         JsonText(Json(bundle.parameters))});
  }

  static int NodeCount(const LogicalPlan& plan) {
    int nodes = 0;
    VisitPlan(plan, [&](const LogicalPlan&) { ++nodes; });
    return nodes;
  }

  void AddLineage(const ViewOutcome& view, const Lineage& lineage) {
    ArtifactRows& rows = RowsOfBuild(view);
    for (size_t i = 0; i < lineage.columns.size(); ++i) {
      const ColumnLineage& column = lineage.columns[i];
      const std::string transformation(ToString(column.transformation));
      const ColumnInputs inputs = lineage.InputsOf(i);
      if (inputs.empty()) {
        rows.Add("lineage", {view.built_by,
                             view.view_name,
                             column.name,
                             {},
                             {},
                             {},
                             transformation,
                             column.expression});
      }
      for (const ColumnInput& input : inputs) {
        rows.Add("lineage", {view.built_by, view.view_name, column.name, input.table, input.column,
                             std::string(ToString(input.use)), transformation, column.expression});
      }
    }
  }

  static void AddScanUnit(ArtifactRows& rows, const std::string& run_id, const ScanUnit& unit) {
    rows.Add("scan_units", {run_id, unit.view_name, int64_t{unit.scan_id}, unit.table,
                            std::string(ToString(unit.kind)), unit.url, unit.version, unit.columns,
                            unit.filters, static_cast<int64_t>(unit.kept.size()),
                            static_cast<int64_t>(unit.pruned_files.size()), unit.kept_bytes,
                            unit.kept_rows < 0 ? ArtifactValue() : ArtifactValue(unit.kept_rows)});
    const auto add_file = [&](uint32_t file, bool kept, const std::string& reason) {
      // A location that is a file has no path below itself.
      std::string path(unit.files->path(file));
      if (path.empty()) path = unit.url.substr(unit.url.rfind('/') + 1);
      rows.Add("scan_files", {run_id, unit.view_name, int64_t{unit.scan_id}, unit.table, path,
                              unit.files->size_bytes(file), kept, TextOrNull(reason)});
    };
    for (const uint32_t file : unit.kept) add_file(file, true, "");
    for (const PrunedFile& pruned : unit.pruned_files) add_file(pruned.file, false, pruned.reason);
  }

  void AddDiagnostic(const Diagnostic& diagnostic) {
    rows_.Add(
        "diagnostics",
        {envelope_.run_id, diagnostic.code,
         diagnostic.severity == Severity::kError ? "error" : "warning",
         std::string(ToString(diagnostic.blame)), diagnostic.message, TextOrNull(diagnostic.hint),
         TextOrNull(diagnostic.view_name), TextOrNull(diagnostic.location.file),
         int64_t{diagnostic.location.line}, int64_t{diagnostic.location.column}});
  }

  const RunEnvelope& envelope_;
  const ProjectDefinition& project_;
  const CompiledProject& compiled_;
  const SessionRuntime& session_;
  const WarehouseLock& lock_;
  std::string settings_hash_;
  std::string function_registry_hash_;
  std::string udf_snapshot_hash_;
  std::vector<std::optional<Description>> descriptions_;
  std::vector<std::string> new_sets_;  ///< markers to leave
  ArtifactRows rows_;
  std::map<std::string, ArtifactRows> earlier_rows_;  ///< by run id
};

}  // namespace

Status RecordRun(const RunEnvelope& envelope, const ProjectDefinition& project,
                 const CompiledProject& compiled, const SessionRuntime& session,
                 const Diagnostics& diagnostics, const WarehouseLock& lock) {
  return Recorder(envelope, project, compiled, session, lock).Record(diagnostics);
}

}  // namespace weir

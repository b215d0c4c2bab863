// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/record_run.h"

#include <algorithm>
#include <map>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/artifacts/bundle_record.h"
#include "weir/artifacts/project_statements.h"
#include "weir/artifacts/run_spans.h"
#include "weir/artifacts/source_record.h"
#include "weir/base/json_text.h"
#include "weir/base/parallel.h"
#include "weir/bundle/required_functions.h"
#include "weir/bundle/view_parameters.h"
#include "weir/bundle/write_layout.h"
#include "weir/catalog/catalog.h"
#include "weir/delta/delta_log.h"
#include "weir/lineage/lineage.h"
#include "weir/lineage/row_filter.h"
#include "weir/run/delta_history.h"
#include "weir/run/landing.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

ArtifactValue TextOrNull(std::string text) {
  if (text.empty()) return {};
  return text;
}

ArtifactValue VersionOrNull(int64_t version) {
  if (version < 0) return {};
  return version;
}

ArtifactValue FigureOrNull(const std::optional<int64_t>& figure) {
  if (!figure) return {};
  return *figure;
}

/// Of what is never nothing where it is known.
ArtifactValue CountOrNull(int64_t count) {
  if (count <= 0) return {};
  return count;
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

/// What describing one view that ran yields.
struct Description {
  BundleDetails details;
  Lineage lineage;
};

/// The rows of one view, made in parallel, on their way to those of its run.
class ViewRows {
 public:
  /// `run`, which gets the row, must outlive the object.
  void Add(ArtifactRows& run, const char* table, ArtifactRow row) {
    rows_.push_back({&run, table, std::move(row)});
  }
  void HandOver() {
    for (Entry& entry : rows_) entry.run->Add(entry.table, std::move(entry.row));
    rows_ = {};
  }

 private:
  struct Entry {
    ArtifactRows* run;
    const char* table;
    ArtifactRow row;
  };
  std::vector<Entry> rows_;
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

  Result<Publication> Record(const Diagnostics& diagnostics) {
    WEIR_RETURN_NOT_OK(AddPublication());
    WEIR_ASSIGN_OR_RETURN(const RegistrySnapshot registry, session_.Registry());
    function_registry_hash_ = registry.hash().ToString();
    udf_snapshot_hash_ = session_.functions().UdfSnapshotHash().ToString();
    WEIR_RETURN_NOT_OK(AddSettings());
    AddFunctions(registry);
    AddRun();
    const std::string known_statements = AddStatements();
    AddEarlierRuns();
    WEIR_RETURN_NOT_OK(AddViews());
    for (const Diagnostic& diagnostic : diagnostics.all()) AddDiagnostic(diagnostic);
    AddSpans();
    const int64_t now_ms = envelope_.finished_at_us / 1000;
    for (const UnrecordedRun& run : lock_.unrecorded()) {
      WEIR_RETURN_NOT_OK(earlier_rows_.at(run.identity.run_id)
                             .Commit(session_.engine(), session_.warehouse_url(), now_ms));
    }
    WEIR_RETURN_NOT_OK(rows_.Commit(session_.engine(), session_.warehouse_url(), now_ms));
    for (const std::string& url : new_sets_) {
      WEIR_ASSIGN_OR_RETURN([[maybe_unused]] const bool created,
                            session_.engine().PutObjectIfAbsent(url, ""));
    }
    if (!known_statements.empty()) {
      WEIR_RETURN_NOT_OK(session_.engine().PutObject(KnownStatementsUrl(session_.warehouse_url()),
                                                     known_statements));
    }
    return std::move(publication_);
  }

 private:
  /// A set of settings or functions is stored once, with a transaction named after its hash. A
  /// marker object beside the table saves looking for that: it is left only after the commit.
  bool IsNew(const std::string& table, const std::string& hash) {
    const std::string url = ArtifactTableUrl(session_.warehouse_url(), table) + "_known/" + hash;
    // After a run that was cut off the marker may be there without the rows.
    if (lock_.cut_off_since_ms() < 0 && session_.engine().GetObject(url).ok()) return false;
    new_sets_.push_back(url);
    rows_.SetTransaction(table, fmt::format("weir.{}.{}", table, hash), 1);
    return true;
  }

  /// Decides what is published, and adds its rows.
  Status AddPublication() {
    WEIR_ASSIGN_OR_RETURN(
        const PublishedSets sets,
        PublishedSets::Open(session_.engine(), session_.warehouse_url(), project_.name));
    WEIR_ASSIGN_OR_RETURN(const auto last, sets.Last());
    const DeltaHistory history(session_.engine(), session_.warehouse_url());
    publication_ = DecidePublication(
        envelope_, last,
        [&](const std::string& view, int64_t version) { return history.BuildAt(view, version); });
    if (!publication_.set) return Status::OK();
    publication_.set->number = sets.last_number() + 1;
    for (const auto& [view, published] : publication_.set->views) {
      rows_.Add("published",
                {envelope_.run_id, publication_.set->number, project_.name,
                 envelope_.finished_at_us, view, view, published.version, published.built_by,
                 published.built_version, published.content_hash, published.rows});
    }
    return Status::OK();
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
                        {},
                        {},
                        // It may have come as far as to publish.
                        publication_.earlier_run_id == id ? ArtifactValue(id) : ArtifactValue(),
                        TextOrNull(run.identity.user),
                        TextOrNull(run.identity.host),
                        CountOrNull(run.identity.pid),
                        {},
                        {},
                        {},
                        {},
                        {},
                        {},
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

  /// Returns what to remember once the rows are committed; empty if nothing changed. The first line
  /// counts the changes: recorded again after a kill, the same change of the same number adds
  /// nothing.
  std::string AddStatements() {
    const KnownStatements known =
        ReadKnownStatements(session_.engine(), session_.warehouse_url(),
                            lock_.cut_off_since_ms() >= 0, envelope_.started_at_us);
    ChangedStatements changed =
        ReadChangedStatements(session_.engine(), project_, known.lines, session_.threads());
    for (ProjectStatement& statement : changed.statements) {
      rows_.Add("statements",
                RowOf(envelope_.run_id, std::move(statement.kind), std::move(statement.name),
                      std::move(statement.file), TextOrNull(std::move(statement.sql)),
                      statement.dialect, std::move(statement.normalized_sql), statement.dialect,
                      std::move(statement.tree), statement.tree_fingerprint.ToString()));
    }
    if (changed.known == known.lines) return {};
    const KnownStatements now = known.FollowedBy(std::move(changed.known));
    rows_.SetTransaction("statements", now.transaction, now.count);
    return now.ToText();
  }

  void AddRun() {
    const RunCircumstances& who = envelope_.circumstances;
    const std::string deferred_to =
        envelope_.deferred.empty() ? "" : envelope_.deferred.begin()->second.profile;
    rows_.Add("runs", {envelope_.run_id,
                       project_.name,
                       project_.profile.name,
                       envelope_.state,
                       envelope_.started_at_us,
                       envelope_.finished_at_us,
                       int64_t{envelope_.Count(ViewState::kRun)},
                       int64_t{envelope_.Count(ViewState::kReused)},
                       int64_t{envelope_.Count(ViewState::kFailed)},
                       int64_t{envelope_.Count(ViewState::kBlocked)},
                       envelope_.bytes_read(),
                       envelope_.bytes_written(),
                       settings_hash_,
                       function_registry_hash_,
                       JsonText(Json(engine::EngineVersions())),
                       session_.warehouse_url(),
                       JsonText(Json(AllParameters(project_))),
                       TextOrNull(deferred_to),
                       TextOrNull(envelope_.tag),
                       TextOrNull(publication_.published_run_id),
                       TextOrNull(who.user),
                       TextOrNull(who.host),
                       CountOrNull(who.pid),
                       TextOrNull(who.weir_version),
                       TextOrNull(who.git ? who.git->commit : ""),
                       TextOrNull(who.git ? who.git->branch : ""),
                       who.git ? ArtifactValue(who.git->is_dirty) : ArtifactValue(),
                       TextOrNull(who.os),
                       CountOrNull(who.cpus),
                       CountOrNull(who.memory_bytes),
                       who.arguments});
  }

  void AddSpans() {
    const std::string trace_id = TraceIdOf(envelope_.run_id);
    for (RunSpan& span : SpansOf(envelope_)) {
      const OperatorMetrics figures = span.figures.value_or(OperatorMetrics());
      rows_.Add("spans",
                RowOf(envelope_.run_id, trace_id, std::move(span.span_id),
                      TextOrNull(std::move(span.parent_id)), std::move(span.kind),
                      std::move(span.name), TextOrNull(std::move(span.view_name)), span.begin_us,
                      span.end_us, span.is_error, FigureOrNull(figures.rows),
                      FigureOrNull(figures.compute_ns), FigureOrNull(figures.scanned_bytes),
                      FigureOrNull(figures.memory_bytes), FigureOrNull(figures.spilled_bytes)));
    }
  }

  /// In parallel, some at a time: descriptions of all would take more memory than the run did.
  Status AddViews() {
    static constexpr size_t kViewsAtATime = 64;
    const std::vector<ViewOutcome>& views = envelope_.views;
    for (size_t begin = 0; begin < views.size(); begin += kViewsAtATime) {
      const size_t count = std::min(kViewsAtATime, views.size() - begin);
      std::vector<ViewRows> rows(count);
      std::vector<Status> statuses(count);
      ForEachInParallel(count, static_cast<size_t>(session_.threads()),
                        [&](size_t i) { statuses[i] = AddView(views[begin + i], rows[i]); });
      for (const Status& status : statuses) WEIR_RETURN_NOT_OK(status);
      for (ViewRows& of_view : rows) of_view.HandOver();
    }
    return Status::OK();
  }

  /// REQUIRES: the view ran, in this run or in an earlier one that did not record it
  Result<Description> Describe(const ViewOutcome& view) {
    const auto bundle = compiled_.Find(view.view_name);
    Description description;
    WEIR_ASSIGN_OR_RETURN(description.details,
                          DescribeBundle(*bundle, session_, view.physical_plan));
    WEIR_ASSIGN_OR_RETURN(description.lineage, DeriveLineage(*bundle->plan));
    for (const BundledConstraint& constraint : bundle->constraints) {
      if (constraint.action == ViolationAction::kDropRow)
        AddRowFilter(constraint.columns, description.lineage);
    }
    return description;
  }

  Status AddView(const ViewOutcome& view, ViewRows& out) {
    out.Add(rows_, "tasks",
            {envelope_.run_id, view.view_name, "view:" + view.view_name,
             std::string(ToString(view.state)), view.started_at_us, view.finished_at_us, view.rows,
             view.bytes_read, view.bytes_written, TextOrNull(view.status.message()),
             TextOrNull(view.metrics_json), VersionOrNull(view.read_version)});
    if (!view.decision.code.empty()) {
      out.Add(rows_, "decisions",
              {envelope_.run_id, view.view_name, std::string(ToString(view.decision.action)),
               view.decision.code, view.decision.reason, view.fingerprint.ToString(),
               TextOrNull(view.input_hash.ToString())});
    }
    for (const ConstraintOutcome& constraint : view.constraints) {
      out.Add(rows_, "expectations",
              {envelope_.run_id, view.view_name, constraint.name,
               std::string(ToString(constraint.action)), constraint.text, constraint.rows_passed,
               constraint.rows_failed, constraint.rows_dropped, TextOrNull(constraint.example)});
    }
    if (view.state != ViewState::kRun && !IsOfEarlierRun(view)) return Status::OK();
    WEIR_ASSIGN_OR_RETURN(Description description, Describe(view));
    const auto bundle = compiled_.Find(view.view_name);
    ArtifactRows& rows = RowsOfBuild(view);
    if (IsOfEarlierRun(view)) {
      out.Add(rows, "tasks",
              {view.built_by,
               view.view_name,
               "view:" + view.view_name,
               "run",
               {},
               {},
               view.rows,
               {},
               {},
               {},
               {},
               VersionOrNull(view.read_version)});
    }
    WEIR_ASSIGN_OR_RETURN(const auto layout,
                          WriteOptionsOf({}, bundle->partition_columns, bundle->properties));
    // How an earlier run wrote is not known.
    const auto own = [&](ArtifactValue value) {
      return IsOfEarlierRun(view) ? ArtifactValue() : std::move(value);
    };
    out.Add(rows, "writes",
            {view.built_by, view.view_name, TableUrl(session_.warehouse_url(), view.view_name),
             view.version, "overwrite", own(static_cast<int64_t>(view.files.size())), view.rows,
             own(view.bytes_written), own(layout.compression),
             own(ToJson(layout, bundle->cluster_columns)), bundle->partition_columns,
             view.content.whole});
    AddBundle(view, *bundle, std::move(description.details), description.lineage, out);
    AddLineage(view, description.lineage, out);
    WEIR_ASSIGN_OR_RETURN(const std::vector<ScanUnit> units, UnitsOf(view, *bundle));
    for (const ScanUnit& unit : units)
      AddScanUnit(rows, view.built_by, unit, SourceText(unit.table), out);
    return Status::OK();
  }

  void AddBundle(const ViewOutcome& view, const PlanBundle& bundle, BundleDetails details,
                 const Lineage& lineage, ViewRows& out) {
    std::vector<std::string> functions;
    for (const RequiredFunction& function : bundle.functions)
      functions.push_back(function.name + "@" + function.version);
    Json inputs = Json::object(), units = Json::array();
    for (const ScanUnit& unit : view.scan_units) {
      inputs[unit.table] = unit.version;
      units.push_back(UnitJson(unit));
    }
    out.Add(
        RowsOfBuild(view), "plan_bundles",
        RowOf(
            view.built_by, view.view_name, bundle.fingerprint.ToString(), bundle.fingerprint_input,
            bundle.file, bundle.definition_sql, std::move(details.lane.name),
            TextOrNull(details.lane.reason), bundle.plan_proto, bundle.plan_outputs,
            TextOrNull(std::move(details.lane.substrait)), std::move(details.logical_plan),
            std::move(details.optimized_plan), std::move(details.physical_plan),
            std::move(details.optimized_plan_graphviz), std::move(details.optimized_plan_pgjson),
            bundle.stored_schema->ToString(), JsonText(inputs), functions,
            std::vector<std::string>(bundle.required_tags.begin(), bundle.required_tags.end()),
            std::vector<std::string>(bundle.domain_planners.begin(), bundle.domain_planners.end()),
            udf_snapshot_hash_, function_registry_hash_,
            CheckRequiredFunctions(bundle, session_.functions()).ok(), settings_hash_,
            JsonText(ToJson(lineage)), JsonText(units), BundleDetailsJson(bundle, TimeOf(view)),
            JsonText(Json(bundle.parameters))));
  }

  /// What `now()` gave in the run that built the view.
  int64_t TimeOf(const ViewOutcome& view) const {
    for (const UnrecordedRun& run : lock_.unrecorded()) {
      if (IsOf(view, run.identity.run_id)) return run.identity.started_at_us;
    }
    return envelope_.now_us;
  }

  void AddLineage(const ViewOutcome& view, const Lineage& lineage, ViewRows& out) {
    ArtifactRows& rows = RowsOfBuild(view);
    for (size_t i = 0; i < lineage.columns.size(); ++i) {
      const ColumnLineage& column = lineage.columns[i];
      const std::string transformation(ToString(column.transformation));
      const ColumnInputs inputs = lineage.InputsOf(i);
      if (inputs.empty()) {
        out.Add(rows, "lineage",
                RowOf(view.built_by, view.view_name, column.name, ArtifactValue(), ArtifactValue(),
                      ArtifactValue(), transformation, column.expression));
      }
      for (const ColumnInput& input : inputs) {
        out.Add(rows, "lineage",
                RowOf(view.built_by, view.view_name, column.name, input.table, input.column,
                      std::string(ToString(input.use)), transformation, column.expression));
      }
    }
  }

  /// What the build read. A run that reuses a view goes by the files of retained sources; its build
  /// read what was landed of them, which the commit tells.
  Result<std::vector<ScanUnit>> UnitsOf(const ViewOutcome& view, const PlanBundle& bundle) const {
    std::vector<ScanUnit> units = view.scan_units;
    const auto is_retained = [&](const ScanUnit& unit) {
      const PinnedTable* table = session_.catalog().Find(unit.table);
      return table != nullptr && table->is_retained && unit.kind == TableKind::kListing;
    };
    if (!IsOfEarlierRun(view) || std::ranges::none_of(units, is_retained)) return units;
    const DeltaHistory history(session_.engine(), session_.warehouse_url());
    const auto build = history.BuildAt(view.view_name, view.version);
    if (!build) return units;
    std::map<std::string, std::shared_ptr<const PinnedTable>> landed;
    for (const ScanUnit& unit : units) {
      const auto pin = build->pins.find(unit.table);
      if (!is_retained(unit) || pin == build->pins.end() || pin->second < 0) continue;
      WEIR_ASSIGN_OR_RETURN(PinnedTable table,
                            PinLanding(unit.table, LandingUrl(session_.warehouse_url(), unit.table),
                                       pin->second, session_.engine()));
      landed[unit.table] = std::make_shared<const PinnedTable>(std::move(table));
    }
    WEIR_ASSIGN_OR_RETURN(const auto derived, DeriveScanUnits(bundle, [&](const std::string& name) {
                            const auto found = landed.find(name);
                            return found == landed.end() ? nullptr : found->second;
                          }));
    for (ScanUnit& unit : units) {
      for (const ScanUnit& of_landing : derived) {
        if (of_landing.scan_id == unit.scan_id && landed.contains(unit.table)) unit = of_landing;
      }
    }
    return units;
  }

  /// How a source is read; nothing for a view.
  ArtifactValue SourceText(const std::string& table) const {
    const auto source =
        std::find_if(project_.sources.begin(), project_.sources.end(),
                     [&](const SourceDefinition& each) { return each.name == table; });
    return source == project_.sources.end() ? ArtifactValue() : SourceJson(*source);
  }

  static void AddScanUnit(ArtifactRows& rows, const std::string& run_id, const ScanUnit& unit,
                          ArtifactValue source, ViewRows& out) {
    out.Add(rows, "scan_units",
            {run_id, unit.view_name, int64_t{unit.scan_id}, unit.table,
             std::string(ToString(unit.kind)), unit.url, unit.version, unit.columns, unit.filters,
             static_cast<int64_t>(unit.kept.size()), static_cast<int64_t>(unit.pruned_files.size()),
             unit.kept_bytes, unit.kept_rows < 0 ? ArtifactValue() : ArtifactValue(unit.kept_rows),
             std::move(source)});
    const auto add_file = [&](uint32_t file, bool kept, const std::string& reason) {
      const std::string path = FileName(unit.files->path(file), unit.url);
      out.Add(
          rows, "scan_files",
          {run_id, unit.view_name, int64_t{unit.scan_id}, unit.table, path,
           unit.files->size_bytes(file), kept, TextOrNull(reason),
           unit.files->modified_ms(file) * 1000, TextOrNull(std::string(unit.files->etag(file)))});
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
  std::vector<std::string> new_sets_;  ///< markers to leave
  Publication publication_;
  ArtifactRows rows_;
  std::map<std::string, ArtifactRows> earlier_rows_;  ///< by run id
};

}  // namespace

Result<Publication> RecordRun(const RunEnvelope& envelope, const ProjectDefinition& project,
                              const CompiledProject& compiled, const SessionRuntime& session,
                              const Diagnostics& diagnostics, const WarehouseLock& lock) {
  return Recorder(envelope, project, compiled, session, lock).Record(diagnostics);
}

}  // namespace weir

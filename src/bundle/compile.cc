// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/compile.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include <arrow/api.h>

#include "weir/base/nearest.h"
#include "weir/bundle/stored_schema.h"

namespace weir {

namespace {

/// Version of the recipe by which fingerprints are made. Raise it when the recipe changes.
constexpr int64_t kFingerprintRecipe = 1;

/// The query of a view, its columns renamed if the DDL lists names. Lines and columns of the user's
/// text stay where they are: the wrapping goes into the blanks where the DDL stood.
std::string PlanningSql(const ViewDefinition& view) {
  if (view.column_names.empty()) return view.query_sql;
  static constexpr std::string_view kOpen = "SELECT * FROM (";
  std::string sql = view.query_sql;
  const size_t body = std::min(sql.find_first_not_of(" \t\r\n"), sql.size());
  const size_t line_break = sql.find_last_of('\n', body);
  const size_t line = line_break == std::string::npos ? 0 : line_break + 1;
  if (body - line >= kOpen.size()) {
    sql.replace(body - kOpen.size(), kOpen.size(), kOpen);
  } else {
    // What is added at the end of the line before moves nothing.
    sql.insert(line_break == std::string::npos ? 0 : line_break, kOpen);
  }
  std::string names;
  for (const std::string& name : view.column_names)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
  return sql + fmt::format("\n) AS \"{}\"({})", view.name, names);
}

std::string StripDefaultSchema(const std::string& name) {
  return name.starts_with("public.") ? name.substr(7) : name;
}

/// What one view's compilation yields.
struct Outcome {
  std::shared_ptr<PlanBundle> bundle;  ///< null for inlined views and failures
  std::optional<engine::Plan> plan;    ///< of an inlined view
  std::vector<Diagnostic> diagnostics;
  bool blocked = false;  ///< it reads what has an error that is reported already
};

Diagnostic DiagnosticOf(std::string_view code, const Status& status, const ViewDefinition& view) {
  Diagnostic diagnostic = ToDiagnostic(code, status);
  diagnostic.view_name = view.name;
  diagnostic.location.file = view.file;
  if (diagnostic.location.line == 0) diagnostic.location = view.location;
  return diagnostic;
}

/// The names that views may read, and those that would be among them but for an error that is
/// reported already.
struct KnownTables {
  std::vector<std::string> names;
  std::set<std::string> broken;
  std::set<std::string> broken_source_files;  ///< what they would have declared is not known

  KnownTables(const ProjectDefinition& project, const Catalog& catalog,
              const Diagnostics& diagnostics)
      : names(catalog.names()), broken(catalog.failed()) {
    for (const ViewDefinition& view : project.views) names.push_back(view.name);
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      if (diagnostic.severity != Severity::kError) continue;
      const std::string& file = diagnostic.location.file;
      if (!diagnostic.view_name.empty()) broken.insert(diagnostic.view_name);
      if (file.starts_with("views/")) broken.insert(Stem(file));
      if (file.starts_with("sources/") && diagnostic.code.starts_with("W1")) {
        broken.insert(Stem(file));
        broken_source_files.insert(file);
      }
    }
  }

  std::string HintFor(const std::string& table) const {
    std::string hint = SuggestionHint(table, names);
    if (!hint.empty()) return hint;
    if (broken_source_files.empty()) return "define it in sources/ or views/";
    std::string files;
    for (const std::string& file : broken_source_files)
      files += fmt::format("{}`{}`", files.empty() ? "" : ", ", file);
    return fmt::format("if it is defined in {}: mend the errors there first", files);
  }

 private:
  static std::string Stem(const std::string& file) {
    const size_t begin = file.rfind('/') + 1;
    return file.substr(begin, file.rfind('.') - begin);
  }
};

/// The text between the first `open` after `from` and the next `close`; empty if there is none.
std::string Between(const std::string& text, std::string_view open, std::string_view close,
                    size_t from = 0) {
  const size_t begin = text.find(open, from);
  if (begin == std::string::npos) return {};
  const size_t end = text.find(close, begin + open.size());
  if (end == std::string::npos) return {};
  return text.substr(begin + open.size(), end - begin - open.size());
}

/// Of: Schema contains qualified field name items.id and unqualified field name id which would be
/// ambiguous. And of: … the expression "items.id" at position 0 and "items.id" at position 1 have
/// the same name …
Status ExplainSameNames(const Status& status) {
  std::string name = Between(status.message(), "the expression \"", "\"");
  if (name.empty()) name = Between(status.message(), "unqualified field name ", " which");
  const Status found = name.empty()
                           ? status
                           : Status::User(StatusCode::kAlreadyExists,
                                          "two columns of the result have the name `{}`", name);
  return found.WithCause(status.message()).WithHint("rename one with AS");
}

/// Of: Invalid function 'stable_hash46'; Possible function 'stable_hash64'
Status ExplainFunction(const Status& status) {
  const std::string name = Between(status.message(), "Invalid function '", "'");
  const std::string near = Between(status.message(), "Possible function '", "'");
  if (name.empty()) return status;
  const std::string hint = SuggestionHint(name, {near});
  return Status::User(StatusCode::kPlanFailed, "there is no function named `{}`", name)
      .WithLocation(status.location())
      .WithCause(status.message())
      .WithHint(hint.empty() ? "`weir functions` lists the native ones" : hint);
}

/// Of: … Function 'sum' failed to match any signature, errors: … but received String (DataType:
/// Utf8) …
Status ExplainArguments(const Status& status) {
  const std::string& message = status.message();
  const std::string function = Between(message, "Function '", "'");
  const std::string type = Between(message, "(DataType: ", ")");
  if (function.empty()) return status;
  return Status::User(StatusCode::kPlanFailed, "the function `{}` does not take these arguments{}",
                      function,
                      type.empty() ? "" : fmt::format(", found one of the type `{}`", type))
      .WithLocation(status.location())
      .WithCause(message)
      .WithHint("convert the argument with CAST(… AS …)");
}

/// Says what the engine says in the words of the project, with its permanent code.
Diagnostic ExplainPlanFailure(const Status& status, const ViewDefinition& view,
                              const KnownTables& tables) {
  const std::string& message = status.message();
  if (const std::string table = MissingTable(message); !table.empty()) {
    Status found =
        Status::User(StatusCode::kNotFound, "there is no source or view named `{}`", table)
            .WithLocation(status.location())
            .WithCause(status.cause());
    return DiagnosticOf("W2001", found.WithHint(tables.HintFor(table)), view);
  }
  if (message.find("unique expression names") != std::string::npos ||
      message.find("Schema contains ") != std::string::npos) {
    return DiagnosticOf("W2007", ExplainSameNames(status), view);
  }
  if (message.find("failed to match any signature") != std::string::npos) {
    return DiagnosticOf("W2005", ExplainArguments(status), view);
  }
  if (message.find("incompatible types") != std::string::npos && status.hint().empty()) {
    return DiagnosticOf("W2005", status.WithHint("cast one of them with CAST(… AS …)"), view);
  }
  if (message.find("Invalid function") != std::string::npos)
    return DiagnosticOf("W2003", ExplainFunction(status), view);
  if (message.find("is ambiguous") != std::string::npos && status.hint().empty()) {
    return DiagnosticOf("W2005",
                        status.WithHint("write the name of its table before it, with a dot"), view);
  }
  if (status.cause().find("Schema error: No field named") != std::string::npos)
    return DiagnosticOf("W2002", status, view);
  if (message.find("ParserError") != std::string::npos ||
      status.cause().find("SQL error") != std::string::npos) {
    return DiagnosticOf("W2004", status, view);
  }
  if (status.code() == StatusCode::kUnsupported) return DiagnosticOf("W2006", status, view);
  return DiagnosticOf("W2005", status, view);
}

void AddFunctions(const SessionRuntime& session, PlanBundle& bundle) {
  const auto versions = engine::EngineVersions();
  for (const auto& used : CollectFunctions(*bundle.plan)) {
    RequiredFunction function{.kind = used.kind, .name = used.name, .version = {}, .tags = {}};
    if (const FunctionDeclaration* native = session.functions().Find(used.name)) {
      function.version = fmt::format("native:{}", native->semantic_version);
      function.tags.insert(native->tags.begin(), native->tags.end());
    } else {
      function.version = "datafusion:" + versions.at("datafusion");
    }
    bundle.required_tags.insert(function.tags.begin(), function.tags.end());
    bundle.functions.push_back(std::move(function));
  }
}

Status AddPins(const SessionRuntime& session, PlanBundle& bundle) {
  std::map<std::string, VersionPin> pins;
  for (const Scan* scan : CollectScans(*bundle.plan)) {
    if (scan->table.starts_with("$")) continue;
    const std::string name = StripDefaultSchema(scan->table);
    const PinnedTable* table = session.catalog().Find(name);
    if (table == nullptr) {
      return Status::User(StatusCode::kUnsupported,
                          "a view may read sources and views only, found `{}`", scan->table);
    }
    pins[name] = {.table = name,
                  .kind = std::string(ToString(table->kind)),
                  .url = table->url,
                  .version = table->version,
                  .listing_hash = table->listing_hash};
  }
  for (auto& [name, pin] : pins) bundle.pins.push_back(std::move(pin));
  return Status::OK();
}

void AddFingerprint(const SessionRuntime& session, PlanBundle& bundle) {
  FingerprintBuilder builder;
  builder.Add("recipe", kFingerprintRecipe).Add("plan", bundle.plan_proto);
  for (const auto& column : bundle.partition_columns) builder.Add("partition_column", column);
  for (const auto& field : bundle.stored_schema->fields()) builder.Add("column", field->ToString());
  for (const auto& [key, value] : session.result_settings()) builder.Add("setting." + key, value);
  for (const auto& function : bundle.functions) {
    if (function.version.starts_with("native:"))
      builder.Add("function." + function.name, function.version);
  }
  bundle.fingerprint = builder.Finish();
  bundle.fingerprint_input = builder.InputText() + "\nplan:\n" + ToText(*bundle.plan);
}

void CheckPartitionColumns(const ViewDefinition& view, const PlanBundle& bundle,
                           std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> names;
  for (const auto& field : bundle.stored_schema->fields()) names.push_back(field->name());
  for (const std::string& column : view.partition_columns) {
    if (std::find(names.begin(), names.end(), column) != names.end()) continue;
    const Status status =
        Status::User(StatusCode::kNotFound,
                     "PARTITIONED BY names a column that the view does not have: `{}`", column)
            .WithHint(SuggestionHint(column, names));
    diagnostics.push_back(DiagnosticOf("W2008", status, view));
  }
}

Result<std::shared_ptr<PlanBundle>> BundleOf(const ViewDefinition& view, const engine::Plan& plan,
                                             const SessionRuntime& session,
                                             std::vector<Diagnostic>& diagnostics) {
  auto bundle = std::make_shared<PlanBundle>();
  bundle->view_name = view.name;
  bundle->file = view.file;
  bundle->definition_sql = view.definition_sql;
  bundle->location = view.location;
  bundle->partition_columns = view.partition_columns;
  bundle->comment = view.comment;
  bundle->properties = view.properties;
  WEIR_ASSIGN_OR_RETURN(bundle->output_schema, plan.output_schema());
  std::vector<Status> problems;
  bundle->stored_schema = StoredSchema(*bundle->output_schema, problems);
  for (const Status& problem : problems)
    diagnostics.push_back(DiagnosticOf("W2007", problem, view));
  CheckPartitionColumns(view, *bundle, diagnostics);
  WEIR_ASSIGN_OR_RETURN(bundle->logical_plan, plan.Display("indent"));
  WEIR_ASSIGN_OR_RETURN(const engine::Plan optimized, plan.Optimize(session.engine()));
  WEIR_ASSIGN_OR_RETURN(bundle->plan_proto, optimized.ToProto());
  WEIR_ASSIGN_OR_RETURN(bundle->plan_outputs, optimized.Outputs());
  WEIR_ASSIGN_OR_RETURN(bundle->plan, DecodePlan(bundle->plan_proto, bundle->plan_outputs));
  WEIR_RETURN_NOT_OK(AddPins(session, *bundle));
  AddFunctions(session, *bundle);
  AddFingerprint(session, *bundle);
  return bundle;
}

Outcome CompileView(const ViewDefinition& view, const SessionRuntime& session,
                    const KnownTables& tables) {
  Outcome outcome;
  auto plan = engine::Plan::FromSql(session.engine(), PlanningSql(view));
  if (!plan.ok()) {
    if (tables.broken.contains(MissingTable(plan.status().message()))) {
      outcome.blocked = true;
      return outcome;
    }
    outcome.diagnostics.push_back(ExplainPlanFailure(plan.status(), view, tables));
    return outcome;
  }
  if (view.kind == ViewDefinition::Kind::kInline) {
    outcome.plan = *std::move(plan);
    return outcome;
  }
  auto bundle = BundleOf(view, *plan, session, outcome.diagnostics);
  if (!bundle.ok()) {
    outcome.diagnostics.push_back(ExplainPlanFailure(bundle.status(), view, tables));
  } else {
    outcome.bundle = *std::move(bundle);
  }
  return outcome;
}

/// Runs `work(0..count-1)` on up to `threads` threads.
template <typename Work>
void ForEachInParallel(size_t count, int threads, const Work& work) {
  std::atomic<size_t> next = 0;
  const auto drain = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> others;
  for (size_t t = 1; t < std::min<size_t>(static_cast<size_t>(threads), count); ++t)
    others.emplace_back(drain);
  drain();
  for (std::thread& other : others) other.join();
}

/// The order of planning: views by level, each level after those it names. Views on a cycle are
/// reported and left out.
class PlanningOrder {
 public:
  PlanningOrder(const ProjectDefinition& project, const SessionRuntime& session,
                Diagnostics& diagnostics)
      : views_(project.views), references_(views_.size()) {
    std::map<std::string, size_t> indexes;
    for (size_t i = 0; i < views_.size(); ++i) indexes[views_[i].name] = i;
    ForEachInParallel(views_.size(), session.threads(), [&](size_t i) {
      auto names = session.engine().TableReferences(views_[i].query_sql);
      if (!names.ok()) return;  // planning reports the same failure with its place
      for (const std::string& name : *names) {
        const auto found = indexes.find(StripDefaultSchema(name));
        if (found != indexes.end()) references_[i].push_back(found->second);
      }
    });
    level_.assign(views_.size(), kUnknown);
    for (size_t i = 0; i < views_.size(); ++i) Visit(i, diagnostics);
  }

  std::vector<std::vector<size_t>> Levels() const {
    std::vector<std::vector<size_t>> levels;
    for (size_t i = 0; i < views_.size(); ++i) {
      if (level_[i] < 0) continue;
      if (levels.size() <= static_cast<size_t>(level_[i]))
        levels.resize(static_cast<size_t>(level_[i]) + 1);
      levels[static_cast<size_t>(level_[i])].push_back(i);
    }
    return levels;
  }
  const std::vector<size_t>& references(size_t view) const { return references_[view]; }
  bool on_cycle(size_t view) const { return level_[view] == kCycle; }

 private:
  static constexpr int kUnknown = -1, kCycle = -2, kVisiting = -3;

  /// Depth first; a view met while it is being visited closes a cycle.
  void Visit(size_t view, Diagnostics& diagnostics) {
    if (level_[view] != kUnknown) return;
    level_[view] = kVisiting;
    path_.push_back(view);
    int level = 0;
    bool on_cycle = false;
    for (size_t reference : references_[view]) {
      if (level_[reference] == kVisiting) {
        ReportCycle(reference, diagnostics);
        on_cycle = true;
        continue;
      }
      Visit(reference, diagnostics);
      if (level_[reference] == kCycle) on_cycle = true;
      level = std::max(level, level_[reference] + 1);
    }
    path_.pop_back();
    level_[view] = on_cycle ? kCycle : level;
  }

  void ReportCycle(size_t start, Diagnostics& diagnostics) {
    const auto begin = std::find(path_.begin(), path_.end(), start);
    std::string cycle;
    for (auto it = begin; it != path_.end(); ++it) cycle += views_[*it].name + " → ";
    cycle += views_[start].name;
    const Status status =
        Status::User(StatusCode::kInvalidArgument, "views read each other in a circle: `{}`", cycle)
            .WithHint("break the circle by reading a source in one of them");
    diagnostics.Add(DiagnosticOf("W2009", status, views_[start]));
  }

  const std::vector<ViewDefinition>& views_;
  std::vector<std::vector<size_t>> references_;
  std::vector<int> level_;
  std::vector<size_t> path_;
};

}  // namespace

std::string MissingTable(const std::string& message) {
  static constexpr std::string_view kStart = "table '", kEnd = "' not found";
  const size_t start = message.find(kStart);
  const size_t end = message.find(kEnd);
  if (start == std::string::npos || end == std::string::npos || end < start) return {};
  std::string name = message.substr(start + kStart.size(), end - start - kStart.size());
  for (const std::string_view prefix : {"datafusion.", "public."}) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  return name;
}

std::shared_ptr<const PlanBundle> CompiledProject::Find(const std::string& view_name) const {
  for (const auto& bundle : bundles) {
    if (bundle->view_name == view_name) return bundle;
  }
  return nullptr;
}

CompiledProject CompileViews(const ProjectDefinition& project, SessionRuntime& session,
                             Diagnostics& diagnostics) {
  CompiledProject compiled;
  const PlanningOrder order(project, session, diagnostics);
  const KnownTables tables(project, session.catalog(), diagnostics);
  for (size_t i = 0; i < project.views.size(); ++i) {
    if (order.on_cycle(i)) compiled.failed.insert(project.views[i].name);
  }
  for (const std::vector<size_t>& level : order.Levels()) {
    // A view that reads a failed one would only repeat its error.
    std::vector<size_t> ready;
    for (size_t i : level) {
      const bool blocked =
          std::any_of(order.references(i).begin(), order.references(i).end(),
                      [&](size_t r) { return compiled.failed.contains(project.views[r].name); });
      if (blocked) {
        compiled.failed.insert(project.views[i].name);
      } else {
        ready.push_back(i);
      }
    }
    std::vector<Outcome> outcomes(ready.size());
    ForEachInParallel(ready.size(), session.threads(), [&](size_t i) {
      outcomes[i] = CompileView(project.views[ready[i]], session, tables);
    });
    for (size_t i = 0; i < ready.size(); ++i) {
      const ViewDefinition& view = project.views[ready[i]];
      Outcome& outcome = outcomes[i];
      if (outcome.blocked) {
        compiled.failed.insert(view.name);
        continue;
      }
      Status added;
      if (outcome.diagnostics.empty() && outcome.plan) {
        added = session.engine().RegisterView(view.name, *outcome.plan);
      } else if (outcome.diagnostics.empty()) {
        added = session.catalog().AddView(view.name, TableUrl(session.warehouse_url(), view.name),
                                          outcome.bundle->stored_schema, view.partition_columns,
                                          session.engine());
      }
      if (!added.ok()) {
        if (added.message().find("no object store is registered") != std::string::npos) {
          added = added.WithHint(
              "weir.toml says how to reach the warehouse: `[object_stores.\"s3://…\"]`");
        }
        outcome.diagnostics.push_back(DiagnosticOf("W2005", added, view));
      }
      if (outcome.diagnostics.empty()) {
        if (outcome.bundle) compiled.bundles.push_back(std::move(outcome.bundle));
      } else {
        compiled.failed.insert(view.name);
      }
      for (Diagnostic& diagnostic : outcome.diagnostics) diagnostics.Add(std::move(diagnostic));
    }
  }
  return compiled;
}

namespace {

/// The engine quotes whole plans in its messages.
std::string Shortened(const std::string& message) {
  static constexpr size_t kMost = 160;
  return message.size() <= kMost ? message : message.substr(0, kMost) + "…";
}

/// Whether the plan survives Substrait with its meaning: re-planned and optimised, it must be the
/// very same plan.
Result<std::string> TrySubstrait(const engine::Plan& plan, const std::string& plan_proto,
                                 const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(std::string bytes, plan.ToSubstrait(session));
  WEIR_ASSIGN_OR_RETURN(engine::Plan back, engine::Plan::FromSubstrait(session, bytes));
  WEIR_ASSIGN_OR_RETURN(back, back.Optimize(session));
  WEIR_ASSIGN_OR_RETURN(const std::string proto, back.ToProto());
  if (proto == plan_proto) return bytes;
  return Status::User(StatusCode::kUnsupported, "the plan comes back from Substrait changed");
}

}  // namespace

Result<BundleDetails> DescribeBundle(const PlanBundle& bundle, const SessionRuntime& session) {
  const engine::Session& engine = session.engine();
  BundleDetails details;
  WEIR_ASSIGN_OR_RETURN(const engine::Plan plan,
                        engine::Plan::FromProto(engine, bundle.plan_proto));
  WEIR_ASSIGN_OR_RETURN(details.optimized_plan, plan.Display("indent"));
  WEIR_ASSIGN_OR_RETURN(details.optimized_plan_graphviz, plan.Display("graphviz"));
  WEIR_ASSIGN_OR_RETURN(details.optimized_plan_pgjson, plan.Display("pgjson"));
  WEIR_ASSIGN_OR_RETURN(const engine::PhysicalPlan physical,
                        engine::PhysicalPlan::Create(engine, plan));
  WEIR_ASSIGN_OR_RETURN(details.physical_plan, physical.Display("indent"));
  details.logical_plan = bundle.logical_plan;
  auto substrait = TrySubstrait(plan, bundle.plan_proto, engine);
  details.lane = substrait.ok() ? "substrait" : "proto";
  if (substrait.ok()) {
    details.substrait = *std::move(substrait);
  } else {
    details.lane_reason = Shortened(substrait.status().message());
  }
  return details;
}

}  // namespace weir

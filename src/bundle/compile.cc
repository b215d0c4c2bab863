// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/compile.h"

#include <algorithm>
#include <optional>
#include <set>

#include <arrow/api.h>

#include "weir/base/parallel.h"
#include "weir/bundle/constraints.h"
#include "weir/bundle/failure_place.h"
#include "weir/bundle/landable_columns.h"
#include "weir/bundle/lane.h"
#include "weir/bundle/pins.h"
#include "weir/bundle/plan_failure.h"
#include "weir/bundle/planning_order.h"
#include "weir/bundle/schema_bytes.h"
#include "weir/bundle/stored_schema.h"
#include "weir/bundle/table_function_calls.h"
#include "weir/bundle/taken_plan.h"
#include "weir/bundle/view_layout.h"
#include "weir/bundle/view_parameters.h"
#include "weir/bundle/view_query.h"
#include "weir/catalog/path_files.h"
#include "weir/functions/call_failure.h"
#include "weir/functions/domain_planners.h"
#include "weir/plan/plan_meaning.h"
#include "weir/plan/unstable_calls.h"
#include "weir/project/weir_toml.h"

namespace weir {

namespace {

/// Version of the recipe by which fingerprints are made. Raise it when the recipe changes.
constexpr int64_t kFingerprintRecipe = 2;

/// What one view's compilation yields.
struct Outcome {
  std::shared_ptr<PlanBundle> bundle;  ///< null for inlined views, failures and in a check
  std::shared_ptr<arrow::Schema> stored_schema;  ///< null for inlined views and failures
  std::string schema_bytes;                      ///< of stored_schema; only of a check
  std::optional<engine::Plan> plan;              ///< of an inlined view
  std::optional<PinnedTable> table;  ///< of a stored view that compiled: what its readers see
  std::vector<Diagnostic> diagnostics;
  std::vector<Diagnostic> warnings;  ///< of a view that compiled; only of a check
  std::vector<ConstraintProblem> constraint_problems;
  bool blocked = false;  ///< it reads what has an error that is reported already
};

/// The functions that decide about the view's rows: those of its plan, and those of constraints
/// that drop rows or fail.
std::vector<UsedFunction> FunctionsOf(const PlanBundle& bundle) {
  std::vector<UsedFunction> used = CollectFunctions(*bundle.plan);
  std::set<std::string> added;
  for (const UsedFunction& function : used) added.insert(function.name);
  for (const BundledConstraint& constraint : bundle.constraints) {
    if (constraint.action == ViolationAction::kWarn) continue;
    for (const std::string& name : constraint.functions) {
      if (added.insert(name).second) used.push_back({.kind = "scalar", .name = name});
    }
  }
  return used;
}

void AddFunctions(const SessionRuntime& session, PlanBundle& bundle) {
  const auto versions = engine::EngineVersions();
  for (const auto& used : FunctionsOf(bundle)) {
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

/// The domain planners that took part in the query or in a constraint, and the tags that enable
/// them.
void AddDomainPlanners(std::vector<engine::PlanStep> taken,
                       const std::vector<engine::PlanStep>& by_constraints, PlanBundle& bundle) {
  taken.insert(taken.end(), by_constraints.begin(), by_constraints.end());
  std::vector<PlanningStep> steps;
  for (const engine::PlanStep& step : taken) steps.push_back({step.step, step.function});
  std::set<std::string> functions;
  for (const RequiredFunction& function : bundle.functions) functions.insert(function.name);
  for (const BundledConstraint& constraint : bundle.constraints)
    functions.insert(constraint.functions.begin(), constraint.functions.end());
  bundle.domain_planners = DomainPlannersOf(steps, functions);
  for (const std::string& name : bundle.domain_planners) {
    const DomainPlanner* planner = FindDomainPlanner(name);
    bundle.required_tags.insert(planner->tags.begin(), planner->tags.end());
  }
}

/// REQUIRES: all else of the bundle is there
Status AddFingerprint(const SessionRuntime& session, PlanBundle& bundle) {
  FingerprintBuilder builder;
  WEIR_ASSIGN_OR_RETURN(const std::string plan, MeaningOfPlan(bundle.plan_proto));
  builder.Add("recipe", kFingerprintRecipe).Add("plan", plan);
  for (const auto& column : bundle.partition_columns) builder.Add("partition_column", column);
  for (const auto& column : bundle.cluster_columns) builder.Add("cluster_column", column);
  for (const auto& field : bundle.stored_schema->fields()) builder.Add("column", field->ToString());
  for (const auto& [key, value] : session.result_settings()) builder.Add("setting." + key, value);
  for (const auto& [name, value] : bundle.parameters) builder.Add("parameter." + name, value);
  for (const auto& function : bundle.functions) {
    if (function.version.starts_with("native:"))
      builder.Add("function." + function.name, function.version);
  }
  AddConstraints(bundle.constraints, builder);
  bundle.fingerprint = builder.Finish();
  bundle.fingerprint_input = builder.InputText() + "\nplan:\n" + ToText(*bundle.plan);
  return Status::OK();
}

/// The schema that a view's table has; problems go to `diagnostics`.
std::shared_ptr<arrow::Schema> CheckedSchema(const ViewDefinition& view,
                                             const SessionRuntime& session,
                                             const arrow::Schema& output,
                                             std::vector<Diagnostic>& diagnostics) {
  std::vector<Status> problems;
  auto stored = StoredSchema(output, problems);
  for (const Status& problem : problems)
    diagnostics.push_back(DiagnosticOf("W2007", problem, view));
  CheckLayoutColumns(view, *stored, diagnostics);
  CheckProperties(view, session, *stored, diagnostics);
  return stored;
}

/// Reports what fails in a typed plan whatever the data. Returns whether there is any.
bool ReportConstants(const ViewDefinition& view, const engine::Plan& typed,
                     const engine::Session& session, std::vector<Diagnostic>& diagnostics) {
  const auto problems = typed.ConstantProblems(session);
  // What keeps it from being looked at keeps it from being optimised, which says so.
  if (!problems.ok() || problems->empty()) return false;
  for (const engine::ConstantProblem& problem : *problems)
    diagnostics.push_back(ExplainConstantProblem(problem, view));
  return true;
}

/// Compiles a stored view to its bundle.
Status BundleInto(const ViewDefinition& view, engine::Plan plan, const SessionRuntime& session,
                  const ParameterValues& parameters, Outcome& outcome) {
  auto bundle = std::make_shared<PlanBundle>(BundleOf(view));
  bundle->parameters = parameters;
  bundle->properties = PropertiesOf(view, session);
  WEIR_ASSIGN_OR_RETURN(bundle->logical_plan, plan.Display("indent"));
  // Before its types are settled a plan has the types of the first branch of a UNION or a CASE.
  WEIR_ASSIGN_OR_RETURN(engine::Plan typed, std::move(plan).Analyze(session.engine()));
  WEIR_ASSIGN_OR_RETURN(bundle->output_schema, typed.output_schema());
  bundle->stored_schema = CheckedSchema(view, session, *bundle->output_schema, outcome.diagnostics);
  if (ReportConstants(view, typed, session.engine(), outcome.diagnostics)) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(const engine::Plan optimized,
                        std::move(typed).Optimize(session.engine(), engine::ClockCalls::kCalls));
  WEIR_RETURN_NOT_OK(TakePlan(optimized, session, *bundle));
  WEIR_ASSIGN_OR_RETURN(bundle->pins, PinsOf(*bundle->plan, session));
  CompiledConstraints constraints = CompileConstraints(view, *bundle->stored_schema, session);
  bundle->constraints = std::move(constraints.constraints);
  outcome.constraint_problems = std::move(constraints.problems);
  AddFunctions(session, *bundle);
  AddDomainPlanners(optimized.steps(), constraints.steps, *bundle);
  WEIR_RETURN_NOT_OK(AddFingerprint(session, *bundle));
  outcome.stored_schema = bundle->stored_schema;
  outcome.bundle = std::move(bundle);
  return Status::OK();
}

/// Warns of calls that keep a view from being a function of the rows that it reads.
void WarnOfUnstableCalls(const ViewDefinition& view, const LogicalPlan& plan,
                         std::vector<Diagnostic>& warnings) {
  for (const UnstableCall& call : UnstableCallsOf(plan)) {
    Status status = Status::User(StatusCode::kUnsupported,
                                 "a result that hangs on nothing but the rows that are read is "
                                 "wanted (`deterministic`); `{}` {}",
                                 call.function, call.problem)
                        .WithHint(call.instead);
    if (const auto place = PlaceOfText({call.function}, view)) status = status.WithLocation(*place);
    warnings.push_back(DiagnosticOf("W2013", status, view));
    warnings.back().severity = Severity::kWarning;
  }
}

/// The columns of a table that say where a row lies, not what it holds.
std::vector<std::string> PlaceColumnsOf(const Scan& scan, const SessionRuntime& session) {
  const PinnedTable* table = session.catalog().Find(scan.table);
  if (table == nullptr) return {};
  std::vector<std::string> names;
  for (const std::string& name : {table->reading.file_column, table->reading.row_column}) {
    if (std::ranges::find(scan.columns, name) != scan.columns.end()) names.push_back(name);
  }
  return names;
}

bool HasPlaceColumns(const LogicalPlan& plan, const SessionRuntime& session) {
  return std::ranges::any_of(CollectScans(plan), [&](const Scan* scan) {
    return !PlaceColumnsOf(*scan, session).empty();
  });
}

/// Warns of columns that say where a row lies: rewritten files hold the same rows elsewhere.
/// `plan` is `typed` decoded, which may name columns that nobody reads.
Status WarnOfPlaces(const ViewDefinition& view, const engine::Plan& typed, const LogicalPlan& plan,
                    const SessionRuntime& session, std::vector<Diagnostic>& warnings) {
  if (!HasPlaceColumns(plan, session)) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(const engine::Plan optimized, typed.Optimize(session.engine()));
  WEIR_ASSIGN_OR_RETURN(const std::string proto, optimized.ToProto());
  WEIR_ASSIGN_OR_RETURN(const std::string outputs, optimized.Outputs());
  WEIR_ASSIGN_OR_RETURN(const auto decoded, DecodePlan(proto, outputs));
  std::set<std::pair<std::string, std::string>> seen;
  for (const Scan* scan : CollectScans(*decoded)) {
    for (const std::string& column : PlaceColumnsOf(*scan, session)) {
      if (!seen.emplace(scan->table, column).second) continue;
      Status status =
          Status::User(
              StatusCode::kUnsupported,
              "a result that hangs on nothing but the rows that are read is wanted "
              "(`deterministic`); the column `{}` of `{}` says where a row lies: files that "
              "are written anew give another result",
              column, scan->table)
              .WithHint(
                  "derive the value from columns that the files hold, where it is not the "
                  "files that the view is about");
      if (const auto place = PlaceOfText({column}, view)) status = status.WithLocation(*place);
      warnings.push_back(DiagnosticOf("W2014", status, view));
      warnings.back().severity = Severity::kWarning;
    }
  }
  return Status::OK();
}

/// Goes as far as types, and has the typed plan looked at.
Status CheckInto(const ViewDefinition& view, engine::Plan plan, const SessionRuntime& session,
                 const PlanInspector& inspect, Outcome& outcome) {
  WEIR_ASSIGN_OR_RETURN(engine::Plan typed, std::move(plan).Analyze(session.engine()));
  WEIR_ASSIGN_OR_RETURN(const auto output, typed.output_schema());
  outcome.stored_schema = CheckedSchema(view, session, *output, outcome.diagnostics);
  outcome.schema_bytes = SchemaBytes(outcome.stored_schema);
  outcome.constraint_problems = CompileConstraints(view, *outcome.stored_schema, session).problems;
  if (ReportConstants(view, typed, session.engine(), outcome.diagnostics)) return Status::OK();
  auto proto = typed.ToProto();
  if (!proto.ok()) {
    // Subqueries have no bytes before the optimiser has made joins of them.
    WEIR_ASSIGN_OR_RETURN(typed,
                          std::move(typed).Optimize(session.engine(), engine::ClockCalls::kCalls));
    proto = typed.ToProto();
  }
  WEIR_RETURN_NOT_OK(proto.status());
  WEIR_ASSIGN_OR_RETURN(const std::string outputs, typed.Outputs());
  WEIR_ASSIGN_OR_RETURN(const auto decoded, DecodePlan(*proto, outputs));
  WEIR_RETURN_NOT_OK(PinsOf(*decoded, session).status());
  if (session.is_deterministic()) {
    WarnOfUnstableCalls(view, *decoded, outcome.warnings);
    WEIR_RETURN_NOT_OK(WarnOfPlaces(view, typed, *decoded, session, outcome.warnings));
  }
  return inspect(view.name, *decoded);
}

/// How far views are compiled.
struct Depth {
  /// Makes tables also of views that no other view may read.
  bool opens_unread = true;
  /// What is done with the plan of a stored view: BundleInto or CheckInto.
  std::function<Status(const ViewDefinition&, engine::Plan, Outcome&)> deepen;
  /// Told of every view that compiled.
  std::function<void(size_t view, Outcome&)> done;
  BundleCache* cache = nullptr;  ///< null: everything is planned
};

/// `planner`: the engine's session that reads the SQL.
Outcome CompileWith(const engine::Session& planner, const FunctionRegistry& functions,
                    const ViewDefinition& view, const KnownTables& tables, const Depth& depth) {
  Outcome outcome;
  auto plan = PlanQuery(view, planner, functions);
  if (!plan.ok()) {
    const std::string& message = plan.status().message();
    if (tables.broken.contains(MissingTable(message)) ||
        tables.broken_functions.contains(MissingFunction(message))) {
      outcome.blocked = true;
      return outcome;
    }
    outcome.diagnostics.push_back(ExplainPlanFailure(plan.status(), view, tables));
    return outcome;
  }
  if (view.kind == ViewDefinition::Kind::kInline) {
    // Its readers are planned with the types that it has.
    auto typed = (*std::move(plan)).Analyze(planner);
    if (typed.ok()) {
      if (!ReportConstants(view, *typed, planner, outcome.diagnostics))
        outcome.plan = *std::move(typed);
    } else {
      outcome.diagnostics.push_back(ExplainPlanFailure(typed.status(), view, tables));
    }
    return outcome;
  }
  const Status status = depth.deepen(view, *std::move(plan), outcome);
  if (!status.ok()) outcome.diagnostics.push_back(ExplainPlanFailure(status, view, tables));
  for (const ConstraintProblem& problem : outcome.constraint_problems) {
    Diagnostic diagnostic = ExplainPlanFailure(problem.status, view, tables);
    diagnostic.message = fmt::format("constraint `{}`: {}", problem.constraint, diagnostic.message);
    outcome.diagnostics.push_back(std::move(diagnostic));
  }
  return outcome;
}

/// The session's engine, which keeps the place of each column in the text, and the same without.
struct Planners {
  explicit Planners(const SessionRuntime& session)
      : with_places(session.engine()),
        without_places(session.engine()),
        functions(session.functions()) {
    auto other = with_places.WithSettings({{"datafusion.sql_parser.collect_spans", "false"}});
    if (other.ok()) without_places = *std::move(other);
  }

  const engine::Session& with_places;
  engine::Session without_places;
  const FunctionRegistry& functions;
};

/// Keeping places takes time, and they are wanted only where something is wrong: such a view is
/// planned twice.
Outcome CompileView(const Planners& planners, const ViewDefinition& view, const KnownTables& tables,
                    const Depth& depth) {
  if (auto refused = RefuseTableFunctions(view, tables.functions, planners.without_places)) {
    Outcome outcome;
    outcome.diagnostics.push_back(*std::move(refused));
    return outcome;
  }
  Outcome outcome = CompileWith(planners.without_places, planners.functions, view, tables, depth);
  if (outcome.diagnostics.empty() || view.query != nullptr) return outcome;
  return CompileWith(planners.with_places, planners.functions, view, tables, depth);
}

/// Makes the table of a stored view for those that read it.
Result<PinnedTable> TableOf(const ViewDefinition& view, const Outcome& outcome,
                            const SessionRuntime& session) {
  return PinView(view.name, TableUrl(session.warehouse_url(), view.name), /*version=*/-1,
                 outcome.stored_schema, view.partition_columns, /*files=*/{}, session.engine());
}

/// Why no view can have a table: nobody said how to reach the store of the warehouse. Nothing is
/// read there.
Status CheckWarehouseStore(const ProjectDefinition& project, const SessionRuntime& session) {
  const bool has_tables = std::any_of(
      project.views.begin(), project.views.end(),
      [](const ViewDefinition& view) { return view.kind == ViewDefinition::Kind::kStored; });
  if (!has_tables) return Status::OK();
  const Status opened =
      PinView("warehouse", session.warehouse_url(), /*version=*/-1, arrow::schema({}),
              /*partition_columns=*/{}, /*files=*/{}, session.engine())
          .status();
  return IsOfUnknownStore(opened) ? opened : Status::OK();
}

/// For all views at once.
Diagnostic UnknownWarehouse(const Status& status, const std::string& warehouse_url) {
  const size_t host = warehouse_url.find("://") + 3;
  Diagnostic diagnostic = ToDiagnostic("W3001", status.WithContext("the warehouse"));
  diagnostic.hint = fmt::format("weir.toml says how to reach it: `[object_stores.\"{}\"]`",
                                warehouse_url.substr(0, warehouse_url.find('/', host)));
  diagnostic.location = {std::string(kProjectFileName), 0, 0};
  return diagnostic;
}

/// Makes a compiled view known to those that read it.
Status Register(const ViewDefinition& view, Outcome& outcome, SessionRuntime& session) {
  if (outcome.plan) return session.engine().RegisterView(view.name, *outcome.plan);
  if (outcome.table) return session.catalog().AddView(*std::move(outcome.table), session.engine());
  return Status::OK();
}

/// The same from the cache where it has the bundle; `key`: the view's there.
Outcome RecallOrCompile(const Planners& planners, const ViewDefinition& view,
                        const KnownTables& tables, const Depth& depth, const std::string& key,
                        const SessionRuntime& session) {
  Outcome outcome;
  const bool cached = !key.empty() && view.kind == ViewDefinition::Kind::kStored;
  if (cached) outcome.bundle = depth.cache->Find(key, view);
  if (outcome.bundle) {
    outcome.stored_schema = outcome.bundle->stored_schema;
    // Properties are no part of a plan, hence of no key.
    outcome.bundle->properties = PropertiesOf(view, session);
    CheckProperties(view, session, *outcome.stored_schema, outcome.diagnostics);
    return outcome;
  }
  outcome = CompileView(planners, view, tables, depth);
  if (cached && outcome.bundle && outcome.diagnostics.empty())
    depth.cache->Keep(key, *outcome.bundle);
  return outcome;
}

/// Compiles level after level, each level in parallel. Returns the views that did not compile.
std::set<std::string> CompileLevels(const ProjectDefinition& project, const PlanningOrder& order,
                                    const std::vector<std::string>& known_views,
                                    SessionRuntime& session, const Depth& depth,
                                    Diagnostics& diagnostics) {
  std::set<std::string> failed;
  const Planners planners(session);
  const KnownTables tables(project, session, diagnostics, known_views);
  for (size_t i = 0; i < project.views.size(); ++i) {
    if (order.on_cycle(i)) failed.insert(project.views[i].name);
  }
  const Status warehouse = CheckWarehouseStore(project, session);
  if (!warehouse.ok()) diagnostics.Add(UnknownWarehouse(warehouse, session.warehouse_url()));
  for (const std::vector<size_t>& level : order.Levels()) {
    // A view that reads a failed one would only repeat its error.
    std::vector<size_t> ready;
    for (size_t i : level) {
      const bool blocked =
          std::any_of(order.references(i).begin(), order.references(i).end(),
                      [&](size_t r) { return failed.contains(project.views[r].name); });
      if (blocked) {
        failed.insert(project.views[i].name);
      } else {
        ready.push_back(i);
      }
    }
    std::vector<Outcome> outcomes(ready.size());
    std::vector<std::string> keys(ready.size());
    ForEachInParallel(ready.size(), static_cast<size_t>(session.threads()), [&](size_t i) {
      const ViewDefinition& view = project.views[ready[i]];
      if (depth.cache != nullptr) keys[i] = depth.cache->KeyOf(view, order.tables(ready[i]));
      Outcome& outcome = outcomes[i] =
          RecallOrCompile(planners, view, tables, depth, keys[i], session);
      if (!outcome.stored_schema || !outcome.diagnostics.empty()) return;
      if (!warehouse.ok()) outcome.blocked = true;
      if (outcome.blocked || (!depth.opens_unread && !order.is_read(ready[i]))) return;
      auto table = TableOf(view, outcome, session);
      if (table.ok()) {
        outcome.table = *std::move(table);
      } else {
        outcome.diagnostics.push_back(DiagnosticOf("W2005", table.status(), view));
      }
    });
    for (size_t i = 0; i < ready.size(); ++i) {
      const ViewDefinition& view = project.views[ready[i]];
      Outcome& outcome = outcomes[i];
      if (outcome.diagnostics.empty() && !outcome.blocked) {
        const Status added = Register(view, outcome, session);
        if (!added.ok()) outcome.diagnostics.push_back(DiagnosticOf("W2005", added, view));
      }
      if (outcome.diagnostics.empty() && !outcome.blocked) {
        if (depth.cache != nullptr) {
          depth.cache->NoteTable(view.name, keys[i], outcome.stored_schema, view.partition_columns);
        }
        depth.done(ready[i], outcome);
      } else {
        failed.insert(view.name);
      }
      for (Diagnostic& diagnostic : outcome.diagnostics) diagnostics.Add(std::move(diagnostic));
      for (Diagnostic& warning : outcome.warnings) diagnostics.Add(std::move(warning));
    }
  }
  return failed;
}

}  // namespace

std::shared_ptr<const PlanBundle> CompiledProject::Find(const std::string& view_name) const {
  const auto found = index_.find(view_name);
  return found == index_.end() ? nullptr : bundles_[found->second];
}

void CompiledProject::Add(std::shared_ptr<const PlanBundle> bundle) {
  index_[bundle->view_name] = bundles_.size();
  bundles_.push_back(std::move(bundle));
}

CompiledProject CompileViews(const ProjectDefinition& project, SessionRuntime& session,
                             Diagnostics& diagnostics, BundleCache* cache) {
  CompiledProject compiled;
  CheckProfileProperties(session, diagnostics);
  CheckLandings(project, session, diagnostics);
  const PlanningOrder order(project, session, diagnostics);
  const auto parameters = ParametersOfViews(project, order, session);
  const auto parameters_of = [&](const std::string& view) {
    const auto found = parameters.find(view);
    return found == parameters.end() ? ParameterValues() : found->second;
  };
  compiled.failed = CompileLevels(
      project, order, {}, session,
      {.deepen =
           [&](const ViewDefinition& view, engine::Plan plan, Outcome& outcome) {
             return BundleInto(view, std::move(plan), session, parameters_of(view.name), outcome);
           },
       .done =
           [&](size_t view, Outcome& outcome) {
             const std::string& name = project.views[view].name;
             compiled.SetTables(name, order.tables(view));
             if (!outcome.bundle) return;
             outcome.bundle->parameters = parameters_of(name);
             compiled.Add(std::move(outcome.bundle));
           },
       .cache = cache},
      diagnostics);
  return compiled;
}

CheckedProject CheckViews(const ProjectDefinition& project,
                          const std::vector<std::string>& known_views, const PlanInspector& inspect,
                          SessionRuntime& session, Diagnostics& diagnostics) {
  CheckedProject checked;
  CheckProfileProperties(session, diagnostics);
  CheckLandings(project, session, diagnostics);
  const PlanningOrder order(project, session, diagnostics);
  checked.failed =
      CompileLevels(project, order, known_views, session,
                    {.opens_unread = false,
                     .deepen =
                         [&](const ViewDefinition& view, engine::Plan plan, Outcome& outcome) {
                           return CheckInto(view, std::move(plan), session, inspect, outcome);
                         },
                     .done =
                         [&](size_t view, Outcome& outcome) {
                           checked.views.push_back({.name = project.views[view].name,
                                                    .tables = order.tables(view),
                                                    .schema = std::move(outcome.schema_bytes)});
                         }},
                    diagnostics);
  return checked;
}

Result<BundleDetails> DescribeBundle(const PlanBundle& bundle, const SessionRuntime& session,
                                     std::string executed) {
  const engine::Session& engine = session.engine();
  BundleDetails details;
  WEIR_ASSIGN_OR_RETURN(const engine::Plan plan,
                        engine::Plan::FromProto(engine, bundle.plan_proto));
  WEIR_ASSIGN_OR_RETURN(details.optimized_plan, plan.Display("indent"));
  WEIR_ASSIGN_OR_RETURN(details.optimized_plan_graphviz, plan.Display("graphviz"));
  WEIR_ASSIGN_OR_RETURN(details.optimized_plan_pgjson, plan.Display("pgjson"));
  details.physical_plan = std::move(executed);
  if (details.physical_plan.empty()) {
    WEIR_ASSIGN_OR_RETURN(const engine::PhysicalPlan physical,
                          engine::PhysicalPlan::Create(engine, plan));
    WEIR_ASSIGN_OR_RETURN(details.physical_plan, physical.Display("indent"));
  }
  details.logical_plan = bundle.logical_plan;
  WEIR_ASSIGN_OR_RETURN(details.lane, ChooseLane(bundle, session));
  return details;
}

}  // namespace weir

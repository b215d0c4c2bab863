// SPDX-License-Identifier: Apache-2.0

#include "weir/run/test_of_view.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/base/clock.h"
#include "weir/base/nearest.h"
#include "weir/bundle/plan_failure.h"
#include "weir/bundle/stored_schema.h"
#include "weir/bundle/taken_plan.h"
#include "weir/bundle/view_query.h"
#include "weir/project/dialect.h"
#include "weir/run/bundle_execution.h"
#include "weir/run/constraint_check.h"
#include "weir/run/given_rows.h"
#include "weir/run/view_deadline.h"

namespace weir {

namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;
using Row = std::vector<std::string>;

const ViewDefinition* FindView(const ProjectDefinition& project, const std::string& name) {
  const auto found =
      std::find_if(project.views.begin(), project.views.end(),
                   [&](const ViewDefinition& candidate) { return candidate.name == name; });
  return found == project.views.end() ? nullptr : &*found;
}

/// Whether the plan's result has an order that its user asked for.
bool IsOrdered(const LogicalPlan& plan) {
  switch (plan.kind) {
    case PlanKind::kSort:
      return true;
    case PlanKind::kProjection:
    case PlanKind::kLimit:
    case PlanKind::kSubqueryAlias:
      return !plan.inputs.empty() && IsOrdered(*plan.inputs[0]);
    default:
      return false;
  }
}

/// The rows of a batch, the named columns only.
std::vector<Row> RowsOf(const arrow::RecordBatch& batch, const std::vector<std::string>& columns) {
  std::vector<Row> rows(static_cast<size_t>(batch.num_rows()));
  for (const std::string& name : columns) {
    const auto column = batch.GetColumnByName(name);
    for (size_t row = 0; row < rows.size(); ++row)
      rows[row].push_back(CellText(*column, static_cast<int64_t>(row)));
  }
  return rows;
}

/// What of `from` is not in `other`, each as often as it is missing.
std::vector<Row> Without(const std::vector<Row>& from, const std::vector<Row>& other) {
  std::multiset<Row> others(other.begin(), other.end());
  std::vector<Row> rest;
  for (const Row& row : from) {
    const auto found = others.find(row);
    if (found == others.end()) {
      rest.push_back(row);
    } else {
      others.erase(found);
    }
  }
  return rest;
}

class UnitTest {
 public:
  UnitTest(const UnitTestDefinition& test, const ProjectDefinition& project,
           const CompiledProject& compiled, const SessionRuntime& session,
           const engine::Cancellation& cancellation)
      : test_(test),
        project_(project),
        compiled_(compiled),
        session_(session),
        cancellation_(cancellation),
        typer_(session.engine(), test, outcome_.problems) {}

  UnitTestOutcome Run() {
    const Status status = TryRun();
    if (!status.ok()) {
      Diagnostic diagnostic =
          ToDiagnostic("W1418", status.WithContext(fmt::format("test `{}`", test_.name)));
      diagnostic.location = test_.location;
      outcome_.problems.push_back(std::move(diagnostic));
    }
    if (!outcome_.problems.empty()) {
      for (Diagnostic& problem : outcome_.problems) problem.view_name = test_.view.name;
      outcome_.state = TestState::kError;
    } else if (outcome_.differing_rows() > 0 || !outcome_.message.empty()) {
      outcome_.state = TestState::kFailed;
    }
    return std::move(outcome_);
  }

 private:
  Status TryRun() {
    view_ = FindView(project_, test_.view.name);
    if (view_ == nullptr) {
      ReportUnknownView();
      return Status::OK();
    }
    if (compiled_.failed.contains(view_->name)) {
      Report("W1418", fmt::format("the view has errors, or reads one that has: `{}`", view_->name),
             test_.view.location);
      return Status::OK();
    }
    WEIR_RETURN_NOT_OK(FindPlan());
    // Everything that is wrong with the test is said at once.
    const auto bindings = Bind();
    const Batch expected = typer_.Expected(test_.expected, *bundle_->stored_schema);
    if (!outcome_.problems.empty()) return Status::OK();
    WEIR_ASSIGN_OR_RETURN(const Batch found, Execute(bindings));
    if (found != nullptr) Compare(*expected, *found);
    return Status::OK();
  }

  void Report(std::string_view code, std::string message, const SourceLocation& location,
              std::string hint = {}) {
    outcome_.problems.push_back({.code = std::string(code),
                                 .message = std::move(message),
                                 .hint = std::move(hint),
                                 .location = location});
  }

  void ReportUnknownView() {
    std::vector<std::string> names;
    for (const ViewDefinition& view : project_.views) names.push_back(view.name);
    Report("W1411", fmt::format("there is no view named `{}`", test_.view.name),
           test_.view.location, SuggestionHint(test_.view.name, names));
  }

  /// The bundle of a stored view; of one that is inlined, what a bundle would hold as far as a test
  /// needs it.
  Status FindPlan() {
    bundle_ = compiled_.Find(view_->name);
    if (bundle_ != nullptr) return Status::OK();
    const auto& engine = session_.engine();
    auto bundle = std::make_shared<PlanBundle>();
    bundle->view_name = view_->name;
    WEIR_ASSIGN_OR_RETURN(
        engine::Plan plan,
        engine::Plan::FromSql(
            engine, "SELECT * FROM " + QuoteIdentifier(view_->name, GenericDialect()), "generic"));
    WEIR_ASSIGN_OR_RETURN(plan, std::move(plan).Analyze(engine));
    WEIR_ASSIGN_OR_RETURN(bundle->output_schema, plan.output_schema());
    std::vector<Status> problems;
    bundle->stored_schema = StoredSchema(*bundle->output_schema, problems);
    if (!problems.empty()) return problems[0];
    WEIR_ASSIGN_OR_RETURN(plan, std::move(plan).Optimize(engine));
    WEIR_RETURN_NOT_OK(TakePlan(plan, session_, *bundle));
    bundle_ = std::move(bundle);
    return Status::OK();
  }

  using Bindings = std::vector<std::pair<uint32_t, engine::Table>>;

  /// A table of the given rows for each scan of the plan.
  Bindings Bind() {
    std::map<std::string, engine::Table> tables;
    std::set<std::string> read;
    for (const Scan* scan : CollectScans(*bundle_->plan)) {
      if (!scan->table.starts_with("$")) read.insert(WithoutDefaultSchema(scan->table));
    }
    for (const GivenRows& given : test_.given) {
      const PinnedTable* table = session_.catalog().Find(given.table.name);
      if (table == nullptr || !IsRead(given.table.name, read)) {
        ReportNotRead(given, read);
        continue;
      }
      const Batch rows = typer_.Given(given, *table->schema);
      if (rows == nullptr) continue;
      auto bound = engine::Table::FromRows(*rows);
      if (bound.ok()) {
        tables.emplace(given.table.name, *std::move(bound));
      } else {
        Report("W1418", bound.status().message(), given.table.location);
      }
    }
    for (const std::string& name : read) {
      const bool given =
          std::any_of(test_.given.begin(), test_.given.end(),
                      [&](const GivenRows& rows) { return rows.table.name == name; });
      if (given) continue;
      Report("W1415", fmt::format("the view reads a table of which no rows are given: `{}`", name),
             test_.view.location, fmt::format("write GIVEN {} …, or GIVEN {} NO ROWS", name, name));
    }
    Bindings bindings;
    for (const Scan* scan : CollectScans(*bundle_->plan)) {
      const auto table = tables.find(WithoutDefaultSchema(scan->table));
      if (table != tables.end() && scan->scan_id >= 0)
        bindings.emplace_back(static_cast<uint32_t>(scan->scan_id), table->second);
    }
    return bindings;
  }

  /// Whether the view reads the table: its plan does, or its text did before the optimiser found
  /// that it need not.
  bool IsRead(const std::string& table, const std::set<std::string>& read) const {
    return read.contains(table) || Names(*view_, table, 0);
  }

  bool Names(const ViewDefinition& view, const std::string& table, int depth) const {
    static constexpr int kDeepest = 64;
    const auto names = TablesNamed(view, session_.engine());
    if (!names.ok() || depth > kDeepest) return false;
    return std::any_of(names->begin(), names->end(), [&](const std::string& name) {
      if (name == table) return true;
      const ViewDefinition* inner = FindView(project_, name);
      return inner != nullptr && inner->kind == ViewDefinition::Kind::kInline &&
             Names(*inner, table, depth + 1);
    });
  }

  void ReportNotRead(const GivenRows& given, const std::set<std::string>& read) {
    const std::string& name = given.table.name;
    const ViewDefinition* view = FindView(project_, name);
    const std::string reads = fmt::format("it reads `{}`", fmt::join(read, "`, `"));
    if (view != nullptr && view->kind == ViewDefinition::Kind::kInline) {
      Report("W1412",
             fmt::format("rows of a stored view or a source are wanted, found the plain "
                         "VIEW `{}`, which is part of `{}`",
                         name, view_->name),
             given.table.location, "give rows of what it reads: " + reads);
      return;
    }
    std::string hint = SuggestionHint(name, {read.begin(), read.end()});
    if (hint.empty()) hint = read.empty() ? "it reads no table" : reads;
    Report("W1412", fmt::format("the view `{}` reads no table named `{}`", view_->name, name),
           given.table.location, std::move(hint));
  }

  /// The view's rows as its table would hold them; null if a constraint fails.
  Result<Batch> Execute(const Bindings& bindings) {
    const auto& engine = session_.engine();
    const int64_t now_us = SystemClock().Now();
    WEIR_ASSIGN_OR_RETURN(const auto plan,
                          PlanOfBundle(*bundle_, /*by_lane=*/false, now_us, bindings, session_));
    WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(engine, plan));
    WEIR_ASSIGN_OR_RETURN(const auto table, Execute(physical));
    const auto batch = table->CombineChunksToBatch();
    if (!batch.ok()) return engine::FromStreamFailure(batch.status());
    std::vector<Status> problems;
    if (!StoredSchema(*(*batch)->schema(), problems)->Equals(*bundle_->stored_schema)) {
      return Status::Bug("the view's columns were planned to be stored as {}, and are `{}`",
                         bundle_->stored_schema->ToString(), (*batch)->schema()->ToString());
    }
    WEIR_ASSIGN_OR_RETURN(const Batch stored, engine::CastRows(**batch, bundle_->stored_schema));
    WEIR_ASSIGN_OR_RETURN(const auto check, ConstraintCheck::Prepare(*bundle_, engine, now_us));
    if (check->empty()) return stored;
    WEIR_ASSIGN_OR_RETURN(const Batch kept, check->Sieve(stored));
    if (const Status verdict = check->Verdict(); !verdict.ok()) {
      outcome_.message = verdict.message();
      return Batch();
    }
    return kept;
  }

  /// All rows of the plan, as long as the view may run.
  Result<std::shared_ptr<arrow::Table>> Execute(const engine::PhysicalPlan& plan) {
    ViewDeadline deadline(TimeLimitOf(*bundle_, session_), cancellation_);
    const auto reader = plan.Execute(session_.engine(), deadline.cancellation());
    if (!reader.ok()) return deadline.Stop(reader.status());
    auto table = (*reader)->ToTable();
    if (!table.ok()) return deadline.Stop(engine::FromStreamFailure(table.status()));
    return *std::move(table);
  }

  void Compare(const arrow::RecordBatch& expected, const arrow::RecordBatch& found) {
    outcome_.columns = expected.schema()->field_names();
    const std::vector<Row> wanted = RowsOf(expected, outcome_.columns);
    const std::vector<Row> got = RowsOf(found, outcome_.columns);
    outcome_.missing = Without(wanted, got);
    outcome_.unexpected = Without(got, wanted);
    if (outcome_.differing_rows() > 0 || !IsOrdered(*bundle_->plan)) return;
    const auto [at, other] = std::mismatch(wanted.begin(), wanted.end(), got.begin());
    if (at == wanted.end()) return;
    outcome_.message = fmt::format(
        "the rows are the expected ones, but the view orders them otherwise: row {} is wanted to "
        "be "
        "({}), found ({})",
        at - wanted.begin() + 1, fmt::join(*at, ", "), fmt::join(*other, ", "));
  }

  const UnitTestDefinition& test_;
  const ProjectDefinition& project_;
  const CompiledProject& compiled_;
  const SessionRuntime& session_;
  const engine::Cancellation& cancellation_;
  UnitTestOutcome outcome_;
  RowTyper typer_;
  const ViewDefinition* view_ = nullptr;
  std::shared_ptr<const PlanBundle> bundle_;
};

}  // namespace

std::string_view ToString(TestState state) {
  switch (state) {
    case TestState::kPassed:
      return "passed";
    case TestState::kFailed:
      return "failed";
    case TestState::kError:
      return "error";
  }
  return "error";
}

UnitTestOutcome RunUnitTest(const UnitTestDefinition& test, const ProjectDefinition& project,
                            const CompiledProject& compiled, const SessionRuntime& session,
                            const engine::Cancellation& cancellation) {
  return UnitTest(test, project, compiled, session, cancellation).Run();
}

}  // namespace weir

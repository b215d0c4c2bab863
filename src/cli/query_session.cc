// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/query_session.h"

#include <algorithm>

#include <arrow/api.h>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/filesystem.h"
#include "weir/base/nearest.h"
#include "weir/base/percent_text.h"
#include "weir/base/text_between.h"
#include "weir/bundle/plan_failure.h"
#include "weir/bundle/statement.h"
#include "weir/bundle/written_sql.h"
#include "weir/functions/call_failure.h"
#include "weir/project/function_parser.h"
#include "weir/project/weir_toml.h"
#include "weir/run/delta_history.h"

namespace weir::cli {

namespace {

/// Whether a statement is CREATE FUNCTION, which each dialect's own parser reads in another way.
bool BeginsFunction(const std::string& sql, const std::string& dialect) {
  const std::vector<Token> tokens = Lex(sql, *FindDialect(dialect)).tokens;
  size_t at = 1;
  if (!tokens[0].IsKeyword("CREATE")) return false;
  if (tokens.size() > 3 && tokens[1].IsKeyword("OR") && tokens[2].IsKeyword("REPLACE")) at = 3;
  return tokens[at].IsKeyword("FUNCTION");
}

}  // namespace

Result<QuerySession> QuerySession::Open(const GlobalOptions& options) {
  QuerySession session;
  const LocalFileSystem files;
  Diagnostics diagnostics;
  WEIR_ASSIGN_OR_RETURN(session.project_,
                        LoadProject(files, options.project, options.profile, diagnostics));
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.location.file == kProjectFileName && diagnostic.severity == Severity::kError)
      session.broken_settings_.Add(diagnostic);
  }
  if (!session.broken_settings_.all().empty()) return session;
  // A query may be asked of a project with broken views: only what the query names must work.
  WEIR_ASSIGN_OR_RETURN(session.runtime_, SessionRuntime::Seal(session.project_, diagnostics));
  session.diagnostics_ = std::move(diagnostics);
  WEIR_ASSIGN_OR_RETURN(session.defer_to_,
                        DeferTargetOf(options, session.project_, *session.runtime_));
  return session;
}

std::vector<std::string> QuerySession::TableNames() const {
  std::vector<std::string> names = runtime_->catalog().names();
  for (const ViewDefinition& view : project_.views) names.push_back(view.name);
  for (const std::string& table : ArtifactTableNames()) names.push_back("weir." + table);
  return names;
}

Result<std::shared_ptr<arrow::RecordBatchReader>> QuerySession::Execute(
    const std::string& sql, const std::string& dialect, const engine::Cancellation& cancellation) {
  WEIR_ASSIGN_OR_RETURN(const engine::Plan optimized, PlanQuery(sql, dialect));
  return ExecuteOptimized(optimized, cancellation);
}

Result<std::shared_ptr<arrow::RecordBatchReader>> QuerySession::ExecuteAllowed(
    const std::string& sql, const std::string& dialect, const engine::Cancellation& cancellation) {
  if (BeginsFunction(sql, dialect)) return DefineFunction(sql, dialect);
  WEIR_ASSIGN_OR_RETURN(const ParsedStatement statement,
                        ParseStatement(runtime_->engine(), sql, ReadingOf(project_, dialect)));
  WEIR_RETURN_NOT_OK(CheckAllowed(statement, project_.profile));
  if (statement.node == "Query") return Execute(sql, dialect, cancellation);
  WEIR_RETURN_NOT_OK(RegisterNamed(sql, dialect));
  auto plan = engine::Plan::FromStatement(runtime_->engine(), sql, dialect, cancellation);
  if (!plan.ok()) return Explain(plan.status(), sql);
  WEIR_ASSIGN_OR_RETURN(const auto optimized, plan->Optimize(runtime_->engine()));
  return ExecuteOptimized(optimized, cancellation);
}

Result<std::shared_ptr<arrow::RecordBatchReader>> QuerySession::DefineFunction(
    const std::string& sql, const std::string& dialect) {
  WEIR_RETURN_NOT_OK(CheckAllowed(
      ParsedStatement{.node = "CreateFunction", .kinds = {StatementKind::kDdl}}, project_.profile));
  Diagnostics diagnostics;
  std::set<std::string> broken;
  const SqlFile text{.path = {}, .text = sql, .dialect = FindDialect(dialect)};
  const auto functions = ParseFunctionFile(text, broken, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    return Status::User(StatusCode::kInvalidArgument, "{}", diagnostic.message)
        .WithHint(diagnostic.hint)
        .WithLocation(diagnostic.location);
  }
  for (const UserFunctionDefinition& function : functions)
    WEIR_RETURN_NOT_OK(runtime_->DefineFunction(function));
  auto nothing = arrow::RecordBatchReader::Make({}, arrow::schema(arrow::FieldVector()));
  if (!nothing.ok()) return Status::Bug("{}", nothing.status().ToString());
  return *nothing;
}

Result<std::string> QuerySession::Write(const std::string& sql, const std::string& dialect,
                                        const std::string& to) {
  WEIR_ASSIGN_OR_RETURN(const engine::Plan optimized, PlanQuery(sql, dialect));
  return WriteSql(optimized, to);
}

Result<engine::Plan> QuerySession::PlanQuery(const std::string& sql, const std::string& dialect) {
  WEIR_RETURN_NOT_OK(RegisterNamed(sql, dialect));
  auto plan = engine::Plan::FromSql(runtime_->engine(), sql, dialect);
  if (!plan.ok()) return Explain(plan.status(), sql);
  return plan->Optimize(runtime_->engine());
}

Result<std::shared_ptr<arrow::RecordBatchReader>> QuerySession::ExecuteOptimized(
    const engine::Plan& optimized, const engine::Cancellation& cancellation) {
  WEIR_ASSIGN_OR_RETURN(const auto physical,
                        engine::PhysicalPlan::Create(runtime_->engine(), optimized));
  return physical.Execute(runtime_->engine(), cancellation);
}

Status QuerySession::RegisterNamed(const std::string& sql, const std::string& dialect) {
  auto references = runtime_->engine().TableReferences(sql, dialect);
  if (!references.ok()) return Status::OK();  // planning says it better
  for (const std::string& name : *references) WEIR_RETURN_NOT_OK(Register(name));
  return Status::OK();
}

Status QuerySession::Register(const std::string& name) {
  if (!registered_.insert(name).second) return Status::OK();
  if (name.starts_with("weir.")) {
    const std::string table = name.substr(5);
    const auto known = ArtifactTableNames();
    if (std::find(known.begin(), known.end(), table) == known.end()) return Status::OK();
    return RegisterDelta(name, ArtifactTableUrl(runtime_->warehouse_url(), table), [] {
      return std::string("no run has recorded anything there yet; `weir run` does");
    });
  }
  for (const ViewDefinition& view : project_.views) {
    if (view.name != name) continue;
    if (view.kind == ViewDefinition::Kind::kInline) return RegisterInline(view);
    return RegisterDelta(name, TableUrl(runtime_->warehouse_url(), name), [&] {
      const DeltaHistory history(runtime_->engine(), runtime_->warehouse_url());
      return fmt::format("{}; `weir run` builds it", history.WhyUnbuilt(name).reason);
    });
  }
  for (const Diagnostic& diagnostic : diagnostics_.all()) {
    if (diagnostic.message.find("source `" + name + "`") != std::string::npos) {
      return Status(StatusCode::kNotFound, diagnostic.blame, diagnostic.message)
          .WithLocation(diagnostic.location);
    }
  }
  return Status::OK();
}

Status QuerySession::RegisterDelta(const std::string& name, const std::string& url,
                                   const std::function<std::string()>& missing) {
  auto table = PinDelta(name, url, -1, "", runtime_->engine());
  if (!table.ok() && table.status().code() == StatusCode::kNotFound && defer_to_ &&
      !name.starts_with("weir.")) {
    table = PinDelta(name, TableUrl(defer_to_->warehouse_url, name), -1, "", runtime_->engine());
  }
  if (table.ok()) return runtime_->engine().RegisterTable(name, *table->table);
  registered_.erase(name);
  const Status failed = table.status().WithContext(fmt::format("table `{}`", name));
  return failed.code() == StatusCode::kNotFound ? failed.WithHint(missing()) : failed;
}

Status QuerySession::ExplainRunning(const Status& status) const {
  const std::string file = TextBetween(status.message(), "the file `", "`");
  const std::string& url = runtime_->warehouse_url();
  static constexpr std::string_view kLocal = "file://";
  const std::string warehouse =
      url.starts_with(kLocal) ? PercentDecoded(url.substr(kLocal.size())) : url;
  if (file.empty() || !file.starts_with(warehouse)) return status;
  for (const ViewDefinition& view : project_.views) {
    if (!file.starts_with(warehouse + view.name + "/")) continue;
    if (status.message().find("is not there") != std::string::npos) {
      return Status::Environment(StatusCode::kNotFound,
                                 "a data file of the view `{}` is gone: `{}`", view.name, file)
          .WithHint("`weir run` builds the view again");
    }
    if (status.blame() != Blame::kEnvironment) continue;
    return status.WithContext(fmt::format("view `{}`", view.name))
        .WithHint(fmt::format("`weir run --force --select {}` builds it again", view.name));
  }
  return status;
}

Status QuerySession::RegisterInline(const ViewDefinition& view) {
  WEIR_RETURN_NOT_OK(RegisterNamed(view.query_sql, view.dialect));
  auto plan = engine::Plan::FromSql(runtime_->engine(), view.query_sql, view.dialect);
  if (!plan.ok()) return plan.status().WithContext(fmt::format("view `{}`", view.name));
  return runtime_->engine().RegisterView(view.name, *plan);
}

Status QuerySession::Explain(const Status& status, const std::string& sql) const {
  if (const auto call = ExplainCallFailure(status, sql, runtime_->functions())) return *call;
  if (const auto missing = ExplainMissingFunction(status)) return *missing;
  const std::string name = MissingTable(status.message());
  if (name.empty()) return status;
  const std::string hint = SuggestionHint(name, TableNames());
  return Status::User(StatusCode::kPlanFailed, "there is no source, view or artifact named `{}`",
                      name)
      .WithLocation(status.location())
      .WithCause(status.cause())
      .WithHint(hint.empty() ? "`\\tables` in the prompt of `weir sql` lists them" : hint);
}

}  // namespace weir::cli

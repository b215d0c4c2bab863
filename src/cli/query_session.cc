// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/query_session.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <arrow/api.h>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/filesystem.h"
#include "weir/base/nearest.h"
#include "weir/base/percent_text.h"
#include "weir/base/text_between.h"
#include "weir/bundle/plan_failure.h"
#include "weir/bundle/statement.h"
#include "weir/bundle/written_sql.h"
#include "weir/catalog/catalog.h"
#include "weir/catalog/path_files.h"
#include "weir/catalog/path_table.h"
#include "weir/delta/delta_commit.h"
#include "weir/dml/definition_run.h"
#include "weir/dml/statement_run.h"
#include "weir/functions/call_failure.h"
#include "weir/project/function_parser.h"
#include "weir/project/versioned_names.h"
#include "weir/project/weir_toml.h"
#include "weir/run/delta_history.h"
#include "weir/session/join_fallback.h"

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

/// The place of a table's name in a statement; line 0 if it is not written as one quoted name.
SourceLocation PlaceOfName(const std::string& name, const std::string& sql,
                           const std::string& dialect) {
  for (const Token& token : Lex(sql, *FindDialect(dialect)).tokens) {
    const bool is_name =
        (token.kind == TokenKind::kString && StringValue(token) == name) ||
        (token.kind == TokenKind::kQuotedIdentifier && IdentifierName(token) == name);
    if (is_name) return {.file = {}, .line = token.line, .column = token.column};
  }
  return {};
}

/// What `EXPLAIN SELECT …` asks for.
struct Explained {
  size_t query = 0;  ///< its offset
  std::string logical_form = "indent";
  std::string physical_form = "indent";
};

/// Nothing for other statements, EXPLAIN ANALYZE among them.
std::optional<Explained> ReadExplain(const std::string& sql, const std::string& dialect) {
  const std::vector<Token> tokens = Lex(sql, *FindDialect(dialect)).tokens;
  size_t at = 0;
  const auto takes = [&](std::string_view word) {
    const bool found = at + 1 < tokens.size() && tokens[at].IsKeyword(word);
    at += found ? 1 : 0;
    return found;
  };
  Explained explained;
  if (!takes("EXPLAIN")) return std::nullopt;
  if (takes("VERBOSE")) explained.logical_form = "indent_schema";
  if (takes("FORMAT")) {
    if (takes("TREE")) {
      explained.physical_form = "tree";
    } else if (!takes("INDENT")) {
      return std::nullopt;
    }
  }
  for (const std::string_view word : {"SELECT", "WITH", "VALUES", "FROM"}) {
    if (!tokens[at].IsKeyword(word)) continue;
    explained.query = tokens[at].offset;
    return explained;
  }
  return std::nullopt;
}

/// Rows as EXPLAIN has them.
Result<std::shared_ptr<arrow::RecordBatchReader>> PlanRows(const std::string& logical,
                                                           const std::string& physical) {
  const auto schema = arrow::schema({arrow::field("plan_type", arrow::utf8(), false),
                                     arrow::field("plan", arrow::utf8(), false)});
  const auto column = [](const std::string& first, const std::string& second) {
    arrow::StringBuilder builder;
    arrow::Status appended = builder.Append(first);
    if (appended.ok()) appended = builder.Append(second);
    return appended.ok() ? builder.Finish()
                         : arrow::Result<std::shared_ptr<arrow::Array>>(appended);
  };
  const auto kinds = column("logical_plan", "physical_plan"), plans = column(logical, physical);
  if (!kinds.ok() || !plans.ok()) return Status::Bug("the rows of EXPLAIN cannot be made");
  const auto rows = arrow::RecordBatchReader::Make(
      {arrow::RecordBatch::Make(schema, 2, {*kinds, *plans})}, schema);
  if (!rows.ok()) return Status::Bug("{}", rows.status().ToString());
  return *rows;
}

/// What a statement did, as one row.
Result<std::shared_ptr<arrow::RecordBatchReader>> OutcomeRows(const std::string& operation,
                                                              const std::string& table,
                                                              const DmlOutcome& outcome) {
  const auto schema = arrow::schema({arrow::field("operation", arrow::utf8(), false),
                                     arrow::field("table_name", arrow::utf8(), false),
                                     arrow::field("version", arrow::int64(), false),
                                     arrow::field("rows_inserted", arrow::int64(), false),
                                     arrow::field("rows_updated", arrow::int64(), false),
                                     arrow::field("rows_deleted", arrow::int64(), false),
                                     arrow::field("files_added", arrow::int64(), false),
                                     arrow::field("files_removed", arrow::int64(), false)});
  arrow::ArrayVector columns;
  for (const std::string& text : {operation, table}) {
    const auto column = arrow::MakeArrayFromScalar(arrow::StringScalar(text), 1);
    if (!column.ok()) return Status::Bug("{}", column.status().ToString());
    columns.push_back(*column);
  }
  for (const int64_t number : {outcome.version, outcome.rows_inserted, outcome.rows_updated,
                               outcome.rows_deleted, outcome.files_added, outcome.files_removed}) {
    const auto column = arrow::MakeArrayFromScalar(arrow::Int64Scalar(number), 1);
    if (!column.ok()) return Status::Bug("{}", column.status().ToString());
    columns.push_back(*column);
  }
  const auto rows = arrow::RecordBatchReader::Make(
      {arrow::RecordBatch::Make(schema, 1, std::move(columns))}, schema);
  if (!rows.ok()) return Status::Bug("{}", rows.status().ToString());
  return *rows;
}

}  // namespace

Result<QuerySession> QuerySession::Open(const GlobalOptions& options, Paths paths,
                                        const ViewVersions& versions) {
  QuerySession session;
  session.paths_ = paths;
  session.versions_ = versions;
  const LocalFileSystem files;
  Diagnostics diagnostics;
  const bool may_lack = paths == Paths::kRead && !options.project_given &&
                        !files.Exists(options.project + "/" + std::string(kProjectFileName));
  session.has_project_ = !may_lack;
  auto project = may_lack ? WithoutProject(options.profile, diagnostics)
                          : LoadProject(files, options.project, options.profile, diagnostics);
  if (!project.ok() && may_lack && options.profile.name != "default") {
    return project.status().WithHint("profiles stand in weir.toml, and there is none here");
  }
  WEIR_RETURN_NOT_OK(project.status());
  session.project_ = *std::move(project);
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
  if (versions.kind == ViewVersions::Kind::kOfRun) {
    if (may_lack) {
      return Status::User(StatusCode::kNotFound,
                          "a run of a project is wanted, found no weir.toml here: `{}`",
                          versions.run_id)
          .WithHint("`--project DIR` names a project's folder");
    }
    WEIR_RETURN_NOT_OK(session.LoadSet());
  }
  return session;
}

std::vector<std::string> QuerySession::TableNames() const {
  std::vector<std::string> names = runtime_->catalog().names();
  for (const ViewDefinition& view : project_.views) names.push_back(view.name);
  if (!has_project_) return names;
  for (const std::string& table : ArtifactTableNames()) names.push_back("weir." + table);
  return names;
}

Result<std::string> QuerySession::TakeVersionedTables(const std::string& sql,
                                                      const std::string& dialect) const {
  WEIR_ASSIGN_OR_RETURN(const auto statement, TakeVersions(sql, *FindDialect(dialect)));
  for (const VersionedName& name : statement.names) {
    std::string url;
    const PinnedTable* source = runtime_->catalog().Find(name.table);
    if (source != nullptr) {
      if (source->kind != TableKind::kDelta) {
        return Status::User(StatusCode::kInvalidArgument,
                            "a Delta table is wanted before AS OF, found {} files: `{}`",
                            source->format, name.table);
      }
      url = source->url;
    }
    for (const ViewDefinition& view : project_.views) {
      if (view.name == name.table && view.kind == ViewDefinition::Kind::kStored)
        url = TableUrl(runtime_->warehouse_url(), view.name);
    }
    if (has_project_ && name.table.starts_with("weir."))
      url = ArtifactTableUrl(runtime_->warehouse_url(), name.table.substr(5));
    if (url.empty() && paths_ == Paths::kRead && LooksLikePath(name.table)) {
      WEIR_ASSIGN_OR_RETURN(const auto pinned, PinPath(name.table,
                                                       {.format = SourceFormat::kDelta,
                                                        .version = name.version,
                                                        .timestamp = name.timestamp},
                                                       runtime_->engine()));
      WEIR_RETURN_NOT_OK(runtime_->engine().RegisterTable(name.own_name, *pinned.table));
      continue;
    }
    if (url.empty()) {
      return Status::User(StatusCode::kPlanFailed,
                          "a Delta table of the project, or a path, is wanted before AS OF, found "
                          "`{}`",
                          name.table)
          .WithHint(SuggestionHint(name.table, TableNames()));
    }
    const auto pinned = PinDelta(name.table, url, name.version, name.timestamp, runtime_->engine());
    if (!pinned.ok()) return pinned.status().WithContext(fmt::format("table `{}`", name.table));
    WEIR_RETURN_NOT_OK(runtime_->engine().RegisterTable(name.own_name, *pinned->table));
  }
  return statement.sql;
}

Result<std::shared_ptr<arrow::RecordBatchReader>> QuerySession::Execute(
    const std::string& sql, const std::string& dialect, const engine::Cancellation& cancellation) {
  WEIR_ASSIGN_OR_RETURN(const engine::Plan optimized, PlanQuery(sql, dialect));
  return ExecuteQuery(optimized, *runtime_, cancellation);
}

Status QuerySession::OpenTarget(const std::string& sql, const std::string& dialect) const {
  const std::vector<Token> tokens = Lex(sql, *FindDialect(dialect)).tokens;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (!tokens[i].IsKeyword("TO") || tokens[i + 1].kind != TokenKind::kString) continue;
    return OpenStoreIfUnknown(StringValue(tokens[i + 1]), project_.object_stores,
                              runtime_->engine());
  }
  return Status::OK();
}

Result<std::shared_ptr<arrow::RecordBatchReader>> QuerySession::ExecuteAllowed(
    const std::string& given, const std::string& dialect,
    const engine::Cancellation& cancellation) {
  WEIR_ASSIGN_OR_RETURN(const std::string sql, TakeVersionedTables(given, dialect));
  if (BeginsFunction(sql, dialect)) return DefineFunction(sql, dialect);
  WEIR_ASSIGN_OR_RETURN(auto written, WriteRowsOf(sql, dialect, cancellation));
  if (written) return *std::move(written);
  WEIR_ASSIGN_OR_RETURN(const ParsedStatement statement,
                        ParseStatement(runtime_->engine(), sql, ReadingOf(project_, dialect)));
  WEIR_RETURN_NOT_OK(CheckAllowed(statement, project_.profile));
  if (statement.node == "Query") return Execute(sql, dialect, cancellation);
  if (statement.node == "Explain") {
    if (const auto explained = ReadExplain(sql, dialect)) {
      WEIR_ASSIGN_OR_RETURN(const engine::Plan optimized,
                            PlanQuery(BlankBefore(sql, explained->query, sql.size()), dialect));
      WEIR_ASSIGN_OR_RETURN(const auto physical,
                            engine::PhysicalPlan::Create(runtime_->engine(), optimized));
      WEIR_ASSIGN_OR_RETURN(const std::string logical_text,
                            optimized.Display(explained->logical_form));
      WEIR_ASSIGN_OR_RETURN(const std::string physical_text,
                            physical.Display(explained->physical_form));
      return PlanRows(logical_text, physical_text);
    }
  }
  WEIR_RETURN_NOT_OK(RegisterNamed(sql, dialect));
  if (statement.node.starts_with("Copy")) WEIR_RETURN_NOT_OK(OpenTarget(sql, dialect));
  auto plan = engine::Plan::FromStatement(runtime_->engine(), sql, dialect, cancellation);
  if (!plan.ok()) return Explain(plan.status(), sql);
  WEIR_ASSIGN_OR_RETURN(const auto optimized, plan->Optimize(runtime_->engine()));
  return ExecuteQuery(optimized, *runtime_, cancellation);
}

Result<std::optional<std::string>> QuerySession::WritableTable(const StatementTable& table) const {
  const auto refused = [&](std::string_view what, std::string_view hint) {
    return Status::User(StatusCode::kUnsupported,
                        "a Delta table that statements may write is wanted, found {}: `{}`", what,
                        table.name)
        .WithHint(std::string(hint));
  };
  for (const SourceDefinition& source : project_.sources) {
    if (source.name != table.name) continue;
    if (source.format != SourceFormat::kDelta) {
      return refused(fmt::format("a source of {} files", ToString(source.format)),
                     "write new files with COPY … TO 'file'");
    }
    if (source.version || source.timestamp) {
      return refused("a source that is pinned",
                     "its OPTIONS say which version is read; leave them out to write it");
    }
    const PinnedTable* pinned = runtime_->catalog().Find(table.name);
    return std::optional<std::string>(pinned != nullptr ? pinned->url
                                                        : ToUrl(source.uri, /*folder=*/true));
  }
  for (const ViewDefinition& view : project_.views) {
    if (view.name == table.name)
      return refused("a view", "`weir run` writes views; change the view's query instead");
  }
  if (table.name.starts_with("weir.")) return refused("what runs recorded", "it is read only");
  if (paths_ != Paths::kRead || !table.quoted || !LooksLikePath(table.name))
    return std::optional<std::string>();
  WEIR_ASSIGN_OR_RETURN(const PinnedTable pinned, PinPath(table.name, {}, runtime_->engine()));
  if (pinned.kind != TableKind::kDelta)
    return refused(fmt::format("{} files", pinned.format), "write new files with COPY … TO 'file'");
  return std::optional<std::string>(pinned.url);
}

Result<std::string> QuerySession::PlaceOfNew(const DefinitionStatement& statement) const {
  std::string path = statement.location;
  for (const SourceDefinition& source : project_.sources) {
    if (source.name == statement.table.name && source.format == SourceFormat::kDelta &&
        path.empty())
      return ToUrl(source.uri, /*folder=*/true);
  }
  if (path.empty() && statement.table.quoted && LooksLikePath(statement.table.name))
    path = statement.table.name;
  if (path.empty()) {
    return Status::User(StatusCode::kInvalidArgument,
                        "the place of the table is wanted, found `{}`", statement.table.name)
        .WithHint(
            "LOCATION 'data/events', or a path in the place of the name: CREATE TABLE "
            "'data/events' …");
  }
  if (path.find("://") != std::string::npos) return ToUrl(path, /*folder=*/true);
  std::error_code error;
  return ToUrl(std::filesystem::absolute(path, error).lexically_normal().string(),
               /*folder=*/true);
}

Result<QuerySession::Rows> QuerySession::WriteRowsOf(const std::string& sql,
                                                     const std::string& dialect,
                                                     const engine::Cancellation& cancellation) {
  const SqlDialect& read = *FindDialect(dialect);
  WEIR_ASSIGN_OR_RETURN(const auto dml, ParseDml(sql, read));
  WEIR_ASSIGN_OR_RETURN(const auto definition,
                        dml ? std::optional<DefinitionStatement>() : ParseDefinition(sql, read));
  if (!dml && !definition) return Rows();
  const StatementTable& table = dml ? dml->table : definition->table;
  const std::string operation(dml ? ToString(dml->kind) : ToString(definition->kind));
  WEIR_RETURN_NOT_OK(
      CheckAllowed(ParsedStatement{.node = operation,
                                   .kinds = {dml ? StatementKind::kDml : StatementKind::kDdl}},
                   project_.profile));
  std::string url;
  if (definition && definition->kind == DefinitionStatement::Kind::kCreate) {
    WEIR_ASSIGN_OR_RETURN(url, PlaceOfNew(*definition));
  } else {
    WEIR_ASSIGN_OR_RETURN(const auto writable, WritableTable(table));
    if (!writable) return Rows();
    url = *writable;
  }
  std::error_code ignored;
  const std::string& spill = project_.profile.spill_directory;
  const DmlContext context{
      .runtime = *runtime_,
      .cancellation = cancellation,
      .dialect = dialect,
      .scratch_folder =
          spill.empty() ? std::filesystem::temp_directory_path(ignored).string() : spill,
      .register_named = [&](const std::string& query) { return RegisterNamed(query, dialect); }};
  const auto outcome =
      dml ? RunDml(context, sql, *dml, url) : RunDefinition(context, sql, *definition, url);
  if (!outcome.ok()) return Explain(outcome.status(), sql);
  // Statements that follow see what this one wrote.
  WEIR_ASSIGN_OR_RETURN(const PinnedTable now,
                        PinDelta(table.name, url, -1, {}, runtime_->engine()));
  WEIR_RETURN_NOT_OK(runtime_->engine().RegisterTable(table.name, *now.table));
  WEIR_ASSIGN_OR_RETURN(auto rows, OutcomeRows(operation, table.name, *outcome));
  return Rows(std::move(rows));
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
  WEIR_ASSIGN_OR_RETURN(const auto versioned, TakeVersions(sql, *FindDialect(dialect)));
  if (!versioned.names.empty()) {
    return Status::User(
        StatusCode::kUnsupported,
        "a statement without AS OF is wanted to be written in another dialect, found "
        "one with `{}` at a version",
        versioned.names[0].table);
  }
  WEIR_ASSIGN_OR_RETURN(const engine::Plan optimized, PlanQuery(sql, dialect));
  return WriteSql(optimized, to);
}

Result<engine::Plan> QuerySession::PlanQuery(const std::string& given, const std::string& dialect) {
  WEIR_ASSIGN_OR_RETURN(const std::string sql, TakeVersionedTables(given, dialect));
  WEIR_RETURN_NOT_OK(RegisterNamed(sql, dialect));
  auto plan = engine::Plan::FromSql(runtime_->engine(), sql, dialect);
  if (!plan.ok()) return Explain(plan.status(), sql);
  return plan->Optimize(runtime_->engine());
}

Status QuerySession::RegisterNamed(const std::string& sql, const std::string& dialect) {
  auto references = runtime_->engine().TableReferences(sql, dialect);
  if (!references.ok()) return Status::OK();  // planning says it better
  for (const std::string& name : *references) {
    if (name.empty()) {
      return Status::User(StatusCode::kNotFound,
                          "a table or a path is wanted, found no name: `''`");
    }
    if (paths_ == Paths::kRead && LooksLikePath(name) && !IsKnown(name)) {
      WEIR_RETURN_NOT_OK(RegisterPath(name, sql, dialect));
    } else {
      WEIR_RETURN_NOT_OK(Register(name));
    }
  }
  return Status::OK();
}

bool QuerySession::IsKnown(const std::string& name) const {
  const auto names = TableNames();
  return name.starts_with("information_schema.") ||
         std::find(names.begin(), names.end(), name) != names.end();
}

Status QuerySession::RegisterPath(const std::string& path, const std::string& sql,
                                  const std::string& dialect) {
  const SourceLocation place = PlaceOfName(path, sql, dialect);
  if (place.line == 0) {
    return Status::User(StatusCode::kNotFound, "a path is wanted in quotes, found `{}`", path)
        .WithHint(fmt::format("FROM '{}'", path));
  }
  // Each time anew: the files may be others than for the last statement.
  const auto pinned = PinPath(path, {}, runtime_->engine());
  if (!pinned.ok()) return pinned.status().WithLocation(place);
  if (dialect != "bigquery" || path.find('.') == std::string::npos)
    return runtime_->engine().RegisterTable(path, *pinned->table);
  // This dialect takes a quoted name apart at its dots.
  const size_t dot = path.find('.');
  if (path.find('.', dot + 1) == std::string::npos) {
    return runtime_->engine().RegisterTable(path.substr(dot + 1), *pinned->table,
                                            path.substr(0, dot));
  }
  return Status::User(StatusCode::kUnsupported,
                      "a path with one dot at most is wanted in the dialect `bigquery`, found `{}`",
                      path)
      .WithLocation(place)
      .WithHint(fmt::format("name the function that reads it, such as read_csv('{0}'), "
                            "read_parquet('{0}') or delta_scan('{0}')",
                            path));
}

Status QuerySession::Register(const std::string& name) {
  if (!registered_.insert(name).second) return Status::OK();
  if (name.starts_with("weir.")) {
    const std::string table = name.substr(5);
    const auto known = ArtifactTableNames();
    if (std::find(known.begin(), known.end(), table) == known.end()) return Status::OK();
    if (!has_project_) {
      return Status::User(
                 StatusCode::kNotFound,
                 "what runs recorded is wanted of a project, found no weir.toml here: `{}`", name)
          .WithHint("`--project DIR` names a project's folder");
    }
    return RegisterDelta("weir", table, ArtifactTableUrl(runtime_->warehouse_url(), table), [] {
      return std::string("no run has recorded anything there yet; `weir run` does");
    });
  }
  for (const ViewDefinition& view : project_.views) {
    if (view.name != name) continue;
    if (view.kind == ViewDefinition::Kind::kInline) return RegisterInline(view);
    return RegisterStored(name);
  }
  const PinnedTable* source = runtime_->catalog().Find(name);
  if (source != nullptr && name.find('.') != std::string::npos)
    return runtime_->engine().RegisterTable(name, *source->table);
  for (const Diagnostic& diagnostic : diagnostics_.all()) {
    if (diagnostic.severity == Severity::kError &&
        diagnostic.message.find("source `" + name + "`") != std::string::npos) {
      return Status(StatusCode::kNotFound, diagnostic.blame, diagnostic.message)
          .WithLocation(diagnostic.location);
    }
  }
  return Status::OK();
}

Status QuerySession::RegisterDelta(const std::string& schema, const std::string& table_name,
                                   const std::string& url,
                                   const std::function<std::string()>& missing) {
  const std::string name = schema.empty() ? table_name : schema + "." + table_name;
  auto table = PinStored(name, url, schema.empty() ? defer_to_ : std::nullopt, runtime_->engine());
  if (table.ok()) return runtime_->engine().RegisterTable(table_name, *table->table, schema);
  registered_.erase(name);
  const Status failed = table.status().WithContext(fmt::format("table `{}`", name));
  return failed.code() == StatusCode::kNotFound ? failed.WithHint(missing()) : failed;
}

Status QuerySession::RegisterNewest(const std::string& view) {
  return RegisterDelta("", view, TableUrl(runtime_->warehouse_url(), view), [&] {
    const DeltaHistory history(runtime_->engine(), runtime_->warehouse_url());
    return fmt::format("{}; `weir run` builds it", history.WhyUnbuilt(view).reason);
  });
}

Status QuerySession::LoadSet() {
  if (set_is_loaded_) return Status::OK();
  const auto open = [&](const std::string& warehouse_url) {
    return PublishedSets::Open(runtime_->engine(), warehouse_url, project_.name);
  };
  WEIR_ASSIGN_OR_RETURN(const PublishedSets sets, open(runtime_->warehouse_url()));
  if (versions_.kind == ViewVersions::Kind::kOfRun) {
    WEIR_ASSIGN_OR_RETURN(set_, sets.OfRun(versions_.run_id));
  } else {
    WEIR_ASSIGN_OR_RETURN(set_, sets.Last());
  }
  if (defer_to_) {
    WEIR_ASSIGN_OR_RETURN(const PublishedSets elsewhere, open(defer_to_->warehouse_url));
    WEIR_ASSIGN_OR_RETURN(set_elsewhere_, elsewhere.Last());
  }
  set_is_loaded_ = true;
  return Status::OK();
}

Status QuerySession::RegisterStored(const std::string& view) {
  if (versions_.kind == ViewVersions::Kind::kNewest) return RegisterNewest(view);
  WEIR_RETURN_NOT_OK(LoadSet());
  Status registered;
  if (set_ && set_->views.contains(view)) {
    registered = RegisterPublished(view, runtime_->warehouse_url(), *set_);
  } else if (set_elsewhere_ && set_elsewhere_->views.contains(view)) {
    registered = RegisterPublished(view, defer_to_->warehouse_url, *set_elsewhere_);
  } else if (set_ && !(defer_to_ && !set_elsewhere_)) {
    registered = NotPublished(view);
  } else {
    registered = RegisterNewest(view);
  }
  if (!registered.ok()) registered_.erase(view);
  return registered;
}

Status QuerySession::NotPublished(const std::string& view) const {
  const DeltaHistory history(runtime_->engine(), runtime_->warehouse_url());
  const auto built = history.LastBuild(view);
  const Status missing =
      Status::User(StatusCode::kNotFound,
                   "the view `{}` is not in the set of run {}, which is read", view, set_->run_id);
  if (!built.ok()) return missing;
  if (!*built)
    return missing.WithHint(
        fmt::format("{}; `weir run` builds it", history.WhyUnbuilt(view).reason));
  return missing.WithHint(fmt::format(
      "run {} built it since or before; --latest reads what is there, and a run of all views that "
      "succeeds publishes it",
      (*built)->run_id));
}

Status QuerySession::RegisterPublished(const std::string& view, const std::string& warehouse_url,
                                       const PublishedSet& set) {
  const PublishedVersion& published = set.views.at(view);
  const std::string url = TableUrl(warehouse_url, view);
  const bool is_last = versions_.kind == ViewVersions::Kind::kPublished;
  static constexpr std::string_view kLocal = "file://";
  const auto gone = [&](const std::string& found) {
    return Status::Environment(
               StatusCode::kNotFound,
               "version {} of the view `{}`, which the set of run {} names, is wanted, found {} at "
               "`{}`",
               published.version, view, set.run_id, found,
               url.starts_with(kLocal) ? PercentDecoded(url.substr(kLocal.size())) : url)
        .WithHint(
            is_last ? "`weir run` builds the view where it is gone, and publishes it; --latest "
                      "reads what is there"
                    : "`weir gc` keeps what [retention] in weir.toml says; SELECT DISTINCT run_id, "
                      "published_at FROM weir.published lists other sets");
  };
  const auto table = PinDelta(view, url, published.version, "", runtime_->engine());
  if (!table.ok()) {
    if (table.status().code() != StatusCode::kNotFound)
      return table.status().WithContext(fmt::format("table `{}`", view));
    const auto latest = PinDelta(view, url, -1, "", runtime_->engine());
    return gone(latest.ok() ? "none" : "no table: it was removed,")
        .WithCause(table.status().ToString());
  }
  // A table that was removed and built anew has other rows in the versions of the old one.
  WEIR_ASSIGN_OR_RETURN(const auto build,
                        ReadCommitMetadata(runtime_->engine(), url, published.built_version));
  if (build) {
    const auto by = build->find("run_id");
    if (by == build->end() || by->second != published.built_by)
      return gone("a table that was built anew since");
  }
  return runtime_->engine().RegisterTable(view, *table->table);
}

Status QuerySession::ExplainRunning(const Status& status) const {
  if (status.ok()) return status;
  if (!has_project_ && status.hint().find("source's") != std::string::npos) {
    return status.WithHint(
        "mend the file, or say how to read it: read_csv('…', null_padding => true, nullstr => "
        "'…')");
  }
  const std::string file = TextBetween(status.message(), "the file `", "`");
  const std::string& url = runtime_->warehouse_url();
  static constexpr std::string_view kLocal = "file://";
  const std::string warehouse =
      url.starts_with(kLocal) ? PercentDecoded(url.substr(kLocal.size())) : url;
  if (file.empty() || !file.starts_with(warehouse)) return status;
  for (const ViewDefinition& view : project_.views) {
    if (!file.starts_with(warehouse + view.name + "/")) continue;
    if (status.message().find("is not there") != std::string::npos) {
      const auto published = set_ ? set_->views.find(view.name) : decltype(set_->views.end())();
      const std::string version = set_ && published != set_->views.end()
                                      ? fmt::format(" in version {}, of the set of run {},",
                                                    published->second.version, set_->run_id)
                                      : std::string();
      return Status::Environment(StatusCode::kNotFound,
                                 "a data file of the view `{}`{} is gone: `{}`", view.name, version,
                                 file)
          .WithHint(
              "`weir run` builds the view again; of an earlier version it is what `weir gc` has "
              "removed, which [retention] in weir.toml decides");
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
  static constexpr std::string_view kSameNames = "duplicate qualified field name ";
  if (const size_t at = status.message().find(kSameNames); at != std::string::npos) {
    const std::string column = status.message().substr(at + kSameNames.size());
    return Status::User(StatusCode::kPlanFailed,
                        "tables of different names are wanted in a FROM, found two that go by `{}`",
                        column.substr(0, column.rfind('.')))
        .WithCause(status.message())
        .WithHint("give one of them another name: … AS other");
  }
  const std::string name = MissingTable(status.message());
  if (name.empty()) return status;
  const std::string_view kind = has_project_ ? "source, view or artifact" : "table";
  const Status missing =
      Status::User(StatusCode::kPlanFailed, "there is no {} named `{}`", kind, name)
          .WithLocation(status.location())
          .WithCause(status.cause());
  if (const std::string hint = SuggestionHint(name, TableNames()); !hint.empty())
    return missing.WithHint(hint);
  std::error_code ignored;
  if (paths_ == Paths::kRead && std::filesystem::exists(name, ignored))
    return missing.WithHint(fmt::format("what lies at a path is read so: FROM './{}'", name));
  return missing.WithHint(has_project_ ? "`\\tables` in the prompt of `weir sql` lists them"
                                       : "files are named by path: FROM 'data/orders.csv'");
}

}  // namespace weir::cli

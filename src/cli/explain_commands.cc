// SPDX-License-Identifier: Apache-2.0
//
// explain, history: what was decided about views.

#include <iostream>

#include <arrow/api.h>

#include "weir/artifacts/artifact_tables.h"
#include "weir/artifacts/project_statements.h"
#include "weir/base/json_text.h"
#include "weir/base/nearest.h"
#include "weir/base/sql_quotes.h"
#include "weir/bundle/written_sql.h"
#include "weir/cli/command.h"
#include "weir/graph/task_graph.h"
#include "weir/scan/scan_unit.h"

namespace weir::cli {

Result<std::shared_ptr<const PlanBundle>> FindView(const OpenProject& open,
                                                   const std::string& name) {
  if (auto bundle = open.compiled.Find(name)) return bundle;
  std::vector<std::string> names;
  for (const ViewDefinition& view : open.definition.views) {
    names.push_back(view.name);
    if (view.name != name) continue;
    if (view.kind == ViewDefinition::Kind::kInline) {
      return Status::User(StatusCode::kInvalidArgument,
                          "an inlined view has no plan of its own: `{}`", name)
          .WithHint("explain a stored view that reads it");
    }
    return Status::User(StatusCode::kPlanFailed, "the view does not compile: `{}`", name)
        .WithHint("`weir check` says why");
  }
  const std::string hint = SuggestionHint(name, names);
  return Status::User(StatusCode::kNotFound, "there is no view named `{}`", name)
      .WithHint(hint.empty() ? "`weir check` compiles the project's views" : hint);
}

namespace {

using Json = nlohmann::ordered_json;

TableLookup SourceLookup(const SessionRuntime& session,
                         const std::optional<DeferTarget>& defer_to) {
  return [&session, defer_to](const std::string& name) -> std::shared_ptr<const PinnedTable> {
    const PinnedTable* table = session.catalog().Find(name);
    if (table == nullptr) return nullptr;
    if (table->kind != TableKind::kView) return {std::shared_ptr<void>(), table};
    auto stored = PinStored(name, table->url, defer_to, session.engine());
    if (!stored.ok()) return nullptr;  // never built
    stored->kind = TableKind::kView;
    return std::make_shared<const PinnedTable>(*std::move(stored));
  };
}

Result<std::string> ScansText(const PlanBundle& bundle, const SessionRuntime& session,
                              const std::optional<DeferTarget>& defer_to, Json& json) {
  WEIR_ASSIGN_OR_RETURN(const auto units, DeriveScanUnits(bundle, SourceLookup(session, defer_to)));
  ReportWarnings(WarningsOf(units));
  std::string text;
  json = Json::array();
  for (const ScanUnit& unit : units) {
    text += fmt::format("{} ({}{})\n", unit.table, ToString(unit.kind),
                        unit.version >= 0 ? fmt::format(", version {}", unit.version) : "");
    text += "  columns  ";
    for (size_t i = 0; i < unit.columns.size(); ++i) text += (i > 0 ? ", " : "") + unit.columns[i];
    text += "\n";
    for (const std::string& filter : unit.filters) text += "  filter   " + filter + "\n";
    if (!unit.files_known) text += "  its files are known when it was built\n";
    Json kept = Json::array(), pruned = Json::array();
    for (const uint32_t file : unit.kept) {
      const std::string path(unit.files->path(file));
      text += fmt::format("  kept     {} ({})\n", path.empty() ? "(the file itself)" : path,
                          HumanBytes(unit.files->size_bytes(file)));
      kept.push_back({{"path", path}, {"size_bytes", unit.files->size_bytes(file)}});
    }
    for (const PrunedFile& file : unit.pruned_files) {
      const std::string path(unit.files->path(file.file));
      text += fmt::format("  pruned   {}: {}\n", path, file.reason);
      pruned.push_back({{"path", path},
                        {"size_bytes", unit.files->size_bytes(file.file)},
                        {"reason", file.reason}});
    }
    json.push_back({{"scan_id", unit.scan_id},
                    {"table", unit.table},
                    {"url", unit.url},
                    {"version", unit.version},
                    {"columns", unit.columns},
                    {"filters", unit.filters},
                    {"kept", kept},
                    {"pruned", pruned}});
  }
  return text;
}

/// What was added to the orders that the view leaves open.
std::string CompletedOrdersText(const PlanBundle& bundle) {
  if (bundle.completed_orders.empty()) return {};
  std::string text = "\ncompleted orders:\n";
  for (const std::string& order : bundle.completed_orders) text += "  " + order + "\n";
  return text;
}

Result<ProjectStatement> StatementOf(const std::string& view, const OpenProject& open) {
  const auto& views = open.definition.views;
  const auto found = std::find_if(views.begin(), views.end(),
                                  [&](const ViewDefinition& other) { return other.name == view; });
  if (found == views.end()) return Status::Bug("the view has no definition: `{}`", view);
  return ReadStatement(open.session->engine(), open.definition, *found);
}

}  // namespace

int RunExplain(const GlobalOptions& options, const std::string& view, const std::string& what,
               const std::string& to) {
  const auto written = FindWrittenDialect(to.empty() ? "generic" : to);
  if (!written.ok()) return FailNamed(written.status());
  auto open = Open(options);
  if (!open.ok()) return FailNamed(open.status());
  const auto bundle = FindView(*open, view);
  if (!bundle.ok()) {
    (void)Report(open->diagnostics);
    return FailNamed(bundle.status());
  }
  Json json;
  std::string text;
  if (what == "scans") {
    const auto defer_to = DeferTargetOf(options, open->definition, *open->session);
    if (!defer_to.ok()) return FailNamed(defer_to.status());
    auto scans = ScansText(**bundle, *open->session, *defer_to, json);
    if (!scans.ok()) return Fail(scans.status());
    text = *scans;
  } else if (what == "fingerprint") {
    text = fmt::format("{}\n\n{}", (*bundle)->fingerprint.ToString(), (*bundle)->fingerprint_input);
    json = {{"fingerprint", (*bundle)->fingerprint.ToString()},
            {"input", (*bundle)->fingerprint_input}};
  } else if (what == "sql") {
    const auto plan = engine::Plan::FromProto(open->session->engine(), (*bundle)->plan_proto);
    if (!plan.ok()) return Fail(plan.status());
    const auto sql = WriteSql(*plan, *written);
    if (!sql.ok()) return Fail(sql.status());
    text = *sql + ";\n";
    json = {{"view", view}, {"dialect", *written}, {"sql", *sql}};
  } else if (what == "ast") {
    const auto statement = StatementOf(view, *open);
    if (!statement.ok()) return Fail(statement.status());
    const Json tree = Json::parse(statement->tree);
    json = {{"view", view},
            {"dialect", statement->dialect},
            {"fingerprint", statement->tree_fingerprint.ToString()},
            {"sql", statement->normalized_sql},
            {"tree", tree}};
    text = fmt::format("{}\n\n{}\n\n{}\n", statement->tree_fingerprint.ToString(),
                       statement->normalized_sql, JsonText(tree, 2));
  } else {
    const auto details = DescribeBundle(**bundle, *open->session);
    if (!details.ok()) return Fail(details.status());
    if (what == "physical") text = details->physical_plan;
    if (what == "plan") text = details->optimized_plan + "\n";
    if (what == "graphviz") text = details->optimized_plan_graphviz;
    if (what == "pgjson") text = details->optimized_plan_pgjson + "\n";
    json = {{"view", view}, {what, text}};
    if (what == "plan") {
      json["completed_orders"] = (*bundle)->completed_orders;
      text += CompletedOrdersText(**bundle);
    }
  }
  std::cout << (options.format == Format::kJson ? JsonText(json, 2) + "\n" : text);
  return kDone;
}

namespace {

/// The columns `seconds` and, for people, a bar as long as that: the longest of those shown is
/// full.
std::string Durations(const std::string& begin, const std::string& end, Format format) {
  const std::string seconds =
      fmt::format("(arrow_cast({}, 'Int64') - arrow_cast({}, 'Int64')) / 1000000.0", end, begin);
  std::string columns = fmt::format("round({}, 3) AS seconds", seconds);
  if (format == Format::kTable) {
    columns += fmt::format(
        ", coalesce(repeat('█', CAST(ceil(12 * ({0} / nullif(max({0}) OVER (), 0))) AS BIGINT)), "
        "'') "
        "AS trend",
        seconds);
  }
  return columns;
}

}  // namespace

int RunHistory(const GlobalOptions& options, const std::string& view, int limit) {
  const std::string sql =
      view.empty()
          ? fmt::format(
                "SELECT run_id, state, started_at, {}, views_run, views_reused, views_failed, "
                "views_blocked, bytes_read, bytes_written FROM (SELECT * FROM weir.runs ORDER BY "
                "started_at DESC LIMIT {}) ORDER BY started_at DESC",
                Durations("started_at", "finished_at", options.format), limit)
          : fmt::format(
                "SELECT run_id, action, state, {}, \"rows\", bytes_written, reason FROM (SELECT "
                "d.run_id, d.action, t.state, t.\"rows\", t.bytes_written, d.reason, CASE WHEN "
                "t.state <> 'reused' THEN t.started_at END AS began, t.finished_at AS ended FROM "
                "weir.decisions d JOIN weir.tasks t ON d.run_id = t.run_id AND d.view_name = "
                "t.view_name WHERE d.view_name = {} ORDER BY d.run_id DESC LIMIT {}) ORDER BY "
                "run_id DESC",
                Durations("began", "ended", options.format), QuotedSqlText(view), limit);
  SqlRequest request{.sql = sql, .dialect = "generic", .to = {}, .output = {}, .own = true};
  if (options.format == Format::kJson) request.format = ResultFormat::kJson;
  return RunSql(options, std::move(request));
}

}  // namespace weir::cli

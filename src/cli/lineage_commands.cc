// SPDX-License-Identifier: Apache-2.0
//
// lineage, impact: where columns come from and what reads them.

#include <algorithm>
#include <iostream>
#include <optional>
#include <set>

#include <arrow/api.h>

#include "weir/base/ascii_text.h"
#include "weir/base/clock.h"
#include "weir/base/json_text.h"
#include "weir/base/nearest.h"
#include "weir/base/time_text.h"
#include "weir/cli/command.h"
#include "weir/lineage/lineage.h"
#include "weir/lineage/lineage_drawing.h"
#include "weir/lineage/lineage_trace.h"
#include "weir/lineage/open_lineage.h"
#include "weir/project/dialect.h"
#include "weir/run/delta_history.h"
#include "weir/watch/lineage_events.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// The lineage of each view that compiles.
Result<std::map<std::string, Lineage>> AllLineages(const OpenProject& open) {
  std::map<std::string, Lineage> lineages;
  for (const auto& bundle : open.compiled.bundles()) {
    auto lineage = DeriveLineage(*bundle->plan);
    if (!lineage.ok())
      return lineage.status().WithContext(fmt::format("view `{}`", bundle->view_name));
    lineages.emplace(bundle->view_name, *std::move(lineage));
  }
  return lineages;
}

/// The lineage of a view that is not stored, as if it were read by itself.
Result<Lineage> InlinedLineage(const OpenProject& open, const std::string& name) {
  const auto& views = open.definition.views;
  const auto view = std::find_if(views.begin(), views.end(),
                                 [&](const ViewDefinition& other) { return other.name == name; });
  if (view == views.end()) return Status::Bug("the view has no definition: `{}`", name);
  const engine::Session& session = open.session->engine();
  // Its query by itself may put out a name twice; a list of columns names them anew.
  std::string sql = view->query_sql, dialect = view->dialect;
  if (!view->column_names.empty()) {
    sql = "SELECT * FROM " + QuoteIdentifier(name, GenericDialect());
    dialect = "generic";
  }
  WEIR_ASSIGN_OR_RETURN(const auto planned, engine::Plan::FromSql(session, sql, dialect));
  WEIR_ASSIGN_OR_RETURN(const auto optimized, planned.Optimize(session));
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, optimized.ToProto());
  WEIR_ASSIGN_OR_RETURN(const std::string outputs, optimized.Outputs());
  WEIR_ASSIGN_OR_RETURN(const auto plan, DecodePlan(bytes, outputs));
  return DeriveLineage(*plan);
}

/// Adds the views that are not stored and compile.
Status AddInlined(const OpenProject& open, std::map<std::string, Lineage>& lineages) {
  for (const ViewDefinition& view : open.definition.views) {
    if (view.kind != ViewDefinition::Kind::kInline || open.compiled.failed.contains(view.name))
      continue;
    auto lineage = InlinedLineage(open, view.name);
    if (!lineage.ok()) return lineage.status().WithContext(fmt::format("view `{}`", view.name));
    lineages.emplace(view.name, *std::move(lineage));
  }
  return Status::OK();
}

/// The names that `wanted` can mean: itself, or those that differ in upper and lower case only.
std::vector<std::string> Meant(const std::string& wanted, const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return {wanted};
  std::vector<std::string> meant;
  for (const std::string& name : names) {
    if (AsciiLowerCase(name) == AsciiLowerCase(wanted)) meant.push_back(name);
  }
  return meant;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 8; ++i) text += (i > 0 ? ", `" : "`") + names[i] + "`";
  return names.size() > 8 ? text + fmt::format(" and {} more", names.size() - 8) : text;
}

/// A source or view and, if one was named, its column.
struct Target {
  std::string table;
  std::string column;
  bool is_view = false;
  std::optional<Lineage> inlined;  ///< of a view that is not stored
};

/// Finds what the user named: a table, or a table, a dot and a column; either may hold dots.
class TargetFinder {
 public:
  explicit TargetFinder(const OpenProject& open) : open_(open) {
    tables_ = open.session->catalog().names();
    std::erase_if(tables_, [](const std::string& name) { return name.starts_with("weir."); });
    for (const ViewDefinition& view : open.definition.views) {
      if (view.kind == ViewDefinition::Kind::kInline && !open.compiled.failed.contains(view.name))
        tables_.push_back(view.name);
    }
  }

  Result<Target> Find(const std::string& wanted) const {
    if (!Meant(wanted, tables_).empty()) return Table(wanted, "");
    for (size_t dot = wanted.find('.'); dot != std::string::npos; dot = wanted.find('.', dot + 1)) {
      const std::string table = wanted.substr(0, dot);
      if (!Meant(table, tables_).empty()) return Table(table, wanted.substr(dot + 1));
    }
    return Unknown(wanted);
  }

 private:
  std::vector<std::string> ColumnsOf(const std::string& table) const {
    const PinnedTable* pinned = open_.session->catalog().Find(table);
    return pinned == nullptr ? std::vector<std::string>() : pinned->schema->field_names();
  }

  Result<Target> Table(const std::string& wanted, const std::string& column) const {
    const std::vector<std::string> tables = Meant(wanted, tables_);
    if (tables.size() > 1) {
      return Status::User(StatusCode::kNotFound, "several sources or views can be meant by `{}`",
                          wanted)
          .WithHint("write one of " + Listed(tables) + " as it stands");
    }
    Target target{.table = tables[0],
                  .column = {},
                  .is_view = open_.compiled.Find(tables[0]) != nullptr,
                  .inlined = {}};
    std::vector<std::string> names = ColumnsOf(target.table);
    if (open_.session->catalog().Find(target.table) == nullptr) {
      WEIR_ASSIGN_OR_RETURN(target.inlined, InlinedLineage(open_, target.table));
      target.is_view = true;
      for (const ColumnLineage& known : target.inlined->columns) names.push_back(known.name);
    }
    if (column.empty()) return target;
    const std::vector<std::string> columns = Meant(column, names);
    if (columns.size() > 1) {
      return Status::User(StatusCode::kNotFound, "several columns of `{}` can be meant by `{}`",
                          target.table, column)
          .WithHint("write one of " + Listed(columns) + " as it stands");
    }
    if (columns.empty()) {
      const std::string hint = SuggestionHint(column, names);
      return Status::User(StatusCode::kNotFound, "`{}` has no column named `{}`", target.table,
                          column)
          .WithHint(hint.empty() ? "it has " + Listed(names) : hint);
    }
    target.column = columns[0];
    return target;
  }

  Status Unknown(const std::string& wanted) const {
    const std::string table = wanted.substr(0, wanted.find('.'));
    for (const ViewDefinition& view : open_.definition.views) {
      if (view.name != table) continue;
      return Status::User(StatusCode::kPlanFailed, "the view does not compile: `{}`", table)
          .WithHint("`weir check` says why");
    }
    std::string hint = ColumnHint(wanted);
    if (hint.empty()) hint = SuggestionHint(table, tables_);
    return Status::User(StatusCode::kNotFound, "there is no source or view named `{}`", table)
        .WithHint(hint.empty() ? "`weir check` counts the project's sources and views" : hint);
  }

  /// The tables that have a column of that name, if that is what was written.
  std::string ColumnHint(const std::string& wanted) const {
    std::vector<std::string> owners;
    for (const std::string& table : tables_) {
      for (const std::string& column : Meant(wanted, ColumnsOf(table)))
        owners.push_back(table + "." + column);
    }
    if (owners.empty()) return {};
    return owners.size() == 1 ? "did you mean `" + owners[0] + "`?"
                              : "several have such a column: " + Listed(owners);
  }

  const OpenProject& open_;
  std::vector<std::string> tables_;
};

std::string InputsText(const ColumnInputs& inputs, const std::string& separator) {
  std::string text;
  for (const ColumnInput& input : inputs) {
    text += fmt::format(
        "{}{}.{} ({})", text.empty() ? "" : separator, input.table, FullColumn(input),
        input.use == ColumnUse::kValue ? ToString(input.transformation) : ToString(input.use));
  }
  return text;
}

Json InputsJson(const ColumnInputs& inputs, bool on_rows) {
  Json json = Json::array();
  for (const ColumnInput& input : inputs) {
    Json entry{{"table", input.table}, {"column", input.column}};
    if (!input.path.empty()) entry["path"] = input.path;
    entry["use"] = ToString(input.use);
    if (input.use == ColumnUse::kValue) entry["transformation"] = ToString(input.transformation);
    entry["on_rows"] = on_rows;
    json.push_back(std::move(entry));
  }
  return json;
}

/// Of a view, or of one of its columns.
void PrintLineage(const Lineage& lineage, const Target& target, Format format) {
  if (format == Format::kJson && target.column.empty()) {
    std::cout << JsonText(ToJson(lineage), 2) << "\n";
    return;
  }
  std::vector<std::vector<std::string>> rows;
  Json json = Json::array();
  for (const ColumnLineage& column : lineage.columns) {
    if (!target.column.empty() && column.name != target.column) continue;
    rows.push_back({column.name, std::string(ToString(column.transformation)),
                    InputsText(column.inputs, ", "), column.expression});
    Json inputs = InputsJson(column.inputs, false);
    for (Json& input : InputsJson(lineage.row_influences, true)) inputs.push_back(input);
    json.push_back({{"column", column.name},
                    {"transformation", ToString(column.transformation)},
                    {"expression", column.expression},
                    {"inputs", std::move(inputs)}});
  }
  if (format == Format::kJson) {
    std::cout << JsonText(json, 2) << "\n";
    return;
  }
  std::cout << RenderTable({"column", "how", "from", "expression"}, rows);
  if (!lineage.row_influences.empty()) {
    std::cout << "\nrows depend on  " << InputsText(lineage.row_influences, "\n                ")
              << "\n";
  }
}

Json StepJson(const LineageStep& step) {
  Json json{{"from", {{"table", step.from.table}, {"column", step.from.column}}},
            {"to", {{"table", step.to.table}, {"column", step.to.column}}}};
  if (!step.path.empty()) json["from"]["path"] = step.path;
  json["use"] = ToString(step.use);
  if (step.use == ColumnUse::kValue) json["transformation"] = ToString(step.transformation);
  json["on_rows"] = step.on_rows;
  return json;
}

/// "t.a → v.b (filter) → w.c"; the use stands at what it leads to, unless values flow.
std::string WayText(const std::vector<LineageStep>& way) {
  std::string text;
  for (const LineageStep& step : way) {
    if (text.empty()) text = ToString(step.from);
    text += " -> " + ToString(step.to);
    if (step.use != ColumnUse::kValue) text += fmt::format(" ({})", ToString(step.use));
  }
  return text;
}

void PrintReached(const std::vector<ReachedColumn>& reached, Format format) {
  std::vector<std::vector<std::string>> rows;
  Json json = Json::array();
  for (const ReachedColumn& column : reached) {
    const bool is_value = column.reach == ColumnUse::kValue;
    rows.push_back({column.name.table, column.name.column, std::string(ToString(column.reach)),
                    is_value ? std::string(ToString(column.transformation)) : "",
                    WayText(column.way)});
    Json entry{{"view", column.name.table},
               {"column", column.name.column},
               {"reach", ToString(column.reach)}};
    if (is_value) entry["transformation"] = ToString(column.transformation);
    for (const LineageStep& step : column.way) entry["way"].push_back(StepJson(step));
    json.push_back(std::move(entry));
  }
  if (format == Format::kJson) {
    std::cout << JsonText(json, 2) << "\n";
  } else if (rows.empty()) {
    std::cout << "nothing reads it\n";
  } else {
    std::cout << RenderTable({"view", "column", "reached as", "how", "way"}, rows);
  }
}

/// One event of one view as a line of JSON.
Result<Json> EventOf(const OpenProject& open, const std::string& view, const Lineage& lineage,
                     OpenLineageEvent event) {
  LineageEventRequest request =
      LineageRequestOf(view, lineage, open.definition, open.compiled, *open.session, kVersion);
  request.event = event;
  request.event_time = TimeText(SystemClock().Now());
  if (event == OpenLineageEvent::kRun) {
    const DeltaHistory history(open.session->engine(), open.session->warehouse_url());
    WEIR_ASSIGN_OR_RETURN(const auto build, history.LastBuild(view));
    if (!build) {
      return Status::User(StatusCode::kNotFound, "no run has built the view `{}`", view)
          .WithHint("`weir run` builds it; `--event job` needs no run");
    }
    request.run_id = build->run_id;
  }
  return ToOpenLineage(request);
}

/// The views that an OpenLineage export is about: the one, and those up- or downstream of it.
std::vector<std::string> ViewsOf(const OpenProject& open, const Target& target,
                                 const LineageTrace* trace) {
  std::set<std::string> wanted = {target.table};
  if (trace != nullptr) {
    for (const LineageStep& step : trace->steps) {
      wanted.insert(step.from.table);
      wanted.insert(step.to.table);
    }
  }
  std::vector<std::string> views;
  for (const auto& bundle : open.compiled.bundles()) {
    if (wanted.contains(bundle->view_name)) views.push_back(bundle->view_name);
  }
  return views;
}

int PrintEvents(const OpenProject& open, const std::map<std::string, Lineage>& lineages,
                const std::vector<std::string>& views, OpenLineageEvent event) {
  for (const std::string& view : views) {
    const auto json = EventOf(open, view, lineages.at(view), event);
    if (!json.ok()) return FailNamed(json.status());
    std::cout << JsonText(*json) << "\n";
  }
  return kDone;
}

}  // namespace

namespace {

/// What is made of a view that is not stored is made of its sources, and so it is told.
int NotStored(const Target& target) {
  return FailNamed(Status::User(StatusCode::kNotFound,
                                "a view that is not stored is no table that others read: `{}`",
                                target.table)
                       .WithHint("ask for a source, or for a stored view"));
}

/// Every view of the project, each after those it reads.
int PrintAll(const OpenProject& open, const std::map<std::string, Lineage>& lineages,
             const LineageRequest& request, Format format) {
  std::vector<std::string> views;
  for (const auto& bundle : open.compiled.bundles()) views.push_back(bundle->view_name);
  if (request.output == LineageOutput::kOpenLineage)
    return PrintEvents(open, lineages, views, request.event);
  for (const auto& [view, lineage] : lineages) {
    if (open.compiled.Find(view) == nullptr) views.push_back(view);
  }
  if (request.output != LineageOutput::kText) {
    const LineageGraph graph(lineages);
    LineageTrace all;
    for (const std::string& view : views) {
      const auto steps = graph.Inputs(view);
      all.steps.insert(all.steps.end(), steps.begin(), steps.end());
    }
    std::cout << (request.output == LineageOutput::kDot ? ToDot(all) : ToMermaid(all));
    return kDone;
  }
  Json json = Json::object();
  std::vector<std::vector<std::string>> rows;
  for (const std::string& view : views) {
    auto lineage = Result<Lineage>(lineages.at(view));
    if (request.direction == LineageDirection::kUpstream)
      lineage = TransitiveLineage(lineages, view);
    if (!lineage.ok()) return Fail(lineage.status());
    if (format == Format::kJson) {
      json[view] = ToJson(*lineage);
      continue;
    }
    for (const ColumnLineage& column : lineage->columns) {
      rows.push_back({view, column.name, std::string(ToString(column.transformation)),
                      InputsText(column.inputs, ", ")});
    }
  }
  std::cout << (format == Format::kJson ? JsonText(json, 2) + "\n"
                                        : RenderTable({"view", "column", "how", "from"}, rows));
  return kDone;
}

}  // namespace

int RunLineage(const GlobalOptions& options, const LineageRequest& request) {
  auto open = Open(options);
  if (!open.ok()) return FailNamed(open.status());
  if (request.column.empty()) {
    if (request.direction == LineageDirection::kDownstream) {
      return FailNamed(Status::User(StatusCode::kNotFound, "--downstream needs a source or view")
                           .WithHint("weir lineage TABLE[.COLUMN] --downstream"));
    }
    auto lineages = AllLineages(*open);
    if (!lineages.ok()) return Fail(lineages.status());
    const Status added = AddInlined(*open, *lineages);
    return added.ok() ? PrintAll(*open, *lineages, request, options.format) : Fail(added);
  }
  const auto target = TargetFinder(*open).Find(request.column);
  if (!target.ok()) return FailNamed(target.status());
  const bool downstream = request.direction == LineageDirection::kDownstream;
  auto lineages = AllLineages(*open);
  if (!lineages.ok()) return Fail(lineages.status());
  if (target->inlined) {
    if (downstream || request.output == LineageOutput::kOpenLineage) return NotStored(*target);
    lineages->emplace(target->table, *target->inlined);
  }
  const LineageGraph graph(*lineages);
  const bool draws =
      request.output == LineageOutput::kDot || request.output == LineageOutput::kMermaid;
  const bool goes_on = request.direction != LineageDirection::kInputs;
  if (!downstream && !target->is_view) {
    return FailNamed(Status::User(StatusCode::kNotFound,
                                  "a source is made from nothing that Weir knows: `{}`",
                                  target->table)
                         .WithHint("--downstream shows what reads it"));
  }
  if (draws || request.output == LineageOutput::kOpenLineage) {
    const LineageTrace trace = downstream ? graph.Downstream(target->table, target->column)
                                          : graph.Upstream(target->table, target->column);
    if (request.output == LineageOutput::kDot) std::cout << ToDot(trace);
    if (request.output == LineageOutput::kMermaid) std::cout << ToMermaid(trace);
    if (draws) return kDone;
    return PrintEvents(*open, *lineages, ViewsOf(*open, *target, goes_on ? &trace : nullptr),
                       request.event);
  }
  if (downstream) {
    PrintReached(graph.Reached(target->table, target->column), options.format);
    return kDone;
  }
  if (!goes_on) {
    PrintLineage(lineages->at(target->table), *target, options.format);
    return kDone;
  }
  const auto transitive = TransitiveLineage(*lineages, target->table);
  if (!transitive.ok()) return Fail(transitive.status());
  PrintLineage(*transitive, *target, options.format);
  return kDone;
}

int RunImpact(const GlobalOptions& options, const std::string& column) {
  auto open = Open(options);
  if (!open.ok()) return FailNamed(open.status());
  const auto target = TargetFinder(*open).Find(column);
  if (!target.ok()) return FailNamed(target.status());
  if (target->inlined) return NotStored(*target);
  const auto lineages = AllLineages(*open);
  if (!lineages.ok()) return Fail(lineages.status());
  const auto reached = LineageGraph(*lineages).Reached(target->table, target->column);
  PrintReached(reached, options.format);
  if (options.format == Format::kJson || reached.empty()) return kDone;
  std::set<std::string> views, by_value;
  for (const ReachedColumn& entry : reached) {
    views.insert(entry.name.table);
    if (entry.reach == ColumnUse::kValue) by_value.insert(entry.name.table);
  }
  const auto values = std::count_if(reached.begin(), reached.end(), [](const auto& entry) {
    return entry.reach == ColumnUse::kValue;
  });
  std::cout << fmt::format(
      "\n{} columns of {} views are reached: {} by changed values, {} only as rows, branches or "
      "order change\n",
      reached.size(), views.size(), values, static_cast<ptrdiff_t>(reached.size()) - values);
  return kDone;
}

}  // namespace weir::cli

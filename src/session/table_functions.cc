// SPDX-License-Identifier: Apache-2.0

#include "weir/session/table_functions.h"

#include <functional>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/catalog/change_feed.h"
#include "weir/catalog/path_files.h"
#include "weir/catalog/path_table.h"
#include "weir/session/call_arguments.h"
#include "weir/session/delta_rows.h"
#include "weir/session/path_functions.h"
#include "weir/session/registry_snapshot.h"
#include "weir/session/row_writer.h"
#include "weir/session/session_runtime.h"

namespace weir {
namespace {

using Json = nlohmann::json;
using Arguments = std::vector<TableArgument>;

/// What calls need beside their arguments. Immutable, shared by all functions of a session.
struct Environment {
  FunctionRegistry functions;
  NamedTables tables;
};

Result<engine::Table> TableOf(Result<std::shared_ptr<arrow::RecordBatch>> rows) {
  WEIR_RETURN_NOT_OK(rows.status());
  return engine::Table::FromRows(**rows);
}

// --- the table that is meant ---

std::vector<std::string> DeltaNames(const NamedTables& tables) {
  std::vector<std::string> names;
  for (const auto& [name, table] : tables.tables) {
    if (table.problem.empty()) names.push_back(name);
  }
  return names;
}

/// A source or view by its name; nothing if there is none.
Result<std::optional<NamedTable>> FindNamed(const FunctionDeclaration& function,
                                            const std::string& text, const NamedTables& named) {
  auto found = named.tables.find(text);
  if (found == named.tables.end()) found = named.tables.find(AsciiLowerCase(text));
  if (found == named.tables.end()) return std::optional<NamedTable>();
  NamedTable table = found->second;
  if (!table.problem.empty()) return CallFailure(function, "{}", table.problem);
  if (table.url.empty()) table.url = TableUrl(named.warehouse_url, found->first);
  return std::optional<NamedTable>(std::move(table));
}

/// Of a table function's argument `table`.
Result<NamedTable> FindTable(const FunctionDeclaration& function, const TableArgument& argument,
                             const engine::Session& session, const NamedTables& named) {
  const auto* text = std::get_if<std::string>(&argument);
  if (text == nullptr || text->empty())
    return CallFailure(function, "table wants the name of a source or view, or a path, found none");
  WEIR_ASSIGN_OR_RETURN(auto known, FindNamed(function, *text, named));
  if (known) return *std::move(known);
  if (LooksLikePath(*text)) {
    auto found = FindPathFiles(*text, session);
    if (!found.ok()) return InCall(function, found.status());
    if (found->is_delta) return NamedTable{.url = found->url, .version = -1, .problem = {}};
    return CallFailure(function, "a Delta table is wanted, found no `_delta_log` in `{}`", *text);
  }
  const std::string hint = SuggestionHint(*text, DeltaNames(named));
  return CallFailure(function, "there is no source or view named `{}`", *text)
      .WithHint(hint.empty() ? fmt::format("name a source or a stored view, or write a path: "
                                           "'./{}'",
                                           *text)
                             : hint);
}

/// delta_scan: of a name that the project knows, or of a path.
Result<engine::Table> ScanDelta(const FunctionDeclaration& function, const engine::Session& session,
                                const Environment& environment, const Arguments& arguments) {
  const auto* text = std::get_if<std::string>(&arguments[0]);
  std::optional<NamedTable> known;
  if (text != nullptr) {
    WEIR_ASSIGN_OR_RETURN(known, FindNamed(function, *text, environment.tables));
  }
  if (!known) return ScanDeltaPath(function, session, arguments);
  WEIR_ASSIGN_OR_RETURN(DeltaPin pin, PinOfCall(function, arguments));
  if (pin.version < 0 && pin.timestamp.empty()) pin.version = known->version;
  auto pinned = PinDelta(*text, known->url, pin.version, pin.timestamp, session);
  if (!pinned.ok()) return InCall(function, pinned.status());
  return *pinned->table;
}

// --- rows of the functions themselves ---

Result<std::shared_ptr<arrow::RecordBatch>> DocRows(const FunctionDeclaration& docs,
                                                    const FunctionRegistry& functions) {
  RowWriter writer(docs.RowSchema());
  for (const FunctionDeclaration* function : functions.Declarations()) {
    Json arguments = Json::array();
    for (const FunctionArgument& given : function->arguments) {
      arguments.push_back({{"name", given.name},
                           {"type", given.type},
                           {"description", given.description},
                           {"default", given.default_value ? Json(*given.default_value) : Json()},
                           {"optional", given.MayBeOmitted()}});
    }
    WEIR_RETURN_NOT_OK(writer.Add(
        {function->name, function->aliases, std::string(ToString(function->kind)),
         function->Syntax(), function->result_type, function->description, std::move(arguments),
         function->null_handling, function->example, function->tags, function->semantic_version}));
  }
  return writer.Finish();
}

Result<std::shared_ptr<arrow::RecordBatch>> RegistryRows(const FunctionDeclaration& registry,
                                                         const engine::Session& session,
                                                         const FunctionRegistry& functions) {
  WEIR_ASSIGN_OR_RETURN(const auto snapshot, RegistrySnapshot::Take(session, functions));
  RowWriter writer(registry.RowSchema());
  for (const RegisteredFunction& function : snapshot.functions()) {
    WEIR_RETURN_NOT_OK(
        writer.Add({function.name, function.kind, function.origin, function.version,
                    function.aliases, function.signatures, function.volatility, function.tags}));
  }
  return writer.Finish();
}

// --- changes ---

/// A version from 0 up to `latest`, or a time.
Result<ChangeBound> BoundOf(const FunctionDeclaration& function, const std::string& name,
                            const TableArgument& argument, int64_t latest) {
  if (const auto* time = std::get_if<std::string>(&argument))
    return ChangeBound{.version = -1, .timestamp = *time};
  const auto* version = std::get_if<int64_t>(&argument);
  if (version == nullptr) return ChangeBound();
  if (*version < 0 || *version > latest) {
    return CallFailure(function,
                       "{} wants a version from 0 to {}, the table's latest, "
                       "found `{}`",
                       name, latest, *version);
  }
  return ChangeBound{.version = *version, .timestamp = {}};
}

Result<engine::Table> Changes(const FunctionDeclaration& function, const engine::Session& session,
                              const NamedTable& table, const Arguments& arguments) {
  auto snapshot = OpenDelta(table.url, table.version, "", session);
  if (!snapshot.ok()) return InCall(function, snapshot.status());
  const int64_t latest = snapshot->version();
  WEIR_ASSIGN_OR_RETURN(auto from, BoundOf(function, "start", arguments[1], latest));
  WEIR_ASSIGN_OR_RETURN(auto to, BoundOf(function, "end", arguments[2], latest));
  if (from.version < 0 && from.timestamp.empty()) from.version = 0;
  if (to.version < 0 && to.timestamp.empty()) to.version = latest;
  if (from.version >= 0 && to.version >= 0 && from.version > to.version) {
    return CallFailure(function, "start is after end: `{}` and `{}`", from.version, to.version);
  }
  const auto feed = ReadChangeFeed(session, table.url, *snapshot, from, to);
  if (!feed.ok()) return InCall(function, feed.status());
  if (feed->last < feed->first && !from.timestamp.empty() && feed->first > latest)
    return CallFailure(function, "the range begins after the table's last commit");
  return snapshot->AsChangeTable(session, table.url, feed->files);
}

// --- all functions ---

using Rows = std::function<Result<engine::Table>(const FunctionDeclaration&, const engine::Session&,
                                                 const Environment&, const Arguments&)>;

Rows OfCache(const std::string& cache) {
  return [cache](const FunctionDeclaration&, const engine::Session& session, const Environment&,
                 const Arguments&) { return session.CacheTable(cache); };
}

template <typename RowsOfTable>
Rows OfLog(RowsOfTable rows) {
  return
      [rows](const FunctionDeclaration& function, const engine::Session& session,
             const Environment& environment, const Arguments& arguments) -> Result<engine::Table> {
        WEIR_ASSIGN_OR_RETURN(const NamedTable table,
                              FindTable(function, arguments[0], session, environment.tables));
        auto made = rows(function, session, table.url, table.version);
        if (!made.ok()) return InCall(function, made.status());
        return TableOf(std::move(made));
      };
}

/// What makes the rows of each function; null for one that nobody knows.
Rows RowsOf(const std::string& name) {
  if (name == "list_files_cache") return OfCache("list_files");
  if (name == "metadata_cache") return OfCache("metadata");
  if (name == "statistics_cache") return OfCache("statistics");
  if (name == "delta_files") return OfLog(&DeltaFileRows);
  if (name == "delta_history") return OfLog(&DeltaHistoryRows);
  if (name == "delta_scan") return &ScanDelta;
  if (name.starts_with("read_")) {
    return
        [](const FunctionDeclaration& function, const engine::Session& session, const Environment&,
           const Arguments& arguments) { return ReadPathRows(function, session, arguments); };
  }
  if (name == "udf_docs") {
    return [](const FunctionDeclaration& function, const engine::Session&,
              const Environment& environment,
              const Arguments&) { return TableOf(DocRows(function, environment.functions)); };
  }
  if (name == "udf_registry") {
    return [](const FunctionDeclaration& function, const engine::Session& session,
              const Environment& environment, const Arguments&) {
      return TableOf(RegistryRows(function, session, environment.functions));
    };
  }
  if (name == "delta_cdf") {
    return [](const FunctionDeclaration& function, const engine::Session& session,
              const Environment& environment, const Arguments& arguments) -> Result<engine::Table> {
      WEIR_ASSIGN_OR_RETURN(const NamedTable table,
                            FindTable(function, arguments[0], session, environment.tables));
      return Changes(function, session, table, arguments);
    };
  }
  return nullptr;
}

}  // namespace

NamedTables NameTables(const ProjectDefinition& project, const Catalog& catalog,
                       const std::string& warehouse_url) {
  NamedTables named{.tables = {}, .warehouse_url = warehouse_url};
  for (const SourceDefinition& source : project.sources) {
    const PinnedTable* pinned = catalog.Find(source.name);
    NamedTable table;
    if (pinned == nullptr) {
      table.problem = fmt::format("the source `{}` cannot be read", source.name);
    } else if (pinned->kind != TableKind::kDelta) {
      table.problem = fmt::format(
          "a Delta table is wanted, the source `{}` is files of the format "
          "`{}`",
          source.name, pinned->format);
    } else {
      table.url = pinned->url;
      table.version = pinned->version;
    }
    named.tables.emplace(source.name, std::move(table));
  }
  for (const ViewDefinition& view : project.views) {
    NamedTable table;
    if (view.kind == ViewDefinition::Kind::kInline)
      table.problem =
          fmt::format("a Delta table is wanted, the view `{}` is not stored", view.name);
    named.tables.emplace(view.name, std::move(table));
  }
  return named;
}

Status RegisterTableFunctions(const engine::Session& session, const FunctionRegistry& functions,
                              NamedTables tables) {
  const auto environment =
      std::make_shared<const Environment>(Environment{functions, std::move(tables)});
  for (const auto& declaration : functions.tables()) {
    const Rows rows = RowsOf(declaration->name);
    if (rows == nullptr)
      return Status::Bug("nothing makes the rows of the table function `{}`", declaration->name);
    WEIR_RETURN_NOT_OK(session.RegisterTableFunction(
        declaration->name,
        [declaration, environment, rows](
            const engine::Session& caller,
            const std::vector<engine::CallArgument>& given) -> Result<engine::Table> {
          WEIR_ASSIGN_OR_RETURN(const Arguments arguments, MatchArguments(*declaration, given));
          return rows(*declaration, caller, *environment, arguments);
        }));
  }
  return Status::OK();
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/table_function_calls.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/bundle/plan_failure.h"
#include "weir/functions/call_failure.h"

namespace weir {

namespace {

using Json = nlohmann::json;

/// The one part of an object name in a syntax tree; empty where it has several.
std::string PlainName(const Json& name) {
  if (!name.is_array() || name.size() != 1 || !name[0].is_object()) return {};
  const Json& part = name[0].contains("Identifier") ? name[0]["Identifier"] : name[0];
  if (!part.is_object() || !part.contains("value") || !part["value"].is_string()) return {};
  const std::string value = part["value"].get<std::string>();
  return part.contains("quote_style") && part["quote_style"].is_null() ? AsciiLowerCase(value)
                                                                       : value;
}

/// Adds the names that are called in a FROM: tables with arguments, and LATERAL functions.
void AddCalled(const Json& node, std::vector<std::string>& called) {
  if (node.is_array()) {
    for (const Json& item : node) AddCalled(item, called);
  }
  if (!node.is_object()) return;
  for (const auto& [key, value] : node.items()) {
    if (value.is_object() && value.contains("name")) {
      const bool is_table = key == "Table" && value.contains("args") && !value["args"].is_null();
      const bool is_lateral = key == "Function" && value.contains("lateral");
      if (is_table || is_lateral) called.push_back(PlainName(value["name"]));
    }
    AddCalled(value, called);
  }
}

Status Refusal(const FunctionDeclaration& function) {
  const Status status = Status::User(
      StatusCode::kUnsupported,
      "a view may not read the table function {}: its rows are not pinned, so that the view could "
      "not be repeated",
      function.Syntax());
  if (function.name == "delta_cdf") {
    return Status::User(
               StatusCode::kUnsupported,
               "a view may read the changes of a Delta source from one version, given as a "
               "number, to another: {}",
               function.Syntax())
        .WithHint("delta_cdf(source), delta_cdf(source, 3) or delta_cdf(source, 3, 9)");
  }
  const bool of_delta = !function.arguments.empty();
  return status.WithHint(
      of_delta ? "read the table itself, as a source; `weir sql` and tests may call the function"
               : "`weir sql` and tests may call it");
}

}  // namespace

std::optional<Diagnostic> RefuseTableFunctions(const ViewDefinition& view,
                                               const FunctionRegistry& functions,
                                               const engine::Session& session) {
  const auto& tables = functions.tables();
  // Few texts name one: the others need not be parsed for it.
  const std::string lower = AsciiLowerCase(view.query_sql);
  if (std::none_of(tables.begin(), tables.end(), [&](const auto& table) {
        return lower.find(table->name) != std::string::npos;
      })) {
    return std::nullopt;
  }
  const auto parsed = session.ParseSql(view.query_sql, view.dialect);
  if (!parsed.ok()) return std::nullopt;
  std::vector<std::string> called;
  AddCalled(Json::parse(parsed->json, nullptr, /*allow_exceptions=*/false), called);
  for (const auto& table : tables) {
    if (std::find(called.begin(), called.end(), table->name) == called.end()) continue;
    SourceLocation place = PlaceOfCall(view.query_sql, *table);
    place.file = view.file;
    const Status refusal = Refusal(*table);
    return DiagnosticOf("W2010", place.line == 0 ? refusal : refusal.WithLocation(place), view);
  }
  return std::nullopt;
}

}  // namespace weir

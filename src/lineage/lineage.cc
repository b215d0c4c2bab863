// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/lineage.h"

#include <algorithm>
#include <array>

namespace weir {

std::string_view ToString(ColumnUse use) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "value", "condition", "filter", "join_key", "group_key", "order", "partition", "unnest"};
  return kNames[static_cast<size_t>(use)];
}

std::string_view ToString(Transformation transformation) {
  static constexpr std::array<std::string_view, 5> kNames = {
      "literal", "identity", "transformation", "aggregation", "window"};
  return kNames[static_cast<size_t>(transformation)];
}

std::string JoinPath(std::string_view whole, std::string_view part) {
  std::string path(whole);
  if (!whole.empty() && !part.empty() && !part.starts_with("[")) path += ".";
  return path.append(part);
}

std::string FullColumn(const ColumnInput& input) { return JoinPath(input.column, input.path); }

ColumnInputs Lineage::InputsOf(size_t index) const {
  ColumnInputs inputs = columns[index].inputs;
  inputs.insert(row_influences.begin(), row_influences.end());
  return inputs;
}

namespace {

nlohmann::ordered_json ToJson(const ColumnInputs& inputs) {
  auto json = nlohmann::ordered_json::array();
  for (const ColumnInput& input : inputs) {
    nlohmann::ordered_json entry;
    entry["table"] = input.table;
    entry["column"] = input.column;
    if (!input.path.empty()) entry["path"] = input.path;
    entry["use"] = ToString(input.use);
    if (input.use == ColumnUse::kValue) entry["transformation"] = ToString(input.transformation);
    json.push_back(std::move(entry));
  }
  return json;
}

/// Replaces stored views by their lineage, each view once.
class Closure {
 public:
  explicit Closure(const std::map<std::string, Lineage>& lineages) : lineages_(lineages) {}

  Result<const Lineage*> Of(const std::string& view) {
    const auto [entry, is_new] = closed_.try_emplace(view);
    if (!is_new) {
      if (entry->second.state == State::kOpen)
        return Status::Bug("the lineage of views goes round in a circle at `{}`", view);
      return &entry->second.lineage;
    }
    // References into a map stay valid while it grows.
    Entry& closed = entry->second;
    WEIR_RETURN_NOT_OK(Close(lineages_.at(view), closed.lineage));
    closed.state = State::kDone;
    return &closed.lineage;
  }

 private:
  enum class State { kOpen, kDone };
  struct Entry {
    State state = State::kOpen;
    Lineage lineage;
  };

  Status Close(const Lineage& own, Lineage& closed) {
    std::set<UsedFunction> functions(own.functions.begin(), own.functions.end());
    for (const auto& [table, columns] : own.required_columns) {
      if (!lineages_.contains(table)) {
        closed.required_columns[table].insert(columns.begin(), columns.end());
        continue;
      }
      WEIR_ASSIGN_OR_RETURN(const Lineage* view, Of(table));
      closed.row_influences.insert(view->row_influences.begin(), view->row_influences.end());
      for (const auto& [below, names] : view->required_columns)
        closed.required_columns[below].insert(names.begin(), names.end());
      functions.insert(view->functions.begin(), view->functions.end());
    }
    closed.functions.assign(functions.begin(), functions.end());
    Transformation ignored = Transformation::kLiteral;
    WEIR_RETURN_NOT_OK(Expand(own.row_influences, closed.row_influences, ignored));
    for (const ColumnLineage& column : own.columns) {
      ColumnLineage expanded;
      WEIR_RETURN_NOT_OK(ExpandColumn(column, expanded));
      closed.columns.push_back(std::move(expanded));
    }
    return Status::OK();
  }

  Status ExpandColumn(const ColumnLineage& column, ColumnLineage& expanded) {
    expanded.name = column.name;
    expanded.expression = column.expression;
    expanded.transformation = column.transformation;
    expanded.is_place = column.is_place;
    WEIR_RETURN_NOT_OK(
        Expand(column.inputs, expanded.inputs, expanded.transformation, &expanded.is_place));
    for (const ColumnLineage& part : column.parts)
      WEIR_RETURN_NOT_OK(ExpandColumn(part, expanded.parts.emplace_back()));
    return Status::OK();
  }

  /// `is_place`, if given, becomes false where values do not come from places below.
  Status Expand(const ColumnInputs& inputs, ColumnInputs& expanded, Transformation& transformation,
                bool* is_place = nullptr) {
    for (const ColumnInput& input : inputs) {
      if (!lineages_.contains(input.table)) {
        expanded.insert(input);
        continue;
      }
      WEIR_ASSIGN_OR_RETURN(const Lineage* view, Of(input.table));
      const auto found =
          std::find_if(view->columns.begin(), view->columns.end(),
                       [&](const ColumnLineage& column) { return column.name == input.column; });
      if (found == view->columns.end())
        return Status::Bug("the view `{}` has no column `{}` to trace", input.table, input.column);
      std::string_view path = input.path;
      const ColumnLineage& part = PartAt(*found, path);
      if (input.use == ColumnUse::kValue) {
        transformation = std::max(transformation, part.transformation);
        if (is_place != nullptr) *is_place = *is_place && part.is_place;
      }
      for (const ColumnInput& below : part.inputs)
        expanded.insert(Through(below, part.is_place, path, input));
    }
    return Status::OK();
  }

  /// The part of `column` that `path` leads to as far as parts are known; what is left of the path
  /// stays in it.
  static const ColumnLineage& PartAt(const ColumnLineage& column, std::string_view& path) {
    for (const ColumnLineage& part : column.parts) {
      if (!path.starts_with(part.name)) continue;
      const std::string_view rest = path.substr(part.name.size());
      if (!rest.empty() && rest[0] != '.' && rest[0] != '[') continue;
      path = rest.starts_with(".") ? rest.substr(1) : rest;
      return PartAt(part, path);
    }
    return column;
  }

  /// `below` feeds a column or part, of which `above` uses what stands at `path`.
  static ColumnInput Through(const ColumnInput& below, bool is_place, std::string_view path,
                             const ColumnInput& above) {
    ColumnInput through = below;
    if (below.use != ColumnUse::kValue) return through;
    through.use = above.use;
    through.transformation = above.use == ColumnUse::kValue
                                 ? std::max(below.transformation, above.transformation)
                                 : Transformation::kIdentity;
    if (is_place) through.path = JoinPath(below.path, path);
    return through;
  }

  const std::map<std::string, Lineage>& lineages_;
  std::map<std::string, Entry> closed_;
};

}  // namespace

Result<Lineage> TransitiveLineage(const std::map<std::string, Lineage>& lineages,
                                  const std::string& view) {
  if (!lineages.contains(view)) {
    return Status::User(StatusCode::kNotFound, "there is no lineage of a view named `{}`", view);
  }
  Closure closure(lineages);
  WEIR_ASSIGN_OR_RETURN(const Lineage* lineage, closure.Of(view));
  return *lineage;
}

namespace {

nlohmann::ordered_json ToJson(const ColumnLineage& column) {
  nlohmann::ordered_json entry;
  entry["name"] = column.name;
  entry["transformation"] = ToString(column.transformation);
  entry["expression"] = column.expression;
  entry["inputs"] = ToJson(column.inputs);
  for (const ColumnLineage& part : column.parts) entry["parts"].push_back(ToJson(part));
  return entry;
}

}  // namespace

nlohmann::ordered_json ToJson(const Lineage& lineage) {
  nlohmann::ordered_json json;
  json["columns"] = nlohmann::ordered_json::array();
  for (const ColumnLineage& column : lineage.columns) json["columns"].push_back(ToJson(column));
  json["row_influences"] = ToJson(lineage.row_influences);
  json["required_columns"] = nlohmann::ordered_json::object();
  for (const auto& [table, columns] : lineage.required_columns)
    json["required_columns"][table] = columns;
  json["functions"] = nlohmann::ordered_json::array();
  for (const UsedFunction& function : lineage.functions) {
    nlohmann::ordered_json entry;
    entry["kind"] = function.kind;
    entry["name"] = function.name;
    json["functions"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace weir

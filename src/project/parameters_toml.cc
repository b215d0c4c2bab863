// SPDX-License-Identifier: Apache-2.0

#include "weir/project/parameters_toml.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/project/parameter_value.h"

namespace weir {

namespace {

/// A value as it would be written on the command line; nothing for what is none.
std::optional<std::string> ValueText(const toml::node& node) {
  if (const auto* date = node.as_date()) {
    std::ostringstream text;
    text << date->get();
    return text.str();
  }
  if (const auto* time = node.as_date_time(); time != nullptr && time->get().is_local()) {
    std::ostringstream text;
    text << time->get();
    return text.str();
  }
  return ScalarText(node);
}

/// The type of a value that stands without one.
std::string_view TypeOfValue(const toml::node& node) {
  if (node.is_integer()) return "BIGINT";
  if (node.is_floating_point()) return "DOUBLE";
  if (node.is_boolean()) return "BOOLEAN";
  if (node.is_date()) return "DATE";
  return node.is_date_time() ? "TIMESTAMP" : "VARCHAR";
}

/// Under which an unset variable of the value is noted.
std::string PathOf(const std::string& name) { return "parameters." + name; }

std::string WantedValue(const Status& status, const ProjectParameter& parameter) {
  return fmt::format("{} is wanted for the parameter `{}` of the type {}", status.message(),
                     parameter.name, parameter.type);
}

/// The value of a node, in the type of the parameter; nothing if it is wrong or not looked at.
std::optional<std::string> ValueAt(const toml::node& node, const ProjectParameter& parameter,
                                   TomlReader& reader) {
  std::optional<std::string> text = ValueText(node);
  if (!text) {
    reader.FailType(node, "a text, number, boolean, date or time without a zone", parameter.name);
    return std::nullopt;
  }
  if (node.is_string()) {
    text = reader.Expanded(node, *text, PathOf(parameter.name));
  } else if (reader.needed()) {
    reader.Forget(PathOf(parameter.name));
  }
  if (!text) return std::nullopt;
  auto value = ParameterValue(parameter.type, *text);
  if (value.ok()) return *std::move(value);
  reader.Fail("W1029", node.source(),
              fmt::format("{}, found `{}`", WantedValue(value.status(), parameter), *text));
  return std::nullopt;
}

/// Type, default and description of the long form. False if the type is wrong.
bool ReadDeclaration(const toml::table& table, TomlReader& reader, ProjectParameter& parameter) {
  reader.CheckKeys(table, {"type", "default", "description"}, " in a parameter");
  const toml::node* standard = table.get("default");
  const auto written = reader.StringAt(table, "type", PathOf(parameter.name) + ".");
  if (!written && table.get("type") != nullptr) return false;
  if (!written && standard == nullptr) {
    reader.Fail(
        "W1028", table.source(),
        fmt::format("a type is wanted for the parameter `{}`, found neither type nor default",
                    parameter.name),
        "such as `{ type = \"DATE\" }`");
    return false;
  }
  auto type = ParameterType(written ? *written : std::string(TypeOfValue(*standard)));
  if (!type.ok()) {
    reader.Fail("W1028", table.get("type")->source(),
                fmt::format("{} for `{}`", type.status().message(), parameter.name),
                type.status().hint());
    return false;
  }
  parameter.type = *std::move(type);
  if (const auto text =
          reader.StringAt(table, "description", PathOf(parameter.name) + ".description."))
    parameter.description = *text;
  if (standard != nullptr) parameter.value = ValueAt(*standard, parameter, reader);
  return true;
}

ProjectParameter* Find(std::string_view name, std::vector<ProjectParameter>& parameters) {
  const std::string lower = AsciiLowerCase(name);
  const auto found =
      std::find_if(parameters.begin(), parameters.end(),
                   [&](const ProjectParameter& parameter) { return parameter.name == lower; });
  return found == parameters.end() ? nullptr : &*found;
}

std::string UnknownHint(std::string_view name, const std::vector<ProjectParameter>& parameters) {
  std::vector<std::string> names;
  names.reserve(parameters.size());
  for (const ProjectParameter& parameter : parameters) names.push_back(parameter.name);
  if (names.empty()) return "weir.toml declares none: they stand under [parameters]";
  const std::string hint = SuggestionHint(name, names);
  return hint.empty() ? fmt::format("there are `{}`", fmt::join(names, "`, `")) : hint;
}

}  // namespace

void ReadParameters(const toml::table& table, TomlReader& reader,
                    std::vector<ProjectParameter>& parameters) {
  for (const auto& [key, node] : table) {
    ProjectParameter parameter{
        .name = AsciiLowerCase(key.str()), .type = {}, .value = {}, .description = {}};
    parameter.location = LocationOf(key.source());
    if (!IsParameterName(key.str())) {
      reader.Fail("W1027", key.source(),
                  fmt::format("a name of letters, digits and `_` is wanted for a parameter, found "
                              "`{}`",
                              key.str()));
      continue;
    }
    if (Find(parameter.name, parameters) != nullptr) {
      reader.Fail("W1027", key.source(),
                  fmt::format("there are two parameters of this name: `{}`", parameter.name),
                  "names are found in any case");
      continue;
    }
    if (node.is_table()) {
      if (!ReadDeclaration(*node.as_table(), reader, parameter)) continue;
    } else {
      parameter.type = TypeOfValue(node);
      parameter.value = ValueAt(node, parameter, reader);
    }
    parameters.push_back(std::move(parameter));
  }
  std::sort(parameters.begin(), parameters.end(),
            [](const ProjectParameter& a, const ProjectParameter& b) { return a.name < b.name; });
}

void ReadProfileParameters(const toml::table& table, TomlReader& reader,
                           std::vector<ProjectParameter>& parameters) {
  for (const auto& [key, node] : table) {
    ProjectParameter* parameter = Find(key.str(), parameters);
    if (parameter == nullptr) {
      reader.Fail("W1030", key.source(),
                  fmt::format("there is no parameter of this name: `{}`", key.str()),
                  UnknownHint(key.str(), parameters));
      continue;
    }
    auto value = ValueAt(node, *parameter, reader);
    if (reader.needed()) parameter->value = std::move(value);
  }
}

Status SetParameters(const std::vector<std::pair<std::string, std::string>>& set,
                     TomlReader& reader, std::vector<ProjectParameter>& parameters) {
  for (const auto& [name, text] : set) {
    ProjectParameter* parameter = Find(name, parameters);
    if (parameter == nullptr) {
      return Status::User(StatusCode::kNotFound, "--set: there is no parameter named `{}`", name)
          .WithHint(UnknownHint(name, parameters));
    }
    auto value = ParameterValue(parameter->type, text);
    if (!value.ok()) {
      return Status::User(StatusCode::kNotFound, "--set: {} (declared at {}), found `{}`",
                          WantedValue(value.status(), *parameter), ToString(parameter->location),
                          text);
    }
    reader.Forget(PathOf(parameter->name));
    parameter->value = *std::move(value);
  }
  return Status::OK();
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/session/call_arguments.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <arrow/api.h>
#include <arrow/compute/cast.h>

#include "weir/base/nearest.h"

namespace weir {
namespace {

Result<size_t> PlaceOf(const FunctionDeclaration& function, const std::string& name) {
  const auto names = function.ParameterNames();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    const std::string hint = SuggestionHint(name, names);
    return CallFailure(function, "there is no parameter `{}`", name).WithHint(hint);
  }
  return static_cast<size_t>(found - names.begin());
}

Result<TableArgument> ValueOf(const FunctionDeclaration& function, const FunctionArgument& argument,
                              const arrow::Scalar& scalar) {
  if (!scalar.is_valid) return TableArgument();
  const arrow::DataType& type = *scalar.type;
  if (type.id() == arrow::Type::BOOL && argument.type == "boolean")
    return TableArgument(
        std::string(static_cast<const arrow::BooleanScalar&>(scalar).value ? "true" : "false"));
  const bool is_text =
      arrow::is_base_binary_like(type.id()) || arrow::is_binary_view_like(type.id());
  const std::shared_ptr<arrow::DataType> wanted = is_text ? arrow::utf8() : arrow::int64();
  if (is_text || arrow::is_integer(type.id())) {
    const auto cast = scalar.CastTo(wanted);
    if (cast.ok() && is_text) {
      return TableArgument(std::string(static_cast<const arrow::StringScalar&>(**cast).view()));
    }
    if (cast.ok()) return TableArgument(static_cast<const arrow::Int64Scalar&>(**cast).value);
  }
  return CallFailure(function, "{} wants {}, found `{}` of type `{}`", argument.name, argument.type,
                     scalar.ToString(), type.ToString());
}

TableArgument DefaultOf(const FunctionArgument& argument) {
  if (!argument.default_value) return {};
  const std::string& text = *argument.default_value;
  int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc()) return number;
  return text;
}

}  // namespace

Result<std::vector<TableArgument>> MatchArguments(const FunctionDeclaration& function,
                                                  const std::vector<engine::CallArgument>& given) {
  const std::vector<FunctionArgument>& declared = function.arguments;
  std::vector<std::optional<TableArgument>> matched(declared.size());
  for (size_t i = 0; i < given.size(); ++i) {
    size_t place = i;
    if (given[i].name.empty() && i >= declared.size()) {
      return CallFailure(function, "takes {} argument{}, found `{}`", declared.size(),
                         declared.size() == 1 ? "" : "s", given.size());
    }
    if (!given[i].name.empty()) {
      WEIR_ASSIGN_OR_RETURN(place, PlaceOf(function, given[i].name));
    }
    if (matched[place]) return CallFailure(function, "`{}` is given twice", declared[place].name);
    WEIR_ASSIGN_OR_RETURN(matched[place], ValueOf(function, declared[place], *given[i].value));
  }
  std::vector<TableArgument> values;
  for (size_t i = 0; i < declared.size(); ++i) {
    if (!matched[i] && !declared[i].MayBeOmitted())
      return CallFailure(function, "wants `{}`, which is missing", declared[i].name);
    values.push_back(matched[i] ? *std::move(matched[i]) : DefaultOf(declared[i]));
  }
  return values;
}

}  // namespace weir

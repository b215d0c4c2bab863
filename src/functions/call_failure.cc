// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/call_failure.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "weir/base/nearest.h"
#include "weir/base/text_between.h"

namespace weir {
namespace {

bool IsNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Where `word` stands as a whole word, in any case, before `next` (spaces between do not matter).
std::optional<size_t> FindWord(std::string_view sql, std::string_view word, std::string_view next) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  for (auto at = sql.begin(); at != sql.end(); ++at) {
    at = std::search(at, sql.end(), word.begin(), word.end(), same);
    if (at == sql.end()) return std::nullopt;
    const auto begin = static_cast<size_t>(at - sql.begin());
    size_t behind = begin + word.size();
    while (behind < sql.size() && std::isspace(static_cast<unsigned char>(sql[behind])) != 0)
      ++behind;
    const bool whole = begin == 0 || !IsNameCharacter(sql[begin - 1]);
    if (whole && sql.substr(behind, next.size()) == next) return begin;
  }
  return std::nullopt;
}

SourceLocation LocationOf(std::string_view sql, std::optional<size_t> at) {
  SourceLocation location;
  if (!at) return location;
  const std::string_view before = sql.substr(0, *at);
  location.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const size_t line_begin = before.rfind('\n');
  location.column =
      1 + static_cast<int>(line_begin == std::string_view::npos ? *at : *at - line_begin - 1);
  return location;
}

/// The first call in `sql` of a function with an alias or the name.
std::optional<size_t> FindCall(std::string_view sql, const FunctionDeclaration& function) {
  std::optional<size_t> first = FindWord(sql, function.name, "(");
  for (const std::string& alias : function.aliases) {
    const auto other = FindWord(sql, alias, "(");
    if (other && (!first || *other < *first)) first = other;
  }
  return first;
}

/// Of: Unknown parameter name 'unit'. Valid parameters are: [bstart, bend]
std::optional<Status> ExplainUnknownParameter(const Status& failure, std::string_view sql,
                                              const FunctionRegistry& functions) {
  const std::string unknown = TextBetween(failure.message(), "Unknown parameter name '", "'");
  const std::string known = TextBetween(failure.message(), "Valid parameters are: [", "]");
  if (unknown.empty()) return std::nullopt;
  for (const FunctionDeclaration* function : functions.Declarations()) {
    std::string names;
    for (const std::string& name : function->ParameterNames())
      names += (names.empty() ? "" : ", ") + name;
    if (names != known || !FindCall(sql, *function)) continue;
    auto place = FindWord(sql, unknown, "=>");
    if (!place) place = FindWord(sql, unknown, ":=");
    return Status::User(StatusCode::kPlanFailed, "{} has no parameter `{}`", function->Syntax(),
                        unknown)
        .WithLocation(LocationOf(sql, place ? place : FindCall(sql, *function)))
        .WithHint(SuggestionHint(unknown, function->ParameterNames()));
  }
  return std::nullopt;
}

/// Of: Missing required parameter 'bend'. And of: Parameter 'bend' specified multiple times.
std::optional<Status> ExplainParameter(const Status& failure, std::string_view sql,
                                       const FunctionRegistry& functions) {
  const std::string missing = TextBetween(failure.message(), "Missing required parameter '", "'");
  const std::string twice =
      TextBetween(failure.message(), "Parameter '", "' specified multiple times");
  const std::string& parameter = missing.empty() ? twice : missing;
  if (parameter.empty()) return std::nullopt;
  for (const FunctionDeclaration* function : functions.Declarations()) {
    const auto names = function->ParameterNames();
    const auto call = FindCall(sql, *function);
    if (!call || std::find(names.begin(), names.end(), parameter) == names.end()) continue;
    return Status::User(StatusCode::kPlanFailed, "{} {} `{}`{}", function->Syntax(),
                        missing.empty() ? "takes" : "wants", parameter,
                        missing.empty() ? " once" : ", which is missing")
        .WithLocation(LocationOf(sql, call));
  }
  return std::nullopt;
}

/// Of: Function 'span_len' user-defined coercion failed with: Error during planning: span_len(span)
/// takes … No function matches the given name and argument types 'span_len(Int64)'. … And of: … a
/// call to 'count_if' function: coercion from Int64 to the signature … failed. No function matches
/// …
std::optional<Status> ExplainArguments(const Status& failure, std::string_view sql,
                                       const FunctionRegistry& functions) {
  const std::string& message = failure.message();
  std::string name = TextBetween(message, "a call to '", "' function");
  if (name.empty()) name = TextBetween(message, "Function '", "' user-defined coercion failed");
  if (name.empty()) name = TextBetween(message, "'", "' does not support zero arguments");
  const FunctionDeclaration* function = functions.Find(name);
  if (name.empty() || function == nullptr) return std::nullopt;
  const SourceLocation location = LocationOf(sql, FindCall(sql, *function));
  std::string own = TextBetween(message, "Error during planning: ", " No function matches");
  if (own.empty()) {
    // As the analyser says it.
    const size_t own_at = message.rfind("user-defined coercion failed with: ");
    static constexpr std::string_view kLayer = "Error during planning: ";
    const size_t layer = own_at == std::string::npos ? own_at : message.find(kLayer, own_at);
    if (layer != std::string::npos) own = message.substr(layer + kLayer.size());
  }
  if (own.ends_with('.')) own.pop_back();
  if (!own.empty()) return Status::User(StatusCode::kPlanFailed, "{}", own).WithLocation(location);
  const std::string found = TextBetween(message, "argument types '" + name, "'");
  std::string wanted;
  for (const FunctionArgument& argument : function->arguments) {
    wanted += fmt::format("{}{} as {}", wanted.empty() ? "" : ", ", argument.type, argument.name);
  }
  return Status::User(StatusCode::kPlanFailed, "{} takes {}, found `{}`", function->Syntax(),
                      wanted, found.empty() ? "()" : found)
      .WithLocation(location)
      .WithCause(message);
}

/// Of a message of our own: span_make(…): form wants …
std::optional<Status> ExplainConstant(const Status& failure, std::string_view sql,
                                      const FunctionRegistry& functions) {
  const std::string& message = failure.message();
  const FunctionDeclaration* function = functions.Find(message.substr(0, message.find('(')));
  if (function == nullptr || !message.starts_with(function->Syntax())) return std::nullopt;
  return failure.WithLocation(LocationOf(sql, FindCall(sql, *function)));
}

}  // namespace

std::optional<Status> ExplainCallFailure(const Status& failure, std::string_view sql,
                                         const FunctionRegistry& functions) {
  if (auto explained = ExplainUnknownParameter(failure, sql, functions)) return explained;
  if (auto explained = ExplainParameter(failure, sql, functions)) return explained;
  if (auto explained = ExplainArguments(failure, sql, functions)) return explained;
  return ExplainConstant(failure, sql, functions);
}

std::string MissingFunction(const std::string& message) {
  return TextBetween(message, "Invalid function '", "'");
}

std::optional<Status> ExplainMissingFunction(const Status& failure) {
  const std::string name = MissingFunction(failure.message());
  if (name.empty()) return std::nullopt;
  const std::string near = TextBetween(failure.message(), "Possible function '", "'");
  const std::string hint = SuggestionHint(name, {near});
  return Status::User(StatusCode::kPlanFailed, "there is no function named `{}`", name)
      .WithLocation(failure.location())
      .WithCause(failure.message())
      .WithHint(hint.empty() ? "`weir functions` lists the native and the user functions" : hint);
}

SourceLocation PlaceOfCall(std::string_view sql, const FunctionDeclaration& function) {
  return LocationOf(sql, FindCall(sql, function));
}

}  // namespace weir

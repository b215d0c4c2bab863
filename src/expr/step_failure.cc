// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include <arrow/api.h>

#include "weir/base/nearest.h"
#include "weir/expr/step_planner.h"
#include "weir/functions/call_failure.h"
#include "weir/functions/function_registry.h"

namespace weir::expr {

namespace {

/// The word after `start`; empty if it does not stand there.
std::string WordAfter(const std::string& text, std::string_view start) {
  const size_t at = text.find(start);
  if (at == std::string::npos) return {};
  const size_t begin = at + start.size();
  return text.substr(begin, text.find_first_of(" \n'\"\\", begin) - begin);
}

/// Functions of the session by kind, "SCALAR", "AGGREGATE" or "WINDOW": the catalog's where it is
/// open, else the native ones.
std::vector<std::string> FunctionNames(const engine::Session& session, std::string_view kind) {
  std::vector<std::string> names;
  const auto table = session.Query(fmt::format(
      "SELECT DISTINCT routine_name FROM information_schema.routines WHERE function_type = '{}'",
      kind));
  if (table.ok()) {
    for (const auto& chunk : (*table)->column(0)->chunks()) {
      for (int64_t i = 0; i < chunk->length(); ++i)
        names.push_back((*chunk->GetScalar(i))->ToString());
    }
  }
  const FunctionRegistry natives = NativeFunctions();
  for (const FunctionDeclaration* declaration : natives.Declarations()) {
    const bool is_wanted = kind == (declaration->kind == FunctionKind::kScalar      ? "SCALAR"
                                    : declaration->kind == FunctionKind::kAggregate ? "AGGREGATE"
                                                                                    : "TABLE");
    if (is_wanted) names.push_back(declaration->name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

struct FunctionWords {
  std::string_view said;  ///< by the engine, before the name
  std::string_view kind;
  std::string_view name;
  std::string_view written;
};

constexpr FunctionWords kFunctionWords[] = {
    {"not provided for scalar function ", "SCALAR", "scalar function", "call(\"{}\", …)"},
    {"not provided for aggregate function ", "AGGREGATE", "aggregate", "aggregate(\"{}\", {{…}})"},
    {"not provided for window function ", "WINDOW", "window function",
     "window_function(\"{}\", {{…}})"}};

/// A name that is a function of another kind is the likeliest mistake.
std::string FunctionHint(const std::string& name, const FunctionWords& wanted,
                         const engine::Session& session) {
  for (const FunctionWords& other : kFunctionWords) {
    if (other.kind == wanted.kind) continue;
    const std::vector<std::string> names = FunctionNames(session, other.kind);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    return fmt::format("it is {} {}: {}", other.kind == "AGGREGATE" ? "an" : "a", other.name,
                       fmt::format(fmt::runtime(other.written), name));
  }
  const std::string near = SuggestionHint(name, FunctionNames(session, wanted.kind));
  return near.empty() ? "`weir functions` lists the native ones" : near;
}

}  // namespace

Status ExplainEngineFailure(const Status& failure, const Step& step,
                            const engine::Session& session) {
  for (const FunctionWords& words : kFunctionWords) {
    const std::string name = WordAfter(failure.message(), words.said);
    if (name.empty()) continue;
    return Status::User(StatusCode::kNotFound, "there is no {} named `{}`", words.name, name)
        .WithHint(FunctionHint(name, words, session));
  }
  static constexpr std::string_view kMissing = "the plan reads a table that is not registered: `";
  if (const std::string table = WordAfter(failure.message(), kMissing); !table.empty()) {
    return Status::User(StatusCode::kNotFound, "there is no source or view named `{}`",
                        table.substr(0, table.find('`')));
  }
  if (failure.message().find("Failed to coerce types") != std::string::npos) {
    return Status::User(StatusCode::kPlanFailed, "types do not go together")
        .WithCause(failure.message())
        .WithHint("cast one of them with .Cast(type)");
  }
  // The place of a call in the step's text is none in the program.
  if (const auto call = ExplainCallFailure(failure, ToText(step), NativeFunctions()))
    return call->WithLocation({});
  return failure;
}

Status AtStep(const Status& failure, const Step& step) {
  return failure.WithContext(fmt::format("step {}, {}", step.number, ToString(step.kind)))
      .WithLocation(PlaceOf(step));
}

}  // namespace weir::expr

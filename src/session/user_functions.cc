// SPDX-License-Identifier: Apache-2.0

#include "weir/session/user_functions.h"

#include <algorithm>
#include <map>

#include "weir/base/nearest.h"
#include "weir/base/text_between.h"
#include "weir/functions/call_failure.h"

namespace weir {

namespace {

/// A failure and the code that it is reported under.
struct Problem {
  std::string code;
  Status status;
};

/// The status at its place in the definition's file, or at `otherwise`.
Status Placed(const Status& status, const UserFunctionDefinition& definition,
              const SourceLocation& otherwise) {
  SourceLocation place = status.location();
  if (place.line == 0) return status.WithLocation(otherwise);
  place.file = definition.location.file;
  return status.WithLocation(place);
}

engine::UserFunction ToEngine(const UserFunctionDefinition& definition) {
  engine::UserFunction function{.name = definition.name,
                                .arguments = {},
                                .return_type = definition.return_type,
                                .body_sql = definition.body_sql,
                                .dialect = definition.dialect,
                                .syntax = definition.Syntax(),
                                .text = definition.body_text};
  for (const ParameterDefinition& parameter : definition.parameters)
    function.arguments.push_back({parameter.name, parameter.sql_type, parameter.default_sql});
  return function;
}

/// A type that the engine does not know, with its place.
std::optional<Problem> FindWrongType(const UserFunctionDefinition& definition,
                                     const engine::Session& session) {
  const auto check = [&](const std::string& type, const SourceLocation& place,
                         const std::string& what) -> std::optional<Problem> {
    const auto found = session.SqlType(type, definition.dialect);
    if (found.ok()) return std::nullopt;
    return Problem{"W2021", Status::User(StatusCode::kInvalidArgument,
                                         "a type is wanted for {}, found `{}`", what, type)
                                .WithCause(found.status().message())
                                .WithHint("a type as in CAST: BIGINT, DOUBLE, VARCHAR, BOOLEAN, "
                                          "DATE, TIMESTAMP, DECIMAL(10, 2) …")
                                .WithLocation(place)};
  };
  for (const ParameterDefinition& parameter : definition.parameters) {
    auto problem = check(parameter.sql_type, parameter.location,
                         fmt::format("the argument `{}`", parameter.name));
    if (problem) return problem;
  }
  return check(definition.return_type, definition.return_location, "the result");
}

std::optional<Problem> FindTakenName(const UserFunctionDefinition& definition,
                                     const engine::Session& session,
                                     const FunctionRegistry& known) {
  const std::string kind = session.FunctionKindOf(definition.name);
  const FunctionDeclaration* declared = known.Find(definition.name);
  const bool is_native = declared != nullptr && declared->expression.empty();
  if (kind == "user") {
    if (definition.replaces) return std::nullopt;
    return Problem{"W1502",
                   Status::User(StatusCode::kAlreadyExists,
                                "there is a user function of this name: `{}`", definition.name)
                       .WithHint("CREATE OR REPLACE FUNCTION replaces it")
                       .WithLocation(definition.name_location)};
  }
  if (kind.empty() && !is_native) return std::nullopt;
  return Problem{
      "W2020",
      Status::User(StatusCode::kAlreadyExists, "a {} has this name: `{}`",
                   is_native ? "native function" : "function of the engine", definition.name)
          .WithHint("choose another name: views that call that function would change their meaning")
          .WithLocation(definition.name_location)};
}

/// What is wrong with the body or a default, in the words of the project.
Problem ExplainBody(const Status& status, const UserFunctionDefinition& definition,
                    const FunctionRegistry& known) {
  const std::string& message = status.message();
  if (status.cause().find("Schema error: No field named") != std::string::npos) {
    const std::string name = TextBetween(message, "there is no column named `", "`");
    std::vector<std::string> names;
    for (const ParameterDefinition& parameter : definition.parameters)
      names.push_back(parameter.name);
    std::string hint = SuggestionHint(name, names);
    if (hint.empty()) hint = status.hint();
    return {"W2022",
            Status::User(StatusCode::kNotFound, "the function {} has no argument named `{}`",
                         definition.Syntax(), name.empty() ? message : name)
                .WithLocation(status.location())
                .WithHint(hint.empty() ? "a user function reads its arguments and nothing else"
                                       : hint)};
  }
  if (const auto missing = ExplainMissingFunction(status)) return {"W2023", *missing};
  if (const auto call = ExplainCallFailure(status, definition.body_sql, known))
    return {"W2023", *call};
  return {status.code() == StatusCode::kUnsupported ? "W2024" : "W2023", status};
}

std::optional<Problem> Define(const UserFunctionDefinition& definition,
                              const engine::Session& session, const FunctionRegistry& known) {
  if (auto taken = FindTakenName(definition, session, known)) return taken;
  if (auto wrong = FindWrongType(definition, session)) return wrong;
  const Status status = session.DefineFunction(ToEngine(definition));
  if (status.ok()) return std::nullopt;
  return ExplainBody(status, definition, known);
}

/// The user functions that a definition calls, by name, and where it does.
std::vector<std::string> CallsOf(const UserFunctionDefinition& definition,
                                 const engine::Session& session) {
  std::vector<std::string> calls;
  std::vector<std::string> texts = {definition.body_sql};
  for (const ParameterDefinition& parameter : definition.parameters) {
    if (!parameter.default_sql.empty()) texts.push_back(parameter.default_sql);
  }
  for (const std::string& text : texts) {
    const auto called = session.CalledFunctions(text, definition.dialect);
    if (called.ok()) calls.insert(calls.end(), called->begin(), called->end());
  }
  return calls;
}

Problem CircleOf(const std::string& circle, const UserFunctionDefinition& definition) {
  return {"W2025", Status::User(StatusCode::kInvalidArgument,
                                "user functions call each other in a circle: `{}`", circle)
                       .WithHint("a user function is expanded where it is called, which would "
                                 "never end")
                       .WithLocation(definition.name_location)};
}

/// Defines functions depth first, so that each follows those it calls.
class Definer {
 public:
  Definer(const ProjectDefinition& project, const engine::Session& session,
          const FunctionRegistry& natives, Diagnostics& diagnostics)
      : session_(session), known_(natives), diagnostics_(diagnostics) {
    defined_.broken = project.broken_functions;
    for (const UserFunctionDefinition& function : project.functions)
      functions_[function.name] = &function;
  }

  UserFunctions Run() {
    for (const auto& [name, function] : functions_) Visit(*function);
    return std::move(defined_);
  }

 private:
  enum class State { kVisiting, kDone };

  void Visit(const UserFunctionDefinition& function) {
    if (!states_.emplace(function.name, State::kVisiting).second) return;
    path_.push_back(function.name);
    bool broken = false;
    for (const std::string& call : CallsOf(function, session_)) {
      if (const auto callee = functions_.find(call); callee != functions_.end()) {
        const auto state = states_.find(call);
        if (state != states_.end() && state->second == State::kVisiting) {
          ReportCircle(call);
          broken = true;
        } else {
          Visit(*callee->second);
        }
      }
      broken = broken || defined_.broken.contains(call);
    }
    path_.pop_back();
    states_[function.name] = State::kDone;
    if (broken) {
      defined_.broken.insert(function.name);
      return;
    }
    const auto problem = Define(function, session_, known_);
    if (problem) {
      Report(*problem, function);
    } else {
      defined_.declarations.push_back(DeclarationOf(function));
      known_ = known_.With({defined_.declarations.back()});
    }
  }

  void ReportCircle(const std::string& first) {
    std::string circle;
    const auto begin = std::find(path_.begin(), path_.end(), first);
    for (auto name = begin; name != path_.end(); ++name) {
      circle += *name + " → ";
      defined_.broken.insert(*name);
    }
    Report(CircleOf(circle + first, *functions_.at(first)), *functions_.at(first));
  }

  void Report(const Problem& problem, const UserFunctionDefinition& function) {
    defined_.broken.insert(function.name);
    const SourceLocation& otherwise =
        problem.code == "W2020" ? function.name_location : function.body_location;
    const Status placed = problem.status.location().file.empty()
                              ? Placed(problem.status, function, otherwise)
                              : problem.status;
    diagnostics_.Add(ToDiagnostic(problem.code, placed));
  }

  const engine::Session& session_;
  FunctionRegistry known_;
  Diagnostics& diagnostics_;
  std::map<std::string, const UserFunctionDefinition*> functions_;
  std::map<std::string, State> states_;
  std::vector<std::string> path_;
  UserFunctions defined_;
};

}  // namespace

FunctionRegistry NativeFunctionsFor(const ProfileSettings& profile) {
  const FunctionDefaults& defaults = profile.function_defaults;
  return NativeFunctions({.line_base = defaults.span_line_base,
                          .col_unit = defaults.span_col_unit,
                          .end_exclusive = defaults.span_end_exclusive});
}

FunctionDeclaration DeclarationOf(const UserFunctionDefinition& definition) {
  FunctionDeclaration declaration{
      .name = definition.name,
      .tags = {"user"},
      .description = fmt::format("User function: `{}`.", definition.body_text),
      .signature_kind = SignatureKind::kUserDefined,
      .result_type = definition.return_type,
      .null_handling = "That of its expression.",
      .expression = definition.body_text};
  for (const ParameterDefinition& parameter : definition.parameters) {
    FunctionArgument argument{
        .name = parameter.name, .type = parameter.sql_type, .description = "an argument"};
    if (!parameter.default_sql.empty()) argument.default_value = parameter.default_text;
    declaration.arguments.push_back(std::move(argument));
  }
  declaration.example = declaration.Syntax();
  return declaration;
}

UserFunctions DefineUserFunctions(const ProjectDefinition& project, const engine::Session& session,
                                  const FunctionRegistry& natives, Diagnostics& diagnostics) {
  return Definer(project, session, natives, diagnostics).Run();
}

Result<FunctionDeclaration> DefineUserFunction(const UserFunctionDefinition& definition,
                                               const engine::Session& session,
                                               const FunctionRegistry& known) {
  const std::vector<std::string> calls = CallsOf(definition, session);
  if (std::find(calls.begin(), calls.end(), definition.name) != calls.end())
    return CircleOf(fmt::format("{0} → {0}", definition.name), definition).status;
  if (const auto problem = Define(definition, session, known)) {
    return Placed(problem->status, definition, definition.body_location);
  }
  return DeclarationOf(definition);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/project/parameter_uses.h"

#include <algorithm>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"

namespace weir {

namespace {

/// The names before a `(`, in lower case, as calls of functions are found.
std::set<std::string> CallsIn(std::string_view text, const SqlDialect& dialect) {
  std::set<std::string> names;
  const std::vector<Token> tokens = Lex(text, dialect).tokens;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    const bool is_name =
        tokens[i].kind == TokenKind::kWord || tokens[i].kind == TokenKind::kQuotedIdentifier;
    if (is_name && tokens[i + 1].IsSymbol('('))
      names.insert(AsciiLowerCase(IdentifierName(tokens[i])));
  }
  return names;
}

const ProjectParameter* Find(const std::string& name,
                             const std::vector<ProjectParameter>& parameters) {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(),
                   [&](const ProjectParameter& parameter) { return parameter.name == name; });
  return found == parameters.end() ? nullptr : &*found;
}

std::string UnknownHint(const std::string& name, const std::vector<ProjectParameter>& parameters) {
  std::vector<std::string> names;
  names.reserve(parameters.size());
  for (const ProjectParameter& parameter : parameters) names.push_back(parameter.name);
  const std::string hint = SuggestionHint(name, names);
  return hint.empty() ? "weir.toml declares parameters under [parameters]" : hint;
}

}  // namespace

std::vector<ParameterUse> FindParameterUses(std::string_view text, const SqlDialect& dialect) {
  std::vector<ParameterUse> uses;
  if (text.find('$') == std::string_view::npos) return uses;
  const std::vector<Token> tokens = Lex(text, dialect).tokens;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    const Token &sign = tokens[i], &name = tokens[i + 1];
    const bool follows = sign.IsSymbol('$') && name.offset == sign.end();
    if (!follows || (name.kind != TokenKind::kWord && name.kind != TokenKind::kNumber)) continue;
    uses.push_back({.name = AsciiLowerCase(name.text),
                    .is_number = name.kind == TokenKind::kNumber,
                    .line = sign.line,
                    .column = sign.column});
  }
  return uses;
}

bool CheckParameterUses(const SqlFile& file, const std::vector<ProjectParameter>& parameters,
                        Diagnostics& diagnostics) {
  std::set<std::string> without_value;
  bool all_known = true;
  for (const ParameterUse& use : FindParameterUses(file.text, *file.dialect)) {
    const ProjectParameter* parameter = Find(use.name, parameters);
    if (parameter != nullptr && parameter->value) continue;
    // There `$` begins a name like any other.
    if (parameter == nullptr && file.dialect->dollar_names) continue;
    Diagnostic diagnostic{.code = "W1104", .message = {}};
    diagnostic.location = {file.path, use.line, use.column};
    if (use.is_number) {
      diagnostic.code = "W1106";
      diagnostic.message = fmt::format("a parameter with a name is wanted, found `${}`", use.name);
      diagnostic.hint = "declare one under [parameters] in weir.toml, and write `$name`";
    } else if (parameter == nullptr) {
      diagnostic.message = fmt::format("there is no parameter named `{}`", use.name);
      diagnostic.hint = UnknownHint(use.name, parameters);
    } else if (without_value.insert(use.name).second) {
      diagnostic.code = "W1105";
      diagnostic.message = fmt::format("the parameter `{}` has no value", use.name);
      diagnostic.hint = fmt::format("give it one: `--set {}=…`, or a default at {}", use.name,
                                    ToString(parameter->location));
    } else {
      continue;
    }
    all_known = false;
    diagnostics.Add(std::move(diagnostic));
  }
  return all_known;
}

FunctionParameters::FunctionParameters(const std::vector<UserFunctionDefinition>& functions) {
  std::map<std::string, std::set<std::string>> calls;
  for (const UserFunctionDefinition& function : functions) {
    const SqlDialect* dialect = FindDialect(function.dialect);
    if (dialect == nullptr) continue;
    for (const ParameterUse& use : FindParameterUses(function.definition_sql, *dialect))
      parameters_[function.name].insert(use.name);
    calls[function.name] = CallsIn(function.definition_sql, *dialect);
  }
  for (bool again = !parameters_.empty(); again;) {
    again = false;
    for (const auto& [function, called] : calls) {
      for (const std::string& name : called) {
        const auto found = parameters_.find(name);
        if (found == parameters_.end() || name == function) continue;
        const std::set<std::string> more = found->second;
        std::set<std::string>& own = parameters_[function];
        const size_t before = own.size();
        own.insert(more.begin(), more.end());
        again = again || own.size() > before;
      }
    }
  }
}

std::set<std::string> FunctionParameters::CalledIn(std::string_view text,
                                                   const SqlDialect& dialect) const {
  std::set<std::string> parameters;
  if (parameters_.empty()) return parameters;
  for (const std::string& name : CallsIn(text, dialect)) {
    const auto found = parameters_.find(name);
    if (found != parameters_.end()) parameters.insert(found->second.begin(), found->second.end());
  }
  return parameters;
}

}  // namespace weir

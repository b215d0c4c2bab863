// SPDX-License-Identifier: Apache-2.0
//
// Writes the C++ builders of the native functions from their declarations, when Weir is built:
// `generate_expr_functions HEADER TABLE`. HEADER is what programs include; TABLE lists the builders
// for the test that compares them with the registry.

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "weir/functions/function_registry.h"

namespace weir {

namespace {

/// A parameter's name in C++, where some words are taken.
std::string CppName(const std::string& name) {
  static constexpr std::array<std::string_view, 20> kTaken = {
      "auto",   "bool",   "case",   "char",     "class",    "const", "default",
      "delete", "double", "enum",   "explicit", "export",   "float", "int",
      "long",   "new",    "struct", "switch",   "template", "union"};
  return std::find(kTaken.begin(), kTaken.end(), name) == kTaken.end() ? name : name + "_";
}

/// "SpanMakeOptions" of span_make.
std::string OptionsName(const std::string& function) {
  std::string name;
  bool begins = true;
  for (const char c : function) {
    if (c != '_')
      name += begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    begins = c == '_';
  }
  return name + "Options";
}

/// Comment lines of at most 100 columns.
std::string Comment(const std::string& text, const std::string& indent = {},
                    const std::string& hanging = {}) {
  std::string lines, line = indent + "///";
  size_t words = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (words > 0 && line.size() + 1 + word.size() > 100) {
      lines += line + "\n";
      line = indent + "/// " + hanging;
      line.pop_back();
    }
    line += " " + word;
    ++words;
    at = end + 1;
  }
  return lines + line + "\n";
}

std::string ArgumentComment(const FunctionArgument& argument, const std::string& indent) {
  const std::string left_out = argument.default_value
                                   ? fmt::format(", {} if left out", *argument.default_value)
                               : argument.optional ? ", may be left out"
                                                   : "";
  return fmt::format("({}{}) {}", argument.type, left_out, argument.description) +
         (indent.empty() ? "" : "");
}

struct Parameters {
  std::vector<FunctionArgument> required;
  std::vector<FunctionArgument> options;
};

Parameters ParametersOf(const FunctionDeclaration& declaration) {
  Parameters parameters;
  for (const FunctionArgument& argument : declaration.arguments)
    (argument.MayBeOmitted() ? parameters.options : parameters.required).push_back(argument);
  return parameters;
}

std::string Documentation(const FunctionDeclaration& declaration) {
  std::string text = Comment(declaration.description);
  text += Comment("Result: " + declaration.result_type + ". " + declaration.null_handling);
  for (const FunctionArgument& argument : ParametersOf(declaration).required)
    text += Comment(CppName(argument.name) + ": " + ArgumentComment(argument, ""), "", "    ");
  return text + Comment("In SQL: " + declaration.example);
}

std::string OptionsStruct(const FunctionDeclaration& declaration, const Parameters& parameters) {
  std::string text = Comment("What may be left out of " + declaration.name + ", by name.");
  text += fmt::format("struct {} {{\n", OptionsName(declaration.name));
  for (const FunctionArgument& argument : parameters.options) {
    text += Comment(ArgumentComment(argument, "  "), "  ");
    text += fmt::format("  Expr {} = omitted();\n", CppName(argument.name));
  }
  return text + "};\n\n";
}

std::string CallWord(const FunctionDeclaration& declaration) {
  return declaration.kind == FunctionKind::kScalar ? "call" : "aggregate";
}

/// The function under one of its names.
std::string Builder(const FunctionDeclaration& declaration, const std::string& name) {
  const Parameters parameters = ParametersOf(declaration);
  std::string list, values;
  const auto add = [](std::string& text, const std::string& more) {
    text += (text.empty() ? "" : ", ") + more;
  };
  if (declaration.variadic) {
    // The last argument may be repeated: as many C++ arguments, or a vector of them.
    const std::string last = CppName(declaration.arguments.back().name);
    for (size_t i = 0; i + 1 < declaration.arguments.size(); ++i) {
      const std::string argument = CppName(declaration.arguments[i].name);
      add(list, "Expr " + argument);
      add(values, "std::move(" + argument + ")");
    }
    std::string text = fmt::format(
        "inline Expr {0}({1}, std::vector<Expr> {2}) {{\n"
        "  {2}.insert({2}.begin(), {{{3}}});\n"
        "  return {4}(\"{0}\", {2});\n}}\n",
        name, list, last, values, CallWord(declaration));
    return text + fmt::format(
                      "template <typename... More>\n"
                      "requires(std::convertible_to<More, Expr>&&...)\n"
                      "Expr {0}({1}, Expr {2}, More&&... more) {{\n"
                      "  return {0}({3}, std::vector<Expr>{{std::move({2}), "
                      "Expr(std::forward<More>(more))...}});\n}}\n",
                      name, list, last, values);
  }
  for (const FunctionArgument& argument : parameters.required) {
    add(list, "Expr " + CppName(argument.name));
    add(values, "std::move(" + CppName(argument.name) + ")");
  }
  if (!parameters.options.empty()) {
    add(list, fmt::format("const {}& options = {{}}", OptionsName(declaration.name)));
    for (const FunctionArgument& argument : parameters.options)
      add(values, "options." + CppName(argument.name));
  }
  return fmt::format(
      "inline Expr {0}({1}) {{\n  return {2}(\"{0}\", std::vector<Expr>{{{3}}});\n}}\n", name, list,
      CallWord(declaration), values);
}

/// Required parameters come first in a declaration, so that options follow in C++ too.
bool OptionsComeLast(const FunctionDeclaration& declaration) {
  return std::is_partitioned(declaration.arguments.begin(), declaration.arguments.end(),
                             [](const FunctionArgument& a) { return !a.MayBeOmitted(); });
}

constexpr char kBegin[] =
    "// SPDX-License-Identifier: Apache-2.0\n//\n// {}\n"
    "// Written from the functions' declarations when Weir is built: do not edit.\n\n#pragma "
    "once\n\n";

std::string Header(const std::vector<const FunctionDeclaration*>& declarations) {
  std::string text = fmt::format(kBegin, "A C++ function for every native function: its builder.");
  text +=
      "#include <concepts>\n#include <utility>\n#include <vector>\n\n"
      "#include \"weir/expr/expression_builder.h\"\n\nnamespace weir::expr {\n\n";
  for (const FunctionDeclaration* declaration : declarations) {
    const Parameters parameters = ParametersOf(*declaration);
    if (!parameters.options.empty()) text += OptionsStruct(*declaration, parameters);
    text += Documentation(*declaration) + Builder(*declaration, declaration->name) + "\n";
    for (const std::string& alias : declaration->aliases)
      text += Comment("Another name of " + declaration->name + ".") + Builder(*declaration, alias) +
              "\n";
  }
  return text + "}  // namespace weir::expr\n";
}

/// A line of the table: the builder called with a vector of arguments.
std::string TableLine(const FunctionDeclaration& declaration, const std::string& name) {
  const Parameters parameters = ParametersOf(declaration);
  std::string names, values;
  for (const FunctionArgument& argument : declaration.arguments)
    names += (names.empty() ? "\"" : ", \"") + argument.name + "\"";
  if (declaration.variadic) {
    const size_t fixed = declaration.arguments.size() - 1;
    for (size_t i = 0; i < fixed; ++i) values += fmt::format("At(a, {}), ", i);
    values += fmt::format("std::vector<Expr>(a.begin() + {}, a.end())", fixed);
  } else {
    size_t index = 0;
    for (; index < parameters.required.size(); ++index)
      values += fmt::format("{}At(a, {})", index == 0 ? "" : ", ", index);
    std::string options;
    for (const FunctionArgument& argument : parameters.options) {
      options += fmt::format("{}.{} = At(a, {})", options.empty() ? "" : ", ",
                             CppName(argument.name), index++);
    }
    if (!options.empty())
      values += fmt::format(", {}{{{}}}", OptionsName(declaration.name), options);
  }
  return fmt::format(
      "      {{\"{0}\", {{{1}}}, [](const std::vector<Expr>& a) {{ return {0}({2}); }}}},\n", name,
      names, values);
}

std::string Table(const std::vector<const FunctionDeclaration*>& declarations) {
  std::string text = fmt::format(kBegin, "The builders as a table, for tests.");
  text +=
      "#include <functional>\n#include <string>\n#include <vector>\n\n"
      "#include \"weir/expr_functions.h\"\n\nnamespace weir::expr {\n\n"
      "struct NativeBuilder {\n  std::string name;\n  std::vector<std::string> parameters;\n"
      "  std::function<Expr(const std::vector<Expr>&)> call;\n};\n\n"
      "inline Expr At(const std::vector<Expr>& arguments, size_t index) {\n"
      "  return index < arguments.size() ? arguments[index] : omitted();\n}\n\n"
      "inline std::vector<NativeBuilder> NativeBuilders() {\n  return {\n";
  for (const FunctionDeclaration* declaration : declarations) {
    text += TableLine(*declaration, declaration->name);
    for (const std::string& alias : declaration->aliases) text += TableLine(*declaration, alias);
  }
  return text + "  };\n}\n\n}  // namespace weir::expr\n";
}

bool Write(const char* path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) std::cerr << path << ": cannot be written\n";
  return static_cast<bool>(file);
}

int Generate(const char* header, const char* table) {
  const FunctionRegistry registry = NativeFunctions();
  std::vector<const FunctionDeclaration*> declarations = registry.Declarations();
  // What stands in FROM is no expression.
  std::erase_if(declarations, [](const auto* d) { return d->kind == FunctionKind::kTable; });
  for (const FunctionDeclaration* declaration : declarations) {
    if (OptionsComeLast(*declaration)) continue;
    std::cerr << declaration->name
              << ": a parameter that may be omitted stands before one that may not\n";
    return 1;
  }
  return Write(header, Header(declarations)) && Write(table, Table(declarations)) ? 0 : 1;
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
  if (argc == 3) return weir::Generate(argv[1], argv[2]);
  std::cerr << "usage: generate_expr_functions HEADER TABLE\n";
  return 2;
}

// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/function_registry.h"

#include <algorithm>
#include <cctype>

#include <arrow/type.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"
#include "weir/functions/function_sets.h"

namespace weir {
namespace {

const FunctionDeclaration& DeclarationOf(const FunctionDeclaration& declaration) {
  return declaration;
}
template <typename Function>
const FunctionDeclaration& DeclarationOf(const Function& function) {
  return function.declaration();
}

template <typename Function>
void SortByName(std::vector<std::shared_ptr<const Function>>* functions) {
  std::sort(functions->begin(), functions->end(), [](const auto& left, const auto& right) {
    return DeclarationOf(*left).name < DeclarationOf(*right).name;
  });
}

std::string ToLower(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

nlohmann::json ToJson(const FunctionDeclaration& declaration) {
  nlohmann::json signatures = nlohmann::json::array();
  for (const FunctionSignature& signature : declaration.signatures) {
    nlohmann::json types = nlohmann::json::array();
    for (const auto& type : signature) types.push_back(type->ToString());
    signatures.push_back(std::move(types));
  }
  nlohmann::json parameters = nlohmann::json::array();
  for (const FunctionArgument& argument : declaration.arguments) {
    parameters.push_back(argument.default_value ? argument.name + " => " + *argument.default_value
                                                : argument.name);
  }
  nlohmann::json json = {
      {"name", declaration.name},
      {"aliases", declaration.aliases},
      {"kind", ToString(declaration.kind)},
      {"semantic_version", declaration.semantic_version},
      {"volatility", ToString(declaration.volatility)},
      {"tags", declaration.tags},
      {"parameters", std::move(parameters)},
      {"variadic", declaration.variadic},
      {"user_defined", declaration.signature_kind == SignatureKind::kUserDefined},
      {"signatures", std::move(signatures)}};
  if (!declaration.expression.empty()) json["expression"] = declaration.expression;
  return json;
}

}  // namespace

Result<FunctionRegistry> FunctionRegistry::Make(
    std::vector<std::shared_ptr<const ScalarFunction>> scalars,
    std::vector<std::shared_ptr<const AggregateFunction>> aggregates,
    std::vector<std::shared_ptr<const FunctionDeclaration>> tables) {
  FunctionRegistry registry;
  SortByName(&scalars);
  SortByName(&aggregates);
  SortByName(&tables);
  registry.scalars_ = std::move(scalars);
  registry.aggregates_ = std::move(aggregates);
  registry.tables_ = std::move(tables);
  for (const FunctionDeclaration* declaration : registry.Declarations()) {
    std::vector<std::string> names = declaration->aliases;
    names.push_back(declaration->name);
    for (const std::string& name : names) {
      if (!registry.by_name_.emplace(ToLower(name), declaration).second) {
        return Status::User(StatusCode::kAlreadyExists, "two functions have the name `{}`", name);
      }
    }
  }
  return registry;
}

FunctionRegistry FunctionRegistry::With(
    const std::vector<FunctionDeclaration>& user_functions) const {
  FunctionRegistry registry = *this;
  for (const FunctionDeclaration& function : user_functions) {
    std::erase_if(registry.user_functions_,
                  [&](const auto& known) { return known->name == function.name; });
    registry.user_functions_.push_back(std::make_shared<const FunctionDeclaration>(function));
    registry.by_name_[function.name] = registry.user_functions_.back().get();
  }
  std::sort(registry.user_functions_.begin(), registry.user_functions_.end(),
            [](const auto& left, const auto& right) { return left->name < right->name; });
  return registry;
}

Fingerprint FunctionRegistry::UdfSnapshotHash() const {
  return FingerprintBuilder().Add("functions", RegistryJson()).Finish();
}

std::vector<const FunctionDeclaration*> FunctionRegistry::Declarations() const& {
  std::vector<const FunctionDeclaration*> declarations;
  for (const auto& function : user_functions_) declarations.push_back(function.get());
  for (const auto& function : scalars_) declarations.push_back(&function->declaration());
  for (const auto& function : aggregates_) declarations.push_back(&function->declaration());
  for (const auto& declaration : tables_) declarations.push_back(declaration.get());
  std::stable_sort(declarations.begin(), declarations.end(),
                   [](auto* left, auto* right) { return left->name < right->name; });
  return declarations;
}

const FunctionDeclaration* FunctionRegistry::Find(std::string_view name) const {
  const auto found = by_name_.find(ToLower(name));
  return found == by_name_.end() ? nullptr : found->second;
}

std::string FunctionRegistry::RegistryJson() const {
  nlohmann::json all = nlohmann::json::array();
  for (const FunctionDeclaration* declaration : Declarations()) all.push_back(ToJson(*declaration));
  return JsonText(all);
}

FunctionRegistry NativeFunctions(const SpanDefaults& span_defaults) {
  std::vector<std::shared_ptr<const ScalarFunction>> scalars;
  std::vector<std::shared_ptr<const AggregateFunction>> aggregates;
  std::vector<std::shared_ptr<const FunctionDeclaration>> tables;
  AddIdentityFunctions(&scalars);
  AddSpanFunctions(span_defaults, &scalars);
  AddPositionFunctions(&scalars);
  AddTextFunctions(&scalars);
  AddListFunctions(&scalars);
  AddMapFunctions(&scalars);
  AddChangeDataFunctions(&scalars);
  AddCountIf(&aggregates);
  AddCollectSet(&aggregates);
  AddArgExtremes(&aggregates);
  AddExactSums(&aggregates);
  AddExactMoments(&aggregates);
  AddTableFunctions(&tables);
  Result<FunctionRegistry> registry =
      FunctionRegistry::Make(std::move(scalars), std::move(aggregates), std::move(tables));
  WEIR_CHECK(registry.ok());
  return *std::move(registry);
}

}  // namespace weir

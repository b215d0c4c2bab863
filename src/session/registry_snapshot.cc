// SPDX-License-Identifier: Apache-2.0

#include "weir/session/registry_snapshot.h"

#include <map>

#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"

namespace weir {

namespace {

/// Of a user function: what a call of it means.
std::string VersionOf(const FunctionDeclaration& function) {
  FingerprintBuilder builder;
  for (const FunctionArgument& argument : function.arguments) {
    builder.Add("argument", argument.name).Add("type", argument.type);
    builder.Add("default", argument.default_value.value_or(""));
  }
  return builder.Add("result", function.result_type)
      .Add("expression", function.expression)
      .Finish()
      .ToString();
}

}  // namespace

Result<RegistrySnapshot> RegistrySnapshot::Take(const engine::Session& session,
                                                const FunctionRegistry& native) {
  WEIR_ASSIGN_OR_RETURN(auto listed, session.ListFunctions());
  const std::string release = engine::EngineVersions().at("datafusion");
  RegistrySnapshot snapshot;
  for (engine::EngineFunction& function : listed) {
    RegisteredFunction registered{.name = std::move(function.name),
                                  .kind = std::move(function.kind),
                                  .origin = "datafusion",
                                  .version = "datafusion:" + release,
                                  .aliases = std::move(function.aliases),
                                  .signatures = std::move(function.signatures),
                                  .volatility = std::move(function.volatility),
                                  .tags = {}};
    const FunctionDeclaration* declaration = native.Find(registered.name);
    const bool is_user = declaration != nullptr && !declaration->expression.empty();
    if (is_user) {
      registered.origin = "user";
      registered.version = "user:" + VersionOf(*declaration);
      registered.tags = declaration->tags;
    } else if (declaration != nullptr && ToString(declaration->kind) == registered.kind) {
      registered.origin = "native";
      registered.version = fmt::format("native:{}", declaration->semantic_version);
      registered.tags = declaration->tags;
    }
    snapshot.functions_.push_back(std::move(registered));
  }
  snapshot.hash_ = FingerprintBuilder().Add("registry", snapshot.ToJson()).Finish();
  return snapshot;
}

std::string RegistrySnapshot::ToJson() const {
  nlohmann::json functions = nlohmann::json::array();
  std::map<std::string, std::vector<std::string>> tags;
  for (const RegisteredFunction& function : functions_) {
    functions.push_back({{"name", function.name},
                         {"kind", function.kind},
                         {"version", function.version},
                         {"aliases", function.aliases},
                         {"signatures", function.signatures},
                         {"volatility", function.volatility}});
    for (const std::string& tag : function.tags) tags[tag].push_back(function.name);
  }
  return JsonText(nlohmann::json{{"functions", std::move(functions)}, {"tags", tags}});
}

}  // namespace weir

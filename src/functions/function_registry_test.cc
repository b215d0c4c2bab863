// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/function_registry.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "weir/functions/function_testing.h"

namespace weir {
namespace {

TEST(FunctionRegistry, EveryFunctionIsDocumented) {
  const FunctionRegistry registry = NativeFunctions();
  for (const FunctionDeclaration* declaration : registry.Declarations()) {
    SCOPED_TRACE(declaration->name);
    EXPECT_FALSE(declaration->description.empty());
    EXPECT_FALSE(declaration->null_handling.empty());
    EXPECT_FALSE(declaration->result_type.empty());
    EXPECT_EQ(declaration->example.rfind(declaration->name + "(", 0), 0u);
    EXPECT_EQ(declaration->arguments.empty(), declaration->result_type == "rows" &&
                                                  declaration->example == declaration->name + "()");
    for (const FunctionArgument& argument : declaration->arguments) {
      EXPECT_FALSE(argument.type.empty()) << argument.name;
      EXPECT_FALSE(argument.description.empty()) << argument.name;
    }
    EXPECT_TRUE(declaration->columns.empty() || declaration->kind == FunctionKind::kTable);
    EXPECT_FALSE(declaration->signatures.empty());
    EXPECT_GE(declaration->semantic_version, 1);
    EXPECT_TRUE(std::is_sorted(declaration->tags.begin(), declaration->tags.end()));
    EXPECT_FALSE(declaration->tags.empty());
    for (const FunctionSignature& signature : declaration->signatures) {
      EXPECT_TRUE(declaration->variadic || signature.size() <= declaration->arguments.size());
    }
  }
}

TEST(FunctionColumn, SaysItsTypeToReaders) {
  const FunctionRegistry registry = NativeFunctions();
  const auto words = [&](const std::string& function) {
    std::string said;
    for (const FunctionColumn& column : registry.Find(function)->columns)
      said += fmt::format("{} {}, ", column.name(), column.TypeWords());
    return said;
  };
  EXPECT_EQ(words("delta_files"),
            "path text, size_bytes int64, modified_at timestamp, partition_values map of text, "
            "rows int64, deleted_rows int64, min_values map of text, max_values map of text, "
            "null_counts map of int64, ");
  EXPECT_EQ(words("udf_docs"),
            "name text, aliases list of text, kind text, syntax text, result text, description "
            "text, arguments list of struct, null_handling text, example text, tags list of text, "
            "semantic_version int32, ");
}

TEST(FunctionRegistry, FindsNamesAndAliasesInAnyCase) {
  const FunctionRegistry registry = NativeFunctions();
  ASSERT_NE(registry.Find("ARG_MIN"), nullptr);
  EXPECT_EQ(registry.Find("ARG_MIN"), registry.Find("any_value_det"));
  EXPECT_EQ(registry.Find("nothing"), nullptr);
}

TEST(FunctionRegistry, JsonIsOrderedAndHashed) {
  const FunctionRegistry registry = NativeFunctions();
  const auto json = nlohmann::json::parse(registry.RegistryJson());
  ASSERT_EQ(json.size(), registry.Declarations().size());
  for (size_t i = 1; i < json.size(); ++i) EXPECT_LT(json[i - 1]["name"], json[i]["name"]);
  EXPECT_EQ(registry.UdfSnapshotHash(), NativeFunctions().UdfSnapshotHash());
  auto fewer = FunctionRegistry::Make(registry.scalars(), {});
  ASSERT_TRUE(fewer.ok());
  EXPECT_NE(fewer->UdfSnapshotHash(), registry.UdfSnapshotHash());
}

TEST(FunctionRegistry, RefusesANameTwice) {
  const FunctionRegistry registry = NativeFunctions();
  auto twice = registry.scalars();
  twice.push_back(twice.front());
  EXPECT_EQ(FunctionRegistry::Make(twice, {}).status().code(), StatusCode::kAlreadyExists);
}

TEST(FunctionRegistry, TableFunctionsAreStableAndFoundByName) {
  const FunctionRegistry registry = NativeFunctions();
  ASSERT_EQ(registry.tables().size(), 13U);
  for (const auto& declaration : registry.tables()) {
    EXPECT_EQ(declaration->kind, FunctionKind::kTable);
    EXPECT_EQ(declaration->volatility, Volatility::kStable);
    EXPECT_EQ(registry.Find(declaration->name), declaration.get());
  }
  EXPECT_EQ(registry.Find("delta_cdf")->Syntax(), "delta_cdf(table[, start[, end]])");
  EXPECT_EQ(ToString(FunctionKind::kTable), "table");
  EXPECT_EQ(ToString(Volatility::kStable), "stable");
}

TEST(FunctionRegistry, UserFunctionsAreListedAndHashedWithTheOthers) {
  const FunctionRegistry natives = NativeFunctions();
  FunctionDeclaration twice{.name = "twice", .expression = "x + x"};
  twice.arguments = {{"x", "DOUBLE", "an argument"}};
  const FunctionRegistry both = natives.With({twice});
  ASSERT_NE(both.Find("TWICE"), nullptr);
  EXPECT_EQ(both.Find("TWICE")->expression, "x + x");
  EXPECT_EQ(both.Declarations().size(), natives.Declarations().size() + 1);
  EXPECT_EQ(natives.Find("twice"), nullptr);
  EXPECT_NE(both.UdfSnapshotHash(), natives.UdfSnapshotHash());

  twice.expression = "2 * x";
  const FunctionRegistry replaced = both.With({twice});
  EXPECT_EQ(replaced.Find("twice")->expression, "2 * x");
  EXPECT_EQ(replaced.Declarations().size(), both.Declarations().size());
  EXPECT_NE(replaced.UdfSnapshotHash(), both.UdfSnapshotHash());
  EXPECT_EQ(replaced.With({*both.Find("twice")}).UdfSnapshotHash(), both.UdfSnapshotHash());
}

TEST(FunctionRegistry, DefaultsOfSpansAreTheSessions) {
  const auto arguments = [](const FunctionRegistry& registry) {
    return registry.Find("span_make")->arguments;
  };
  const auto set = arguments(NativeFunctions({.line_base = 1, .col_unit = "utf16"}));
  EXPECT_EQ(set[2].default_value, "1");
  EXPECT_TRUE(set[2].session_default);
  EXPECT_EQ(set[3].default_value, "'utf16'");
  EXPECT_TRUE(set[3].session_default);
  EXPECT_FALSE(set[4].session_default);
  // What is declared anyway changes no plan.
  const auto same =
      arguments(NativeFunctions({.line_base = 0, .col_unit = "byte", .end_exclusive = true}));
  for (const FunctionArgument& argument : same) EXPECT_FALSE(argument.session_default);
}

TEST(FunctionDeclaration, SyntaxShowsWhatMayBeOmitted) {
  const FunctionRegistry registry = NativeFunctions();
  EXPECT_EQ(registry.Find("span_make")->Syntax(),
            "span_make(bstart, bend[, line_base[, col_unit[, end_exclusive]]])");
  EXPECT_EQ(registry.Find("stable_id_parts")->Syntax(), "stable_id_parts(prefix, part, …)");
  EXPECT_TRUE(registry.Find("stable_id_parts")->ParameterNames().empty());
}

}  // namespace
}  // namespace weir

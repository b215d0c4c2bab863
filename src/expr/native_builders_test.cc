// SPDX-License-Identifier: Apache-2.0
//
// The generated builders and the registry agree: each function has one under each of its names,
// with its parameters, and called with the arguments of its example it is the call that SQL makes.

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "weir/expr/shop_testing.h"
#include "weir/expr_function_table.h"

namespace weir::expr {
namespace {

using testing_expr::OpenShop;
using testing_expr::OptimizedBytes;
using testing_expr::RowsOf;

const FunctionRegistry& Registry() {
  static const auto* const kRegistry = new FunctionRegistry(NativeFunctions());
  return *kRegistry;
}

/// Those that an expression can call.
std::vector<const FunctionDeclaration*> Declarations() {
  std::vector<const FunctionDeclaration*> declarations = Registry().Declarations();
  std::erase_if(declarations, [](const auto* d) { return d->kind == FunctionKind::kTable; });
  return declarations;
}

TEST(NativeBuilders, EveryFunctionHasOneUnderEveryName) {
  std::map<std::string, const NativeBuilder*> builders;
  const std::vector<NativeBuilder> all = NativeBuilders();
  for (const NativeBuilder& builder : all) {
    EXPECT_TRUE(builders.emplace(builder.name, &builder).second) << builder.name;
  }
  size_t names = 0;
  for (const FunctionDeclaration* declaration : Declarations()) {
    std::vector<std::string> parameters;
    for (const FunctionArgument& argument : declaration->arguments)
      parameters.push_back(argument.name);
    std::vector<std::string> called = declaration->aliases;
    called.push_back(declaration->name);
    for (const std::string& name : called) {
      ++names;
      ASSERT_TRUE(builders.contains(name)) << name;
      EXPECT_EQ(builders.at(name)->parameters, parameters) << name;
    }
  }
  EXPECT_EQ(builders.size(), names);
}

/// The header as a program sees it: what stands in parentheses after the name, or the fields of the
/// options.
TEST(NativeBuilders, TheHeaderHasTheParametersByTheirNames) {
  std::ifstream file(WEIR_EXPR_FUNCTIONS_HEADER);
  std::stringstream text;
  text << file.rdbuf();
  const std::string header = text.str();
  ASSERT_FALSE(header.empty()) << WEIR_EXPR_FUNCTIONS_HEADER;
  for (const FunctionDeclaration* declaration : Declarations()) {
    const size_t at = header.find("inline Expr " + declaration->name + "(");
    ASSERT_NE(at, std::string::npos) << declaration->name;
    const std::string parameters = header.substr(at, header.find(')', at) - at);
    std::string options;
    const size_t begin = header.rfind("\nstruct ", at);
    const std::string& of = "What may be left out of " + declaration->name + ",";
    if (header.find(of) != std::string::npos) options = header.substr(begin, at - begin);
    for (const FunctionArgument& argument : declaration->arguments) {
      const std::string& place = argument.MayBeOmitted() ? options : parameters;
      EXPECT_NE(place.find(" " + argument.name), std::string::npos)
          << declaration->name << ": " << argument.name << " in\n"
          << place;
    }
    EXPECT_NE(header.find("/// In SQL: "), std::string::npos);
  }
}

/// A table of one row that has every column named in examples.
constexpr char kExampleTable[] =
    "SELECT 'insert' AS _change_type, 'UA' AS carrier, TIMESTAMP '2013-01-01 00:00:00' AS "
    "time_hour, 16 AS arr_delay, 12.5 AS dep_delay, 700.0 AS distance";

/// Columns by their bare names, as a program names them.
Expression Bare(Expression e) {
  e.relation.reset();
  for (Expression& input : e.inputs) input = Bare(std::move(input));
  return e;
}

/// The example's call as SQL plans it.
std::optional<Expression> ExampleOf(const engine::Session& session,
                                    const FunctionDeclaration& declaration) {
  std::optional<Expression> example;
  const auto plan = engine::Plan::FromSql(
      session, fmt::format("SELECT {} AS result FROM examples", declaration.example));
  EXPECT_TRUE(plan.ok()) << declaration.example << ": " << plan.status().ToString();
  if (!plan.ok()) return example;
  const auto decoded = DecodePlan(*plan->ToProto(), *plan->Outputs());
  EXPECT_TRUE(decoded.ok()) << decoded.status().ToString();
  if (!decoded.ok()) return example;
  VisitPlan(**decoded, [&](const LogicalPlan& node) {
    for (const Expression& e : node.expressions) {
      VisitExpression(e, [&](const Expression& part) {
        const bool is_call = part.kind == ExpressionKind::kScalarFunction ||
                             part.kind == ExpressionKind::kAggregateFunction;
        if (is_call && part.name == declaration.name && !example) example = part;
      });
    }
  });
  return example;
}

TEST(NativeBuilders, CalledByTheirExamplesTheyMakeTheCallThatSqlMakes) {
  const engine::Session session = OpenShop();
  const auto table = engine::Plan::FromSql(session, kExampleTable);
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  ASSERT_TRUE(session.RegisterView("examples", *table).ok());
  std::map<std::string, NativeBuilder> builders;
  for (NativeBuilder& builder : NativeBuilders()) builders.emplace(builder.name, builder);
  for (const FunctionDeclaration* declaration : Declarations()) {
    SCOPED_TRACE(declaration->example);
    const auto example = ExampleOf(session, *declaration);
    if (!example) {
      ADD_FAILURE() << declaration->name << ": its example does not call it";
      continue;
    }
    std::vector<Expr> arguments;
    for (const Expression& input : example->inputs) arguments.emplace_back(Bare(input));
    const Expr called = builders.at(declaration->name).call(arguments);
    ASSERT_TRUE(called.status().ok()) << called.status().ToString();
    EXPECT_EQ(called.tree().kind, example->kind);
    const ViewBuilder from = ViewBuilder::From("examples");
    const auto built =
        (declaration->kind == FunctionKind::kScalar ? from.Select({called.As("result")})
                                                    : from.Aggregate({}, {called.As("result")}))
            .Build(session);
    ASSERT_TRUE(built.ok()) << built.status().ToString();
    const auto sql = engine::Plan::FromSql(
        session, fmt::format("SELECT {} AS result FROM examples", declaration->example));
    EXPECT_EQ(*OptimizedBytes(session, built), *OptimizedBytes(session, sql));
    EXPECT_EQ(RowsOf(session, built), RowsOf(session, sql));
    EXPECT_EQ(RowsOf(session, built).size(), 2U);
  }
}

}  // namespace
}  // namespace weir::expr

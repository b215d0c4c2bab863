// SPDX-License-Identifier: Apache-2.0

#include "weir/expr/call_arguments.h"

#include <algorithm>

#include <arrow/util/value_parsing.h>

#include "weir/expr/column_scope.h"

namespace weir::expr {

Result<Expression> DefaultValue(const std::string& sql) {
  if (sql == "true" || sql == "TRUE") return Expr(true).tree();
  if (sql == "false" || sql == "FALSE") return Expr(false).tree();
  if (sql == "null" || sql == "NULL") return null().tree();
  if (sql.size() >= 2 && sql.front() == '\'' && sql.back() == '\'') {
    std::string text;
    for (size_t i = 1; i + 1 < sql.size(); ++i) {
      text += sql[i];
      if (sql[i] == '\'') ++i;  // written twice
    }
    return Expr(text).tree();
  }
  int64_t whole = 0;
  if (arrow::internal::ParseValue<arrow::Int64Type>(sql.data(), sql.size(), &whole))
    return Expr(whole).tree();
  double number = 0;
  if (arrow::internal::ParseValue<arrow::DoubleType>(sql.data(), sql.size(), &number))
    return Expr(number).tree();
  return Status::User(StatusCode::kUnsupported,
                      "an argument is left out whose default is no literal: `{}`", sql)
      .WithHint("give the argument");
}

namespace {

bool IsOmitted(const Expression& e) {
  static const Expression kOmittedArgument = omitted().tree();
  return e == kOmittedArgument;
}

/// How many arguments a plan holds at least: settings of the session, and what user functions
/// declare, must be in it. Those without a default are missed by the engine.
size_t WrittenArguments(const FunctionDeclaration& declaration) {
  size_t count = 0;
  for (size_t i = 0; i < declaration.arguments.size(); ++i) {
    const FunctionArgument& argument = declaration.arguments[i];
    const bool is_written = argument.session_default || !declaration.expression.empty();
    if (is_written && argument.default_value) count = i + 1;
  }
  return count;
}

Status FillOmitted(Expression& call, const FunctionRegistry& functions) {
  while (!call.inputs.empty() && IsOmitted(call.inputs.back())) call.inputs.pop_back();
  const FunctionDeclaration* declaration = functions.Find(call.name);
  if (declaration != nullptr && !declaration->variadic) {
    const size_t wanted = std::max(call.inputs.size(), WrittenArguments(*declaration));
    call.inputs.resize(wanted, omitted().tree());
  }
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (!IsOmitted(call.inputs[i])) continue;
    if (declaration == nullptr || i >= declaration->arguments.size()) {
      return Status::User(StatusCode::kPlanFailed,
                          "argument {} of `{}` is left out, which has no default", i + 1,
                          call.name);
    }
    const FunctionArgument& argument = declaration->arguments[i];
    if (!argument.default_value) {
      return Status::User(
          StatusCode::kPlanFailed,
          "the argument `{}` of `{}` is left out before another, and has no default", argument.name,
          declaration->Syntax());
    }
    WEIR_ASSIGN_OR_RETURN(call.inputs[i], DefaultValue(*argument.default_value));
  }
  return Status::OK();
}

}  // namespace

Result<Expression> WithArguments(Expression e, const FunctionRegistry& functions) {
  const bool is_call = e.kind == ExpressionKind::kScalarFunction ||
                       e.kind == ExpressionKind::kAggregateFunction ||
                       e.kind == ExpressionKind::kWindowFunction;
  if (is_call) WEIR_RETURN_NOT_OK(FillOmitted(e, functions));
  WEIR_RETURN_NOT_OK(ForEachPart(e, [&](Expression& part) -> Status {
    WEIR_ASSIGN_OR_RETURN(part, WithArguments(std::move(part), functions));
    return Status::OK();
  }));
  return e;
}

Result<Expr> WithArguments(const Expr& e, const FunctionRegistry& functions) {
  WEIR_RETURN_NOT_OK(e.status());
  WEIR_ASSIGN_OR_RETURN(Expression tree, WithArguments(e.tree(), functions));
  return Expr(std::move(tree));
}

}  // namespace weir::expr

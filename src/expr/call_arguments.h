// SPDX-License-Identifier: Apache-2.0
//
// Arguments that a call leaves out. Private to the room.

#pragma once

#include "weir/base/result.h"
#include "weir/expr/expression_builder.h"
#include "weir/functions/function_registry.h"

namespace weir::expr {

/// Completes the calls in an expression. Arguments at the end that are `omitted()` are removed;
/// those before others become the defaults that `functions` declares. Fails where an argument
/// without a default is left out.
Result<Expression> WithArguments(Expression e, const FunctionRegistry& functions);
/// The same for what a program has written.
Result<Expr> WithArguments(const Expr& e, const FunctionRegistry& functions);

/// The literal that a declared default is: 'text', a number, TRUE, FALSE or NULL. Fails on other
/// SQL.
Result<Expression> DefaultValue(const std::string& sql);

}  // namespace weir::expr

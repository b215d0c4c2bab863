// SPDX-License-Identifier: Apache-2.0
//
// Filters written in C++. In: a boolean expression and the columns it reads. Out: a predicate that
// the engine has compiled.

#pragma once

#include <arrow/type_fwd.h>

#include "weir/engine/compiled_predicate.h"
#include "weir/expr/expression_builder.h"
#include "weir/functions/function_registry.h"

namespace weir::expr {

/// Compiles a predicate over the columns of `schema`: no aggregate, no window
/// function, no subquery. Fails with
/// kNotFound on a column that the schema does not have, with the nearest names, with kPlanFailed
/// where the types do not fit or the result is not boolean.
/// `functions`: those of the session, whose defaults stand for arguments that are left out.
Result<engine::CompiledPredicate> CompileFilter(
    const engine::Session& session, const Expr& predicate, const arrow::Schema& schema,
    const FunctionRegistry& functions = NativeFunctions());

}  // namespace weir::expr

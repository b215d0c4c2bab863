// SPDX-License-Identifier: Apache-2.0
//
// Tells values of flat types from lists, structs and maps, as far as a plan says it: its bytes have
// the types of tables, casts and literals, but not of calls.

#pragma once

#include <arrow/type_fwd.h>

#include "weir/plan/logical_plan.h"

namespace weir {

bool IsFlat(const arrow::DataType& type);

/// Whether an expression over the columns of `node` is known to have a flat type.
bool IsKnownFlat(const Expression& expression, const LogicalPlan& node);

}  // namespace weir

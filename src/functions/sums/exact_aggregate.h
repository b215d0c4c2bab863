// SPDX-License-Identifier: Apache-2.0
//
// What the functions of this family have in common: floats in, a float out, DISTINCT where one
// column is aggregated. Private to the room.

#pragma once

#include <memory>
#include <string>

#include "weir/functions/function.h"
#include "weir/functions/sums/distinct_values.h"

namespace weir {

/// All but arguments, what NULL does, and the example. `what`: "The sum".
FunctionDeclaration DeclareExact(std::string name, std::string stands_for, const std::string& what);

/// `states`: the fields of its states but for DISTINCT.
std::shared_ptr<const AggregateFunction> MakeExactAggregate(FunctionDeclaration declaration,
                                                            FieldVector states,
                                                            MakeAccumulator make);

}  // namespace weir

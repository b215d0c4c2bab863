// SPDX-License-Identifier: Apache-2.0
//
// DISTINCT for aggregates of one double: the set of a group's values is kept as by collect_set, and
// aggregated when the result is wanted. -0 and 0 are one value, and all NaN are. Private to the
// room.

#pragma once

#include <functional>
#include <memory>

#include "weir/functions/function.h"

namespace weir {

using MakeAccumulator = std::function<std::unique_ptr<GroupsAccumulator>()>;

/// The fields of a state. `argument` is of doubles.
Result<FieldVector> DistinctStateFields(const std::shared_ptr<arrow::Field>& argument);

/// `make`: of the aggregate of all values, each once.
Result<std::unique_ptr<GroupsAccumulator>> MakeDistinctAccumulator(
    const std::shared_ptr<arrow::Field>& argument, const AggregateCall& call, MakeAccumulator make);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// The sets that NativeFunctions() is made of; each appends its functions. Private to the room.

#pragma once

#include <memory>
#include <vector>

#include "weir/functions/function.h"

namespace weir {

using ScalarFunctions = std::vector<std::shared_ptr<const ScalarFunction>>;
using AggregateFunctions = std::vector<std::shared_ptr<const AggregateFunction>>;

/// stable_hash64 … stable_id_parts_required
void AddIdentityFunctions(ScalarFunctions* functions);
/// span_make, span_len, span_overlaps, span_contains
void AddSpanFunctions(ScalarFunctions* functions);
/// cdf_change_rank, cdf_is_upsert, cdf_is_delete
void AddChangeDataFunctions(ScalarFunctions* functions);
/// count_if
void AddCountIf(AggregateFunctions* functions);
/// any_value_det (arg_min), arg_max
void AddArgExtremes(AggregateFunctions* functions);

}  // namespace weir

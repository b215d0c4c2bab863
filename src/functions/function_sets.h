// SPDX-License-Identifier: Apache-2.0
//
// The sets that NativeFunctions() is made of; each appends its functions. Private to the room.

#pragma once

#include <memory>
#include <vector>

#include "weir/functions/function.h"
#include "weir/functions/function_registry.h"

namespace weir {

using ScalarFunctions = std::vector<std::shared_ptr<const ScalarFunction>>;
using AggregateFunctions = std::vector<std::shared_ptr<const AggregateFunction>>;

/// stable_hash64 … stable_id_parts_required, span_id
void AddIdentityFunctions(ScalarFunctions* functions);
/// span_make … span_union_hull
void AddSpanFunctions(const SpanDefaults& defaults, ScalarFunctions* functions);
/// position_encoding_norm, col_to_byte
void AddPositionFunctions(ScalarFunctions* functions);
/// utf8_normalize, utf8_null_if_blank, qname_normalize
void AddTextFunctions(ScalarFunctions* functions);
/// list_compact, list_unique_sorted, struct_pick
void AddListFunctions(ScalarFunctions* functions);
/// map_get_default, map_normalize
void AddMapFunctions(ScalarFunctions* functions);
/// cdf_change_rank, cdf_is_upsert, cdf_is_delete
void AddChangeDataFunctions(ScalarFunctions* functions);
/// count_if
void AddCountIf(AggregateFunctions* functions);
/// collect_set (list_unique)
void AddCollectSet(AggregateFunctions* functions);
/// any_value_det (arg_min), arg_max
void AddArgExtremes(AggregateFunctions* functions);

/// exact_sum, exact_avg
void AddExactSums(AggregateFunctions* functions);
/// exact_var_samp … exact_regr_sxy
void AddExactMoments(AggregateFunctions* functions);

/// udf_docs … statistics_cache; only declared here
void AddTableFunctions(std::vector<std::shared_ptr<const FunctionDeclaration>>* functions);

}  // namespace weir

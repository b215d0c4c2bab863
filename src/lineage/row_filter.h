// SPDX-License-Identifier: Apache-2.0
//
// Filters that are no part of a plan: constraints that drop rows of its result.

#pragma once

#include <string>
#include <vector>

#include "weir/lineage/lineage.h"

namespace weir {

/// Notes that `output_columns` decide which rows of the result stay: what their values come from
/// filters every row. Names that are no output column are passed over.
void AddRowFilter(const std::vector<std::string>& output_columns, Lineage& lineage);

}  // namespace weir

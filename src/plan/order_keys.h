// SPDX-License-Identifier: Apache-2.0
//
// Keys of an order, and those that it lacks to leave no ties. Private to the room.

#pragma once

#include <string>
#include <vector>

#include "weir/plan/logical_plan.h"

namespace weir::internal {

using Keys = std::vector<SortKey>;

Expression ColumnOf(const OutputColumn& output);

/// A text that differs where the values do, NULL and the spelling of numbers included.
Expression HashOf(const Expression& value);

bool IsAmong(const Expression& value, const Keys& keys);
bool StartsWith(const Keys& keys, const Keys& prefix);
void Append(Keys& keys, const Keys& more);

/// As users write them, what is the default left out.
std::vector<std::string> Texts(const Keys& keys);

/// Whether no two rows of a partition tie.
bool IsUnique(const std::vector<Expression>& partition, const Keys& keys, const LogicalPlan& input);

/// The columns of `input` that are missing for its rows to tie only where all of them are the same.
Keys MissingColumns(const std::vector<Expression>& partition, const Keys& keys,
                    const LogicalPlan& input);

/// Appends a key to `missing` that neither it nor `keys` has.
void AddKey(const Expression& key, const Keys& keys, Keys& missing);

/// The same for all arguments of a function but literals.
void AddMissingArguments(const Expression& function, const Keys& keys, Keys& missing);

}  // namespace weir::internal

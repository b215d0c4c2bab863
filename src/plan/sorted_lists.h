// SPDX-License-Identifier: Apache-2.0
//
// Lists that aggregates collect, sorted afterwards. Private to the room.

#pragma once

#include "weir/plan/expression.h"

namespace weir::internal {

/// The elements of a list in the order of their type, NULL last.
Expression SortedList(Expression list);

/// The text of a sorted list, and `function`, a string_agg, made one that gives the list: it leaves
/// NULL out, as string_agg does.
Expression JoinedText(Expression list, Expression& function);

}  // namespace weir::internal

// SPDX-License-Identifier: Apache-2.0
//
// Where an expression of a plan stands in the text of its view. In: the expression as the engine
// writes it for people, the view. Out: the place of its first word.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/status.h"
#include "weir/project/project_definition.h"

namespace weir {

/// Compares words and signs only: qualifiers of columns, parentheses and casts, which plans have
/// more or fewer of, count for nothing. nullopt where the expression does not stand in the text: it
/// came of another view, or the optimiser made it.
std::optional<SourceLocation> FindExpression(std::string_view expression,
                                             const ViewDefinition& view);

/// The expression that a message about one has between its first two backticks. Empty for any other
/// message.
std::string ExpressionOf(const Status& status);

}  // namespace weir

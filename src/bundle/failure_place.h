// SPDX-License-Identifier: Apache-2.0
//
// Finds in a view's text what a failure is about, where the engine does not say: it knows the
// places of columns, not those of literals and operators.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weir/base/status.h"
#include "weir/project/project_definition.h"

namespace weir {

/// Where the first of `texts` that stands in the query as a literal or a name does so.
std::optional<SourceLocation> PlaceOfText(const std::vector<std::string>& texts,
                                          const ViewDefinition& view);

/// Where a value failed while the view ran: the one cast to the type that the message names, the
/// one division. nullopt where the text has none, or several that may be meant.
std::optional<SourceLocation> PlaceOfValueFailure(const std::string& message,
                                                  const ViewDefinition& view);

}  // namespace weir

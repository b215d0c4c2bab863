// SPDX-License-Identifier: Apache-2.0
//
// `delta_cdf(source[, first[, last]])` in a view: the change feed of a Delta source as a source of
// its own, which is pinned like any other. In: a view's query and the project's sources. Out: the
// query with the feed's name in the place of the call, and the feeds as sources.

#pragma once

#include <string>
#include <vector>

#include "weir/project/project_definition.h"

namespace weir {

/// Takes the calls out of `view`, and returns the feeds that it reads. Calls of anything but a Delta
/// source of `sources`, or with other arguments than whole numbers, stay as they are: planning
/// refuses them.
std::vector<SourceDefinition> TakeChangeFeeds(ViewDefinition& view,
                                              const std::vector<SourceDefinition>& sources);

}  // namespace weir

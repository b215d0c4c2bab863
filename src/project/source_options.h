// SPDX-License-Identifier: Apache-2.0
//
// What may stand in OPTIONS (…) of a source, by format.

#pragma once

#include <vector>

#include "weir/project/project_definition.h"
#include "weir/project/token_cursor.h"

namespace weir {

/// Sets `source`'s options and pins from `pairs`; reports unknown (W1304), wrong (W1305) and
/// repeated (W1306) ones, and two pins at once (W1307), at their place. REQUIRES: the format of
/// `source` is set
void ApplySourceOptions(const std::vector<KeyValue>& pairs, SourceDefinition& source,
                        TokenCursor& cursor);

}  // namespace weir

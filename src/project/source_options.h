// SPDX-License-Identifier: Apache-2.0
//
// What may stand in OPTIONS (…) of a source, by format.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weir/project/project_definition.h"
#include "weir/project/token_cursor.h"

namespace weir {

/// The text of a LOCATION or an option with environment variables filled in; reports at `token`
/// what is not set (W1016) or cannot be read (W1017).
std::optional<std::string> ExpandAt(const Token& token, const std::string& text,
                                    TokenCursor& cursor);

/// Sets `source`'s options and pins from `pairs`; reports unknown (W1304), wrong (W1305) and
/// repeated (W1306) ones, two pins at once (W1307), and a new column that is named as another one
/// (W1211), at their place. REQUIRES: the format and the columns of `source` are set
void ApplySourceOptions(const std::vector<KeyValue>& pairs, SourceDefinition& source,
                        TokenCursor& cursor);

}  // namespace weir

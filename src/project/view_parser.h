// SPDX-License-Identifier: Apache-2.0
//
// Reads the files under views/ and tests/. In: one file. Out: its definition, unless it has errors,
// which are reported. Queries are found, not understood: that is the engine's business.

#pragma once

#include <optional>

#include "weir/project/project_definition.h"
#include "weir/project/token_cursor.h"

namespace weir {

/// Reads a view file:
///
///     query
///     CREATE [OR REPLACE] [TEMPORARY] [MATERIALIZED] VIEW [IF NOT EXISTS] name
///       [( column [COMMENT '…'], … )]
///       [PARTITIONED BY ( column, … )] [COMMENT '…'] [TBLPROPERTIES ( 'key' = 'value', … )]
///     AS query
std::optional<ViewDefinition> ParseViewFile(const SqlFile& file, Diagnostics& diagnostics);

/// Reads a test file: one query.
std::optional<TestDefinition> ParseTestFile(const SqlFile& file, Diagnostics& diagnostics);

}  // namespace weir

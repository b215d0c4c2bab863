// SPDX-License-Identifier: Apache-2.0
//
// Reads the files under sources/. In: one file with any number of statements. Out: a definition of
// each that has no error; errors are reported, and reading goes on after the next `;`.

#pragma once

#include <string>
#include <vector>

#include "weir/project/project_definition.h"
#include "weir/project/token_cursor.h"

namespace weir {

/// Reads statements of the form
///
///     CREATE [OR REPLACE] [UNBOUNDED] EXTERNAL TABLE [IF NOT EXISTS] name [( column type [[NOT]
///     NULL], … )]
///       STORED AS { DELTATABLE | PARQUET | CSV | NDJSON | JSON } LOCATION '…'
///       [PARTITIONED BY ( column [type], … )] [OPTIONS ( key value, … )]
///
/// with the clauses in any order. Relative locations are relative to `root`, an absolute path.
std::vector<SourceDefinition> ParseSourceFile(const SqlFile& file, const std::string& root,
                                              Diagnostics& diagnostics);

/// The absolute path or the URL that `location` stands for in a project at `root`. Keeps a slash at
/// the end.
std::string ResolveLocation(const std::string& location, const std::string& root);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// Tables by their path, as queries name them: files, patterns, folders, Delta tables, URLs.
// In: a path, and what a query says of how to read it. Out: a pinned table, read by the same rules
// as a source of the same format. Views cannot name paths: what they read is declared.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/catalog/pinned_table.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"

namespace weir {

/// How a path is read.
struct PathReading {
  std::optional<SourceFormat> format;          ///< nullopt: what the names of the files say
  std::map<std::string, std::string> options;  ///< as in OPTIONS of a source
  bool partitions = true;  ///< folders named `column=value` are columns if all files lie in such
  int64_t version = -1;    ///< of a Delta table; -1: the latest
  std::string timestamp;   ///< of a Delta table, RFC 3339
};

/// Whether a name of a table can be a path: it has a slash, is a pattern, or ends as files do.
bool LooksLikePath(std::string_view name);

/// The table at `path`. Columns of folders are whole numbers (without zeros before them), dates or
/// times where all their values are, else texts. Fails with kNotFound, kInvalidArgument,
/// kPermission …: messages say what stands there.
Result<PinnedTable> PinPath(const std::string& path, const PathReading& reading,
                            const engine::Session& session);

}  // namespace weir

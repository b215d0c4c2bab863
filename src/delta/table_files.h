// SPDX-License-Identifier: Apache-2.0
//
// What lies in a table's folder, whether a version names it or not, and its removal. In: the
// table's URL. Out: files, as the store shows them. Nothing here decides what may go.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"

namespace weir {

struct StoredFile {
  std::string path;  ///< in the table's folder, as the store has it
  int64_t size_bytes = 0;
  int64_t modified_ms = 0;
};

/// The names of log objects begin with it.
inline constexpr std::string_view kLogFolder = "_delta_log/";

/// Those below a table's URL, ordered by path; none where there is no folder. Links to folders are
/// not entered.
Result<std::vector<StoredFile>> ListTableFiles(const engine::Session& session,
                                               const std::string& table_url);

/// Which of some data files are not there; `paths` as a log has them. What lies elsewhere (an
/// absolute URL of another store) counts as there. Local files are looked at one by one, which
/// takes less than listing; of any other store the folder is listed.
Result<std::vector<std::string>> MissingFiles(const engine::Session& session,
                                              const std::string& table_url,
                                              const std::vector<std::string>& paths);

/// Whether a name is that of a file which a local store had begun to write: `x.parquet#1`.
bool IsUnfinished(std::string_view path);

/// Removes one, and local folders that it leaves empty; one that is gone already counts as removed.
/// A link is removed, not what it leads to.
Status RemoveTableFile(const engine::Session& session, const std::string& table_url,
                       const std::string& path);

/// Removes the table's local folder and those in it that are empty; nothing in other stores, which
/// have no folders.
void RemoveEmptyFolders(const std::string& table_url);

/// The local folder behind a URL, with a slash at its end; empty if it is in another store.
std::string LocalFolder(const std::string& table_url);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// What stands at a path that a query names. In: a path, a pattern or a URL, relative to the current
// folder. Out: the folder of a Delta table, or files. Object stores that the session does not know
// are opened with what the environment says (AWS_ACCESS_KEY_ID …).

#pragma once

#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/data_file.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"

namespace weir {

struct PathFiles {
  bool is_delta = false;
  bool is_folder = false;  ///< a whole folder, or what fits a pattern: several files
  /// Of the Delta table, or of a folder that all files are below, with a slash at the end. Folders
  /// of the path that are named `column=value` are below it too.
  std::string url;
  /// With paths relative to `url`; ordered by them.
  std::vector<ObjectInfo> files;
};

/// Fails with kNotFound, naming what is near, where nothing is; with kInvalidArgument for a folder
/// of Delta tables, and with kPermission for what may not be looked at.
Result<PathFiles> FindPathFiles(const std::string& path, const engine::Session& session);

/// The absolute path of a path of this machine; empty for a URL of an object store.
std::string LocalPath(const std::string& path);

/// Makes the store of a URL known to the session, reached as the environment says
/// (AWS_ACCESS_KEY_ID, AZURE_…, GOOGLE_…). In the place of one that it knows.
Status OpenStoreByEnvironment(const std::string& url, const engine::Session& session);

/// The same, unless the URL is a path of this machine or lies in one of `known`, which the session
/// reaches as weir.toml says.
Status OpenStoreIfUnknown(const std::string& url, const std::vector<ObjectStoreDefinition>& known,
                          const engine::Session& session);

/// Whether a call failed because nobody has told the session how to reach a store: other than of
/// what is not found there, nothing is known of it.
bool IsOfUnknownStore(const Status& status);

}  // namespace weir

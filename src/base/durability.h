// SPDX-License-Identifier: Apache-2.0
//
// Against power cuts and crashes of the machine: what was written is in memory until the operating
// system finds time, and then goes to the disk in any order. In: local paths. Out: they are on the
// disk.

#pragma once

#include <string>

#include "weir/base/status.h"

namespace weir {

/// Returns when all that was written to the file system that `folder` lies in is on its disk: one
/// call for any number of files. Fails, naming the folder and the reason, where something of it may
/// be lost.
Status SyncFileSystem(const std::string& folder);

/// The same of one file: its contents, and its name in its folder and those above up to `root`.
/// REQUIRES: `path` begins with `root`, which has a slash at its end
Status SyncFile(const std::string& path, const std::string& root);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// The tables that recorded scans read, pinned again. In: scans as artifacts have them. Out: tables
// with the very files that were read, or what of them is gone.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "weir/artifacts/recorded_run.h"
#include "weir/base/result.h"
#include "weir/catalog/pinned_table.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// A URL of the time of the record as it is now: what lay in the warehouse moved with it.
std::string MovedUrl(const std::string& url, const std::string& warehouse_then,
                     const std::string& warehouse_now);

/// Pins what a scan read, at `url`. Fails with kNotFound where the version, or one of the files
/// that were read, is not there any more, with kConflict where a listed file is another one now.
Result<PinnedTable> PinRecorded(const RecordedScan& scan, const std::string& url,
                                const SessionRuntime& session);

}  // namespace weir

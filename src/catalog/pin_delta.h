// SPDX-License-Identifier: Apache-2.0
//
// Pins Delta tables and their change feeds. In: where a table is, a version or a time, how its rows
// are read. Out: a PinnedTable; what is wrong with a log is said in plain words.

#pragma once

#include <memory>
#include <string>

#include "weir/base/result.h"
#include "weir/catalog/pinned_table.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"

namespace weir {

/// Opens a Delta table's log. `version` < 0 and an empty `timestamp` mean the latest. Says of a
/// failure what is wrong with the log.
Result<engine::DeltaSnapshot> OpenDelta(const std::string& url, int64_t version,
                                        const std::string& timestamp,
                                        const engine::Session& session);

/// Opens a Delta table as a pinned one. `version` < 0 and an empty `timestamp` mean the latest.
/// Fails with kUnsupported, naming the feature, where a reader feature is unknown.
Result<PinnedTable> PinDelta(const std::string& name, const std::string& url, int64_t version,
                             const std::string& timestamp, const engine::Session& session);

/// Pins what a Delta source was at another version: its rows, or those that its change feed had up
/// to then.
Result<PinnedTable> PinAtVersion(const PinnedTable& source, int64_t version,
                                 const engine::Session& session);

/// Pins the change feed of a Delta table: the commits from `first` to the version that is read.
Result<PinnedTable> PinChanges(const std::string& name, const std::string& url, int64_t first,
                               int64_t version, const std::string& timestamp,
                               const engine::Session& session);

/// Pins a Delta source, read as it says. `declared`: the columns of its contract; null: none. Fails
/// as OpenDelta does, and with kConflict where the contract is broken.
Result<PinnedTable> PinDeltaSource(const SourceDefinition& source, const std::string& url,
                                   const std::shared_ptr<arrow::Schema>& declared,
                                   const engine::Session& session);

}  // namespace weir

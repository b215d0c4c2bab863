// SPDX-License-Identifier: Apache-2.0
//
// How a table's data files are laid out. In: the table's properties. Out: what the engine writes
// files by. The properties of Delta mean what PROTOCOL.md and Spark make of them; those that begin
// with `weir.` are Weir's own.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"

namespace weir {

/// Takes from a table's properties `delta.targetFileSize` (bytes, or with a unit: '128mb'),
/// `delta.dataSkippingNumIndexedCols`, `weir.compression` ("zstd(3)", "snappy" …),
/// `weir.row_group_rows`, `weir.bloom_filter_columns` and `weir.plain_columns` (names between
/// commas; without a dictionary). Fails with kInvalidArgument, naming the property, where a value
/// is none.
Result<engine::WriteOptions> WriteOptionsOf(const std::string& table_url,
                                            const std::vector<std::string>& partition_columns,
                                            const std::map<std::string, std::string>& properties);

/// Commits from one checkpoint to the next: `delta.checkpointInterval`, else 10.
int64_t CheckpointIntervalOf(const std::map<std::string, std::string>& properties);

}  // namespace weir

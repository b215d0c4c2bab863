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

/// Properties that name columns: names between commas, those of struct fields joined by dots.
inline constexpr const char* kBloomFilterColumns = "weir.bloom_filter_columns";
inline constexpr const char* kPlainColumns = "weir.plain_columns";
/// How a table that is replaced tells what changed: "files" (the default) or kDifference.
inline constexpr const char* kChangeFeed = "weir.change_feed";
inline constexpr const char* kDifference = "difference";

/// Takes from a table's properties `delta.targetFileSize` (bytes, or with a unit: '128mb'),
/// `delta.dataSkippingNumIndexedCols`, `weir.compression` ("zstd(3)", "snappy" …),
/// `weir.row_group_rows`, `weir.bloom_filter_columns` and `weir.plain_columns` (names between
/// commas; without a dictionary). Fails with kInvalidArgument, naming the property, where a value
/// is none, also that of `weir.change_feed`.
Result<engine::WriteOptions> WriteOptionsOf(const std::string& table_url,
                                            const std::vector<std::string>& partition_columns,
                                            const std::map<std::string, std::string>& properties);

/// The write policy in force as JSON, as `weir.writes` has it: sizes in bytes, names of columns.
std::string ToJson(const engine::WriteOptions& options,
                   const std::vector<std::string>& sort_columns);

/// Whether the change feed of a table that is replaced is to hold the rows that differ
/// (kChangeFeed, where `delta.enableChangeDataFeed` is set), instead of all
/// rows of the files that go and come.
bool WantsDifference(const std::map<std::string, std::string>& properties);

/// Commits from one checkpoint to the next: `delta.checkpointInterval`, else 10.
int64_t CheckpointIntervalOf(const std::map<std::string, std::string>& properties);

}  // namespace weir

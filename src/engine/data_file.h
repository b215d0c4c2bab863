// SPDX-License-Identifier: Apache-2.0
//
// A data file of a table, as the Delta log or a listing describes it. A plain value.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// Where the log says which rows of a file are deleted (PROTOCOL.md, "Deletion Vector Descriptor").
struct DeletionVector {
  std::string storage_type;    ///< "u", "p" or "i"; empty: there is none
  std::string path_or_inline;  ///< as the log has it
  int32_t offset = -1;         ///< -1: the log names none
  int32_t size_bytes = 0;
  int64_t cardinality = 0;  ///< deleted rows
};

struct DataFile {
  /// Relative to the table's root, or with scheme and host; decoded.
  std::string path;
  int64_t size_bytes = 0;
  /// Milliseconds since the epoch.
  int64_t modified_ms = 0;
  /// Rows, or -1 if unknown.
  int64_t rows = -1;
  /// Column and value in Delta's text form; nullopt is NULL.
  std::vector<std::pair<std::string, std::optional<std::string>>> partition_values;
  /// Delta's per-file statistics (numRecords, minValues, maxValues, nullCount) as JSON; empty if
  /// unknown.
  std::string statistics;
  bool has_deletion_vector = false;
  /// Of a Delta snapshot's files only.
  DeletionVector deletion_vector = {};
  /// Of a listed object, empty where the store has none; tells apart what has the same size and
  /// time.
  std::string etag;
};

/// A data file, or a part of one, whose rows a commit changed.
struct ChangeFile {
  DataFile file;
  std::string kind;  ///< "insert" or "delete"; empty: its column `_change_type` says it
  int64_t version = -1;
  int64_t timestamp_ms = 0;
  DeletionVector without = {};  ///< rows that are not meant
  DeletionVector within = {};   ///< the rows that are meant; without a storage type all of them
};

/// An object in a store.
struct ObjectInfo {
  std::string url;            ///< with scheme
  std::string relative_path;  ///< to the listed prefix; empty when the prefix is the object itself
  int64_t size_bytes = 0;
  int64_t modified_ms = 0;
  std::string etag;  ///< empty where the store has none
};

}  // namespace weir

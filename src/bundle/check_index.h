// SPDX-License-Identifier: Apache-2.0
//
// What the last check of a project found, kept in its folder so that the next one checks only what
// changed. A cache: a missing, damaged or older file means that everything is checked again.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/file_stamp.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// A source as the check saw it.
struct IndexedSource {
  std::string name;
  std::string definition_hash;  ///< of its statement and the location it names
  std::string stamp;            ///< of its files; empty if they cannot be told apart by stamps
  std::string schema_hash;      ///< of what views see of it
};

/// A file under views/ as the check saw it.
struct IndexedView {
  std::string file;  ///< relative to the project
  FileStamp stamp;
  std::string content_hash;
  std::string name;  ///< empty if the file defines no view
  /// Nothing was reported about it. What is not clean is checked again each time.
  bool clean = false;
  bool is_inline = false;
  std::vector<std::string> tables;  ///< that its query names, ordered by name
  std::string schema;               ///< as stored, Arrow IPC; empty if inline
  std::vector<std::string> partition_columns;

  /// Whether views that read it see no difference, as far as it is not inlined into them.
  bool SameToReaders(const IndexedView& other) const {
    return name == other.name && clean == other.clean && is_inline == other.is_inline &&
           schema == other.schema && partition_columns == other.partition_columns;
  }
};

struct CheckIndex {
  std::string environment;  ///< hash of all that is neither source nor view
  int64_t taken_at_ns = 0;  ///< when the stamps were taken
  std::vector<IndexedSource> sources;
  std::vector<IndexedView> views;  ///< ordered by file

  std::string Serialize() const;
  /// Nullopt if the bytes are not what Serialize wrote.
  static std::optional<CheckIndex> Parse(std::string_view bytes);
};

/// Registers the table of a view as it was last looked at. Fails with kCorrupt without its schema.
Status AddToCatalog(const IndexedView& view, SessionRuntime& session);

}  // namespace weir

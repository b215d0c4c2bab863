// SPDX-License-Identifier: Apache-2.0
//
// A table at one moment: what planning and scanning may read of it. Immutable once made.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/diagnostic.h"
#include "weir/base/fingerprint.h"
#include "weir/catalog/file_list.h"
#include "weir/engine/data_file.h"
#include "weir/engine/engine.h"

namespace weir {

enum class TableKind {
  kDelta,    ///< a Delta source, pinned by version
  kListing,  ///< Parquet, CSV or NDJSON files, pinned by name, size, modification time and etag
  kView,     ///< the stored result of a view of this project; its files may not exist yet
};

/// "delta", "listing" or "view".
std::string_view ToString(TableKind kind);

/// A table at a version.
struct PinnedTable {
  std::string name;  ///< as views name it
  TableKind kind = TableKind::kDelta;
  std::string url;     ///< root, with scheme
  std::string format;  ///< "delta", "parquet", "csv" or "ndjson"
  /// Delta version; -1 for listings and for views that were never built.
  int64_t version = -1;
  /// Of a change feed the version of its first commit, `version` being the last; else nothing.
  std::optional<int64_t> changes_since;
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> partition_columns;
  /// The columns with the physical names of column mapping in their metadata; null where they are
  /// those of `schema`.
  std::shared_ptr<arrow::Schema> log_schema;
  /// How the rows of a Delta source are read. Of listings, too, the columns that say where a row
  /// is.
  engine::DeltaReading reading = {};
  /// Read when first asked for.
  std::shared_ptr<const TableFiles> files;
  /// Hash of the listing's names, sizes, times and etags; empty for Delta.
  Fingerprint listing_hash;
  /// Hash of how a listing's files are read: format and options. Empty for Delta.
  std::string read_options_hash;
  /// A listing that runs land as a Delta table, and read there.
  bool is_retained = false;
  /// True where deletion vectors may take rows away: files alone do not say which rows there are.
  bool has_row_masks = false;
  /// Where the columns of its data are others than the source declares, or differ among its files:
  /// a warning, which says how.
  std::optional<Diagnostic> drift = {};
  /// What the engine reads; absent for a view that was never built.
  std::optional<engine::Table> table;
};

}  // namespace weir

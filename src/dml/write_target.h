// SPDX-License-Identifier: Apache-2.0
//
// A Delta table that a statement writes, at the version that the statement reads. In: its URL. Out:
// columns, files, and the rules that every row must keep. Tables whose rules are not known to Weir
// are refused here, before anything is touched.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/bundle/write_layout.h"
#include "weir/engine/engine.h"

namespace weir {

struct WriteColumn {
  std::string name;
  bool nullable = true;
  std::string generation;  ///< the expression of a generated column; else empty
};

/// A condition that holds for every row of a table.
struct RowCondition {
  std::string name;        ///< of a CHECK constraint; of an invariant its column
  std::string expression;  ///< in the dialect of Spark
};

/// A value; the snapshot is one version for good.
struct WriteTarget {
  std::string name;  ///< as the statement has it
  std::string url;   ///< with trailing slash
  engine::DeltaSnapshot snapshot;
  engine::Table table;                    ///< all rows of the snapshot
  std::shared_ptr<arrow::Schema> schema;  ///< as files hold the columns: all nullable
  std::vector<WriteColumn> columns;       ///< in the order of `schema`
  std::vector<std::string> partition_columns;
  std::vector<RowCondition> conditions;  ///< CHECK constraints and invariants
  std::map<std::string, std::string> properties;
  std::string schema_json;    ///< the log's schemaString
  std::string metadata_json;  ///< the metaData action
  std::string protocol_json;

  /// -1 if the table has no such column. Names in any case, an exact one first.
  int IndexOf(const std::string& column) const;
  bool HasProperty(const std::string& key) const;  ///< "true"
  bool has_change_feed() const { return HasProperty("delta.enableChangeDataFeed"); }
  bool is_append_only() const { return HasProperty("delta.appendOnly"); }
  /// How its data files are written.
  Result<engine::WriteOptions> Options() const {
    return WriteOptionsOf(url, partition_columns, properties);
  }
};

/// The log's schemaString of a table that gets the columns of another one, `added`, behind its own.
/// Fails with kAlreadyExists where it has one of that name.
Result<std::string> SchemaWithColumns(const WriteTarget& target, const std::string& added);

/// Fails as engine::DeltaSnapshot::Open does, and with kUnsupported, naming it, where the table has
/// a feature that Weir does not write.
Result<WriteTarget> OpenWriteTarget(const std::string& name, const std::string& url,
                                    const engine::Session& session);

}  // namespace weir

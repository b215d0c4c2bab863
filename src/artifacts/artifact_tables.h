// SPDX-License-Identifier: Apache-2.0
//
// The tables in which Weir keeps what it decided: Delta tables under `<warehouse>/_weir/`,
// append-only, queryable as `weir.<table>`. Their columns are described here once;
// docs/artifacts.md is made from it.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/delta/delta_log.h"
#include "weir/engine/engine.h"

namespace weir {

enum class ArtifactType { kText, kInteger, kFloat, kBoolean, kTimestamp, kBinary, kTextList };

struct ArtifactColumn {
  std::string name;
  ArtifactType type = ArtifactType::kText;
  std::string description;
};

struct ArtifactTable {
  std::string name;
  std::string description;
  std::vector<ArtifactColumn> columns;

  std::shared_ptr<arrow::Schema> schema() const;
};

/// All tables, in the order of documentation.
const std::vector<ArtifactTable>& ArtifactTables();
std::vector<std::string> ArtifactTableNames();

/// URL of an artifact table, with a trailing slash.
std::string ArtifactTableUrl(const std::string& warehouse_url, const std::string& table);

/// A cell; timestamps are microseconds since the epoch. monostate is NULL.
using ArtifactValue =
    std::variant<std::monostate, std::string, int64_t, double, bool, std::vector<std::string>>;
using ArtifactRow = std::vector<ArtifactValue>;

/// A row of values that are moved where they may be; a list in braces copies each of them twice.
template <typename... Values>
ArtifactRow RowOf(Values&&... values) {
  ArtifactRow row;
  row.reserve(sizeof...(values));
  (row.emplace_back(std::forward<Values>(values)), ...);
  return row;
}

/// Rows of one run, by table. Each table gets them in one commit with an application transaction,
/// so that whoever records the same again, after a kill in between for instance, adds nothing.
class ArtifactRows {
 public:
  /// `run_id`: whose rows these are; the transaction's id is made of it.
  explicit ArtifactRows(const std::string& run_id) : transaction_{"weir.run." + run_id, 1} {}

  /// Keeps them as Arrow, which takes a fraction of the memory of values.
  /// REQUIRES: `table` exists and `row` has a value of the right kind for each of its columns.
  void Add(const std::string& table, ArtifactRow row);
  /// The rows of `table` are not those of the run alone: they count as recorded once there is a
  /// transaction `id` of this version or a later one.
  void SetTransaction(const std::string& table, std::string id, int64_t version);

  /// Appends everything: one commit a table that has rows. Tables are written side by side, `runs`
  /// when all others are: a run that stands there is complete. On failure some tables may have
  /// their rows and others not; what was built is not touched.
  /// Lets go of the rows while it writes them. Who does not hold the warehouse's lock, hence is not
  /// looked after by the next run, needs commits that are kWhole.
  Status Commit(const engine::Session& session, const std::string& warehouse_url, int64_t now_ms,
                CommitDurability durability = CommitDurability::kLater);

 private:
  struct Transaction {
    std::string id;
    int64_t version = 0;
  };
  Status CommitTables(const std::vector<const ArtifactTable*>& tables,
                      const engine::Session& session, const std::string& warehouse_url,
                      int64_t now_ms);
  Status Append(const ArtifactTable& table, const engine::Session& session, const std::string& url,
                int64_t now_ms);

  /// Of one table: rows as they came, and those before them.
  struct Rows {
    std::vector<ArtifactRow> pending;
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    size_t count = 0;  ///< of both
    Status status;     ///< of making them
  };
  static void Pack(const std::string& table, Rows& rows);

  Transaction transaction_;
  CommitDurability durability_ = CommitDurability::kLater;
  std::map<std::string, Transaction> own_transactions_;  ///< by table
  std::map<std::string, Rows> rows_;                     ///< by table
};

/// "***" for values whose key looks like a secret's.
std::string Redacted(const std::string& key, const std::string& value);

/// docs/artifacts.md.
std::string ArtifactDocumentation();

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// Rows of artifact tables as texts. In: the artifacts of a warehouse, written by this program or an
// earlier one. Out: the values of some columns; a column that a table has not yet is all NULL.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/catalog/pinned_table.h"
#include "weir/engine/engine.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// An artifact table as it is now, in any warehouse; nullopt if there is none yet. Fails with
/// kNotFound where the store is one that nobody described.
Result<std::optional<PinnedTable>> PinArtifact(const std::string& warehouse_url,
                                               const std::string& table,
                                               const engine::Session& session);

/// Makes an artifact table known to the session as `weir.<table>`. Returns its columns; nothing
/// where there is no such table yet, as no run has had a row for it.
Result<std::optional<std::set<std::string>>> RegisterArtifact(const SessionRuntime& session,
                                                              const std::string& table);

/// The rows of a query over tables that are registered: bytes as they are, other values as the
/// engine writes them, NULL as nothing.
Result<std::vector<std::vector<std::string>>> QueryTexts(const SessionRuntime& session,
                                                         const std::string& sql);

class ArtifactReader {
 public:
  /// A row: numbers in digits, timestamps in microseconds since the epoch, bytes as they are, lists
  /// with line feeds between their texts, NULL as nothing.
  using Row = std::vector<std::string>;

  /// Makes the tables known to the session as `weir.<table>`; one that is not there has no rows.
  /// Fails with kNotFound where no run has recorded a bundle. `session` must outlive the object.
  static Result<ArtifactReader> Open(const SessionRuntime& session,
                                     const std::set<std::string>& tables);

  /// The rows of `table` for which `condition` is true, ordered by all of `columns`. REQUIRES: the
  /// table was named to Open, and artifact_tables.h describes the columns.
  Result<std::vector<Row>> Select(const std::string& table, const std::vector<std::string>& columns,
                                  const std::string& condition) const;

 private:
  explicit ArtifactReader(const SessionRuntime& session) : session_(&session) {}

  const SessionRuntime* session_;
  std::map<std::string, std::set<std::string>> columns_;  ///< that tables have, by table
};

/// "'a', 'b'": what `column IN (…)` takes.
std::string QuotedList(const std::set<std::string>& texts);

}  // namespace weir

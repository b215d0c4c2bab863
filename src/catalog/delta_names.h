// SPDX-License-Identifier: Apache-2.0
//
// Names in Delta tables: of a log's objects, and of columns under column mapping.
// In: names and fields as the log has them. Out: versions and physical names.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

namespace weir {

/// An object of a log whose name begins with a version: a commit, a checkpoint, a checksum …
struct LogObjectName {
  int64_t version = 0;
  std::string_view rest;  ///< of the name, behind the version's 20 digits: ".json" for a commit

  bool is_commit() const { return rest == ".json"; }
};

/// nullopt for a name that does not begin with 20 digits. The result refers to `name`.
std::optional<LogObjectName> ReadLogObjectName(std::string_view name);

/// "00000000000000000007.json".
std::string CommitName(int64_t version);

/// The name by which the log's statistics and data files know a column: its own but for column
/// mapping.
std::string PhysicalName(const arrow::Field& field);

}  // namespace weir

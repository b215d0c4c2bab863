// SPDX-License-Identifier: Apache-2.0
//
// The features of Delta tables that belong to others, and what statements may do with them.
// In: a protocol action and a table's metaData action. Out: a permission, or the name of what
// cannot be kept. `docs/delta.md` has the same list for users.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir {

struct TableFeature {
  std::string_view name;  ///< as PROTOCOL.md has it
  bool is_written;        ///< statements may change tables that have it
};

/// Ordered by name. A feature that is not here is not written.
const std::vector<TableFeature>& TableFeatures();

/// Says whether statements may change a table: every feature that it has is one whose rules are
/// kept. Fails with kUnsupported, naming the first that is not. `protocol` and `metadata` are the
/// actions as JSON.
Status CheckWritable(const std::string& protocol, const std::string& metadata,
                     const std::string& table);

/// The protocol action as JSON that a table needs which has `protocol` now ("" for a new table) and
/// is to have `features`; "" if it has them all. Tables of older protocols keep their versions
/// where these allow the features.
std::string UpgradedProtocol(const std::string& protocol, const std::vector<std::string>& features);

}  // namespace weir

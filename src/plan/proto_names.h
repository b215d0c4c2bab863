// SPDX-License-Identifier: Apache-2.0
//
// The words of the engine's protobuf form and those of the tree. Private to the room.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace datafusion {
class TableReference;
}  // namespace datafusion

namespace weir::internal {

/// As SQL writes it: "Eq" → "=". What has no entry stays as it is.
std::string OperatorText(const std::string& name);
/// The way back.
std::string OperatorName(const std::string& text);

/// "Inner" … by number; nothing for an unknown number.
std::optional<std::string> JoinTypeText(int number);
std::optional<int> JoinTypeNumber(std::string_view text);

/// Table; schema, table; catalog, schema, table. Empty where nothing is given.
std::vector<std::string> ToParts(const datafusion::TableReference& reference);
/// REQUIRES: 1 to 3 parts.
void FromParts(const std::vector<std::string>& parts, datafusion::TableReference& reference);
/// Joined by dots.
std::string JoinedParts(const std::vector<std::string>& parts);

/// "table" or "schema.table": the catalog left out.
std::string RegisteredName(const std::vector<std::string>& parts);
/// The reference that Weir writes for a table of that name; the scan's index is in it if it is >=
/// 0.
std::string TableReferenceJson(const std::string& table, int scan_id);
/// The index in such a reference, -1 if it has none.
int ScanIdOf(std::string_view reference_json);

}  // namespace weir::internal

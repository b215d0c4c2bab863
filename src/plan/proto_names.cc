// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/proto_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datafusion.pb.h"

#include "weir/base/json_text.h"

namespace weir::internal {

namespace {

namespace pb = datafusion;

/// What a reference with a scan's index begins with.
constexpr std::string_view kScanKey = R"({"scan":)";

/// The engine writes operators by the names of its enum.
constexpr std::pair<const char*, const char*> kOperators[] = {
    {"And", "AND"},
    {"Or", "OR"},
    {"Eq", "="},
    {"NotEq", "<>"},
    {"Lt", "<"},
    {"LtEq", "<="},
    {"Gt", ">"},
    {"GtEq", ">="},
    {"Plus", "+"},
    {"Minus", "-"},
    {"Multiply", "*"},
    {"Divide", "/"},
    {"Modulo", "%"},
    {"StringConcat", "||"},
    {"RegexMatch", "~"},
    {"RegexIMatch", "~*"},
    {"RegexNotMatch", "!~"},
    {"RegexNotIMatch", "!~*"},
    {"LikeMatch", "~~"},
    {"ILikeMatch", "~~*"},
    {"NotLikeMatch", "!~~"},
    {"NotILikeMatch", "!~~*"},
    {"BitwiseAnd", "&"},
    {"BitwiseOr", "|"},
    {"BitwiseXor", "^"},
    {"BitwiseShiftLeft", "<<"},
    {"BitwiseShiftRight", ">>"},
    {"AtArrow", "@>"},
    {"ArrowAt", "<@"},
    {"IsDistinctFrom", "IS DISTINCT FROM"},
    {"IsNotDistinctFrom", "IS NOT DISTINCT FROM"}};

/// By the numbers of the engine's enum.
constexpr std::array<std::string_view, 10> kJoinTypes = {
    "Inner",    "Left",      "Right",     "Full",     "LeftSemi",
    "LeftAnti", "RightSemi", "RightAnti", "LeftMark", "RightMark"};

}  // namespace

std::string OperatorText(const std::string& name) {
  static const auto* const kTexts =
      new std::map<std::string, std::string>(std::begin(kOperators), std::end(kOperators));
  const auto found = kTexts->find(name);
  return found == kTexts->end() ? name : found->second;
}

std::string OperatorName(const std::string& text) {
  static const auto* const kNames = [] {
    auto* names = new std::map<std::string, std::string>;
    for (const auto& [name, sql] : kOperators) names->emplace(sql, name);
    return names;
  }();
  const auto found = kNames->find(text);
  return found == kNames->end() ? text : found->second;
}

std::optional<std::string> JoinTypeText(int number) {
  if (number < 0 || number >= static_cast<int>(kJoinTypes.size())) return std::nullopt;
  return std::string(kJoinTypes[static_cast<size_t>(number)]);
}

std::optional<int> JoinTypeNumber(std::string_view text) {
  const auto found = std::find(kJoinTypes.begin(), kJoinTypes.end(), text);
  if (found == kJoinTypes.end()) return std::nullopt;
  return static_cast<int>(found - kJoinTypes.begin());
}

std::vector<std::string> ToParts(const pb::TableReference& reference) {
  switch (reference.table_reference_enum_case()) {
    case pb::TableReference::kBare:
      return {reference.bare().table()};
    case pb::TableReference::kPartial:
      return {reference.partial().schema(), reference.partial().table()};
    case pb::TableReference::kFull:
      return {reference.full().catalog(), reference.full().schema(), reference.full().table()};
    default:
      return {};
  }
}

void FromParts(const std::vector<std::string>& parts, pb::TableReference& reference) {
  if (parts.size() == 1) {
    reference.mutable_bare()->set_table(parts[0]);
  } else if (parts.size() == 2) {
    reference.mutable_partial()->set_schema(parts[0]);
    reference.mutable_partial()->set_table(parts[1]);
  } else {
    reference.mutable_full()->set_catalog(parts[0]);
    reference.mutable_full()->set_schema(parts[1]);
    reference.mutable_full()->set_table(parts[2]);
  }
}

std::string JoinedParts(const std::vector<std::string>& parts) {
  std::string joined;
  for (const std::string& part : parts) joined += (joined.empty() ? "" : ".") + part;
  return joined;
}

std::string RegisteredName(const std::vector<std::string>& parts) {
  const size_t skipped = parts.size() > 2 ? parts.size() - 2 : 0;
  return JoinedParts({parts.begin() + static_cast<ptrdiff_t>(skipped), parts.end()});
}

std::string TableReferenceJson(const std::string& table, int scan_id) {
  using Json = nlohmann::json;
  const std::string name = JsonText(Json(table));
  if (scan_id < 0) return fmt::format(R"({{"table":{}}})", name);
  return fmt::format(R"({}{},"table":{}}})", kScanKey, scan_id, name);
}

int ScanIdOf(std::string_view reference_json) {
  int scan_id = -1;
  if (reference_json.starts_with(kScanKey)) {
    reference_json.remove_prefix(kScanKey.size());
    std::from_chars(reference_json.data(), reference_json.data() + reference_json.size(), scan_id);
  }
  return scan_id;
}

}  // namespace weir::internal

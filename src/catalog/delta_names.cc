// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/delta_names.h"

#include <charconv>

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>

namespace weir {

std::optional<LogObjectName> ReadLogObjectName(std::string_view name) {
  static constexpr size_t kDigits = 20;
  if (name.size() < kDigits || name[0] == '-') return std::nullopt;
  LogObjectName read{.version = 0, .rest = name.substr(kDigits)};
  const char* end = name.data() + kDigits;
  const auto parsed = std::from_chars(name.data(), end, read.version);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return read;
}

std::string CommitName(int64_t version) { return fmt::format("{:020}.json", version); }

std::string PhysicalName(const arrow::Field& field) {
  if (!field.HasMetadata()) return field.name();
  return field.metadata()->Get("delta.columnMapping.physicalName").ValueOr(field.name());
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/write_layout.h"

#include <charconv>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"

namespace weir {

namespace {

using Properties = std::map<std::string, std::string>;

/// A whole number, with a unit of bytes if `bytes`; -1 for anything else.
int64_t NumberOf(const std::string& text, bool bytes) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return -1;
  std::string unit = AsciiLowerCase(TrimAscii(std::string_view(at, static_cast<size_t>(end - at))));
  if (unit.empty()) return number;
  if (!bytes) return -1;
  if (unit.ends_with('b')) unit.pop_back();
  for (const auto& [name, shift] : {std::pair{"", 0}, {"k", 10}, {"m", 20}, {"g", 30}}) {
    if (unit == name && number <= (std::numeric_limits<int64_t>::max() >> shift))
      return number << shift;
  }
  return -1;
}

Status Wrong(std::string_view wanted, const std::string& key, const std::string& value) {
  return Status::User(StatusCode::kInvalidArgument,
                      "{} is wanted for the property `{}`, found `{}`", wanted, key, value);
}

/// Sets `target` to the number of a property, if it is there.
Status TakeNumber(const Properties& properties, const std::string& key, bool bytes, int64_t least,
                  int64_t& target) {
  const auto found = properties.find(key);
  if (found == properties.end()) return Status::OK();
  const bool is_negative = found->second == "-1" && least < 0;
  const int64_t number = is_negative ? -1 : NumberOf(found->second, bytes);
  if (number < least || (number < 0 && !is_negative)) {
    return Wrong(bytes ? "a number of bytes, such as 134217728 or 128mb," : "a whole number", key,
                 found->second);
  }
  target = number;
  return Status::OK();
}

std::vector<std::string> NamesOf(const Properties& properties, const std::string& key) {
  std::vector<std::string> names;
  const auto found = properties.find(key);
  if (found == properties.end()) return names;
  std::string_view rest = found->second;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view name = TrimAscii(rest.substr(0, comma));
    if (!name.empty()) names.emplace_back(name);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return names;
}

}  // namespace

Result<engine::WriteOptions> WriteOptionsOf(const std::string& table_url,
                                            const std::vector<std::string>& partition_columns,
                                            const Properties& properties) {
  engine::WriteOptions options;
  options.root_url = table_url;
  options.partition_columns = partition_columns;
  WEIR_RETURN_NOT_OK(TakeNumber(properties, "delta.targetFileSize", /*bytes=*/true, 1,
                                options.target_file_size_bytes));
  int64_t statistics = options.statistics_columns;
  WEIR_RETURN_NOT_OK(
      TakeNumber(properties, "delta.dataSkippingNumIndexedCols", /*bytes=*/false, -1, statistics));
  constexpr int64_t kAllColumns = std::numeric_limits<int32_t>::max();
  options.statistics_columns =
      static_cast<int>(statistics < 0 ? kAllColumns : std::min(statistics, kAllColumns));
  WEIR_RETURN_NOT_OK(
      TakeNumber(properties, "weir.row_group_rows", /*bytes=*/false, 1, options.row_group_rows));
  options.bloom_filter_columns = NamesOf(properties, kBloomFilterColumns);
  options.plain_columns = NamesOf(properties, kPlainColumns);
  if (const auto found = properties.find("weir.compression"); found != properties.end())
    options.compression = found->second;
  const auto feed = properties.find(kChangeFeed);
  if (feed != properties.end() && feed->second != "files" && feed->second != kDifference)
    return Wrong("'files' or 'difference'", feed->first, feed->second);
  return options;
}

std::string ToJson(const engine::WriteOptions& options,
                   const std::vector<std::string>& sort_columns) {
  nlohmann::ordered_json json = {{"target_file_size", options.target_file_size_bytes},
                                 {"compression", options.compression},
                                 {"statistics_columns", options.statistics_columns}};
  if (options.row_group_rows > 0) json["row_group_rows"] = options.row_group_rows;
  for (const auto& [key, names] : {std::pair{"sort_columns", &sort_columns},
                                   {"bloom_filter_columns", &options.bloom_filter_columns},
                                   {"plain_columns", &options.plain_columns}}) {
    if (!names->empty()) json[key] = *names;
  }
  return JsonText(json);
}

bool WantsDifference(const Properties& properties) {
  const auto is = [&](const char* key, const char* value) {
    const auto found = properties.find(key);
    return found != properties.end() && found->second == value;
  };
  return is("delta.enableChangeDataFeed", "true") && is(kChangeFeed, kDifference);
}

int64_t CheckpointIntervalOf(const Properties& properties) {
  constexpr int64_t kDefault = 10;
  const auto found = properties.find("delta.checkpointInterval");
  const int64_t commits = found == properties.end() ? -1 : NumberOf(found->second, /*bytes=*/false);
  return commits >= 0 ? commits : kDefault;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/log_actions.h"

#include <random>

#include <fmt/format.h>

namespace weir {

namespace {

LogJson PartitionValuesJson(const DataFile& file) {
  LogJson values = LogJson::object();
  for (const auto& [column, value] : file.partition_values)
    values[column] = value ? LogJson(*value) : LogJson(nullptr);
  return values;
}

LogJson VectorJson(const DeletionVector& vector) {
  LogJson json = {{"storageType", vector.storage_type}, {"pathOrInlineDv", vector.path_or_inline}};
  if (vector.offset >= 0) json["offset"] = vector.offset;
  json["sizeInBytes"] = vector.size_bytes;
  json["cardinality"] = vector.cardinality;
  return json;
}

/// The end of `file://` and the like; 0 for a path in the table.
size_t SchemeEnd(std::string_view path) {
  const size_t end = path.find("://");
  if (end == std::string_view::npos || end == 0) return 0;
  for (const char c : path.substr(0, end)) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '-' || c == '.';
    if (!fits) return 0;
  }
  return end + 3;
}

}  // namespace

std::string EncodedLogPath(const std::string& path) {
  const size_t begin = SchemeEnd(path);
  std::string encoded = path.substr(0, begin);
  for (unsigned char c : path.substr(begin)) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (plain || std::string_view("-._~/=!$&'()*+,;@").find(static_cast<char>(c)) !=
                     std::string_view::npos) {
      encoded += static_cast<char>(c);
    } else {
      encoded += fmt::format("%{:02X}", c);
    }
  }
  return encoded;
}

std::string NewTableId() {
  std::random_device random;
  std::string hex;
  for (int i = 0; i < 4; ++i) hex += fmt::format("{:08x}", random());
  hex[12] = '4';
  hex[16] = "89ab"[random() % 4];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

LogJson AddAction(const DataFile& file, bool changes_data) {
  LogJson add = {{"path", EncodedLogPath(file.path)},
                 {"partitionValues", PartitionValuesJson(file)},
                 {"size", file.size_bytes},
                 {"modificationTime", file.modified_ms},
                 {"dataChange", changes_data}};
  if (!file.statistics.empty()) add["stats"] = file.statistics;
  if (!file.deletion_vector.storage_type.empty())
    add["deletionVector"] = VectorJson(file.deletion_vector);
  return {{"add", add}};
}

LogJson RemoveAction(const DataFile& file, int64_t timestamp_ms, bool changes_data) {
  LogJson remove = {{"path", EncodedLogPath(file.path)},
                    {"deletionTimestamp", timestamp_ms},
                    {"dataChange", changes_data},
                    {"extendedFileMetadata", true},
                    {"partitionValues", PartitionValuesJson(file)},
                    {"size", file.size_bytes}};
  if (!file.deletion_vector.storage_type.empty())
    remove["deletionVector"] = VectorJson(file.deletion_vector);
  return {{"remove", remove}};
}

LogJson ChangeAction(const DataFile& file) {
  return {{"cdc",
           {{"path", EncodedLogPath(file.path)},
            {"partitionValues", PartitionValuesJson(file)},
            {"size", file.size_bytes},
            {"dataChange", false}}}};
}

std::string VectorFileName(const DeletionVector& vector) {
  static constexpr std::string_view kDigits =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  if (vector.storage_type != "u" || vector.path_or_inline.size() != 20) return {};
  std::string hex;
  for (size_t i = 0; i < 20; i += 5) {
    uint64_t number = 0;
    for (const char c : vector.path_or_inline.substr(i, 5)) {
      const size_t digit = kDigits.find(c);
      if (digit == std::string_view::npos) return {};
      number = number * 85 + digit;
    }
    hex += fmt::format("{:08x}", static_cast<uint32_t>(number));
  }
  return fmt::format("deletion_vector_{}-{}-{}-{}-{}.bin", hex.substr(0, 8), hex.substr(8, 4),
                     hex.substr(12, 4), hex.substr(16, 4), hex.substr(20));
}

std::vector<std::string> FeaturesOf(const LogJson& protocol, const char* key) {
  std::vector<std::string> features;
  if (!protocol.is_object() || !protocol.contains(key) || !protocol[key].is_array())
    return features;
  for (const LogJson& feature : protocol[key]) {
    if (feature.is_string()) features.push_back(feature.get<std::string>());
  }
  return features;
}

std::string TextOf(const LogJson& action, const char* key) {
  return action.is_object() && action.contains(key) && action[key].is_string()
             ? action[key].get<std::string>()
             : "";
}

int64_t IntegerOf(const LogJson& action, const char* key) {
  return action.is_object() && action.contains(key) && action[key].is_number_integer()
             ? action[key].get<int64_t>()
             : -1;
}

bool ChangesData(const LogJson& action, const char* kind) {
  if (!action.is_object() || !action.contains(kind) || !action[kind].is_object()) return false;
  const LogJson& file = action[kind];
  return !file.contains("dataChange") || file["dataChange"] != LogJson(false);
}

}  // namespace weir

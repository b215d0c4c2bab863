// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/table_features.h"

#include <algorithm>
#include <set>

#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"
#include "weir/delta/log_actions.h"

namespace weir {

namespace {

constexpr int64_t kFeatureReader = 3;
constexpr int64_t kFeatureWriter = 7;

/// Features that older writer versions mean without naming them, by the version that brought them.
const std::vector<std::pair<int64_t, std::string_view>>& LegacyFeatures() {
  static const std::vector<std::pair<int64_t, std::string_view>> features = {
      {2, "appendOnly"},       {2, "invariants"},    {3, "checkConstraints"}, {4, "changeDataFeed"},
      {4, "generatedColumns"}, {5, "columnMapping"}, {6, "identityColumns"}};
  return features;
}

/// Features that readers must know too.
bool IsReaderFeature(std::string_view name) {
  static const std::set<std::string_view> features = {
      "catalogManaged", "columnMapping", "deletionVectors",     "timestampNtz",
      "typeWidening",   "v2Checkpoint",  "vacuumProtocolCheck", "variantType"};
  return features.contains(name);
}

LogJson Parsed(const std::string& text) { return LogJson::parse(text, nullptr, false); }

std::string PropertyOf(const LogJson& metadata, const char* key) {
  return metadata.is_object() && metadata.contains("configuration")
             ? AsciiLowerCase(TextOf(metadata["configuration"], key))
             : "";
}

/// Whether a table that may have the feature by its version, or by its name, uses it.
bool IsInUse(std::string_view feature, const LogJson& metadata) {
  if (feature == "columnMapping") {
    const std::string mode = PropertyOf(metadata, "delta.columnMapping.mode");
    return !mode.empty() && mode != "none";
  }
  if (feature == "inCommitTimestamp")
    return PropertyOf(metadata, "delta.enableInCommitTimestamps") == "true";
  if (feature == "identityColumns")
    return TextOf(metadata, "schemaString").find("delta.identity.") != std::string::npos;
  if (feature.starts_with("variant"))
    return TextOf(metadata, "schemaString").find("\"variant\"") != std::string::npos;
  if (feature == "allowColumnDefaults")
    return TextOf(metadata, "schemaString").find("CURRENT_DEFAULT") != std::string::npos;
  return true;
}

std::vector<std::string> FeaturesInUse(const LogJson& protocol, const LogJson& metadata) {
  const int64_t version = IntegerOf(protocol, "minWriterVersion");
  std::vector<std::string> names = FeaturesOf(protocol, "writerFeatures");
  if (version < kFeatureWriter) {
    for (const auto& [since, name] : LegacyFeatures()) {
      if (version >= since) names.emplace_back(name);
    }
  }
  std::erase_if(names, [&](const std::string& name) { return !IsInUse(name, metadata); });
  return names;
}

}  // namespace

const std::vector<TableFeature>& TableFeatures() {
  static const std::vector<TableFeature> features = {
      {"allowColumnDefaults", false}, {"appendOnly", true},       {"catalogManaged", false},
      {"changeDataFeed", true},       {"checkConstraints", true}, {"checkpointProtection", true},
      {"clustering", false},          {"columnMapping", false},   {"deletionVectors", true},
      {"domainMetadata", true},       {"generatedColumns", true}, {"icebergCompatV1", false},
      {"icebergCompatV2", false},     {"identityColumns", false}, {"inCommitTimestamp", false},
      {"invariants", true},           {"rowTracking", false},     {"timestampNtz", true},
      {"typeWidening", true},         {"v2Checkpoint", true},     {"vacuumProtocolCheck", true},
      {"variantType", false},
  };
  return features;
}

Status CheckWritable(const std::string& protocol, const std::string& metadata,
                     const std::string& table) {
  const LogJson parsed = Parsed(protocol), of_table = Parsed(metadata);
  const int64_t version = IntegerOf(parsed, "minWriterVersion");
  if (version > kFeatureWriter) {
    return Status::Environment(
        StatusCode::kUnsupported,
        "a table that Weir can write is wanted, found the writer version {}: "
        "`{}`",
        version, table);
  }
  for (const std::string& name : FeaturesInUse(parsed, of_table)) {
    const auto& known = TableFeatures();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const TableFeature& each) { return each.name == name; });
    if (found != known.end() && found->is_written) continue;
    return Status::Environment(StatusCode::kUnsupported,
                               "a table that Weir can write is wanted, found one with the table "
                               "feature `{}`: `{}`",
                               name, table)
        .WithHint("nothing was touched; write it with the program that it belongs to");
  }
  return Status::OK();
}

std::string UpgradedProtocol(const std::string& protocol,
                             const std::vector<std::string>& features) {
  const LogJson found = protocol.empty() ? LogJson{{"minReaderVersion", 1}, {"minWriterVersion", 2}}
                                         : Parsed(protocol);
  int64_t reader = IntegerOf(found, "minReaderVersion"),
          writer = IntegerOf(found, "minWriterVersion");
  std::set<std::string> of_readers, of_writers;
  for (const std::string& name : FeaturesOf(found, "readerFeatures")) of_readers.insert(name);
  for (const std::string& name : FeaturesOf(found, "writerFeatures")) of_writers.insert(name);
  const auto legacy = [](const std::string& name) -> int64_t {
    for (const auto& [since, feature] : LegacyFeatures()) {
      if (feature == name) return since;
    }
    return kFeatureWriter;
  };
  int64_t needed = writer;
  for (const std::string& name : features) {
    if (writer >= kFeatureWriter ? !of_writers.contains(name) : writer < legacy(name))
      needed = std::max(needed, writer >= kFeatureWriter ? kFeatureWriter : legacy(name));
  }
  const bool all_named = writer >= kFeatureWriter &&
                         std::all_of(features.begin(), features.end(),
                                     [&](const auto& name) { return of_writers.contains(name); });
  if (!protocol.empty() && (all_named || (writer < kFeatureWriter && needed == writer))) return "";
  if (needed < kFeatureWriter) {
    return JsonText(
        LogJson{{"protocol", {{"minReaderVersion", reader}, {"minWriterVersion", needed}}}});
  }
  // What the old version meant is named now.
  if (writer < kFeatureWriter) {
    for (const auto& [since, name] : LegacyFeatures()) {
      if (writer >= since) of_writers.emplace(name);
      if (writer >= since && IsReaderFeature(name) && reader >= 2) of_readers.emplace(name);
    }
  }
  for (const std::string& name : features) {
    of_writers.insert(name);
    if (IsReaderFeature(name)) of_readers.insert(name);
  }
  if (!of_readers.empty()) reader = kFeatureReader;
  LogJson action = {{"minReaderVersion", reader}, {"minWriterVersion", kFeatureWriter}};
  if (reader == kFeatureReader) action["readerFeatures"] = of_readers;
  action["writerFeatures"] = of_writers;
  return JsonText(LogJson{{"protocol", action}});
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/source_stamp.h"

#include <fmt/format.h>

#include "weir/base/fingerprint.h"

namespace weir {

std::string SourceStamp(const SourceDefinition& source, int64_t now_ns) {
  if (source.uri.find("://") != std::string::npos) return {};
  const std::string path =
      source.format == SourceFormat::kDelta ? source.uri + "/_delta_log" : source.uri;
  const auto own = StampOf(path);
  if (!own || !IsSettled(*own, now_ns)) return {};
  std::string text = ToText(*own);
  if (source.format != SourceFormat::kDelta) {
    for (const StampedFile& file : StampFiles(path).files) {
      if (!IsSettled(file.stamp, now_ns)) return {};
      text += fmt::format("\n{} {}", file.path, ToText(file.stamp));
    }
  }
  return Blake2bHex128(text);
}

std::string SourceDefinitionHash(const SourceDefinition& source) {
  FingerprintBuilder builder;
  builder.Add("ddl", source.ddl).Add("uri", source.uri).Add("dialect", source.dialect);
  for (const auto& [key, value] : source.options) builder.Add("option", key).Add("value", value);
  if (source.version) builder.Add("version", *source.version);
  if (source.timestamp) builder.Add("timestamp", *source.timestamp);
  if (source.change_feed) builder.Add("change_feed", source.first_version);
  return builder.Finish().ToString();
}

std::string ToText(const FileStamp& stamp) {
  return fmt::format("{} {} {} {}", stamp.size, stamp.modified_ns, stamp.changed_ns, stamp.inode);
}

}  // namespace weir

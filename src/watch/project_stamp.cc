// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/project_stamp.h"

#include <limits>

#include <fmt/format.h>

#include "weir/base/file_stamp.h"
#include "weir/base/fingerprint.h"
#include "weir/catalog/source_stamp.h"

namespace weir {

namespace {

bool IsRemote(const SourceDefinition& source) {
  return source.uri.find("://") != std::string::npos;
}

}  // namespace

std::string ProjectStamp(const std::string& root, const std::vector<SourceDefinition>& sources) {
  // Stamps are compared with each other, not with contents: that a file changed within a tick of
  // the file system's clock before matters only if it changes again within the same tick.
  static constexpr int64_t kAlwaysSettled = std::numeric_limits<int64_t>::max();
  FingerprintBuilder builder;
  if (const auto toml = StampOf(root + "/weir.toml")) builder.Add("weir.toml", ToText(*toml));
  for (const char* folder : {"sources", "functions", "views"}) {
    for (const StampedFile& file : StampFiles(fmt::format("{}/{}", root, folder)).files) {
      if (IsSqlFile(file.path))
        builder.Add(fmt::format("{}/{}", folder, file.path), ToText(file.stamp));
    }
  }
  for (const SourceDefinition& source : sources) {
    if (!IsRemote(source))
      builder.Add("source", source.name).Add("files", SourceStamp(source, kAlwaysSettled));
  }
  return builder.Finish().ToString();
}

std::vector<std::string> SourcesWithoutStamp(const std::vector<SourceDefinition>& sources) {
  std::vector<std::string> names;
  for (const SourceDefinition& source : sources) {
    if (IsRemote(source)) names.push_back(source.name);
  }
  return names;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// What the name of a file says of its contents. In: names. Out: formats and reading options.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "weir/project/project_definition.h"

namespace weir {

/// How a file is read whose name ends so.
struct NamedFormat {
  SourceFormat format = SourceFormat::kCsv;
  std::map<std::string, std::string> options;
  /// `.json`: records of one line each, or one array of them.
  bool may_be_array = false;

  bool operator==(const NamedFormat&) const = default;
};

/// Of `orders.csv.gz`: CSV with `compression`. Case does not count. nullopt: the name says nothing.
std::optional<NamedFormat> FormatOfName(std::string_view name);

/// "gzip" of `orders.csv.gz` and of `orders.gz`; empty: it is not compressed.
std::string CompressionOfName(std::string_view name);

/// The endings that FormatOfName knows, for messages.
std::string KnownEndings();

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/project/project_definition.h"

namespace weir {

std::string_view ToString(SourceFormat format) {
  switch (format) {
    case SourceFormat::kDelta:
      return "delta";
    case SourceFormat::kParquet:
      return "parquet";
    case SourceFormat::kCsv:
      return "csv";
    case SourceFormat::kNdjson:
      return "ndjson";
  }
  return "parquet";
}

}  // namespace weir

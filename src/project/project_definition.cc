// SPDX-License-Identifier: Apache-2.0

#include "weir/project/project_definition.h"

namespace weir {

std::string_view ToString(ViolationAction action) {
  switch (action) {
    case ViolationAction::kWarn:
      return "warn";
    case ViolationAction::kDropRow:
      return "drop row";
    case ViolationAction::kFailUpdate:
      return "fail update";
  }
  return "warn";
}

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

std::string_view ToString(StatementKind kind) {
  switch (kind) {
    case StatementKind::kQuery:
      return "query";
    case StatementKind::kSet:
      return "set";
    case StatementKind::kDdl:
      return "ddl";
    case StatementKind::kDml:
      return "dml";
  }
  return "query";
}

}  // namespace weir

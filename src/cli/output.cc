// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/output.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <set>

#include <arrow/api.h>

#include "weir/base/json_text.h"
#include "weir/base/text_width.h"
#include "weir/base/utf8_text.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

Json FloatJson(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

constexpr int64_t kMaxExactInteger = int64_t{1} << 53;

Json ValueJson(const arrow::Array& array, int64_t row);

Json ListJson(const arrow::Array& values, int64_t begin, int64_t end) {
  Json list = Json::array();
  for (int64_t i = begin; i < end; ++i) list.push_back(ValueJson(values, i));
  return list;
}

bool IsText(arrow::Type::type type) {
  return type == arrow::Type::STRING || type == arrow::Type::LARGE_STRING ||
         type == arrow::Type::STRING_VIEW;
}

/// Maps whose keys are texts as objects, others as lists of entries.
Json MapJson(const arrow::MapArray& map, int64_t row) {
  const bool has_text_keys = IsText(map.keys()->type_id());
  Json entries = has_text_keys ? Json::object() : Json::array();
  for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    Json value = ValueJson(*map.items(), i);
    if (has_text_keys) {
      entries[ValueText(*map.keys(), i)] = std::move(value);
    } else {
      entries.push_back({{"key", ValueJson(*map.keys(), i)}, {"value", std::move(value)}});
    }
  }
  return entries;
}

Json IntegerJson(int64_t value) {
  if (value > kMaxExactInteger || value < -kMaxExactInteger) return fmt::format("{}", value);
  return value;
}

Json ValueJson(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::NA:
      return nullptr;
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case arrow::Type::INT8:
      return static_cast<const arrow::Int8Array&>(array).Value(row);
    case arrow::Type::INT16:
      return static_cast<const arrow::Int16Array&>(array).Value(row);
    case arrow::Type::INT32:
      return static_cast<const arrow::Int32Array&>(array).Value(row);
    case arrow::Type::INT64:
      return IntegerJson(static_cast<const arrow::Int64Array&>(array).Value(row));
    case arrow::Type::UINT8:
      return static_cast<const arrow::UInt8Array&>(array).Value(row);
    case arrow::Type::UINT16:
      return static_cast<const arrow::UInt16Array&>(array).Value(row);
    case arrow::Type::UINT32:
      return static_cast<const arrow::UInt32Array&>(array).Value(row);
    case arrow::Type::UINT64: {
      const uint64_t value = static_cast<const arrow::UInt64Array&>(array).Value(row);
      if (value > static_cast<uint64_t>(kMaxExactInteger)) return fmt::format("{}", value);
      return value;
    }
    case arrow::Type::FLOAT:
      return FloatJson(
          static_cast<double>(static_cast<const arrow::FloatArray&>(array).Value(row)));
    case arrow::Type::DOUBLE:
      return FloatJson(static_cast<const arrow::DoubleArray&>(array).Value(row));
    case arrow::Type::LIST: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      return ListJson(*list.values(), list.value_offset(row), list.value_offset(row + 1));
    }
    case arrow::Type::LARGE_LIST: {
      const auto& list = static_cast<const arrow::LargeListArray&>(array);
      return ListJson(*list.values(), list.value_offset(row), list.value_offset(row + 1));
    }
    case arrow::Type::FIXED_SIZE_LIST: {
      const auto& list = static_cast<const arrow::FixedSizeListArray&>(array);
      return ListJson(*list.values(), list.value_offset(row), list.value_offset(row + 1));
    }
    case arrow::Type::MAP:
      return MapJson(static_cast<const arrow::MapArray&>(array), row);
    case arrow::Type::STRUCT: {
      const auto& value = static_cast<const arrow::StructArray&>(array);
      Json object = Json::object();
      for (int i = 0; i < value.num_fields(); ++i) {
        object[value.struct_type()->field(i)->name()] = ValueJson(*value.field(i), row);
      }
      return object;
    }
    default:
      return ValueText(array, row);
  }
}

/// Texts as they are, bytes as hex digits, others as the engine shows them.
std::string ScalarText(const arrow::Scalar& scalar) {
  if (!scalar.is_valid) return "NULL";
  switch (scalar.type->id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return std::string(static_cast<const arrow::BaseBinaryScalar&>(scalar).view());
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return HexText(static_cast<const arrow::BaseBinaryScalar&>(scalar).view());
    case arrow::Type::DICTIONARY: {
      const auto value = static_cast<const arrow::DictionaryScalar&>(scalar).GetEncodedValue();
      return value.ok() ? ScalarText(**value) : value.status().ToString();
    }
    default:
      return scalar.ToString();
  }
}

}  // namespace

std::string ValueText(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return "NULL";
  if (array.type_id() == arrow::Type::DOUBLE) {
    return fmt::format("{}", static_cast<const arrow::DoubleArray&>(array).Value(row));
  }
  switch (array.type_id()) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::MAP:
    case arrow::Type::STRUCT:
      return JsonText(ValueJson(array, row));
    default:
      break;
  }
  const auto scalar = array.GetScalar(row);
  return scalar.ok() ? ScalarText(**scalar) : scalar.status().ToString();
}

std::string CellText(const arrow::Array& array, int64_t row) {
  static constexpr size_t kMost = 160;
  std::string text = ValueText(array, row);
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  // The others take two bytes, U+0080 to U+009F: terminals obey them as well.
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if (text[i] == '\xC2' && second >= 0x80 && second < 0xA0) text.replace(i, 2, " ");
  }
  if (text.size() <= kMost) return text;
  size_t end = kMost;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + "…";
}

std::vector<std::string> DistinctNames(const arrow::Schema& schema) {
  std::vector<std::string> names = schema.field_names();
  std::set<std::string> taken(names.begin(), names.end()), seen;
  for (std::string& name : names) {
    if (seen.insert(name).second) continue;
    std::string numbered;
    for (int i = 2; numbered.empty() || taken.contains(numbered); ++i)
      numbered = fmt::format("{}_{}", name, i);
    taken.insert(numbered);
    seen.insert(numbered);
    name = std::move(numbered);
  }
  return names;
}

bool IsNullValue(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return true;
  if (array.type_id() != arrow::Type::DICTIONARY) return false;
  const auto& encoded = static_cast<const arrow::DictionaryArray&>(array);
  return encoded.dictionary()->IsNull(encoded.GetValueIndex(row));
}

bool LooksNumeric(const std::string& text) {
  if (text.empty() || text == "NULL" || text == "…") return true;
  return text.find_first_not_of("0123456789+-.eE") == std::string::npos;
}

std::string RenderTable(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  widths.reserve(header.size());
  std::vector<bool> numeric(header.size(), true);
  for (const std::string& name : header) widths.push_back(TextWidth(name));
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], TextWidth(row[i]));
      numeric[i] = numeric[i] && LooksNumeric(row[i]);
    }
  }
  std::string text;
  const auto append_row = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - TextWidth(row[i]), ' ');
      if (i > 0) line += "  ";
      line += numeric[i] ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  append_row(header);
  std::vector<std::string> rules;
  rules.reserve(widths.size());
  for (size_t width : widths) rules.emplace_back(width, '-');
  append_row(rules);
  for (const auto& row : rows) append_row(row);
  return text;
}

std::string RenderTable(const arrow::Table& table) {
  std::vector<std::string> header;
  for (const auto& field : table.schema()->fields()) header.push_back(field->name());
  std::vector<std::vector<std::string>> rows;
  arrow::TableBatchReader reader(table);
  std::shared_ptr<arrow::RecordBatch> batch;
  while (reader.ReadNext(&batch).ok() && batch) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::vector<std::string> values;
      for (const auto& column : batch->columns()) values.push_back(CellText(*column, row));
      rows.push_back(std::move(values));
    }
  }
  return RenderTable(header, rows);
}

nlohmann::ordered_json RowsToJson(const arrow::RecordBatch& batch) {
  Json rows = Json::array();
  const std::vector<std::string> names = DistinctNames(*batch.schema());
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    Json object = Json::object();
    for (int i = 0; i < batch.num_columns(); ++i)
      object[names[static_cast<size_t>(i)]] = ValueJson(*batch.column(i), row);
    rows.push_back(std::move(object));
  }
  return rows;
}

nlohmann::ordered_json ToJson(const Diagnostic& diagnostic) {
  Json json = {{"code", diagnostic.code},
               {"severity", diagnostic.severity == Severity::kError ? "error" : "warning"},
               {"blame", ToString(diagnostic.blame)},
               {"message", diagnostic.message}};
  if (!diagnostic.hint.empty()) json["hint"] = diagnostic.hint;
  if (!diagnostic.view_name.empty()) json["view_name"] = diagnostic.view_name;
  if (!diagnostic.location.file.empty()) json["file"] = diagnostic.location.file;
  if (diagnostic.location.line > 0) json["line"] = diagnostic.location.line;
  if (diagnostic.location.column > 0) json["column"] = diagnostic.location.column;
  return json;
}

namespace {

/// Whole lines go out at once, so that none is written into another.
void TellOnStderr(const std::string& lines) {
  if (!LogOwnsStderr()) std::cerr << lines << std::flush;
}

void LogProblem(LogLevel level, const Diagnostic& problem) {
  Log(level, problem.message,
      {{"code", problem.code},
       {"blame", ToString(problem.blame)},
       {"view", problem.view_name},
       {"place", ToString(problem.location)},
       {"hint", problem.hint}});
}

}  // namespace

void Tell(const Diagnostic& diagnostic) {
  TellOnStderr(ToText(diagnostic));
  LogProblem(diagnostic.severity == Severity::kError ? LogLevel::kError : LogLevel::kWarn,
             diagnostic);
}

void TellError(const Status& status) {
  std::string text = fmt::format("error: {}\n", status.message());
  if (!status.location().file.empty()) {
    text += fmt::format("  --> {}\n", ToString(status.location()));
  } else if (status.location().line > 0) {
    text += fmt::format("  --> line {}, column {} of the query\n", status.location().line,
                        status.location().column);
  }
  if (!status.hint().empty()) text += fmt::format("  hint: {}\n", status.hint());
  if (status.blame() == Blame::kBug) {
    text += "  This is a bug in Weir; please report it with the following:\n";
    if (!status.cause().empty()) text += "  " + status.cause() + "\n";
  }
  TellOnStderr(text);
  Log(LogLevel::kError, status.message(),
      {{"kind", ToString(status.code())},
       {"blame", ToString(status.blame())},
       {"place", ToString(status.location())},
       {"hint", status.hint()},
       {"cause", status.blame() == Blame::kBug ? status.cause() : std::string()}});
}

void Tell(const std::string& line, std::initializer_list<LogField> fields) {
  TellOnStderr(line + "\n");
  Log(LogLevel::kInfo, line, fields);
}

}  // namespace weir::cli

// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/result_format.h"

#include <functional>
#include <utility>

#include <arrow/api.h>

#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"
#include "weir/cli/output.h"
#include "weir/engine/engine.h"

namespace weir::cli {

namespace {

constexpr std::pair<std::string_view, ResultFormat> kNames[] = {
    {"table", ResultFormat::kTable},     {"json", ResultFormat::kJson},
    {"csv", ResultFormat::kCsv},         {"markdown", ResultFormat::kMarkdown},
    {"parquet", ResultFormat::kParquet},
};

constexpr std::pair<std::string_view, ResultFormat> kEndings[] = {
    {".csv", ResultFormat::kCsv},         {".json", ResultFormat::kJson},
    {".md", ResultFormat::kMarkdown},     {".markdown", ResultFormat::kMarkdown},
    {".parquet", ResultFormat::kParquet}, {".txt", ResultFormat::kTable},
};

using BatchWriter = std::function<void(const arrow::RecordBatch&)>;

Status CheckWritten(const std::ostream& out) {
  if (out.good()) return Status::OK();
  return Status::Environment(StatusCode::kIo, "the result cannot be written to the end");
}

/// Gives each batch to `write`; returns the number of rows.
Result<int64_t> ForEachBatch(arrow::RecordBatchReader& rows, std::ostream& out,
                             const BatchWriter& write) {
  int64_t count = 0;
  while (true) {
    auto batch = rows.Next();
    if (!batch.ok()) return engine::FromStreamFailure(batch.status());
    if (!*batch) return count;
    write(**batch);
    WEIR_RETURN_NOT_OK(CheckWritten(out));
    count += (*batch)->num_rows();
  }
}

Result<int64_t> WriteJson(arrow::RecordBatchReader& rows, std::ostream& out) {
  bool first = true;
  WEIR_ASSIGN_OR_RETURN(const int64_t count,
                        ForEachBatch(rows, out, [&](const arrow::RecordBatch& batch) {
                          for (const auto& row : RowsToJson(batch)) {
                            out << (first ? "[\n" : ",\n") << JsonText(row);
                            first = false;
                          }
                        }));
  out << (first ? "[]\n" : "\n]\n");
  return count;
}

std::string CsvField(const std::string& text) {
  if (!text.empty() && text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

Result<int64_t> WriteCsv(arrow::RecordBatchReader& rows, std::ostream& out) {
  std::string line;
  for (const std::string& name : DistinctNames(*rows.schema()))
    line += (line.empty() ? "" : ",") + CsvField(name);
  if (rows.schema()->num_fields() > 0) out << line << "\n";
  return ForEachBatch(rows, out, [&](const arrow::RecordBatch& batch) {
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      line.clear();
      for (int i = 0; i < batch.num_columns(); ++i) {
        if (i > 0) line += ',';
        const arrow::Array& column = *batch.column(i);
        if (!IsNullValue(column, row)) line += CsvField(ValueText(column, row));
      }
      out << line << '\n';
    }
  });
}

/// Within a cell: bars are escaped, and lines do not end.
std::string MarkdownCell(const std::string& text) {
  std::string cell;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '|') {
      cell += "\\|";
    } else if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      continue;
    } else if (c == '\n' || c == '\r') {
      cell += "<br>";
    } else {
      cell += c;
    }
  }
  return cell;
}

Result<int64_t> WriteMarkdown(arrow::RecordBatchReader& rows, std::ostream& out) {
  std::string header = "|", rule = "|";
  for (const auto& field : rows.schema()->fields()) {
    const arrow::Type::type type = field->type()->id();
    const bool is_number = arrow::is_numeric(type) || arrow::is_decimal(type);
    header += " " + MarkdownCell(field->name()) + " |";
    rule += is_number ? " ---: |" : " --- |";
  }
  if (rows.schema()->num_fields() > 0) out << header << "\n" << rule << "\n";
  return ForEachBatch(rows, out, [&](const arrow::RecordBatch& batch) {
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      out << "|";
      for (const auto& column : batch.columns())
        out << " " << MarkdownCell(ValueText(*column, row)) << " |";
      out << "\n";
    }
  });
}

Result<int64_t> WriteTable(arrow::RecordBatchReader& rows, std::ostream& out) {
  auto table = rows.ToTable();
  if (!table.ok()) return engine::FromStreamFailure(table.status());
  out << RenderTable(**table);
  return (*table)->num_rows();
}

Result<int64_t> Write(arrow::RecordBatchReader& rows, ResultFormat format, std::ostream& out) {
  switch (format) {
    case ResultFormat::kTable:
      return WriteTable(rows, out);
    case ResultFormat::kJson:
      return WriteJson(rows, out);
    case ResultFormat::kCsv:
      return WriteCsv(rows, out);
    case ResultFormat::kMarkdown:
      return WriteMarkdown(rows, out);
    case ResultFormat::kParquet:
      break;
  }
  return Status::Bug("the engine writes Parquet");
}

}  // namespace

std::vector<std::string> ResultFormatNames() {
  std::vector<std::string> names;
  for (const auto& [name, format] : kNames) names.emplace_back(name);
  return names;
}

std::optional<ResultFormat> FindResultFormat(std::string_view name) {
  for (const auto& [known, format] : kNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

std::optional<ResultFormat> ResultFormatOfFile(std::string_view path) {
  const std::string lower = AsciiLowerCase(path);
  for (const auto& [ending, format] : kEndings) {
    if (lower.ends_with(ending)) return format;
  }
  return std::nullopt;
}

std::string ResultFileEndings() {
  std::string text;
  for (const auto& [ending, format] : kEndings)
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", ending);
  return text;
}

Result<int64_t> WriteRows(arrow::RecordBatchReader& rows, ResultFormat format, std::ostream& out) {
  auto count = Write(rows, format, out);
  WEIR_RETURN_NOT_OK(count.status());
  out.flush();
  WEIR_RETURN_NOT_OK(CheckWritten(out));
  return count;
}

}  // namespace weir::cli

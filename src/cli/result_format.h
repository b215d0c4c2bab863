// SPDX-License-Identifier: Apache-2.0
//
// The forms in which `weir sql` gives rows. In: a stream of batches. Out: text, written as the rows
// come (but for tables, whose columns are aligned). Parquet files are the engine's to write.

#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace weir::cli {

enum class ResultFormat { kTable, kJson, kCsv, kMarkdown, kParquet };

/// "table", "json", "csv", "markdown" and "parquet".
std::vector<std::string> ResultFormatNames();
std::optional<ResultFormat> FindResultFormat(std::string_view name);

/// The format of a file by the ending of its name: `.json`, `.csv`, `.md`, `.parquet`, `.txt` …
std::optional<ResultFormat> ResultFormatOfFile(std::string_view path);
/// Those endings, for messages.
std::string ResultFileEndings();

/// Writes all rows; returns how many. What was written before a failure does not end as JSON ends.
/// CSV is as RFC 4180 has it, with `\n`: NULL is empty, an empty text `""`, nested values are JSON.
/// REQUIRES: `format` is not kParquet
Result<int64_t> WriteRows(arrow::RecordBatchReader& rows, ResultFormat format, std::ostream& out);

}  // namespace weir::cli

// SPDX-License-Identifier: Apache-2.0
//
// How results, diagnostics and progress look. Results go to stdout, everything else to stderr.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <nlohmann/json.hpp>

#include "weir/base/diagnostic.h"
#include "weir/base/human_numbers.h"

namespace weir::cli {

enum class Format { kTable, kJson };

/// Rows of text below a header, in aligned columns; numbers stand right.
std::string RenderTable(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows);

/// The same of Arrow batches; long values are cut.
std::string RenderTable(const arrow::Table& table);

/// One JSON object a row. Integers beyond 2^53, decimals, times and binary values are texts; NaN
/// and infinities are texts too.
nlohmann::ordered_json RowsToJson(const arrow::RecordBatch& batch);

/// One value as text, as the table form shows it; NULL is "NULL".
std::string ValueText(const arrow::Array& array, int64_t row);

/// As ValueText, for a cell of a table: long values are cut, lines joined and control characters
/// left blank, so that tables stay tables; JSON has them whole.
std::string CellText(const arrow::Array& array, int64_t row);

/// Whether a value is NULL, in a dictionary too.
bool IsNullValue(const arrow::Array& array, int64_t row);

/// Whether a cell stands right.
bool LooksNumeric(const std::string& text);

/// Names that are each once: the second `id` is `id_2`.
std::vector<std::string> DistinctNames(const arrow::Schema& schema);

nlohmann::ordered_json ToJson(const Diagnostic& diagnostic);

}  // namespace weir::cli

// SPDX-License-Identifier: Apache-2.0
//
// How results, diagnostics and progress look. Results go to stdout, everything else to stderr, and
// what is said there to the log, too; to the log alone where that has stderr for itself.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <nlohmann/json.hpp>

#include "weir/base/diagnostic.h"
#include "weir/base/human_numbers.h"
#include "weir/base/log.h"

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

/// Says one diagnostic.
void Tell(const Diagnostic& diagnostic);

/// Says why a command ends: `error: message`, with place and hint.
void TellError(const Status& status);

/// Says a line about progress; `line` is without its end. `fields` are for the log.
void Tell(const std::string& line, std::initializer_list<LogField> fields = {});

}  // namespace weir::cli

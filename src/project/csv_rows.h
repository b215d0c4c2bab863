// SPDX-License-Identifier: Apache-2.0
//
// CSV inside a test: a header with the columns, then rows. In: text and where it begins in its
// file. Out: rows with the place of each field.

#pragma once

#include <string>
#include <string_view>

#include "weir/base/diagnostic.h"
#include "weir/project/project_definition.h"

namespace weir {

/// Fields are separated by commas; blanks around them and lines of blanks mean nothing. A field in
/// double quotes keeps its blanks, commas, line breaks, and `""` for `"`. An empty field without
/// quotes is NULL. Fills the columns and rows of `into`; false, with a report (W1406), if a quote
/// has no end or there is no header.
bool ParseCsvRows(std::string_view text, const SourceLocation& begin, GivenRows& into,
                  Diagnostics& diagnostics);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// Texts and names as standard SQL writes them. For SQL that Weir itself writes; what users wrote
// goes by its dialect (`project/dialect.h`).

#pragma once

#include <string>
#include <string_view>

namespace weir {

/// A string: 'it''s'.
std::string QuotedSqlText(std::string_view text);
/// A name, which then keeps its case: "a ""b""".
std::string QuotedSqlName(std::string_view name);

}  // namespace weir

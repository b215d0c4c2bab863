// SPDX-License-Identifier: Apache-2.0
//
// JSON as text. The only place that has the library write: left to itself it throws at bytes that
// are no UTF-8, which literals of views, names of files and contents of data may all hold.

#pragma once

#include <string>

namespace weir {

/// `json` (nlohmann's, ordered or not) on one line, or indented by `indent` blanks a level. Bytes
/// that are no UTF-8 become U+FFFD. Where they matter, whoever makes the JSON writes them as hex
/// digits.
template <typename Json>
std::string JsonText(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace weir

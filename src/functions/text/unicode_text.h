// SPDX-License-Identifier: Apache-2.0
//
// What Unicode says about texts: normal forms, case, white space. The tables are ICU's. Private to
// the room.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
/// The form of that name, in any case.
std::optional<NormalForm> FindNormalForm(std::string_view name);

/// Whether every byte is below 0x80.
bool IsAscii(std::string_view text);

/// Without white space (Unicode property White_Space) at both ends.
std::string_view TrimUnicode(std::string_view text);

/// Writes each run of white space of `text` as one space.
void CollapseWhiteSpace(std::string_view text, std::string* out);

// The functions below replace `out`. They fail with kInvalidArgument on bytes that are no UTF-8.

/// Writes `text` in a normal form.
Status Normalize(std::string_view text, NormalForm form, std::string* out);
/// Writes `text` with full case folding, for comparing without case.
Status FoldCase(std::string_view text, std::string* out);
/// Writes `text` in lower case, of no language in particular.
Status ToLowerUnicode(std::string_view text, std::string* out);
/// Writes `text` in upper case, of no language in particular.
Status ToUpperUnicode(std::string_view text, std::string* out);

/// "15.0": the Unicode version of the tables.
std::string UnicodeVersion();

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// How many columns of a terminal a text takes. In: UTF-8. Out: columns, and texts cut to them. The
// tables are ICU's: wide characters of East Asia and emoji take two, combining characters none.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

/// Columns of `text`, in which each byte that is no UTF-8 counts one. REQUIRES: no control
/// characters; they are counted as nothing
size_t TextWidth(std::string_view text);

/// `text` if it takes at most `width` columns, else its beginning and `…`, together at most
/// `width`. Never cuts within a character and what combines with it.
std::string CutToWidth(std::string_view text, size_t width);

}  // namespace weir

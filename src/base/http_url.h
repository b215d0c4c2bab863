// SPDX-License-Identifier: Apache-2.0
//
// What requests of HTTP can be made of: URLs and headers. In: texts of users. Out: whether they can
// be taken, before anything is sent.

#pragma once

#include <string>

namespace weir {

/// Whether a text is `http://host[:port][/path][?query]`, or the same with `https://`: no user
/// before the host, nothing that cannot stand on the line of a request. `[…]` for addresses of
/// IPv6.
bool IsHttpUrl(const std::string& url);

/// Whether a text can be the name of a header.
bool IsHeaderName(const std::string& text);

/// Whether a text can be the value of a header: one line without control characters.
bool FitsHeader(const std::string& text);

}  // namespace weir

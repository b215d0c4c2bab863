// SPDX-License-Identifier: Apache-2.0
//
// Sends a text to an HTTP server near by: HTTP/1.1 without encryption, one request a connection.
// In: a URL and a body. Out: whether the server took it.

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "weir/base/status.h"

namespace weir {

/// Whether SendHttpPost takes the URL: `http://`, a host, no user before it, and nothing that
/// cannot stand on a line of a request.
bool IsHttpUrl(const std::string& url);

/// Whether a text can be the value of a header: one line without control characters.
bool FitsHeader(const std::string& text);

struct HttpPost {
  std::string url;  ///< `http://host[:port][/path][?query]`; `[…]` for addresses of IPv6
  std::string content_type;
  std::map<std::string, std::string> headers;  ///< further ones
  std::string body;
  int64_t timeout_ms = 0;  ///< for all of it, finding the host excepted
};

/// Fails with kInvalidArgument where the URL is none of `http`, with kIo where the server is not
/// there, does not answer in time, or answers with another number than 200 to 299; the message
/// names the host, and holds no header.
Status SendHttpPost(const HttpPost& post);

}  // namespace weir

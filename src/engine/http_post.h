// SPDX-License-Identifier: Apache-2.0
//
// Sends a text to an HTTP server, by the client that object stores use. In: a URL and a body. Out:
// whether the server took it.

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "weir/base/status.h"

namespace weir::engine {

struct HttpPost {
  std::string url;  ///< as IsHttpUrl has it
  std::string content_type;
  std::map<std::string, std::string> headers;  ///< further ones; may be secrets
  std::string body;
  int64_t timeout_ms = 0;  ///< for all of it
  /// Of PEM certificates, which alone are trusted; empty: those of the system, or of SSL_CERT_FILE.
  std::string certificate_file = {};
};

/// Fails with kInvalidArgument where the URL, a header or the file of certificates is none, with
/// kIo where the server is not there or not trusted, does not answer in time, or answers with
/// another number than 200 to 299. The message names scheme, host and port, and holds no header.
/// Follows no redirection. Proxies are those of HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
Status SendHttpPost(const HttpPost& post);

}  // namespace weir::engine

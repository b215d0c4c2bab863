// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/http_post.h"

#include <algorithm>

#include "weir/base/http_url.h"
#include "weir/base/secret_names.h"
#include "weir/engine/bridge_error.h"
#include "weir/engine/bridge_values.h"

namespace weir::engine {

namespace {

std::string ShownName(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7f; }, '?');
  return name;
}

}  // namespace

Status SendHttpPost(const HttpPost& post) {
  if (!IsHttpUrl(post.url)) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a URL such as `http://localhost:4318` is wanted, found `{}`",
                        WithoutUserInfo(post.url));
  }
  for (const auto& [name, value] : post.headers) {
    if (!IsHeaderName(name) || !FitsHeader(value)) {
      return Status::User(StatusCode::kInvalidArgument, "the header `{}` does not fit on one line",
                          ShownName(name));
    }
  }
  bridge::HttpPost bridged;
  bridged.url = rust::String::lossy(post.url);
  bridged.content_type = rust::String::lossy(post.content_type);
  bridged.headers = internal::ToKeyValues(post.headers);
  bridged.body = rust::String::lossy(post.body);
  bridged.timeout_ms = static_cast<uint64_t>(post.timeout_ms);
  bridged.certificate_file = rust::String::lossy(post.certificate_file);
  WEIR_RETURN_NOT_OK(internal::Try([] { bridge::start_runtime(0); }));
  const Status sent = internal::Try([&] { bridge::send_http_post(std::move(bridged)); });
  if (sent.message().find("certificate") == std::string::npos || sent.code() != StatusCode::kIo)
    return sent;
  return sent.WithHint(
      "let this machine trust who signed it: SSL_CERT_FILE names a file of certificates");
}

}  // namespace weir::engine

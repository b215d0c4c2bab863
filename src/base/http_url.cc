// SPDX-License-Identifier: Apache-2.0

#include "weir/base/http_url.h"

#include <algorithm>
#include <string_view>

namespace weir {

namespace {

/// Whether a text holds nothing up to `most`, and no DEL.
bool FitsLine(std::string_view text, unsigned char most) {
  return std::none_of(text.begin(), text.end(),
                      [&](unsigned char c) { return c <= most || c == 0x7f; });
}

bool IsPort(std::string_view text) {
  static constexpr size_t kMostDigits = 5;
  return !text.empty() && text.size() <= kMostDigits &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

bool IsHttpUrl(const std::string& url) {
  std::string_view rest = url;
  if (!FitsLine(rest, ' ')) return false;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(std::string_view("http://").size());
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(std::string_view("https://").size());
  } else {
    return false;
  }
  std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  // What stands before an @ would be sent as a name nowhere.
  if (host.find('@') != std::string_view::npos) return false;
  const size_t bracket = host.find(']'), colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    if (!IsPort(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  return !host.empty();
}

bool IsHeaderName(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

bool FitsHeader(const std::string& text) { return FitsLine(text, ' ' - 1); }

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/base/secret_names.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace weir {

bool NamesSecret(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    const unsigned char letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0) {
      words.back() += static_cast<char>(std::tolower(letter));
    } else {
      words.emplace_back();
    }
  }
  for (size_t i = 0; i < words.size(); ++i) {
    for (const char* part : {"secret", "token", "password", "passwd", "passphrase", "credential"}) {
      if (words[i].find(part) != std::string::npos) return true;
    }
    // A key as such, or its bytes; not what merely is about keys, such as `map_key_dedup_policy`.
    const bool is_whole = i + 1 == words.size() || words[i + 1] == "as";
    if (words[i] == "sas" || words[i] == "sig" || (words[i].ends_with("key") && is_whole))
      return true;
  }
  return false;
}

std::string WithoutUserInfo(const std::string& text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const size_t host = scheme + 3;
  const size_t end = std::min(text.find_first_of("/?#", host), text.size());
  const size_t at = text.rfind('@', end);
  if (at == std::string::npos || at < host) return text;
  return text.substr(0, host) + "***" + text.substr(at);
}

std::string WithoutUrlSecrets(const std::string& text) {
  static constexpr std::string_view kBeforeHost = "://";
  std::string shown;
  size_t done = 0;
  for (size_t scheme = text.find(kBeforeHost); scheme != std::string::npos;
       scheme = text.find(kBeforeHost, done)) {
    const std::string_view before = std::string_view(text).substr(0, scheme);
    const size_t host = scheme + kBeforeHost.size();
    const size_t end = std::min(text.find_first_of(" \t\r\n\"'`<>", host), text.size());
    const size_t path = std::min(text.find_first_of("/?#", host), end);
    const size_t query = std::min(text.find('?', host), end);
    const std::string user = text.substr(host, path - host);
    const size_t at = user.rfind('@');
    const bool is_secret =
        at != std::string::npos &&
        (before.ends_with("http") || before.ends_with("https") || user.find(':') < at);
    shown += text.substr(done, host - done);
    if (is_secret) shown += "***";
    shown += text.substr(is_secret ? host + at : host, query - (is_secret ? host + at : host));
    if (query < end) shown += "?***";
    done = end;
  }
  return shown + text.substr(done);
}

}  // namespace weir

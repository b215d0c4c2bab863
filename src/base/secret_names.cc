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

}  // namespace weir

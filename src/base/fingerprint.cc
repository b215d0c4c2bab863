// SPDX-License-Identifier: Apache-2.0

#include "weir/base/fingerprint.h"

#include <algorithm>
#include <array>

#include <blake2.h>

namespace weir {

std::string Blake2bHex128(std::string_view bytes) {
  std::array<uint8_t, 16> digest{};
  blake2b(digest.data(), bytes.data(), nullptr, digest.size(), bytes.size(), 0);
  std::string hex;
  hex.reserve(32);
  for (uint8_t byte : digest) {
    static constexpr char kDigits[] = "0123456789abcdef";
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

Result<Fingerprint> Fingerprint::Parse(std::string_view hex) {
  const bool valid = hex.size() == 32 && std::all_of(hex.begin(), hex.end(), [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                     });
  if (!valid) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a fingerprint has 32 lower-case hex digits, found `{}`", hex);
  }
  Fingerprint fingerprint;
  fingerprint.hex_ = hex;
  return fingerprint;
}

FingerprintBuilder& FingerprintBuilder::Add(std::string_view tag, std::string_view value) {
  input_ += fmt::format("{}:{}:{}", tag.size(), tag, value.size());
  input_ += ':';
  input_ += value;
  const bool printable =
      std::all_of(value.begin(), value.end(), [](unsigned char c) { return c >= 32 || c == '\n'; });
  text_ += fmt::format("{} {} {}\n", tag, value.size(),
                       printable ? std::string(value) : "blake2b:" + Blake2bHex128(value));
  return *this;
}

FingerprintBuilder& FingerprintBuilder::Add(std::string_view tag, int64_t value) {
  return Add(tag, fmt::format("{}", value));
}

Fingerprint FingerprintBuilder::Finish() const {
  Fingerprint fingerprint;
  fingerprint.hex_ = Blake2bHex128(input_);
  return fingerprint;
}

std::string FingerprintBuilder::InputText() const { return text_; }

}  // namespace weir

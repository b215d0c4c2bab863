// SPDX-License-Identifier: Apache-2.0

#include "weir/base/fingerprint.h"

#include <algorithm>

#include "weir/base/blake2b.h"

namespace weir {

std::string Blake2bHex128(std::string_view bytes) {
  const auto hex = HexDigits(Blake2b128(bytes));
  return {hex.data(), hex.size()};
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

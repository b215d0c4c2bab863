// SPDX-License-Identifier: Apache-2.0
//
// Identity of things by their content: a 128-bit BLAKE2b hash over tagged sections, and the text
// that was hashed.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir {

/// A 128-bit hash, printed as 32 lower-case hex digits. The default value (empty) means "none".
class Fingerprint {
 public:
  Fingerprint() = default;
  /// Fails unless `hex` is 32 lower-case hex digits.
  static Result<Fingerprint> Parse(std::string_view hex);

  bool empty() const { return hex_.empty(); }
  const std::string& ToString() const { return hex_; }
  auto operator<=>(const Fingerprint&) const = default;

 private:
  friend class FingerprintBuilder;
  std::string hex_;
};

/// Hashes tagged sections. Tags and lengths are hashed with the values, so that no two different
/// sequences of sections give the same input. Keeps the hashed input as readable text for `weir
/// explain --fingerprint`. Not safe for use from several threads at once.
class FingerprintBuilder {
 public:
  /// Appends one section. `tag` is a short constant name such as "plan"; `value` any bytes.
  FingerprintBuilder& Add(std::string_view tag, std::string_view value);
  FingerprintBuilder& Add(std::string_view tag, int64_t value);

  Fingerprint Finish() const;
  /// One line a section, `tag length value`; values that are not printable stand as the hex of
  /// their own hash.
  std::string InputText() const;

 private:
  std::string input_;
  std::string text_;
};

/// BLAKE2b of `bytes` with an output of 16 bytes, as 32 hex digits.
std::string Blake2bHex128(std::string_view bytes);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/text/unicode_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "weir/base/ascii_text.h"

namespace weir {
namespace {

/// Fails on the first byte sequence that is no UTF-8: ICU would write U+FFFD in its place.
Status CheckUtf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const int32_t length = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < length;) {
    const int32_t start = i;
    UChar32 c;
    U8_NEXT(bytes, i, length, c);
    if (c < 0) {
      return Status::User(StatusCode::kInvalidArgument,
                          "wanted UTF-8, found byte `0x{:02x}` at offset {}", bytes[start], start);
    }
  }
  return Status::OK();
}

Status CheckSize(std::string_view text) {
  constexpr size_t kLongest = INT32_MAX / 4;
  if (text.size() <= kLongest) return Status::OK();
  return Status::User(StatusCode::kUnsupported,
                      "wanted a text of at most {} bytes, found one of {}", kLongest, text.size());
}

/// Calls `write(piece, sink, error)` of ICU on a checked text.
template <typename Write>
Status WithIcu(std::string_view text, std::string* out, Write write) {
  WEIR_RETURN_NOT_OK(CheckSize(text));
  WEIR_RETURN_NOT_OK(CheckUtf8(text));
  out->clear();
  icu::StringByteSink<std::string> sink(out, static_cast<int32_t>(text.size()));
  UErrorCode error = U_ZERO_ERROR;
  write(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink, error);
  if (U_SUCCESS(error)) return Status::OK();
  return Status::Bug("ICU: {}", u_errorName(error));
}

/// Null only if ICU has lost its data.
const icu::Normalizer2* Normalizer(NormalForm form, UErrorCode& error) {
  switch (form) {
    case NormalForm::kNfc:
      return icu::Normalizer2::getNFCInstance(error);
    case NormalForm::kNfd:
      return icu::Normalizer2::getNFDInstance(error);
    case NormalForm::kNfkc:
      return icu::Normalizer2::getNFKCInstance(error);
    case NormalForm::kNfkd:
      return icu::Normalizer2::getNFKDInstance(error);
  }
  return nullptr;
}

}  // namespace

std::optional<NormalForm> FindNormalForm(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, NormalForm>, 4> kForms = {
      {{"NFC", NormalForm::kNfc},
       {"NFD", NormalForm::kNfd},
       {"NFKC", NormalForm::kNfkc},
       {"NFKD", NormalForm::kNfkd}}};
  for (const auto& [known, form] : kForms) {
    const bool equal = std::equal(
        name.begin(), name.end(), known.begin(), known.end(),
        [](char c, char want) { return (c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) == want; });
    if (equal) return form;
  }
  return std::nullopt;
}

bool IsAscii(std::string_view text) {
  uint64_t high_bits = 0;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= text.size(); i += sizeof(uint64_t)) {
    uint64_t bytes;
    std::memcpy(&bytes, text.data() + i, sizeof(bytes));
    high_bits |= bytes;
  }
  for (; i < text.size(); ++i) high_bits |= static_cast<uint8_t>(text[i]);
  return (high_bits & 0x8080808080808080) == 0;
}

std::string_view TrimUnicode(std::string_view text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const int64_t length = static_cast<int64_t>(text.size());
  int64_t first = 0;
  while (first < length) {
    int64_t next = first;
    UChar32 c;
    U8_NEXT(bytes, next, length, c);
    if (c < 0 || !u_isUWhiteSpace(c)) break;
    first = next;
  }
  text.remove_prefix(static_cast<size_t>(first));
  while (!text.empty()) {
    const std::string_view tail =
        text.substr(text.size() - std::min<size_t>(text.size(), U8_MAX_LENGTH));
    const auto* tail_bytes = reinterpret_cast<const uint8_t*>(tail.data());
    int32_t before = static_cast<int32_t>(tail.size());
    UChar32 c;
    U8_PREV(tail_bytes, 0, before, c);
    if (c < 0 || !u_isUWhiteSpace(c)) break;
    text.remove_suffix(tail.size() - static_cast<size_t>(before));
  }
  return text;
}

void CollapseWhiteSpace(std::string_view text, std::string* out) {
  out->clear();
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const int64_t length = static_cast<int64_t>(text.size());
  bool in_run = false;
  for (int64_t i = 0; i < length;) {
    const int64_t start = i;
    UChar32 c;
    U8_NEXT(bytes, i, length, c);
    const bool is_space =
        c >= 0 && (c < 0x80 ? IsAsciiSpace(static_cast<char>(c)) : u_isUWhiteSpace(c));
    if (!is_space) {
      out->append(text, static_cast<size_t>(start), static_cast<size_t>(i - start));
    } else if (!in_run) {
      *out += ' ';
    }
    in_run = is_space;
  }
}

Status Normalize(std::string_view text, NormalForm form, std::string* out) {
  return WithIcu(text, out, [&](icu::StringPiece piece, icu::ByteSink& sink, UErrorCode& error) {
    const icu::Normalizer2* normalizer = Normalizer(form, error);
    if (U_SUCCESS(error)) normalizer->normalizeUTF8(0, piece, sink, nullptr, error);
  });
}

Status FoldCase(std::string_view text, std::string* out) {
  return WithIcu(text, out, [](icu::StringPiece piece, icu::ByteSink& sink, UErrorCode& error) {
    icu::CaseMap::utf8Fold(U_FOLD_CASE_DEFAULT, piece, sink, nullptr, error);
  });
}

Status ToLowerUnicode(std::string_view text, std::string* out) {
  return WithIcu(text, out, [](icu::StringPiece piece, icu::ByteSink& sink, UErrorCode& error) {
    icu::CaseMap::utf8ToLower("", 0, piece, sink, nullptr, error);
  });
}

Status ToUpperUnicode(std::string_view text, std::string* out) {
  return WithIcu(text, out, [](icu::StringPiece piece, icu::ByteSink& sink, UErrorCode& error) {
    icu::CaseMap::utf8ToUpper("", 0, piece, sink, nullptr, error);
  });
}

std::string UnicodeVersion() {
  UVersionInfo version;
  u_getUnicodeVersion(version);
  return std::to_string(version[0]) + "." + std::to_string(version[1]);
}

}  // namespace weir

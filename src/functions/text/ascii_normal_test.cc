// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/text/ascii_normal.h"

#include <string>

#include "weir/functions/function_testing.h"

namespace weir {
namespace {

using namespace weir::testing;

/// What a text becomes letter by letter; nullopt where the quick way is not for it.
std::optional<std::string> NaiveNormal(const std::string& text, bool casefold, bool collapse_ws) {
  std::string out;
  for (const char c : text) {
    if (static_cast<uint8_t>(c) >= 0x80) return std::nullopt;
    if (collapse_ws && c < ' ') return std::nullopt;
    if (collapse_ws && c == ' ' && !out.empty() && out.back() == ' ') return std::nullopt;
    out += casefold && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return out;
}

TEST(AsciiNormal, AgreesWithLettersOneByOne) {
  Random random(1);
  int quick = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string text(random() % 40, 'a');
    for (char& c : text) {
      const uint64_t kind = random() % 64;
      c = static_cast<char>(kind == 0   ? random() % 256
                            : kind < 10 ? ' '
                                        : '!' + random() % ('~' - '!' + 1));
    }
    const bool casefold = random() % 2 == 0;
    const bool collapse_ws = random() % 2 == 0;
    const auto wanted = NaiveNormal(text, casefold, collapse_ws);
    std::string found(text.size(), '?');
    const auto length = AsciiNormal{casefold, collapse_ws}.Write(text, found.data());
    ASSERT_EQ(length.has_value(), wanted.has_value()) << text;
    if (!wanted) continue;
    ++quick;
    ASSERT_EQ(found, *wanted);
    ASSERT_EQ(*length, text.size());
  }
  EXPECT_GT(quick, 10000);
}

}  // namespace
}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/base/text_between.h"

namespace weir {

std::string TextBetween(std::string_view text, std::string_view open, std::string_view close) {
  const size_t found = text.find(open);
  if (found == std::string_view::npos) return {};
  const size_t begin = found + open.size();
  const size_t end = text.find(close, begin);
  if (end == std::string_view::npos) return {};
  return std::string(text.substr(begin, end - begin));
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_list.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir {

std::vector<engine::Guard> AllGuards() {
  std::vector<engine::Guard> guards = engine::BridgeGuards();
  std::sort(guards.begin(), guards.end(),
            [](const auto& left, const auto& right) { return left.name < right.name; });
  return guards;
}

const std::string& GuardRecipe() {
  static const std::string recipe = [] {
    std::string text;
    for (const engine::Guard& guard : AllGuards())
      text += fmt::format("{}{}@{}", text.empty() ? "" : " ", guard.name, guard.version);
    return text;
  }();
  return recipe;
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/replay/program_drift.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "weir/base/text_diff.h"
#include "weir/engine/engine.h"

namespace weir {

namespace {

/// The words of a list in one setting: guards with their versions.
std::set<std::string> WordsOf(const std::string& text) {
  std::set<std::string> words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) words.insert(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::string Without(const std::set<std::string>& words, const std::set<std::string>& others) {
  std::vector<std::string> left;
  std::ranges::set_difference(words, others, std::back_inserter(left));
  return left.empty() ? "nothing" : fmt::format("`{}`", fmt::join(left, "`, `"));
}

using Texts = std::map<std::string, std::string>;

void Compare(const Texts& before, const Texts& now, std::vector<std::string>& drift) {
  std::set<std::string> names;
  for (const Texts* texts : {&before, &now}) {
    for (const auto& [name, value] : *texts) names.insert(name);
  }
  for (const std::string& name : names) {
    const auto was = before.find(name), is = now.find(name);
    if (was != before.end() && is != now.end()) {
      if (was->second == is->second) continue;
      if (name == "weir.guards") {
        const auto old = WordsOf(was->second), current = WordsOf(is->second);
        drift.push_back(
            fmt::format("guards: {} became {}", Without(old, current), Without(current, old)));
      } else {
        drift.push_back(fmt::format("{} was `{}`, now `{}`", name, was->second, is->second));
      }
    } else {
      drift.push_back(was == before.end()
                          ? fmt::format("{} was not set, now `{}`", name, is->second)
                          : fmt::format("{} was `{}`, now not set", name, was->second));
    }
  }
}

/// The operators of a plan, a name a line.
std::vector<std::string_view> OperatorsOf(std::string_view plan) {
  static constexpr std::string_view kMoving[] = {"RepartitionExec", "CoalescePartitionsExec",
                                                 "SortPreservingMergeExec", "CoalesceBatchesExec"};
  std::vector<std::string_view> names;
  for (std::string_view line : SplitLines(plan)) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::string_view name = line.substr(0, line.find_first_of(":= "));
    if (!name.ends_with("Exec") || std::ranges::find(kMoving, name) != std::end(kMoving)) continue;
    names.push_back(name);
  }
  return names;
}

}  // namespace

std::vector<std::string> ProgramDrift(const RecordedBuild& build, const SessionRuntime& session) {
  std::vector<std::string> drift;
  Compare(build.engine_versions, engine::EngineVersions(), drift);
  Compare(build.settings, session.result_settings(), drift);
  return drift;
}

bool SameOperators(const std::string& before, const std::string& after) {
  return OperatorsOf(before) == OperatorsOf(after);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/unstable_calls.h"

#include <map>
#include <string_view>

namespace weir {

namespace {

struct Advice {
  std::string_view problem;
  std::string_view instead;
  bool is_of_clock = false;
};

constexpr Advice kRandom = {"gives other values in every run",
                            "derive them from columns, for instance with stable_hash64"};
constexpr Advice kClock = {"gives the time of the run that built the view",
                           "take the time from a column, or from a parameter of the project",
                           /*is_of_clock=*/true};
constexpr Advice kPlace = {"gives where a row lies in files, which a compaction changes",
                           "take what tells rows apart from columns"};
constexpr Advice kApproximate = {
    "is merged in the order in which rows arrive; the view runs in one partition, over sorted rows",
    "percentile_cont(…) WITHIN GROUP (ORDER BY …) and median(…) are exact"};

const std::map<std::string_view, Advice> kUnstable = {
    {"input_file_name", kPlace},
    {"file_row_index", kPlace},
    {"random", kRandom},
    {"uuid", kRandom},
    {"now", kClock},
    {"current_date", kClock},
    {"current_time", kClock},
    {"current_timestamp", kClock},
    {"today", kClock},
    {"approx_median", kApproximate},
    {"approx_percentile_cont", kApproximate},
    {"approx_percentile_cont_with_weight", kApproximate},
};

}  // namespace

bool IsOfClock(std::string_view function) {
  const auto advice = kUnstable.find(function);
  return advice != kUnstable.end() && advice->second.is_of_clock;
}

std::vector<UnstableCall> UnstableCallsOf(const LogicalPlan& plan) {
  std::map<std::string, Advice> found;
  for (const UsedFunction& function : CollectFunctions(plan)) {
    const auto advice = kUnstable.find(function.name);
    if (advice != kUnstable.end()) found.emplace(function.name, advice->second);
  }
  std::vector<UnstableCall> calls;
  calls.reserve(found.size());
  for (const auto& [name, advice] : found)
    calls.push_back(
        {name, std::string(advice.problem), std::string(advice.instead), advice.is_of_clock});
  return calls;
}

}  // namespace weir

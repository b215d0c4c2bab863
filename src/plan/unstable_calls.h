// SPDX-License-Identifier: Apache-2.0
//
// Calls in a plan whose result is no function of the rows that it reads, whatever their order.
// In: a plan of any stage. Out: each function once, with what to write instead.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/plan/logical_plan.h"

namespace weir {

struct UnstableCall {
  std::string function;
  std::string problem;       ///< "gives other values in every run"
  std::string instead;       ///< what to do, as a hint says it
  bool is_of_clock = false;  ///< a run has one time, which is recorded and replayed
};

/// Whether a function gives the time: `now`, `current_date` or `current_time`.
bool IsOfClock(std::string_view function);

/// Ordered by function.
std::vector<UnstableCall> UnstableCallsOf(const LogicalPlan& plan);

}  // namespace weir

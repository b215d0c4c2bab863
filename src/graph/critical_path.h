// SPDX-License-Identifier: Apache-2.0
//
// Which views a run waits for in the end. In: the graph and what each view costs. Out: the longest
// way from each view to the end, and the longest of all.

#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "weir/graph/task_graph.h"

namespace weir {

/// Of each view, its own cost and that of the most costly chain of views that read it, in the unit
/// of `costs`. Views without a cost have the mean of those that have one, or 1 where none has. Only
/// `among` these views, if given.
std::map<std::string, double> LongestPaths(const TaskGraph& graph,
                                           const std::map<std::string, double>& costs,
                                           const std::set<std::string>* among = nullptr);

/// The chain of views, in their order, that no number of machines can shorten. Of several that cost
/// the same, the one whose names come first.
std::vector<std::string> CriticalPath(const TaskGraph& graph,
                                      const std::map<std::string, double>& costs);

}  // namespace weir

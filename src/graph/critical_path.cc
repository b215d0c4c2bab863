// SPDX-License-Identifier: Apache-2.0

#include "weir/graph/critical_path.h"

#include <algorithm>

namespace weir {

namespace {

/// The mean of what is known of views of the graph; 1 if nothing is.
double CostOfUnknown(const TaskGraph& graph, const std::map<std::string, double>& costs) {
  double sum = 0;
  int known = 0;
  for (const ViewTask& task : graph.tasks()) {
    const auto cost = costs.find(task.view_name);
    if (cost == costs.end()) continue;
    sum += cost->second;
    ++known;
  }
  return known == 0 ? 1 : sum / known;
}

}  // namespace

std::map<std::string, double> LongestPaths(const TaskGraph& graph,
                                           const std::map<std::string, double>& costs,
                                           const std::set<std::string>* among) {
  const double unknown = CostOfUnknown(graph, costs);
  std::map<std::string, double> paths;
  for (auto task = graph.tasks().rbegin(); task != graph.tasks().rend(); ++task) {
    if (among != nullptr && !among->contains(task->view_name)) continue;
    double rest = 0;
    for (const std::string& reader : task->downstream_views) {
      const auto path = paths.find(reader);
      if (path != paths.end()) rest = std::max(rest, path->second);
    }
    const auto cost = costs.find(task->view_name);
    paths[task->view_name] = rest + (cost == costs.end() ? unknown : cost->second);
  }
  return paths;
}

std::vector<std::string> CriticalPath(const TaskGraph& graph,
                                      const std::map<std::string, double>& costs) {
  const auto paths = LongestPaths(graph, costs);
  // `names` are ordered, so that the first of equals is taken.
  const auto longest = [&](const std::vector<std::string>& names) {
    return std::max_element(
        names.begin(), names.end(),
        [&](const std::string& a, const std::string& b) { return paths.at(a) < paths.at(b); });
  };
  std::vector<std::string> names;
  names.reserve(paths.size());
  for (const auto& [name, length] : paths) names.push_back(name);
  std::vector<std::string> path;
  while (!names.empty()) {
    path.push_back(*longest(names));
    names = graph.Find(path.back())->downstream_views;
  }
  return path;
}

}  // namespace weir

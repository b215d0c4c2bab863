// SPDX-License-Identifier: Apache-2.0
//
// For tests: graphs without plans.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weir/bundle/plan_bundle.h"
#include "weir/graph/task_graph.h"

namespace weir {

/// By view, the views that it reads.
using Reads = std::map<std::string, std::vector<std::string>>;

inline TaskGraph GraphOf(const Reads& reads) {
  std::vector<std::shared_ptr<const PlanBundle>> bundles;
  for (const auto& [view, upstream] : reads) {
    auto bundle = std::make_shared<PlanBundle>();
    bundle->view_name = view;
    for (const std::string& table : upstream)
      bundle->pins.push_back({.table = table, .kind = "view"});
    bundles.push_back(bundle);
  }
  return TaskGraph::Derive(bundles);
}

}  // namespace weir

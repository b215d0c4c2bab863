// SPDX-License-Identifier: Apache-2.0

#include "weir/run/last_builds.h"

#include <fmt/format.h>

#include "weir/base/parallel.h"

namespace weir {

Result<LastBuilds> LastBuilds::Read(const std::vector<std::string>& views,
                                    const BuildHistory& history, int threads) {
  LastBuilds builds;
  std::vector<Result<std::optional<BuildRecord>>> read(views.size(), std::optional<BuildRecord>());
  ForEachInParallel(views.size(), static_cast<size_t>(threads),
                    [&](size_t i) { read[i] = history.LastBuild(views[i]); });
  for (size_t i = 0; i < views.size(); ++i) {
    if (!read[i].ok()) return read[i].status().WithContext(fmt::format("view `{}`", views[i]));
    builds.records_[views[i]] = *read[i];
  }
  return builds;
}

Result<LastBuilds> LastBuilds::Read(const TaskGraph& graph, const BuildHistory& history,
                                    int threads) {
  std::vector<std::string> views;
  for (const ViewTask& task : graph.tasks()) views.push_back(task.view_name);
  return Read(views, history, threads);
}

ReadableBuild LastBuilds::ToRead(const std::string& view_name) const {
  const auto deferred = deferred_.find(view_name);
  if (deferred != deferred_.end())
    return {.build = &deferred->second.build, .table_url = deferred->second.table_url};
  const auto& own = Of(view_name);
  return {.build = own ? &*own : nullptr, .table_url = {}};
}

std::map<std::string, std::string> LastBuilds::PlacesOf(
    const std::vector<std::string>& views) const {
  std::map<std::string, std::string> places;
  for (const std::string& view : views) {
    const auto deferred = deferred_.find(view);
    if (deferred != deferred_.end()) places[view] = deferred->second.table_url;
  }
  return places;
}

}  // namespace weir

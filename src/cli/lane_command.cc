// SPDX-License-Identifier: Apache-2.0
//
// explain --lane: from which bytes a view replays.

#include <chrono>
#include <iostream>

#include "weir/base/json_text.h"
#include "weir/bundle/lane.h"
#include "weir/cli/command.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

Json LaneJson(const PlanBundle& bundle, const Lane& lane, double seconds) {
  Json json = {{"view", bundle.view_name},
               {"lane", lane.name},
               {"obstacle", ToString(lane.obstacle)},
               {"reason", lane.reason},
               {"bytes", lane.substrait.empty() ? bundle.plan_proto.size() : lane.substrait.size()},
               {"proto_bytes", bundle.plan_proto.size()},
               {"seconds", seconds}};
  if (lane.difference) {
    json["difference"] = {{"where", lane.difference->where},
                          {"planned", lane.difference->first},
                          {"came_back", lane.difference->second}};
  }
  return json;
}

std::string LaneText(const PlanBundle& bundle, const Lane& lane) {
  if (!lane.substrait.empty()) {
    return fmt::format("lane       {}\nbytes      {} ({} as proto)\n", lane.name,
                       lane.substrait.size(), bundle.plan_proto.size());
  }
  const std::string text =
      fmt::format("lane       {}\nbytes      {}\nbecause    ", lane.name, bundle.plan_proto.size());
  if (!lane.difference) return text + fmt::format("{}: {}\n", ToString(lane.obstacle), lane.reason);
  return text + fmt::format("Substrait changes it in {}\nplanned    {}\ncame back  {}\n",
                            lane.difference->where, lane.difference->first,
                            lane.difference->second);
}

}  // namespace

int RunExplainLanes(const GlobalOptions& options, const std::string& view) {
  const auto open = Open(options);
  if (!open.ok()) return FailNamed(open.status());
  auto bundles = open->compiled.bundles();
  const bool all = view == "*";
  if (!all) {
    const auto bundle = FindView(*open, view);
    if (!bundle.ok()) {
      (void)Report(open->diagnostics);
      return FailNamed(bundle.status());
    }
    bundles = {*bundle};
  }
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& bundle : bundles) {
    const auto start = std::chrono::steady_clock::now();
    const auto lane = ChooseLane(*bundle, *open->session);
    if (!lane.ok()) return Fail(lane.status());
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    json.push_back(LaneJson(*bundle, *lane, taken.count()));
    rows.push_back({bundle->view_name, lane->name,
                    std::to_string(json.back()["bytes"].get<size_t>()), lane->reason});
    if (!all && options.format != Format::kJson) {
      std::cout << LaneText(*bundle, *lane);
      return kDone;
    }
  }
  if (options.format == Format::kJson) {
    std::cout << JsonText((all ? json : json[0]), 2) << "\n";
  } else {
    std::cout << RenderTable({"view", "lane", "bytes", "because"}, rows);
  }
  return all ? Report(open->diagnostics) : kDone;
}

}  // namespace weir::cli

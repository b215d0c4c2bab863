// SPDX-License-Identifier: Apache-2.0
//
// graph: what is built in which order.

#include <algorithm>
#include <iostream>

#include "weir/artifacts/recorded_tasks.h"
#include "weir/base/json_text.h"
#include "weir/cli/command.h"
#include "weir/graph/critical_path.h"
#include "weir/graph/task_graph.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// The graph with what earlier runs tell about it.
struct TimedGraph {
  TaskGraph graph;
  std::map<std::string, double> last_seconds;
  std::map<std::string, double> priorities;
  std::vector<std::string> critical_path;

  bool IsCritical(const std::string& view) const {
    return std::find(critical_path.begin(), critical_path.end(), view) != critical_path.end();
  }
};

Result<TimedGraph> TimeGraph(const OpenProject& open) {
  TimedGraph timed{.graph = TaskGraph::Derive(open.compiled.bundles()),
                   .last_seconds = {},
                   .priorities = {},
                   .critical_path = {}};
  WEIR_ASSIGN_OR_RETURN(const auto tasks, RecordedTasks::Open(*open.session));
  if (tasks) {
    WEIR_ASSIGN_OR_RETURN(timed.last_seconds, tasks->LastSeconds());
  }
  timed.priorities = LongestPaths(timed.graph, timed.last_seconds);
  timed.critical_path = CriticalPath(timed.graph, timed.last_seconds);
  return timed;
}

std::vector<std::string> KeysOf(const std::vector<std::string>& views) {
  std::vector<std::string> keys;
  keys.reserve(views.size());
  for (const std::string& view : views) keys.push_back(TaskKey(view));
  return keys;
}

bool IsTimed(const TimedGraph& timed) {
  return std::any_of(timed.graph.tasks().begin(), timed.graph.tasks().end(),
                     [&](const auto& t) { return timed.last_seconds.contains(t.view_name); });
}

void PrintGraphJson(const TimedGraph& timed) {
  Json nodes = Json::array();
  for (const ViewTask& task : timed.graph.tasks()) {
    const auto last = timed.last_seconds.find(task.view_name);
    Json sources = Json::array();
    for (const VersionPin& pin : task.sources)
      sources.push_back({{"table", pin.table}, {"kind", pin.kind}, {"version", pin.version}});
    nodes.push_back(
        {{"key", TaskKey(task.view_name)},
         {"view", task.view_name},
         {"file", task.file},
         {"tags", task.tags},
         {"fingerprint", task.fingerprint.ToString()},
         {"level", task.level},
         {"upstream", KeysOf(task.upstream_views)},
         {"downstream", KeysOf(task.downstream_views)},
         {"sources", std::move(sources)},
         {"last_seconds", last == timed.last_seconds.end() ? Json() : Json(last->second)},
         {"priority", timed.priorities.at(task.view_name)},
         {"critical", timed.IsCritical(task.view_name)}});
  }
  std::cout << JsonText(Json{{"schema_version", 1},
                             {"priority_unit", IsTimed(timed) ? "seconds" : "views"},
                             {"critical_path", KeysOf(timed.critical_path)},
                             {"nodes", std::move(nodes)}},
                        2)
            << "\n";
}

void PrintGraphTable(const TimedGraph& timed) {
  const bool is_timed = IsTimed(timed);
  std::vector<std::vector<std::string>> rows;
  double longest = 0;
  for (const ViewTask& task : timed.graph.tasks()) {
    const auto last = timed.last_seconds.find(task.view_name);
    const double priority = timed.priorities.at(task.view_name);
    longest = std::max(longest, priority);
    std::string upstream;
    for (const std::string& view : task.upstream_views)
      upstream += (upstream.empty() ? "" : ", ") + view;
    rows.push_back({TaskKey(task.view_name), std::to_string(task.level),
                    last == timed.last_seconds.end() ? "" : fmt::format("{:.2f}", last->second),
                    is_timed ? fmt::format("{:.2f}", priority) : fmt::format("{:.0f}", priority),
                    timed.IsCritical(task.view_name) ? "*" : "", upstream});
  }
  if (!rows.empty()) {
    std::cout << RenderTable({"key", "level", "last s", "priority", "critical", "upstream"}, rows)
              << "\n";
  }
  if (timed.critical_path.empty()) {
    std::cout << "no stored views\n";
    return;
  }
  std::string path;
  for (const std::string& view : timed.critical_path) path += (path.empty() ? "" : " -> ") + view;
  std::cout << fmt::format(
      "critical path: {} ({})\n", path,
      is_timed ? fmt::format("{:.2f} s when last built", longest)
               : fmt::format("{} views; none has been built yet", timed.critical_path.size()));
}

}  // namespace

int RunGraph(const GlobalOptions& options, bool as_dot) {
  auto open = Open(options);
  if (!open.ok()) return FailNamed(open.status());
  if (const int compiled = Report(open->diagnostics); compiled != kDone) return compiled;
  const auto timed = TimeGraph(*open);
  if (!timed.ok()) return Fail(timed.status());
  if (as_dot) {
    std::cout << timed->graph.ToDot();
  } else if (options.format == Format::kJson) {
    PrintGraphJson(*timed);
  } else {
    PrintGraphTable(*timed);
  }
  return kDone;
}

}  // namespace weir::cli

// SPDX-License-Identifier: Apache-2.0

#include "weir/graph/task_graph.h"

#include <algorithm>

#include <fmt/format.h>
#include <fnmatch.h>
#include <nlohmann/json.hpp>

#include "weir/base/nearest.h"

namespace weir {

namespace {

/// Sets levels from the views without upstream views on; the order of bundles does not matter.
void SetLevels(std::map<std::string, ViewTask>& tasks) {
  std::map<std::string, size_t> waiting_for;
  std::vector<std::string> ready;
  for (const auto& [name, task] : tasks) {
    waiting_for[name] = task.upstream_views.size();
    if (task.upstream_views.empty()) ready.push_back(name);
  }
  while (!ready.empty()) {
    const ViewTask& task = tasks.at(ready.back());
    ready.pop_back();
    for (const std::string& downstream : task.downstream_views) {
      ViewTask& reader = tasks.at(downstream);
      reader.level = std::max(reader.level, task.level + 1);
      if (--waiting_for[downstream] == 0) ready.push_back(downstream);
    }
  }
}

/// A quoted string of the DOT language.
std::string DotText(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

TaskGraph TaskGraph::Derive(const std::vector<std::shared_ptr<const PlanBundle>>& bundles) {
  TaskGraph graph;
  std::map<std::string, ViewTask> tasks;
  for (const auto& bundle : bundles) {
    tasks[bundle->view_name] = {.view_name = bundle->view_name, .fingerprint = bundle->fingerprint};
  }
  for (const auto& bundle : bundles) {
    ViewTask& task = tasks[bundle->view_name];
    for (const VersionPin& pin : bundle->pins) {
      const auto upstream = tasks.find(pin.table);
      if (upstream == tasks.end()) {
        task.sources.push_back(pin);
        continue;
      }
      task.upstream_views.push_back(pin.table);
      upstream->second.downstream_views.push_back(bundle->view_name);
    }
  }
  SetLevels(tasks);
  for (auto& [name, task] : tasks) {
    std::sort(task.downstream_views.begin(), task.downstream_views.end());
    graph.tasks_.push_back(std::move(task));
  }
  std::stable_sort(graph.tasks_.begin(), graph.tasks_.end(),
                   [](const ViewTask& a, const ViewTask& b) { return a.level < b.level; });
  for (size_t i = 0; i < graph.tasks_.size(); ++i) graph.index_[graph.tasks_[i].view_name] = i;
  return graph;
}

const ViewTask* TaskGraph::Find(const std::string& view_name) const {
  const auto found = index_.find(view_name);
  return found == index_.end() ? nullptr : &tasks_[found->second];
}

std::set<std::string> TaskGraph::Closure(const std::string& view_name,
                                         std::vector<std::string> ViewTask::*next) const {
  std::set<std::string> reached;
  std::vector<std::string> pending = {view_name};
  while (!pending.empty()) {
    const ViewTask* task = Find(pending.back());
    pending.pop_back();
    if (task == nullptr) continue;
    for (const std::string& name : task->*next) {
      if (reached.insert(name).second) pending.push_back(name);
    }
  }
  return reached;
}

std::set<std::string> TaskGraph::Upstream(const std::string& view_name) const {
  return Closure(view_name, &ViewTask::upstream_views);
}

std::set<std::string> TaskGraph::Downstream(const std::string& view_name) const {
  return Closure(view_name, &ViewTask::downstream_views);
}

Result<std::set<std::string>> TaskGraph::Select(const std::vector<std::string>& selectors) const {
  std::set<std::string> selected;
  if (selectors.empty()) {
    for (const ViewTask& task : tasks_) selected.insert(task.view_name);
    return selected;
  }
  for (const std::string& selector : selectors) {
    const bool upstream = selector.starts_with("+"),
               downstream = selector.size() > 1 && selector.ends_with("+");
    const std::string pattern = selector.substr(
        upstream ? 1 : 0, selector.size() - (upstream ? 1 : 0) - (downstream ? 1 : 0));
    bool found = false;
    for (const ViewTask& task : tasks_) {
      if (fnmatch(pattern.c_str(), task.view_name.c_str(), 0) != 0) continue;
      found = true;
      selected.insert(task.view_name);
      if (upstream) selected.merge(Upstream(task.view_name));
      if (downstream) selected.merge(Downstream(task.view_name));
    }
    if (found) continue;
    std::vector<std::string> names;
    for (const ViewTask& task : tasks_) names.push_back(task.view_name);
    const std::string hint = SuggestionHint(pattern, names);
    return Status::User(StatusCode::kNotFound, "no stored view is selected by `{}`", selector)
        .WithHint(hint.empty() ? "selectors are names, globs, +name and name+" : hint);
  }
  return selected;
}

std::string TaskGraph::ToJson() const {
  using Json = nlohmann::ordered_json;
  Json nodes = Json::array(), edges = Json::array();
  for (const ViewTask& task : tasks_) {
    nodes.push_back({{"key", "view:" + task.view_name},
                     {"kind", "view"},
                     {"fingerprint", task.fingerprint.ToString()},
                     {"level", task.level}});
    for (const VersionPin& pin : task.sources) {
      const std::string key = "scan:" + task.view_name + ":" + pin.table;
      nodes.push_back(
          {{"key", key}, {"kind", "scan"}, {"table", pin.table}, {"version", pin.version}});
      edges.push_back({{"from", key}, {"to", "view:" + task.view_name}});
    }
    for (const std::string& upstream : task.upstream_views) {
      edges.push_back({{"from", "view:" + upstream}, {"to", "view:" + task.view_name}});
    }
  }
  return Json{{"nodes", nodes}, {"edges", edges}}.dump(2, ' ', false,
                                                       Json::error_handler_t::replace);
}

std::string TaskGraph::ToDot() const {
  std::string dot = "digraph weir {\n  rankdir=LR;\n";
  for (const ViewTask& task : tasks_) {
    const std::string view = DotText(task.view_name);
    dot += fmt::format("  {} [shape=box];\n", view);
    for (const VersionPin& pin : task.sources)
      dot += fmt::format("  {} -> {};\n", DotText(pin.table), view);
    for (const std::string& upstream : task.upstream_views)
      dot += fmt::format("  {} -> {};\n", DotText(upstream), view);
  }
  return dot + "}\n";
}

}  // namespace weir

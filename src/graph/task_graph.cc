// SPDX-License-Identifier: Apache-2.0

#include "weir/graph/task_graph.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include <fmt/format.h>
#include <fnmatch.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"
#include "weir/base/nearest.h"

namespace weir {

namespace {

/// The longest path to each task from one that waits for none. A task is its number; `readers`: of
/// each, those that read it.
std::vector<int> LevelsOf(const std::vector<std::vector<size_t>>& readers) {
  std::vector<size_t> waiting_for(readers.size());
  for (const auto& of_one : readers)
    for (size_t reader : of_one) ++waiting_for[reader];
  std::vector<size_t> ready;
  for (size_t i = 0; i < readers.size(); ++i)
    if (waiting_for[i] == 0) ready.push_back(i);
  std::vector<int> levels(readers.size());
  while (!ready.empty()) {
    const size_t task = ready.back();
    ready.pop_back();
    for (size_t reader : readers[task]) {
      levels[reader] = std::max(levels[reader], levels[task] + 1);
      if (--waiting_for[reader] == 0) ready.push_back(reader);
    }
  }
  return levels;
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

constexpr std::string_view kChanged = "changed";
constexpr std::string_view kPath = "path:";
constexpr std::string_view kTag = "tag:";

bool MatchesGlob(const std::string& glob, const std::string& text) {
  return fnmatch(glob.c_str(), text.c_str(), 0) == 0;
}

/// The file itself, a folder above it, or a glob of either; `./` before it does not matter.
bool MatchesPath(std::string path, const std::string& file) {
  while (path.starts_with("./")) path.erase(0, 2);
  while (path.size() > 1 && path.ends_with("/")) path.pop_back();
  if (MatchesGlob(path, file)) return true;
  for (size_t slash = file.find('/'); slash != std::string::npos; slash = file.find('/', slash + 1))
    if (MatchesGlob(path, file.substr(0, slash))) return true;
  return false;
}

bool Matches(const ViewTask& task, const std::string& pattern) {
  if (pattern.starts_with(kPath)) return MatchesPath(pattern.substr(kPath.size()), task.file);
  if (pattern.starts_with(kTag)) {
    const std::string glob = pattern.substr(kTag.size());
    return std::any_of(task.tags.begin(), task.tags.end(),
                       [&](const std::string& tag) { return MatchesGlob(glob, tag); });
  }
  return MatchesGlob(pattern, task.view_name);
}

/// The failure of a selector that means no view, with what it could have meant.
Status NothingSelected(const std::vector<ViewTask>& tasks, const std::string& selector,
                       const std::string& pattern) {
  std::set<std::string> candidates;
  std::string wanted = pattern;
  for (const ViewTask& task : tasks) {
    if (pattern.starts_with(kTag)) {
      candidates.insert(task.tags.begin(), task.tags.end());
    } else if (pattern.starts_with(kPath)) {
      candidates.insert(task.file);
      for (size_t slash = task.file.rfind('/'); slash != std::string::npos && slash > 0;
           slash = task.file.rfind('/', slash - 1))
        candidates.insert(task.file.substr(0, slash));
    } else {
      candidates.insert(task.view_name);
    }
  }
  if (const size_t colon = pattern.find(':'); colon != std::string::npos)
    wanted = pattern.substr(colon + 1);
  const std::string hint = SuggestionHint(wanted, {candidates.begin(), candidates.end()});
  return Status::User(StatusCode::kNotFound, "no stored view is selected by `{}`", selector)
      .WithHint(
          !hint.empty() ? hint
          : pattern.starts_with(kTag) && candidates.empty()
              ? "no view has tags: TBLPROPERTIES ('tags' = 'a,b')"
              : "selectors are names, globs, path:…, tag:…, changed, +selector and selector+");
}

}  // namespace

std::string TaskKey(const std::string& view_name) { return "view:" + view_name; }

std::set<std::string> TagsOf(const std::map<std::string, std::string>& properties) {
  std::set<std::string> tags;
  const auto property = properties.find("tags");
  if (property == properties.end()) return tags;
  const std::string& text = property->second;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string tag = text.substr(at, end - at);
    const size_t first = tag.find_first_not_of(" \t\r\n");
    if (first != std::string::npos)
      tags.insert(tag.substr(first, tag.find_last_not_of(" \t\r\n") + 1 - first));
    at = end + 1;
  }
  return tags;
}

TaskGraph TaskGraph::Derive(const std::vector<std::shared_ptr<const PlanBundle>>& bundles) {
  std::vector<const PlanBundle*> by_name;
  by_name.reserve(bundles.size());
  for (const auto& bundle : bundles) by_name.push_back(bundle.get());
  std::sort(by_name.begin(), by_name.end(),
            [](const PlanBundle* a, const PlanBundle* b) { return a->view_name < b->view_name; });
  std::unordered_map<std::string_view, size_t> numbers;
  numbers.reserve(by_name.size());
  for (const PlanBundle* bundle : by_name) numbers.emplace(bundle->view_name, numbers.size());

  std::vector<ViewTask> tasks(by_name.size());
  std::vector<std::vector<size_t>> readers(by_name.size());
  for (size_t i = 0; i < by_name.size(); ++i) {
    const PlanBundle& bundle = *by_name[i];
    ViewTask& task = tasks[i];
    task.view_name = bundle.view_name;
    task.fingerprint = bundle.fingerprint;
    task.file = bundle.file;
    task.tags = TagsOf(bundle.properties);
    for (const VersionPin& pin : bundle.pins) {
      const auto upstream = numbers.find(pin.table);
      if (upstream == numbers.end()) {
        task.sources.push_back(pin);
        continue;
      }
      task.upstream_views.push_back(pin.table);
      tasks[upstream->second].downstream_views.push_back(bundle.view_name);
      readers[upstream->second].push_back(i);
    }
  }

  const std::vector<int> levels = LevelsOf(readers);
  std::vector<size_t> order(tasks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return levels[a] < levels[b]; });
  TaskGraph graph;
  graph.tasks_.reserve(order.size());
  graph.index_.reserve(order.size());
  for (size_t i : order) {
    tasks[i].level = levels[i];
    graph.index_.emplace(tasks[i].view_name, graph.tasks_.size());
    graph.tasks_.push_back(std::move(tasks[i]));
  }
  return graph;
}

const ViewTask* TaskGraph::Find(const std::string& view_name) const {
  const auto found = index_.find(view_name);
  return found == index_.end() ? nullptr : &tasks_[found->second];
}

Result<const ViewTask*> TaskGraph::FindByKey(const std::string& key) const {
  std::vector<std::string> keys;
  for (const ViewTask& task : tasks_) {
    keys.push_back(TaskKey(task.view_name));
    if (keys.back() == key) return &task;
  }
  const std::string hint = SuggestionHint(key, keys);
  return Status::User(StatusCode::kNotFound, "no task has the key `{}`", key)
      .WithHint(hint.empty()
                    ? "keys are `view:` and the name of a stored view; `weir graph` lists them"
                    : hint);
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

Result<std::set<std::string>> TaskGraph::Matching(const std::string& selector,
                                                  const ChangedViews& changed) const {
  const bool upstream = selector.starts_with("+"),
             downstream = selector.size() > 1 && selector.ends_with("+");
  const std::string pattern = selector.substr(
      upstream ? 1 : 0, selector.size() - (upstream ? 1 : 0) - (downstream ? 1 : 0));
  std::set<std::string> matching;
  if (pattern == kChanged && changed) {
    WEIR_ASSIGN_OR_RETURN(matching, changed());
  } else {
    for (const ViewTask& task : tasks_) {
      if (Matches(task, pattern)) matching.insert(task.view_name);
    }
    if (matching.empty()) return NothingSelected(tasks_, selector, pattern);
  }
  const std::set<std::string> matched = matching;
  for (const std::string& view : matched) {
    if (upstream) matching.merge(Upstream(view));
    if (downstream) matching.merge(Downstream(view));
  }
  return matching;
}

Result<std::set<std::string>> TaskGraph::Select(const Selection& selection,
                                                const ChangedViews& changed) const {
  std::set<std::string> selected;
  for (const std::string& selector : selection.selectors) {
    WEIR_ASSIGN_OR_RETURN(std::set<std::string> matching, Matching(selector, changed));
    selected.merge(matching);
  }
  for (const std::string& view : selection.views) {
    if (Find(view) != nullptr) selected.insert(view);
  }
  if (selection.selectors.empty() && selection.views.empty()) {
    for (const ViewTask& task : tasks_) selected.insert(task.view_name);
  }
  for (const std::string& selector : selection.excluded) {
    WEIR_ASSIGN_OR_RETURN(const std::set<std::string> matching, Matching(selector, changed));
    for (const std::string& view : matching) selected.erase(view);
  }
  return selected;
}

std::string TaskGraph::ToJson() const {
  using Json = nlohmann::ordered_json;
  Json nodes = Json::array(), edges = Json::array();
  for (const ViewTask& task : tasks_) {
    nodes.push_back({{"key", TaskKey(task.view_name)},
                     {"kind", "view"},
                     {"fingerprint", task.fingerprint.ToString()},
                     {"level", task.level}});
    for (const VersionPin& pin : task.sources) {
      const std::string key = "scan:" + task.view_name + ":" + pin.table;
      nodes.push_back(
          {{"key", key}, {"kind", "scan"}, {"table", pin.table}, {"version", pin.version}});
      edges.push_back({{"from", key}, {"to", TaskKey(task.view_name)}});
    }
    for (const std::string& upstream : task.upstream_views) {
      edges.push_back({{"from", TaskKey(upstream)}, {"to", TaskKey(task.view_name)}});
    }
  }
  return JsonText(Json{{"nodes", nodes}, {"edges", edges}}, 2);
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

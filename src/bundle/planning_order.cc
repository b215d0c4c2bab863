// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/planning_order.h"

#include <algorithm>
#include <functional>
#include <set>
#include <unordered_map>

#include "weir/base/ascii_text.h"
#include "weir/base/parallel.h"
#include "weir/bundle/plan_failure.h"
#include "weir/bundle/view_query.h"

namespace weir {

namespace {

/// Finds the names of a project's tables in texts.
class NameFinder {
 public:
  explicit NameFinder(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const bool plain = std::all_of(name.begin(), name.end(), IsWordByte);
      (plain ? words_[AsciiLowerCase(name)] : others_).push_back(name);
    }
  }

  /// The names that stand anywhere in a text, in any case, whole words only; also in comments and
  /// literals, so that no dialect's quoting hides one. Ordered by name.
  std::vector<std::string> Find(std::string_view text) const {
    const std::string lower = AsciiLowerCase(text);
    std::set<std::string> found;
    for (auto at = lower.begin(); at != lower.end();) {
      const auto begin = std::find_if(at, lower.end(), IsWordByte);
      at = std::find_if_not(begin, lower.end(), IsWordByte);
      const auto names = words_.find(std::string_view(begin, at));
      if (names != words_.end()) found.insert(names->second.begin(), names->second.end());
    }
    for (const std::string& name : others_) {
      if (lower.find(AsciiLowerCase(name)) != std::string::npos) found.insert(name);
    }
    return {found.begin(), found.end()};
  }

 private:
  static bool IsWordByte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (static_cast<unsigned char>(c) & 0x80) != 0;
  }

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::vector<std::string>, Hash, std::equal_to<>> words_;
  std::vector<std::string> others_;
};

}  // namespace

PlanningOrder::PlanningOrder(const ProjectDefinition& project, const SessionRuntime& session,
                             Diagnostics& diagnostics)
    : views_(project.views), references_(views_.size()), tables_(views_.size()) {
  std::vector<std::string> names = session.catalog().names();
  std::unordered_map<std::string_view, size_t> indexes;
  names.reserve(names.size() + views_.size());
  indexes.reserve(views_.size());
  for (size_t i = 0; i < views_.size(); ++i) {
    indexes[views_[i].name] = i;
    names.push_back(views_[i].name);
  }
  const auto order_by = [&](const auto& tables_of) {
    ForEachInParallel(views_.size(), static_cast<size_t>(session.threads()), [&](size_t i) {
      tables_[i] = tables_of(views_[i]);
      references_[i].clear();
      for (const std::string& name : tables_[i]) {
        const auto found = indexes.find(name);
        if (found != indexes.end()) references_[i].push_back(found->second);
      }
    });
    level_.assign(views_.size(), kUnknown);
    is_read_.assign(views_.size(), false);
    for (size_t i = 0; i < views_.size(); ++i) Visit(i);
  };
  const auto exact = [&](const ViewDefinition& view) {
    auto tables = TablesNamed(view, session.engine());
    // Planning reports the same failure with its place.
    return tables.ok() ? *std::move(tables) : std::vector<std::string>();
  };
  // Names that stand in a text without being read only order too much, and parsing every query
  // takes many times as long. Where they would make a circle, the queries are parsed.
  const NameFinder finder(names);
  order_by([&](const ViewDefinition& view) {
    if (view.query != nullptr) return view.query->tables();
    std::vector<std::string> tables = finder.Find(view.query_sql);
    const bool names_itself = std::find(tables.begin(), tables.end(), view.name) != tables.end();
    return names_itself ? exact(view) : tables;
  });
  if (cycles_.empty()) return;
  cycles_.clear();
  order_by(exact);
  for (const std::vector<size_t>& cycle : cycles_) Report(cycle, diagnostics);
}

std::vector<std::vector<size_t>> PlanningOrder::Levels() const {
  std::vector<std::vector<size_t>> levels;
  for (size_t i = 0; i < views_.size(); ++i) {
    if (level_[i] < 0) continue;
    const auto level = static_cast<size_t>(level_[i]);
    if (levels.size() <= level) levels.resize(level + 1);
    levels[level].push_back(i);
  }
  return levels;
}

/// Depth first; a view met while it is being visited closes a cycle.
void PlanningOrder::Visit(size_t view) {
  if (level_[view] != kUnknown) return;
  level_[view] = kVisiting;
  path_.push_back(view);
  int level = 0;
  bool on_cycle = false;
  for (size_t reference : references_[view]) {
    is_read_[reference] = true;
    if (level_[reference] == kVisiting) {
      cycles_.emplace_back(std::find(path_.begin(), path_.end(), reference), path_.end());
      on_cycle = true;
      continue;
    }
    Visit(reference);
    if (level_[reference] == kCycle) on_cycle = true;
    level = std::max(level, level_[reference] + 1);
  }
  path_.pop_back();
  level_[view] = on_cycle ? kCycle : level;
}

void PlanningOrder::Report(const std::vector<size_t>& cycle, Diagnostics& diagnostics) const {
  std::string circle;
  for (size_t view : cycle) circle += views_[view].name + " → ";
  circle += views_[cycle.front()].name;
  const Status status =
      Status::User(StatusCode::kInvalidArgument, "views read each other in a circle: `{}`", circle)
          .WithHint("break the circle by reading a source in one of them");
  diagnostics.Add(DiagnosticOf("W2009", status, views_[cycle.front()]));
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/decide/decision.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir {

namespace {

std::string Join(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "`" : ", `") + name + "`";
  return joined;
}

/// Whether the same tables are read, each in the same state for the reader.
bool AllSame(const std::map<std::string, std::string>& before,
             const std::map<std::string, std::string>& now) {
  return before.size() == now.size() &&
         std::equal(before.begin(), before.end(), now.begin(), [](const auto& a, const auto& b) {
           return a.first == b.first && SameForReader(a.second, b.second);
         });
}

/// Which tables differ from those of the last build.
std::string ChangedTables(const std::map<std::string, std::string>& before,
                          const std::map<std::string, std::string>& now,
                          const std::vector<ScanUnit>& units) {
  std::vector<std::string> sources, views;
  for (const auto& [table, state] : now) {
    const auto found = before.find(table);
    if (found != before.end() && SameForReader(found->second, state)) continue;
    bool is_view = false;
    for (const ScanUnit& unit : units)
      is_view = is_view || (unit.table == table && unit.kind == TableKind::kView);
    (is_view ? views : sources).push_back(table);
  }
  std::string text;
  if (!sources.empty()) text += fmt::format("the files it reads of {} changed", Join(sources));
  if (!views.empty())
    text += fmt::format("{}the result of {} changed", text.empty() ? "" : ", ", Join(views));
  return text.empty() ? "it reads other tables than before" : text;
}

}  // namespace

std::string_view ToString(Action action) {
  switch (action) {
    case Action::kRun:
      return "run";
    case Action::kReuse:
      return "reuse";
    case Action::kPending:
      return "pending";
  }
  return "run";
}

Decision Decide(const DecisionInputs& inputs) {
  Decision decision{
      .view_name = inputs.view_name, .action = Action::kRun, .code = {}, .reason = {}};
  const auto decided = [&](Action action, std::string code, std::string reason) {
    decision.action = action;
    decision.code = std::move(code);
    decision.reason = std::move(reason);
    return decision;
  };
  if (inputs.force) return decided(Action::kRun, "forced", "it was asked for with --force");
  if (!*inputs.last_build) return decided(Action::kRun, "never_built", "it was never built");
  const BuildRecord& last = **inputs.last_build;
  if (last.fingerprint != inputs.fingerprint)
    return decided(Action::kRun, "definition_changed", "its definition changed");

  std::set<std::string> running;
  for (const ScanUnit& unit : *inputs.units) {
    if (unit.kind == TableKind::kView && inputs.upstream(unit.table).will_run)
      running.insert(unit.table);
  }
  const auto content = [&](const std::string& view) {
    return inputs.upstream(view).content;
  };
  const auto now = InputStates(*inputs.units, content);
  if (!running.empty()) {
    // What changed besides is reason enough, whatever the upstream views will bring.
    auto settled_before = last.inputs;
    auto settled_now = now;
    for (const std::string& view : running) {
      settled_before.erase(view);
      settled_now.erase(view);
    }
    if (!AllSame(settled_before, settled_now)) {
      return decided(Action::kRun, "inputs_changed",
                     ChangedTables(settled_before, settled_now, *inputs.units));
    }
    return decided(Action::kPending, "upstream_runs",
                   fmt::format("{} will run; it follows if the result changes",
                               Join({running.begin(), running.end()})));
  }
  for (const ScanUnit& unit : *inputs.units) {
    if (unit.kind == TableKind::kView && !content(unit.table))
      return decided(Action::kRun, "inputs_changed", "a view that it reads was never built");
  }
  if (!AllSame(last.inputs, now))
    return decided(Action::kRun, "inputs_changed", ChangedTables(last.inputs, now, *inputs.units));
  return decided(Action::kReuse, "unchanged", "neither its definition nor what it reads changed");
}

}  // namespace weir

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

std::string MissingText(const std::vector<std::string>& files) {
  return files.size() == 1 ? fmt::format("a data file of its table is gone: {}", files.front())
                           : fmt::format("{} data files of its table are gone, among them {}",
                                         files.size(), files.front());
}

/// "(columns a, b)", of all of a view's scans of the table.
std::string ColumnsText(const std::vector<ScanUnit>& units, const std::string& table) {
  std::set<std::string> columns;
  for (const ScanUnit& unit : units) {
    if (unit.table == table) columns.insert(unit.columns.begin(), unit.columns.end());
  }
  if (columns.empty()) return "(its rows alone)";
  static constexpr size_t kMostNamed = 6;
  std::string text;
  size_t named = 0;
  for (const std::string& column : columns) {
    if (++named > kMostNamed) {
      text += fmt::format(" and {} more", columns.size() - kMostNamed);
      break;
    }
    text += (text.empty() ? "" : ", ") + column;
  }
  return fmt::format("({} {})", columns.size() == 1 ? "column" : "columns", text);
}

/// The tables that a view reads, now and at its last build.
class InputComparison {
 public:
  /// Leaves `unsettled` views aside.
  InputComparison(const DecisionInputs& inputs, std::map<std::string, std::string> before,
                  std::map<std::string, std::string> now, const std::set<std::string>& unsettled)
      : inputs_(inputs), before_(std::move(before)) {
    for (const std::string& view : unsettled) {
      before_.erase(view);
      now.erase(view);
    }
    for (const auto& [table, state] : now) Compare(table, state);
    for (const auto& [table, state] : before_) {
      if (!now.contains(table)) changes_.push_back(fmt::format("it no longer reads `{}`", table));
    }
  }

  bool same() const { return changes_.empty(); }
  /// What changed, for the reader.
  std::string changes() const { return Joined(changes_); }
  /// What changed elsewhere only; empty if nothing did.
  std::string passed_over() const { return Joined(passed_over_); }

 private:
  static std::string Joined(const std::vector<std::string>& texts) {
    return fmt::format("{}", fmt::join(texts, "; "));
  }

  bool IsView(const std::string& table) const {
    return std::any_of(inputs_.units->begin(), inputs_.units->end(), [&](const ScanUnit& unit) {
      return unit.table == table && unit.kind == TableKind::kView;
    });
  }

  void Compare(const std::string& table, const std::string& state) {
    const auto old = before_.find(table);
    if (old == before_.end()) {
      changes_.push_back(fmt::format("it reads `{}`, which it did not", table));
    } else if (old->second == state && !(IsView(table) && !Moved(table).empty())) {
      ComparePins(table);
    } else if (IsView(table)) {
      CompareView(table, old->second, state);
    } else {
      CompareSource(table);
    }
  }

  /// Of a source whose kept files are the same.
  void ComparePins(const std::string& table) {
    const auto& pins = (**inputs_.last_build).pins;
    const auto built = pins.find(table);
    for (const ScanUnit& unit : *inputs_.units) {
      if (unit.table != table || unit.kind != TableKind::kDelta) continue;
      if (built == pins.end() || built->second == unit.version) return;
      passed_over_.push_back(
          fmt::format("`{}` went from version {} to {}, in no file and column that it reads", table,
                      built->second, unit.version));
      return;
    }
  }

  /// "in another warehouse" and where, if it was read elsewhere at the last build; else empty.
  std::string Moved(const std::string& view) const {
    const auto place = [&](const std::map<std::string, std::string>& places) {
      const auto found = places.find(view);
      return found == places.end() ? std::string("this warehouse") : "`" + found->second + "`";
    };
    const std::string before = place((**inputs_.last_build).deferred);
    const std::string now = place(inputs_.places);
    return before == now ? ""
                         : fmt::format("it reads `{}` of {}, no longer of {}", view, now, before);
  }

  void CompareView(const std::string& view, const std::string& before, const std::string& now) {
    const std::string columns = ColumnsText(*inputs_.units, view);
    const std::string moved = Moved(view);
    const bool same = SameForReader(before, now);
    if (!moved.empty()) {
      (same ? passed_over_ : changes_)
          .push_back(fmt::format("{}, {} {}", moved,
                                 same ? "with the same rows" : "and what it reads is another",
                                 columns));
    } else if (!same) {
      changes_.push_back(
          fmt::format("the result of `{}` changed in what it reads of it {}", view, columns));
    } else if (!SameContent(before, now)) {
      passed_over_.push_back(
          fmt::format("the result of `{}` changed, but not in what it reads {}", view, columns));
    }
  }

  void CompareSource(const std::string& table) {
    const SourceChange change =
        inputs_.source_change ? inputs_.source_change(table) : SourceChange();
    std::string text = change.text;
    if (text.empty()) {
      text = fmt::format("the files it reads of `{}` changed {}", table,
                         ColumnsText(*inputs_.units, table));
    }
    (change.same_rows ? passed_over_ : changes_).push_back(std::move(text));
  }

  const DecisionInputs& inputs_;
  std::map<std::string, std::string> before_;
  std::vector<std::string> changes_, passed_over_;
};

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
  if (!*inputs.last_build) {
    Unbuilt unbuilt = inputs.why_unbuilt ? inputs.why_unbuilt() : Unbuilt();
    return decided(Action::kRun, std::move(unbuilt.code), std::move(unbuilt.reason));
  }
  const BuildRecord& last = **inputs.last_build;
  if (!last.missing_files.empty())
    return decided(Action::kRun, "files_missing", MissingText(last.missing_files));
  if (last.fingerprint != inputs.fingerprint) {
    return decided(Action::kRun, "definition_changed",
                   ExplainDefinitionChange(last.definition, inputs.definition));
  }

  std::set<std::string> running;
  for (const ScanUnit& unit : *inputs.units) {
    if (unit.kind != TableKind::kView) continue;
    const UpstreamState upstream = inputs.upstream(unit.table);
    if (upstream.will_run) {
      running.insert(unit.table);
    } else if (!upstream.content) {
      return decided(Action::kRun, "inputs_changed",
                     fmt::format("it reads `{}`, which was never built", unit.table));
    }
  }
  const auto content = [&](const std::string& view) { return inputs.upstream(view).content; };
  const InputComparison inputs_then_and_now(inputs, last.inputs,
                                            InputStates(*inputs.units, content), running);
  // What changed besides the views that run is reason enough, whatever these will bring.
  if (!inputs_then_and_now.same())
    return decided(Action::kRun, "inputs_changed", inputs_then_and_now.changes());
  if (!running.empty()) {
    return decided(Action::kPending, "upstream_runs",
                   fmt::format("{} will run; it follows if what it reads of the result changes",
                               Join({running.begin(), running.end()})));
  }
  const std::string passed_over = inputs_then_and_now.passed_over();
  return decided(Action::kReuse, "unchanged",
                 passed_over.empty() ? std::string(kNothingChanged) : passed_over);
}

}  // namespace weir

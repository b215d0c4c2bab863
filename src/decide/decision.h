// SPDX-License-Identifier: Apache-2.0
//
// Whether a view must run, and why. In: its fingerprint, the state of what it reads, its last
// build. Out: a Decision with a reason that a user understands.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/fingerprint.h"
#include "weir/decide/history.h"
#include "weir/scan/scan_unit.h"

namespace weir {

enum class Action {
  kRun,
  kReuse,
  kPending,  ///< an upstream view will run first; its result decides
};

/// "run", "reuse" or "pending".
std::string_view ToString(Action action);

struct Decision {
  std::string view_name;
  Action action = Action::kRun;
  /// "never_built", "table_removed", "table_replaced", "files_missing", "definition_changed",
  /// "inputs_changed", "upstream_runs", "forced" or "unchanged".
  std::string code;
  std::string reason;
};

/// The reason of a view to reuse for which nothing changed at all.
inline constexpr std::string_view kNothingChanged = "neither its plan nor what it reads changed";

/// What is known of an upstream view at the moment of deciding.
struct UpstreamState {
  bool will_run = false;               ///< not final yet
  std::optional<ViewContent> content;  ///< of its final result
};

/// How what a view reads of a source differs from what its last build read.
struct SourceChange {
  /// The files are others, yet the columns and rows that the view reads are the same.
  bool same_rows = false;
  std::string text;  ///< "3 files added, 1 removed in `orders` (columns id, amount)"
};

struct DecisionInputs {
  std::string view_name;
  Fingerprint fingerprint;
  const std::vector<ScanUnit>* units = nullptr;
  const std::optional<BuildRecord>* last_build = nullptr;
  /// Asked where there is no last build. May be empty.
  std::function<Unbuilt()> why_unbuilt = {};
  std::function<UpstreamState(const std::string& view)> upstream;
  bool force = false;
  /// URLs of the tables of views that it would read from another warehouse, by view. Their content
  /// decides, not the place; the reason names it.
  std::map<std::string, std::string> places = {};
  /// PlanBundle::fingerprint_input, to say what changed in it; may be empty.
  std::string_view definition = {};
  /// Asked about a source whose files are others than at the last build. May be empty: then they
  /// count as changed.
  std::function<SourceChange(const std::string& table)> source_change = {};
};

/// A view is reused exactly when its fingerprint is that of its last good build, all files of that
/// are there, and each table that it reads is in the same state for it: SameForReader, or by
/// `source_change`.
Decision Decide(const DecisionInputs& inputs);

}  // namespace weir

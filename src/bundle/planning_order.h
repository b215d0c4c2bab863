// SPDX-License-Identifier: Apache-2.0
//
// In which order views are planned, so that each finds what it reads: by the names that stand in
// their queries, which may be too many. Circles are looked for with the engine's own resolution of
// table names. The schedule of a run does not come from here but from the plans (room `graph`).

#pragma once

#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Views by level, each level after those it names. Views on a cycle are reported (W2009) and left
/// out. Indexes are those of `project.views`, which must outlive the object.
class PlanningOrder {
 public:
  PlanningOrder(const ProjectDefinition& project, const SessionRuntime& session,
                Diagnostics& diagnostics);

  std::vector<std::vector<size_t>> Levels() const;
  /// The views among the project's that a view may read.
  const std::vector<size_t>& references(size_t view) const { return references_[view]; }
  /// Whether any view may read it.
  bool is_read(size_t view) const { return is_read_[view]; }
  /// All tables of the project that it may read, sources included, ordered by name: those it reads,
  /// and perhaps others whose names stand in its text.
  const std::vector<std::string>& tables(size_t view) const { return tables_[view]; }
  bool on_cycle(size_t view) const { return level_[view] == kCycle; }

 private:
  static constexpr int kUnknown = -1, kCycle = -2, kVisiting = -3;

  void Visit(size_t view);
  void Report(const std::vector<size_t>& cycle, Diagnostics& diagnostics) const;

  const std::vector<ViewDefinition>& views_;
  std::vector<std::vector<size_t>> references_;
  std::vector<std::vector<std::string>> tables_;
  std::vector<int> level_;
  std::vector<bool> is_read_;
  std::vector<size_t> path_;
  std::vector<std::vector<size_t>> cycles_;
};

}  // namespace weir

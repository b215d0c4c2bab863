// SPDX-License-Identifier: Apache-2.0
//
// Plans every view of a project once. In: the views and a sealed session. Out: a PlanBundle a
// stored view, in an order in which each comes after the views that it reads, and all problems of
// the project at once (codes W2xxx). Dependencies for the *order of planning* come from the
// engine's own resolution of table names; those of the schedule come from the plans.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/bundle/bundle_cache.h"
#include "weir/bundle/lane.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

class CompiledProject {
 public:
  /// Views that failed, or that read a view which failed.
  std::set<std::string> failed;

  /// Stored views that compiled, each after those it reads.
  const std::vector<std::shared_ptr<const PlanBundle>>& bundles() const { return bundles_; }
  /// Null if there is none.
  std::shared_ptr<const PlanBundle> Find(const std::string& view_name) const;
  /// The tables of the project that a view names, inlined views too; see PlanningOrder.
  const std::vector<std::string>& TablesOf(const std::string& view_name) const {
    return tables_.at(view_name);
  }
  void Add(std::shared_ptr<const PlanBundle> bundle);
  void SetTables(const std::string& view_name, std::vector<std::string> tables) {
    tables_[view_name] = std::move(tables);
  }

 private:
  std::vector<std::shared_ptr<const PlanBundle>> bundles_;
  std::unordered_map<std::string, size_t> index_;
  std::unordered_map<std::string, std::vector<std::string>> tables_;
};

/// Compiles in parallel (session.threads()) and adds each view to the session's catalog. With a
/// cache, only views are planned of which it has no bundle.
CompiledProject CompileViews(const ProjectDefinition& project, SessionRuntime& session,
                             Diagnostics& diagnostics, BundleCache* cache = nullptr);

/// Looks at the typed plan of a view; called from several threads.
using PlanInspector = std::function<Status(const std::string& view_name, const LogicalPlan& plan)>;

/// A view that passed the check.
struct CheckedView {
  std::string name;
  std::vector<std::string> tables;  ///< that its query names, ordered by name
  std::string schema;               ///< as stored, see SchemaBytes; empty for an inlined view
};

struct CheckedProject {
  std::vector<CheckedView> views;  ///< each after those it reads
  std::set<std::string> failed;    ///< views that failed, or that read a view which failed
};

/// Checks views without compiling them: parsed, resolved, typed, plan decoded and handed to
/// `inspect`, as far as the optimiser is not needed. `known_views` are further names that a hint
/// may suggest; what the views read must be among them or in the session's catalog.
CheckedProject CheckViews(const ProjectDefinition& project,
                          const std::vector<std::string>& known_views, const PlanInspector& inspect,
                          SessionRuntime& session, Diagnostics& diagnostics);

/// Everything of a bundle that only people and artifacts read, made on demand.
struct BundleDetails {
  std::string logical_plan;    ///< as planned from the SQL, indent form
  std::string optimized_plan;  ///< indent form
  std::string physical_plan;   ///< indent form
  std::string optimized_plan_graphviz;
  std::string optimized_plan_pgjson;
  Lane lane;
};

/// `executed`: the physical plan of an execution; empty: one is made over the session's tables.
Result<BundleDetails> DescribeBundle(const PlanBundle& bundle, const SessionRuntime& session,
                                     std::string executed = {});

}  // namespace weir

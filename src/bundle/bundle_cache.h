// SPDX-License-Identifier: Apache-2.0
//
// Bundles of earlier compilations, so that a view is planned again only when something differs that
// planning looks at. In: a view, and what each table that it names looks like. Out: the bundle that
// the same compilation made before.
//
// `<project>/.weir/bundles-<profile>/`, packs of bundles; the key of each is the hash of all that
// decided about it, so that no entry is ever out of date. A cache: what is missing or damaged is
// compiled, what cannot be written is left.

#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "weir/base/cache_packs.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// A hash of all that decides about the plans of a project beside its sources and views: this
/// program, the settings, user functions, parameters, the default dialect, the warehouse.
std::string PlanningEnvironment(const ProjectDefinition& project);

/// A hash of what planning sees of a source.
std::string LookOf(const PinnedTable& table);

/// Safe for use from several threads, NoteTable excepted.
class BundleCache {
 public:
  /// `project` and `session` must outlive the object. Notes the project's sources.
  BundleCache(const ProjectDefinition& project, const SessionRuntime& session);

  /// The key of a view that may read `tables`, each of them noted before. Empty if one was not.
  std::string KeyOf(const ViewDefinition& view, const std::vector<std::string>& tables) const;

  /// Notes what a compiled view looks like to its readers. `key`: its own. `stored_schema`: null
  /// for an inlined one, which looks to them like its key.
  void NoteTable(const std::string& view_name, const std::string& key,
                 const std::shared_ptr<arrow::Schema>& stored_schema,
                 const std::vector<std::string>& partition_columns);

  /// Null if there is none.
  std::shared_ptr<PlanBundle> Find(const std::string& key, const ViewDefinition& view);
  void Keep(const std::string& key, const PlanBundle& bundle);
  /// Removes the bundles that were neither found nor kept, as CachePacks does. Call it when all
  /// views compiled.
  void Sweep() { packs_.Sweep(); }

 private:
  const SessionRuntime& session_;
  CachePacks packs_;
  std::string environment_;
  std::string parameters_;                              ///< a hash of all of them
  std::unordered_map<std::string, std::string> looks_;  ///< by table
};

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// What must happen in which order. In: bundles. Out: view tasks and the scans they need, with edges
// that come from the plans' scans and from nothing else.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "weir/base/result.h"
#include "weir/bundle/plan_bundle.h"

namespace weir {

/// The names between the commas of a view's property `tags`, blanks around them left out.
std::set<std::string> TagsOf(const std::map<std::string, std::string>& properties);

/// What a view's task is called: `view:<name>`.
std::string TaskKey(const std::string& view_name);

/// A view's place in the graph.
struct ViewTask {
  std::string view_name;
  Fingerprint fingerprint;
  std::vector<std::string> upstream_views;    ///< ordered by name
  std::vector<std::string> downstream_views;  ///< ordered by name
  std::vector<VersionPin> sources;  ///< tables that no view of the project makes, ordered by name
  int level = 0;                    ///< longest path from a view without upstream views
  std::string file;                 ///< relative to the project
  std::set<std::string> tags;       ///< of the property `tags`: names between commas
};

/// Which views a command is about.
struct Selection {
  std::vector<std::string> selectors;  ///< empty, and no `views`: all views
  std::vector<std::string> excluded;   ///< selectors of what is left out of these
  /// Views by their exact names, besides what selectors mean; names that there are not mean none.
  std::set<std::string> views = {};
};

/// The views that `changed` means; asked for when a selector says so.
using ChangedViews = std::function<Result<std::set<std::string>>()>;

/// Immutable after Derive, hence safe to share across threads.
class TaskGraph {
 public:
  /// In any order of bundles.
  /// REQUIRES: no view reads itself, not through others either (CompileViews reports such circles).
  static TaskGraph Derive(const std::vector<std::shared_ptr<const PlanBundle>>& bundles);

  /// Each after those it reads; by level, then name.
  const std::vector<ViewTask>& tasks() const { return tasks_; }
  /// Null if there is no such view.
  const ViewTask* Find(const std::string& view_name) const;

  /// The task of a key such as `view:orders`. Fails with kNotFound, with the nearest key.
  Result<const ViewTask*> FindByKey(const std::string& key) const;

  /// The views that `selection` means. A selector is a name or a glob (`stg_*`), `path:` with a
  /// file, a folder or a glob of files, `tag:` with a tag or a glob of tags, or `changed`; a `+`
  /// before it adds everything upstream, one after it everything downstream. Fails with kNotFound,
  /// with the nearest names, on a selector that means nothing, `changed` excepted.
  Result<std::set<std::string>> Select(const Selection& selection,
                                       const ChangedViews& changed = {}) const;

  /// All views upstream or downstream of `view_name`, itself left out.
  std::set<std::string> Upstream(const std::string& view_name) const;
  std::set<std::string> Downstream(const std::string& view_name) const;

  /// `{"nodes": [{"key", "kind", …}], "edges": [{"from", "to"}]}` and DOT, in stable order.
  std::string ToJson() const;
  std::string ToDot() const;

 private:
  Result<std::set<std::string>> Matching(const std::string& selector,
                                         const ChangedViews& changed) const;
  std::set<std::string> Closure(const std::string& view_name,
                                std::vector<std::string> ViewTask::*next) const;

  std::vector<ViewTask> tasks_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace weir

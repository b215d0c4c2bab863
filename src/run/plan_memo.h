// SPDX-License-Identifier: Apache-2.0
//
// What `weir plan` said last, so that the next plan looks only at what changed. In: the project's
// files, the logs of its sources and views, the options. Out: the same rows without planning; after
// edits of views, the rows of these and of all that read them made anew. A cache in
// `<project>/.weir/`: whatever is in doubt is planned whole.
//
//   stamps of files ─same─▶ the rows of last time
//         └─views edited─▶ these and their readers compiled ─▶ decided again, the others as before

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weir/base/cache_folder.h"
#include "weir/bundle/check_index.h"
#include "weir/bundle/compile.h"
#include "weir/run/plan_row.h"

namespace weir {

struct PlanMemoOptions {
  std::string root;  ///< the project's folder
  ProfileChoice profile;
  Selection selection;
  bool force = false;
};

class PlanMemo {
 public:
  /// Takes the stamps now, so that what changes while planning makes the answer stale.
  explicit PlanMemo(const PlanMemoOptions& options);

  /// The rows of all selected views, in topological order. Nullopt if the project must be planned
  /// whole.
  std::optional<std::vector<PlanRow>> Recall() const;

  /// Remembers rows. `project`: all of it, compiled without any diagnostic.
  void Keep(const ProjectDefinition& project, const CompiledProject& compiled,
            const std::vector<PlanRow>& rows) const;

 private:
  CacheFolder cache_;
  PlanMemoOptions options_;
  std::string name_;
  CheckIndex now_;  ///< stamps of the views' files; the environment is empty if stamps cannot tell
};

}  // namespace weir

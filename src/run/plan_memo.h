// SPDX-License-Identifier: Apache-2.0
//
// What `weir plan` said last, for as long as nothing that it looks at has changed. In: the
// project's files, the logs of its sources and views, the options. Out: the same answer without
// planning again. A cache in `<project>/.weir/`: whatever is in doubt is planned.

#pragma once

#include <optional>
#include <string>

#include "weir/project/project_definition.h"

namespace weir {

class PlanMemo {
 public:
  /// `frame`: the project without its views. `options`: all else that the answer depends on, as
  /// text. Looks at the files now, so that what changes while planning makes the answer stale.
  PlanMemo(const ProjectDefinition& frame, const std::string& options);

  /// The answer remembered. Nullopt if there is none, or if something changed, or if stamps cannot
  /// tell: sources or a warehouse behind a URL.
  std::optional<std::string> Recall() const;
  /// Remembers an answer; failures to write only cost time.
  void Keep(const std::string& answer) const;

 private:
  std::string path_;
  std::string key_;  ///< empty if stamps cannot tell
};

}  // namespace weir

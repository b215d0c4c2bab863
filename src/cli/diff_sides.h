// SPDX-License-Identifier: Apache-2.0
//
// What `weir diff` compares. In: what the user named. Out: two views or two runs, and where they
// are taken from: the artifacts of the warehouse, or the project as it is now.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/artifacts/recorded_bundles.h"
#include "weir/cli/command.h"

namespace weir::cli {

/// One side: a view or all, as recorded by a run or as it is now.
struct ComparedSide {
  std::string view;  ///< empty: all
  std::string run;   ///< empty: now
  std::string
      table;  ///< instead of both: a Delta table by its path, perhaps with `@v` and a version
};

/// "VIEW@RUN", "RUN", "now" …
std::string ToString(const ComparedSide& side);

/// What both sides are taken from; the project is compiled, and the artifacts are opened, only
/// where a side needs it.
class DiffSources {
 public:
  static Result<DiffSources> Open(const GlobalOptions& options);

  std::vector<std::string> ViewNames() const;
  bool IsView(const std::string& name) const;
  Result<const OpenProject*> Compiled();
  Result<const RecordedBundles*> Recorded();
  /// A session without the project's sources.
  Result<const SessionRuntime*> Session();
  /// Prints what is wrong with the project as it is now, if that was looked at.
  void ReportProblems() const;

 private:
  explicit DiffSources(const GlobalOptions& options) : options_(options) {}

  GlobalOptions options_;
  ProjectDefinition definition_;
  std::optional<OpenProject> open_;
  std::unique_ptr<SessionRuntime> session_;
  std::optional<RecordedBundles> recorded_;
};

/// Zero to two names, each VIEW, VIEW@RUN, RUN, `last` or `now`: `weir diff` is the last run
/// against now, a view or run alone against now. With `takes_tables` paths of Delta tables, too.
Result<std::pair<ComparedSide, ComparedSide>> ComparedSidesNamed(
    const std::vector<std::string>& names, bool takes_tables, DiffSources& sources);

/// Prints what differs between two runs, one row and one JSON object a view.
void PrintComparedRuns(const std::pair<ComparedSide, ComparedSide>& sides,
                       const std::vector<std::string>& header,
                       const std::vector<std::vector<std::string>>& rows,
                       const nlohmann::ordered_json& views, Format format);

}  // namespace weir::cli

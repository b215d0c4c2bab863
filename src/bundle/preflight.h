// SPDX-License-Identifier: Apache-2.0
//
// Checks a whole project before anything runs: every view parsed, resolved and typed against the
// schemas of what it reads, its plan looked at. In: a project folder. Out: all problems at once.
//
//   stamps of files ─▶ what differs from the last check ─▶ checked ─▶ what reads a view that looks
//   different now ─▶ checked too ─▶ the index for the next check
//
// With nothing changed, no session is opened and no file read but weir.toml, sources and tests.

#pragma once

#include <string>

#include "weir/base/diagnostic.h"
#include "weir/bundle/compile.h"

namespace weir {

struct PreflightOptions {
  std::string root;  ///< the project's folder
  ProfileChoice profile;
  /// What is asked of every view's plan; called from several threads. Part of the check: a view
  /// that failed here is asked again next time, one that passed is not.
  PlanInspector inspect;
  /// False checks everything and leaves the index alone.
  bool use_index = true;
};

struct Preflight {
  std::string project_name;
  size_t sources = 0;
  size_t views = 0;
  size_t tests = 0;
  size_t views_checked = 0;  ///< the others are as they were in the last check
  Diagnostics diagnostics;   ///< sorted
};

/// Fails only where there is no project at all or no session can be opened. The index lives in
/// `<root>/.weir/`; a folder that cannot be written is no failure.
Result<Preflight> CheckProject(const PreflightOptions& options);

}  // namespace weir

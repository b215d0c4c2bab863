// SPDX-License-Identifier: Apache-2.0
//
// Planning failures in the words of the project: what was wanted, what was found, where, and what
// to do, with a permanent code (W2xxx).

#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/functions/function_registry.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// A failure about a view, at its place in the view's file.
Diagnostic DiagnosticOf(std::string_view code, const Status& status, const ViewDefinition& view);

/// The table that the engine misses, as the user would write it: of "table
/// 'datafusion.public.flihgts' not found" `flihgts`. Empty for any other message.
std::string MissingTable(const std::string& message);

/// The names that views may read, and those that would be among them but for an error that is
/// reported already.
struct KnownTables {
  std::vector<std::string> names;
  std::set<std::string> broken;
  std::set<std::string> broken_source_files;  ///< what they would have declared is not known
  FunctionRegistry functions;
  /// User functions with an error that is reported already.
  std::set<std::string> broken_functions;

  /// `more_names`: views that are known but not among `project.views`.
  KnownTables(const ProjectDefinition& project, const SessionRuntime& session,
              const Diagnostics& diagnostics, const std::vector<std::string>& more_names = {});

  std::string HintFor(const std::string& table) const;
};

/// What fails in a view whatever the data (W2012), at its place in the view's file.
Diagnostic ExplainConstantProblem(const engine::ConstantProblem& problem,
                                  const ViewDefinition& view);

/// Says what the engine says in the words of the project, with its permanent code.
Diagnostic ExplainPlanFailure(const Status& status, const ViewDefinition& view,
                              const KnownTables& tables);

}  // namespace weir

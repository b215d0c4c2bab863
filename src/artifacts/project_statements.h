// SPDX-License-Identifier: Apache-2.0
//
// The statements of a project as artifacts hold them: normalised text, syntax tree and fingerprint
// of each, with the dialect read. In: definitions and a session that parses. Out: values for rows.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/bundle/statement.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"

namespace weir {

/// A whole statement of the project: what Weir's own DDL says, and the query in it.
struct ProjectStatement {
  std::string kind;  ///< "view", "test" or "source"
  std::string name;
  std::string file;
  std::string dialect;         ///< read
  std::string sql;             ///< as written; empty for a source, whose options may be secrets
  std::string normalized_sql;  ///< in the same dialect
  std::string tree;            ///< JSON
  Fingerprint tree_fingerprint;
};

Result<ProjectStatement> ReadStatement(const engine::Session& session,
                                       const ProjectDefinition& project,
                                       const ViewDefinition& view);
Result<ProjectStatement> ReadStatement(const engine::Session& session,
                                       const ProjectDefinition& project,
                                       const TestDefinition& test);
Result<ProjectStatement> ReadStatement(const engine::Session& session,
                                       const ProjectDefinition& project,
                                       const UserFunctionDefinition& function);
/// A source's DDL is Weir's own; its options are as the project has them, secrets not included.
ProjectStatement ReadStatement(const SourceDefinition& source);

/// Which statements are recorded, as the object beside their table says it.
struct KnownStatements {
  int64_t count = 0;        ///< changes that were recorded
  std::string transaction;  ///< of the last of them
  std::string lines;        ///< a line each, as ChangedStatements::known has them

  /// The same after one more change. Its transaction is named after what it changes: recorded again
  /// after a kill, the same change of the same number adds nothing.
  KnownStatements FollowedBy(std::string changed_lines) const;
  /// As the object has it: "count <count> <transaction>", then the lines.
  std::string ToText() const;
};

std::string KnownStatementsUrl(const std::string& warehouse_url);

/// After a run that was cut off (`may_lie`) the object may say less, or more than the table has;
/// then nothing is known, and the count, `now_us`, is one that no change had.
KnownStatements ReadKnownStatements(const engine::Session& session,
                                    const std::string& warehouse_url, bool may_lie, int64_t now_us);

/// The statements of a project of which the next run has a row to record.
struct ChangedStatements {
  std::vector<ProjectStatement> statements;  ///< views, tests, functions, sources, each by name
  /// What to compare with next time.
  std::string known;
};

/// Reads those statements that are not in `known`, which an earlier call has given (empty: none).
/// What cannot be parsed is left out: compiling reports it.
ChangedStatements ReadChangedStatements(const engine::Session& session,
                                        const ProjectDefinition& project, const std::string& known,
                                        int threads);

}  // namespace weir

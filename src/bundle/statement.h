// SPDX-License-Identifier: Apache-2.0
//
// What one statement says and does, known from its syntax tree alone: its normalised text, its
// kind, and a fingerprint of the tree. In: SQL text and its dialect. Out: values that artifacts
// record and commands decide by. Nothing is resolved or planned here.

#pragma once

#include <set>
#include <string>
#include <string_view>

#include "weir/base/fingerprint.h"
#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"

namespace weir {

/// How the tree of a statement was read. Names that are not quoted are the same in any case unless
/// the profile says that the engine keeps their case.
struct TreeReading {
  std::string dialect;
  bool names_keep_case = false;
};

/// A parsed statement.
struct ParsedStatement {
  std::string node;               ///< of the tree's root: "Query", "Insert", …
  std::set<StatementKind> kinds;  ///< all that it does: `EXPLAIN ANALYZE INSERT …` is query and dml
  std::string variable;           ///< that a SET or RESET names: "datafusion.…"; else empty
  std::string normalized_sql;     ///< in the dialect that it was read in
  std::string tree;               ///< JSON, without places in the text
  /// Of the tree in its canonical form: equal under white space, comments, the case of keywords and
  /// unquoted names, redundant quotes, redundant parentheses of expressions, and `AS` before an
  /// alias.
  Fingerprint tree_fingerprint;
};

Result<ParsedStatement> ParseStatement(const engine::Session& session, const std::string& sql,
                                       const TreeReading& reading);

/// The fingerprint of a syntax tree as engine::SyntaxTree has it. Fails if it is not JSON.
Result<Fingerprint> TreeFingerprint(const std::string& tree, bool names_keep_case);

/// Says whether `profile` lets `weir sql` run the statement. The refusal names the kind of
/// statement, the profile and the setting.
Status CheckAllowed(const ParsedStatement& statement, const ProfileSettings& profile);

/// How the session reads the trees of this project's statements.
TreeReading ReadingOf(const ProjectDefinition& project, const std::string& dialect);

}  // namespace weir

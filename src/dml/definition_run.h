// SPDX-License-Identifier: Apache-2.0
//
// Makes Delta tables and changes what they are: columns, constraints, properties, protocol. In: a
// statement and the table's URL. Out: one commit.

#pragma once

#include <string>

#include "weir/base/result.h"
#include "weir/dml/definition_statement.h"
#include "weir/dml/statement_run.h"

namespace weir {

/// Fails with kAlreadyExists where a table is to be made that is there, with kUnsupported, naming
/// it, where a property needs a feature that Weir does not write, with kInvalidArgument where rows
/// that are there break a new constraint, with kConflict where another writer was first. Then
/// nothing has changed.
Result<DmlOutcome> RunDefinition(const DmlContext& context, const std::string& sql,
                                 const DefinitionStatement& statement,
                                 const std::string& table_url);

}  // namespace weir

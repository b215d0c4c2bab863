// SPDX-License-Identifier: Apache-2.0
//
// Reads unit tests of views. In: a file of tests/ that begins with TEST. Out: UnitTestDefinitions;
// what is wrong is reported with its place (codes W11xx, W14xx). Names are not resolved here, types
// not known.
//
//   TEST [name] OF VIEW view
//   GIVEN table [(column, …)] [AS] VALUES (expression, …), …
//   GIVEN table [AS] CSV 'column,… \n field,…'
//   GIVEN table NO ROWS
//   EXPECT [(column, …)] [AS] VALUES … | CSV … | NO ROWS ;

#pragma once

#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/project/project_definition.h"
#include "weir/project/token_cursor.h"

namespace weir {

/// Says whether a test file holds unit tests: its first word is TEST.
bool HoldsUnitTests(const SqlFile& file);

/// The tests of a file, which may hold several, each ended by `;`. One that is not understood is
/// reported, and is not among them.
std::vector<UnitTestDefinition> ParseUnitTestFile(const SqlFile& file, Diagnostics& diagnostics);

}  // namespace weir

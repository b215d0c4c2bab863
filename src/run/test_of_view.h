// SPDX-License-Identifier: Apache-2.0
//
// Runs the unit tests of views. In: a test, and the compiled project. Out: whether the view's plan
// makes the expected rows of the given ones. Inputs are typed from the schemas that sources declare
// and views store: nothing needs to be built, no data of a source is read. What runs is the view's
// own plan, with its tables replaced, and its constraints.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/bundle/compile.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

enum class TestState { kPassed, kFailed, kError };

/// "passed", "failed" or "error".
std::string_view ToString(TestState state);

/// What became of a unit test.
struct UnitTestOutcome {
  TestState state = TestState::kPassed;
  /// Names of the compared columns; the rows below are in this order.
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> missing;     ///< expected, not found
  std::vector<std::vector<std::string>> unexpected;  ///< found, not expected
  std::string message;  ///< of a failure that the rows do not tell: another order, a constraint
  std::vector<Diagnostic> problems;  ///< of an error: what is wrong with the test, or the view

  int64_t differing_rows() const {
    return static_cast<int64_t>(missing.size() + unexpected.size());
  }
};

/// REQUIRES: `project` compiled to `compiled` in `session`. A view that did not compile makes an
/// error.
UnitTestOutcome RunUnitTest(const UnitTestDefinition& test, const ProjectDefinition& project,
                            const CompiledProject& compiled, const SessionRuntime& session,
                            const engine::Cancellation& cancellation);

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0
//
// Plans written as SQL for other engines. In: an optimised plan and a dialect. Out: one statement,
// or what of the plan cannot be said in SQL. The text is for people and other engines: nothing in
// Weir reads it back.

#pragma once

#include <string>

#include "weir/base/result.h"
#include "weir/engine/engine.h"

namespace weir {

/// The dialect of this name or alias, in any case. Fails with kNotFound and near names.
Result<std::string> FindReadDialect(const std::string& name);
Result<std::string> FindWrittenDialect(const std::string& name);

/// Writes `plan` in a dialect that FindWrittenDialect gave. Fails with kUnsupported naming the
/// construct that the engine cannot write.
Result<std::string> WriteSql(const engine::Plan& plan, const std::string& dialect);

}  // namespace weir

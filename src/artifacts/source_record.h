// SPDX-License-Identifier: Apache-2.0
//
// How a source is read, as one JSON text (`scan_units.source`): enough to pin the same files again.
// Where it is and what it held stands beside it. Nothing in it gives access to storage.

#pragma once

#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/project/project_definition.h"

namespace weir {

std::string SourceJson(const SourceDefinition& source);

/// A source of that name, without its location. Fails with kCorrupt on another text.
Result<SourceDefinition> ReadSource(const std::string& name, std::string_view json);

}  // namespace weir

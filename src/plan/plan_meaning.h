// SPDX-License-Identifier: Apache-2.0
//
// What of a plan's bytes its result can depend on. In: the engine's protobuf bytes. Out: bytes for
// hashing only, the same for plans that read the same columns of their tables, whatever further
// columns these have.

#pragma once

#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir {

/// Leaves out of each scan's schema the columns that the scan neither projects nor filters by, and
/// comments. The bytes are no plan that may be run. Fails with kCorrupt on damaged bytes.
Result<std::string> MeaningOfPlan(std::string_view proto_bytes);

/// The same as text, a line a field, where it must be shown what differs between two plans.
Result<std::string> MeaningText(std::string_view proto_bytes);

}  // namespace weir

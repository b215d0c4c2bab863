// SPDX-License-Identifier: Apache-2.0
//
// The table functions that read a path: delta_scan, read_parquet, read_csv, read_json, read_ndjson.
// In: the arguments of one call, matched to its declaration. Out: the table. Private to the room.

#pragma once

#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/functions/function.h"
#include "weir/session/call_arguments.h"

namespace weir {

/// The rows of read_parquet, read_csv, read_json or read_ndjson.
Result<engine::Table> ReadPathRows(const FunctionDeclaration& function,
                                   const engine::Session& session,
                                   const std::vector<TableArgument>& arguments);

/// The rows of delta_scan where its first argument is no name that the project knows.
Result<engine::Table> ScanDeltaPath(const FunctionDeclaration& function,
                                    const engine::Session& session,
                                    const std::vector<TableArgument>& arguments);

/// The version (-1: not said) and the time (empty: not said) that a call of delta_scan names; fails
/// on both at once.
struct DeltaPin {
  int64_t version = -1;
  std::string timestamp;
};
Result<DeltaPin> PinOfCall(const FunctionDeclaration& function,
                           const std::vector<TableArgument>& arguments);

}  // namespace weir

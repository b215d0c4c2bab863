// SPDX-License-Identifier: Apache-2.0
//
// What a Delta log says, as rows: its files and its commits. In: an engine session and a URL. Out:
// batches with the columns that the table functions delta_files and delta_history declare. Private
// to the room.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/functions/function.h"

namespace weir {

/// The rows of delta_files, which `function` declares: the files of a table at `version` (-1: the
/// latest), ordered by path.
Result<std::shared_ptr<arrow::RecordBatch>> DeltaFileRows(const FunctionDeclaration& function,
                                                          const engine::Session& session,
                                                          const std::string& url, int64_t version);

/// The rows of delta_history, which `function` declares: the commits up to `version` (-1: the
/// latest) that the log still has, ordered by version.
Result<std::shared_ptr<arrow::RecordBatch>> DeltaHistoryRows(const FunctionDeclaration& function,
                                                             const engine::Session& session,
                                                             const std::string& url,
                                                             int64_t version);

}  // namespace weir

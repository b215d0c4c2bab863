// SPDX-License-Identifier: Apache-2.0
//
// Hash joins, which cannot spill, give way to sort-merge joins where memory is short. In: an
// optimised plan, or whatever executes one. Out: its rows, or what it failed with.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// How an execution ended.
struct JoinFallback {
  Status status;
  /// Why `status` is that of sort-merge joins; OK where the plan was executed as it is.
  Status hash_joins_failed;
};

/// Executes a plan with the given engine, leaving nothing behind where it fails, and notes its
/// operators: the physical plan in its form "indent".
using PlanExecution = std::function<Status(const engine::Session& engine, std::string& operators)>;

/// Calls `execute` with the session's engine of so many partitions. Where that fails for want of
/// memory, the plan has hash joins and the profile allows it (`join_fallback`), calls it once more
/// with an engine that joins by sorting, which takes two partitions at least. Keys that cannot be
/// sorted leave the first failure.
JoinFallback ExecuteWithFallback(const SessionRuntime& session, int partitions,
                                 const PlanExecution& execute);

/// The rows of an optimised plan by all partitions of the session. Joins may give way as long as no
/// row has come out. The reader's failures are for engine::FromStreamFailure.
Result<std::shared_ptr<arrow::RecordBatchReader>> ExecuteQuery(
    const engine::Plan& optimized, const SessionRuntime& session,
    const engine::Cancellation& cancellation);

}  // namespace weir

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

/// Executes a physical plan with the engine that made it. Leaves nothing behind where it fails.
using PlanExecution =
    std::function<Status(const engine::Session& engine, const engine::PhysicalPlan& physical)>;

struct ExecutionOptions {
  int partitions = 1;
  /// Sort-merge joins take two partitions at least: a plan that bears only one keeps its hash
  /// joins.
  bool may_have_more_partitions = true;
  JoinMethod joins = JoinMethod::kAsSet;
  std::string view_name = {};  ///< under which calls of object stores are noted; empty: under none
};

/// Makes a physical plan with the session's engine of so many partitions, and calls `execute`.
/// Where that fails for want of memory, the plan has hash joins and the profile allows it
/// (`join_fallback`), once more with an engine that joins by sorting. Keys that cannot be sorted
/// leave the first failure.
JoinFallback ExecuteWithFallback(const engine::Plan& optimized, const SessionRuntime& session,
                                 const ExecutionOptions& options, const PlanExecution& execute);

/// The rows of an optimised plan by all partitions of the session. Joins may give way as long as no
/// row has come out. The reader's failures are for engine::FromStreamFailure.
Result<std::shared_ptr<arrow::RecordBatchReader>> ExecuteQuery(
    const engine::Plan& optimized, const SessionRuntime& session,
    const engine::Cancellation& cancellation);

}  // namespace weir

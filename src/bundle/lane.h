// SPDX-License-Identifier: Apache-2.0
//
// The encoding that a bundle replays from.
// In: a PlanBundle and the session it was planned in. Out: Substrait bytes if the plan comes back
// from them with its meaning, else the reason why it does not. Plans again, hence not for hot
// paths.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/engine/engine.h"
#include "weir/plan/plan_equality.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// Why a plan goes by protobuf.
enum class LaneObstacle {
  kNone,        ///< it goes by Substrait
  kNotWritten,  ///< Substrait has no form for a construct
  kNotRead,     ///< what was written is not understood again
  kChanged,     ///< it comes back with another meaning, or one that cannot be told to be the same
};

/// "none", "not written", "not read", "changed"
std::string_view ToString(LaneObstacle obstacle);

/// A bundle's lane.
struct Lane {
  std::string name;                 ///< "substrait" or "proto"
  std::string substrait;            ///< bytes; empty when the lane is "proto"
  bool is_optimized_again = false;  ///< the plan is the bundle's only once it is, after reading
  LaneObstacle obstacle = LaneObstacle::kNone;
  std::string reason;                        ///< one line; empty for "substrait"
  std::optional<PlanDifference> difference;  ///< of a plan that comes back changed
};

/// Writes the optimised plan as Substrait, reads it and compares; what differs is optimised once
/// more before it counts as changed. Safe to call from several threads at once.
Result<Lane> ChooseLane(const PlanBundle& bundle, const SessionRuntime& session);

/// The executable plan of a bundle from the bytes of its lane, which ChooseLane gave.
/// `scans` binds the bundle's scans to tables, as Plan::FromProto takes them.
Result<engine::Plan> PlanFromLane(const PlanBundle& bundle, const Lane& lane,
                                  const SessionRuntime& session,
                                  const std::vector<std::pair<uint32_t, engine::Table>>& scans);

}  // namespace weir

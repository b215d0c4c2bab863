// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/lane.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/bundle/required_functions.h"

namespace weir {

namespace {

/// The engine quotes whole plans in its messages.
std::string Shortened(const std::string& message) {
  static constexpr size_t kMost = 240;
  const std::string line = message.substr(0, message.find('\n'));
  return line.size() <= kMost ? line : line.substr(0, kMost) + "…";
}

Lane Proto(LaneObstacle obstacle, const std::string& message) {
  return {.name = "proto",
          .substrait = {},
          .obstacle = obstacle,
          .reason = Shortened(message),
          .difference = {}};
}

/// Decoded as bundles are: from the bytes and the columns beside them.
Result<std::shared_ptr<const LogicalPlan>> Decode(const engine::Plan& plan) {
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, plan.ToProto());
  WEIR_ASSIGN_OR_RETURN(const std::string outputs, plan.Outputs());
  return DecodePlan(bytes, outputs);
}

/// The lane of a plan that comes back as `back` from `bytes`.
Result<Lane> Compare(const PlanBundle& bundle, const engine::Plan& back, const std::string& bytes) {
  WEIR_ASSIGN_OR_RETURN(const auto schema, back.output_schema());
  // Whether a column is declared nullable says nothing of its values, and is not stored.
  const auto& planned = *bundle.output_schema;
  if (schema->num_fields() != planned.num_fields())
    return Proto(LaneObstacle::kChanged, "it comes back with other columns");
  for (int i = 0; i < planned.num_fields(); ++i) {
    const auto &before = planned.field(i), &after = schema->field(i);
    if (before->name() == after->name() && before->type()->Equals(after->type())) continue;
    return Proto(LaneObstacle::kChanged, fmt::format("the column `{}` comes back as `{}`",
                                                     before->ToString(), after->ToString()));
  }
  auto decoded = Decode(back);
  if (!decoded.ok()) return Proto(LaneObstacle::kChanged, decoded.status().message());
  auto difference = FindDifference(*bundle.plan, **decoded);
  if (!difference.ok()) return Proto(LaneObstacle::kChanged, difference.status().message());
  if (*difference) {
    Lane lane = Proto(LaneObstacle::kChanged, (*difference)->ToString());
    lane.difference = *std::move(difference);
    return lane;
  }
  return Lane{.name = "substrait", .substrait = bytes, .reason = {}, .difference = {}};
}

}  // namespace

std::string_view ToString(LaneObstacle obstacle) {
  static constexpr std::string_view kNames[] = {"none", "not written", "not read", "changed"};
  return kNames[static_cast<size_t>(obstacle)];
}

Result<Lane> ChooseLane(const PlanBundle& bundle, const SessionRuntime& session) {
  const engine::Session& engine = session.engine();
  auto bytes = engine::Plan::ProtoToSubstrait(engine, bundle.plan_proto);
  if (!bytes.ok()) return Proto(LaneObstacle::kNotWritten, bytes.status().message());
  auto read = engine::Plan::FromSubstrait(engine, *bytes);
  if (!read.ok()) return Proto(LaneObstacle::kNotRead, read.status().message());
  WEIR_ASSIGN_OR_RETURN(Lane lane, Compare(bundle, *read, *bytes));
  if (lane.obstacle == LaneObstacle::kNone) return lane;
  const auto optimized = (*std::move(read)).Optimize(engine, engine::ClockCalls::kCalls);
  if (!optimized.ok()) return Proto(LaneObstacle::kNotRead, optimized.status().message());
  WEIR_ASSIGN_OR_RETURN(lane, Compare(bundle, *optimized, *bytes));
  lane.is_optimized_again = true;
  return lane;
}

Result<engine::Plan> PlanFromLane(const PlanBundle& bundle, const Lane& lane,
                                  const SessionRuntime& session,
                                  const std::vector<std::pair<uint32_t, engine::Table>>& scans) {
  WEIR_RETURN_NOT_OK(CheckRequiredFunctions(bundle, session.functions()));
  if (lane.substrait.empty())
    return engine::Plan::FromProto(session.engine(), bundle.plan_proto, scans);
  WEIR_ASSIGN_OR_RETURN(engine::Plan read,
                        engine::Plan::FromSubstrait(session.engine(), lane.substrait, scans));
  if (!lane.is_optimized_again) return read;
  return std::move(read).Optimize(session.engine(), engine::ClockCalls::kCalls);
}

}  // namespace weir

// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/taken_plan.h"

#include <arrow/api.h>

#include "weir/plan/total_order.h"

namespace weir {

namespace {

Status Fill(const engine::Plan& plan, PlanBundle& bundle) {
  WEIR_ASSIGN_OR_RETURN(bundle.plan_proto, plan.ToProto());
  WEIR_ASSIGN_OR_RETURN(bundle.plan_outputs, plan.Outputs());
  WEIR_ASSIGN_OR_RETURN(bundle.plan, DecodePlan(bundle.plan_proto, bundle.plan_outputs));
  return Status::OK();
}

Result<engine::Plan> ToEngine(const LogicalPlan& plan, const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, EncodePlan(plan));
  return engine::Plan::FromProto(session, bytes);
}

}  // namespace

Status TakePlan(const engine::Plan& plan, const SessionRuntime& session, PlanBundle& bundle) {
  WEIR_RETURN_NOT_OK(Fill(plan, bundle));
  if (!session.is_deterministic()) return Status::OK();
  const auto schema_of = [&](const LogicalPlan& part) -> std::shared_ptr<arrow::Schema> {
    const auto typed = ToEngine(part, session.engine());
    if (!typed.ok()) return nullptr;
    const auto schema = typed->output_schema();
    return schema.ok() ? *schema : nullptr;
  };
  const OrderedPlan ordered = CompleteOrders(bundle.plan, schema_of);
  if (ordered.plan == bundle.plan) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(const engine::Plan completed, ToEngine(*ordered.plan, session.engine()));
  WEIR_RETURN_NOT_OK(Fill(completed, bundle));
  for (const CompletedOrder& order : ordered.completed)
    bundle.completed_orders.push_back(ToText(order));
  bundle.needs_one_partition = ordered.needs_one_partition;
  return Status::OK();
}

}  // namespace weir

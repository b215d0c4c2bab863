// SPDX-License-Identifier: Apache-2.0
//! Keeps `ORDER BY … LIMIT` below another order as it is. DataFusion's EnsureRequirements gives the inner sort the outer order where
//! the inner one satisfies it, and with a limit on it that chooses other rows: of `(… ORDER BY n LIMIT 2) ORDER BY n > 0` any two rows
//! with n > 0. A fence between both, there only while that rule runs, has no order, so that the outer sort stays.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::output_requirements::OutputRequirementExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, replace_children_if_necessary};

use super::ordered_limits::OrderedLimit;
use super::plan_fence::{PlanFence, Stops};
use super::{About, Guard, Means, PhysicalRules};

pub struct LimitFence;

impl Guard for LimitFence {
    fn about(&self) -> About {
        About {
            name: "limit_fence",
            version: 1,
            fault: "`(SELECT … ORDER BY n LIMIT 2) ORDER BY n > 0` sorts before the limit and gives two other rows",
            upstream: "unreported",
            means: Means::Correction,
            effect: "the limit takes the rows that its own order puts first",
        }
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        let at = rules.iter().position(|rule| rule.name() == "EnsureRequirements").expect("the rule that moves sorts");
        rules.insert(at + 1, Arc::new(LimitFences::Remove));
        rules.insert(at, Arc::new(LimitFences::Raise));
    }
}

#[derive(Debug)]
enum LimitFences {
    Raise,
    Remove,
}

impl PhysicalOptimizerRule for LimitFences {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        match self {
            LimitFences::Raise => raise(plan, false),
            LimitFences::Remove => PlanFence::remove_all(plan, Stops::Order),
        }
    }
    fn name(&self) -> &str {
        "limit_fences"
    }
    fn schema_check(&self) -> bool {
        true
    }
}

/// `ordered`: a node above, and none with a fence in between, wants an order that could be handed down.
fn raise(plan: Arc<dyn ExecutionPlan>, ordered: bool) -> Result<Arc<dyn ExecutionPlan>> {
    let fenced = ordered && is_chosen_by_order(plan.as_ref());
    let ordered = ordered && !fenced || wants_order(plan.as_ref());
    let children = plan.children().into_iter().map(|child| raise(Arc::clone(child), ordered));
    let children = children.collect::<Result<Vec<_>>>()?;
    let plan = if children.is_empty() { plan } else { replace_children_if_necessary(plan, children)? };
    Ok(if fenced { PlanFence::over(plan, Stops::Order) } else { plan })
}

/// Whether the order of rows decides which of them there are.
fn is_chosen_by_order(plan: &dyn ExecutionPlan) -> bool {
    (plan.fetch().is_some() || plan.is::<GlobalLimitExec>() || plan.is::<OrderedLimit>())
        && plan.output_ordering().is_some()
}

fn wants_order(plan: &dyn ExecutionPlan) -> bool {
    plan.is::<SortExec>()
        || !plan.is::<OutputRequirementExec>() && plan.required_input_ordering().iter().any(Option::is_some)
}

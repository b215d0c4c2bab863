// SPDX-License-Identifier: Apache-2.0
//! Keeps `ORDER BY … LIMIT` below another order as it is. DataFusion's EnsureRequirements gives the inner sort the outer order where
//! the inner one satisfies it, and with a limit on it that chooses other rows: of `(… ORDER BY n LIMIT 2) ORDER BY n > 0` any two rows
//! with n > 0. A fence between both, there only while that rule runs, has no order, so that the outer sort stays.

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::internal_err;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::output_requirements::OutputRequirementExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, ReplaceChildrenOptions,
    replace_children_if_necessary,
};

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
            LimitFences::Remove => plan
                .transform_up(|node| match node.downcast_ref::<LimitFenceExec>() {
                    Some(fence) => Ok(Transformed::yes(Arc::clone(&fence.input))),
                    None => Ok(Transformed::no(node)),
                })
                .data(),
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
    Ok(if fenced { Arc::new(LimitFenceExec::new(plan)) } else { plan })
}

/// Whether the order of rows decides which of them there are.
fn is_chosen_by_order(plan: &dyn ExecutionPlan) -> bool {
    (plan.fetch().is_some() || plan.is::<GlobalLimitExec>()) && plan.output_ordering().is_some()
}

fn wants_order(plan: &dyn ExecutionPlan) -> bool {
    plan.is::<SortExec>()
        || !plan.is::<OutputRequirementExec>() && plan.required_input_ordering().iter().any(Option::is_some)
}

#[derive(Debug)]
struct LimitFenceExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl LimitFenceExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let mut properties = input.properties().as_ref().clone();
        let mut equivalences = properties.equivalence_properties().clone();
        equivalences.clear_orderings();
        properties.set_eq_properties(equivalences);
        Self { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for LimitFenceExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LimitFenceExec")
    }
}

impl ExecutionPlan for LimitFenceExec {
    fn name(&self) -> &str {
        "LimitFenceExec"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }
    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0))))
    }
    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0))))
    }
    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        internal_err!("a fence for planning was left in the plan")
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A node that passes rows on and keeps what is known of them, or what could be moved, from going through: guards raise it where a rule
//! of the engine goes too far.

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::filter_pushdown::{FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};

use super::PhysicalRules;

/// What does not go through a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stops {
    /// Projections and filters from above.
    Movement,
    /// The order of the rows below.
    Order,
    /// What is known of the values below, and with it their order.
    Knowledge,
}

#[derive(Debug)]
pub struct PlanFence {
    stops: Stops,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl PlanFence {
    pub fn over(input: Arc<dyn ExecutionPlan>, stops: Stops) -> Arc<dyn ExecutionPlan> {
        let mut properties = input.properties().as_ref().clone();
        match stops {
            Stops::Movement => {}
            Stops::Order => {
                let mut known = properties.equivalence_properties().clone();
                known.clear_orderings();
                properties.set_eq_properties(known);
            }
            Stops::Knowledge => properties.set_eq_properties(EquivalenceProperties::new(input.schema())),
        }
        Arc::new(Self { stops, input, properties: Arc::new(properties) })
    }

    fn of(plan: &dyn ExecutionPlan, stops: Stops) -> Option<&Self> {
        plan.downcast_ref::<Self>().filter(|fence| fence.stops == stops)
    }

    pub fn is_at(plan: &dyn ExecutionPlan, stops: Stops) -> bool {
        Self::of(plan, stops).is_some()
    }

    /// The plan without the fences that stop this.
    pub fn remove_all(plan: Arc<dyn ExecutionPlan>, stops: Stops) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|mut node| {
            let mut changed = false;
            while let Some(fence) = Self::of(node.as_ref(), stops) {
                node = Arc::clone(&fence.input);
                changed = true;
            }
            Ok(Transformed::new_transformed(node, changed))
        })
        .data()
    }
}

/// Raises a fence over or below a node that wants one.
pub type Raise = fn(&Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>>;

/// Has the rules of these names run while fences stand that stop movement.
pub fn around(rules: &mut PhysicalRules, names: &[&str], raise: Raise) {
    for rule in std::mem::take(rules) {
        if names.contains(&rule.name()) {
            rules.push(Arc::new(MovementFences::Raise(raise)));
            rules.push(rule);
            rules.push(Arc::new(MovementFences::Remove));
        } else {
            rules.push(rule);
        }
    }
}

#[derive(Debug)]
enum MovementFences {
    Raise(Raise),
    Remove,
}

impl PhysicalOptimizerRule for MovementFences {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        match self {
            MovementFences::Raise(raise) => plan
                .transform_up(|node| Ok(raise(&node)?.map_or_else(|| Transformed::no(node), Transformed::yes)))
                .data(),
            MovementFences::Remove => PlanFence::remove_all(plan, Stops::Movement),
        }
    }
    fn name(&self) -> &str {
        "movement_fences"
    }
    fn schema_check(&self) -> bool {
        true
    }
}

impl DisplayAs for PlanFence {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlanFence: stops={:?}", self.stops)
    }
}

impl ExecutionPlan for PlanFence {
    fn name(&self) -> &str {
        "PlanFence"
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
        Ok(Self::over(children.swap_remove(0), self.stops))
    }
    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Self::over(children.swap_remove(0), self.stops))
    }
    fn gather_filters_for_pushdown(
        &self,
        _phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription> {
        match self.stops {
            Stops::Movement => Ok(FilterDescription::all_unsupported(&parent_filters, &self.children())),
            Stops::Order | Stops::Knowledge => FilterDescription::from_children(parent_filters, &self.children()),
        }
    }
    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }
}

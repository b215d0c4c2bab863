// SPDX-License-Identifier: Apache-2.0
//! Has limits take the rows that their order puts first, in two cases in which DataFusion loses rows or the order.
//!
//! `ORDER BY … OFFSET n` without a limit: EnsureRequirements takes the sort for one that nobody wants where a group or a join reads the
//! rows. `ORDER BY … LIMIT n` by a struct or a list: what TopK knows of the last row that it keeps is compared as SQL compares, which says
//! NULL of values that hold NULL, and such rows are left out. Both become a node that says what it wants, over a sort of all rows.

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Distribution, LexOrdering, OrderingRequirements, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::limit::{GlobalLimitExec, LimitStream};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties, ReplaceChildrenOptions, apply_expression_roots, replace_children_if_necessary,
};

use super::{About, Guard, Means, PhysicalRules};

pub struct OrderedLimits;

impl Guard for OrderedLimits {
    fn about(&self) -> About {
        About {
            name: "ordered_limits",
            version: 1,
            fault: "`SELECT sum(v) FROM (SELECT v FROM t ORDER BY k OFFSET 2)` leaves out any two rows, and `ORDER BY s LIMIT 3` by a struct \
                    or a list leaves out rows where it holds NULL",
            upstream: "unreported",
            means: Means::Correction,
            effect: "the limit takes the rows that its own order puts first",
        }
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        rules.insert(0, Arc::new(KeepOrders));
    }
}

#[derive(Debug)]
struct KeepOrders;

impl PhysicalOptimizerRule for KeepOrders {
    fn name(&self) -> &str {
        "keep_orders_of_limits"
    }
    fn schema_check(&self) -> bool {
        true
    }
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if let Some(sort) = node.downcast_ref::<SortExec>()
                && let Some(fetch) = sort.fetch()
                && has_nested_key(sort)?
            {
                let all = Arc::new(SortExec::new(sort.expr().clone(), Arc::clone(sort.input())));
                return Ok(Transformed::yes(OrderedLimit::over(all, sort.expr().clone(), 0, Some(fetch))));
            }
            if let Some(limit) = node.downcast_ref::<GlobalLimitExec>()
                && limit.fetch().is_none()
                && let Some(ordered) = at_order(limit.input(), limit.skip())?
            {
                return Ok(Transformed::yes(ordered));
            }
            Ok(Transformed::no(node))
        })
        .data()
    }
}

/// The rows without the first `skip` of their order, which may be one by columns that a projection leaves out; None if there is none.
fn at_order(plan: &Arc<dyn ExecutionPlan>, skip: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(order) = plan.output_ordering() {
        return Ok(Some(OrderedLimit::over(Arc::clone(plan), order.clone(), skip, None)));
    }
    let Some(projection) = plan.downcast_ref::<ProjectionExec>() else { return Ok(None) };
    let Some(input) = at_order(projection.input(), skip)? else { return Ok(None) };
    Ok(Some(replace_children_if_necessary(Arc::clone(plan), vec![input])?))
}

fn has_nested_key(sort: &SortExec) -> Result<bool> {
    let schema = sort.input().schema();
    sort.expr().iter().try_fold(false, |found, key| Ok(found || key.expr.data_type(&schema)?.is_nested()))
}

/// Leaves out the first rows of an order, and all behind a limit.
#[derive(Debug)]
pub struct OrderedLimit {
    input: Arc<dyn ExecutionPlan>,
    order: LexOrdering,
    skip: usize,
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl OrderedLimit {
    fn over(
        input: Arc<dyn ExecutionPlan>,
        order: LexOrdering,
        skip: usize,
        fetch: Option<usize>,
    ) -> Arc<dyn ExecutionPlan> {
        let mut properties = input.properties().as_ref().clone();
        properties.partitioning = Partitioning::UnknownPartitioning(1);
        Arc::new(Self { input, order, skip, fetch, properties: Arc::new(properties), metrics: Default::default() })
    }
}

impl DisplayAs for OrderedLimit {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderedLimit: order=[{}], skip={}", self.order, self.skip)?;
        self.fetch.map_or(Ok(()), |fetch| write!(f, ", fetch={fetch}"))
    }
}

impl ExecutionPlan for OrderedLimit {
    fn name(&self) -> &str {
        "OrderedLimit"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }
    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }
    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![Some(OrderingRequirements::from(self.order.clone()))]
    }
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }
    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.order.iter().map(|key| &key.expr), f)
    }
    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Self::over(children.swap_remove(0), self.order.clone(), self.skip, self.fetch))
    }
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        Ok(Box::pin(LimitStream::new(rows, self.skip, self.fetch, metrics)))
    }
}

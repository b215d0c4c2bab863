// SPDX-License-Identifier: Apache-2.0
//! Joins that can be ended in the midst of their work.
//!
//! A query is cancelled where it waits. A join may go on for hours without waiting: it compares one batch of the one side with all rows of the
//! other, and whoever reads its rows asks for the next as long as there are any. Hence each join has a mark that says that it is to end: it is
//! looked at with each batch of rows that comes out, and with each that a nested loop compares. Plans show nothing of it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::Statistics;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder, PiecewiseMergeJoinExec,
    SortMergeJoinExec,
};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;

use crate::error::BridgeError;
use crate::runtime::Cancellation;

/// Whether a join is to end: the query is cancelled, or nobody wants its rows any more. It asks the handle itself: a task that waited for it
/// would find no thread while all of the runtime's are busy with joins.
#[derive(Clone, Debug, Default)]
struct Mark(Arc<MarkState>);

#[derive(Debug, Default)]
struct MarkState {
    is_set: AtomicBool,
    cancellation: OnceLock<Cancellation>,
}

impl Mark {
    fn set(&self) {
        self.0.is_set.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<()> {
        let is_cancelled = || self.0.cancellation.get().is_some_and(Cancellation::is_cancelled);
        if self.0.is_set.load(Ordering::Relaxed) || is_cancelled() {
            return Err(DataFusionError::External(Box::new(BridgeError::cancelled())));
        }
        Ok(())
    }
}

/// As long as it lives, the joins of a plan end when the query is cancelled; at its end they end in any case, since nobody wants their rows
/// any more. A join that went on would hold a thread of the runtime.
pub struct Interruption {
    marks: Vec<Mark>,
}

impl Interruption {
    /// A plan is executed once: further calls for it heed the first handle.
    pub fn of(plan: &Arc<dyn ExecutionPlan>, cancellation: &Cancellation) -> Result<Self> {
        let mut marks = Vec::new();
        plan.apply(|node| {
            if let Some(join) = node.downcast_ref::<InterruptibleJoin>() {
                join.mark.0.cancellation.get_or_init(|| cancellation.clone());
                marks.push(join.mark.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(Self { marks })
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        self.marks.iter().for_each(Mark::set);
    }
}

/// Gives joins their marks. Comes after all rules that know joins.
#[derive(Debug)]
pub struct MarkJoins;

impl PhysicalOptimizerRule for MarkJoins {
    fn name(&self) -> &str {
        "mark_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let is_join = node.is::<NestedLoopJoinExec>()
                || node.is::<CrossJoinExec>()
                || node.is::<HashJoinExec>()
                || node.is::<SortMergeJoinExec>()
                || node.is::<PiecewiseMergeJoinExec>();
            if !is_join {
                return Ok(Transformed::no(node));
            }
            let mark = Mark::default();
            let join = match node.downcast_ref::<NestedLoopJoinExec>() {
                Some(join) => with_marked_filter(join, &mark)?.unwrap_or(node),
                None => node,
            };
            Ok(Transformed::yes(Arc::new(InterruptibleJoin { join, mark })))
        })
        .data()
    }
}

fn with_marked_filter(join: &NestedLoopJoinExec, mark: &Mark) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(filter) = join.filter() else { return Ok(None) };
    let condition = MarkedCondition { condition: Arc::clone(filter.expression()), mark: mark.clone() };
    let filter = JoinFilter::new(Arc::new(condition), filter.column_indices().to_vec(), Arc::clone(filter.schema()));
    Ok(Some(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?)))
}

/// Stands in the place of a join, and looks like it.
#[derive(Debug)]
struct InterruptibleJoin {
    join: Arc<dyn ExecutionPlan>,
    mark: Mark,
}

impl InterruptibleJoin {
    fn around(&self, join: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { join, mark: self.mark.clone() })
    }
}

impl DisplayAs for InterruptibleJoin {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.join.fmt_as(format, f)
    }
}

impl ExecutionPlan for InterruptibleJoin {
    fn name(&self) -> &str {
        self.join.name()
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        self.join.properties()
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.join.children()
    }
    fn maintains_input_order(&self) -> Vec<bool> {
        self.join.maintains_input_order()
    }
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        self.join.benefits_from_input_partitioning()
    }
    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(f)
    }
    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.around(Arc::clone(&self.join).replace_children(children, options)?))
    }
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }
    /// For each step of a recursion.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.around(Arc::clone(&self.join).reset_state()?))
    }
    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        self.join.child_stats_requests(partition)
    }
    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        self.join.statistics_from_inputs(inputs, args)
    }
    fn metrics(&self) -> Option<MetricsSet> {
        self.join.metrics()
    }
    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.join.execute(partition, context)?;
        let mark = self.mark.clone();
        let schema = rows.schema();
        let rows = rows.map(move |batch| mark.check().and(batch));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// The condition of a nested loop, which looks at its join's mark first.
#[derive(Debug)]
struct MarkedCondition {
    condition: Arc<dyn PhysicalExpr>,
    mark: Mark,
}

impl PartialEq for MarkedCondition {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for MarkedCondition {}

impl Hash for MarkedCondition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl fmt::Display for MarkedCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.condition, f)
    }
}

impl PhysicalExpr for MarkedCondition {
    fn data_type(&self, input: &Schema) -> Result<DataType> {
        self.condition.data_type(input)
    }
    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.condition.nullable(input)
    }
    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.condition.return_field(input)
    }
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.mark.check()?;
        self.condition.evaluate(batch)
    }
    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let condition = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.condition));
        Ok(Arc::new(Self { condition, mark: self.mark.clone() }))
    }
    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}

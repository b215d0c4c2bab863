// SPDX-License-Identifier: Apache-2.0
//! Merging partitions in the order of their numbers. DataFusion merges them as batches arrive, so that what is sensitive to the
//! order of rows (sums of floats, for one) differs from run to run.
//!
//! Partitions are read one after another here, while the partitions of a hash join wait for each other before the first of them goes on
//! (they narrow their dynamic filter together). Such a join gets its probe side merged, so that it has one partition.

use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, ReplaceChildrenOptions,
    replace_children_if_necessary,
};
use futures::{StreamExt, TryStreamExt};

/// Replaces every `CoalescePartitionsExec`.
#[derive(Debug)]
pub struct OrderedCoalesce;

impl PhysicalOptimizerRule for OrderedCoalesce {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|node| {
            if let Some(join) = node.downcast_ref::<HashJoinExec>() {
                return merge_probe_side(join, &node);
            }
            let Some(coalesce) = node.downcast_ref::<CoalescePartitionsExec>() else {
                return Ok(Transformed::no(node));
            };
            Ok(Transformed::yes(Arc::new(OrderedCoalesceExec {
                input: Arc::clone(coalesce.input()),
                properties: Arc::clone(coalesce.properties()),
                fetch: coalesce.fetch(),
            }) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }
    fn name(&self) -> &str {
        "ordered_coalesce"
    }
    fn schema_check(&self) -> bool {
        true
    }
}

fn merge_probe_side(join: &HashJoinExec, node: &Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let probe = join.right();
    if *join.partition_mode() != PartitionMode::CollectLeft || probe.output_partitioning().partition_count() == 1 {
        return Ok(Transformed::no(Arc::clone(node)));
    }
    let merged: Arc<dyn ExecutionPlan> = match probe.output_ordering() {
        Some(ordering) => Arc::new(SortPreservingMergeExec::new(ordering.clone(), Arc::clone(probe))),
        None => Arc::new(CoalescePartitionsExec::new(Arc::clone(probe))),
    };
    let children = vec![Arc::clone(join.left()), merged];
    Ok(Transformed::yes(replace_children_if_necessary(Arc::clone(node), children)?))
}

/// Yields the input's partition 0 to its end, then partition 1, and so on.
#[derive(Debug, Clone)]
pub struct OrderedCoalesceExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    fetch: Option<usize>,
}

impl DisplayAs for OrderedCoalesceExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fetch {
            Some(fetch) => write!(f, "OrderedCoalesceExec: fetch={fetch}"),
            None => write!(f, "OrderedCoalesceExec"),
        }
    }
}

impl ExecutionPlan for OrderedCoalesceExec {
    fn name(&self) -> &str {
        "OrderedCoalesceExec"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
        Ok(Arc::new(Self { input: children.swap_remove(0), ..Self::clone(&self) }))
    }
    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0), ..Self::clone(&self) }))
    }
    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = self.input.output_partitioning().partition_count();
        let input = Arc::clone(&self.input);
        let batches = futures::stream::iter(0..partitions)
            .then(move |partition| {
                let stream = input.execute(partition, Arc::clone(&context));
                async move { stream }
            })
            .try_flatten();
        let batches = match self.fetch {
            None => batches.boxed(),
            Some(fetch) => batches
                .scan(fetch, |left, batch: Result<RecordBatch>| {
                    let next = (*left > 0).then(|| {
                        batch.map(|batch| {
                            let rows = batch.num_rows().min(*left);
                            *left -= rows;
                            batch.slice(0, rows)
                        })
                    });
                    std::future::ready(next)
                })
                .boxed(),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
    fn fetch(&self) -> Option<usize> {
        self.fetch
    }
}

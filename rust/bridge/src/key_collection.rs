// SPDX-License-Identifier: Apache-2.0
//! Hash joins that tell the scans of their second side which keys the first side has.
//!
//! The engine gives these scans a filter that looks for each key in the join's whole hash table. The keys are gathered in sets (key_sets.rs)
//! while the rows of the first side pass, and the filter in the reader asks these instead. A scan that reads through a set drops no row that
//! could match: a set that misses rows is never used.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{NullEquality, Statistics, internal_err};
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::Stream;

use crate::key_sets::{KeySet, is_eligible};
use crate::reader_filters::ReaderFilter;

/// The part of a query's memory that a set may take.
const OF_MEMORY: usize = 16;

/// The keys of a join's first side: a set for each column of the key of which there may be one.
#[derive(Debug)]
pub struct JoinKeys {
    /// In the order of the join's key.
    columns: Vec<Option<(Column, DataType)>>,
    filling: Mutex<Filling>,
    complete: OnceLock<Vec<Option<KeySet>>>,
    /// Rows were missed, or may have come twice over.
    is_spoilt: AtomicBool,
}

#[derive(Debug, Default)]
struct Filling {
    sets: Vec<Option<KeySet>>,
    begun: HashSet<usize>,
    ended: usize,
}

impl JoinKeys {
    /// None if there may be no set for any column of the key.
    fn of(join: &HashJoinExec) -> Option<Self> {
        let (left, right) = (join.left().schema(), join.right().schema());
        let columns: Vec<_> = join
            .on()
            .iter()
            .map(|(first, second)| {
                let column = first.downcast_ref::<Column>()?;
                let data_type = left.fields().get(column.index())?.data_type();
                let is_same = second.data_type(&right).is_ok_and(|other| other == *data_type);
                (is_same && is_eligible(data_type)).then(|| (column.clone(), data_type.clone()))
            })
            .collect();
        columns.iter().any(Option::is_some).then(|| Self {
            columns,
            filling: Mutex::default(),
            complete: OnceLock::new(),
            is_spoilt: AtomicBool::new(false),
        })
    }

    /// The sets, in the order of the join's key, once all rows have passed. None where rows were missed.
    pub fn complete(&self) -> Option<&[Option<KeySet>]> {
        if self.is_spoilt.load(Ordering::Acquire) { None } else { self.complete.get().map(Vec::as_slice) }
    }

    /// False where the rows of a partition are of no use.
    fn begin(&self, partition: usize, context: &TaskContext) -> bool {
        let mut filling = self.filling();
        if !filling.begun.insert(partition) {
            drop(filling);
            self.spoil();
        } else if filling.begun.len() == 1 {
            let most_bytes = match context.memory_pool().memory_limit() {
                MemoryLimit::Finite(bytes) => bytes / OF_MEMORY,
                _ => usize::MAX,
            };
            let empty = |data_type: &DataType| {
                let memory = MemoryConsumer::new("JoinKeys").register(context.memory_pool());
                KeySet::new(data_type.clone(), most_bytes, memory)
            };
            filling.sets =
                self.columns.iter().map(|column| column.as_ref().map(|(_, data_type)| empty(data_type))).collect();
        }
        !self.is_spoilt.load(Ordering::Acquire)
    }

    fn add(&self, batch: &RecordBatch) {
        for (column, set) in self.columns.iter().zip(&mut self.filling().sets) {
            let (Some((column, _)), Some(filled)) = (column, &mut *set) else { continue };
            if !filled.insert(batch.column(column.index())) {
                *set = None;
            }
        }
    }

    fn end(&self, partitions: usize) {
        let mut filling = self.filling();
        filling.ended += 1;
        if filling.ended == partitions {
            let _ = self.complete.set(std::mem::take(&mut filling.sets));
        }
    }

    fn spoil(&self) {
        self.is_spoilt.store(true, Ordering::Release);
        self.filling().sets.clear();
    }

    fn filling(&self) -> MutexGuard<'_, Filling> {
        self.filling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the first sides of hash joins gather keys for the filters of Parquet readers. Comes after the rules that push filters.
#[derive(Debug)]
pub struct CollectKeys;

impl PhysicalOptimizerRule for CollectKeys {
    fn name(&self) -> &str {
        "collect_keys"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        // The terms of a recursive query run many times, over other rows each time.
        if plan.exists(|node| Ok(node.is::<RecursiveQueryExec>()))? {
            return Ok(plan);
        }
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else { return Ok(Transformed::no(node)) };
            let Some(keys) = read_keys(join)? else { return Ok(Transformed::no(node)) };
            let first = Arc::new(KeyCollectorExec { input: Arc::clone(join.left()), keys });
            let second = Arc::clone(join.right());
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Ok(Transformed::yes(node.replace_children(vec![first, second], options)?))
        })
        .data()
    }
}

/// Keys that readers on the second side of a join are going to ask for.
fn read_keys(join: &HashJoinExec) -> Result<Option<Arc<JoinKeys>>> {
    if join.null_aware
        || join.null_equality() != NullEquality::NullEqualsNothing
        || join.left().is::<KeyCollectorExec>()
    {
        return Ok(None);
    }
    let produced = join.dynamic_expressions_produced();
    let [filter] = produced.as_slice() else { return Ok(None) };
    let (Some(id), Some(keys)) = (filter.expression_id(), JoinKeys::of(join).map(Arc::new)) else {
        return Ok(None);
    };
    let mut is_read = false;
    join.right().apply(|node| {
        node.apply_expressions(&mut |expression| {
            expression.apply(|part| {
                is_read |= part.downcast_ref::<ReaderFilter>().is_some_and(|filter| filter.read_keys(id, &keys));
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(is_read.then_some(keys))
}

/// Passes rows on as they are, and gathers their keys.
#[derive(Debug)]
struct KeyCollectorExec {
    input: Arc<dyn ExecutionPlan>,
    keys: Arc<JoinKeys>,
}

impl DisplayAs for KeyCollectorExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self.keys.columns.iter().flatten().map(|(column, _)| column.to_string()).collect();
        write!(f, "KeyCollectorExec: keys=[{}]", columns.join(", "))
    }
}

impl ExecutionPlan for KeyCollectorExec {
    fn name(&self) -> &str {
        "KeyCollectorExec"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input, keys: Arc::clone(&self.keys) })),
            _ => internal_err!("keys are gathered from one input"),
        }
    }
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }
    /// The rows of another execution are not those that were gathered.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        self.keys.spoil();
        Ok(self)
    }
    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }
    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&inputs[0]))
    }
    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let is_useful = self.keys.begin(partition, &context);
        let rows = self.input.execute(partition, context)?;
        if !is_useful {
            return Ok(rows);
        }
        let partitions = self.input.output_partitioning().partition_count();
        Ok(Box::pin(Collector { rows, keys: Arc::clone(&self.keys), partitions, has_ended: false }))
    }
}

/// Gathers the keys of one partition.
struct Collector {
    rows: SendableRecordBatchStream,
    keys: Arc<JoinKeys>,
    partitions: usize,
    has_ended: bool,
}

impl Stream for Collector {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.rows.as_mut().poll_next(context));
        match &next {
            Some(Ok(batch)) => self.keys.add(batch),
            Some(Err(_)) => self.keys.spoil(),
            None if !self.has_ended => {
                self.has_ended = true;
                self.keys.end(self.partitions);
            }
            None => {}
        }
        Poll::Ready(next)
    }
}

impl RecordBatchStream for Collector {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

/// Rows that nobody asked for are missed.
impl Drop for Collector {
    fn drop(&mut self) {
        if !self.has_ended {
            self.keys.spoil();
        }
    }
}

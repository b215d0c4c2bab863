// SPDX-License-Identifier: Apache-2.0
//! Runs a part of a plan once for all places that read its rows.
//!
//! A task a partition pulls rows while a reader has none left, and lays them into the queues of all readers. What one reader is behind the
//! others is held in memory as far as the pool allows, else on disk. Rows that all readers have taken are let go.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Statistics, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, SpillMetrics};
use datafusion::physical_plan::spill::{SpillManager, get_record_batch_memory_size};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio::sync::Notify;

use crate::contained::panic_text;
use crate::error::BridgeError;

/// One place that reads the rows of a part. Not connected to the others yet, it runs the part for itself.
#[derive(Debug)]
pub struct SharedRows {
    /// Of the part.
    id: usize,
    /// The part, which the first of connected places shows.
    input: Arc<dyn ExecutionPlan>,
    /// What the connected places have in common, and which of its readers this one is.
    source: Option<(Arc<Source>, usize)>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl SharedRows {
    pub fn unconnected(id: usize, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        // What one place knows of the rows stays below, but their order: a limit above may go by it.
        let order = input.output_ordering().cloned();
        let mut properties = input.properties().as_ref().clone();
        properties.set_eq_properties(EquivalenceProperties::new_with_orderings(input.schema(), order));
        let (properties, metrics) = (Arc::new(properties), ExecutionPlanMetricsSet::new());
        Arc::new(Self { id, input, source: None, properties, metrics })
    }

    /// The plan with the places of each part connected, if they came out the same; each that stands alone is left out.
    pub fn connect(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut places: HashMap<usize, Vec<Arc<dyn ExecutionPlan>>> = HashMap::new();
        plan.apply(|node| {
            if let Some(Self { id, input, .. }) = node.downcast_ref::<Self>() {
                places.entry(*id).or_default().push(Arc::clone(input));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let mut sources: HashMap<usize, (Arc<Source>, usize)> = places
            .into_iter()
            .filter(|(_, inputs)| inputs.len() > 1 && inputs.iter().all(|input| looks_like(&inputs[0], input)))
            .map(|(id, inputs)| (id, (Arc::new(Source::new(Arc::clone(&inputs[0]), inputs.len())), 0)))
            .collect();
        plan.transform_down(|node| {
            let Some(Self { id, input, properties, .. }) = node.downcast_ref::<Self>() else {
                return Ok(Transformed::no(node));
            };
            let Some((source, next)) = sources.get_mut(id) else {
                return Ok(Transformed::yes(Arc::clone(input)));
            };
            let reader = *next;
            *next += 1;
            let place = Self {
                id: *id,
                input: Arc::clone(input),
                source: Some((Arc::clone(source), reader)),
                properties: Arc::clone(properties),
                metrics: ExecutionPlanMetricsSet::new(),
            };
            Ok(Transformed::new(Arc::new(place), true, TreeNodeRecursion::Jump))
        })
        .data()
    }

    /// Not so of a place that only reads what another one shows.
    fn is_first(&self) -> bool {
        self.source.as_ref().is_none_or(|(_, reader)| *reader == 0)
    }
}

/// Whether planning made the same of both places, so that the rows of each partition are the same.
fn looks_like(one: &Arc<dyn ExecutionPlan>, other: &Arc<dyn ExecutionPlan>) -> bool {
    // The engine takes no partitioning that it does not know for equal to itself.
    let partitioning = |plan: &Arc<dyn ExecutionPlan>| plan.output_partitioning().to_string();
    one.name() == other.name()
        && one.schema() == other.schema()
        && partitioning(one) == partitioning(other)
        && one.output_ordering() == other.output_ordering()
}

impl DisplayAs for SharedRows {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedRows: part={}", self.id)?;
        if self.is_first() { Ok(()) } else { write!(f, ", as above") }
    }
}

impl ExecutionPlan for SharedRows {
    fn name(&self) -> &str {
        "SharedRows"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        if self.is_first() { vec![&self.input] } else { vec![] }
    }
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true; self.children().len()]
    }
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.children().len()]
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
        match (children.pop(), &self.source) {
            (Some(input), None) => Ok(Self::unconnected(self.id, input)),
            (None, _) => Ok(self),
            _ => internal_err!("a part whose rows are shared stays as it is"),
        }
    }
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }
    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition); self.children().len()]
    }
    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(inputs.first().map_or_else(|| Arc::new(Statistics::new_unknown(&self.schema())), Arc::clone))
    }
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some((source, reader)) = &self.source else { return self.input.execute(partition, context) };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        source.read(*reader, partition, &context, SpillMetrics::new(&self.metrics, partition), metrics)
    }
}

/// A part that runs once.
#[derive(Debug)]
struct Source {
    input: Arc<dyn ExecutionPlan>,
    readers: usize,
    /// By partition, as soon as one is read.
    partitions: Mutex<HashMap<usize, Partition>>,
}

#[derive(Debug)]
struct Partition {
    queues: Arc<Queues>,
    spills: Arc<SpillManager>,
    /// Fills the queues, and ends with the source.
    _task: SpawnedTask<()>,
}

impl Source {
    fn new(input: Arc<dyn ExecutionPlan>, readers: usize) -> Self {
        Self { input, readers, partitions: Mutex::default() }
    }

    fn read(
        self: &Arc<Self>,
        reader: usize,
        partition: usize,
        context: &Arc<TaskContext>,
        spills: SpillMetrics,
        metrics: BaselineMetrics,
    ) -> Result<SendableRecordBatchStream> {
        let mut partitions = locked(&self.partitions);
        let opened = match partitions.get(&partition) {
            Some(opened) => opened,
            None => {
                let rows = self.input.execute(partition, Arc::clone(context))?;
                let queues = Arc::new(Queues::new(self.readers));
                let spills = Arc::new(SpillManager::new(context.runtime_env(), spills, self.input.schema()));
                let memory = MemoryConsumer::new(format!("SharedRows[{partition}]")).register(context.memory_pool());
                let task = SpawnedTask::spawn(fill(Arc::clone(&queues), rows, memory, Arc::clone(&spills)));
                partitions.entry(partition).or_insert(Partition { queues, spills, _task: task })
            }
        };
        let place = Reader {
            _source: Arc::clone(self),
            queues: Arc::clone(&opened.queues),
            spills: Arc::clone(&opened.spills),
            reader,
        };
        Ok(place.stream(self.input.schema(), metrics))
    }
}

/// Rows that a reader has not taken yet.
enum Held {
    InMemory(RecordBatch, #[expect(dead_code)] MemoryReservation),
    OnDisk(Arc<dyn SpillFile>),
}

struct Queues {
    state: Mutex<State>,
    /// A reader has nothing left.
    wanted: Notify,
}

struct State {
    /// By reader; nothing for one that is gone.
    queues: Vec<Option<VecDeque<Arc<Held>>>>,
    waiting: Vec<Option<Waker>>,
    end: Option<std::result::Result<(), Arc<DataFusionError>>>,
}

impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queues")
    }
}

impl Queues {
    fn new(readers: usize) -> Self {
        let queues = (0..readers).map(|_| Some(VecDeque::new())).collect();
        let state = State { queues, waiting: vec![None; readers], end: None };
        Self { state: Mutex::new(state), wanted: Notify::new() }
    }

    /// Lays rows down for all readers.
    fn push(&self, rows: Held) {
        let rows = Arc::new(rows);
        let mut state = locked(&self.state);
        for queue in state.queues.iter_mut().flatten() {
            queue.push_back(Arc::clone(&rows));
        }
        state.wake();
    }

    fn end(&self, outcome: Result<()>) {
        let mut state = locked(&self.state);
        state.end = Some(outcome.map_err(Arc::new));
        state.wake();
    }

    /// Whether a reader waits; nothing when all are gone.
    fn is_wanted(&self) -> Option<bool> {
        let state = locked(&self.state);
        let mut present = state.queues.iter().zip(&state.waiting).filter(|(queue, _)| queue.is_some()).peekable();
        present.peek()?;
        Some(present.any(|(_, waiting)| waiting.is_some()))
    }
}

impl State {
    fn wake(&mut self) {
        self.waiting.iter_mut().filter_map(Option::take).for_each(Waker::wake);
    }
}

async fn fill(
    queues: Arc<Queues>,
    mut rows: SendableRecordBatchStream,
    memory: MemoryReservation,
    spills: Arc<SpillManager>,
) {
    loop {
        match queues.is_wanted() {
            None => return,
            Some(false) => queues.wanted.notified().await,
            Some(true) => match next_of(&mut rows, &memory, &spills).await {
                Some(Ok(Some(held))) => queues.push(held),
                Some(Ok(None)) => {}
                Some(Err(error)) => return queues.end(Err(error)),
                None => return queues.end(Ok(())),
            },
        }
    }
}

/// The next rows; a panic on the way is a failure, for the readers wait for one or the other.
async fn next_of(
    rows: &mut SendableRecordBatchStream,
    memory: &MemoryReservation,
    spills: &SpillManager,
) -> Option<Result<Option<Held>>> {
    let next = async { rows.next().await.map(|batch| batch.and_then(|batch| hold(batch, memory, spills))) };
    AssertUnwindSafe(next).catch_unwind().await.unwrap_or_else(|panic| {
        Some(Err(DataFusionError::External(Box::new(BridgeError::bug(panic_text(panic.as_ref()))))))
    })
}

/// Nothing for a batch without rows.
fn hold(batch: RecordBatch, memory: &MemoryReservation, spills: &SpillManager) -> Result<Option<Held>> {
    if batch.num_rows() == 0 {
        return Ok(None);
    }
    let taken = memory.new_empty();
    if taken.try_grow(get_record_batch_memory_size(&batch)).is_ok() {
        return Ok(Some(Held::InMemory(batch, taken)));
    }
    Ok(spills.spill_record_batch_and_finish(&[batch], "SharedRows")?.map(Held::OnDisk))
}

struct Reader {
    /// Keeps what fills the queue running.
    _source: Arc<Source>,
    queues: Arc<Queues>,
    spills: Arc<SpillManager>,
    reader: usize,
}

impl Reader {
    /// Nothing at the end.
    async fn next(&self) -> Result<Option<Arc<Held>>> {
        std::future::poll_fn(|context| {
            let mut state = locked(&self.queues.state);
            if let Some(held) = state.queues[self.reader].as_mut().and_then(VecDeque::pop_front) {
                return std::task::Poll::Ready(Ok(Some(held)));
            }
            match &state.end {
                Some(Ok(())) => std::task::Poll::Ready(Ok(None)),
                Some(Err(error)) => std::task::Poll::Ready(Err(DataFusionError::Shared(Arc::clone(error)))),
                None => {
                    state.waiting[self.reader] = Some(context.waker().clone());
                    drop(state);
                    self.queues.wanted.notify_one();
                    std::task::Poll::Pending
                }
            }
        })
        .await
    }

    fn stream(self, schema: SchemaRef, metrics: BaselineMetrics) -> SendableRecordBatchStream {
        let held = futures::stream::try_unfold(self, |reader| async move {
            Ok::<_, DataFusionError>(match reader.next().await? {
                None => None,
                Some(held) => {
                    let rows = match held.as_ref() {
                        Held::InMemory(batch, _) => futures::stream::iter([Ok(batch.clone())]).boxed(),
                        Held::OnDisk(file) => reader.spills.read_spill_as_stream(Arc::clone(file), None)?,
                    };
                    Some((rows, reader))
                }
            })
        });
        let rows = held.try_flatten().inspect_ok(move |batch| {
            metrics.record_output(batch.num_rows());
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = locked(&self.queues.state);
        state.queues[self.reader] = None;
        state.waiting[self.reader] = None;
        drop(state);
        self.queues.wanted.notify_one();
    }
}

/// What a lock guards is whole at any time, also where a thread ended in the middle.
fn locked<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

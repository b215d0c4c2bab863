// SPDX-License-Identifier: Apache-2.0
//! Aggregation of rows whose equal keys lie together, as those of a fact table in the order of its documents, though no order is declared.
//!
//! A run of equal keys in neighbouring rows becomes one row of state, without a table of groups; the aggregation above merges what comes of
//! several runs of a key. A few groups with short keys have a table of their own, smaller and faster than the engine's. What is done is decided
//! by the first rows: where they show neither, the engine's own aggregation takes all rows. It also takes the rest where runs become short
//! later on, or groups many. Plans show nothing of it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::BitOr;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Statistics, internal_datafusion_err, internal_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::Boundedness;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricValue, MetricsSet};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::{EmptyRecordBatchStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, InputOrderMode, PlanProperties, ReplaceChildrenOptions,
};
use futures::stream::{iter, once, try_unfold};
use futures::{StreamExt, TryStreamExt};

use crate::few_groups::FewGroups;

/// So many first rows decide; fewer are not worth it.
const FIRST_ROWS: usize = 16 * 1024;
/// Of the first rows.
const FEW_GROUPS: usize = 256;
/// By so many rows runs may fall short of two rows each, before the engine's aggregation takes the rest.
const MOST_MISSING: usize = 8 * 1024;

/// Lets aggregations go by runs. Comes after all rules that know aggregations, and after filters have been handed through them.
#[derive(Debug)]
pub struct AggregateRuns;

impl PhysicalOptimizerRule for AggregateRuns {
    fn name(&self) -> &str {
        "aggregate_runs"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            Ok(match RunAggregate::of(&node)? {
                Some(aggregate) => Transformed::yes(Arc::new(aggregate)),
                None => Transformed::no(node),
            })
        })
        .data()
    }
}

/// Stands in the place of an aggregation of rows, and looks like it.
#[derive(Debug)]
struct RunAggregate {
    aggregate: Arc<dyn ExecutionPlan>,
    stages: Arc<Stages>,
    metrics: ExecutionPlanMetricsSet,
}

impl RunAggregate {
    /// None of other nodes, and of aggregations that cannot go by runs.
    fn of(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Self>> {
        let Some(aggregate) = node.downcast_ref::<AggregateExec>() else { return Ok(None) };
        let Some(stages) = Stages::of(aggregate)? else { return Ok(None) };
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(Some(Self { aggregate: Arc::clone(node), stages: Arc::new(stages), metrics }))
    }
}

impl DisplayAs for RunAggregate {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.aggregate.fmt_as(format, f)
    }
}

impl ExecutionPlan for RunAggregate {
    fn name(&self) -> &str {
        self.aggregate.name()
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }
    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.aggregate.input_distribution_requirements()
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.aggregate.children()
    }
    fn maintains_input_order(&self) -> Vec<bool> {
        self.aggregate.maintains_input_order()
    }
    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(f)
    }
    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let aggregate = Arc::clone(&self.aggregate).replace_children(children, options)?;
        Ok(match Self::of(&aggregate)? {
            Some(aggregate) => Arc::new(aggregate),
            None => aggregate,
        })
    }
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }
    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        self.aggregate.child_stats_requests(partition)
    }
    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        self.aggregate.statistics_from_inputs(inputs, args)
    }
    fn metrics(&self) -> Option<MetricsSet> {
        let mut metrics = self.metrics.clone_inner();
        self.stages.add_metrics(&mut metrics);
        Some(metrics)
    }
    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let [input] = self.children()[..] else { return internal_err!("an aggregation has one input") };
        let rows = input.execute(partition, Arc::clone(&context))?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let place = Place { stages: Arc::clone(&self.stages), partition, context, metrics };
        let groups = once(place.aggregate(rows)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), groups)))
    }
}

/// The engine's aggregations that take part, each over rows that are handed to it.
#[derive(Debug)]
struct Stages {
    /// The whole of it.
    whole: Stage,
    /// Makes states of rows.
    partial: Stage,
    /// Merges states; none if the whole of it makes states only.
    merging: Option<Stage>,
    runs: Runs,
}

impl Stages {
    fn of(aggregate: &AggregateExec) -> Result<Option<Self>> {
        let is_partial = match aggregate.mode() {
            AggregateMode::Partial => true,
            AggregateMode::Single | AggregateMode::SinglePartitioned => false,
            _ => return Ok(None),
        };
        let Some(runs) = Runs::of(aggregate)? else { return Ok(None) };
        let whole = Stage::of(aggregate.clone(), aggregate.input().properties())?;
        if is_partial {
            let runs = Runs { states: aggregate.schema(), ..runs };
            return Ok(Some(Self { partial: whole.clone(), whole, merging: None, runs }));
        }
        let in_mode = |mode, input| {
            let group_by = aggregate.group_expr();
            let group_by = if mode == AggregateMode::Partial { group_by.clone() } else { group_by.as_final() };
            let (functions, filters) = (aggregate.aggr_expr().to_vec(), aggregate.filter_expr().to_vec());
            AggregateExec::try_new(mode, group_by, functions, filters, input, aggregate.input_schema())
        };
        let partial = in_mode(AggregateMode::Partial, Arc::clone(aggregate.input()))?;
        let states = partial.schema();
        let properties = Arc::clone(partial.properties());
        let merging = in_mode(AggregateMode::Final, Arc::new(HandedRows::new(&properties)))?;
        if merging.schema() != aggregate.schema() {
            return Ok(None);
        }
        Ok(Some(Self {
            whole,
            partial: Stage::of(partial, aggregate.input().properties())?,
            merging: Some(Stage::of(merging, &properties)?),
            runs: Runs { states, ..runs },
        }))
    }

    /// What goes on between stages is no output.
    fn add_metrics(&self, metrics: &mut MetricsSet) {
        let mut add = |stage: &Stage, is_wanted: fn(&MetricValue) -> bool| {
            let found = stage.aggregate.metrics().unwrap_or_default();
            found.iter().filter(|metric| is_wanted(metric.value())).for_each(|metric| metrics.push(Arc::clone(metric)));
        };
        add(&self.whole, |_| true);
        if let Some(merging) = &self.merging {
            add(merging, |_| true);
            add(&self.partial, |value| {
                !matches!(
                    value,
                    MetricValue::OutputRows(_) | MetricValue::OutputBytes(_) | MetricValue::OutputBatches(_)
                )
            });
        }
    }
}

#[derive(Debug, Clone)]
struct Stage {
    aggregate: Arc<dyn ExecutionPlan>,
    rows: Arc<HandedRows>,
}

impl Stage {
    /// `properties`: of what the aggregate has stood over.
    fn of(aggregate: AggregateExec, properties: &Arc<PlanProperties>) -> Result<Self> {
        let rows = Arc::new(HandedRows::new(properties));
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        let input: Arc<dyn ExecutionPlan> = Arc::<HandedRows>::clone(&rows);
        Ok(Self { aggregate: Arc::new(aggregate).replace_children(vec![input], options)?, rows })
    }

    fn over(
        &self,
        rows: SendableRecordBatchStream,
        partition: usize,
        context: &Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.rows.hand(partition, rows);
        self.aggregate.execute(partition, Arc::clone(context))
    }
}

/// Rows that come from elsewhere.
struct HandedRows {
    /// By partition, until they are asked for.
    rows: Mutex<HashMap<usize, SendableRecordBatchStream>>,
    properties: Arc<PlanProperties>,
}

impl HandedRows {
    fn new(properties: &Arc<PlanProperties>) -> Self {
        Self { rows: Mutex::default(), properties: Arc::clone(properties) }
    }

    fn hand(&self, partition: usize, rows: SendableRecordBatchStream) {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, rows);
    }
}

impl fmt::Debug for HandedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandedRows")
    }
}

impl DisplayAs for HandedRows {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandedRows")
    }
}

impl ExecutionPlan for HandedRows {
    fn name(&self) -> &str {
        "HandedRows"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }
    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }
    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }
    fn execute(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition);
        rows.ok_or_else(|| internal_datafusion_err!("no rows were handed to partition {partition}"))
    }
}

/// What runs are made of and what is made of them.
#[derive(Debug)]
struct Runs {
    keys: Vec<Arc<dyn PhysicalExpr>>,
    /// They may be few words.
    have_short_keys: bool,
    functions: Vec<Arc<AggregateFunctionExpr>>,
    arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    /// Of the rows that are made.
    states: SchemaRef,
}

impl Runs {
    /// None if the aggregation cannot go by runs: it has an order already, or states that are more than a few values.
    fn of(aggregate: &AggregateExec) -> Result<Option<Self>> {
        let (group_by, input) = (aggregate.group_expr(), aggregate.input());
        let is_plain = group_by.is_single()
            && !group_by.is_empty()
            && aggregate.limit_options().is_none()
            && aggregate.dynamic_expressions_produced().is_empty()
            && *aggregate.input_order_mode() == InputOrderMode::Linear
            && input.boundedness() == Boundedness::Bounded;
        if !is_plain {
            return Ok(None);
        }
        let keys = group_by.input_exprs();
        let types = keys.iter().map(|key| key.data_type(&input.schema())).collect::<Result<Vec<_>>>()?;
        if !types.iter().all(is_comparable) {
            return Ok(None);
        }
        for function in aggregate.aggr_expr() {
            let is_plain = !function.is_distinct()
                && function.order_bys().is_empty()
                && function.groups_accumulator_supported()
                && function.state_fields()?.iter().all(|field| !field.data_type().is_nested());
            if !is_plain {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            keys,
            have_short_keys: FewGroups::can_have(&types),
            functions: aggregate.aggr_expr().to_vec(),
            arguments: aggregate.aggr_expr().iter().map(|function| function.expressions()).collect(),
            filters: aggregate.filter_expr().to_vec(),
            states: aggregate.schema(),
        }))
    }

    fn keys_of(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.keys.iter().map(|key| evaluate(key, batch)).collect()
    }

    fn accumulators(&self) -> Result<Vec<Box<dyn GroupsAccumulator>>> {
        self.functions.iter().map(|function| function.create_groups_accumulator()).collect()
    }
}

/// Types that the kernel compares; floats that it takes for equal have the same bits.
fn is_comparable(data_type: &DataType) -> bool {
    data_type.is_primitive()
        || data_type.is_string()
        || data_type.is_binary()
        || matches!(data_type, DataType::Boolean | DataType::FixedSizeBinary(_))
}

fn evaluate(expression: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<ArrayRef> {
    expression.evaluate(batch)?.into_array(batch.num_rows())
}

/// The first row of each run.
/// REQUIRES: there are rows, and keys.
fn starts_of(keys: &[ArrayRef]) -> Result<UInt32Array> {
    let neighbours = keys[0].len() - 1;
    let mut differ: Option<BooleanBuffer> = None;
    for key in keys {
        let differs = distinct(&key.slice(1, neighbours), &key.slice(0, neighbours))?;
        differ = Some(match differ {
            Some(differ) => differ.bitor(differs.values()),
            None => differs.values().clone(),
        });
    }
    let later = differ.iter().flat_map(|differ| differ.set_indices()).map(|row| row as u32 + 1);
    Ok(std::iter::once(0).chain(later).collect::<Vec<_>>().into())
}

/// One row for each run.
fn keys_at(keys: &[ArrayRef], starts: &UInt32Array) -> Result<Vec<ArrayRef>> {
    keys.iter().map(|key| Ok(take(key, starts, None)?)).collect()
}

/// One partition that is aggregated.
struct Place {
    stages: Arc<Stages>,
    partition: usize,
    context: Arc<TaskContext>,
    metrics: BaselineMetrics,
}

impl Place {
    async fn aggregate(self, mut rows: SendableRecordBatchStream) -> Result<SendableRecordBatchStream> {
        let mut seen = Vec::new();
        let mut look = Look::default();
        while look.rows < FIRST_ROWS
            && let Some(batch) = rows.next().await.transpose()?
        {
            let _timer = self.metrics.elapsed_compute().timer();
            look.at(&self.stages.runs.keys_of(&batch)?)?;
            seen.push(batch);
        }
        let (stages, partition, context) = (Arc::clone(&self.stages), self.partition, Arc::clone(&self.context));
        let rows = before(seen, rows);
        let grouping = if look.finds_runs() {
            Grouping::Runs { missing: 0 }
        } else if look.finds_few_groups() && self.stages.runs.have_short_keys {
            Grouping::Few(FewGroups::new(self.stages.runs.keys.len()))
        } else {
            return stages.whole.over(rows, partition, &context);
        };
        let states = self.states(rows, grouping);
        match &stages.merging {
            Some(merging) => merging.over(states, partition, &context),
            None => Ok(states),
        }
    }

    fn states(self, rows: SendableRecordBatchStream, grouping: Grouping) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.stages.runs.states);
        let states = States { place: self, rows, grouping, made: Made::default(), rest: None };
        Box::pin(RecordBatchStreamAdapter::new(schema, try_unfold(states, States::next)))
    }
}

/// The batches and then the rows.
fn before(batches: Vec<RecordBatch>, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let schema = rows.schema();
    Box::pin(RecordBatchStreamAdapter::new(schema, iter(batches.into_iter().map(Ok)).chain(rows)))
}

/// What the first rows are like.
#[derive(Default)]
struct Look {
    rows: usize,
    runs: usize,
    /// Hashes of keys.
    keys: HashSet<u64>,
    hashing: RandomState,
}

impl Look {
    fn at(&mut self, keys: &[ArrayRef]) -> Result<()> {
        let rows = keys[0].len();
        if rows > 0 {
            let firsts = keys_at(keys, &starts_of(keys)?)?;
            let mut hashes = vec![0; firsts[0].len()];
            create_hashes(&firsts, &self.hashing, &mut hashes)?;
            self.rows += rows;
            self.runs += hashes.len();
            self.keys.extend(hashes);
        }
        Ok(())
    }

    /// Whether runs are long, and most of them of keys of their own.
    fn finds_runs(&self) -> bool {
        self.rows >= FIRST_ROWS && 2 * self.runs <= self.rows && 2 * self.keys.len() >= self.runs
    }

    fn finds_few_groups(&self) -> bool {
        self.rows >= FIRST_ROWS && self.keys.len() <= FEW_GROUPS
    }
}

/// What rows of state are made of.
enum Grouping {
    Runs {
        /// By so many rows the last runs fall short of two each.
        missing: usize,
    },
    Few(FewGroups),
}

/// Rows of state as they are made.
struct States {
    place: Place,
    rows: SendableRecordBatchStream,
    grouping: Grouping,
    made: Made,
    /// What comes after them.
    rest: Option<SendableRecordBatchStream>,
}

/// States that are not handed on yet.
#[derive(Default)]
struct Made {
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    /// By batch and by column.
    keys: Vec<Vec<ArrayRef>>,
    count: usize,
}

impl States {
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(rest) = &mut self.rest {
                return Ok(rest.next().await.transpose()?.map(|batch| (batch, self)));
            }
            let batch = self.rows.next().await.transpose()?;
            let made = match batch {
                Some(batch) if batch.num_rows() == 0 => None,
                Some(batch) => self.take(batch)?,
                None => {
                    let schema = Arc::clone(&self.place.stages.runs.states);
                    self.rest = Some(Box::pin(EmptyRecordBatchStream::new(schema)));
                    self.hand_on()?
                }
            };
            if let Some(made) = made {
                return Ok(Some((made, self)));
            }
        }
    }

    /// Returns what is to be handed on before the batch.
    fn take(&mut self, batch: RecordBatch) -> Result<Option<RecordBatch>> {
        let stages = Arc::clone(&self.place.stages);
        let timer_of = self.place.metrics.elapsed_compute().clone();
        let timer = timer_of.timer();
        let keys = stages.runs.keys_of(&batch)?;
        let mut groups = Vec::with_capacity(batch.num_rows());
        let firsts = match &mut self.grouping {
            Grouping::Runs { missing } => {
                let starts = starts_of(&keys)?;
                *missing = (*missing + 2 * starts.len()).saturating_sub(batch.num_rows());
                (*missing <= MOST_MISSING).then_some(starts)
            }
            Grouping::Few(few) => few.find(&keys, &mut groups).map(UInt32Array::from),
        };
        let Some(firsts) = firsts else {
            drop(timer);
            let schema = self.rows.schema();
            let rows = std::mem::replace(&mut self.rows, Box::pin(EmptyRecordBatchStream::new(schema)));
            let rows = before(vec![batch], rows);
            self.rest = Some(stages.partial.over(rows, self.place.partition, &self.place.context)?);
            return self.hand_on();
        };
        let mut made = None;
        if let Grouping::Runs { .. } = self.grouping {
            let is_full = self.made.count + firsts.len() > self.place.context.session_config().batch_size();
            made = if is_full { self.hand_on()? } else { None };
            let ends = firsts.values().iter().skip(1).map(|end| *end as usize).chain([batch.num_rows()]);
            for (group, end) in (self.made.count..).zip(ends) {
                groups.resize(end, group);
            }
        }
        self.made.add(&stages.runs, &batch, keys_at(&keys, &firsts)?, &groups)?;
        Ok(made)
    }

    /// None if there is nothing.
    fn hand_on(&mut self) -> Result<Option<RecordBatch>> {
        if self.made.count == 0 {
            return Ok(None);
        }
        let batch = std::mem::take(&mut self.made).into_batch(&self.place.stages.runs.states)?;
        if self.place.stages.merging.is_none() {
            self.place.metrics.record_output(batch.num_rows());
        }
        Ok(Some(batch))
    }
}

impl Made {
    /// `keys`: of the groups that the batch is the first to have; `groups`: of its rows.
    fn add(&mut self, runs: &Runs, batch: &RecordBatch, keys: Vec<ArrayRef>, groups: &[usize]) -> Result<()> {
        if self.keys.is_empty() {
            self.accumulators = runs.accumulators()?;
        }
        self.count += keys[0].len();
        for ((accumulator, arguments), filter) in self.accumulators.iter_mut().zip(&runs.arguments).zip(&runs.filters) {
            let values = arguments.iter().map(|argument| evaluate(argument, batch)).collect::<Result<Vec<_>>>()?;
            let filter = filter.as_ref().map(|filter| evaluate(filter, batch)).transpose()?;
            let filter: Option<&BooleanArray> = filter.as_ref().map(|filter| filter.as_boolean());
            accumulator.update_batch(&values, groups, filter, self.count)?;
        }
        if !keys[0].is_empty() {
            self.keys.push(keys);
        }
        Ok(())
    }

    fn into_batch(self, states: &SchemaRef) -> Result<RecordBatch> {
        let Self { accumulators, keys, count: _ } = self;
        let mut columns = Vec::with_capacity(states.fields().len());
        for column in 0..keys[0].len() {
            let parts: Vec<&dyn Array> = keys.iter().map(|keys| keys[column].as_ref()).collect();
            columns.push(concat(&parts)?);
        }
        for mut accumulator in accumulators {
            columns.extend(accumulator.state(EmitTo::All)?);
        }
        Ok(RecordBatch::try_new(Arc::clone(states), columns)?)
    }
}

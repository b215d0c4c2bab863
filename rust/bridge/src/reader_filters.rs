// SPDX-License-Identifier: Apache-2.0
//! Filters that the Parquet reader applies as far as it pays. A row that the reader lets pass is looked at again above, hence it may let
//! any pass.

use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::ScalarValue;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, DynamicFilterPhysicalExpr, lit};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr_common::physical_expr::snapshot_generation;

use crate::key_collection::JoinKeys;
use crate::key_sets::KeySet;

/// Rows after which a filter has shown how many it keeps.
const SAMPLE_ROWS: u64 = 64 * 1024;
/// A filter that keeps more than one row in so many costs more in the reader than it saves there: of TPC-H at scale factor 1, the 22 queries
/// take 4.57 s of processor time with 20, 4.55 with 10, 4.67 with 100, 4.82 with 4, and 5.21 where every filter is applied to every row.
const KEPT_ONE_IN: u64 = 20;
/// The same of a filter that asks sets of keys, which costs less: six queries of TPC-H with joins at scale factor 10 (3, 5, 7, 10, 12, 21)
/// take 20.6 s of processor time with 20, 19.0 with 10, 18.5 with 5, 19.2 with 3.
const KEPT_ONE_IN_OF_KEYS: u64 = 5;
/// Of a filter that its join has not given its condition yet.
const FIRST_GENERATION: u64 = 1;

/// A condition that lets all rows pass once it has turned out to keep most of them.
#[derive(Debug)]
pub struct ReaderFilter {
    condition: Arc<dyn PhysicalExpr>,
    counts: Arc<Counts>,
    /// What the join that finds the condition knows of its keys.
    keys: Arc<OnceLock<Arc<JoinKeys>>>,
}

/// What a filter has done so far, in all partitions and files of a scan. Of what is counted at the same time, some may be missed: it decides
/// about time only.
#[derive(Debug, Default)]
struct Counts {
    /// Of the condition that is counted: that of a join, for instance, is none before the join has read its first side.
    generation: AtomicU64,
    rows: AtomicU64,
    kept: AtomicU64,
}

impl Counts {
    /// Whether the condition is worth evaluating.
    fn is_worth_it(&self, generation: u64, kept_one_in: u64) -> bool {
        if self.generation.swap(generation, Ordering::Relaxed) != generation {
            self.rows.store(0, Ordering::Relaxed);
            self.kept.store(0, Ordering::Relaxed);
        }
        let rows = self.rows.load(Ordering::Relaxed);
        rows < SAMPLE_ROWS || self.kept.load(Ordering::Relaxed) <= rows / kept_one_in
    }

    fn add(&self, rows: usize, kept: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.kept.fetch_add(kept as u64, Ordering::Relaxed);
    }
}

impl ReaderFilter {
    pub fn new(condition: Arc<dyn PhysicalExpr>) -> Self {
        Self { condition, counts: Arc::default(), keys: Arc::default() }
    }

    /// Lets the filter ask `keys` instead, if it is that of their join.
    pub fn read_keys(&self, join_filter_id: u64, keys: &Arc<JoinKeys>) -> bool {
        self.condition.is::<DynamicFilterPhysicalExpr>()
            && self.condition.expression_id() == Some(join_filter_id)
            && self.keys.set(Arc::clone(keys)).is_ok()
    }

    /// What stands for the columns of the join's key here, and the sets that are known of them.
    fn known_keys(&self) -> Option<(Vec<&Arc<dyn PhysicalExpr>>, &[Option<KeySet>])> {
        let sets = self.keys.get()?.complete()?;
        let columns = self.condition.children();
        let is_known = sets.iter().any(Option::is_some) && sets.len() == columns.len();
        (is_known && self.condition.snapshot_generation() > FIRST_GENERATION).then_some((columns, sets))
    }
}

impl PartialEq for ReaderFilter {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for ReaderFilter {}

impl Hash for ReaderFilter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl Display for ReaderFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.condition, f)
    }
}

impl PhysicalExpr for ReaderFilter {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.condition.nullable(input)
    }

    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.condition.return_field(input)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let keys = self.known_keys();
        let kept_one_in = if keys.is_some() { KEPT_ONE_IN_OF_KEYS } else { KEPT_ONE_IN };
        if !self.counts.is_worth_it(snapshot_generation(&self.condition), kept_one_in) {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))));
        }
        let members = match keys {
            Some((columns, sets)) => members(&columns, sets, batch)?,
            None => None,
        };
        if let Some(members) = members {
            self.counts.add(members.len(), members.count_set_bits());
            return Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(members))));
        }
        let outcome = self.condition.evaluate(batch)?.into_array(batch.num_rows())?;
        let kept = as_boolean_array(&outcome)?;
        self.counts.add(kept.len(), kept.true_count());
        Ok(ColumnarValue::Array(outcome))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let condition = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.condition));
        Ok(Arc::new(Self { condition, counts: Arc::clone(&self.counts), keys: Arc::clone(&self.keys) }))
    }

    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }

    /// What is known of files and row groups is compared with the condition itself.
    fn snapshot(&self) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        Ok(Some(Arc::clone(&self.condition)))
    }
}

/// The rows whose keys are in all sets. None if a column is not of the type of its set.
fn members(
    columns: &[&Arc<dyn PhysicalExpr>],
    sets: &[Option<KeySet>],
    batch: &RecordBatch,
) -> Result<Option<BooleanBuffer>> {
    let mut found: Option<BooleanBuffer> = None;
    for (column, set) in columns.iter().zip(sets) {
        let Some(set) = set else { continue };
        let keys = column.evaluate(batch)?.into_array(batch.num_rows())?;
        let Some(members) = set.members(&keys) else { return Ok(None) };
        found = Some(match found {
            Some(others) => &others & &members,
            None => members,
        });
    }
    Ok(found)
}

/// Keys of an order from which on a filter that `ORDER BY … LIMIT` finds is applied to the first of them only: the reader would have to
/// read all the columns of a long order first, which ties alone make long, to leave out hardly more rows.
const MANY_KEYS: usize = 4;

/// Whether a filter is found while the query runs.
pub fn is_dynamic(filter: &Arc<dyn PhysicalExpr>) -> bool {
    filter.is::<DynamicFilterPhysicalExpr>() || filter.is::<OfFirstColumn>()
}

/// A filter as the reader gets it, which may let more rows pass.
pub fn for_reader(filter: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    let first = match filter.children().as_slice() {
        [first, ..] if first.is::<Column>() => Arc::clone(first),
        _ => return filter,
    };
    if !filter.is::<DynamicFilterPhysicalExpr>() || filter.children().len() < MANY_KEYS {
        return filter;
    }
    Arc::new(OfFirstColumn { whole: filter, column: Arc::clone(&first), place: first })
}

/// What a filter says of its first column alone.
#[derive(Debug)]
struct OfFirstColumn {
    whole: Arc<dyn PhysicalExpr>,
    /// As it stands in the whole.
    column: Arc<dyn PhysicalExpr>,
    /// What stands for it where the filter is evaluated.
    place: Arc<dyn PhysicalExpr>,
}

impl OfFirstColumn {
    fn current(&self) -> Result<Arc<dyn PhysicalExpr>> {
        let whole = self.whole.snapshot()?.unwrap_or_else(|| Arc::clone(&self.whole));
        let of_column = of_column(&whole, &self.column).unwrap_or_else(|| lit(true));
        of_column
            .transform_up(|part| {
                let is_column = part.as_ref() == self.column.as_ref();
                Ok(if is_column { Transformed::yes(Arc::clone(&self.place)) } else { Transformed::no(part) })
            })
            .data()
    }
}

/// A condition on one column that is true wherever the whole is; None if there is none.
fn of_column(whole: &Arc<dyn PhysicalExpr>, column: &Arc<dyn PhysicalExpr>) -> Option<Arc<dyn PhysicalExpr>> {
    if collect_columns(whole).iter().all(|part| column.downcast_ref::<Column>() == Some(part)) {
        return Some(Arc::clone(whole));
    }
    let both = whole.downcast_ref::<BinaryExpr>()?;
    let (left, right) = (of_column(both.left(), column), of_column(both.right(), column));
    match both.op() {
        Operator::And if left.is_none() || right.is_none() => left.or(right),
        Operator::And | Operator::Or => Some(Arc::new(BinaryExpr::new(left?, *both.op(), right?))),
        _ => None,
    }
}

impl PartialEq for OfFirstColumn {
    fn eq(&self, other: &Self) -> bool {
        self.whole.eq(&other.whole) && self.column.eq(&other.column) && self.place.eq(&other.place)
    }
}

impl Eq for OfFirstColumn {}

impl Hash for OfFirstColumn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.whole.hash(state);
        self.place.hash(state);
    }
}

impl Display for OfFirstColumn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "of {} in {}", self.place, self.whole)
    }
}

impl PhysicalExpr for OfFirstColumn {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.current()?.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.place]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let place = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.place));
        Ok(Arc::new(Self { whole: Arc::clone(&self.whole), column: Arc::clone(&self.column), place }))
    }

    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.current().map_err(|_| fmt::Error)?.fmt_sql(f)
    }

    fn snapshot(&self) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        self.current().map(Some)
    }

    fn snapshot_generation(&self) -> u64 {
        self.whole.snapshot_generation()
    }
}

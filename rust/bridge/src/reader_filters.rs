// SPDX-License-Identifier: Apache-2.0
//! Filters that the Parquet reader applies as far as it pays. A row that the reader lets pass is looked at again above, hence it may let
//! any pass.

use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::ScalarValue;
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr_common::physical_expr::snapshot_generation;

/// Rows after which a filter has shown how many it keeps.
const SAMPLE_ROWS: u64 = 64 * 1024;
/// A filter that keeps more than one row in so many costs more in the reader than it saves there: of TPC-H at scale factor 1, the 22 queries
/// take 4.57 s of processor time with 20, 4.55 with 10, 4.67 with 100, 4.82 with 4, and 5.21 where every filter is applied to every row.
const KEPT_ONE_IN: u64 = 20;

/// A condition that lets all rows pass once it has turned out to keep most of them.
#[derive(Debug)]
pub struct ReaderFilter {
    condition: Arc<dyn PhysicalExpr>,
    counts: Arc<Counts>,
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
    fn is_worth_it(&self, generation: u64) -> bool {
        if self.generation.swap(generation, Ordering::Relaxed) != generation {
            self.rows.store(0, Ordering::Relaxed);
            self.kept.store(0, Ordering::Relaxed);
        }
        let rows = self.rows.load(Ordering::Relaxed);
        rows < SAMPLE_ROWS || self.kept.load(Ordering::Relaxed) <= rows / KEPT_ONE_IN
    }

    fn add(&self, rows: usize, kept: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.kept.fetch_add(kept as u64, Ordering::Relaxed);
    }
}

impl ReaderFilter {
    pub fn new(condition: Arc<dyn PhysicalExpr>) -> Self {
        Self { condition, counts: Arc::default() }
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
        if !self.counts.is_worth_it(snapshot_generation(&self.condition)) {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))));
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
        Ok(Arc::new(Self { condition, counts: Arc::clone(&self.counts) }))
    }

    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }

    /// What is known of files and row groups is compared with the condition itself.
    fn snapshot(&self) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        Ok(Some(Arc::clone(&self.condition)))
    }
}

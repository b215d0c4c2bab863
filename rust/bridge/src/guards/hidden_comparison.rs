// SPDX-License-Identifier: Apache-2.0
//! Hides comparisons from what a scan of Parquet does with predicates before rows are read: moving casts, and ruling out row groups,
//! pages and Bloom filters. What is hidden is still evaluated over the rows.

use std::fmt::{self, Debug, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, DynamicFilterPhysicalExpr, InListExpr};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use super::PhysicalRules;
use super::scans::adapt_scans;

/// Whether a comparison over columns of the schema of a file is to be hidden.
pub type Hides = fn(&Arc<dyn PhysicalExpr>, &Schema) -> Result<bool>;

/// Has scans hide comparisons. They are looked at file by file, with the types that the file has.
pub fn hide_in_scans(rules: &mut PhysicalRules, hides: Hides) {
    rules.push(Arc::new(HideInScans { hides }));
}

#[derive(Debug)]
struct HideInScans {
    hides: Hides,
}

impl PhysicalOptimizerRule for HideInScans {
    fn name(&self) -> &str {
        "hide_in_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        adapt_scans(plan, |inner| Arc::new(HidingFactory { inner, hides: self.hides }))
    }
}

#[derive(Debug)]
struct HidingFactory {
    inner: Arc<dyn PhysicalExprAdapterFactory>,
    hides: Hides,
}

impl PhysicalExprAdapterFactory for HidingFactory {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let inner = self.inner.create(table, Arc::clone(&file))?;
        Ok(Arc::new(HidingAdapter { inner, file, hides: self.hides }))
    }
}

#[derive(Debug)]
struct HidingAdapter {
    inner: Arc<dyn PhysicalExprAdapter>,
    file: SchemaRef,
    hides: Hides,
}

impl PhysicalExprAdapter for HidingAdapter {
    fn rewrite(&self, expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let adapted = self.inner.rewrite(expression)?;
        adapted
            .transform_down(|part| {
                if part.is::<HiddenExpr>() {
                    return Ok(Transformed::new(part, false, TreeNodeRecursion::Jump));
                }
                if is_comparison(&part) && !reads_nested(&part, &self.file) && (self.hides)(&part, &self.file)? {
                    let hidden = Arc::new(HiddenExpr::new(part)) as Arc<dyn PhysicalExpr>;
                    return Ok(Transformed::new(hidden, true, TreeNodeRecursion::Jump));
                }
                Ok(Transformed::no(part))
            })
            .data()
    }
}

/// The reader takes conditions on nested columns by their form alone: one that it does not know any more would be passed over, though the
/// scan has promised it. Statistics say nothing of such columns.
fn reads_nested(part: &Arc<dyn PhysicalExpr>, file: &Schema) -> bool {
    collect_columns(part).iter().any(|column| column.data_type(file).is_ok_and(|data_type| data_type.is_nested()))
}

/// Of the filters that come while rows are read, only the columns are known.
fn is_comparison(part: &Arc<dyn PhysicalExpr>) -> bool {
    part.is::<InListExpr>()
        || part.is::<DynamicFilterPhysicalExpr>()
        || part.downcast_ref::<BinaryExpr>().is_some_and(|binary| is_comparing(*binary.op()))
}

pub fn is_comparing(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Evaluates to what it holds; nothing looks into it. Its children are the columns alone, which may be given others in their places.
#[derive(Debug, Eq)]
struct HiddenExpr {
    inner: Arc<dyn PhysicalExpr>,
    columns: Vec<Arc<dyn PhysicalExpr>>,
}

impl HiddenExpr {
    fn new(inner: Arc<dyn PhysicalExpr>) -> Self {
        let mut columns: Vec<Column> = collect_columns(&inner).into_iter().collect();
        columns.sort_by(|a, b| a.index().cmp(&b.index()).then_with(|| a.name().cmp(b.name())));
        let columns = columns.into_iter().map(|column| Arc::new(column) as Arc<dyn PhysicalExpr>).collect();
        Self { inner, columns }
    }
}

impl PartialEq for HiddenExpr {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Hash for HiddenExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl Display for HiddenExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.inner, f)
    }
}

impl PhysicalExpr for HiddenExpr {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }
    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }
    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.inner.evaluate(batch)
    }
    fn evaluate_selection(&self, batch: &RecordBatch, selection: &BooleanArray) -> Result<ColumnarValue> {
        self.inner.evaluate_selection(batch, selection)
    }
    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.columns.iter().collect()
    }
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = Arc::clone(&self.inner).transform_down(|part| {
            Ok(match self.columns.iter().position(|column| column.eq(&part)) {
                Some(index) => Transformed::new(Arc::clone(&children[index]), true, TreeNodeRecursion::Jump),
                None => Transformed::no(part),
            })
        })?;
        Ok(Arc::new(Self::new(inner.data)))
    }
    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

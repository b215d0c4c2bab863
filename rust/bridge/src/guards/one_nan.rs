// SPDX-License-Identifier: Apache-2.0
//! Makes every NaN that a query computes the one that sorts above all numbers. Of infinity less infinity, zero by zero and the like the
//! processor makes a negative NaN, which the engine's total order puts below them.

use std::fmt::{self, Debug, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type, Schema};
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, Literal};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use super::hidden_comparison::is_comparing;
use super::{About, Guard, Means, PhysicalRules};

pub struct OneNan;

impl Guard for OneNan {
    fn about(&self) -> About {
        About {
            name: "one_nan",
            version: 1,
            fault: "`x - y > 2.0` is false where x and y are infinite, though NaN is above all numbers",
            upstream: "unreported",
            means: Means::Correction,
            effect: "what is computed holds one NaN, above all numbers",
        }
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        rules.insert(0, Arc::new(CanonicalNan));
    }

    fn physical_expression(&self, expression: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
        compared(expression, schema).data()
    }
}

#[derive(Debug)]
struct CanonicalNan;

impl PhysicalOptimizerRule for CanonicalNan {
    fn name(&self) -> &str {
        "canonical_nan"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let changed = if let Some(filter) = node.downcast_ref::<FilterExec>() {
                let predicate = compared(Arc::clone(filter.predicate()), &filter.input().schema())?;
                let change = || -> Result<Arc<dyn ExecutionPlan>> {
                    Ok(Arc::new(FilterExecBuilder::from(filter).with_predicate(predicate.data).build()?))
                };
                predicate.transformed.then(change).transpose()?
            } else if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
                project(projection)?
            } else {
                None
            };
            Ok(changed.map_or_else(|| Transformed::no(node), Transformed::yes))
        })
        .data()
    }
}

fn project(projection: &ProjectionExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let schema = projection.input().schema();
    let mut changed = false;
    let mut expressions = Vec::with_capacity(projection.expr().len());
    for expression in projection.expr() {
        let inside = compared(Arc::clone(&expression.expr), &schema)?;
        changed |= inside.transformed;
        let value = if is_computed(&inside.data) {
            let value = canonical(inside.data, &schema)?;
            changed |= value.transformed;
            value.data
        } else {
            inside.data
        };
        expressions.push(ProjectionExpr::new(value, expression.alias.clone()));
    }
    if !changed {
        return Ok(None);
    }
    let input = Arc::clone(projection.input());
    Ok(Some(Arc::new(ProjectionExec::try_new_with_schema_metadata(expressions, input, &projection.schema())?)))
}

/// The sides of comparisons, with one NaN.
fn compared(expression: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
    expression.transform_up(|part| {
        let compares =
            part.is::<InListExpr>() || part.downcast_ref::<BinaryExpr>().is_some_and(|b| is_comparing(*b.op()));
        if !compares {
            return Ok(Transformed::no(part));
        }
        let mut changed = false;
        let mut sides = Vec::new();
        for side in part.children() {
            let side = canonical(Arc::clone(side), schema)?;
            changed |= side.transformed;
            sides.push(side.data);
        }
        Ok(if changed { Transformed::yes(part.with_new_children(sides)?) } else { Transformed::no(part) })
    })
}

fn is_computed(expression: &Arc<dyn PhysicalExpr>) -> bool {
    !expression.is::<Column>()
}

/// A float with one NaN; a literal stays one.
fn canonical(expression: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
    if !matches!(expression.data_type(schema)?, DataType::Float32 | DataType::Float64) || expression.is::<OneNanExpr>()
    {
        return Ok(Transformed::no(expression));
    }
    if let Some(literal) = expression.downcast_ref::<Literal>() {
        let value = match literal.value() {
            ScalarValue::Float64(Some(value)) if value.is_nan() && value.is_sign_negative() => {
                ScalarValue::Float64(Some(f64::NAN))
            }
            ScalarValue::Float32(Some(value)) if value.is_nan() && value.is_sign_negative() => {
                ScalarValue::Float32(Some(f32::NAN))
            }
            _ => return Ok(Transformed::no(expression)),
        };
        return Ok(Transformed::yes(Arc::new(Literal::new(value))));
    }
    Ok(Transformed::yes(Arc::new(OneNanExpr { inner: expression })))
}

/// The array itself where no NaN is negative.
fn with_one_nan(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            let is_other = |value: &f64| value.is_nan() && value.is_sign_negative();
            if !values.values().iter().any(is_other) {
                return array;
            }
            Arc::new(values.unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value }))
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            let is_other = |value: &f32| value.is_nan() && value.is_sign_negative();
            if !values.values().iter().any(is_other) {
                return array;
            }
            Arc::new(values.unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value }))
        }
        _ => array,
    }
}

#[derive(Debug, Eq)]
struct OneNanExpr {
    inner: Arc<dyn PhysicalExpr>,
}

impl PartialEq for OneNanExpr {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Hash for OneNanExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl Display for OneNanExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.inner, f)
    }
}

impl PhysicalExpr for OneNanExpr {
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
        Ok(match self.inner.evaluate(batch)? {
            ColumnarValue::Array(array) => ColumnarValue::Array(with_one_nan(array)),
            ColumnarValue::Scalar(scalar) => {
                let array = with_one_nan(scalar.to_array()?);
                ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
            }
        })
    }
    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }
    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self { inner: children.swap_remove(0) }))
    }
    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

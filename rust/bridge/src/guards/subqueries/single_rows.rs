// SPDX-License-Identifier: Apache-2.0
//! Correlated subqueries that stand for a value without being aggregates, as `(SELECT d.name FROM d WHERE d.id = f.id)`. The engine refuses
//! them, since they might give several rows. Here they become aggregates that count their rows beside the value, and what stands in their
//! place fails where the count is above one: only then is it known that a row around has asked for it.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::{is_null, nullif};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, exec_datafusion_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::core::named_struct;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::logical_expr::{
    Aggregate, ColumnarValue, Expr, LogicalPlan, Projection, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Subquery, Volatility, lit,
};
use datafusion::optimizer::AnalyzerRule;

use super::correlation::{free_columns, has_subqueries_in};
use crate::error::BridgeError;
use crate::guards::nodes::map_named;

#[derive(Debug)]
pub struct CountRows;

impl AnalyzerRule for CountRows {
    fn name(&self) -> &str {
        "count_rows_of_scalar_subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            if !has_subqueries_in(&node)? {
                return Ok(Transformed::no(node));
            }
            map_named(node, |expression| {
                expression.transform_up(|part| match part {
                    Expr::ScalarSubquery(subquery) => counted(subquery),
                    other => Ok(Transformed::no(other)),
                })
            })
        })
        .data()
    }
}

/// Whether a subquery has one row at most by its form.
fn is_single(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => is_single(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_single(&alias.input),
        LogicalPlan::Filter(filter) => is_single(&filter.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        other => other.max_rows().is_some_and(|rows| rows <= 1),
    }
}

fn counted(subquery: Subquery) -> Result<Transformed<Expr>> {
    let plan = &subquery.subquery;
    if plan.schema().fields().len() != 1 || is_single(plan) || free_columns(plan)?.is_empty() {
        return Ok(Transformed::no(Expr::ScalarSubquery(subquery)));
    }
    let (name, value) = (plan.schema().field(0).name().clone(), Column::from(plan.schema().qualified_field(0)));
    let rows = count_udaf().call(vec![lit(1i64)]).alias("__rows");
    // Of one value all are the same; the greatest hangs on no order.
    let one = if has_greatest(plan.schema().field(0).data_type()) { max_udaf() } else { first_value_udaf() };
    let one = one.call(vec![Expr::Column(value)]).alias("__value");
    let aggregate = LogicalPlan::Aggregate(Aggregate::try_new(Arc::clone(plan), Vec::new(), vec![rows, one])?);
    let column = |name: &str| Expr::Column(Column::new_unqualified(name));
    let both = named_struct().call(vec![lit("rows"), column("__rows"), lit("value"), column("__value")]).alias(name);
    let plan = LogicalPlan::Projection(Projection::try_new(vec![both], Arc::new(aggregate))?);
    let counted = Expr::ScalarSubquery(Subquery { subquery: Arc::new(plan), ..subquery });
    Ok(Transformed::yes(single_row_value().call(vec![counted])))
}

fn has_greatest(data_type: &DataType) -> bool {
    use DataType::{Boolean, Date32, LargeUtf8, Timestamp, Utf8, Utf8View};
    data_type.is_numeric() || matches!(data_type, Boolean | Date32 | Timestamp(_, _) | Utf8 | LargeUtf8 | Utf8View)
}

/// The value of a pair of a number of rows and a value.
pub fn single_row_value() -> ScalarUDF {
    ScalarUDF::from(SingleRowValue { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SingleRowValue {
    signature: Signature,
}

impl ScalarUDFImpl for SingleRowValue {
    fn name(&self) -> &str {
        "single_row_value"
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match &arguments[0] {
            DataType::Struct(fields) if fields.len() == 2 => Ok(fields[1].data_type().clone()),
            other => Err(exec_datafusion_err!("a number of rows and a value are wanted, found `{other}`")),
        }
    }
    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = self.return_type(&[arguments.arg_fields[0].data_type().clone()])?;
        Ok(Arc::new(Field::new(self.name(), data_type, true)))
    }
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let pairs = arguments.args[0].to_array(arguments.number_rows)?;
        let pairs = pairs.as_struct();
        let rows = pairs.column(0).as_primitive::<Int64Type>();
        for (row, count) in rows.iter().enumerate() {
            if pairs.is_valid(row)
                && let Some(count) = count.filter(|count| *count > 1)
            {
                let message =
                    format!("one row at most is wanted of a subquery that stands for a value, found `{count}`");
                return Err(DataFusionError::External(Box::new(BridgeError::user("invalid_argument", message))));
            }
        }
        Ok(ColumnarValue::Array(nullif(pairs.column(1), &is_null(pairs)?)?))
    }
}

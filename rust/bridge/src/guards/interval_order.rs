// SPDX-License-Identifier: Apache-2.0
//! Intervals are compared by their length: a day has 24 hours, a month 30 days. The engine compares months, then days, then the rest: 36
//! hours are then less than a day, and so is what lies between two times. Lengths stand in the place of intervals only where constants are
//! folded, and in plans that are about to be executed.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::far_times::nanos_of;
use super::fenced_rule::change_for_rule;
use super::hidden_comparison::is_comparing;
use super::nodes::columns_of;
use super::substitute::as_given;
use super::{About, Guard, Means, OptimizerRules};

const NAME: &str = "interval_length";
const NANOS_A_DAY: i128 = 86_400_000_000_000;
const LENGTH: DataType = DataType::Decimal128(38, 0);

pub struct IntervalOrder;

impl Guard for IntervalOrder {
    fn about(&self) -> About {
        About {
            name: "interval_order",
            version: 1,
            fault: "`TIMESTAMP '2024-01-02 12:00:00' - TIMESTAMP '2024-01-01' > INTERVAL '1 day'` is false",
            upstream: "unreported",
            means: Means::Correction,
            effect: "intervals are compared and sorted by their length; a month has 30 days there",
        }
    }

    fn functions(&self, context: &SessionContext) {
        context.register_udf(length_function());
    }

    /// Constants that come to no truth value keep their lengths.
    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        let raise = |expression: Expr, schema: &DFSchema| {
            expression.transform_up(|part| match is_of_constants(&part) {
                true => in_part(part, schema),
                false => Ok(Transformed::no(part)),
            })
        };
        change_for_rule(rules, "simplify_expressions", is_of_constants, raise, |expression| {
            Ok(Transformed::no(expression))
        });
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(in_node).data()
    }

    fn executed_expression(&self, expression: Expr, schema: &DFSchema) -> Result<Expr> {
        expression.transform_up(|part| in_part(part, schema)).data()
    }
}

/// Whether a comparison holds on to no row, so that it may be folded.
fn is_of_constants(part: &Expr) -> bool {
    let is_of_rows = |part: &Expr| {
        matches!(
            part,
            Expr::Column(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
                | Expr::ScalarSubquery(_)
                | Expr::LambdaVariable(_)
        )
    };
    let compares = match part {
        Expr::BinaryExpr(binary) => is_comparing(binary.op),
        Expr::InList(_) => true,
        _ => false,
    };
    compares && !part.exists(|inner| Ok(is_of_rows(inner))).unwrap_or(true)
}

fn in_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = columns_of(&node)?;
    let names = NamePreserver::new(&node);
    let node = node.map_expressions(|expression| {
        let name = names.save(&expression);
        let changed = expression.transform_up(|part| in_part(part, &schema))?;
        Ok(if changed.transformed { changed.update_data(|expression| name.restore(expression)) } else { changed })
    })?;
    node.transform_data(|node| match node {
        LogicalPlan::Sort(mut sort) => {
            let mut changed = false;
            for key in &mut sort.expr {
                changed |= measure(&mut key.expr, &schema);
            }
            Ok(Transformed::new_transformed(LogicalPlan::Sort(sort), changed))
        }
        LogicalPlan::Join(mut join) => {
            let mut changed = false;
            for (left, right) in &mut join.on {
                changed |= measure_key(left, &schema) | measure_key(right, &schema);
            }
            Ok(Transformed::new_transformed(LogicalPlan::Join(join), changed))
        }
        other => Ok(Transformed::no(other)),
    })
}

fn in_part(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match part {
        Expr::BinaryExpr(BinaryExpr { mut left, op, mut right }) if is_comparing(op) => {
            let changed = measure(&mut left, schema) | measure(&mut right, schema);
            Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed)
        }
        Expr::InList(InList { mut expr, mut list, negated }) => {
            let mut changed = measure(&mut expr, schema);
            for item in &mut list {
                changed |= measure(item, schema);
            }
            Transformed::new_transformed(Expr::InList(InList { expr, list, negated }), changed)
        }
        Expr::WindowFunction(mut window) => {
            let mut changed = false;
            for key in &mut window.params.order_by {
                changed |= measure(&mut key.expr, schema);
            }
            Transformed::new_transformed(Expr::WindowFunction(window), changed)
        }
        other => Transformed::no(other),
    })
}

/// Whether there is an interval, in whose place its length is now.
fn measure(side: &mut Expr, schema: &DFSchema) -> bool {
    let is_interval = side.get_type(schema).is_ok_and(|data_type| matches!(data_type, DataType::Interval(_)));
    if is_interval {
        // What lies between two times may be longer than an interval can hold.
        let measured = match std::mem::take(side) {
            Expr::Cast(Cast { expr, .. }) if matches!(expr.get_type(schema), Ok(DataType::Duration(_))) => *expr,
            other => other,
        };
        *side = length_function().call(vec![measured]);
    }
    is_interval
}

/// A key of a join is computed beside the columns, hence by another name.
fn measure_key(key: &mut Expr, schema: &DFSchema) -> bool {
    let is_interval = measure(key, schema);
    if is_interval {
        let name = format!("{NAME}({})", key.schema_name());
        *key = std::mem::take(key).alias(name);
    }
    is_interval
}

fn length_function() -> ScalarUDF {
    ScalarUDF::from(IntervalLength { signature: Signature::any(1, Volatility::Immutable) })
}

/// In nanoseconds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalLength {
    signature: Signature,
}

impl ScalarUDFImpl for IntervalLength {
    fn name(&self) -> &str {
        NAME
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    /// Columns keep the names that comparisons of intervals give them.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args[0].schema_name().to_string())
    }
    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(LENGTH)
    }
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(NAME, arguments.args)?;
        let is_scalar = matches!(value, ColumnarValue::Scalar(_));
        as_given(lengths(&value.into_array(if is_scalar { 1 } else { arguments.number_rows })?)?, is_scalar)
    }
    fn is_strict(&self) -> bool {
        true
    }
}

fn lengths(intervals: &ArrayRef) -> Result<ArrayRef> {
    if let DataType::Duration(unit) = intervals.data_type() {
        let nanos_a_unit = i128::from(nanos_of(*unit));
        let units = cast(intervals, &DataType::Int64)?;
        let lengths: Decimal128Array =
            units.as_primitive::<Int64Type>().unary(|units| i128::from(units) * nanos_a_unit);
        return Ok(Arc::new(lengths.with_data_type(LENGTH)));
    }
    let intervals = cast(intervals, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    let lengths = intervals.as_primitive::<IntervalMonthDayNanoType>().iter().map(|interval| {
        let (months, days, nanos) = IntervalMonthDayNanoType::to_parts(interval?);
        Some((i128::from(months) * 30 + i128::from(days)) * NANOS_A_DAY + i128::from(nanos))
    });
    Ok(Arc::new(lengths.collect::<Decimal128Array>().with_data_type(LENGTH)))
}

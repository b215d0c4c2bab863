// SPDX-License-Identifier: Apache-2.0
//! A DATE plus or minus an interval with parts of a day is a TIMESTAMP. The engine keeps the DATE, and drops these parts. Where an interval
//! is no constant its parts are unknown, and the type must not hang on data: a TIMESTAMP as well. Whole days, weeks, months and years keep
//! the DATE.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;
use datafusion::prelude::SessionContext;
use sqlparser::ast::BinaryOperator;

use super::nodes::columns_of;
use super::{About, AnalyzerRules, Guard, Means};

pub struct DateIntervals;

impl Guard for DateIntervals {
    fn about(&self) -> About {
        About {
            name: "date_intervals",
            version: 1,
            fault: "`DATE '2024-01-01' + INTERVAL '1 hour'` is 2024-01-01",
            upstream: "unreported",
            means: Means::Correction,
            effect: "a TIMESTAMP, unless the interval is a constant of whole days",
        }
    }

    fn functions(&self, context: &SessionContext) {
        let planner = Arc::new(TimesOfDays);
        context.state_ref().write().register_expr_planner(planner).expect("a session takes planners of expressions");
    }

    fn analyzer_rules(&self, rules: &mut AnalyzerRules) {
        rules.push(Arc::new(RefuseOthers));
    }
}

#[derive(Debug)]
struct TimesOfDays;

impl ExprPlanner for TimesOfDays {
    fn plan_binary_op(&self, mut operation: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let operator = match operation.op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            _ => return Ok(PlannerResult::Original(operation)),
        };
        let date = match date_of(&operation.left, operator, &operation.right, schema) {
            Some(Side::Left) => &mut operation.left,
            Some(Side::Right) => &mut operation.right,
            None => return Ok(PlannerResult::Original(operation)),
        };
        let time = DataType::Timestamp(TimeUnit::Microsecond, None);
        *date = Expr::Cast(Cast::new(Box::new(std::mem::take(date)), time));
        Ok(PlannerResult::Original(operation))
    }
}

/// Where one operand was not known to be a DATE when the text was read, or the plan was made of no text.
#[derive(Debug)]
struct RefuseOthers;

impl AnalyzerRule for RefuseOthers {
    fn name(&self) -> &str {
        "refuse_times_of_days"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply_with_subqueries(|node| {
            let mut columns = None;
            node.apply_expressions(|expression| {
                let found = expression.exists(|part| {
                    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = part else { return Ok(false) };
                    if !matches!(op, Operator::Plus | Operator::Minus) {
                        return Ok(false);
                    }
                    if columns.is_none() {
                        columns = Some(columns_of(node)?);
                    }
                    Ok(columns.as_ref().is_some_and(|schema| date_of(left, *op, right, schema).is_some()))
                })?;
                if found {
                    return plan_err!(
                        "a TIMESTAMP is wanted where hours or less are added, found a DATE; CAST it AS TIMESTAMP: `{expression}`"
                    );
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(plan)
    }
}

enum Side {
    Left,
    Right,
}

/// The side that is a DATE, if the other is an interval that may have parts of a day. Chains of operators grow on the left side, whose type
/// is asked for last.
fn date_of(left: &Expr, operator: Operator, right: &Expr, schema: &DFSchema) -> Option<Side> {
    let is_date = |side: &Expr| matches!(side.get_type(schema), Ok(DataType::Date32 | DataType::Date64));
    let is_time =
        |side: &Expr| matches!(side.get_type(schema), Ok(DataType::Interval(_))) && !has_whole_days(side, schema);
    if is_time(right) {
        return is_date(left).then_some(Side::Left);
    }
    (operator == Operator::Plus && is_date(right) && is_time(left)).then_some(Side::Right)
}

fn literal_has_whole_days(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::IntervalMonthDayNano(value) => value.is_none_or(|value| value.nanoseconds == 0),
        ScalarValue::IntervalDayTime(value) => value.is_none_or(|value| value.milliseconds == 0),
        ScalarValue::IntervalYearMonth(_) => true,
        _ => false,
    }
}

/// Whether an interval has no parts of a day, whatever the data.
fn has_whole_days(interval: &Expr, schema: &DFSchema) -> bool {
    match interval {
        Expr::Literal(value, _) => literal_has_whole_days(value),
        Expr::Alias(alias) => has_whole_days(&alias.expr, schema),
        Expr::Negative(inner) => has_whole_days(inner, schema),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            has_whole_days(left, schema) && has_whole_days(right, schema)
        }
        Expr::Cast(Cast { expr, field }) => match expr.as_ref() {
            Expr::Literal(value, _) => {
                value.cast_to(field.data_type()).is_ok_and(|value| literal_has_whole_days(&value))
            }
            Expr::Cast(duration) => is_number_of_days(duration),
            inner => has_whole_days(inner, schema),
        },
        Expr::Case(case) => {
            let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            results.into_iter().all(|result| is_null(result) || has_whole_days(result, schema))
        }
        other => matches!(other.get_type(schema), Ok(DataType::Interval(IntervalUnit::YearMonth))),
    }
}

/// What the engine makes of the number in `date + 5`: so many times the seconds of a day.
fn is_number_of_days(duration: &Cast) -> bool {
    let is_day = |factor: &Expr| matches!(factor, Expr::Literal(ScalarValue::Int64(Some(86_400)), _));
    *duration.field.data_type() == DataType::Duration(TimeUnit::Second)
        && matches!(
            duration.expr.as_ref(),
            Expr::BinaryExpr(BinaryExpr { op: Operator::Multiply, right, .. }) if is_day(right)
        )
}

fn is_null(expression: &Expr) -> bool {
    matches!(expression, Expr::Literal(value, _) if value.is_null())
}

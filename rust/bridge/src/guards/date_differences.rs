// SPDX-License-Identifier: Apache-2.0
//! The difference of two dates is a number of days. Where the engine derives bounds of it, it takes it for a duration, and fails to
//! compare it with a number: the days are subtracted as numbers instead.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, cast};

use super::nodes::{columns_of, has, map_named};
use super::{About, Guard, Means};

pub struct DateDifferences;

impl Guard for DateDifferences {
    fn about(&self) -> About {
        About {
            name: "date_differences",
            version: 1,
            fault: "`WHERE d1 - d2 > 0` of dates fails over tables with statistics: `Only intervals with the same data type are comparable`",
            upstream: "unreported",
            means: Means::Correction,
            effect: "the difference is a number of days there, too",
        }
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            if !has(&node, is_difference)? {
                return Ok(Transformed::no(node));
            }
            let schema = columns_of(&node)?;
            map_named(node, |expression| expression.transform_up(|part| in_days(part, &schema)))
        })
        .data()
    }
}

fn is_difference(part: &Expr) -> bool {
    matches!(part, Expr::BinaryExpr(BinaryExpr { op: Operator::Minus, .. }))
}

fn in_days(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match part {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right })
            if left.get_type(schema)? == DataType::Date32 && right.get_type(schema)? == DataType::Date32 =>
        {
            let days = |date| Box::new(cast(cast(date, DataType::Int32), DataType::Int64));
            Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(days(*left), Operator::Minus, days(*right)))))
        }
        other => Ok(Transformed::no(other)),
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Arguments of table functions are folded by the engine's planner before any rule sees them: `generate_series(1, 9223372036854775807 + 1)`
//! would end at the least number. What whole numbers they hold is computed here first, and refused where `BIGINT` does not hold it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Query, Select, SetExpr, TableFactor, UnaryOperator, Value, visit_expressions,
};

use super::constant_does_not_fit;
use crate::error::Result;

/// The tables of the query itself; those of subqueries come with their own.
pub fn check(query: &Query) -> Result<()> {
    check_body(&query.body)
}

fn check_body(body: &SetExpr) -> Result<()> {
    match body {
        SetExpr::Select(select) => check_select(select),
        SetExpr::SetOperation { left, right, .. } => {
            check_body(left)?;
            check_body(right)
        }
        // A query in parentheses comes by itself.
        _ => Ok(()),
    }
}

fn check_select(select: &Select) -> Result<()> {
    let joined = select.from.iter().flat_map(|from| from.joins.iter().map(|join| &join.relation));
    select.from.iter().map(|from| &from.relation).chain(joined).try_for_each(|relation| {
        let checked = match relation {
            TableFactor::Table { args: Some(args), .. } => visit_expressions(&args.args, check_argument),
            TableFactor::Function { args, .. } => visit_expressions(args, check_argument),
            _ => ControlFlow::Continue(()),
        };
        match checked {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    })
}

fn check_argument(argument: &Expr) -> ControlFlow<crate::error::BridgeError> {
    match value(argument) {
        Ok(_) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

/// Of an expression of whole numbers; none of any other.
fn value(expression: &Expr) -> Result<Option<i64>> {
    Ok(match expression {
        Expr::Value(literal) => match &literal.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Expr::Nested(inner) => value(inner)?,
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => value(expr)?.and_then(i64::checked_neg),
        Expr::BinaryOp { left, op, right } => {
            let (Some(left), Some(right)) = (value(left)?, value(right)?) else { return Ok(None) };
            let result = match op {
                BinaryOperator::Plus => left.checked_add(right),
                BinaryOperator::Minus => left.checked_sub(right),
                BinaryOperator::Multiply => left.checked_mul(right),
                _ => return Ok(None),
            };
            match result {
                Some(result) => Some(result),
                None => return Err(constant_does_not_fit(&expression.to_string(), &format!("{left} {op} {right}"))),
            }
        }
        _ => None,
    })
}

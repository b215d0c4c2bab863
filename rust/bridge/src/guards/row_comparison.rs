// SPDX-License-Identifier: Apache-2.0
//! `(a, b) < (c, d)`: the engine compares rows as structs, in which NULL is a value. Rows are compared column by column here, with NULL as SQL
//! has it: unknown where a column that decides is NULL.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

use super::{About, Guard, Means};
use crate::error::{BridgeError, Result};

pub struct RowComparison;

impl Guard for RowComparison {
    fn about(&self) -> About {
        About {
            name: "row_comparison",
            version: 1,
            fault: "`(a, b) <> (1, 2)` is true where a is 1 and b NULL, and `(NULL, 1) < (2, 2)` true",
            upstream: "unreported",
            means: Means::Correction,
            effect: "rows are compared column by column, with NULL as SQL has it",
        }
    }

    fn expression(&self, expression: &mut Expr) -> Result<()> {
        let compared = match expression {
            Expr::BinaryOp { left, op, right } => match (row_of(left), row_of(right)) {
                (Some(left), Some(right)) => compare(left, op, right)?,
                _ => None,
            },
            Expr::IsDistinctFrom(left, right) => by_column(left, right, Expr::IsDistinctFrom, BinaryOperator::Or)?,
            Expr::IsNotDistinctFrom(left, right) => {
                by_column(left, right, Expr::IsNotDistinctFrom, BinaryOperator::And)?
            }
            Expr::Between { expr, negated, low, high } => match (row_of(expr), row_of(low), row_of(high)) {
                (Some(row), Some(low), Some(high)) => {
                    let low = compare(row, &BinaryOperator::GtEq, low)?;
                    let high = compare(row, &BinaryOperator::LtEq, high)?;
                    low.zip(high).map(|(low, high)| negated_if(*negated, join(vec![low, high], BinaryOperator::And)))
                }
                _ => None,
            },
            Expr::InList { expr, list, negated } => {
                match (row_of(expr), list.iter().map(row_of).collect::<Option<Vec<_>>>()) {
                    (Some(row), Some(rows)) if !rows.is_empty() => {
                        let equal = rows.into_iter().map(|other| compare(row, &BinaryOperator::Eq, other));
                        let equal = equal.collect::<Result<Option<Vec<_>>>>()?;
                        equal.map(|equal| negated_if(*negated, join(equal, BinaryOperator::Or)))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some(compared) = compared {
            *expression = Expr::Nested(Box::new(compared));
        }
        Ok(())
    }
}

fn row_of(expression: &Expr) -> Option<&[Expr]> {
    match expression {
        Expr::Tuple(row) => Some(row),
        Expr::Nested(inner) => row_of(inner),
        _ => None,
    }
}

fn check_lengths(left: &[Expr], right: &[Expr]) -> Result<()> {
    if left.len() == right.len() {
        return Ok(());
    }
    let text = format!(
        "rows of one length are wanted where they are compared, found {} and {} values",
        left.len(),
        right.len()
    );
    Err(BridgeError::user("plan_failed", text))
}

/// Nothing for operators that do not compare.
fn compare(left: &[Expr], op: &BinaryOperator, right: &[Expr]) -> Result<Option<Expr>> {
    use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or};
    check_lengths(left, right)?;
    let each = |op: &BinaryOperator| left.iter().zip(right).map(|(l, r)| binary(l, op, r)).collect();
    Ok(match op {
        Eq => Some(join(each(&Eq), And)),
        NotEq => Some(join(each(&NotEq), Or)),
        Lt | LtEq | Gt | GtEq => {
            let strict = if matches!(op, Lt | LtEq) { Lt } else { Gt };
            let mut pairs = left.iter().zip(right).rev();
            let last = pairs.next().map(|(l, r)| binary(l, op, r));
            let before = |rest: Expr, (l, r): (&Expr, &Expr)| {
                join(vec![binary(l, &strict, r), join(vec![binary(l, &Eq, r), rest], And)], Or)
            };
            last.map(|last| pairs.fold(last, before))
        }
        _ => None,
    })
}

fn by_column(
    left: &Expr,
    right: &Expr,
    each: fn(Box<Expr>, Box<Expr>) -> Expr,
    joined_by: BinaryOperator,
) -> Result<Option<Expr>> {
    let (Some(left), Some(right)) = (row_of(left), row_of(right)) else { return Ok(None) };
    check_lengths(left, right)?;
    let columns = left.iter().zip(right).map(|(l, r)| Expr::Nested(Box::new(each(nested(l), nested(r)))));
    Ok(Some(join(columns.collect(), joined_by)))
}

fn nested(expression: &Expr) -> Box<Expr> {
    Box::new(Expr::Nested(Box::new(expression.clone())))
}

fn binary(left: &Expr, op: &BinaryOperator, right: &Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp { left: nested(left), op: op.clone(), right: nested(right) }))
}

/// In parentheses. An empty row is equal to another.
fn join(parts: Vec<Expr>, op: BinaryOperator) -> Expr {
    let joined = parts.into_iter().reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: op.clone(),
        right: Box::new(right),
    });
    Expr::Nested(Box::new(joined.unwrap_or_else(|| Expr::Value(Value::Boolean(op == BinaryOperator::And).into()))))
}

fn negated_if(negated: bool, condition: Expr) -> Expr {
    match negated {
        true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(condition) },
        false => condition,
    }
}

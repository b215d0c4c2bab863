// SPDX-License-Identifier: Apache-2.0
//! `(a, b) IN (SELECT x, y …)`: the engine compares one column only and refuses rows. It becomes EXISTS over the rows of the subquery,
//! with NULL as SQL has it: unknown where no row is equal and one cannot be told from it.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Ident, Query, Select, SetExpr, TableAliasColumnDef, TableFactor, UnaryOperator,
    Value,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::named_queries::selects_of;
use super::{About, Guard, Means};
use crate::error::{BridgeError, Result};

pub struct RowMembership;

impl Guard for RowMembership {
    fn about(&self) -> About {
        About {
            name: "row_membership",
            version: 1,
            fault: "`(a, b) IN (SELECT x, y FROM t)` is refused",
            upstream: "unreported",
            means: Means::Correction,
            effect: "rows are compared column by column, with NULL as SQL has it",
        }
    }

    /// Conditions of WHERE, where NULL counts as false.
    fn query(&self, query: &mut Query) -> Result<()> {
        for select in selects_of(query.body.as_mut()) {
            if let Some(condition) = &mut select.selection {
                as_condition(condition)?;
            }
        }
        Ok(())
    }

    fn expression(&self, expression: &mut Expr) -> Result<()> {
        if let Some((row, subquery, negated)) = membership(expression) {
            let found = exists(&row, &subquery, false, all_equal)?;
            let unknown = exists(&row, &subquery, false, |row| Expr::IsNull(Box::new(nested(all_equal(row)))))?;
            let value = |value: Value| Expr::Value(value.into());
            let case = Expr::Case {
                case_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                end_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                operand: None,
                conditions: vec![
                    CaseWhen { condition: found, result: value(Value::Boolean(!negated)) },
                    CaseWhen { condition: unknown, result: value(Value::Null) },
                ],
                else_result: Some(Box::new(value(Value::Boolean(negated)))),
            };
            *expression = case;
        }
        Ok(())
    }
}

fn as_condition(condition: &mut Expr) -> Result<()> {
    let mut conditions = vec![condition];
    while let Some(condition) = conditions.pop() {
        match condition {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                conditions.extend([left.as_mut(), right.as_mut()])
            }
            Expr::Nested(inner) => conditions.push(inner.as_mut()),
            other => {
                if let Some((row, subquery, negated)) = membership(other) {
                    *other = match negated {
                        false => exists(&row, &subquery, false, all_equal)?,
                        true => {
                            exists(&row, &subquery, true, |row| Expr::IsNotFalse(Box::new(nested(all_equal(row)))))?
                        }
                    };
                }
            }
        }
    }
    Ok(())
}

/// The row, the subquery, and whether NOT stands between.
fn membership(expression: &Expr) -> Option<(Vec<Expr>, Query, bool)> {
    match expression {
        Expr::InSubquery { expr, subquery, negated } => match expr.as_ref() {
            Expr::Tuple(row) if row.len() > 1 => Some((row.clone(), subquery.as_ref().clone(), *negated)),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => match expr.as_ref() {
            Expr::InSubquery { .. } => membership(expr).map(|(row, subquery, negated)| (row, subquery, !negated)),
            Expr::Nested(inner) => membership(inner).map(|(row, subquery, negated)| (row, subquery, !negated)),
            _ => None,
        },
        _ => None,
    }
}

fn nested(expression: Expr) -> Expr {
    Expr::Nested(Box::new(expression))
}

fn name(i: usize) -> Ident {
    Ident::with_quote('"', format!("__row_{i}"))
}

fn all_equal(row: &[Expr]) -> Expr {
    let equal = row.iter().enumerate().map(|(i, value)| Expr::BinaryOp {
        left: Box::new(nested(value.clone())),
        op: BinaryOperator::Eq,
        right: Box::new(Expr::Identifier(name(i))),
    });
    equal
        .reduce(|left, right| Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) })
        .unwrap_or_else(|| Expr::Value(Value::Boolean(true).into()))
}

/// `[NOT] EXISTS (SELECT 1 FROM (subquery) AS __row (…) WHERE condition)`.
fn exists(row: &[Expr], subquery: &Query, negated: bool, condition: impl Fn(&[Expr]) -> Expr) -> Result<Expr> {
    let text = "EXISTS (SELECT 1 FROM (SELECT 1) AS __row (__row_0) WHERE true)";
    let parsed = Parser::new(&GenericDialect {}).try_with_sql(text).and_then(|mut parser| parser.parse_expr());
    let Ok(Expr::Exists { subquery: mut around, .. }) = parsed else {
        return Err(BridgeError::bug(format!("`{text}` is no EXISTS")));
    };
    if let SetExpr::Select(select) = around.body.as_mut() {
        fill(select, row, subquery, condition(row));
    }
    Ok(Expr::Exists { subquery: around, negated })
}

fn fill(select: &mut Select, row: &[Expr], rows: &Query, condition: Expr) {
    if let Some(TableFactor::Derived { subquery, alias: Some(alias), .. }) =
        select.from.first_mut().map(|table| &mut table.relation)
    {
        **subquery = rows.clone();
        alias.columns = (0..row.len()).map(|i| TableAliasColumnDef { name: name(i), data_type: None }).collect();
    }
    select.selection = Some(condition);
}

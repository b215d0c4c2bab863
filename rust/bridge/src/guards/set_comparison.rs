// SPDX-License-Identifier: Apache-2.0
//! `x > ALL (SELECT …)` and `x = ANY (SELECT …)`: the engine puts x into the subquery, where a column of the same name takes it for its own.
//! Equality becomes IN, inequality to all NOT IN; for the others the column of the subquery gets a name that nothing else has.

use sqlparser::ast::{BinaryOperator, Expr, Query, SetExpr, TableFactor};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::{About, Guard, Means};
use crate::error::{BridgeError, Result};

pub struct SetComparison;

impl Guard for SetComparison {
    fn about(&self) -> About {
        About {
            name: "set_comparison",
            version: 1,
            fault: "`SELECT i FROM t WHERE i <> ALL (SELECT i FROM t WHERE b)` compares the inner i with itself",
            upstream: "unreported",
            means: Means::Correction,
            effect: "the value is compared with the rows of the subquery",
        }
    }

    fn expression(&self, expression: &mut Expr) -> Result<()> {
        match expression {
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
                if let Expr::Subquery(subquery) = right.as_ref() {
                    *expression = Expr::InSubquery { expr: left.clone(), subquery: subquery.clone(), negated: false };
                }
            }
            Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => {
                if let Expr::Subquery(subquery) = right.as_ref() {
                    *expression = Expr::InSubquery { expr: left.clone(), subquery: subquery.clone(), negated: true };
                }
            }
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => {
                if let Expr::Subquery(subquery) = right.as_mut() {
                    **subquery = under_a_name_of_its_own(subquery)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The one column of the query.
fn under_a_name_of_its_own(query: &Query) -> Result<Query> {
    const TEXT: &str = "SELECT __compared.__value FROM (SELECT 1) AS __compared (__value)";
    let parsed = Parser::new(&GenericDialect {}).try_with_sql(TEXT).and_then(|mut parser| parser.parse_query());
    let Ok(mut around) = parsed else {
        return Err(BridgeError::bug(format!("`{TEXT}` is no query")));
    };
    if let SetExpr::Select(select) = around.body.as_mut()
        && let Some(TableFactor::Derived { subquery, .. }) = select.from.first_mut().map(|table| &mut table.relation)
    {
        **subquery = query.clone();
    }
    Ok(*around)
}

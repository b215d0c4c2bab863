// SPDX-License-Identifier: Apache-2.0
//! Drops keys from the ORDER BY of aggregates and windows, and from DISTINCT ON, that stood there before: they decide nothing, in either
//! direction. The engine drops them in some places and counts them in others.

use std::collections::HashSet;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, SortExpr};

use super::nodes::{has, map_named};
use super::{About, Guard, Means};

pub struct RepeatedKeys;

impl Guard for RepeatedKeys {
    fn about(&self) -> About {
        About {
            name: "repeated_keys",
            version: 1,
            fault: "`SELECT g, first_value(x ORDER BY a, b, a) FROM t GROUP BY g` panics; `DISTINCT ON (g, g)` is an internal error",
            upstream: "unreported",
            means: Means::Correction,
            effect: "a key that comes again counts once",
        }
    }

    fn planned(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Distinct(Distinct::On(mut distinct)) => {
                let keys = distinct.on_expr.len();
                let mut seen = HashSet::new();
                distinct.on_expr.retain(|key| key.is_volatile() || seen.insert(key.clone()));
                distinct.sort_expr = distinct.sort_expr.as_deref().map(single);
                let changed = distinct.on_expr.len() < keys;
                Ok(Transformed::new_transformed(LogicalPlan::Distinct(Distinct::On(distinct)), changed))
            }
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            if !has(&node, |part| keys_of(part).is_some_and(has_repeated))? {
                return Ok(Transformed::no(node));
            }
            map_named(node, |expression| expression.transform_up(|part| Ok(Transformed::yes(without_repeated(part)))))
        })
        .data()
    }
}

fn keys_of(part: &Expr) -> Option<&[SortExpr]> {
    match part {
        Expr::AggregateFunction(call) => Some(&call.params.order_by),
        Expr::WindowFunction(call) => Some(&call.params.order_by),
        _ => None,
    }
}

/// Whether the key at a place came before. One that draws anew each time is another.
fn is_repeated(keys: &[SortExpr], at: usize) -> bool {
    !keys[at].expr.is_volatile() && keys[..at].iter().any(|before| before.expr == keys[at].expr)
}

fn has_repeated(keys: &[SortExpr]) -> bool {
    (1..keys.len()).any(|at| is_repeated(keys, at))
}

fn single(keys: &[SortExpr]) -> Vec<SortExpr> {
    (0..keys.len()).filter(|at| !is_repeated(keys, *at)).map(|at| keys[at].clone()).collect()
}

fn without_repeated(part: Expr) -> Expr {
    match part {
        Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
            params.order_by = single(&params.order_by);
            Expr::AggregateFunction(AggregateFunction { func, params })
        }
        Expr::WindowFunction(call) => {
            let WindowFunction { fun, mut params } = *call;
            params.order_by = single(&params.order_by);
            Expr::WindowFunction(Box::new(WindowFunction { fun, params }))
        }
        other => other,
    }
}

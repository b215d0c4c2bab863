// SPDX-License-Identifier: Apache-2.0
//! Keeps filters where they are whose answer depends on which rows come to them, and how often: those that may fail stay above joins,
//! which may have ruled the failing rows out; and those over volatile functions above everything that changes the number of rows.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, Join, LogicalPlan};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::may_fail::may_fail;
use super::wrapped_rule::wrap_rules;
use super::{About, Guard, Means, OptimizerRules};

pub struct FiltersAboveJoins;

impl Guard for FiltersAboveJoins {
    fn about(&self) -> About {
        About {
            name: "filters_above_joins",
            version: 2,
            fault: "`… FROM t JOIN numbers USING (id) WHERE CAST(t.s AS INT) > 5` casts s of rows that the join rules out",
            upstream: "unreported",
            means: Means::Correction,
            effect: "filters that may fail, or over random() and its like, stay above joins",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        wrap_rules(rules, &["push_down_filter"], push);
    }
}

/// The engine's rule sees only the conditions that may move.
fn push(rule: &dyn OptimizerRule, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
    match plan {
        LogicalPlan::Filter(filter) => push_filter(rule, filter, config),
        LogicalPlan::Join(join) if join.filter.is_some() => push_from_join(rule, join, config),
        other => rule.rewrite(other, config),
    }
}

fn push_filter(
    rule: &dyn OptimizerRule,
    filter: Filter,
    config: &dyn OptimizerConfig,
) -> Result<Transformed<LogicalPlan>> {
    let Filter { predicate, mut input, .. } = filter;
    let mut conditions = split_conjunction_owned(predicate);
    let mut merged = false;
    while let LogicalPlan::Filter(below) = input.as_ref() {
        // Those below were there first.
        let mut before = split_conjunction_owned(below.predicate.clone());
        before.append(&mut conditions);
        conditions = before;
        input = Arc::clone(&below.input);
        merged = true;
    }
    let (kept, moved) = part(conditions, |condition| stays_above(condition, &input))?;
    let Some(movable) = conjunction(moved) else {
        let all = conjunction(kept).expect("a filter has a condition");
        return Ok(Transformed::new_transformed(LogicalPlan::Filter(Filter::new(all, input)), merged));
    };
    let rewritten = rule.rewrite(LogicalPlan::Filter(Filter::new(movable, input)), config)?;
    let Some(kept) = conjunction(kept) else {
        return Ok(Transformed::new(rewritten.data, rewritten.transformed || merged, rewritten.tnr));
    };
    let plan = match rewritten.data {
        LogicalPlan::Filter(left) => LogicalPlan::Filter(Filter::new(left.predicate.and(kept), left.input)),
        other => LogicalPlan::Filter(Filter::new(kept, Arc::new(other))),
    };
    Ok(Transformed::new(plan, rewritten.transformed || merged, rewritten.tnr))
}

fn push_from_join(
    rule: &dyn OptimizerRule,
    mut join: Join,
    config: &dyn OptimizerConfig,
) -> Result<Transformed<LogicalPlan>> {
    let schema = join.left.schema().join(join.right.schema())?;
    let conditions = join.filter.take().map(split_conjunction_owned).unwrap_or_default();
    let (kept, moved) = part(conditions, |condition| Ok(condition.is_volatile() || may_fail(condition, &schema)?))?;
    join.filter = conjunction(moved);
    let rewritten = rule.rewrite(LogicalPlan::Join(join), config)?;
    let Some(kept) = conjunction(kept) else { return Ok(rewritten) };
    Ok(rewritten.update_data(|plan| match plan {
        LogicalPlan::Join(mut join) => {
            join.filter = Some(match join.filter.take() {
                Some(filter) => filter.and(kept),
                None => kept,
            });
            LogicalPlan::Join(join)
        }
        // Without conditions of its own an inner join may have become something else, which filters can stand above.
        other => LogicalPlan::Filter(Filter::new(kept, Arc::new(other))),
    }))
}

fn part(conditions: Vec<Expr>, stays: impl Fn(&Expr) -> Result<bool>) -> Result<(Vec<Expr>, Vec<Expr>)> {
    let mut parted = (Vec::new(), Vec::new());
    for condition in conditions {
        let side = if stays(&condition)? { &mut parted.0 } else { &mut parted.1 };
        side.push(condition);
    }
    Ok(parted)
}

fn stays_above(condition: &Expr, input: &LogicalPlan) -> Result<bool> {
    let schema: &DFSchema = input.schema();
    Ok(match input {
        LogicalPlan::Join(_) => condition.is_volatile() || may_fail(condition, schema)?,
        // The same rows come to a filter below these.
        LogicalPlan::Projection(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::TableScan(_) => false,
        _ => condition.is_volatile(),
    })
}

// SPDX-License-Identifier: Apache-2.0
//! Filters without columns above an aggregate. The engine pushes them below it, also where the aggregate has a row of no rows: without
//! keys, and for the empty set of ROLLUP, CUBE and GROUPING SETS. They stay above such an aggregate here.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Aggregate, Expr, Filter, LogicalPlan};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::wrapped_rule::wrap_rules;
use super::{About, Guard, Means, OptimizerRules};

pub struct AggregateFilters;

impl Guard for AggregateFilters {
    fn about(&self) -> About {
        About {
            name: "aggregate_filters",
            version: 1,
            fault: "`SELECT count(*) FROM t HAVING (SELECT max(x) FROM u) > 100` gives 0 where there is no such x; \
                    `a LEFT JOIN (SELECT count(*) …) ON FALSE` gives 0 for NULL",
            upstream: "unreported",
            means: Means::Correction,
            effect: "such a filter is applied to the result of the aggregate",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        wrap_rules(rules, &["push_down_filter"], push);
    }
}

/// The engine's rule does not get to see such filters.
fn push(
    pushing: &dyn OptimizerRule,
    plan: LogicalPlan,
    config: &dyn OptimizerConfig,
) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Filter(filter) = &plan else {
        return pushing.rewrite(plan, config);
    };
    if !matches!(filter.input.as_ref(), LogicalPlan::Aggregate(aggregate) if has_row_of_none(aggregate)) {
        return pushing.rewrite(plan, config);
    }
    let (with, without): (Vec<&Expr>, Vec<&Expr>) =
        split_conjunction(&filter.predicate).into_iter().partition(|part| part.any_column_refs());
    let Some(above) = conjunction(without.into_iter().cloned()) else {
        return pushing.rewrite(plan, config);
    };
    let Some(below) = conjunction(with.into_iter().cloned()) else {
        return Ok(Transformed::no(plan));
    };
    let below = LogicalPlan::Filter(Filter::try_new(below, Arc::clone(&filter.input))?);
    let below = pushing.rewrite(below, config)?;
    Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(above, Arc::new(below.data))?)))
}

/// Whether an aggregate may have a row where its input has none.
fn has_row_of_none(aggregate: &Aggregate) -> bool {
    aggregate.group_expr.is_empty() || aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_)))
}

// SPDX-License-Identifier: Apache-2.0
//! Takes the correlated filters out of a subquery where nothing stands between them and its result but projections, inner joins and
//! names: what is left is evaluated once, and the filters become conditions of the join.

use std::sync::Arc;

use datafusion::common::alias::AliasGenerator;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Distinct, Expr, Filter, Join, JoinType, LogicalPlan, Projection, SubqueryAlias};

use super::correlation::{free_columns, has_subqueries, has_subqueries_in, lateral_of};

/// A subquery without its correlated filters.
pub struct Pulled {
    pub plan: LogicalPlan,
    /// The filters, over the columns of the plan and outer ones.
    pub filters: Vec<Expr>,
}

/// None where the correlation does not stand in filters alone. How often a row comes does not count.
pub fn pull_filters(plan: &LogicalPlan, aliases: &AliasGenerator) -> Result<Option<Pulled>> {
    if free_columns(plan)?.is_empty() {
        return Ok(Some(Pulled { plan: plan.clone(), filters: Vec::new() }));
    }
    // Correlated subqueries within were joined before.
    if has_subqueries_in(plan)? && !matches!(plan, LogicalPlan::Filter(_)) {
        return Ok(None);
    }
    match plan {
        LogicalPlan::Filter(filter) => {
            let Some(mut pulled) = pull_filters(&filter.input, aliases)? else {
                return Ok(None);
            };
            let (correlated, own): (Vec<&Expr>, Vec<&Expr>) =
                split_conjunction(&filter.predicate).into_iter().partition(|part| part.contains_outer());
            for part in &own {
                if has_subqueries(part)? && !are_closed(part)? {
                    return Ok(None);
                }
            }
            for part in &correlated {
                if has_subqueries(part)? {
                    return Ok(None);
                }
            }
            pulled.filters.extend(correlated.into_iter().cloned());
            if let Some(predicate) = conjunction(own.into_iter().cloned()) {
                pulled.plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(pulled.plan))?);
            }
            Ok(Some(pulled))
        }
        LogicalPlan::Projection(projection) => {
            if projection.expr.iter().any(Expr::contains_outer) {
                return Ok(None);
            }
            match pull_filters(&projection.input, aliases)? {
                Some(pulled) => Ok(Some(project(projection, pulled, aliases)?)),
                None => Ok(None),
            }
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let Some(pulled) = pull_filters(&alias.input, aliases)? else {
                return Ok(None);
            };
            let before = Arc::clone(pulled.plan.schema());
            let plan = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(pulled.plan), alias.alias.clone())?);
            let after = Arc::clone(plan.schema());
            let filters = pulled.filters.into_iter().map(|filter| requalified(filter, &before, &after));
            Ok(Some(Pulled { plan, filters: filters.collect::<Result<_>>()? }))
        }
        LogicalPlan::Distinct(Distinct::All(input)) => pull_filters(input, aliases),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => pull_filters(&sort.input, aliases),
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner && lateral_of(join).is_none() => {
            pull_from_join(join, aliases)
        }
        _ => Ok(None),
    }
}

/// Whether the subqueries of an expression refer to nothing outside of them.
fn are_closed(expression: &Expr) -> Result<bool> {
    let open = expression.exists(|part| {
        Ok(match super::correlation::subquery_of(part) {
            Some(subquery) => !free_columns(&subquery.subquery)?.is_empty(),
            None => false,
        })
    })?;
    Ok(!open)
}

/// Keeps the columns that the filters need.
fn project(projection: &Projection, pulled: Pulled, aliases: &AliasGenerator) -> Result<Pulled> {
    let mut expressions = projection.expr.clone();
    let mut kept: Vec<(Column, Column)> = Vec::new();
    let mut filters = Vec::new();
    for filter in pulled.filters {
        let filter = filter.transform(|part| {
            let Expr::Column(column) = &part else {
                return Ok(Transformed::no(part));
            };
            if let Some((_, name)) = kept.iter().find(|(before, _)| before == column) {
                return Ok(Transformed::yes(Expr::Column(name.clone())));
            }
            let name = Column::new_unqualified(aliases.next("__pulled"));
            expressions.push(part.clone().alias(&name.name));
            kept.push((column.clone(), name.clone()));
            Ok(Transformed::yes(Expr::Column(name)))
        })?;
        filters.push(filter.data);
    }
    let plan = LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(pulled.plan))?);
    Ok(Pulled { plan, filters })
}

/// The same columns by place.
fn requalified(expression: Expr, before: &DFSchema, after: &DFSchema) -> Result<Expr> {
    let expression = expression.transform(|part| {
        let Expr::Column(column) = &part else {
            return Ok(Transformed::no(part));
        };
        let at = before.index_of_column(column)?;
        Ok(Transformed::yes(Expr::Column(Column::from(after.qualified_field(at)))))
    })?;
    Ok(expression.data)
}

fn pull_from_join(join: &Join, aliases: &AliasGenerator) -> Result<Option<Pulled>> {
    if join.on.iter().any(|(left, right)| left.contains_outer() || right.contains_outer()) {
        return Ok(None);
    }
    let (Some(left), Some(right)) = (pull_filters(&join.left, aliases)?, pull_filters(&join.right, aliases)?) else {
        return Ok(None);
    };
    let conjuncts = join.filter.as_ref().map(split_conjunction).unwrap_or_default();
    let (correlated, own): (Vec<&Expr>, Vec<&Expr>) = conjuncts.into_iter().partition(|part| part.contains_outer());
    let mut filters = left.filters;
    filters.extend(right.filters);
    filters.extend(correlated.into_iter().cloned());
    let plan = LogicalPlan::Join(Join::try_new(
        Arc::new(left.plan),
        Arc::new(right.plan),
        join.on.clone(),
        conjunction(own.into_iter().cloned()),
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?);
    Ok(Some(Pulled { plan, filters }))
}

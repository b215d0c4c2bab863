// SPDX-License-Identifier: Apache-2.0
//! Subqueries at places where the engine refuses them as soon as a plan is analysed: those in the condition of an inner join go into a
//! filter above it, those of ORDER BY into columns below the sort.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, Join, JoinType, LogicalPlan, Projection, Sort, SortExpr};
use datafusion::optimizer::AnalyzerRule;

use super::correlation::{has_joined_subqueries, has_subqueries_in, lateral_of};

#[derive(Debug)]
pub struct LiftSubqueries;

impl AnalyzerRule for LiftSubqueries {
    fn name(&self) -> &str {
        "lift_subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let mut found = false;
        plan.apply_with_subqueries(|node| {
            found |= matches!(node, LogicalPlan::Join(_) | LogicalPlan::Sort(_)) && has_subqueries_in(node)?;
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        if !found {
            return Ok(plan);
        }
        let lifted = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(join) if join.join_type == JoinType::Inner && lateral_of(&join).is_none() => {
                of_join(join)
            }
            LogicalPlan::Sort(sort) => of_sort(sort),
            other => Ok(Transformed::no(other)),
        })?;
        Ok(lifted.data)
    }
}

fn of_join(join: Join) -> Result<Transformed<LogicalPlan>> {
    let conjuncts = join.filter.clone().map(split_conjunction_owned).unwrap_or_default();
    let (with, without): (Vec<Expr>, Vec<Expr>) =
        conjuncts.into_iter().partition(|conjunct| has_joined_subqueries(conjunct).unwrap_or(true));
    let Some(predicate) = conjunction(with) else {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    };
    let joined = LogicalPlan::Join(Join { filter: conjunction(without), ..join });
    Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(joined))?)))
}

fn of_sort(sort: Sort) -> Result<Transformed<LogicalPlan>> {
    let kept = sort.input.schema().columns();
    let mut columns: Vec<Expr> = kept.iter().cloned().map(Expr::Column).collect();
    let mut keys = Vec::new();
    for key in &sort.expr {
        if !has_joined_subqueries(&key.expr)? {
            keys.push(key.clone());
            continue;
        }
        let name = format!("__order_{}", keys.len());
        columns.push(key.expr.clone().alias(&name));
        keys.push(SortExpr { expr: Expr::Column(Column::new_unqualified(name)), ..key.clone() });
    }
    if columns.len() == kept.len() {
        return Ok(Transformed::no(LogicalPlan::Sort(sort)));
    }
    let input = LogicalPlan::Projection(Projection::try_new(columns, sort.input)?);
    let sorted = LogicalPlan::Sort(Sort { expr: keys, input: Arc::new(input), fetch: sort.fetch });
    let columns = kept.into_iter().map(Expr::Column).collect();
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(sorted))?)))
}

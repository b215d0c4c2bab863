// SPDX-License-Identifier: Apache-2.0
//! Subqueries become joins here wherever the engine's own rules would give wrong rows or cannot: NOT IN that is correlated or stands
//! below other operators, IN and EXISTS outside of WHERE, and correlated subqueries that hold more than filters (aggregates, DISTINCT,
//! LIMIT, UNION, outer joins, subqueries that reach over two levels). What the engine does rightly is left to it.
//!
//! Correlated subqueries that stand for a value count their rows, unless they are aggregates (`single_rows.rs`).
//!
//! A subquery whose correlation stands in filters alone gives those filters to the join (`pulling.rs`). Any other is evaluated once for
//! all combinations of the outer columns that it refers to (`unnesting.rs`).

mod correlation;
mod lifting;
mod places;
mod pulling;
mod single_rows;
mod unnesting;

use std::sync::Arc;

use datafusion::common::alias::AliasGenerator;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{JoinType, LogicalPlan};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::prelude::SessionContext;

use super::{About, AnalyzerRules, Guard, Means, OptimizerRules};
use crate::error::BridgeError;

pub struct Subqueries;

impl Guard for Subqueries {
    fn about(&self) -> About {
        About {
            name: "subqueries",
            version: 2,
            fault: "`x NOT IN (SELECT y FROM t WHERE t.k < o.k)` ignores the correlation where y is NULL; \
                    `EXISTS (SELECT count(*) FROM t WHERE t.k = o.k)` is false where nothing matches; OFFSET in EXISTS is ignored",
            upstream: "apache/datafusion#25347, #25336, #25480, #25340, #24960, #25519",
            means: Means::Correction,
            effect: "such subqueries become other joins, with NULL as SQL has it; IN, EXISTS and values may stand anywhere; \
                     what cannot be joined is refused",
        }
    }

    fn analyzer_rules(&self, rules: &mut AnalyzerRules) {
        rules.push(Arc::new(single_rows::CountRows));
        rules.push(Arc::new(lifting::LiftSubqueries));
    }

    fn functions(&self, context: &SessionContext) {
        context.register_udf(single_rows::single_row_value());
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        let at = rules.iter().position(|rule| rule.name() == "rewrite_set_comparison");
        rules.insert(at.expect("the rule that makes EXISTS of ANY and ALL") + 1, Arc::new(JoinSubqueries));
    }
}

#[derive(Debug)]
struct JoinSubqueries;

impl OptimizerRule for JoinSubqueries {
    fn name(&self) -> &str {
        "join_subqueries"
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let mut has_subquery = false;
        plan.apply(|node| {
            has_subquery |= matches!(node, LogicalPlan::Subquery(_)) || correlation::has_subqueries_in(node)?;
            Ok(if has_subquery { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        if !has_subquery {
            return Ok(Transformed::no(plan));
        }
        let joining = Joining { aliases: Arc::clone(config.alias_generator()) };
        Ok(Transformed::yes(joining.plan(plan, false)?))
    }
}

/// A subquery that no join can stand for.
fn refused(what: &str) -> DataFusionError {
    let mut error = BridgeError::user(
        "unsupported",
        format!("a subquery that refers to columns of the query around it cannot hold {what}"),
    );
    error.details.insert("helps".into(), serde_json::json!(["write a join"]));
    DataFusionError::External(Box::new(error))
}

struct Joining {
    aliases: Arc<AliasGenerator>,
}

impl Joining {
    /// Joins the subqueries of a plan. `all`: also those that the engine would do rightly, unless they refer to nothing outside.
    fn plan(&self, plan: LogicalPlan, all: bool) -> Result<LogicalPlan> {
        if let LogicalPlan::Join(join) = &plan
            && let Some(lateral) = correlation::lateral_of(join)
        {
            let lateral = lateral.clone();
            return self.lateral(plan, &lateral, all);
        }
        let plan = plan.map_children(|child| Ok(Transformed::yes(self.plan(child, all)?)))?.data;
        if !correlation::has_subqueries_in(&plan)? {
            return Ok(plan);
        }
        let plan = plan.map_subqueries(|subquery| self.inner(subquery, all))?.data;
        match plan {
            LogicalPlan::Filter(filter) => self.filter(filter, all),
            LogicalPlan::Projection(projection) => self.projection(projection, all),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, all),
            LogicalPlan::Window(window) => self.window(window, all),
            LogicalPlan::Join(join) => self.join(join, all),
            other => Ok(other),
        }
    }

    /// The subqueries within a subquery.
    fn inner(&self, subquery: LogicalPlan, all: bool) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Subquery(mut subquery) = subquery else {
            return Ok(Transformed::no(subquery));
        };
        let plan = self.plan(Arc::unwrap_or_clone(subquery.subquery), all)?;
        subquery.subquery = Arc::new(plan);
        Ok(Transformed::yes(LogicalPlan::Subquery(subquery)))
    }

    /// A join whose right side is a subquery that sees the columns of the left side.
    fn lateral(&self, plan: LogicalPlan, lateral: &correlation::Lateral, all: bool) -> Result<LogicalPlan> {
        let LogicalPlan::Join(mut join) = plan else {
            return Ok(plan);
        };
        let left = self.plan(join.left.as_ref().clone(), all)?;
        let subquery = self.plan(lateral.subquery.as_ref().clone(), all)?;
        let free = correlation::free_columns(&subquery)?;
        let is_bound = free.iter().any(|outer| left.schema().has_column(&outer.column));
        let is_joined = matches!(join.join_type, JoinType::Inner | JoinType::Left);
        let is_done = !all && correlation::is_done_by_engine_as_lateral(&subquery)?;
        if !is_joined || !is_bound || is_done {
            join.left = Arc::new(left);
            join.right = Arc::new(lateral.with(subquery)?);
            return Ok(LogicalPlan::Join(join));
        }
        let subquery = self.plan(subquery, true)?;
        self.join_lateral(left, subquery, &join, lateral)
    }
}

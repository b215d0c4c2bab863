// SPDX-License-Identifier: Apache-2.0
//! Has what is volatile drawn once for each row: where the engine would write a call twice (BETWEEN, coalesce), the value becomes a
//! column first; and fields of structs that hold such values are not taken from a second draw.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::{Between, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Projection};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;

use sqlparser::ast::{Expr as SqlExpr, Query, visit_expressions, visit_relations};

use super::plan_fence::{PlanFence, Stops, around};
use super::projection_fence::over;
use super::wrapped_rule::wrap_rules;
use super::{About, Guard, Means, OptimizerRules, PhysicalRules};
use crate::error::{BridgeError, Result as Bridged};

pub struct VolatileOnce;

impl Guard for VolatileOnce {
    fn about(&self) -> About {
        About {
            name: "volatile_once",
            version: 1,
            fault: "`SELECT s, s['a'] FROM (SELECT named_struct('a', random()) AS s …)` draws twice, as do BETWEEN and coalesce over random()",
            upstream: "apache/datafusion#24678",
            means: Means::Correction,
            effect: "a call of random(), uuid() and their like is evaluated once for each row",
        }
    }

    /// Each use of a common table expression would be another draw.
    fn query(&self, query: &mut Query) -> Bridged<()> {
        let Some(with) = &query.with else { return Ok(()) };
        for table in &with.cte_tables {
            let name = &table.alias.name.value;
            if draws_by_name(&table.query) && uses(query, name) > 1 {
                let wanted = "one use of a common table expression over a volatile function is wanted";
                let mut error = BridgeError::user("unsupported", format!("{wanted}, found several of `{name}`"));
                let help = "make it a stored view of its own: its rows are drawn once, and read as often as wanted";
                error.details.insert("helps".into(), serde_json::json!([help]));
                return Err(error);
            }
        }
        Ok(())
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        wrap_rules(rules, &["extract_leaf_expressions", "push_down_leaf_projections"], unless_volatile);
        rules.insert(0, Arc::new(DrawFirst));
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        around(rules, &["FilterPushdown", "FilterPushdown(Post)", "ProjectionPushdown"], raise);
    }
}

/// Whether a query calls one of the engine's volatile functions.
fn draws_by_name(query: &Query) -> bool {
    let found = visit_expressions(query, |part| match part {
        SqlExpr::Function(call) if matches!(call.name.to_string().to_lowercase().as_str(), "random" | "uuid") => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// How often a query reads the table of the name.
fn uses(query: &Query, name: &str) -> usize {
    let mut uses = 0;
    let _ = visit_relations(query, |relation| {
        uses += usize::from(relation.to_string().trim_matches('"').eq_ignore_ascii_case(name));
        ControlFlow::<()>::Continue(())
    });
    uses
}

/// Filters over what is drawn would be moved below it as filters over another draw, and scans draw for each use.
fn raise(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(projection) = node.downcast_ref::<ProjectionExec>() else {
        return Ok(None);
    };
    if !projection.expr().iter().any(|expression| is_volatile(&expression.expr)) {
        return Ok(None);
    }
    let input = PlanFence::over(Arc::clone(projection.input()), Stops::Movement);
    let above = over(projection, projection.expr().to_vec(), input)?;
    Ok(Some(PlanFence::over(above, Stops::Movement)))
}

/// The engine's rule leaves alone what volatile values come to.
fn unless_volatile(
    rule: &dyn OptimizerRule,
    plan: LogicalPlan,
    config: &dyn OptimizerConfig,
) -> Result<Transformed<LogicalPlan>> {
    if draws(&plan)? { Ok(Transformed::no(plan)) } else { rule.rewrite(plan, config) }
}

/// Whether the node, or one of those below that only choose rows and columns, has a volatile expression.
fn draws(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_expressions(|expression| {
        found |= expression.is_volatile();
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if found {
        return Ok(true);
    }
    match plan {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Aggregate(_) => {
            for input in plan.inputs() {
                if draws(input)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// Puts volatile values that would be evaluated twice into a projection below.
#[derive(Debug)]
struct DrawFirst;

impl OptimizerRule for DrawFirst {
    fn name(&self) -> &str {
        "draw_volatile_first"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !matches!(plan, LogicalPlan::Projection(_) | LogicalPlan::Filter(_)) {
            return Ok(Transformed::no(plan));
        }
        let names = NamePreserver::new(&plan);
        let mut drawn = Vec::new();
        let changed = plan.map_expressions(|expression| {
            if !expression.is_volatile() {
                return Ok(Transformed::no(expression));
            }
            let name = names.save(&expression);
            let changed = expression.transform_down(|part| Ok(draw(part, config, &mut drawn)))?;
            Ok(if changed.transformed { changed.update_data(|expression| name.restore(expression)) } else { changed })
        })?;
        if drawn.is_empty() {
            return Ok(changed);
        }
        Ok(Transformed::yes(match changed.data {
            LogicalPlan::Projection(Projection { expr, input, .. }) => {
                LogicalPlan::Projection(Projection::try_new(expr, Arc::new(with_drawn(input, drawn)?))?)
            }
            LogicalPlan::Filter(Filter { predicate, input, .. }) => {
                let columns = input.schema().iter().map(|column| Expr::Column(Column::from(column))).collect();
                let filter = LogicalPlan::Filter(Filter::new(predicate, Arc::new(with_drawn(input, drawn)?)));
                LogicalPlan::Projection(Projection::try_new(columns, Arc::new(filter))?)
            }
            other => other,
        }))
    }
}

fn with_drawn(input: Arc<LogicalPlan>, drawn: Vec<Expr>) -> Result<LogicalPlan> {
    let mut columns: Vec<Expr> = input.schema().iter().map(|column| Expr::Column(Column::from(column))).collect();
    columns.extend(drawn);
    Ok(LogicalPlan::Projection(Projection::try_new(columns, input)?))
}

fn draw(part: Expr, config: &dyn OptimizerConfig, drawn: &mut Vec<Expr>) -> Transformed<Expr> {
    let mut take = |value: Expr| {
        let name = config.alias_generator().next("__drawn");
        drawn.push(value.alias(&name));
        Expr::Column(Column::new_unqualified(name))
    };
    match part {
        Expr::Between(Between { expr, negated, low, high }) if expr.is_volatile() => {
            let expr = Box::new(take(*expr));
            Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
        }
        Expr::ScalarFunction(ScalarFunction { func, args })
            if matches!(func.name(), "coalesce" | "nvl" | "nvl2") && args.iter().any(Expr::is_volatile) =>
        {
            let args = args.into_iter().map(|value| if value.is_volatile() { take(value) } else { value }).collect();
            Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args }))
        }
        other => Transformed::no(other),
    }
}

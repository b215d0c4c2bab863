// SPDX-License-Identifier: Apache-2.0
//! Has conditions guard what stands behind them: `kind = 'number' AND CAST(s AS INT) > 5` casts no s of another kind. The engine
//! evaluates both sides of AND and OR over whole batches unless few rows are left, puts cheap conditions (casts, to it) before dear
//! ones, takes CASE over conditions apart into AND and OR, evaluates arguments of aggregates for rows that FILTER leaves out, and ends
//! the query at a cast of a constant that fails in a branch that is never taken (`deferred_casts.rs`).

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Case, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_expr::expressions::{BinaryExpr, CaseExpr, lit};
use datafusion::physical_expr::utils::conjunction;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use super::deferred_casts::{
    defer_casts, defer_failing_casts, defer_failing_casts_of, fold_around_failures, restore_casts,
};
use super::fenced_rule::{fence_case, fence_rule, remove_fences};
use super::may_fail::{may_fail, may_fail_physically};
use super::nodes::columns_of;
use super::{About, Guard, Means, OptimizerRules, PhysicalRules};

pub struct GuardedConditions;

impl Guard for GuardedConditions {
    fn about(&self) -> About {
        About {
            name: "guarded_conditions",
            version: 2,
            fault: "`CASE WHEN n <> 0 THEN 10 / n > 1 ELSE false END` divides by zero, as does `WHERE n <> 0 AND 10 / n > 1`",
            upstream: "unreported",
            means: Means::Correction,
            effect: "what may fail is evaluated where the conditions before it, and those beside it that cannot fail, leave it open",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        fence_rule(rules, "simplify_expressions", has_branches, raise);
        fold_around_failures(rules);
        rules.push(Arc::new(GuardedArguments));
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        let at = rules.iter().position(|rule| rule.name() == "FilterPushdown").expect("the rule that moves filters");
        rules.insert(at, Arc::new(GuardConditions));
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        defer_failing_casts_of(plan)
    }

    fn executed_expression(&self, expression: Expr, _schema: &DFSchema) -> Result<Expr> {
        defer_failing_casts(expression).data()
    }

    fn physical_expression(&self, expression: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
        guarded_value(expression, schema).data()
    }
}

/// An expression simplified, with what may fail left in its branch, and casts that fail left in their places.
pub fn simplified_around_failures(
    expression: Expr,
    schema: &DFSchema,
    simplify: impl FnOnce(Expr) -> Result<Expr>,
) -> Result<Expr> {
    let raised = raise(defer_casts(expression)?.data, schema)?.data;
    restore_casts(remove_fences(simplify(raised)?)?.data).data()
}

/// Keeps CASE over conditions together, and functions that become one.
fn raise(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expression.transform_up(|part| match part {
        Expr::Case(case) if case.expr.is_none() && is_open(&case, schema)? => Ok(Transformed::yes(fence_case(case))),
        call if is_choice(&call) => {
            if call.get_type(schema)? != DataType::Boolean || !may_fail(&call, schema)? {
                return Ok(Transformed::no(call));
            }
            let Expr::ScalarFunction(ScalarFunction { mut args, .. }) = call else {
                unreachable!("a choice is a call")
            };
            let last = args.pop().map(Box::new);
            let choices = args.into_iter().map(|value| (Box::new(value.clone().is_not_null()), Box::new(value)));
            Ok(Transformed::yes(fence_case(Case { expr: None, when_then_expr: choices.collect(), else_expr: last })))
        }
        other => Ok(Transformed::no(other)),
    })
}

fn has_branches(part: &Expr) -> bool {
    matches!(part, Expr::Case(_)) || is_choice(part)
}

/// The first of some values that is not NULL.
fn is_choice(part: &Expr) -> bool {
    matches!(part, Expr::ScalarFunction(call) if matches!(call.name(), "coalesce" | "nvl") && call.args.len() > 1)
}

/// Whether a CASE is one over conditions, and not the same when all its parts are evaluated, or some of them twice.
fn is_open(case: &Case, schema: &DFSchema) -> Result<bool> {
    let parts = case.when_then_expr.iter().flat_map(|(when, then)| [when, then]).chain(case.else_expr.iter());
    let Some((_, first)) = case.when_then_expr.first() else { return Ok(false) };
    if first.get_type(schema)? != DataType::Boolean {
        return Ok(false);
    }
    for part in parts {
        if part.is_volatile() || may_fail(part, schema)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Arguments of an aggregate with FILTER become NULL in the rows that it leaves out.
#[derive(Debug)]
struct GuardedArguments;

impl OptimizerRule for GuardedArguments {
    fn name(&self) -> &str {
        "guard_arguments"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !matches!(plan, LogicalPlan::Aggregate(_)) {
            return Ok(Transformed::no(plan));
        }
        let schema = columns_of(&plan)?;
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expression| {
            let name = names.save(&expression);
            let guarded = expression.transform_down(|part| match part {
                Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
                    let mut changed = false;
                    if let Some(filter) = &params.filter {
                        for argument in &mut params.args {
                            if is_guarded(argument, filter) || !may_fail(argument, &schema)? {
                                continue;
                            }
                            let guarded = (filter.clone(), Box::new(std::mem::take(argument)));
                            *argument = Expr::Case(Case { expr: None, when_then_expr: vec![guarded], else_expr: None });
                            changed = true;
                        }
                    }
                    Ok(Transformed::new_transformed(
                        Expr::AggregateFunction(AggregateFunction { func, params }),
                        changed,
                    ))
                }
                other => Ok(Transformed::no(other)),
            })?;
            Ok(if guarded.transformed { guarded.update_data(|expression| name.restore(expression)) } else { guarded })
        })
    }
}

fn is_guarded(argument: &Expr, filter: &Expr) -> bool {
    matches!(argument, Expr::Case(case) if case.when_then_expr.first().is_some_and(|(when, _)| when.as_ref() == filter))
}

/// Of filters, before they are moved into scans, and of projections.
#[derive(Debug)]
struct GuardConditions;

impl PhysicalOptimizerRule for GuardConditions {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let changed = if let Some(filter) = node.downcast_ref::<FilterExec>() {
                let predicate = guarded_filter(filter.predicate(), &filter.input().schema())?;
                predicate.map(|predicate| with_predicate(filter, predicate)).transpose()?
            } else if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
                guarded_projection(projection, &projection.input().schema())?
            } else {
                None
            };
            Ok(changed.map_or_else(|| Transformed::no(node), Transformed::yes))
        })
        .data()
    }
    fn name(&self) -> &str {
        "guard_conditions"
    }
    fn schema_check(&self) -> bool {
        true
    }
}

fn with_predicate(filter: &FilterExec, predicate: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(Arc::new(FilterExecBuilder::from(filter).with_predicate(predicate).build()?))
}

/// Conditions that cannot fail, and those that may.
type Parted = (Vec<Arc<dyn PhysicalExpr>>, Vec<Arc<dyn PhysicalExpr>>);

fn part(predicate: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Parted> {
    let mut parted = (Vec::new(), Vec::new());
    for condition in split_conjunction(predicate) {
        let side = if may_fail_physically(condition, schema)? { &mut parted.1 } else { &mut parted.0 };
        side.push(Arc::clone(condition));
    }
    Ok(parted)
}

/// NULL counts as false in a filter: those conditions that may fail stand behind the others, in a CASE over them and over each other. So
/// they are guarded also where only some of the conditions move into a scan.
fn guarded_filter(predicate: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let (safe, failing) = part(predicate, schema)?;
    let mut changed = failing.len() > 1 || !failing.is_empty() && !safe.is_empty();
    let mut conditions = Vec::with_capacity(failing.len());
    for condition in failing {
        let guarded = guarded_value(condition, schema)?;
        changed |= guarded.transformed;
        conditions.push(guarded.data);
    }
    let Some(mut guarded) = conditions.pop().filter(|_| changed) else { return Ok(None) };
    while let Some(before) = conditions.pop() {
        guarded = choice(before, guarded, lit(false))?;
    }
    if safe.is_empty() {
        return Ok(Some(guarded));
    }
    let guarded = choice(conjunction(safe.clone()), guarded, lit(false))?;
    Ok(Some(conjunction(safe.into_iter().chain([guarded]))))
}

fn guarded_projection(projection: &ProjectionExec, schema: &Schema) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let mut changed = false;
    let mut expressions = Vec::with_capacity(projection.expr().len());
    for expression in projection.expr() {
        let guarded = guarded_value(Arc::clone(&expression.expr), schema)?;
        changed |= guarded.transformed;
        expressions.push(ProjectionExpr::new(guarded.data, expression.alias.clone()));
    }
    if !changed {
        return Ok(None);
    }
    let guarded = ProjectionExec::try_new_with_schema_metadata(
        expressions,
        Arc::clone(projection.input()),
        &projection.schema(),
    )?;
    Ok(Some(Arc::new(guarded)))
}

/// AND and OR whose right side may fail: that is evaluated where the left side does not decide alone.
fn guarded_value(expression: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
    expression.transform_up(|part| {
        let Some(binary) = part.downcast_ref::<BinaryExpr>() else { return Ok(Transformed::no(part)) };
        if !binary.op().is_logic_operator() || !may_fail_physically(binary.right(), schema)? {
            return Ok(Transformed::no(part));
        }
        let (left, op) = (Arc::clone(binary.left()), *binary.op());
        Ok(Transformed::yes(match op {
            Operator::Or => choice(left, lit(true), part)?,
            _ => {
                let is_false = BinaryExpr::new(left, Operator::IsNotDistinctFrom, lit(ScalarValue::from(false)));
                choice(Arc::new(is_false), lit(false), part)?
            }
        }))
    })
}

fn choice(
    when: Arc<dyn PhysicalExpr>,
    then: Arc<dyn PhysicalExpr>,
    otherwise: Arc<dyn PhysicalExpr>,
) -> Result<Arc<dyn PhysicalExpr>> {
    Ok(Arc::new(CaseExpr::try_new(None, vec![(when, then)], Some(otherwise))?))
}

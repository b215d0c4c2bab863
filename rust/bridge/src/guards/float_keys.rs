// SPDX-License-Identifier: Apache-2.0
//! Makes floats keys by their value: of joins, groups, DISTINCT, partitions and orders of windows, and sets. -0.0 is 0.0 there, and every
//! NaN one; keys are shown so, too. The engine compares some keys by their bits, and shows whichever came first.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, InList, ScalarFunction, WindowFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Case, Expr, ExprSchemable, GroupingSet, Join, LogicalPlan, ScalarUDF, Sort, SortExpr, Window,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::prelude::SessionContext;

use super::float_values::{Form, function_of, holds_floats, in_form, name_of};
use super::hidden_comparison::is_comparing;
use super::nodes::columns_of;
use super::{About, Guard, Means, OptimizerRules};

pub struct FloatKeys;

impl Guard for FloatKeys {
    fn about(&self) -> About {
        About {
            name: "float_keys",
            version: 2,
            fault: "`PARTITION BY x` and IN over files tell -0.0 and 0.0 apart, and groups show whichever of them came first",
            upstream: "apache/datafusion#11108",
            means: Means::Correction,
            effect: "as keys -0.0 is 0.0 and every NaN the same; results show keys so",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        let behind = rules
            .iter()
            .position(|rule| rule.name() == "extract_equijoin_predicate")
            .expect("the rule that finds keys");
        rules.insert(behind + 1, Arc::new(NormalizeKeys));
    }

    fn executed_expression(&self, expression: Expr, schema: &DFSchema) -> Result<Expr> {
        expression.transform_up(|part| normalize_set(part, schema)).data()
    }

    fn functions(&self, context: &SessionContext) {
        context.register_udf(normalized_float());
    }
}

fn normalized_float() -> ScalarUDF {
    function_of(Form::OneNanOneZero)
}

/// The plan with its keys as they were: for other engines, which look at floats by their value.
pub fn plain_keys(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_down_with_subqueries(|node| {
        node.map_expressions(|expression| {
            expression.transform_down(|part| match part {
                Expr::ScalarFunction(ScalarFunction { func, mut args })
                    if func.name() == name_of(Form::OneNanOneZero) =>
                {
                    Ok(Transformed::yes(args.swap_remove(0)))
                }
                other => Ok(Transformed::no(other)),
            })
        })
    })
    .data()
}

#[derive(Debug)]
struct NormalizeKeys;

impl OptimizerRule for NormalizeKeys {
    fn name(&self) -> &str {
        "normalize_float_keys"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Aggregate(aggregate) => normalize_groups(aggregate),
            LogicalPlan::Window(window) => normalize_windows(window),
            LogicalPlan::Join(join) => normalize_join(join)?.transform_data(normalize_sets),
            LogicalPlan::Sort(sort) => normalize_sort(sort)?.transform_data(normalize_sets),
            LogicalPlan::Filter(_) | LogicalPlan::Projection(_) => normalize_sets(plan),
            other => Ok(Transformed::no(other)),
        }
    }
}

fn is_normalized(expression: &Expr) -> bool {
    match expression {
        Expr::Alias(alias) => is_normalized(&alias.expr),
        Expr::ScalarFunction(call) => call.name() == name_of(Form::OneNanOneZero),
        Expr::Literal(value, _) => Some(value) == normalized_literal(value).as_ref(),
        _ => false,
    }
}

fn is_key_to_change(expression: &Expr, schema: &DFSchema) -> Result<bool> {
    Ok(!is_normalized(expression) && holds_floats(&expression.get_type(schema)?))
}

fn wrap(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(if is_key_to_change(&expression, schema)? {
        Transformed::yes(normalized_float().call(vec![expression]))
    } else {
        Transformed::no(expression)
    })
}

/// Wrapped, and called what it was called.
fn wrap_named(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if !is_key_to_change(&expression, schema)? {
        return Ok(Transformed::no(expression));
    }
    let (relation, name) = expression.qualified_name();
    Ok(Transformed::yes(normalized_float().call(vec![expression.unalias()]).alias_qualified(relation, name)))
}

fn wrap_all(expressions: Vec<Expr>, schema: &DFSchema) -> Result<Transformed<Vec<Expr>>> {
    let mut changed = false;
    let wrapped = expressions.into_iter().map(|expression| {
        let wrapped = wrap(expression, schema)?;
        changed |= wrapped.transformed;
        Ok(wrapped.data)
    });
    let wrapped = wrapped.collect::<Result<Vec<_>>>()?;
    Ok(Transformed::new_transformed(wrapped, changed))
}

fn normalize_groups(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(aggregate.input.schema());
    let mut changed = false;
    let mut group = |expression: Expr| -> Result<Expr> {
        let wrapped = wrap_named(expression, &schema)?;
        changed |= wrapped.transformed;
        Ok(wrapped.data)
    };
    let mut groups = Vec::with_capacity(aggregate.group_expr.len());
    for expression in aggregate.group_expr {
        let mut each = |list: Vec<Expr>| list.into_iter().map(&mut group).collect::<Result<Vec<_>>>();
        groups.push(match expression {
            Expr::GroupingSet(GroupingSet::Rollup(list)) => Expr::GroupingSet(GroupingSet::Rollup(each(list)?)),
            Expr::GroupingSet(GroupingSet::Cube(list)) => Expr::GroupingSet(GroupingSet::Cube(each(list)?)),
            Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => {
                Expr::GroupingSet(GroupingSet::GroupingSets(sets.into_iter().map(each).collect::<Result<Vec<_>>>()?))
            }
            other => group(other)?,
        });
    }
    let mut aggregates = Vec::with_capacity(aggregate.aggr_expr.len());
    for expression in aggregate.aggr_expr {
        let (relation, name) = expression.qualified_name();
        let distinct = expression.transform_down(|part| match part {
            Expr::AggregateFunction(AggregateFunction { func, mut params }) if params.distinct => {
                let wrapped = wrap_all(params.args, &schema)?;
                params.args = wrapped.data;
                Ok(Transformed::new_transformed(
                    Expr::AggregateFunction(AggregateFunction { func, params }),
                    wrapped.transformed,
                ))
            }
            other => Ok(Transformed::no(other)),
        })?;
        changed |= distinct.transformed;
        aggregates.push(match distinct.data {
            named @ Expr::Alias(_) => named,
            other if distinct.transformed => other.alias_qualified(relation, name),
            other => other,
        });
    }
    let aggregate = Aggregate::try_new_with_schema(aggregate.input, groups, aggregates, aggregate.schema)?;
    Ok(Transformed::new_transformed(LogicalPlan::Aggregate(aggregate), changed))
}

fn normalize_windows(mut window: Window) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(window.input.schema());
    let mut changed = false;
    let mut expressions = Vec::with_capacity(window.window_expr.len());
    for expression in window.window_expr {
        let (relation, name) = expression.qualified_name();
        let keyed = expression.transform_down(|part| match part {
            Expr::WindowFunction(function) => {
                let WindowFunction { fun, mut params } = *function;
                let partitions = wrap_all(params.partition_by, &schema)?;
                let mut is_changed = partitions.transformed;
                params.partition_by = partitions.data;
                for order in &mut params.order_by {
                    let wrapped = wrap(std::mem::take(&mut order.expr), &schema)?;
                    is_changed |= wrapped.transformed;
                    order.expr = wrapped.data;
                }
                let part = Expr::WindowFunction(Box::new(WindowFunction { fun, params }));
                Ok(Transformed::new_transformed(part, is_changed))
            }
            other => Ok(Transformed::no(other)),
        })?;
        changed |= keyed.transformed;
        expressions.push(match keyed.data {
            named @ Expr::Alias(_) => named,
            other if keyed.transformed => other.alias_qualified(relation, name),
            other => other,
        });
    }
    window.window_expr = expressions;
    Ok(Transformed::new_transformed(LogicalPlan::Window(window), changed))
}

fn normalize_join(mut join: Join) -> Result<Transformed<LogicalPlan>> {
    let mut changed = false;
    let mut keys = Vec::with_capacity(join.on.len());
    for (left, right) in join.on {
        let (left, right) = (wrap(left, join.left.schema())?, wrap(right, join.right.schema())?);
        changed |= left.transformed || right.transformed;
        keys.push((left.data, right.data));
    }
    join.on = keys;
    if changed {
        // USING has done its work, and wants plain columns.
        join.join_constraint = datafusion::common::JoinConstraint::On;
    }
    Ok(Transformed::new_transformed(LogicalPlan::Join(join), changed))
}

/// Behind the last key nothing is decided.
fn normalize_sort(mut sort: Sort) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(sort.input.schema());
    let mut changed = false;
    let last = sort.expr.len().saturating_sub(1);
    for SortExpr { expr, .. } in &mut sort.expr[..last] {
        let wrapped = wrap(std::mem::take(expr), &schema)?;
        changed |= wrapped.transformed;
        *expr = wrapped.data;
    }
    Ok(Transformed::new_transformed(LogicalPlan::Sort(sort), changed))
}

/// Sets are looked up by bits, and comparisons with one zero contradict those with the other when filters are merged.
fn normalize_sets(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut found = false;
    let is_nested = |field: &FieldRef| field.data_type().is_nested();
    let has_nested = plan.inputs().iter().any(|input| input.schema().fields().iter().any(is_nested));
    plan.apply_expressions(|expression| {
        found |= expression.exists(|part| {
            let is_set = matches!(part, Expr::InList(_) | Expr::Case(_)) || compares_by_bits(part);
            Ok(is_set || is_comparison(part, has_nested))
        })?;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })?;
    if !found {
        return Ok(Transformed::no(plan));
    }
    let schema = columns_of(&plan)?;
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expression| {
        let name = names.save(&expression);
        let changed = expression.transform_up(|part| normalize_set(part, &schema))?;
        Ok(if changed.transformed { changed.update_data(|expression| name.restore(expression)) } else { changed })
    })
}

fn normalize_set(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match part {
        Expr::InList(InList { expr, list, negated }) if is_set_to_change(&expr, &list, schema)? => {
            let list = list.into_iter().map(|item| Ok(wrap_or_fold(item, schema)?.data)).collect::<Result<Vec<_>>>()?;
            let expr = Box::new(wrap_or_fold(*expr, schema)?.data);
            Transformed::yes(Expr::InList(InList { expr, list, negated }))
        }
        Expr::Case(mut case) => match case.expr.take() {
            Some(base) if is_key_to_change(&base, schema)? => {
                case.expr = Some(Box::new(normalized_float().call(vec![*base])));
                for (when, _) in &mut case.when_then_expr {
                    **when = wrap_or_fold(std::mem::take(&mut **when), schema)?.data;
                }
                Transformed::yes(Expr::Case(case))
            }
            base => {
                case.expr = base;
                Transformed::no(Expr::Case(case))
            }
        },
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "nullif" && args.len() == 2 => {
            let [first, second] = <[Expr; 2]>::try_from(args).expect("two arguments");
            if first.is_volatile() || !holds_floats(&first.get_type(schema)?) {
                let args = vec![first, second];
                return Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })));
            }
            let null = Expr::Literal(ScalarValue::try_new_null(&first.get_type(schema)?)?, None);
            let case = Case {
                expr: None,
                when_then_expr: vec![(Box::new(first.clone().eq(fold(second))), Box::new(null))],
                else_expr: Some(Box::new(first)),
            };
            Transformed::yes(Expr::Case(case))
        }
        part if compares_by_bits(&part) => {
            let Expr::ScalarFunction(ScalarFunction { func, args }) = part else { unreachable!("it is a call") };
            let args = wrap_all(args, schema)?;
            Transformed::new_transformed(
                Expr::ScalarFunction(ScalarFunction { func, args: args.data }),
                args.transformed,
            )
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparing(op) => {
            let is_nested = left.get_type(schema).is_ok_and(|data_type| data_type.is_nested());
            let side = |side: Expr| if is_nested { wrap_or_fold(side, schema) } else { Ok(fold_odd(side)) };
            let (left, right) = (side(*left)?, side(*right)?);
            let changed = left.transformed || right.transformed;
            let comparison = BinaryExpr { left: Box::new(left.data), op, right: Box::new(right.data) };
            Transformed::new_transformed(Expr::BinaryExpr(comparison), changed)
        }
        other => Transformed::no(other),
    })
}

fn is_set_to_change(value: &Expr, list: &[Expr], schema: &DFSchema) -> Result<bool> {
    Ok(holds_floats(&value.get_type(schema)?) && !(is_normalized(value) && list.iter().all(is_normalized)))
}

/// Functions that look for a value in lists, or for one value.
fn compares_by_bits(part: &Expr) -> bool {
    const NAMES: [&str; 12] = [
        "array_has",
        "array_has_all",
        "array_has_any",
        "array_position",
        "array_positions",
        "array_remove",
        "array_remove_all",
        "array_remove_n",
        "array_replace",
        "array_replace_all",
        "array_replace_n",
        "nullif",
    ];
    matches!(part, Expr::ScalarFunction(call) if NAMES.contains(&call.name()))
}

/// A literal is changed at once, if at all.
fn wrap_or_fold(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expression {
        literal @ Expr::Literal(..) => Ok(fold_odd(literal)),
        other => wrap(other, schema),
    }
}

fn fold(expression: Expr) -> Expr {
    fold_odd(expression).data
}

/// Of literals, -0.0 and NaN of other bits.
fn fold_odd(expression: Expr) -> Transformed<Expr> {
    match expression {
        Expr::Literal(value, metadata) => match normalized_literal(&value).filter(|normalized| *normalized != value) {
            Some(normalized) => Transformed::yes(Expr::Literal(normalized, metadata)),
            None => Transformed::no(Expr::Literal(value, metadata)),
        },
        other => Transformed::no(other),
    }
}

/// Whether the sides of a comparison may have to be changed. Those of numbers mind literals only; within lists and structs the engine
/// compares bits.
fn is_comparison(part: &Expr, has_nested: bool) -> bool {
    let may_change = |side: &Expr| match side {
        Expr::Literal(value, _) => holds_floats(&value.data_type()),
        Expr::ScalarFunction(_) => true,
        _ => has_nested,
    };
    matches!(part, Expr::BinaryExpr(b) if is_comparing(b.op) && (may_change(&b.left) || may_change(&b.right)))
}

/// None for what holds no floats.
fn normalized_literal(value: &ScalarValue) -> Option<ScalarValue> {
    holds_floats(&value.data_type()).then(|| in_form(Form::OneNanOneZero, value).ok()).flatten()
}

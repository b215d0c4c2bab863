// SPDX-License-Identifier: Apache-2.0
//! Makes every NaN the one that sorts above all numbers, in a plan that is about to be executed and goes nowhere else. Of infinity less
//! infinity, zero by zero and the like the processor makes a NaN with a sign, which the engine's total order puts below them; files hold
//! such as well.
//!
//! One is made wherever floats come into a plan: behind scans, behind operators, functions and casts that compute floats, and behind
//! aggregates and windows. Whatever compares, sorts or ranks has nothing to mind then. Structs are made so where they are used as a whole,
//! so that scans may still read single fields.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, Projection, TryCast};

use super::fenced_rule::change_for_rule;
use super::float_values::{Form, function_of, holds_floats, in_form, name_of};
use super::nodes::columns_of;
use super::overflow::is_checked;
use super::{About, Guard, Means, OptimizerRules};

pub struct OneNan;

impl Guard for OneNan {
    fn about(&self) -> About {
        About {
            name: "one_nan",
            version: 2,
            fault: "`max(x / x)` over 0.0 and 0.25 is 1.0, and `x / x > 1` false, though NaN is above all numbers",
            upstream: "unreported",
            means: Means::Correction,
            effect: "what is read or computed holds one NaN, above all numbers",
        }
    }

    /// Constants are folded as they would be computed.
    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        let raise = |expression: Expr, schema: &DFSchema| {
            expression.transform_up(|part| match is_of_constants(&part) {
                true => in_part(part, schema, |_| false),
                false => Ok(Transformed::no(part)),
            })
        };
        let remove = |expression: Expr| {
            expression.transform_down(|part| match part {
                Expr::ScalarFunction(mut call) if call.name() == name_of(Form::OneNan) => {
                    Ok(Transformed::yes(call.args.swap_remove(0)))
                }
                other => Ok(Transformed::no(other)),
            })
        };
        change_for_rule(rules, "simplify_expressions", is_of_constants, raise, remove);
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(in_node).data()
    }

    fn executed_expression(&self, expression: Expr, schema: &DFSchema) -> Result<Expr> {
        expression.transform_up(|part| in_part(part, schema, holds_floats)).data()
    }
}

/// Whether a float may be computed here of constants alone; parts are looked at after their own parts.
fn is_of_constants(part: &Expr) -> bool {
    fn is_constant(operand: &Expr) -> bool {
        match operand {
            Expr::Literal(..) => true,
            Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => is_constant(expr),
            Expr::BinaryExpr(binary) => is_constant(&binary.left) && is_constant(&binary.right),
            other => wrapped(other).is_some(),
        }
    }
    match part {
        Expr::BinaryExpr(binary) => {
            binary.op.is_numerical_operators() && is_constant(&binary.left) && is_constant(&binary.right)
        }
        Expr::ScalarFunction(call) => !call.args.is_empty() && call.args.iter().all(is_constant),
        Expr::Negative(operand) => is_constant(operand),
        Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => is_constant(expr),
        _ => false,
    }
}

fn in_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if matches!(node, LogicalPlan::TableScan(_)) {
        // Its filters are for leaving files out; above it they are checked.
        return outputs(node, |_, field| !is_struct(field.data_type()));
    }
    let schema = columns_of(&node)?;
    let names = NamePreserver::new(&node);
    let node = node.map_expressions(|expression| {
        let name = names.save(&expression);
        let changed = expression.transform_up(|part| in_part(part, &schema, is_struct))?;
        Ok(changed.update_data(|expression| name.restore(expression)))
    })?;
    node.transform_data(|node| {
        let computed = match &node {
            LogicalPlan::Aggregate(aggregate) => &aggregate.aggr_expr,
            LogicalPlan::Window(window) => &window.window_expr,
            _ => return Ok(Transformed::no(node)),
        };
        // These come last.
        let first = node.schema().fields().len() - computed.len();
        let is_new: Vec<bool> = computed.iter().map(computes).collect();
        outputs(node, |index, _| index >= first && is_new[index - first])
    })
}

/// Whether an aggregate or a window function gives other values than it is given.
fn computes(call: &Expr) -> bool {
    const CHOOSE: [&str; 8] = ["array_agg", "first_value", "lag", "last_value", "lead", "max", "min", "nth_value"];
    match call {
        Expr::Alias(alias) => computes(&alias.expr),
        Expr::AggregateFunction(call) => !CHOOSE.contains(&call.func.name()),
        Expr::WindowFunction(call) => !CHOOSE.contains(&call.fun.name()),
        _ => true,
    }
}

/// The node below a projection that gives one NaN to those of its columns that are wanted and hold floats.
fn outputs(node: LogicalPlan, is_wanted: impl Fn(usize, &Field) -> bool) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(node.schema());
    let is_wanted = |index: usize, field: &Field| holds_floats(field.data_type()) && is_wanted(index, field);
    if !schema.fields().iter().enumerate().any(|(index, field)| is_wanted(index, field)) {
        return Ok(Transformed::no(node));
    }
    let columns = schema.iter().enumerate().map(|(index, (relation, field))| {
        let column = Expr::Column(Column::from((relation, field)));
        match is_wanted(index, field) {
            true => wrap(column).alias_qualified(relation.cloned(), field.name()),
            false => column,
        }
    });
    let projection = Projection::try_new_with_schema(columns.collect(), Arc::new(node), Arc::clone(&schema))?;
    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
}

/// A part of an expression, whose own parts are done. `is_raw`: which types of columns may still hold other NaN.
fn in_part(part: Expr, schema: &DFSchema, is_raw: fn(&DataType) -> bool) -> Result<Transformed<Expr>> {
    let type_of = |expression: &Expr| expression.get_type(schema);
    let is_new = match &part {
        Expr::Literal(value, metadata) => {
            if !holds_floats(&value.data_type()) {
                return Ok(Transformed::no(part));
            }
            let one = in_form(Form::OneNan, value)?;
            return Ok(if one == *value {
                Transformed::no(part)
            } else {
                Transformed::yes(Expr::Literal(one, metadata.clone()))
            });
        }
        Expr::Column(_) => type_of(&part).is_ok_and(|data_type| is_raw(&data_type) && holds_floats(&data_type)),
        Expr::BinaryExpr(binary) => {
            binary.op.is_numerical_operators() && (is_float(&binary.left, schema) || is_float(&binary.right, schema))
        }
        Expr::Negative(operand) => is_float(operand, schema),
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            holds_floats(field.data_type()) && type_of(expr).is_ok_and(|from| !from.is_numeric())
        }
        Expr::ScalarFunction(call) if call.name() == "get_field" => return field_of(part, schema),
        Expr::ScalarFunction(call) => {
            let is_own = [Form::OneNan, Form::OneNanOneZero].iter().any(|form| name_of(*form) == call.name());
            // Of whole numbers and decimals; they nest deeply.
            !is_own && !is_checked(call) && type_of(&part).is_ok_and(|data_type| holds_floats(&data_type))
        }
        Expr::HigherOrderFunction(_) => type_of(&part).is_ok_and(|data_type| holds_floats(&data_type)),
        _ => false,
    };
    Ok(if is_new { Transformed::yes(wrap(part)) } else { Transformed::no(part) })
}

/// A field is read alone, of the struct as it is.
fn field_of(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(mut call) = part else { unreachable!("get_field is a call") };
    if let Some(inner) = wrapped(&call.args[0]) {
        call.args[0] = inner.clone();
    }
    let part = Expr::ScalarFunction(call);
    let holds = part.get_type(schema).is_ok_and(|data_type| holds_floats(&data_type));
    Ok(if holds { Transformed::yes(wrap(part)) } else { Transformed::no(part) })
}

/// Whether an operand is a float. What computes one has been wrapped by now, so that chains of operators need no look into their depth.
fn is_float(operand: &Expr, schema: &DFSchema) -> bool {
    match operand {
        Expr::BinaryExpr(_) | Expr::Negative(_) => false,
        Expr::ScalarFunction(_) => wrapped(operand).is_some(),
        other => other.get_type(schema).is_ok_and(|data_type| data_type.is_floating()),
    }
}

fn is_struct(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(_))
}

fn wrap(expression: Expr) -> Expr {
    function_of(Form::OneNan).call(vec![expression])
}

fn wrapped(expression: &Expr) -> Option<&Expr> {
    match expression {
        Expr::ScalarFunction(call) if call.name() == name_of(Form::OneNan) => call.args.first(),
        _ => None,
    }
}

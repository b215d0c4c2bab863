// SPDX-License-Identifier: Apache-2.0
//! Keeps the simplifier from rewrites that hold for some values only: sets of values merged without their NULL, XOR with itself,
//! arithmetic minus taken for the complement of bits, roots and logarithms taken for inverses, patterns with a backslash as LIKE,
//! and years beyond what nanoseconds hold.

use std::collections::{HashMap, HashSet};

use arrow::array::Array;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

use super::fenced_rule::{fence, fence_rule};
use super::{About, Guard, Means, OptimizerRules};

pub struct NullSimplification;

impl Guard for NullSimplification {
    fn about(&self) -> About {
        About {
            name: "null_simplification",
            version: 1,
            fault: "`i IN (1) AND i IN (2)` becomes false, `array_has(make_array(i, 1), 2)` NULL, where i is NULL; and other rewrites of \
                    expressions that hold for some values only",
            upstream: "apache/datafusion#24246",
            means: Means::Correction,
            effect: "such expressions are evaluated as they stand",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        fence_rule(rules, "simplify_expressions", is_suspect, raise);
    }
}

fn raise(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let has_odd_years = expression.exists(|part| Ok(part.as_literal().is_some_and(is_odd_year)))?;
    let crowded: HashSet<Expr> = crowded_values(&expression);
    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    expression.transform_down(|part| {
        Ok(match part {
            Expr::InList(InList { expr, list, negated }) if crowded.contains(expr.as_ref()) => {
                Transformed::yes(Expr::InList(InList { expr: Box::new(fence(*expr, next())), list, negated }))
            }
            Expr::BinaryExpr(binary) => raise_in_binary(binary, &crowded, &mut next),
            Expr::Negative(inner) if bitwise(&inner).is_some() => {
                Transformed::yes(Expr::Negative(Box::new(fence(*inner, next()))))
            }
            year if has_odd_years && is_year_of(&year, schema)? => {
                Transformed::new(fence(year, next()), true, TreeNodeRecursion::Jump)
            }
            Expr::ScalarFunction(call) => raise_in_call(call, schema, &mut next)?,
            other => Transformed::no(other),
        })
    })
}

fn is_suspect(part: &Expr) -> bool {
    match part {
        Expr::InList(_) => true,
        Expr::BinaryExpr(BinaryExpr { op, .. }) => {
            matches!(op, Operator::Or | Operator::BitwiseAnd | Operator::BitwiseOr | Operator::BitwiseXor)
                || is_regex(*op)
        }
        Expr::ScalarFunction(call) => {
            matches!(call.name(), "array_has" | "power" | "log" | "regexp_like" | "date_part")
        }
        _ => false,
    }
}

fn is_regex(op: Operator) -> bool {
    use Operator::{RegexIMatch, RegexMatch, RegexNotIMatch, RegexNotMatch};
    matches!(op, RegexMatch | RegexIMatch | RegexNotMatch | RegexNotIMatch)
}

fn bitwise(expression: &Expr) -> Option<Operator> {
    match expression {
        Expr::BinaryExpr(BinaryExpr {
            op: op @ (Operator::BitwiseAnd | Operator::BitwiseOr | Operator::BitwiseXor),
            ..
        }) => Some(*op),
        _ => None,
    }
}

fn raise_in_binary(binary: BinaryExpr, crowded: &HashSet<Expr>, next: &mut impl FnMut() -> usize) -> Transformed<Expr> {
    let BinaryExpr { mut left, op, mut right } = binary;
    let mut changed = false;
    let mut hide = |side: &mut Box<Expr>| {
        let inner = std::mem::take(&mut **side);
        **side = fence(inner, next());
        changed = true;
    };
    match op {
        Operator::Eq | Operator::NotEq if crowded.contains(left.as_ref()) => hide(&mut left),
        Operator::Eq | Operator::NotEq if crowded.contains(right.as_ref()) => hide(&mut right),
        Operator::BitwiseAnd | Operator::BitwiseOr | Operator::BitwiseXor => {
            for side in [&mut left, &mut right] {
                if matches!(**side, Expr::Negative(_)) {
                    hide(side);
                }
            }
            if op == Operator::BitwiseXor && (holds(&left, &right) || holds(&right, &left)) {
                hide(&mut right);
            }
        }
        _ if is_regex(op) && is_hard_pattern(&right) => hide(&mut right),
        _ => {}
    }
    Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), changed)
}

fn raise_in_call(
    call: ScalarFunction,
    schema: &DFSchema,
    next: &mut impl FnMut() -> usize,
) -> Result<Transformed<Expr>> {
    let ScalarFunction { func, mut args } = call;
    let calls = |argument: Option<&Expr>, name: &str| matches!(argument, Some(Expr::ScalarFunction(inner)) if inner.name() == name);
    let hidden = match func.name() {
        "array_has" => (args.len() == 2 && may_hold_null(&args[0], schema)?).then_some(0),
        "power" => calls(args.get(1), "log").then_some(1),
        // The logarithm to the base 1 has no value, not even of 1.
        "log" => (args.len() == 2
            && (calls(args.get(1), "power") || matches!(args[1], Expr::Literal(..)))
            && args[0].as_literal().is_none())
        .then_some(1),
        "regexp_like" => args.get(1).is_some_and(is_hard_pattern).then_some(1),
        _ => None,
    };
    if let Some(index) = hidden {
        args[index] = fence(std::mem::take(&mut args[index]), next());
    }
    Ok(Transformed::new_transformed(Expr::ScalarFunction(ScalarFunction { func, args }), hidden.is_some()))
}

/// Whether the chain of XOR holds the operand.
fn holds(chain: &Expr, operand: &Expr) -> bool {
    match chain {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::BitwiseXor, right }) => {
            holds(left, operand) || holds(right, operand)
        }
        other => other == operand,
    }
}

/// Patterns that LIKE would read otherwise: a backslash escapes there; and `.*`, which becomes IS NOT NULL.
fn is_hard_pattern(pattern: &Expr) -> bool {
    let text = match pattern {
        // Not folded yet.
        Expr::Cast(cast) => return is_hard_pattern(&cast.expr),
        Expr::Literal(literal, _) => literal.try_as_str().flatten(),
        _ => None,
    };
    let Some(text) = text else { return false };
    text == ".*" || text.contains(r"\\") || text.contains(r"[\") || text.to_ascii_lowercase().contains("5c")
}

fn may_hold_null(list: &Expr, schema: &DFSchema) -> Result<bool> {
    Ok(match list {
        Expr::Cast(cast) => may_hold_null(&cast.expr, schema)?,
        Expr::Literal(ScalarValue::List(list), _) => {
            !list.is_empty() && !list.is_null(0) && list.value(0).null_count() > 0
        }
        Expr::Literal(ScalarValue::LargeList(list), _) => {
            !list.is_empty() && !list.is_null(0) && list.value(0).null_count() > 0
        }
        Expr::ScalarFunction(call) if call.name() == "make_array" => {
            call.args.iter().map(|element| element.nullable(schema)).collect::<Result<Vec<_>>>()?.contains(&true)
        }
        _ => false,
    })
}

/// `date_part('year', …)` of nanoseconds, or in a zone.
fn is_year_of(call: &Expr, schema: &DFSchema) -> Result<bool> {
    let Expr::ScalarFunction(call) = call else { return Ok(false) };
    if call.name() != "date_part" || call.args.len() != 2 {
        return Ok(false);
    }
    Ok(match call.args[1].get_type(schema)? {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => true,
        DataType::Timestamp(_, Some(zone)) => !matches!(zone.as_ref(), "UTC" | "+00:00" | "Z"),
        _ => false,
    })
}

/// One that nanoseconds since 1970 do not hold from its first to its last.
fn is_odd_year(literal: &ScalarValue) -> bool {
    let year = match literal {
        ScalarValue::Int32(Some(year)) => i64::from(*year),
        ScalarValue::Int64(Some(year)) => *year,
        _ => return false,
    };
    !(1678..2262).contains(&year)
}

/// The values that more than one set is wanted of, so that the simplifier would merge the sets. Alternatives under one OR are one set,
/// and exclusions under one AND: those merge rightly.
fn crowded_values(expression: &Expr) -> HashSet<Expr> {
    let mut sets = HashMap::new();
    count_sets(expression, &mut sets);
    sets.into_iter().filter(|(_, count)| *count > 1).map(|(value, _)| value).collect()
}

fn count_sets(expression: &Expr, sets: &mut HashMap<Expr, usize>) {
    match expression {
        Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::Or | Operator::And), .. }) => {
            let mut members = Vec::new();
            flatten(expression, *op, &mut members);
            let mut chain: HashMap<&Expr, usize> = HashMap::new();
            for member in members {
                match member {
                    Expr::InList(list) if list.negated == (*op == Operator::And) => {
                        *chain.entry(&list.expr).or_default() += 2
                    }
                    _ => match compared_with_literal(
                        member,
                        if *op == Operator::Or { Operator::Eq } else { Operator::NotEq },
                    ) {
                        Some(value) => *chain.entry(value).or_default() += 1,
                        None => count_sets(member, sets),
                    },
                }
            }
            // A single comparison never becomes a set.
            for (value, _) in chain.into_iter().filter(|(_, weight)| *weight > 1) {
                *sets.entry(value.clone()).or_default() += 1;
            }
        }
        Expr::InList(list) => *sets.entry(list.expr.as_ref().clone()).or_default() += 1,
        other => {
            let _ = other.apply_children(|child| {
                count_sets(child, sets);
                Ok(TreeNodeRecursion::Continue)
            });
        }
    }
}

fn flatten<'a>(expression: &'a Expr, wanted: Operator, members: &mut Vec<&'a Expr>) {
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op == wanted => {
            flatten(left, wanted, members);
            flatten(right, wanted, members);
        }
        other => members.push(other),
    }
}

fn compared_with_literal(expression: &Expr, wanted: Operator) -> Option<&Expr> {
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op == wanted => match (left.as_ref(), right.as_ref()) {
            (value, Expr::Literal(..)) | (Expr::Literal(..), value) => Some(value),
            _ => None,
        },
        _ => None,
    }
}

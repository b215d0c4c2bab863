// SPDX-License-Identifier: Apache-2.0
//! Keeps casts that several values share the result of from being moved off a column: `CAST(d AS INT) = 1` is not `d = 1`. So do files
//! whose columns have other types than the table.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, TryCast};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Literal, TryCastExpr};

use super::fenced_rule::{fence, fence_rule};
use super::hidden_comparison::hide_in_scans;
use super::{About, Guard, Means, OptimizerRules, PhysicalRules};

pub struct CastUnwrapping;

impl Guard for CastUnwrapping {
    fn about(&self) -> About {
        About {
            name: "cast_unwrapping",
            version: 1,
            fault: "`CAST(d AS INT) = 1` becomes `d = 1.00`, which 1.10 is not",
            upstream: "apache/datafusion#23095",
            means: Means::Correction,
            effect: "a cast stays on its column unless it keeps every value apart",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        fence_rule(rules, "simplify_expressions", is_cast, raise);
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        hide_in_scans(rules, is_of_lossy_cast);
    }
}

fn raise(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let has_fractions = expression.exists(|part| Ok(part.as_literal().is_some_and(has_fine_fraction)))?;
    let mut number = 0;
    expression.transform_up(|part| {
        let inner = match &part {
            Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => expr.as_ref(),
            Expr::ScalarFunction(call) if is_cast_by_name(&part) => &call.args[0],
            _ => return Ok(Transformed::no(part)),
        };
        let stays = matches!(inner, Expr::Literal(..));
        if stays || keeps_values(&inner.get_type(schema)?, &part.get_type(schema)?, has_fractions) {
            return Ok(Transformed::no(part));
        }
        number += 1;
        Ok(Transformed::yes(fence(part, number)))
    })
}

fn is_cast(part: &Expr) -> bool {
    matches!(part, Expr::Cast(_) | Expr::TryCast(_)) || is_cast_by_name(part)
}

/// Functions that become casts.
fn is_cast_by_name(part: &Expr) -> bool {
    const NAMES: [&str; 4] = ["arrow_cast", "arrow_try_cast", "cast_to_type", "try_cast_to_type"];
    matches!(part, Expr::ScalarFunction(call) if NAMES.contains(&call.name()) && !call.args.is_empty())
}

/// Whether a comparison in a scan holds a cast that must not move.
fn is_of_lossy_cast(comparison: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<bool> {
    let mut has_fractions = false;
    comparison.apply(|part| {
        has_fractions |= part.downcast_ref::<Literal>().is_some_and(|literal| has_fine_fraction(literal.value()));
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut found = false;
    comparison.apply(|part| {
        let cast = match (part.downcast_ref::<CastExpr>(), part.downcast_ref::<TryCastExpr>()) {
            (Some(cast), _) => Some((cast.expr(), cast.cast_type())),
            (_, Some(cast)) => Some((cast.expr(), cast.cast_type())),
            _ => None,
        };
        if let Some((inner, target)) = cast
            && let Ok(source) = inner.data_type(schema)
        {
            found |= !keeps_values(&source, target, has_fractions);
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// A time that is no whole number of microseconds, or a text that may become one.
fn has_fine_fraction(literal: &ScalarValue) -> bool {
    match literal {
        ScalarValue::TimestampNanosecond(Some(value), _) => value % 1_000 != 0,
        // Between units that are coarser there is no such cast in the engine's own plans.
        ScalarValue::TimestampMicrosecond(Some(value), _) => value % 1_000_000 != 0,
        ScalarValue::TimestampMillisecond(Some(value), _) => value % 1_000 != 0,
        other => other.try_as_str().flatten().is_some_and(|text| {
            text.rsplit_once('.')
                .is_some_and(|(_, fraction)| fraction.bytes().take_while(u8::is_ascii_digit).count() > 6)
        }),
    }
}

/// Whether a comparison means the same with the cast on the literal's side. True also of casts that the engine leaves where they are.
fn keeps_values(source: &DataType, target: &DataType, has_fractions: bool) -> bool {
    use DataType::{Date32, Date64, Dictionary, Int32, Int64, Timestamp};
    match (source, target) {
        _ if source == target => true,
        (Dictionary(_, value), other) => keeps_values(value, other, has_fractions),
        (other, Dictionary(_, value)) => keeps_values(other, value, has_fractions),
        _ if !is_moved(source) || !is_moved(target) => true,
        (source, target) if source.is_integer() && target.is_integer() => {
            let (narrow, wide) = (digits(source), digits(target));
            match (source.is_signed_integer(), target.is_signed_integer()) {
                (true, true) | (false, false) => narrow <= wide,
                (false, true) => source.primitive_width() < target.primitive_width(),
                (true, false) => false,
            }
        }
        (source, target) => match (decimal(source), decimal(target)) {
            (None, Some((precision, scale))) if source.is_integer() => {
                scale >= 0 && i16::from(precision) - i16::from(scale) >= digits(source)
            }
            (Some((precision, scale)), Some((wide, fine))) => {
                fine >= scale && i16::from(wide) - i16::from(fine) >= i16::from(precision) - i16::from(scale)
            }
            _ => match (source, target) {
                (Date32, Int32 | Int64) | (Int32, Date32) | (Date64, Int64) | (Int64, Date64) | (Date32, Date64) => {
                    true
                }
                (Timestamp(_, _), Int64) | (Int64, Timestamp(_, None)) => true,
                (Timestamp(coarse, from), Timestamp(fine, to)) => {
                    let zone = from == to || from.is_some() || to.as_deref().is_none_or(is_utc);
                    zone && (coarse == fine || rank(coarse) < rank(fine) && !has_fractions)
                }
                _ => false,
            },
        },
    }
}

/// The types that the engine moves casts between.
fn is_moved(data_type: &DataType) -> bool {
    data_type.is_integer()
        || decimal(data_type).is_some()
        || matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _))
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "+00:00" | "Z")
}

fn rank(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

/// Decimal digits of the largest value.
fn digits(integer: &DataType) -> i16 {
    match integer {
        DataType::Int8 | DataType::UInt8 => 3,
        DataType::Int16 | DataType::UInt16 => 5,
        DataType::Int32 | DataType::UInt32 => 10,
        DataType::Int64 => 19,
        _ => 20,
    }
}

fn decimal(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}

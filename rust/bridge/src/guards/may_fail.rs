// SPDX-License-Identifier: Apache-2.0
//! Which expressions may end a query over some values: casts from text, division, arithmetic that may overflow, and all functions that are
//! not known to take whatever comes. What guards these (a filter, a WHEN, the left side of AND) must be decided first.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator};
use datafusion::physical_expr::expressions::{self, CastExpr};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use exact::Operation;

use super::overflow::{may_overflow, operation_of};

pub fn may_fail(expression: &Expr, schema: &DFSchema) -> Result<bool> {
    expression.exists(|part| {
        Ok(match part {
            Expr::Cast(Cast { expr, .. }) if matches!(expr.as_ref(), Expr::Literal(..)) => failing_cast(part).is_some(),
            Expr::Cast(Cast { expr, field }) => !takes_all(&expr.get_type(schema)?, field.data_type()),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide | Operator::Modulo, .. }) => {
                divides_by_zero(&left.get_type(schema)?)
            }
            Expr::BinaryExpr(binary) => overflows(part, binary, schema)?,
            Expr::Negative(operand) => operand.get_type(schema)?.is_signed_integer() && range(part, schema).is_none(),
            Expr::ScalarFunction(call) => !KNOWN.contains(&call.name()),
            Expr::HigherOrderFunction(_) | Expr::ScalarSubquery(_) => true,
            _ => false,
        })
    })
}

pub fn may_fail_physically(expression: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<bool> {
    let mut found = false;
    expression.apply(|part| {
        found |= if let Some(cast) = part.downcast_ref::<CastExpr>() {
            !cast.expr().is::<expressions::Literal>() && !takes_all(&cast.expr().data_type(schema)?, cast.cast_type())
        } else if let Some(binary) = part.downcast_ref::<expressions::BinaryExpr>() {
            matches!(binary.op(), Operator::Divide | Operator::Modulo)
                && divides_by_zero(&binary.left().data_type(schema)?)
        } else {
            part.downcast_ref::<ScalarFunctionExpr>().is_some_and(|call| !KNOWN.contains(&call.fun().name()))
        };
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// The failure of a cast of a literal.
pub fn failing_cast(part: &Expr) -> Option<DataFusionError> {
    let Expr::Cast(Cast { expr, field }) = part else { return None };
    let (Expr::Literal(value, _), wanted) = (expr.as_ref(), field.data_type()) else { return None };
    if value.is_null() || wanted.is_nested() { None } else { value.cast_to(wanted).err() }
}

/// Whether an expression may become a constant. One that holds on to a column cannot, and most do.
pub fn may_fold(expression: &Expr) -> bool {
    match expression {
        Expr::Column(_) | Expr::OuterReferenceColumn(..) | Expr::AggregateFunction(_) | Expr::WindowFunction(_) => {
            false
        }
        Expr::Cast(cast) => may_fold(&cast.expr),
        Expr::TryCast(cast) => may_fold(&cast.expr),
        Expr::Alias(alias) => may_fold(&alias.expr),
        Expr::Negative(operand) => may_fold(operand),
        // Nought times a column is nought.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            may_fold(left) && may_fold(right)
        }
        _ => true,
    }
}

/// The direct parts of an expression, and which of them may never be evaluated where it is.
pub fn direct_parts(expression: &Expr) -> Vec<(&Expr, bool)> {
    let is_filtered = matches!(expression, Expr::AggregateFunction(call) if call.params.filter.is_some());
    let is_open = match expression {
        Expr::Case(_) | Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }) => true,
        Expr::ScalarFunction(call) => call.func.short_circuits(),
        _ => false,
    };
    let mut parts = Vec::new();
    let _ = expression.apply_children(|part| {
        parts.push((part, is_filtered || is_open && !parts.is_empty()));
        Ok(TreeNodeRecursion::Continue)
    });
    parts
}

/// Asks about the parts that are evaluated wherever the expression is, inner ones first.
pub fn for_every_row(expression: &Expr, ask: &mut dyn FnMut(&Expr) -> Result<()>) -> Result<()> {
    for (part, may_be_passed_over) in direct_parts(expression) {
        if !may_be_passed_over {
            for_every_row(part, ask)?;
        }
    }
    ask(expression)
}

fn divides_by_zero(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_decimal()
}

/// Whether a sum, a difference or a product may not fit its type.
fn overflows(whole: &Expr, binary: &BinaryExpr, schema: &DFSchema) -> Result<bool> {
    let Some(operation @ (Operation::Add | Operation::Subtract | Operation::Multiply)) = operation_of(binary.op) else {
        return Ok(false);
    };
    // Whole numbers keep their type however many are added.
    let mut first = binary.left.as_ref();
    while let Expr::BinaryExpr(inner) = first {
        first = &inner.left;
    }
    let first = first.get_type(schema)?;
    if first.is_integer() {
        return Ok(range(whole, schema).is_none());
    }
    Ok(first.is_decimal() && may_overflow(operation, &binary.left.get_type(schema)?, &binary.right.get_type(schema)?))
}

/// The least and the greatest whole number that an expression may come to; nothing if it may overflow.
fn range(expression: &Expr, schema: &DFSchema) -> Option<(i128, i128)> {
    let (least, greatest) = match expression {
        Expr::Literal(value, _) if value.data_type().is_integer() => {
            let ScalarValue::Decimal128(Some(value), ..) = value.cast_to(&DataType::Decimal128(20, 0)).ok()? else {
                return Some((0, 0));
            };
            return Some((value, value));
        }
        Expr::Negative(operand) => {
            let (least, greatest) = range(operand, schema)?;
            (-greatest, -least)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (left, right) = (range(left, schema)?, range(right, schema)?);
            match op {
                Operator::Plus => (left.0 + right.0, left.1 + right.1),
                Operator::Minus => (left.0 - right.1, left.1 - right.0),
                Operator::Multiply => {
                    let corners =
                        [left.0, left.1].into_iter().flat_map(|l| [right.0, right.1].map(|r| l.checked_mul(r)));
                    let corners = corners.collect::<Option<Vec<_>>>()?;
                    (*corners.iter().min()?, *corners.iter().max()?)
                }
                _ => return limits(&expression.get_type(schema).ok()?),
            }
        }
        Expr::Cast(Cast { expr, field }) if field.data_type().is_integer() => {
            return match range(expr, schema) {
                Some(inner) => Some(inner),
                None => limits(field.data_type()),
            };
        }
        other => return limits(&other.get_type(schema).ok()?),
    };
    let (low, high) = limits(&expression.get_type(schema).ok()?)?;
    (low <= least && greatest <= high).then_some((least, greatest))
}

/// Of a type of whole numbers.
fn limits(data_type: &DataType) -> Option<(i128, i128)> {
    let bits = data_type.is_integer().then(|| data_type.primitive_width())?? as u32 * 8;
    Some(if data_type.is_signed_integer() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) })
}

/// Whether the cast has a value for every value.
fn takes_all(source: &DataType, target: &DataType) -> bool {
    use DataType::{Boolean, Date32, Date64, Dictionary, LargeUtf8, Null, Timestamp, Utf8, Utf8View};
    let is_text = |data_type: &DataType| matches!(data_type, Utf8 | LargeUtf8 | Utf8View);
    match (source, target) {
        _ if source == target => true,
        (Null, _) => true,
        (Dictionary(_, value), other) | (other, Dictionary(_, value)) if !matches!(other, Dictionary(_, _)) => {
            if matches!(source, Dictionary(_, _)) { takes_all(value, other) } else { takes_all(other, value) }
        }
        (source, target) if is_text(target) => !source.is_nested() && !source.is_binary(),
        (source, _) if is_text(source) => false,
        (source, target) if source.is_integer() && target.is_integer() => {
            let (narrow, wide) = (source.primitive_width(), target.primitive_width());
            match (source.is_signed_integer(), target.is_signed_integer()) {
                (true, true) | (false, false) => narrow <= wide,
                (false, true) => narrow < wide,
                (true, false) => false,
            }
        }
        (source, target) if target.is_floating() => source.is_numeric() || *source == Boolean,
        (source, target) if target.is_decimal() => match (digits(source), digits(target)) {
            (Some((whole, fraction)), Some((wide, fine))) => whole <= wide && fraction <= fine,
            _ => false,
        },
        (Boolean, target) => target.is_integer(),
        (source, Boolean) => source.is_integer() || source.is_floating(),
        (Date32 | Date64, Timestamp(unit, _)) => *unit != TimeUnit::Nanosecond,
        (Timestamp(_, _), Timestamp(_, _) | Date32 | Date64) | (Date32, Date64) | (Date64, Date32) => true,
        _ => false,
    }
}

/// Digits before and behind the point.
fn digits(data_type: &DataType) -> Option<(i16, i16)> {
    Some(match data_type {
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::UInt64 => (20, 0),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => (i16::from(*precision) - i16::from(*scale), i16::from(*scale)),
        _ => return None,
    })
}

/// Functions that have an answer to all values of their types.
const KNOWN: &[&str] = &[
    "acos",
    "array_has",
    "array_length",
    "arrow_typeof",
    "ascii",
    "asin",
    "atan",
    "atan2",
    "bit_length",
    "btrim",
    "cardinality",
    "cbrt",
    "ceil",
    "character_length",
    "coalesce",
    "concat",
    "concat_ws",
    "contains",
    "cos",
    "cosh",
    "cot",
    "current_date",
    "current_time",
    "date_part",
    "degrees",
    "digest",
    "empty",
    "ends_with",
    "exp",
    "find_in_set",
    "floor",
    "get_field",
    "greatest",
    "initcap",
    "interval_length",
    "isnan",
    "iszero",
    "least",
    "left",
    "levenshtein",
    "ln",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "make_array",
    "md5",
    "named_struct",
    "nanvl",
    "normalized_float",
    "now",
    "nullif",
    "nvl",
    "nvl2",
    "octet_length",
    "one_nan",
    "pi",
    "radians",
    "random",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "starts_with",
    "strpos",
    "struct",
    "substr",
    "substr_index",
    "tan",
    "tanh",
    "translate",
    "trunc",
    "upper",
    "uuid",
];

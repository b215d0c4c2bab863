// SPDX-License-Identifier: Apache-2.0
//! Asks native functions what may stand for their calls where NULL counts as false: in WHERE and ON, under AND and OR.

use arrow::array::Array;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, binary_expr};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use serde_json::{Value, json};

use crate::functions::NativeScalarUdf;

#[derive(Debug)]
pub struct OpenPredicates;

impl OptimizerRule for OpenPredicates {
    fn name(&self) -> &str {
        "open_native_predicates"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(mut filter) => match open(&filter.predicate)? {
                Some(opened) => {
                    filter.predicate = opened;
                    Ok(Transformed::yes(LogicalPlan::Filter(filter)))
                }
                None => Ok(Transformed::no(LogicalPlan::Filter(filter))),
            },
            LogicalPlan::Join(mut join) => match join.filter.as_ref().map(open).transpose()?.flatten() {
                Some(opened) => {
                    join.filter = Some(opened);
                    Ok(Transformed::yes(LogicalPlan::Join(join)))
                }
                None => Ok(Transformed::no(LogicalPlan::Join(join))),
            },
            other => Ok(Transformed::no(other)),
        }
    }
}

/// The predicate with its calls opened; None if nothing changes.
fn open(predicate: &Expr) -> Result<Option<Expr>> {
    match predicate {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let (new_left, new_right) = (open(left)?, open(right)?);
            if new_left.is_none() && new_right.is_none() {
                return Ok(None);
            }
            let left = new_left.unwrap_or_else(|| left.as_ref().clone());
            let right = new_right.unwrap_or_else(|| right.as_ref().clone());
            Ok(Some(binary_expr(left, *op, right)))
        }
        Expr::ScalarFunction(call) => {
            let Some(function) = native(call).filter(|function| function.opens_as_predicate()) else {
                return Ok(None);
            };
            let arguments: Vec<Value> = call.args.iter().map(describe).collect();
            let opened = function.open_predicate(&Value::from(arguments).to_string())?;
            if opened.is_empty() {
                return Ok(None);
            }
            crate::planning_steps::note("opened", call.func.name());
            match serde_json::from_str::<Value>(&opened) {
                Ok(tree) => build(&tree, &call.args).map(Some),
                Err(error) => internal_err!("a native function opened as `{opened}`: {error}"),
            }
        }
        _ => Ok(None),
    }
}

fn native(call: &ScalarFunction) -> Option<&NativeScalarUdf> {
    call.func.inner().downcast_ref::<NativeScalarUdf>()
}

/// What a function may know of an argument.
fn describe(argument: &Expr) -> Value {
    match argument {
        Expr::ScalarFunction(call) if native(call).is_some() => {
            json!({"function": call.func.name(), "arguments": call.args.iter().map(describe).collect::<Vec<_>>()})
        }
        Expr::Literal(value, _) => describe_literal(value),
        _ => json!({}),
    }
}

fn describe_literal(value: &ScalarValue) -> Value {
    match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
            json!({"text": text})
        }
        ScalarValue::Boolean(Some(boolean)) => json!({"boolean": boolean}),
        ScalarValue::Struct(row) if row.len() == 1 && row.is_valid(0) => {
            let fields: serde_json::Map<String, Value> = row
                .fields()
                .iter()
                .zip(row.columns())
                .filter_map(|(field, column)| {
                    let value = ScalarValue::try_from_array(column, 0).ok()?;
                    Some((field.name().clone(), describe_literal(&value)))
                })
                .collect();
            json!({"fields": fields})
        }
        _ => json!({}),
    }
}

fn build(tree: &Value, arguments: &[Expr]) -> Result<Expr> {
    let operator = match tree.as_object().and_then(|object| object.keys().next()).map(String::as_str) {
        Some("part") => return part(&tree["part"], arguments),
        Some("and") => Operator::And,
        Some("less") => Operator::Lt,
        Some("less_or_equal") => Operator::LtEq,
        _ => return internal_err!("a native function opened as `{tree}`"),
    };
    let operands = &tree.as_object().and_then(|object| object.values().next()).unwrap_or(&Value::Null);
    Ok(binary_expr(build(&operands[0], arguments)?, operator, build(&operands[1], arguments)?))
}

/// An argument of an argument that is a call, or a field of one that is a struct literal.
fn part(place: &Value, arguments: &[Expr]) -> Result<Expr> {
    let argument = place[0].as_u64().and_then(|index| arguments.get(index as usize));
    let inner = place[1].as_str().unwrap_or_default();
    let found = match argument {
        Some(Expr::ScalarFunction(call)) => inner.parse::<usize>().ok().and_then(|index| call.args.get(index).cloned()),
        Some(Expr::Literal(ScalarValue::Struct(row), _)) => row
            .column_by_name(inner)
            .and_then(|column| ScalarValue::try_from_array(column, 0).ok())
            .map(|value| Expr::Literal(value, None)),
        _ => None,
    };
    match found {
        Some(expression) => Ok(expression),
        None => internal_err!("a native function opened with the part `{place}`, which is not there"),
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Planned calls as native functions see them, and what a function puts in the place of one. JSON both ways, as function_callbacks.h
//! says.

use arrow::array::Array;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Operator, ScalarUDF, binary_expr};
use serde_json::{Value, json};

use super::scalar::is_native_scalar;

pub(super) fn describe_all(arguments: &[Expr]) -> String {
    Value::from(arguments.iter().map(describe).collect::<Vec<_>>()).to_string()
}

/// What a function may know of an argument.
fn describe(argument: &Expr) -> Value {
    match argument {
        Expr::ScalarFunction(call) if is_native_scalar(&call.func) => {
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

/// What stands for the call of `function` with `arguments`.
pub(super) fn build(tree: &str, function: impl Fn() -> ScalarUDF, arguments: &[Expr]) -> Result<Expr> {
    match serde_json::from_str::<Value>(tree) {
        Ok(tree) => Builder { function, arguments }.build(&tree),
        Err(error) => internal_err!("a native function was rewritten as `{tree}`: {error}"),
    }
}

struct Builder<'a, F: Fn() -> ScalarUDF> {
    function: F,
    arguments: &'a [Expr],
}

impl<F: Fn() -> ScalarUDF> Builder<'_, F> {
    fn build(&self, tree: &Value) -> Result<Expr> {
        let Some((kind, content)) = tree.as_object().and_then(|object| object.iter().next()) else {
            return internal_err!("a native function was rewritten as `{tree}`");
        };
        let operator = match kind.as_str() {
            "part" => return self.part(content),
            "call" => {
                let operands = content.as_array().map(Vec::as_slice).unwrap_or_default();
                let operands = operands.iter().map(|operand| self.build(operand)).collect::<Result<Vec<_>>>()?;
                return Ok((self.function)().call(operands));
            }
            "and" => Operator::And,
            "less" => Operator::Lt,
            "less_or_equal" => Operator::LtEq,
            _ => return internal_err!("a native function was rewritten as `{tree}`"),
        };
        Ok(binary_expr(self.build(&content[0])?, operator, self.build(&content[1])?))
    }

    /// An argument, or of an argument that is a call its argument, or of one that is a struct literal its field.
    fn part(&self, place: &Value) -> Result<Expr> {
        let argument = place[0].as_u64().and_then(|index| self.arguments.get(index as usize));
        let inner = place[1].as_str().unwrap_or_default();
        let found = match argument {
            Some(whole) if inner.is_empty() => Some(whole.clone()),
            Some(Expr::ScalarFunction(call)) => {
                inner.parse::<usize>().ok().and_then(|index| call.args.get(index).cloned())
            }
            Some(Expr::Literal(ScalarValue::Struct(row), _)) => row
                .column_by_name(inner)
                .and_then(|column| ScalarValue::try_from_array(column, 0).ok())
                .map(|value| Expr::Literal(value, None)),
            _ => None,
        };
        match found {
            Some(expression) => Ok(expression),
            None => internal_err!("a native function was rewritten with the part `{place}`, which is not there"),
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Results that their type cannot hold are errors, not other numbers. The engine's operators and its sum wrap round, and decimals get
//! more digits than their type has.
//!
//! Plans keep the engine's operators and functions: identities, lineage, lanes and displays know nothing of this. Checked ones stand in
//! their place only while constants are folded (`constants.rs`) and from the moment in which a plan is made to be executed (`plan.rs`),
//! hence in filters that scans evaluate, keys, frames and arguments alike.
//!
//! A sum is exact while it is made up and must fit only in the end (`sums.rs`): whether it is an error depends neither on the order of
//! rows nor on partitions, frames or spilling.

mod arithmetic;
mod constants;
mod distinct_sums;
mod native_sums;
mod plan;
mod sums;
mod table_arguments;

pub use arithmetic::{may_overflow, operation_of};
use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, LogicalPlan};
use serde_json::json;
use sqlparser::ast::Query;

use super::{About, Guard, Means, OptimizerRules};
use crate::error::{BridgeError, Result as BridgeResult};

/// Operators: `+`, `-`, `*`, unary `-` and shifts over whole numbers, and all over decimals.
pub struct Overflow;

impl Guard for Overflow {
    fn about(&self) -> About {
        About {
            name: "overflow",
            version: 1,
            fault: "`a * b` of two `INT` of 100000 is 1410065408; products and sums of decimals get more than 38 digits; \
                    `1 << 64` is 1",
            upstream: "apache/datafusion#17539",
            means: Means::Correction,
            effect: "an error that names the expression and the values, unless the profile says `overflow = \"wrap\"`",
        }
    }

    fn query(&self, query: &mut Query) -> BridgeResult<()> {
        table_arguments::check(query)
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        constants::fold_checked(rules);
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan::check_operators(plan)
    }

    fn executed_expression(&self, expression: Expr, schema: &DFSchema) -> Result<Expr> {
        plan::check_expression(expression, schema)
    }
}

/// The aggregate `sum` over whole numbers, decimals and intervals.
pub struct OverflowSum;

impl Guard for OverflowSum {
    fn about(&self) -> About {
        About {
            name: "overflow_sum",
            version: 1,
            fault: "`sum` of two `BIGINT` of 9223372036854775807 is -2; of decimals, it gets more than 38 digits or another sign",
            upstream: "apache/datafusion#16406",
            means: Means::Correction,
            effect: "the exact sum if its type holds it, whatever the order of rows, else an error, unless the profile says \
                     `overflow = \"wrap\"`",
        }
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan::check_sums(plan)
    }
}

/// Whether a call stands for an operator that fails where its result does not fit.
pub fn is_checked(call: &ScalarFunction) -> bool {
    arithmetic::CheckedArithmetic::in_call(call).is_some()
}

/// An error of the user's data or query, with a code of its own.
fn overflow_error(message: String, hint: &str) -> BridgeError {
    let mut error = BridgeError::user("overflow", message);
    if !hint.is_empty() {
        error.details.insert("helps".into(), json!([hint]));
    }
    error
}

/// `values`: the operands, or the exact result; perhaps unknown.
fn misfit(text: &str, data_type: &DataType, values: &str) -> BridgeError {
    let found = if values.is_empty() { String::new() } else { format!(", found `{values}`") };
    overflow_error(format!("the result of `{text}` does not fit {}{found}", sql_name(data_type)), hint(data_type))
}

fn does_not_fit(text: &str, data_type: &DataType, values: &str) -> DataFusionError {
    DataFusionError::External(Box::new(misfit(text, data_type, values)))
}

/// Of whole numbers as SQL text has them.
fn constant_does_not_fit(text: &str, values: &str) -> BridgeError {
    misfit(text, &DataType::Int64, values)
}

fn sql_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Int8 => "TINYINT".into(),
        DataType::Int16 => "SMALLINT".into(),
        DataType::Int32 => "INT".into(),
        DataType::Int64 => "BIGINT".into(),
        DataType::UInt8 => "TINYINT UNSIGNED".into(),
        DataType::UInt16 => "SMALLINT UNSIGNED".into(),
        DataType::UInt32 => "INT UNSIGNED".into(),
        DataType::UInt64 => "BIGINT UNSIGNED".into(),
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => {
            format!("DECIMAL({p}, {s})")
        }
        other => other.to_string(),
    }
}

fn hint(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
            "cast an operand to BIGINT, or set `overflow = \"wrap\"` in the profile"
        }
        DataType::Int64 | DataType::UInt64 => {
            "cast an operand to DECIMAL(38, 0) or DOUBLE, or set `overflow = \"wrap\"` in the profile"
        }
        data_type if data_type.is_decimal() => {
            "cast an operand to fewer digits or to DOUBLE, or set `overflow = \"wrap\"` in the profile"
        }
        _ => "set `overflow = \"wrap\"` in the profile to take the results as they come",
    }
}

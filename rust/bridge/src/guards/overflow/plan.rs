// SPDX-License-Identifier: Apache-2.0
//! Checked operators and sums in the place of the engine's, in a plan that is about to be executed and goes nowhere else.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{
    AggregateUDF, Expr, ExprSchemable, LogicalPlan, TableProviderFilterPushDown, TableScan,
};
use exact::Operation;

use super::arithmetic::{CheckedArithmetic, may_overflow, operation_of};
use super::sums::CheckedSum;
use crate::guards::nodes::{columns_of, has, map_named};

/// Whether a node of an expression could be a checked operator, going by the operator alone.
pub fn is_arithmetic(expression: &Expr) -> bool {
    match expression {
        Expr::BinaryExpr(binary) => operation_of(binary.op).is_some(),
        Expr::Negative(_) => true,
        _ => false,
    }
}

/// The type of an expression; of checked operators, which nest as deeply as operators do, it is known at once.
fn type_of(expression: &Expr, schema: &DFSchema) -> Result<DataType> {
    if let Expr::ScalarFunction(call) = expression
        && let Some(checked) = CheckedArithmetic::in_call(call)
    {
        return Ok(checked.result().clone());
    }
    expression.get_type(schema)
}

/// Which operators are wanted, by the types of their operands.
type Wanted = fn(Operation, &DataType, &DataType) -> bool;

/// What may overflow, and sums and differences of decimals of different scales: the engine multiplies both operands in each row, though one of
/// them has the scale of the result.
fn overflows_or_is_slow(operation: Operation, left: &DataType, right: &DataType) -> bool {
    let is_slow = match (left, right) {
        (DataType::Decimal128(_, one), DataType::Decimal128(_, other)) if one != other => {
            matches!(operation, Operation::Add | Operation::Subtract)
        }
        _ => false,
    };
    is_slow || may_overflow(operation, left, right)
}

/// One operator, whose operands are checked already.
fn check_operator(expression: Expr, schema: &DFSchema, is_wanted: Wanted) -> Result<Transformed<Expr>> {
    match expression {
        Expr::BinaryExpr(binary) => {
            let Some(operation) = operation_of(binary.op) else {
                return Ok(Transformed::no(Expr::BinaryExpr(binary)));
            };
            let (left, right) = (type_of(&binary.left, schema)?, type_of(&binary.right, schema)?);
            if !is_wanted(operation, &left, &right) {
                return Ok(Transformed::no(Expr::BinaryExpr(binary)));
            }
            let result = CheckedArithmetic::binary_type(binary.op, &left, &right)?;
            Ok(Transformed::yes(CheckedArithmetic::of_binary(operation, binary, result)))
        }
        Expr::Negative(operand) => match type_of(&operand, schema)? {
            result if result.is_signed_integer() => {
                Ok(Transformed::yes(CheckedArithmetic::of_negative(operand, result)))
            }
            _ => Ok(Transformed::no(Expr::Negative(operand))),
        },
        other => Ok(Transformed::no(other)),
    }
}

/// For the folding of constants, where an expression without a type fails later, with words of its own.
pub fn check_foldable(operator: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match check_operator(operator.clone(), schema, may_overflow) {
        Ok(checked) => Ok(checked),
        Err(_) => Ok(Transformed::no(operator)),
    }
}

fn check(expression: Expr, schema: &DFSchema, is_wanted: Wanted) -> Result<Transformed<Expr>> {
    expression.transform_up(|part| check_operator(part, schema, is_wanted))
}

pub fn check_expression(expression: Expr, schema: &DFSchema) -> Result<Expr> {
    check(expression, schema, may_overflow).data()
}

/// A filter that a scan may evaluate is checked again above it, unless the scan has promised to evaluate it exactly. Delta scans know
/// no functions, hence such filters stay above alone; what they promise they compute with checks of their own.
fn check_scan(scan: TableScan) -> Result<Transformed<LogicalPlan>> {
    let plan = LogicalPlan::TableScan(scan);
    let schema = columns_of(&plan)?;
    let LogicalPlan::TableScan(mut scan) = plan else { unreachable!("it is a scan") };
    let promises = scan.source.supports_filters_pushdown(&scan.filters.iter().collect::<Vec<_>>())?;
    let mut filters = Vec::with_capacity(scan.filters.len());
    let mut changed = false;
    for (filter, promise) in scan.filters.into_iter().zip(promises) {
        let checked = check(filter.clone(), &schema, may_overflow)?;
        match promise {
            TableProviderFilterPushDown::Exact => filters.push(filter),
            TableProviderFilterPushDown::Inexact if checked.transformed => changed = true,
            _ => {
                changed |= checked.transformed;
                filters.push(checked.data);
            }
        }
    }
    scan.filters = filters;
    Ok(Transformed::new_transformed(LogicalPlan::TableScan(scan), changed))
}

pub fn check_operators(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        if !has(&node, is_arithmetic)? {
            return Ok(Transformed::no(node));
        }
        if let LogicalPlan::TableScan(scan) = node {
            return check_scan(scan);
        }
        let schema = columns_of(&node)?;
        map_named(node, |expression| check(expression, &schema, overflows_or_is_slow))
    })
    .data()
}

static CHECKED_SUM: LazyLock<Arc<AggregateUDF>> =
    LazyLock::new(|| Arc::new(AggregateUDF::new_from_impl(CheckedSum::new())));

fn is_sum(function: &AggregateUDF) -> bool {
    function.inner().is::<Sum>()
}

pub fn check_sums(plan: LogicalPlan) -> Result<LogicalPlan> {
    let is_wanted = |part: &Expr| match part {
        Expr::AggregateFunction(call) => is_sum(&call.func),
        Expr::WindowFunction(call) => {
            matches!(&call.fun, WindowFunctionDefinition::AggregateUDF(function) if is_sum(function))
        }
        _ => false,
    };
    plan.transform_up_with_subqueries(|node| {
        if !has(&node, is_wanted)? {
            return Ok(Transformed::no(node));
        }
        node.map_expressions(|expression| {
            expression.transform_up(|part| match part {
                part if !is_wanted(&part) => Ok(Transformed::no(part)),
                Expr::AggregateFunction(call) => Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction {
                    func: Arc::clone(&CHECKED_SUM),
                    params: call.params,
                }))),
                Expr::WindowFunction(call) => {
                    let fun = WindowFunctionDefinition::AggregateUDF(Arc::clone(&CHECKED_SUM));
                    let call = WindowFunction { fun, ..*call };
                    Ok(Transformed::yes(Expr::WindowFunction(Box::new(call))))
                }
                other => Ok(Transformed::no(other)),
            })
        })
    })
    .data()
}

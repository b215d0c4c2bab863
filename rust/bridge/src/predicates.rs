// SPDX-License-Identifier: Apache-2.0
//! Asks native functions what may stand for their calls where NULL counts as false: in WHERE and ON, under AND and OR.

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, binary_expr};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

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
        Expr::ScalarFunction(call) => match call.func.inner().downcast_ref::<NativeScalarUdf>() {
            Some(function) => function.open_predicate(&call.args),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

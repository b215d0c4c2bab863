// SPDX-License-Identifier: Apache-2.0
//! Constants are folded with checked operators. Around the rule that folds, operators whose operands it may turn into constants are calls
//! of functions that fail instead of wrapping; it leaves alone what fails, and behind it they are operators again. One that would fail
//! for every row is an error at once.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::arithmetic::CheckedArithmetic;
use super::plan::{check_foldable, is_arithmetic};
use crate::guards::OptimizerRules;
use crate::guards::may_fail::{for_every_row, may_fold};
use crate::guards::nodes::{columns_of, has, map_named};

pub fn fold_checked(rules: &mut OptimizerRules) {
    for rule in rules.iter_mut() {
        if rule.name() == "simplify_expressions" {
            *rule = Arc::new(CheckedFolding { folding: Arc::clone(rule) });
        }
    }
}

#[derive(Debug)]
struct CheckedFolding {
    folding: Arc<dyn OptimizerRule + Send + Sync>,
}

impl OptimizerRule for CheckedFolding {
    fn name(&self) -> &str {
        self.folding.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.folding.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !has(&plan, |part| is_arithmetic(part) && has_foldable_operands(part))? {
            return self.folding.rewrite(plan, config);
        }
        let schema = columns_of(&plan)?;
        let checked = map_named(plan, |expression| {
            expression.transform_up(|part| match has_foldable_operands(&part) {
                true => check_foldable(part, &schema),
                false => Ok(Transformed::no(part)),
            })
        })?;
        let folded = self.folding.rewrite(checked.data, config)?;
        let changed = folded.transformed;
        let restored = folded.data.map_expressions(|expression| {
            fail_for_every_row(&expression)?;
            expression.transform_up(restore)
        })?;
        Ok(Transformed::new_transformed(restored.data, changed))
    }
}

fn restore(part: Expr) -> Result<Transformed<Expr>> {
    match part {
        Expr::ScalarFunction(call) => match CheckedArithmetic::in_call(&call) {
            Some(checked) => Ok(Transformed::yes(checked.restore(call.args.clone()))),
            None => Ok(Transformed::no(Expr::ScalarFunction(call))),
        },
        other => Ok(Transformed::no(other)),
    }
}

/// Whether all operands may become constants.
fn has_foldable_operands(operator: &Expr) -> bool {
    match operator {
        Expr::BinaryExpr(binary) => may_fold(&binary.left) && may_fold(&binary.right),
        Expr::Negative(operand) => may_fold(operand),
        _ => false,
    }
}

/// Fails at an operator of constants that does, unless it stands where it may not be evaluated.
fn fail_for_every_row(expression: &Expr) -> Result<()> {
    for_every_row(expression, &mut |part| {
        let Expr::ScalarFunction(call) = part else { return Ok(()) };
        let Some(checked) = CheckedArithmetic::in_call(call) else { return Ok(()) };
        let constants: Option<Vec<_>> = call
            .args
            .iter()
            .map(|arg| match arg {
                Expr::Literal(value, _) => Some(ColumnarValue::Scalar(value.clone())),
                _ => None,
            })
            .collect();
        match constants {
            Some(constants) => checked.evaluate(&constants).map(|_| ()),
            None => Ok(()),
        }
    })
}

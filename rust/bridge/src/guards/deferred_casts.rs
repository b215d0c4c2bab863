// SPDX-License-Identifier: Apache-2.0
//! Casts of constants that fail, in branches that may never be taken. The simplifier ends the query at such a cast wherever it stands,
//! but leaves calls that fail where they are. So where it fails, casts of what may become constants are calls while it runs again. Those
//! that still fail are calls when the plan is executed, too: over no rows, which a branch is sometimes asked for, a call fails not.

use std::sync::Arc;

use arrow::array::new_empty_array;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::OptimizerRules;
use super::may_fail::{failing_cast, may_fold};
use super::nodes::{has, map_named};
use super::wrapped_rule::wrap_rules;

#[derive(Debug, PartialEq, Eq, Hash)]
struct DeferredCast {
    field: FieldRef,
    signature: Signature,
}

impl ScalarUDFImpl for DeferredCast {
    fn name(&self) -> &str {
        "deferred_cast"
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    /// That of a cast: columns keep their names.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args[0].schema_name().to_string())
    }
    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }
    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let is_nullable = arguments.arg_fields[0].is_nullable();
        Ok(Arc::new(Field::new(self.name(), self.field.data_type().clone(), is_nullable)))
    }
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if arguments.number_rows == 0 {
            return Ok(ColumnarValue::Array(new_empty_array(self.field.data_type())));
        }
        arguments.args[0].cast_to(self.field.data_type(), None)
    }
}

fn defer(expression: Expr, is_wanted: fn(&Expr) -> bool) -> Result<Transformed<Expr>> {
    expression.transform_up(|part| match part {
        part if !is_wanted(&part) => Ok(Transformed::no(part)),
        Expr::Cast(Cast { expr, field }) => {
            let deferred = DeferredCast { field, signature: Signature::any(1, Volatility::Immutable) };
            Ok(Transformed::yes(ScalarUDF::from(deferred).call(vec![*expr])))
        }
        other => Ok(Transformed::no(other)),
    })
}

fn may_become_constant(part: &Expr) -> bool {
    matches!(part, Expr::Cast(cast) if may_fold(&cast.expr))
}

fn fails(part: &Expr) -> bool {
    failing_cast(part).is_some()
}

/// Makes calls of the casts whose operands may become constants.
pub fn defer_casts(expression: Expr) -> Result<Transformed<Expr>> {
    defer(expression, may_become_constant)
}

/// Of those that fail.
pub fn defer_failing_casts(expression: Expr) -> Result<Transformed<Expr>> {
    defer(expression, fails)
}

/// In a plan that is about to be executed.
pub fn defer_failing_casts_of(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| match has(&node, fails)? {
        true => map_named(node, defer_failing_casts),
        false => Ok(Transformed::no(node)),
    })
    .data()
}

pub fn restore_casts(expression: Expr) -> Result<Transformed<Expr>> {
    expression.transform_up(|part| match part {
        Expr::ScalarFunction(ScalarFunction { func, mut args }) if func.inner().is::<DeferredCast>() => {
            let deferred = func.inner().downcast_ref::<DeferredCast>().expect("a deferred cast");
            let operand = Box::new(args.swap_remove(0));
            Ok(Transformed::yes(Expr::Cast(Cast { expr: operand, field: Arc::clone(&deferred.field) })))
        }
        other => Ok(Transformed::no(other)),
    })
}

pub fn fold_around_failures(rules: &mut OptimizerRules) {
    wrap_rules(rules, &["simplify_expressions"], fold);
}

fn fold(
    folding: &dyn OptimizerRule,
    plan: LogicalPlan,
    config: &dyn OptimizerConfig,
) -> Result<Transformed<LogicalPlan>> {
    if !has(&plan, may_become_constant)? {
        return folding.rewrite(plan, config);
    }
    if let Ok(folded) = folding.rewrite(plan.clone(), config) {
        return Ok(folded);
    }
    let deferred = map_named(plan, defer_casts).data()?;
    let folded = folding.rewrite(deferred, config)?;
    // The rule may have put a node above.
    let restored = folded.data.transform_down(|node| node.map_expressions(restore_casts)).data()?;
    Ok(Transformed::new_transformed(restored, folded.transformed))
}

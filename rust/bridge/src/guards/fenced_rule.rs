// SPDX-License-Identifier: Apache-2.0
//! Hides parts of expressions from a rule of the optimiser: a fence around a part is a call that the rule knows nothing of. Fences stand
//! while the rule runs over one node, and are gone behind it, so that plans, their bytes and their execution never hold any.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Case, ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::OptimizerRules;
use super::nodes::{columns_of, has, map_named};
use super::wrapped_rule::wrap_rules;

/// Equal to another fence of the same number only. Volatile, so that nothing is computed or merged through it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Fence {
    number: usize,
    signature: Signature,
}

impl ScalarUDFImpl for Fence {
    fn name(&self) -> &str {
        "fence"
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    /// That of what it stands around: columns keep their names.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args[0].schema_name().to_string())
    }
    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[0].clone())
    }
    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::clone(&arguments.arg_fields[0]))
    }
    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("a fence for planning was left in the plan")
    }
}

/// Fences of different numbers hide that what they stand around is the same.
pub fn fence(expression: Expr, number: usize) -> Expr {
    ScalarUDF::from(Fence { number, signature: Signature::any(1, Volatility::Volatile) }).call(vec![expression])
}

fn fenced(expression: &Expr) -> Option<&Expr> {
    match expression {
        Expr::ScalarFunction(call) if call.func.inner().is::<Fence>() => call.args.first(),
        _ => None,
    }
}

/// Keeps a CASE over conditions from being taken apart: as one that compares true with them.
pub fn fence_case(case: Case) -> Expr {
    Expr::Case(Case { expr: Some(Box::new(fence(lit(true), 0))), ..case })
}

pub fn remove_fences(expression: Expr) -> Result<Transformed<Expr>> {
    expression.transform_down(|mut part| {
        let mut changed = false;
        if let Expr::Case(case) = &mut part
            && case.expr.as_deref().is_some_and(|base| fenced(base) == Some(&lit(true)))
        {
            case.expr = None;
            changed = true;
        }
        while fenced(&part).is_some() {
            let Expr::ScalarFunction(ScalarFunction { mut args, .. }) = part else { unreachable!("a fence is a call") };
            part = args.swap_remove(0);
            changed = true;
        }
        Ok(Transformed::new_transformed(part, changed))
    })
}

/// Puts fences into an expression over columns of the schema.
pub type RaiseFences = fn(Expr, &DFSchema) -> Result<Transformed<Expr>>;

/// Takes out of an expression what was put in.
pub type RemoveFences = fn(Expr) -> Result<Transformed<Expr>>;

/// Has every rule of the name run behind the fences, over nodes whose expressions have a part that fences are wanted for.
pub fn fence_rule(rules: &mut OptimizerRules, name: &str, wanted: fn(&Expr) -> bool, raise: RaiseFences) {
    change_for_rule(rules, name, wanted, raise, remove_fences);
}

/// The same with other changes than fences.
pub fn change_for_rule(
    rules: &mut OptimizerRules,
    name: &str,
    wanted: fn(&Expr) -> bool,
    raise: RaiseFences,
    remove: RemoveFences,
) {
    wrap_rules(rules, &[name], move |rule: &dyn OptimizerRule, plan: LogicalPlan, config: &dyn OptimizerConfig| {
        if !has(&plan, wanted)? {
            return rule.rewrite(plan, config);
        }
        let schema = columns_of(&plan)?;
        let raised = map_named(plan, |expression| raise(expression, &schema))?;
        let simplified = rule.rewrite(raised.data, config)?;
        if !raised.transformed {
            return Ok(simplified);
        }
        // The rule may have put a node above.
        let plan = simplified.data.transform_down(|node| node.map_expressions(remove)).data()?;
        Ok(Transformed::new(plan, simplified.transformed, simplified.tnr))
    });
}

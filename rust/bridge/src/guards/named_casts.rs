// SPDX-License-Identifier: Apache-2.0
//! Tells casts apart by name. The engine's names of expressions leave casts out, so that `max(k)` and `max(CAST(k AS VARCHAR))` are two
//! columns of one name, which it refuses. A statement that is refused so is planned again with each cast in a call whose name shows it;
//! the calls are gone behind the planner, the names stay.

use std::collections::HashSet;
use std::ops::ControlFlow;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr as LogicalExpr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use sqlparser::ast::{CastKind, Expr, VisitorMut};

use super::nodes::{has, map_named};
use super::{About, Guard, Means};
use crate::error::{BridgeError, Result as BridgeResult};
use crate::syntax::{call, visit};

pub struct NamedCasts;

impl Guard for NamedCasts {
    fn about(&self) -> About {
        About {
            name: "named_casts",
            version: 1,
            fault: "`SELECT max(k) AS a, max(CAST(k AS VARCHAR)) AS b FROM t` and `GROUP BY k, CAST(k AS BIGINT)` are refused as columns of one name",
            upstream: "unreported",
            means: Means::Correction,
            effect: "a cast is part of the name where names would be the same",
        }
    }

    fn functions(&self, context: &SessionContext) {
        context.register_udf(ScalarUDF::from(NamedCast { signature: Signature::any(1, Volatility::Immutable) }));
    }

    fn planned(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| match has(&node, |part| cast_in(part).is_some())? {
            true => map_named(node, |expression| {
                let is_set = matches!(expression, LogicalExpr::GroupingSet(_));
                if is_set && expression.exists(|part| Ok(cast_in(part).is_some()))? {
                    return Err(in_grouping_sets());
                }
                expression.transform_up(|part| Ok(bare(part)))
            }),
            false => Ok(Transformed::no(node)),
        })
        .data()
    }
}

const NAME: &str = "__named_cast";

/// Whether a statement was refused since expressions have the same name, or has keys of one, over which rules fail.
pub fn have_same_names(planned: &BridgeResult<LogicalPlan>) -> BridgeResult<bool> {
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => {
            let message = &error.message;
            return Ok(message.contains("unique expression names") || message.contains("Schema contains duplicate"));
        }
    };
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Aggregate(aggregate) = node
            && aggregate.group_expr.len() > 1
        {
            let mut names = HashSet::new();
            found = !aggregate.group_expr.iter().all(|key| names.insert(key.schema_name().to_string()));
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Puts calls around all casts of a statement.
pub fn name_casts(statement: &mut Statement) {
    let _ = visit(statement, &mut Naming);
}

struct Naming;

impl VisitorMut for Naming {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if matches!(expression, Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon | CastKind::TryCast, .. }) {
            let cast = std::mem::replace(expression, Expr::value(sqlparser::ast::Value::Null));
            *expression = call(NAME, vec![cast]);
        }
        ControlFlow::Continue(())
    }
}

/// Their keys have no names of their own.
fn in_grouping_sets() -> DataFusionError {
    let message = "keys of ROLLUP, CUBE or GROUPING SETS may not differ by a cast alone";
    let mut error = BridgeError::user("unsupported", message);
    error.details.insert("helps".into(), serde_json::json!(["give the cast a name in a subquery in FROM"]));
    DataFusionError::External(Box::new(error))
}

fn cast_in(part: &LogicalExpr) -> Option<&LogicalExpr> {
    match part {
        LogicalExpr::ScalarFunction(call) if call.name() == NAME => call.args.first(),
        _ => None,
    }
}

fn bare(part: LogicalExpr) -> Transformed<LogicalExpr> {
    match part {
        LogicalExpr::ScalarFunction(ScalarFunction { func, mut args }) if func.name() == NAME => {
            Transformed::yes(args.swap_remove(0))
        }
        other => Transformed::no(other),
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NamedCast {
    signature: Signature,
}

impl ScalarUDFImpl for NamedCast {
    fn name(&self) -> &str {
        NAME
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    /// That of the cast as it is shown.
    fn schema_name(&self, args: &[LogicalExpr]) -> Result<String> {
        Ok(args[0].to_string())
    }
    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[0].clone())
    }
    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(arguments.arg_fields[0].clone())
    }
    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("a name for planning was left in the plan")
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The calls whose value is the time: `now()`, `current_date` and `current_time`. Plans that are kept hold them as calls; what is executed
//! holds one time in their place, which C++ chooses.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::error::{BridgeError, Result, entry};
use crate::plan::Plan;
use crate::session::Session;

const CLOCK: [&str; 3] = ["current_date", "current_time", "now"];

pub fn time_of(now_us: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(now_us)
        .ok_or_else(|| BridgeError::user("invalid_argument", format!("a time is wanted, found {now_us} microseconds")))
}

fn with_time(expression: Expr, context: &SimplifyContext) -> EngineResult<Transformed<Expr>> {
    expression.transform_up(|part| match part {
        Expr::ScalarFunction(ScalarFunction { func, args }) if CLOCK.contains(&func.name()) => {
            Ok(match func.simplify(args, context)? {
                ExprSimplifyResult::Simplified(time) => Transformed::yes(time),
                ExprSimplifyResult::Original(args) => {
                    Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))
                }
            })
        }
        other => Ok(Transformed::no(other)),
    })
}

fn node_with_time(node: LogicalPlan, context: &SimplifyContext) -> EngineResult<Transformed<LogicalPlan>> {
    let names = NamePreserver::new(&node);
    node.map_expressions(|expression| {
        let name = names.save(&expression);
        Ok(with_time(expression, context)?.update_data(|expression| name.restore(expression)))
    })
}

pub fn pin_clock(session: &Session, plan: Box<Plan>, now_us: i64) -> Result<Box<Plan>> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(state.config_options()))
            .with_query_execution_start_time(Some(time_of(now_us)?))
            .build();
        let Plan { plan, steps, is_analyzed } = *plan;
        let plan = plan.transform_down_with_subqueries(|node| node_with_time(node, &context))?.data;
        Ok(Box::new(Plan { plan, steps, is_analyzed }))
    })
}

// SPDX-License-Identifier: Apache-2.0
//! Native aggregates in the place of the engine's. Which stands for which is C++'s declaration, as is whether a session wants them; they are
//! put into optimised plans, since rules of the optimiser know the engine's own.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::functions_aggregate::all_default_aggregate_functions;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{AggregateUDF, Expr, ExprSchemable, LogicalPlan, WindowFunctionDefinition};

use super::aggregate::NativeAggregateUdf;

/// Whether a session puts them into its plans; an extension of its configuration.
#[derive(Debug, Default)]
pub struct StandIns(pub bool);

/// Puts native aggregates of floats in the place of those for which they stand. Columns keep their names.
pub fn with_stand_ins(state: &SessionState, plan: LogicalPlan) -> Result<LogicalPlan> {
    if !state.config().get_extension::<StandIns>().is_some_and(|wanted| wanted.0) {
        return Ok(plan);
    }
    let natives: HashMap<&str, &Arc<AggregateUDF>> =
        state.aggregate_functions().values().filter_map(|function| Some((stands_for(function)?, function))).collect();
    replaced(plan, |function, arguments, schema| {
        let Some(native) = natives.get(function.name()) else { return Ok(None) };
        for argument in arguments {
            if argument.get_type(schema)? != DataType::Float64 {
                return Ok(None);
            }
        }
        Ok(Some(Arc::clone(native)))
    })
}

/// The engine's own again, as other engines know them.
pub fn without_stand_ins(plan: LogicalPlan) -> Result<LogicalPlan> {
    let engine = all_default_aggregate_functions();
    replaced(plan, |function, _, _| {
        let name = stands_for(function);
        Ok(engine.iter().find(|own| Some(own.name()) == name).cloned())
    })
}

fn stands_for(function: &AggregateUDF) -> Option<&str> {
    let native = function.inner().downcast_ref::<NativeAggregateUdf>()?;
    Some(native.stands_for()).filter(|name| !name.is_empty())
}

/// `other` says which function takes the place of one that is called with arguments over the columns of a schema, if any.
fn replaced(
    plan: LogicalPlan,
    other: impl Fn(&AggregateUDF, &[Expr], &DFSchema) -> Result<Option<Arc<AggregateUDF>>>,
) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let input = match &node {
            LogicalPlan::Aggregate(aggregate) => &aggregate.input,
            LogicalPlan::Window(window) => &window.input,
            _ => return Ok(Transformed::no(node)),
        };
        let schema = Arc::clone(input.schema());
        let names = NamePreserver::new(&node);
        node.map_expressions(|expression| {
            let name = names.save(&expression);
            let changed = expression.transform_up(|mut part| {
                let called = match &mut part {
                    Expr::AggregateFunction(call) => Some((&mut call.func, &call.params.args)),
                    Expr::WindowFunction(call) => match &mut call.fun {
                        WindowFunctionDefinition::AggregateUDF(function) => Some((function, &call.params.args)),
                        WindowFunctionDefinition::WindowUDF(_) => None,
                    },
                    _ => None,
                };
                let Some((function, arguments)) = called else { return Ok(Transformed::no(part)) };
                let Some(stand_in) = other(function, arguments, &schema)? else { return Ok(Transformed::no(part)) };
                *function = stand_in;
                Ok(Transformed::yes(part))
            })?;
            Ok(changed.update_data(|expression| name.restore(expression)))
        })
    })
    .data()
}

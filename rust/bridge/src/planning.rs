// SPDX-License-Identifier: Apache-2.0
//! From statements to logical plans, and from those to analysed and optimised ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::common::alias::AliasGenerator;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, TableReference};
use datafusion::config::ConfigOptions;
use datafusion::error::Result as EngineResult;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Sort, cast};
use datafusion::optimizer::OptimizerConfig;
use datafusion::sql::parser::Statement;
use sqlparser::ast;

use crate::error::{BridgeError, Result, entry};
use crate::ffi;
use crate::functions::with_stand_ins;
use crate::parsing::parse;
use crate::plan::Plan;
use crate::planning_steps::collecting;
use crate::preparation::plan_statement;
use crate::runtime::{Cancellation, block_on};
use crate::session::Session;
use crate::table::import_schema;

pub fn table_references(session: &Session, sql: &str, dialect: &str) -> Result<Vec<String>> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let statement = parse(&state, sql, dialect)?;
        let names: BTreeSet<String> = state
            .resolve_table_references(&statement)?
            .into_iter()
            .map(|reference| match reference {
                TableReference::Bare { table } => table.to_string(),
                TableReference::Partial { schema, table } => format!("{schema}.{table}"),
                TableReference::Full { schema, table, .. } => format!("{schema}.{table}"),
            })
            .collect();
        Ok(names.into_iter().collect())
    })
}

pub fn plan_sql(session: &Session, sql: &str, dialect: &str) -> Result<Box<Plan>> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let statement = parse(&state, sql, dialect)?;
        let is_query = matches!(&statement, Statement::Statement(root) if matches!(**root, ast::Statement::Query(_)));
        let (planned, steps) = collecting(|| plan_statement(&state, statement, || parse(&state, sql, dialect)));
        let (plan, seen) = planned?;
        // The planner makes nothing but queries of a query, save for SELECT … INTO.
        if !is_query || seen.has_into {
            let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
            options.verify_plan(&plan)?;
        }
        if matches!(plan, LogicalPlan::Copy(_) | LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)) {
            return Err(BridgeError::user(
                "unsupported",
                "a query (SELECT, WITH or VALUES) is wanted, found another statement",
            ));
        }
        let plan = if seen.has_order_by { order_hidden_sort_columns(plan)? } else { plan };
        Ok(Box::new(Plan { plan, steps, is_analyzed: false }))
    })
}

/// The planner adds the columns that ORDER BY needs but SELECT leaves out in the order of a hash set, which differs from process to
/// process. Puts them in the order of their names, so that the same text makes the same plan; nothing refers to them by position.
fn order_hidden_sort_columns(plan: LogicalPlan) -> EngineResult<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Projection(outer) = &node else {
            return Ok(Transformed::no(node));
        };
        let LogicalPlan::Sort(sort) = outer.input.as_ref() else {
            return Ok(Transformed::no(node));
        };
        let LogicalPlan::Projection(inner) = sort.input.as_ref() else {
            return Ok(Transformed::no(node));
        };
        let selected = outer.expr.len();
        if inner.expr.len() < selected + 2 {
            return Ok(Transformed::no(node));
        }
        let mut expressions = inner.expr.clone();
        expressions[selected..].sort_by_cached_key(|e| e.to_string());
        let inner = Projection::try_new(expressions, Arc::clone(&inner.input))?;
        let sort = Sort { expr: sort.expr.clone(), input: Arc::new(LogicalPlan::Projection(inner)), fetch: sort.fetch };
        let outer = Projection::try_new(outer.expr.clone(), Arc::new(LogicalPlan::Sort(sort)))?;
        Ok(Transformed::yes(LogicalPlan::Projection(outer)))
    })?;
    Ok(rewritten.data)
}

pub unsafe fn cast_plan(plan: Box<Plan>, schema: *mut ffi::ArrowSchema) -> Result<Box<Plan>> {
    entry(|| {
        let wanted = unsafe { import_schema(schema) }?;
        let Plan { plan, steps, .. } = *plan;
        let columns = plan.schema().columns();
        if columns.len() != wanted.fields().len() {
            let text = format!("{} columns are wanted, found {}", wanted.fields().len(), columns.len());
            return Err(BridgeError::user("invalid_argument", text));
        }
        let outputs = columns
            .into_iter()
            .zip(wanted.fields())
            .map(|(column, field)| cast(Expr::Column(column), field.data_type().clone()).alias(field.name()))
            .collect();
        let plan = LogicalPlan::Projection(Projection::try_new(outputs, Arc::new(plan))?);
        Ok(Box::new(Plan { plan, steps, is_analyzed: false }))
    })
}

pub fn sort_plan(plan: Box<Plan>, columns: &[String]) -> Result<Box<Plan>> {
    entry(|| {
        let Plan { plan, steps, is_analyzed } = *plan;
        let expr = columns
            .iter()
            .map(|name| {
                let (qualifier, field) = plan.schema().qualified_field_with_unqualified_name(name)?;
                Ok(Expr::Column(Column::from((qualifier, field))).sort(true, false))
            })
            .collect::<EngineResult<Vec<_>>>()?;
        let plan = LogicalPlan::Sort(Sort { expr, input: Arc::new(plan), fetch: None });
        Ok(Box::new(Plan { plan, steps, is_analyzed }))
    })
}

/// What the optimiser knows of the session, with aliases that start anew for each plan: the same text makes the same plan.
struct Planning<'a> {
    state: &'a SessionState,
    /// What calls of the clock become; `None`: they stay calls.
    started_at: Option<DateTime<Utc>>,
    aliases: Arc<AliasGenerator>,
}

impl OptimizerConfig for Planning<'_> {
    fn query_execution_start_time(&self) -> Option<DateTime<Utc>> {
        self.started_at
    }
    fn alias_generator(&self) -> &Arc<AliasGenerator> {
        &self.aliases
    }
    fn options(&self) -> Arc<ConfigOptions> {
        Arc::clone(self.state.config().options())
    }
    fn function_registry(&self) -> Option<&dyn FunctionRegistry> {
        Some(self.state)
    }
}

fn analyze(state: &SessionState, plan: LogicalPlan) -> EngineResult<LogicalPlan> {
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}

// A plan that nobody else holds is changed in place; of a shared one every node is copied.
pub fn analyze_plan(session: &Session, plan: Box<Plan>) -> Result<Box<Plan>> {
    entry(|| {
        let Plan { plan, steps, .. } = *plan;
        let plan = analyze(&session.context.state_ref().read(), plan)?;
        Ok(Box::new(Plan { plan, steps, is_analyzed: true }))
    })
}

pub fn optimize_plan(session: &Session, plan: Box<Plan>, keeps_clock: bool) -> Result<Box<Plan>> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let started_at = (!keeps_clock).then(Utc::now);
        let planning = Planning { state: &state, started_at, aliases: Arc::new(AliasGenerator::new()) };
        let Plan { plan, mut steps, is_analyzed } = *plan;
        let analyzed = if is_analyzed { plan } else { analyze(&state, plan)? };
        let (optimized, opened) = collecting(|| state.optimizer().optimize(analyzed, &planning, |_, _| {}));
        steps.extend(opened);
        Ok(Box::new(Plan { plan: with_stand_ins(&state, optimized?)?, steps, is_analyzed: true }))
    })
}

pub fn apply_statement(session: &Session, sql: &str, dialect: &str, cancellation: &Cancellation) -> Result<Box<Plan>> {
    entry(|| {
        let state = session.context.state();
        let statement = parse(&state, sql, dialect)?;
        let (planned, steps) = collecting(|| plan_statement(&state, statement, || parse(&state, sql, dialect)));
        let (plan, _) = planned?;
        let plan = match plan {
            LogicalPlan::Ddl(_) | LogicalPlan::Statement(_) => {
                let context = session.context.clone();
                let applied = block_on(
                    cancellation.guard(async move { Ok(Box::pin(context.execute_logical_plan(plan)).await?) }),
                )?;
                applied.into_unoptimized_plan()
            }
            other => other,
        };
        Ok(Box::new(Plan { plan, steps, is_analyzed: false }))
    })
}

// SPDX-License-Identifier: Apache-2.0
//! Statements made ready for the engine's planner: calls completed, silent omissions refused.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, JoinOperator, Query, SelectItem, SetExpr, TableAlias, TableFactor,
    TableWithJoins, Value, VisitorMut,
};
use sqlparser::tokenizer::Span;

use crate::error::{BridgeError, Result};
use crate::functions::complete_call;
use crate::guards::{PartPlanner, TreeGuards, have_same_names, name_casts};
use crate::parameters::Parameters;
use crate::runtime::block_on;
use crate::syntax::{call, folded, visit};
use crate::table_functions::arrange_table_call;

/// Brings a statement into the form that the planner takes: calls of native, user and table functions. Breaks at what the parser reads
/// and the planner leaves out without a word although it changes the result, and at what a guard refuses.
struct Preparation<'a> {
    state: &'a SessionState,
    guards: TreeGuards,
    parameters: Arc<Parameters>,
    seen: Seen,
}

/// What the tree of a statement says of its plan.
#[derive(Default)]
pub struct Seen {
    pub has_order_by: bool,
    pub has_into: bool,
}

impl VisitorMut for Preparation<'_> {
    type Break = BridgeError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<BridgeError> {
        let in_query = [
            ("FOR XML, FOR JSON or FOR BROWSE", query.for_clause.is_some()),
            ("SETTINGS", query.settings.is_some()),
            ("FORMAT", query.format_clause.is_some()),
        ];
        break_at(&in_query)?;
        self.seen.has_order_by |= query.order_by.is_some() || !query.pipe_operators.is_empty();
        self.look_at(&mut query.body)?;
        broken(self.guards.query(query))
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<BridgeError> {
        match table {
            TableFactor::Table { version, with_ordinality, partitions, json_path, sample, .. } => break_at(&[
                ("time travel (VERSION or TIMESTAMP AS OF, FOR SYSTEM_TIME)", version.is_some()),
                ("WITH ORDINALITY", *with_ordinality),
                ("PARTITION after a table", !partitions.is_empty()),
                ("a path into a table", json_path.is_some()),
                ("TABLESAMPLE", sample.is_some()),
            ])?,
            TableFactor::Derived { sample, .. } => break_at(&[("TABLESAMPLE", sample.is_some())])?,
            TableFactor::NestedJoin { table_with_joins, .. } => name_sides(table_with_joins),
            _ => {}
        }
        name_unnest(table);
        arrange_table_call(self.state, table);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<BridgeError> {
        broken(self.parameters.fill(expression))?;
        // The planner reads the elements of a list without the queries around.
        if let Expr::Array(list) = expression
            && !list.elem.is_empty()
        {
            *expression = call("make_array", std::mem::take(&mut list.elem));
        }
        complete_call(self.state, expression);
        broken(self.guards.expression(expression))
    }
}

/// LATERAL unnest(…) is unnest(…), which sees what stands before it anyway.
fn name_unnest(table: &mut TableFactor) {
    let TableFactor::Function { name, args, alias, .. } = table else { return };
    let is_unnest = matches!(name.0.as_slice(), [part] if part.as_ident().is_some_and(|name| folded(name) == "unnest"));
    let lists: Option<Vec<Expr>> = args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(list)) => Some(list.clone()),
            _ => None,
        })
        .collect();
    if let (true, Some(array_exprs)) = (is_unnest, lists) {
        *table = TableFactor::UNNEST {
            alias: alias.take(),
            array_exprs,
            with_offset: false,
            with_offset_alias: None,
            with_ordinality: false,
        };
    }
}

/// SEMI and ANTI are of the left side; the planner wants that said.
fn name_sides(table: &mut TableWithJoins) {
    for join in &mut table.joins {
        join.join_operator = match std::mem::replace(&mut join.join_operator, JoinOperator::CrossApply) {
            JoinOperator::Semi(constraint) => JoinOperator::LeftSemi(constraint),
            JoinOperator::Anti(constraint) => JoinOperator::LeftAnti(constraint),
            other => other,
        };
    }
}

/// `1_000` is read as 1 under the name `_000`, and `1a` as 1 under the name `a`.
fn refuse_broken_number(item: &SelectItem) -> Result<()> {
    let SelectItem::ExprWithAlias { expr: Expr::Value(value), alias } = item else {
        return Ok(());
    };
    if !matches!(value.value, Value::Number(..)) || value.span.end != alias.span.start || alias.span == Span::empty() {
        return Ok(());
    }
    let found = format!("{}{}", value.value, alias.value);
    let mut error = BridgeError::user("parse_failed", format!("a number is wanted, found `{found}`"));
    let help = match alias.value.trim_start_matches('_').chars().all(|c| c.is_ascii_digit() || c == '_') {
        true => format!("write it without underscores: {}", found.replace('_', "")),
        false => format!("put AS between a value and its name: {} AS {}", value.value, alias.value),
    };
    error.details.insert("helps".into(), serde_json::json!([help]));
    Err(error)
}

fn break_at(constructs: &[(&'static str, bool)]) -> ControlFlow<BridgeError> {
    match constructs.iter().find(|(_, found)| *found) {
        Some((name, _)) => {
            ControlFlow::Break(BridgeError::user("unsupported", format!("the engine does not support {name}")))
        }
        None => ControlFlow::Continue(()),
    }
}

fn broken(outcome: Result<()>) -> ControlFlow<BridgeError> {
    match outcome {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl Preparation<'_> {
    fn look_at(&mut self, body: &mut SetExpr) -> ControlFlow<BridgeError> {
        match body {
            SetExpr::Select(select) => {
                self.seen.has_into |= select.into.is_some();
                select.from.iter_mut().for_each(name_sides);
                select.projection.iter_mut().for_each(|item| self.parameters.name_column(item));
                let in_select = [
                    ("PREWHERE", select.prewhere.is_some()),
                    ("CONNECT BY", !select.connect_by.is_empty()),
                    ("SELECT AS STRUCT or AS VALUE", select.value_table_mode.is_some()),
                    ("EXCLUDE after a list of columns", select.exclude.is_some()),
                ];
                break_at(&in_select)?;
                broken(select.projection.iter().try_for_each(refuse_broken_number))
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.look_at(left)?;
                self.look_at(right)
            }
            // A query in parentheses is visited by itself.
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Gives tables that are named by a path the name of the file: `FROM 'data/orders.csv'` is known as `orders`.
struct PathNames;

impl VisitorMut for PathNames {
    type Break = BridgeError;

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<BridgeError> {
        if let TableFactor::Table { name, alias: alias @ None, args: None, .. } = table
            && let [part] = name.0.as_slice()
            && let Some(path) = part.as_ident()
        {
            *alias = file_name(path).map(|name| TableAlias {
                explicit: true,
                name: Ident::with_quote('"', name),
                columns: Vec::new(),
                at: None,
            });
        }
        ControlFlow::Continue(())
    }
}

/// In lower case, up to the first dot. None for what is no path, or is a pattern.
fn file_name(path: &Ident) -> Option<String> {
    let text = path.value.as_str();
    if path.quote_style.is_none() || !(text.contains('/') || path.quote_style == Some('\'') && text.contains('.')) {
        return None;
    }
    let name = text.trim_end_matches('/').rsplit('/').next()?.split('.').next()?;
    if name.is_empty() || name.contains(['*', '?', '[']) { None } else { Some(name.to_lowercase()) }
}

fn prepare(state: &SessionState, statement: &mut Statement) -> Result<Seen> {
    let mut preparation =
        Preparation { state, guards: TreeGuards::of(state), parameters: Parameters::of(state), seen: Seen::default() };
    match visit(statement, &mut preparation) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(preparation.seen),
    }
}

/// Plans a statement once its calls are prepared. Refuses what would be left out silently. `again`: the same statement, to be planned with
/// names for casts where expressions have the same.
pub fn plan_statement(
    state: &SessionState,
    mut statement: Statement,
    again: impl FnOnce() -> Result<Statement>,
) -> Result<(LogicalPlan, Seen)> {
    let guards = TreeGuards::of(state);
    let ready = |statement: &mut Statement| {
        // Before the guards, which go by the names of tables.
        if let ControlFlow::Break(error) = visit(statement, &mut PathNames) {
            return Err(error);
        }
        guards.statement(&Parts(state), statement)?;
        prepare(state, statement)
    };
    let plan = |statement| Ok(block_on(state.statement_to_plan(statement))?);
    let seen = ready(&mut statement)?;
    let mut planned = plan(statement);
    if have_same_names(&planned)? {
        let mut statement = again()?;
        ready(&mut statement)?;
        name_casts(&mut statement);
        planned = plan(statement).or(planned);
    }
    Ok((guards.planned(planned?)?, seen))
}

struct Parts<'a>(&'a SessionState);

impl PartPlanner for Parts<'_> {
    fn plan(&self, mut statement: Statement) -> Result<LogicalPlan> {
        prepare(self.0, &mut statement)?;
        Ok(block_on(self.0.statement_to_plan(statement))?)
    }
}

// SPDX-License-Identifier: Apache-2.0
//! SQL text: read in a named dialect, refused where it is too deep, and its syntax tree as JSON. Nothing here plans.

use std::ops::ControlFlow;

use datafusion::config::Dialect;
use datafusion::execution::session_state::SessionState;
use datafusion::sql::parser::{CopyToSource, ResetStatement, Statement};
use serde_json::{Value, json};
use sqlparser::ast::{Expr, ExprWithAlias, Query, SetExpr, SetQuantifier, VisitMut, VisitorMut};

use crate::error::{BridgeError, Result, entry};
use crate::ffi::ParsedSql;
use crate::guards::TreeGuards;
use crate::session::Session;
use crate::syntax::visit;

/// Syntax trees are walked by recursion, one level an operator of a chain.
const TREE_STACK_BYTES: usize = 512 << 20;

/// How deep expressions and queries may be. The engine copies, compares and drops expressions and plans by recursion without any
/// protection; on a stack of 8 MiB that ends well up to about twice this.
const MAX_EXPRESSION_LEVELS: usize = 2000;
const MAX_QUERY_LEVELS: usize = 1000;

/// An empty name is the session's dialect.
fn dialect_named(state: &SessionState, name: &str) -> Result<Dialect> {
    Ok(match name {
        "" => state.config_options().sql_parser.dialect,
        name => name.parse::<Dialect>()?,
    })
}

/// Parses one statement. An empty dialect is the session's. Refuses what is too deep.
pub fn parse(state: &SessionState, sql: &str, dialect: &str) -> Result<Statement> {
    let dialect = dialect_named(state, dialect)?;
    let mut statement = state.sql_to_statement(sql, &dialect)?;
    // Each level takes a character at least.
    if sql.len() > MAX_QUERY_LEVELS && visit(&mut statement, &mut Levels::default()).is_break() {
        return Err(too_deep(statement));
    }
    match visit(&mut statement, &mut Operators { guards: TreeGuards::of(state), dialect }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(statement),
    }
}

/// Parses one expression, likewise.
pub fn parse_expression(state: &SessionState, sql: &str, dialect: &str) -> Result<ExprWithAlias> {
    let dialect = dialect_named(state, dialect)?;
    let mut parsed = state.sql_to_expr_with_alias(sql, &dialect)?;
    if sql.len() > MAX_QUERY_LEVELS && VisitMut::visit(&mut parsed.expr, &mut Levels::default()).is_break() {
        return Err(too_deep(parsed));
    }
    match VisitMut::visit(&mut parsed.expr, &mut Operators { guards: TreeGuards::of(state), dialect }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(parsed),
    }
}

/// Has the order looked at in which operators were read.
struct Operators {
    guards: TreeGuards,
    dialect: Dialect,
}

impl VisitorMut for Operators {
    type Break = BridgeError;

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<BridgeError> {
        match self.guards.operators(expression, self.dialect) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

fn too_deep<T>(tree: T) -> BridgeError {
    // It would be dropped by recursion, which it is too deep for.
    std::mem::forget(tree);
    let message = format!(
        "operators in chains of at most {MAX_EXPRESSION_LEVELS} are wanted, and at most {MAX_QUERY_LEVELS} tables of a FROM, queries of a \
         WITH or branches of a UNION (half as many of one that removes duplicates), found more levels"
    );
    BridgeError::user("unsupported", message)
}

/// Breaks as soon as it is too deep.
#[derive(Default)]
struct Levels {
    expressions: usize,
}

impl VisitorMut for Levels {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let named = query.with.as_ref().map_or(0, |with| with.cte_tables.len());
        let mut bodies = vec![(query.body.as_ref(), 1)];
        while let Some((body, level)) = bodies.pop() {
            let joined = match body {
                SetExpr::SetOperation { left, right, set_quantifier, .. } => {
                    let below = level + if *set_quantifier == SetQuantifier::All { 1 } else { 2 };
                    bodies.extend([(left.as_ref(), below), (right.as_ref(), below)]);
                    0
                }
                SetExpr::Select(select) => select.from.iter().map(|table| 1 + table.joins.len()).sum(),
                _ => 0,
            };
            if named + level + joined > MAX_QUERY_LEVELS {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
        self.expressions += 1;
        if self.expressions > MAX_EXPRESSION_LEVELS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
        self.expressions -= 1;
        ControlFlow::Continue(())
    }
}

pub fn read_dialects() -> Vec<String> {
    Dialect::metadata().iter().map(|info| info.canonical_name.to_string()).collect()
}

/// Runs `work` on a stack that syntax trees may be walked on.
pub fn with_deep_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(TREE_STACK_BYTES).spawn_scoped(scope, || entry(work));
        let thread =
            thread.map_err(|e| BridgeError::new("io", "environment", format!("cannot start a thread: {e}")))?;
        thread.join().unwrap_or_else(|_| Err(BridgeError::bug("a thread of the parser panicked")))
    })
}

/// The tree of a statement as the parser names its nodes; the engine's own statements likewise.
fn tree_of(statement: &Statement) -> serde_json::Result<Value> {
    Ok(match statement {
        Statement::Statement(statement) => serde_json::to_value(statement)?,
        Statement::CreateExternalTable(create) => json!({ "CreateExternalTable": { "name": create.name } }),
        Statement::CopyTo(copy) => {
            let source = match &copy.source {
                CopyToSource::Relation(name) => json!({ "Relation": name }),
                CopyToSource::Query(query) => json!({ "Query": query }),
            };
            json!({ "CopyTo": { "source": source, "target": copy.target, "options": copy.options } })
        }
        Statement::Explain(explain) => json!({ "Explain": {
            "analyze": explain.options.analyze, "verbose": explain.options.verbose, "statement": tree_of(&explain.statement)?,
        }}),
        Statement::Reset(ResetStatement::Variable(name)) => json!({ "Reset": { "variable": name } }),
    })
}

/// Removes places in the text, and tokens that are kept for nothing else.
fn without_places(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_places).collect(),
        // A node of one token keeps its name.
        Value::Object(fields) if fields.len() == 1 => fields
            .into_iter()
            .map(|(key, value)| (key, if is_token(&value) { Value::Null } else { without_places(value) }))
            .collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(key, value)| key != "span" && !is_token(value))
            .map(|(key, value)| (key, without_places(value)))
            .collect(),
        other => other,
    }
}

fn is_token(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|fields| fields.len() == 2 && fields.contains_key("token") && fields.contains_key("span"))
}

pub fn parse_sql(session: &Session, sql: &str, dialect: &str) -> Result<ParsedSql> {
    let work = || {
        let statement = parse(&session.context.state_ref().read(), sql, dialect)?;
        let tree = tree_of(&statement).map_err(|e| BridgeError::bug(format!("a syntax tree has no JSON: {e}")))?;
        Ok(ParsedSql { tree: without_places(tree).to_string(), sql: statement.to_string() })
    };
    // Each level takes a character at least, and a thread of its own longer than a short text.
    if sql.len() <= MAX_QUERY_LEVELS { entry(work) } else { with_deep_stack(work) }
}

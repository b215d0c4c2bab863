// SPDX-License-Identifier: Apache-2.0
//! SQL text: reading it in a dialect, its syntax tree, and plans written as SQL.

use std::ops::ControlFlow;

use datafusion::config::Dialect;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{CopyToSource, ResetStatement, Statement};
use datafusion::sql::unparser::dialect as written;
use serde_json::{Value, json};
use sqlparser::ast::{Expr, ExprWithAlias, Ident, Query, SetExpr, SetQuantifier, TableFactor, VisitMut, VisitorMut};

use crate::error::{BridgeError, Result, entry};
use crate::ffi::ParsedSql;
use crate::functions::complete_call;
use crate::plan::Plan;
use crate::planning_steps::collecting;
use crate::runtime::{Cancellation, block_on};
use crate::session::Session;
use crate::table_functions::arrange_table_call;

/// Syntax trees are walked by recursion, one level an operator of a chain.
const TREE_STACK_BYTES: usize = 512 << 20;

/// How deep expressions and queries may be. The engine copies, compares and drops expressions and plans by recursion without any
/// protection; on a stack of 8 MiB that ends well up to about twice this.
const MAX_EXPRESSION_LEVELS: usize = 2000;
const MAX_QUERY_LEVELS: usize = 1000;

/// A name as SQL means it: in lower case unless it is quoted.
pub fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

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
    Ok(statement)
}

/// Parses one expression, likewise.
pub fn parse_expression(state: &SessionState, sql: &str, dialect: &str) -> Result<ExprWithAlias> {
    let dialect = dialect_named(state, dialect)?;
    let mut parsed = state.sql_to_expr_with_alias(sql, &dialect)?;
    if sql.len() > MAX_QUERY_LEVELS && VisitMut::visit(&mut parsed.expr, &mut Levels::default()).is_break() {
        return Err(too_deep(parsed));
    }
    Ok(parsed)
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

/// Continues over what holds no query.
fn visit<V: VisitorMut>(statement: &mut Statement, visitor: &mut V) -> ControlFlow<V::Break> {
    match statement {
        Statement::Statement(statement) => VisitMut::visit(statement.as_mut(), visitor),
        Statement::Explain(explain) => visit(explain.statement.as_mut(), visitor),
        Statement::CopyTo(copy) => match &mut copy.source {
            CopyToSource::Query(query) => VisitMut::visit(query.as_mut(), visitor),
            CopyToSource::Relation(_) => ControlFlow::Continue(()),
        },
        _ => ControlFlow::Continue(()),
    }
}

pub fn read_dialects() -> Vec<String> {
    Dialect::metadata().iter().map(|info| info.canonical_name.to_string()).collect()
}

pub fn written_dialects() -> Vec<String> {
    ["bigquery", "duckdb", "generic", "mysql", "postgresql", "snowflake", "sqlite"].map(String::from).to_vec()
}

fn written_dialect(name: &str) -> Result<Box<dyn written::Dialect>> {
    Ok(match name {
        "bigquery" => Box::new(written::BigQueryDialect::new()),
        "duckdb" => Box::new(written::DuckDBDialect::new()),
        "generic" => Box::new(written::DefaultDialect {}),
        "mysql" => Box::new(written::MySqlDialect {}),
        "postgresql" => Box::new(written::PostgreSqlDialect {}),
        "snowflake" => Box::new(written::SnowflakeDialect::new()),
        "sqlite" => Box::new(written::SqliteDialect {}),
        other => return Err(BridgeError::bug(format!("no dialect that plans are written in: `{other}`"))),
    })
}

pub fn plan_to_sql(plan: &Plan, name: &str) -> Result<String> {
    with_deep_stack(|| {
        let dialect = written_dialect(name)?;
        let query = crate::written_sql::write_plan(&plan.plan, name, dialect.as_ref())?;
        Ok(format!("{query:#}"))
    })
}

fn with_deep_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
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
    with_deep_stack(|| {
        let statement = parse(&session.context.state_ref().read(), sql, dialect)?;
        let tree = tree_of(&statement).map_err(|e| BridgeError::bug(format!("a syntax tree has no JSON: {e}")))?;
        Ok(ParsedSql { tree: without_places(tree).to_string(), sql: statement.to_string() })
    })
}

/// Brings a statement into the form that the planner takes: calls of native, user and table functions. Breaks at what the parser reads
/// and the planner leaves out without a word although it changes the result.
struct Preparation<'a> {
    state: &'a SessionState,
    seen: Seen,
}

/// What the tree of a statement says of its plan.
#[derive(Default)]
pub struct Seen {
    pub has_order_by: bool,
    pub has_into: bool,
}

impl VisitorMut for Preparation<'_> {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<&'static str> {
        let in_query = [
            ("FOR XML, FOR JSON or FOR BROWSE", query.for_clause.is_some()),
            ("SETTINGS", query.settings.is_some()),
            ("FORMAT", query.format_clause.is_some()),
        ];
        break_at(&in_query)?;
        self.seen.has_order_by |= query.order_by.is_some() || !query.pipe_operators.is_empty();
        self.look_at(&query.body)
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<&'static str> {
        match table {
            TableFactor::Table { version, with_ordinality, partitions, json_path, sample, .. } => break_at(&[
                ("time travel (VERSION or TIMESTAMP AS OF, FOR SYSTEM_TIME)", version.is_some()),
                ("WITH ORDINALITY", *with_ordinality),
                ("PARTITION after a table", !partitions.is_empty()),
                ("a path into a table", json_path.is_some()),
                ("TABLESAMPLE", sample.is_some()),
            ])?,
            TableFactor::Derived { sample, .. } => break_at(&[("TABLESAMPLE", sample.is_some())])?,
            _ => {}
        }
        arrange_table_call(self.state, table);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<&'static str> {
        complete_call(self.state, expression);
        ControlFlow::Continue(())
    }
}

fn break_at(constructs: &[(&'static str, bool)]) -> ControlFlow<&'static str> {
    match constructs.iter().find(|(_, found)| *found) {
        Some((name, _)) => ControlFlow::Break(name),
        None => ControlFlow::Continue(()),
    }
}

impl Preparation<'_> {
    fn look_at(&mut self, body: &SetExpr) -> ControlFlow<&'static str> {
        match body {
            SetExpr::Select(select) => {
                self.seen.has_into |= select.into.is_some();
                let in_select = [
                    ("PREWHERE", select.prewhere.is_some()),
                    ("CONNECT BY", !select.connect_by.is_empty()),
                    ("SELECT AS STRUCT or AS VALUE", select.value_table_mode.is_some()),
                    ("EXCLUDE after a list of columns", select.exclude.is_some()),
                ];
                break_at(&in_select)
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

fn prepare(state: &SessionState, statement: &mut Statement) -> Result<Seen> {
    let mut preparation = Preparation { state, seen: Seen::default() };
    match visit(statement, &mut preparation) {
        ControlFlow::Break(name) => {
            Err(BridgeError::user("unsupported", format!("the engine does not support {name}")))
        }
        ControlFlow::Continue(()) => Ok(preparation.seen),
    }
}

/// Plans a statement once its calls are prepared. Refuses what would be left out silently.
pub fn plan_statement(state: &SessionState, mut statement: Statement) -> Result<(LogicalPlan, Seen)> {
    let seen = prepare(state, &mut statement)?;
    Ok((block_on(state.statement_to_plan(statement))?, seen))
}

pub fn apply_statement(session: &Session, sql: &str, dialect: &str, cancellation: &Cancellation) -> Result<Box<Plan>> {
    entry(|| {
        let state = session.context.state();
        let statement = parse(&state, sql, dialect)?;
        let (planned, steps) = collecting(|| plan_statement(&state, statement));
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
        Ok(Box::new(Plan { plan, steps }))
    })
}

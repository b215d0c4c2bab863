// SPDX-License-Identifier: Apache-2.0
//! What the tables of a statement look like before it is planned: parts of it planned by themselves, with the queries of WITH that they
//! name.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use sqlparser::ast::{
    self, Cte, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, With, visit_relations,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::PartPlanner;
use crate::error::{BridgeError, Result};
use crate::syntax::folded;

/// The queries of WITH around a place, the outermost first.
pub struct NamedQueries<'a> {
    planner: &'a dyn PartPlanner,
    around: Vec<Level>,
}

/// The queries of one WITH, and how many of them were left: those stand as they were then.
struct Level {
    with: Option<With>,
    left: usize,
}

impl<'a> NamedQueries<'a> {
    pub fn new(planner: &'a dyn PartPlanner) -> Self {
        Self { planner, around: Vec::new() }
    }

    /// To be followed by `leave`.
    pub fn enter(&mut self, query: &Query) {
        self.around.push(Level { with: query.with.clone(), left: 0 });
    }

    /// Takes over what was done to `query`, if it is one of a WITH. Those are visited before anything else of the query around.
    pub fn leave(&mut self, query: &Query) {
        self.around.pop();
        if let Some(Level { with: Some(with), left }) = self.around.last_mut()
            && let Some(cte) = with.cte_tables.get_mut(*left)
        {
            *cte.query = query.clone();
            *left += 1;
        }
    }

    /// The columns of a table in FROM, in order.
    pub fn columns_of(&self, table: &TableFactor) -> Result<Vec<String>> {
        if let TableFactor::Derived { lateral: true, subquery, alias, .. } = table {
            return lateral_columns(subquery, alias.as_ref());
        }
        let query = select_all(TableWithJoins { relation: table.clone(), joins: Vec::new() })?;
        let plan = self.plan(query, &[])?;
        Ok(plan.schema().fields().iter().map(|field| field.name().clone()).collect())
    }

    /// `body` planned with `more` named queries, as it is.
    pub fn plan_of(&self, body: SetExpr, more: &[Cte]) -> Result<LogicalPlan> {
        let mut query = query_of("SELECT 1")?;
        *query.body = body;
        self.plan(query, more)
    }

    fn plan(&self, mut query: Query, more: &[Cte]) -> Result<LogicalPlan> {
        query.with = self.with_for(&query, more);
        self.planner.plan(Statement::Statement(Box::new(ast::Statement::Query(Box::new(query)))))
    }

    /// The queries that `query` names, directly or by one another. Of the same name the innermost.
    fn with_for(&self, query: &Query, more: &[Cte]) -> Option<With> {
        let mut known: Vec<(&Cte, bool)> = Vec::new();
        for with in self.around.iter().filter_map(|level| level.with.as_ref()) {
            known.extend(with.cte_tables.iter().map(|cte| (cte, with.recursive)));
        }
        known.extend(more.iter().map(|cte| (cte, false)));
        let name = |cte: &Cte| folded(&cte.alias.name);
        let mut wanted = relations(query);
        let mut taken: Vec<usize> = Vec::new();
        loop {
            let next = (0..known.len()).rev().find(|i| {
                let this = name(known[*i].0);
                !taken.contains(i) && wanted.contains(&this) && !taken.iter().any(|t| name(known[*t].0) == this)
            });
            let Some(next) = next else { break };
            wanted.extend(relations(&known[next].0.query));
            taken.push(next);
        }
        taken.sort_unstable();
        let mut with = template_with().ok()?;
        with.recursive = taken.iter().any(|i| known[*i].1);
        with.cte_tables = taken.into_iter().map(|i| known[i].0.clone()).collect();
        (!with.cte_tables.is_empty()).then_some(with)
    }
}

/// The names of the tables that a query reads.
pub fn relations(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _ = visit_relations(query, |name| {
        if let [part] = name.0.as_slice()
            && let Some(ident) = part.as_ident()
        {
            names.insert(folded(ident));
        }
        ControlFlow::<()>::Continue(())
    });
    names
}

fn query_of(sql: &str) -> Result<Query> {
    match Parser::parse_sql(&GenericDialect {}, sql).ok().and_then(|mut statements| statements.pop()) {
        Some(ast::Statement::Query(query)) => Ok(*query),
        _ => Err(BridgeError::bug(format!("`{sql}` is no query"))),
    }
}

/// `SELECT * FROM` tables.
pub fn select_all(tables: TableWithJoins) -> Result<Query> {
    let mut query = query_of("SELECT * FROM t")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.from = vec![tables];
    }
    Ok(query)
}

/// One that refers to tables before it cannot be planned alone: its columns as the text says them.
fn lateral_columns(query: &Query, alias: Option<&TableAlias>) -> Result<Vec<String>> {
    let first = alias.map(|alias| alias.columns.iter().map(|column| folded(&column.name))).into_iter().flatten();
    let named: Vec<String> = first.collect();
    let mut body = query.body.as_ref();
    while let SetExpr::SetOperation { left, .. } = body {
        body = left;
    }
    let said: Option<Vec<String>> = match body {
        SetExpr::Select(select) => select.projection.iter().map(output_name).collect(),
        _ => None,
    };
    match said {
        Some(said) if named.len() <= said.len() => Ok(named.iter().chain(&said[named.len()..]).cloned().collect()),
        _ => Err(BridgeError::user(
            "unsupported",
            "names are wanted for the columns of LATERAL, beside joins with USING",
        )),
    }
}

fn template_with() -> Result<With> {
    query_of("WITH t AS (SELECT 1) SELECT 1")?.with.ok_or_else(|| BridgeError::bug("WITH was not read"))
}

/// The selects of the body of a query, those of set operations included.
pub fn selects_of(body: &mut SetExpr) -> Vec<&mut Select> {
    match body {
        SetExpr::Select(select) => vec![select],
        SetExpr::SetOperation { left, right, .. } => {
            let mut selects = selects_of(left);
            selects.extend(selects_of(right));
            selects
        }
        _ => Vec::new(),
    }
}

/// The name of a column that an item of a SELECT list makes, where the text says it.
pub fn output_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        SelectItem::UnnamedExpr(ast::Expr::Identifier(ident)) => Some(folded(ident)),
        SelectItem::UnnamedExpr(ast::Expr::CompoundIdentifier(parts)) => parts.last().map(folded),
        _ => None,
    }
}

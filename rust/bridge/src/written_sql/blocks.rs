// SPDX-License-Identifier: Apache-2.0
//! One SELECT in the making, and its text.

use std::collections::HashSet;

use datafusion::error::Result;
use datafusion::logical_expr::Aggregate;
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{self, Ident, Query, SetExpr, TableFactor, TableWithJoins};

use super::{Writer, unsupported};
use crate::sql_tree::{and, finds_identifier, is_column, last_name, number, query_of, selected_names};

/// The clauses of a SELECT in the order in which they are evaluated. A block stands where its last node put it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// FROM and WHERE; columns are those of tables
    From,
    /// GROUP BY and HAVING
    Group,
    Window,
    /// columns are computed
    Select,
    Distinct,
    Sort,
    Limit,
}

pub(super) struct Block {
    pub(super) stage: Stage,
    pub(super) from: Option<TableWithJoins>,
    pub(super) filter: Vec<ast::Expr>,
    pub(super) group_by: Vec<ast::Expr>,
    pub(super) having: Vec<ast::Expr>,
    pub(super) distinct: bool,
    pub(super) order_by: Vec<ast::OrderByExpr>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    /// What gives each output column of the block's last node, and the column's name.
    pub(super) columns: Vec<ast::Expr>,
    pub(super) names: Vec<String>,
    /// Which columns a window function computes.
    pub(super) windows: HashSet<usize>,
}

impl Block {
    pub(super) fn new(from: Option<TableWithJoins>, columns: Vec<ast::Expr>, names: Vec<String>) -> Self {
        Self {
            stage: Stage::From,
            from,
            filter: Vec::new(),
            group_by: Vec::new(),
            having: Vec::new(),
            distinct: false,
            order_by: Vec::new(),
            limit: None,
            offset: 0,
            columns,
            names,
            windows: HashSet::new(),
        }
    }

    pub(super) fn is_single_table(&self) -> bool {
        self.from.as_ref().is_some_and(|from| from.joins.is_empty())
    }

    pub(super) fn has_plain_columns(&self) -> bool {
        self.columns.iter().all(is_column)
    }
}

impl Writer<'_> {
    /// Makes a block a table in FROM.
    pub(super) fn derive(&mut self, mut block: Block, alias: Option<&str>) -> Result<Block> {
        let names = clean_names(&block.names);
        let wanted = std::mem::replace(&mut block.names, names.clone());
        let query = self.finish(block)?;
        Ok(self.table_of(query, names, wanted, alias))
    }

    pub(super) fn table_of(
        &mut self,
        query: Query,
        columns: Vec<String>,
        names: Vec<String>,
        alias: Option<&str>,
    ) -> Block {
        let alias = self.unique(alias.unwrap_or("t"));
        let relation = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(query),
            alias: Some(self.table_alias(&alias)),
            sample: None,
        };
        let columns = columns.iter().map(|column| self.qualified(&alias, column)).collect();
        Block::new(Some(TableWithJoins { relation, joins: Vec::new() }), columns, names)
    }

    /// The statement's own SELECT: one that only repeats the columns of a table in FROM is left out.
    pub(super) fn finish_last(&mut self, block: Block) -> Result<Query> {
        if block.stage == Stage::From
            && block.filter.is_empty()
            && let Some(TableWithJoins { relation: TableFactor::Derived { subquery, .. }, joins }) = &block.from
            && joins.is_empty()
            && let Some(names) = selected_names(&subquery.body)
            && names == block.names
            && block.columns.iter().zip(&names).all(|(column, name)| last_name(column) == Some(name.as_str()))
        {
            return Ok((**subquery).clone());
        }
        self.finish(block)
    }

    pub(super) fn finish(&mut self, block: Block) -> Result<Query> {
        let mut projection = Vec::new();
        for (column, name) in block.columns.iter().zip(&block.names) {
            projection.push(self.select_item(column, name)?);
        }
        if projection.is_empty() {
            projection.push(ast::SelectItem::UnnamedExpr(number(1)));
        }
        let conjunction = |exprs: Vec<ast::Expr>| exprs.into_iter().fold(None, |all, expr| Some(and(all, expr)));
        let select = ast::Select {
            select_token: AttachedToken::empty(),
            optimizer_hints: Vec::new(),
            distinct: block.distinct.then_some(ast::Distinct::Distinct),
            select_modifiers: None,
            top: None,
            top_before_distinct: false,
            projection,
            exclude: None,
            into: None,
            from: block.from.into_iter().collect(),
            lateral_views: Vec::new(),
            prewhere: None,
            selection: conjunction(block.filter),
            connect_by: Vec::new(),
            group_by: ast::GroupByExpr::Expressions(block.group_by, Vec::new()),
            cluster_by: Vec::new(),
            distribute_by: Vec::new(),
            sort_by: Vec::new(),
            having: conjunction(block.having),
            named_window: Vec::new(),
            qualify: None,
            window_before_qualify: false,
            value_table_mode: None,
            flavor: ast::SelectFlavor::Standard,
        };
        let mut query = query_of(SetExpr::Select(Box::new(select)), block.order_by, block.limit, block.offset);
        if finds_identifier(&mut query, Aggregate::INTERNAL_GROUPING_ID) {
            return unsupported("GROUPING of grouping sets");
        }
        Ok(query)
    }

    pub(super) fn select_item(&self, column: &ast::Expr, name: &str) -> Result<ast::SelectItem> {
        if last_name(column) == Some(name) {
            return Ok(ast::SelectItem::UnnamedExpr(column.clone()));
        }
        let written = self.dialect.col_alias_overrides(name)?.unwrap_or_else(|| name.to_string());
        Ok(ast::SelectItem::ExprWithAlias { expr: column.clone(), alias: self.ident(&written) })
    }

    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let mut alias = wanted.to_string();
        let mut n = 1;
        while !self.aliases.insert(alias.to_lowercase()) {
            n += 1;
            alias = format!("{wanted}_{n}");
        }
        alias
    }

    pub(super) fn ident(&self, name: &str) -> Ident {
        Ident {
            value: name.to_string(),
            quote_style: self.dialect.identifier_quote_style(name),
            span: sqlparser::tokenizer::Span::empty(),
        }
    }

    pub(super) fn qualified(&self, alias: &str, name: &str) -> ast::Expr {
        ast::Expr::CompoundIdentifier(vec![self.ident(alias), self.ident(name)])
    }

    pub(super) fn table_alias(&self, alias: &str) -> ast::TableAlias {
        ast::TableAlias { explicit: true, name: self.ident(alias), columns: Vec::new(), at: None }
    }
}

/// Names that any dialect takes, each once.
pub(super) fn clean_names(names: &[String]) -> Vec<String> {
    let mut taken = HashSet::new();
    names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let is_word = !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit());
            let base = if is_word { name.clone() } else { format!("column_{}", i + 1) };
            let mut clean = base.clone();
            let mut n = 1;
            while !taken.insert(clean.to_lowercase()) {
                n += 1;
                clean = format!("{base}_{n}");
            }
            clean
        })
        .collect()
}

// SPDX-License-Identifier: Apache-2.0
//! Optimised plans written as SQL.
//!
//! The engine's Unparser writes expressions, in any of its dialects; its writing of whole plans expects the shape that planning
//! from SQL gives them, and says other things for plans that the optimiser has moved about. So the statement is built here: plan
//! nodes are gathered into *blocks*, one SELECT each, as long as SQL evaluates its clauses in the order of the nodes; a node that
//! comes too late for its clause makes the block below it a table in FROM. Columns travel as expressions by position, so that no
//! name of the plan can be caught by another.

mod blocks;
mod joins;

use std::collections::HashSet;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::{AggregateFunction, Sort as SortKey, WindowFunction};
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, FetchType, Limit, LogicalPlan, SkipType, TableScan};
use datafusion::sql::unparser::Unparser;
use datafusion::sql::unparser::dialect::{self, Dialect};
use sqlparser::ast::{self, Ident, Query, SetExpr, TableFactor, TableWithJoins, VisitMut};

use self::blocks::{Block, Stage, clean_names};
use crate::empty_table::EMPTY_TABLE;
use crate::error::{BridgeError, Result as BridgeResult};
use crate::functions::without_stand_ins;
use crate::guards::unguarded_plan;
use crate::parsing::with_deep_stack;
use crate::plan::Plan;
use crate::sql_tree::{COLUMN, Placeholders, SUBQUERY, add_conjunct, number_equality, query_of};

pub fn written_dialects() -> Vec<String> {
    ["bigquery", "duckdb", "generic", "mysql", "postgresql", "snowflake", "sqlite"].map(String::from).to_vec()
}

fn written_dialect(name: &str) -> BridgeResult<Box<dyn dialect::Dialect>> {
    Ok(match name {
        "bigquery" => Box::new(dialect::BigQueryDialect::new()),
        "duckdb" => Box::new(dialect::DuckDBDialect::new()),
        "generic" => Box::new(dialect::DefaultDialect {}),
        "mysql" => Box::new(dialect::MySqlDialect {}),
        "postgresql" => Box::new(dialect::PostgreSqlDialect {}),
        "snowflake" => Box::new(dialect::SnowflakeDialect::new()),
        "sqlite" => Box::new(dialect::SqliteDialect {}),
        other => return Err(BridgeError::bug(format!("no dialect that plans are written in: `{other}`"))),
    })
}

pub fn plan_to_sql(plan: &Plan, name: &str) -> BridgeResult<String> {
    with_deep_stack(|| {
        let dialect = written_dialect(name)?;
        let query = write_plan(&plan.plan, name, dialect.as_ref())?;
        Ok(format!("{query:#}"))
    })
}

/// Writes `plan` as one query.
fn write_plan(plan: &LogicalPlan, name: &str, dialect: &dyn Dialect) -> Result<Query> {
    let mut writer = Writer { name, dialect, unparser: Unparser::new(dialect), aliases: HashSet::new() };
    let plan = &without_stand_ins(unguarded_plan(plan)?)?;
    let mut block = writer.block(plan, None)?;
    block.names = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
    writer.finish_last(block)
}

fn unsupported<T>(what: impl Into<String>) -> Result<T> {
    Err(DataFusionError::NotImplemented(what.into()))
}

struct Writer<'a> {
    /// Of the dialect.
    name: &'a str,
    dialect: &'a dyn Dialect,
    unparser: Unparser<'a>,
    /// Names of tables in the whole statement, in lower case: each is given once, so that a correlated subquery never hides one.
    aliases: HashSet<String>,
}

impl Writer<'_> {
    /// `alias` is the name that the plan gives to the node's rows.
    fn block(&mut self, plan: &LogicalPlan, alias: Option<&str>) -> Result<Block> {
        match plan {
            LogicalPlan::TableScan(scan) => self.table_scan(scan, alias),
            LogicalPlan::SubqueryAlias(node) => self.block(&node.input, Some(node.alias.table())),
            LogicalPlan::Projection(node) => {
                let input = self.block(&node.input, alias)?;
                self.project(input, &node.expr, node.input.schema(), plan.schema(), alias)
            }
            LogicalPlan::Filter(node) => {
                let input = self.block(&node.input, alias)?;
                self.filter(input, &node.predicate, node.input.schema(), alias)
            }
            LogicalPlan::Aggregate(node) => self.aggregate(node),
            LogicalPlan::Window(node) => {
                let input = self.block(&node.input, None)?;
                self.window(input, &node.window_expr, node.input.schema(), plan.schema(), alias)
            }
            LogicalPlan::Sort(node) => {
                let mut input = self.block(&node.input, alias)?;
                if input.stage >= Stage::Limit {
                    input = self.derive(input, alias)?;
                }
                let keys = self.sort_keys(node.expr.clone());
                let columns = &input.columns.clone();
                input.order_by =
                    keys.iter().map(|key| self.order_by(key, node.input.schema(), columns)).collect::<Result<_>>()?;
                input.stage = Stage::Sort;
                Ok(if let Some(fetch) = node.fetch { self.limit(input, 0, Some(fetch), alias)? } else { input })
            }
            LogicalPlan::Limit(node) => {
                let (skip, fetch) = limits(node)?;
                let input = self.block(&node.input, alias)?;
                self.limit(input, skip, fetch, alias)
            }
            LogicalPlan::Distinct(Distinct::All(node)) => {
                let mut input = self.block(node, alias)?;
                if input.stage > Stage::Select {
                    input = self.derive(input, alias)?;
                }
                input.distinct = true;
                input.stage = Stage::Distinct;
                Ok(input)
            }
            LogicalPlan::Join(node) => self.join(node),
            LogicalPlan::Union(node) => {
                let parts = node.inputs.iter().map(|input| self.block(input, None)).collect::<Result<Vec<_>>>()?;
                self.union_all(parts, plan.schema(), alias)
            }
            LogicalPlan::Values(node) => {
                let parts = node.values.iter().map(|row| self.row(row, plan.schema())).collect::<Result<Vec<_>>>()?;
                self.union_all(parts, plan.schema(), alias)
            }
            LogicalPlan::EmptyRelation(node) if node.produce_one_row => Ok(Block::new(None, Vec::new(), Vec::new())),
            LogicalPlan::EmptyRelation(node) => self.no_rows(&node.schema, alias),
            LogicalPlan::Subquery(node) => self.block(&node.subquery, alias),
            LogicalPlan::Repartition(node) => self.block(&node.input, alias),
            LogicalPlan::RecursiveQuery(_) => unsupported("a recursive query"),
            LogicalPlan::Unnest(_) => unsupported("UNNEST"),
            LogicalPlan::Distinct(Distinct::On(_)) => unsupported("DISTINCT ON"),
            LogicalPlan::Extension(node) => unsupported(format!("the plan node `{}`", node.node.name())),
            other => unsupported(format!("the statement `{}`", other.display())),
        }
    }

    fn table_scan(&mut self, scan: &TableScan, alias: Option<&str>) -> Result<Block> {
        if scan.table_name.table() == EMPTY_TABLE {
            return self.no_rows(&scan.projected_schema, alias);
        }
        let alias = self.unique(alias.unwrap_or(scan.table_name.table()));
        let mut parts: Vec<&str> = Vec::new();
        if let Some(schema) = scan.table_name.schema() {
            parts.push(schema);
        }
        parts.push(scan.table_name.table());
        let name = ast::ObjectName::from(parts.into_iter().map(|part| self.ident(part)).collect::<Vec<_>>());
        let is_own_name = alias == scan.table_name.table() && scan.table_name.schema().is_none();
        let table = TableFactor::Table {
            name,
            alias: (!is_own_name).then(|| self.table_alias(&alias)),
            args: None,
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_hints: Vec::new(),
        };
        let names: Vec<String> = scan.projected_schema.fields().iter().map(|field| field.name().clone()).collect();
        let columns = names.iter().map(|name| self.qualified(&alias, name)).collect();
        let mut block = Block::new(Some(TableWithJoins { relation: table, joins: Vec::new() }), columns, names);
        // Filters may name columns that the scan does not put out.
        let schema = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?;
        let all: Vec<ast::Expr> = schema.fields().iter().map(|field| self.qualified(&alias, field.name())).collect();
        for filter in &scan.filters {
            let filter = self.expr(filter, &schema, &all)?;
            add_conjunct(&mut block.filter, filter);
        }
        match scan.fetch {
            Some(fetch) => self.limit(block, 0, Some(fetch), None),
            None => Ok(block),
        }
    }

    fn project(
        &mut self,
        mut input: Block,
        exprs: &[Expr],
        schema: &DFSchema,
        output: &DFSchema,
        alias: Option<&str>,
    ) -> Result<Block> {
        let picks_columns = exprs.iter().all(|expr| matches!(unaliased(expr), Expr::Column(_)));
        // One row for all rows: a SELECT that names no aggregate would not say so.
        let is_total = input.stage == Stage::Group && input.group_by.is_empty();
        let forgets_total = is_total && !exprs.iter().any(|expr| !expr.column_refs().is_empty());
        if forgets_total || input.stage >= Stage::Select && !(picks_columns && input.stage != Stage::Distinct) {
            input = self.derive(input, alias)?;
        }
        let columns = exprs.iter().map(|expr| self.expr(expr, schema, &input.columns)).collect::<Result<Vec<_>>>()?;
        input.windows = (0..columns.len())
            .filter(|i| input.windows.iter().any(|window| input.columns[*window] == columns[*i]))
            .collect();
        if !picks_columns {
            input.stage = Stage::Select;
        }
        input.columns = columns;
        input.names = names_of(output);
        Ok(input)
    }

    fn filter(&mut self, mut input: Block, predicate: &Expr, schema: &DFSchema, alias: Option<&str>) -> Result<Block> {
        if input.stage > Stage::Group {
            input = self.derive(input, alias)?;
        }
        for conjunct in datafusion::logical_expr::utils::split_conjunction(predicate) {
            let conjunct = self.expr(conjunct, schema, &input.columns)?;
            add_conjunct(if input.stage == Stage::Group { &mut input.having } else { &mut input.filter }, conjunct);
        }
        Ok(input)
    }

    fn aggregate(&mut self, node: &Aggregate) -> Result<Block> {
        let mut input = self.block(&node.input, None)?;
        if input.stage > Stage::From {
            input = self.derive(input, None)?;
        }
        let schema = node.input.schema();
        let mut group_by = Vec::new();
        for expr in &node.group_expr {
            group_by.push(self.expr(expr, schema, &input.columns)?);
        }
        if group_by.iter().any(|expr| matches!(expr, ast::Expr::Value(_))) {
            return unsupported("GROUP BY of a constant");
        }
        let is_set = matches!(node.group_expr.first(), Some(Expr::GroupingSet(_)));
        let mut columns = Vec::new();
        for expr in grouping_set_to_exprlist(&node.group_expr)? {
            columns.push(self.expr(expr, schema, &input.columns)?);
        }
        if is_set {
            columns.push(ast::Expr::Identifier(Ident::new(Aggregate::INTERNAL_GROUPING_ID)));
        }
        for expr in &node.aggr_expr {
            columns.push(self.expr(expr, schema, &input.columns)?);
        }
        input.group_by = group_by;
        input.stage = Stage::Group;
        input.columns = columns;
        input.names = names_of(&node.schema);
        // Nothing but the aggregate stands in such a SELECT: without GROUP BY it must be seen to be one.
        if input.group_by.is_empty() && node.aggr_expr.is_empty() {
            return unsupported("an aggregate of nothing");
        }
        Ok(input)
    }

    fn window(
        &mut self,
        mut input: Block,
        exprs: &[Expr],
        schema: &DFSchema,
        output: &DFSchema,
        alias: Option<&str>,
    ) -> Result<Block> {
        let reads_windows = exprs.iter().any(|expr| {
            expr.column_refs()
                .into_iter()
                .any(|c| schema.maybe_index_of_column(c).is_some_and(|i| input.windows.contains(&i)))
        });
        if reads_windows || !matches!(input.stage, Stage::From | Stage::Window) {
            input = self.derive(input, alias)?;
        }
        for expr in exprs {
            let column = self.expr(expr, schema, &input.columns[..schema.fields().len()])?;
            input.windows.insert(input.columns.len());
            input.columns.push(column);
        }
        input.stage = Stage::Window;
        input.names = names_of(output);
        Ok(input)
    }

    fn limit(&mut self, mut input: Block, skip: usize, fetch: Option<usize>, alias: Option<&str>) -> Result<Block> {
        if input.stage == Stage::Limit {
            input = self.derive(input, alias)?;
        }
        input.limit = fetch;
        input.offset = skip;
        input.stage = Stage::Limit;
        Ok(input)
    }

    /// One row of VALUES.
    fn row(&mut self, values: &[Expr], schema: &DFSchema) -> Result<Block> {
        let columns =
            values.iter().map(|value| self.expr(value, &DFSchema::empty(), &[])).collect::<Result<Vec<_>>>()?;
        let mut block = Block::new(None, columns, names_of(schema));
        block.stage = Stage::Select;
        Ok(block)
    }

    fn union_all(&mut self, parts: Vec<Block>, schema: &DFSchema, alias: Option<&str>) -> Result<Block> {
        let names = clean_names(&names_of(schema));
        let mut body: Option<SetExpr> = None;
        for mut part in parts {
            if part.stage > Stage::Distinct {
                part = self.derive(part, None)?;
            }
            part.names.clone_from(&names);
            let select = *self.finish(part)?.body;
            body = Some(match body {
                None => select,
                Some(left) => SetExpr::SetOperation {
                    op: ast::SetOperator::Union,
                    set_quantifier: ast::SetQuantifier::All,
                    left: Box::new(left),
                    right: Box::new(select),
                },
            });
        }
        let Some(body) = body else { return unsupported("a union of nothing") };
        let query = query_of(body, Vec::new(), None, 0);
        Ok(self.table_of(query, names, names_of(schema), alias))
    }

    fn no_rows(&mut self, schema: &DFSchema, alias: Option<&str>) -> Result<Block> {
        let row = schema
            .fields()
            .iter()
            .map(|field| {
                let null = Expr::Literal(ScalarValue::Null, None);
                Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(null), field.data_type().clone()))
            })
            .collect::<Vec<_>>();
        let one = self.row(&row, schema)?;
        let mut block = self.derive(one, alias)?;
        block.filter.push(number_equality(1, 0));
        Ok(block)
    }
    fn order_by(&mut self, key: &SortKey, schema: &DFSchema, columns: &[ast::Expr]) -> Result<ast::OrderByExpr> {
        let nulls_first = self.dialect.supports_nulls_first_in_sort().then_some(key.nulls_first);
        Ok(ast::OrderByExpr {
            expr: self.expr(&key.expr, schema, columns)?,
            options: ast::OrderByOptions { asc: Some(key.asc), nulls_first },
            with_fill: None,
        })
    }

    /// Where NULLS FIRST cannot be said, NULLs are smallest: another place for them needs a key of its own.
    fn sort_keys(&self, keys: Vec<SortKey>) -> Vec<SortKey> {
        if self.dialect.supports_nulls_first_in_sort() {
            return keys;
        }
        let mut all = Vec::new();
        for key in keys {
            if key.asc != key.nulls_first {
                all.push(SortKey::new(key.expr.clone().is_null(), !key.nulls_first, true));
            }
            all.push(key);
        }
        all
    }

    /// Writes an expression over columns that `columns` give, by the position that each has in `schema`.
    fn expr(&mut self, expr: &Expr, schema: &DFSchema, columns: &[ast::Expr]) -> Result<ast::Expr> {
        let mut subqueries = Vec::new();
        let prepared = unaliased(expr).clone().transform_down(|node| self.prepare(node, schema, &mut subqueries))?.data;
        let mut written = self.unparser.expr_to_sql(&prepared)?;
        let mut placeholders =
            Placeholders { columns, subqueries: &subqueries, dates_are_texts: self.name == "sqlite" };
        let _ = VisitMut::visit(&mut written, &mut placeholders);
        Ok(written)
    }

    /// Puts placeholders for columns and subqueries, and keys for NULLs in orders within expressions.
    fn prepare(&mut self, node: Expr, schema: &DFSchema, subqueries: &mut Vec<ast::Expr>) -> Result<Transformed<Expr>> {
        match node {
            Expr::Column(column) => {
                let index = schema.index_of_column(&column)?;
                let placeholder = Expr::Column(Column::new_unqualified(format!("{COLUMN}{index}")));
                Ok(Transformed::new(placeholder, true, TreeNodeRecursion::Jump))
            }
            Expr::ScalarSubquery(subquery) => {
                let mut block = self.block(&subquery.subquery, None)?;
                block.names = clean_names(&block.names);
                subqueries.push(ast::Expr::Subquery(Box::new(self.finish(block)?)));
                let placeholder = Expr::Column(Column::new_unqualified(format!("{SUBQUERY}{}", subqueries.len() - 1)));
                Ok(Transformed::new(placeholder, true, TreeNodeRecursion::Jump))
            }
            Expr::GroupingSet(_) if matches!(self.name, "mysql" | "sqlite") => unsupported("GROUPING SETS"),
            Expr::AggregateFunction(AggregateFunction { params, .. })
                if params.filter.is_some() && matches!(self.name, "bigquery" | "mysql" | "snowflake") =>
            {
                unsupported("FILTER of an aggregate")
            }
            Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
                params.order_by = self.sort_keys(params.order_by);
                Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })))
            }
            Expr::WindowFunction(function) => {
                let WindowFunction { fun, mut params } = *function;
                params.order_by = self.sort_keys(params.order_by);
                Ok(Transformed::yes(Expr::WindowFunction(Box::new(WindowFunction { fun, params }))))
            }
            Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) | Expr::OuterReferenceColumn(..) => {
                unsupported("a correlated subquery that the optimiser has left")
            }
            Expr::Unnest(_) => unsupported("UNNEST"),
            other => Ok(Transformed::no(other)),
        }
    }
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

fn names_of(schema: &DFSchema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

fn limits(node: &Limit) -> Result<(usize, Option<usize>)> {
    let SkipType::Literal(skip) = node.get_skip_type()? else { return unsupported("OFFSET of an expression") };
    let FetchType::Literal(fetch) = node.get_fetch_type()? else { return unsupported("LIMIT of an expression") };
    Ok((skip, fetch))
}

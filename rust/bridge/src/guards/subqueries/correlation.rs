// SPDX-License-Identifier: Apache-2.0
//! What subqueries refer to outside of themselves, and which of them the engine joins rightly.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, TableReference};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, ExprSchemable, Join, JoinType, LogicalPlan, Operator, Subquery,
    SubqueryAlias,
};

/// A column of a query around.
#[derive(Clone, PartialEq)]
pub struct Outer {
    pub field: FieldRef,
    pub column: Column,
}

pub fn subquery_of(expression: &Expr) -> Option<&Subquery> {
    match expression {
        Expr::Exists(Exists { subquery, .. })
        | Expr::InSubquery(InSubquery { subquery, .. })
        | Expr::SetComparison(SetComparison { subquery, .. })
        | Expr::ScalarSubquery(subquery) => Some(subquery),
        _ => None,
    }
}

pub fn has_subqueries(expression: &Expr) -> Result<bool> {
    expression.exists(|part| Ok(subquery_of(part).is_some()))
}

/// Whether an expression holds subqueries that must be joined: any but scalar ones that refer to nothing outside.
pub fn has_joined_subqueries(expression: &Expr) -> Result<bool> {
    expression.exists(|part| match (part, subquery_of(part)) {
        (Expr::ScalarSubquery(_), Some(subquery)) => Ok(!free_columns(&subquery.subquery)?.is_empty()),
        (_, subquery) => Ok(subquery.is_some()),
    })
}

/// Whether expressions of the node itself hold subqueries.
pub fn has_subqueries_in(node: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    node.apply_expressions(|expression| {
        found |= has_subqueries(expression)?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn add(found: &mut Vec<Outer>, outer: Outer) {
    if !found.contains(&outer) {
        found.push(outer);
    }
}

/// Columns that a plan, subqueries within it included, takes from queries around it; each once, in the order in which they stand.
pub fn free_columns(plan: &LogicalPlan) -> Result<Vec<Outer>> {
    let mut found = Vec::new();
    collect(plan, &mut found)?;
    Ok(found)
}

fn collect(plan: &LogicalPlan, found: &mut Vec<Outer>) -> Result<()> {
    plan.apply_expressions(|expression| {
        collect_expression(expression, plan, found)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    if let LogicalPlan::Join(join) = plan
        && lateral_of(join).is_some()
    {
        collect(&join.left, found)?;
        for outer in free_columns(&join.right)? {
            if !join.left.schema().has_column(&outer.column) {
                add(found, outer);
            }
        }
        return Ok(());
    }
    plan.inputs().into_iter().try_for_each(|input| collect(input, found))
}

/// Of an expression of `node`.
fn collect_expression(expression: &Expr, node: &LogicalPlan, found: &mut Vec<Outer>) -> Result<()> {
    expression.apply(|part| {
        if let Expr::OuterReferenceColumn(field, column) = part {
            add(found, Outer { field: Arc::clone(field), column: column.clone() });
        }
        if let Some(subquery) = subquery_of(part) {
            for outer in free_columns(&subquery.subquery)? {
                if !is_seen_in(node, &outer.column) {
                    add(found, outer);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn is_seen_in(node: &LogicalPlan, column: &Column) -> bool {
    node.inputs().into_iter().any(|input| input.schema().has_column(column))
}

/// Whether an expression of `node` takes anything from outside, in itself or in its subqueries.
fn takes_from_outside(expression: &Expr, node: &LogicalPlan) -> Result<bool> {
    let mut found = Vec::new();
    collect_expression(expression, node, &mut found)?;
    Ok(!found.is_empty())
}

fn node_takes_from_outside(node: &LogicalPlan) -> Result<bool> {
    let mut found = Vec::new();
    node.apply_expressions(|expression| {
        collect_expression(expression, node, &mut found)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(!found.is_empty())
}

/// The right side of a join that sees the left side: a subquery under names of its own.
#[derive(Clone)]
pub struct Lateral {
    pub subquery: Arc<LogicalPlan>,
    node: Subquery,
    aliases: Vec<TableReference>,
}

pub fn lateral_of(join: &Join) -> Option<Lateral> {
    let mut aliases = Vec::new();
    let mut plan = join.right.as_ref();
    loop {
        match plan {
            LogicalPlan::SubqueryAlias(alias) => {
                aliases.push(alias.alias.clone());
                plan = &alias.input;
            }
            LogicalPlan::Subquery(node) => {
                return Some(Lateral { subquery: Arc::clone(&node.subquery), node: node.clone(), aliases });
            }
            _ => return None,
        }
    }
}

impl Lateral {
    /// The names that the subquery goes by, the innermost first.
    pub fn aliases(&self) -> impl Iterator<Item = &TableReference> {
        self.aliases.iter().rev()
    }

    /// The right side again, over another plan.
    pub fn with(&self, subquery: LogicalPlan) -> Result<LogicalPlan> {
        let mut plan = LogicalPlan::Subquery(Subquery { subquery: Arc::new(subquery), ..self.node.clone() });
        for alias in self.aliases.iter().rev() {
            plan = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(plan), alias.clone())?);
        }
        Ok(plan)
    }
}

/// Whether the engine turns a correlated EXISTS or IN over `subquery` rightly into a join: its correlation stands in filters that
/// nothing but projections and inner joins is above. Below a name it loses columns.
pub fn is_pulled_up_by_engine(subquery: &LogicalPlan) -> Result<bool> {
    let mut columns = Vec::new();
    Ok(has_plain_correlation(subquery, &mut columns)? && have_own_names(&columns, subquery))
}

/// Notes the inner columns of correlated filters.
fn has_plain_correlation(plan: &LogicalPlan, columns: &mut Vec<Column>) -> Result<bool> {
    if free_columns(plan)?.is_empty() {
        return Ok(true);
    }
    match plan {
        LogicalPlan::Filter(filter) => {
            for conjunct in split_conjunction(&filter.predicate) {
                if !takes_from_outside(conjunct, plan)? {
                    continue;
                }
                if has_subqueries(conjunct)? {
                    return Ok(false);
                }
                columns.extend(conjunct.column_refs().into_iter().cloned());
            }
            has_plain_correlation(&filter.input, columns)
        }
        LogicalPlan::Projection(projection) => {
            Ok(!node_takes_from_outside(plan)? && has_plain_correlation(&projection.input, columns)?)
        }
        LogicalPlan::Distinct(Distinct::All(input)) => has_plain_correlation(input, columns),
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner && lateral_of(join).is_none() => {
            Ok(!node_takes_from_outside(plan)?
                && has_plain_correlation(&join.left, columns)?
                && has_plain_correlation(&join.right, columns)?)
        }
        _ => Ok(false),
    }
}

/// The engine puts the columns of correlated filters beside those of the subquery, under one alias: their names must differ, also from
/// that of a cast of one, which is the column's in full.
fn have_own_names(columns: &[Column], subquery: &LogicalPlan) -> bool {
    let mut names: HashMap<&str, Option<&TableReference>> = HashMap::new();
    let outputs = || subquery.schema().iter().map(|(relation, field)| (relation, field.name().as_str()));
    let is_cast_of =
        |column: &Column| outputs().any(|(relation, name)| relation.is_none() && name == column.flat_name());
    if columns.iter().any(is_cast_of) {
        return false;
    }
    let columns = columns.iter().map(|column| (column.relation.as_ref(), column.name.as_str()));
    outputs().chain(columns).all(|(relation, name)| *names.entry(name).or_insert(relation) == relation)
}

/// The aggregate of a scalar subquery over nothing but projections, and whether its correlation is one that the engine groups by.
fn ungrouped_aggregate(plan: &LogicalPlan) -> Result<Option<&Aggregate>> {
    match plan {
        LogicalPlan::Projection(projection) if !node_takes_from_outside(plan)? => {
            ungrouped_aggregate(&projection.input)
        }
        LogicalPlan::SubqueryAlias(alias) => ungrouped_aggregate(&alias.input),
        LogicalPlan::Aggregate(aggregate) => {
            let is_plain =
                aggregate.group_expr.is_empty() && !aggregate.aggr_expr.is_empty() && !node_takes_from_outside(plan)?;
            Ok(is_plain.then_some(aggregate))
        }
        _ => Ok(None),
    }
}

/// Whether the engine joins a correlated scalar subquery rightly: one aggregate over filters whose correlation compares a column with
/// something outside.
pub fn is_joined_by_engine_as_scalar(subquery: &LogicalPlan) -> Result<bool> {
    let Some(aggregate) = ungrouped_aggregate(subquery)? else {
        return Ok(false);
    };
    let mut columns = Vec::new();
    Ok(has_plain_correlation(&aggregate.input, &mut columns)?
        && have_own_names(&columns, subquery)
        && correlates_by_columns(&aggregate.input)?)
}

/// Whether each correlated filter is `column = outer`: grouping by the column then means grouping by the outer value.
fn correlates_by_columns(plan: &LogicalPlan) -> Result<bool> {
    if let LogicalPlan::Filter(filter) = plan {
        for conjunct in split_conjunction(&filter.predicate) {
            if takes_from_outside(conjunct, plan)? && !is_column_equal_to_outer(conjunct, &filter.input)? {
                return Ok(false);
            }
        }
    }
    for input in plan.inputs() {
        if !correlates_by_columns(input)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_column_equal_to_outer(conjunct: &Expr, input: &LogicalPlan) -> Result<bool> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = conjunct else {
        return Ok(false);
    };
    let is_pair =
        |inner: &Expr, outer: &Expr| -> Result<bool> { Ok(!outer.any_column_refs() && is_column(inner, input)?) };
    Ok(is_pair(left, right)? || is_pair(right, left)?)
}

/// A column, or one in a wider type in which its values stay apart.
fn is_column(expression: &Expr, input: &LogicalPlan) -> Result<bool> {
    let Expr::Cast(cast) = expression else {
        return Ok(matches!(expression, Expr::Column(_)));
    };
    if !matches!(cast.expr.as_ref(), Expr::Column(_)) {
        return Ok(false);
    }
    let from = cast.expr.get_type(input.schema())?;
    let to = expression.get_type(input.schema())?;
    let is_text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let widens = from.is_integer() && to.is_integer() && from.primitive_width() <= to.primitive_width();
    Ok(widens || is_text(&from) && is_text(&to))
}

/// How often a row comes counts here: DISTINCT may not stand above what is correlated.
pub fn is_done_by_engine_as_lateral(subquery: &LogicalPlan) -> Result<bool> {
    let is_distinct =
        |node: &LogicalPlan| Ok(matches!(node, LogicalPlan::Distinct(_)) && !free_columns(node)?.is_empty());
    Ok(is_pulled_up_by_engine(subquery)? && !subquery.exists(is_distinct)? || is_joined_by_engine_as_scalar(subquery)?)
}

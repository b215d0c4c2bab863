// SPDX-License-Identifier: Apache-2.0
//! The places of a plan where subqueries stand: each node is made again over an input to which the subqueries were joined.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchemaRef, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Expr, ExprSchemable, Filter, Join, JoinType, Limit, LogicalPlan, Operator, Projection,
    Subquery, SubqueryAlias, Window, lit, not, when,
};

use super::correlation::{
    Lateral, free_columns, has_joined_subqueries, has_subqueries, is_joined_by_engine_as_scalar,
    is_pulled_up_by_engine, subquery_of,
};
use super::pulling::pull_filters;
use super::unnesting::{Unnesting, join, same, under_names};
use super::{Joining, refused};

/// Where a subquery stands, as far as it matters.
#[derive(Clone, Copy, PartialEq)]
enum Position {
    /// A condition of WHERE or HAVING by itself.
    Condition,
    /// Under AND and OR of a condition: NULL counts as false.
    Predicate,
    /// Elsewhere below WHERE or HAVING.
    Filtered,
    /// In a SELECT list.
    Selected,
    /// In what the engine joins no subqueries to.
    Elsewhere,
}

/// A subquery as the right side of a join.
struct Side {
    plan: LogicalPlan,
    /// What makes a row of it belong to one of the left side.
    conditions: Vec<Expr>,
    /// Its first column.
    value: Expr,
    is_correlated: bool,
}

/// An input that grows by joins.
struct Input<'a> {
    joining: &'a Joining,
    plan: LogicalPlan,
    position: Position,
    all: bool,
    /// What stands for which subquery, so that each is joined once.
    joined: Vec<(Expr, bool, Expr)>,
}

const UNKNOWN: Expr = Expr::Literal(ScalarValue::Boolean(None), None);

impl Joining {
    pub(super) fn filter(&self, filter: Filter, all: bool) -> Result<LogicalPlan> {
        let wanted = Arc::clone(filter.input.schema());
        let conjuncts = split_conjunction_owned(filter.predicate);
        let mut input = self.input(Arc::unwrap_or_clone(filter.input), Position::Predicate, all);
        let mut taken = false;
        for conjunct in &conjuncts {
            taken |= input.takes_any(conjunct)?;
        }
        if !taken {
            let predicate = conjunction(conjuncts).unwrap_or_else(|| lit(true));
            return Ok(LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input.plan))?));
        }
        let (with, without): (Vec<Expr>, Vec<Expr>) =
            conjuncts.into_iter().partition(|conjunct| has_subqueries(conjunct).unwrap_or(true));
        if let Some(predicate) = conjunction(without) {
            input.plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input.plan))?);
        }
        let mut left = Vec::new();
        for conjunct in with {
            left.extend(input.condition(conjunct)?);
        }
        if let Some(predicate) = conjunction(left) {
            input.plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input.plan))?);
        }
        only(input.plan, &wanted)
    }

    pub(super) fn projection(&self, projection: Projection, all: bool) -> Result<LogicalPlan> {
        let mut input = self.input(Arc::unwrap_or_clone(projection.input), Position::Selected, all);
        let names = NamePreserver::new_for_projection();
        let mut expressions = Vec::new();
        for expression in projection.expr {
            let name = names.save(&expression);
            expressions.push(name.restore(input.replaced(expression, false)?));
        }
        Ok(LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(input.plan))?))
    }

    pub(super) fn aggregate(&self, aggregate: Aggregate, all: bool) -> Result<LogicalPlan> {
        let mut input = self.input(Arc::unwrap_or_clone(aggregate.input), Position::Elsewhere, all);
        let groups = input.all_replaced(aggregate.group_expr)?;
        let aggregates = input.all_replaced(aggregate.aggr_expr)?;
        let nothing_joined = input.joined.is_empty();
        let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input.plan), groups, aggregates)?);
        if nothing_joined {
            return Ok(plan);
        }
        under_names(plan, &aggregate.schema, |i| i, Vec::new())
    }

    pub(super) fn window(&self, window: Window, all: bool) -> Result<LogicalPlan> {
        let before = window.input.schema().fields().len();
        let mut input = self.input(Arc::unwrap_or_clone(window.input), Position::Elsewhere, all);
        let expressions = input.all_replaced(window.window_expr)?;
        let nothing_joined = input.joined.is_empty();
        // Joins add columns behind those of their left side.
        let more = input.plan.schema().fields().len() - before;
        let plan = LogicalPlan::Window(Window::try_new(expressions, Arc::new(input.plan))?);
        if nothing_joined {
            return Ok(plan);
        }
        under_names(plan, &window.schema, |i| if i < before { i } else { i + more }, Vec::new())
    }

    /// Subqueries in the condition of a join.
    pub(super) fn join(&self, node: Join, all: bool) -> Result<LogicalPlan> {
        let wanted = Arc::clone(&node.schema);
        let (with, without): (Vec<Expr>, Vec<Expr>) = node
            .filter
            .map(split_conjunction_owned)
            .unwrap_or_default()
            .into_iter()
            .partition(|conjunct| has_joined_subqueries(conjunct).unwrap_or(true));
        let again = |left, right, filter| -> Result<LogicalPlan> {
            Ok(LogicalPlan::Join(Join::try_new(
                Arc::new(left),
                Arc::new(right),
                node.on.clone(),
                filter,
                node.join_type,
                node.join_constraint,
                node.null_equality,
                node.null_aware,
            )?))
        };
        let (left, right) = (Arc::unwrap_or_clone(node.left), Arc::unwrap_or_clone(node.right));
        if node.join_type == JoinType::Inner {
            let joined = again(left, right, conjunction(without))?;
            return match conjunction(with) {
                Some(predicate) => self.filter(Filter::try_new(predicate, Arc::new(joined))?, all),
                None => Ok(joined),
            };
        }
        let mut left = self.input(left, Position::Elsewhere, all);
        let mut right = self.input(right, Position::Elsewhere, all);
        let mut filters = without;
        for conjunct in with {
            let columns = referred(&conjunct)?;
            let are_in = |plan: &LogicalPlan| columns.iter().all(|column| plan.schema().has_column(column));
            if are_in(&left.plan) {
                filters.push(left.replaced(conjunct, false)?);
            } else if are_in(&right.plan) {
                filters.push(right.replaced(conjunct, false)?);
            } else {
                return Err(refused("columns of both sides in the condition of an outer join"));
            }
        }
        only(again(left.plan, right.plan, conjunction(filters))?, &wanted)
    }

    /// A join with a subquery that sees its left side.
    pub(super) fn join_lateral(
        &self,
        left: LogicalPlan,
        subquery: LogicalPlan,
        node: &Join,
        lateral: &Lateral,
    ) -> Result<LogicalPlan> {
        let wanted = Arc::clone(&node.schema);
        let bound = bound_columns(&subquery, &left)?;
        let unnesting = Unnesting::new(&self.aliases, &left, &bound)?;
        let unnested = unnesting.unnest(&subquery, false)?;
        let named: Vec<String> = bound.iter().map(|_| self.aliases.next("__key")).collect();
        let keys = unnested.keys.iter().zip(&named).map(|(key, name)| Expr::Column(key.clone()).alias(name));
        let own = subquery.schema().columns().into_iter().map(Expr::Column);
        let expressions = own.chain(keys).collect();
        let mut right = LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(unnested.plan))?);
        for alias in lateral.aliases() {
            right = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(right), alias.clone())?);
        }
        let first = right.schema().fields().len() - named.len();
        let mut filters = Vec::new();
        for (i, column) in bound.into_iter().enumerate() {
            let key = Expr::Column(Column::from(right.schema().qualified_field(first + i)));
            filters.push(same(Expr::Column(column), key, true));
        }
        filters.extend(node.on.iter().map(|(left, right)| left.clone().eq(right.clone())));
        filters.extend(node.filter.clone());
        only(join(left, right, node.join_type, filters)?, &wanted)
    }

    fn input(&self, plan: LogicalPlan, position: Position, all: bool) -> Input<'_> {
        Input { joining: self, plan, position, all, joined: Vec::new() }
    }
}

/// Only the columns that were there before.
pub fn only(plan: LogicalPlan, wanted: &DFSchemaRef) -> Result<LogicalPlan> {
    if plan.schema().fields().len() == wanted.fields().len() {
        return Ok(plan);
    }
    let columns = wanted.columns().into_iter().map(Expr::Column).collect();
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}

/// The columns of an expression, those that its subqueries take from outside included.
pub fn referred(expression: &Expr) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = expression.column_refs().into_iter().cloned().collect();
    expression.apply(|part| {
        if let Some(subquery) = subquery_of(part) {
            columns.extend(free_columns(&subquery.subquery)?.into_iter().map(|outer| outer.column));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(columns)
}

/// The outer columns of a subquery that `plan` has.
fn bound_columns(subquery: &LogicalPlan, plan: &LogicalPlan) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    for outer in free_columns(subquery)? {
        if plan.schema().has_column(&outer.column) && !columns.contains(&outer.column) {
            columns.push(outer.column);
        }
    }
    Ok(columns)
}

impl Input<'_> {
    /// Whether the engine would give wrong rows for a subquery at this position, or none.
    fn takes(&self, expression: &Expr, position: Position) -> Result<bool> {
        let Some(subquery) = subquery_of(expression) else {
            return Ok(false);
        };
        let plan = subquery.subquery.as_ref();
        let is_correlated = !free_columns(plan)?.is_empty();
        if self.all && is_correlated {
            return Ok(true);
        }
        let is_filter = matches!(position, Position::Condition | Position::Predicate | Position::Filtered);
        Ok(match expression {
            Expr::ScalarSubquery(_) if !is_correlated => false,
            Expr::ScalarSubquery(_) => {
                !(is_filter || position == Position::Selected) || !is_joined_by_engine_as_scalar(plan)?
            }
            _ if !is_filter => true,
            Expr::InSubquery(InSubquery { expr, negated: true, .. }) => {
                // The engine's null-aware join knows one key and nothing else.
                is_correlated || position != Position::Condition || !is_key(expr)
            }
            Expr::InSubquery(_) if position == Position::Filtered => true,
            // The engine's mark join takes a column without a table twice.
            Expr::InSubquery(_) if position == Position::Predicate && has_bare_column(plan) => true,
            _ => is_correlated && !is_pulled_up_by_engine(plan)?,
        })
    }

    /// Whether any subquery of a condition is taken.
    fn takes_any(&self, condition: &Expr) -> Result<bool> {
        let (bare, negated) = without_not(condition);
        if subquery_of(bare).is_some() && !matches!(bare, Expr::ScalarSubquery(_)) {
            if let Expr::InSubquery(InSubquery { expr, .. }) = bare
                && self.takes_any_below(expr, Position::Filtered)?
            {
                return Ok(true);
            }
            return self.takes(&with_negation(bare.clone(), negated), Position::Condition);
        }
        self.takes_any_below(condition, Position::Predicate)
    }

    fn takes_any_below(&self, expression: &Expr, position: Position) -> Result<bool> {
        if self.takes(expression, position)? {
            return Ok(true);
        }
        let below = below(expression, position);
        let mut taken = false;
        expression.apply_children(|part| {
            taken |= self.takes_any_below(part, below)?;
            Ok(if taken { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        Ok(taken)
    }

    /// Applies one condition with subqueries of a filter; gives back what is left of it.
    fn condition(&mut self, conjunct: Expr) -> Result<Option<Expr>> {
        let (bare, negated) = without_not(&conjunct);
        if matches!(bare, Expr::Exists(_) | Expr::InSubquery(_)) {
            let whole = with_negation(bare.clone(), negated);
            if let Expr::InSubquery(InSubquery { expr, .. }) = &whole
                && has_subqueries(expr)?
            {
                return Ok(Some(self.replaced(whole, true)?));
            }
            if !self.takes(&whole, Position::Condition)? {
                return Ok(Some(whole));
            }
            return match whole {
                Expr::Exists(Exists { subquery, negated }) => self.keep_by(&subquery, None, negated),
                Expr::InSubquery(InSubquery { expr, subquery, negated })
                    if !negated || !bound_columns(&subquery.subquery, &self.plan)?.is_empty() =>
                {
                    self.keep_by(&subquery, Some(*expr), negated)
                }
                other => Ok(Some(self.replaced(other, true)?)),
            };
        }
        Ok(Some(self.replaced(conjunct, true)?))
    }

    /// A semi join, or an anti join.
    fn keep_by(&mut self, subquery: &Subquery, value: Option<Expr>, negated: bool) -> Result<Option<Expr>> {
        let side = self.side(subquery)?;
        let mut conditions = side.conditions;
        if let Some(value) = value {
            let found = side.value;
            let mut matches = value.clone().eq(found.clone());
            if negated {
                // Neither a match nor one that cannot be told.
                for (part, schema) in [(&value, self.plan.schema()), (&found, side.plan.schema())] {
                    if part.nullable(schema)? {
                        matches = matches.or(part.clone().is_null());
                    }
                }
            }
            conditions.push(matches);
        }
        let kind = if negated { JoinType::LeftAnti } else { JoinType::LeftSemi };
        self.plan = join(self.plan.clone(), side.plan, kind, conditions)?;
        Ok(None)
    }

    fn all_replaced(&mut self, expressions: Vec<Expr>) -> Result<Vec<Expr>> {
        expressions.into_iter().map(|expression| self.replaced(expression, false)).collect()
    }

    /// The expression over columns of the joined subqueries. `predicate`: NULL counts as false.
    fn replaced(&mut self, expression: Expr, predicate: bool) -> Result<Expr> {
        let position = match self.position {
            Position::Predicate if !predicate => Position::Filtered,
            other => other,
        };
        self.replaced_at(expression, position)
    }

    fn replaced_at(&mut self, expression: Expr, position: Position) -> Result<Expr> {
        if !has_subqueries(&expression)? {
            return Ok(expression);
        }
        let inner = below(&expression, position);
        let takes = self.takes(&expression, position)?;
        // The value that IN looks for may hold subqueries as well.
        let expression = expression.map_children(|part| Ok(Transformed::yes(self.replaced_at(part, inner)?)))?.data;
        if !takes {
            return Ok(expression);
        }
        let predicate = position == Position::Predicate;
        if let Some((_, _, stands)) =
            self.joined.iter().find(|(joined, as_predicate, _)| *joined == expression && *as_predicate == predicate)
        {
            return Ok(stands.clone());
        }
        let stands = match expression.clone() {
            Expr::Exists(Exists { subquery, negated }) => {
                let side = self.side(&subquery)?;
                negated_if(negated, self.mark(side, None)?)
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                negated_if(negated, self.is_in(*expr, &subquery, predicate && !negated)?)
            }
            Expr::ScalarSubquery(subquery) => self.scalar(&subquery)?,
            other => other,
        };
        self.joined.push((expression, predicate, stands.clone()));
        Ok(stands)
    }

    /// A column that says whether there is a row.
    fn mark(&mut self, side: Side, more: Option<Expr>) -> Result<Expr> {
        let mut conditions = side.conditions;
        let mut right = side.plan;
        if conditions.is_empty() && more.is_none() {
            right = first_row(right)?;
        }
        conditions.extend(more);
        let at = self.plan.schema().fields().len();
        self.plan = join(self.plan.clone(), right, JoinType::LeftMark, conditions)?;
        Ok(Expr::Column(Column::from(self.plan.schema().qualified_field(at))))
    }

    /// `value IN (subquery)`, NULL where it cannot be told.
    fn is_in(&mut self, value: Expr, subquery: &Subquery, null_is_false: bool) -> Result<Expr> {
        let side = self.side(subquery)?;
        let matches = value.clone().eq(side.value.clone());
        let value_may_be_null = value.nullable(self.plan.schema())?;
        let row_may_be_null = side.value.nullable(side.plan.schema())?;
        let is_correlated = side.is_correlated;
        let found = self.mark(side, Some(matches))?;
        if null_is_false || !value_may_be_null && !row_may_be_null {
            return Ok(found);
        }
        let unknown = if is_correlated {
            let side = self.side(subquery)?;
            let row_is_null = side.value.clone().is_null();
            let unknown = match (value_may_be_null, row_may_be_null) {
                (true, true) => value.is_null().or(row_is_null),
                (true, false) => value.is_null(),
                _ => row_is_null,
            };
            self.mark(side, Some(unknown))?
        } else {
            let mut unknown = Vec::new();
            if row_may_be_null {
                let mut side = self.side(subquery)?;
                let null = side.value.clone().is_null();
                side.plan = LogicalPlan::Filter(Filter::try_new(null, Arc::new(side.plan))?);
                unknown.push(self.mark(side, None)?);
            }
            if value_may_be_null {
                let side = self.side(subquery)?;
                unknown.push(value.is_null().and(self.mark(side, None)?));
            }
            unknown.into_iter().reduce(Expr::or).unwrap_or_else(|| lit(false))
        };
        when(found, lit(true)).when(unknown, UNKNOWN).otherwise(lit(false))
    }

    /// The value of a subquery of one row at most, NULL where there is none.
    fn scalar(&mut self, subquery: &Subquery) -> Result<Expr> {
        let side = self.side_with(subquery, false)?;
        self.plan = join(self.plan.clone(), side.plan, JoinType::Left, side.conditions)?;
        Ok(side.value)
    }

    fn side(&self, subquery: &Subquery) -> Result<Side> {
        self.side_with(subquery, true)
    }

    /// `rows_may_repeat`: it does not count how often a row comes.
    fn side_with(&self, subquery: &Subquery, rows_may_repeat: bool) -> Result<Side> {
        let aliases = &self.joining.aliases;
        let plan = self.joining.plan(subquery.subquery.as_ref().clone(), true)?;
        let value = plan.schema().columns().into_iter().next().map(Expr::Column);
        let bound = bound_columns(&plan, &self.plan)?;
        let pulled = if rows_may_repeat { pull_filters(&plan, aliases)? } else { None };
        let is_correlated = !bound.is_empty();
        let (plan, filters) = match pulled {
            Some(pulled) => (pulled.plan, pulled.filters),
            None if !is_correlated => (plan, Vec::new()),
            None => {
                let unnested = Unnesting::new(aliases, &self.plan, &bound)?.unnest(&plan, false)?;
                let mut filters = Vec::new();
                for (column, key) in bound.iter().zip(&unnested.keys) {
                    let (_, field) = self.plan.schema().qualified_field_from_column(column)?;
                    let nullable = bound.len() > 1 || field.is_nullable();
                    let outer = Expr::OuterReferenceColumn(Arc::clone(field), column.clone());
                    filters.push(same(outer, Expr::Column(key.clone()), nullable));
                }
                (unnested.plan, filters)
            }
        };
        let relation = aliases.next("__subquery");
        let mut expressions = vec![value.unwrap_or_else(|| lit(true)).alias("__value")];
        let mut kept: Vec<Column> = Vec::new();
        let mut conditions = Vec::new();
        for filter in filters {
            let condition = filter.transform(|part| match part {
                Expr::OuterReferenceColumn(_, column) if self.plan.schema().has_column(&column) => {
                    Ok(Transformed::yes(Expr::Column(column)))
                }
                Expr::Column(column) => {
                    let at = kept.iter().position(|known| *known == column).unwrap_or_else(|| {
                        expressions.push(Expr::Column(column.clone()).alias(format!("__column_{}", kept.len())));
                        kept.push(column);
                        kept.len() - 1
                    });
                    Ok(Transformed::yes(Expr::Column(Column::new(Some(relation.as_str()), format!("__column_{at}")))))
                }
                other => Ok(Transformed::no(other)),
            })?;
            conditions.push(condition.data);
        }
        let projected = LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(plan))?);
        let plan = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(projected), relation.as_str())?);
        let value = Expr::Column(Column::new(Some(relation.as_str()), "__value"));
        Ok(Side { plan, conditions, value, is_correlated })
    }
}

fn first_row(plan: LogicalPlan) -> Result<LogicalPlan> {
    let fetch = Some(Box::new(lit(1i64)));
    Ok(LogicalPlan::Limit(Limit { skip: None, fetch, input: Arc::new(plan) }))
}

fn negated_if(negated: bool, expression: Expr) -> Expr {
    if negated { not(expression) } else { expression }
}

fn has_bare_column(plan: &LogicalPlan) -> bool {
    plan.schema().iter().next().is_some_and(|(relation, _)| relation.is_none())
}

/// What the engine's null-aware join takes as its key.
fn is_key(expression: &Expr) -> bool {
    match expression {
        Expr::Column(_) => true,
        Expr::Cast(cast) => *cast.field.data_type() != DataType::Null && matches!(cast.expr.as_ref(), Expr::Column(_)),
        _ => false,
    }
}

/// The position of what stands below an expression.
fn below(expression: &Expr, position: Position) -> Position {
    let is_connective = matches!(expression, Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }));
    match position {
        Position::Condition | Position::Predicate if is_connective => Position::Predicate,
        Position::Condition | Position::Predicate => Position::Filtered,
        other => other,
    }
}

/// A condition without NOT around it, and whether there was one.
fn without_not(expression: &Expr) -> (&Expr, bool) {
    match expression {
        Expr::Not(inner) => {
            let (bare, negated) = without_not(inner);
            (bare, !negated)
        }
        other => (other, false),
    }
}

fn with_negation(expression: Expr, negate: bool) -> Expr {
    match expression {
        Expr::Exists(exists) => Expr::Exists(Exists { negated: exists.negated ^ negate, ..exists }),
        Expr::InSubquery(in_subquery) => {
            Expr::InSubquery(InSubquery { negated: in_subquery.negated ^ negate, ..in_subquery })
        }
        other if negate => not(other),
        other => other,
    }
}

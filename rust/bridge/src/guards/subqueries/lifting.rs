// SPDX-License-Identifier: Apache-2.0
//! Subqueries at places where the engine refuses them as soon as a plan is analysed: those in the condition of an inner join go into a
//! filter above it, those of an outer join, of window functions and of ORDER BY into columns below.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, Join, JoinType, LogicalPlan, Projection, Sort, SortExpr, Window};
use datafusion::optimizer::AnalyzerRule;

use super::correlation::{has_joined_subqueries, has_subqueries_in, lateral_of, subquery_of};
use super::places::{only, referred};
use super::refused;
use super::unnesting::under_names;

#[derive(Debug)]
pub struct LiftSubqueries;

impl AnalyzerRule for LiftSubqueries {
    fn name(&self) -> &str {
        "lift_subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let mut found = false;
        plan.apply_with_subqueries(|node| {
            found |= matches!(node, LogicalPlan::Join(_) | LogicalPlan::Window(_) | LogicalPlan::Sort(_))
                && has_subqueries_in(node)?;
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        if !found {
            return Ok(plan);
        }
        let lifted = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(join) if lateral_of(&join).is_some() => Ok(Transformed::no(LogicalPlan::Join(join))),
            LogicalPlan::Join(join) if join.join_type == JoinType::Inner => of_inner_join(join),
            LogicalPlan::Join(join) => of_outer_join(join),
            LogicalPlan::Window(window) => of_window(window),
            LogicalPlan::Sort(sort) => of_sort(sort),
            other => Ok(Transformed::no(other)),
        })?;
        Ok(lifted.data)
    }
}

fn of_inner_join(join: Join) -> Result<Transformed<LogicalPlan>> {
    let conjuncts = join.filter.clone().map(split_conjunction_owned).unwrap_or_default();
    let (with, without): (Vec<Expr>, Vec<Expr>) =
        conjuncts.into_iter().partition(|conjunct| has_joined_subqueries(conjunct).unwrap_or(true));
    let Some(predicate) = conjunction(with) else {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    };
    let joined = LogicalPlan::Join(Join { filter: conjunction(without), ..join });
    Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(joined))?)))
}

/// An input that gets a column for each subquery that sees no more than it.
struct Widened {
    input: Arc<LogicalPlan>,
    columns: Vec<Expr>,
}

impl Widened {
    fn over(input: Arc<LogicalPlan>) -> Self {
        let columns = input.schema().columns().into_iter().map(Expr::Column).collect();
        Self { input, columns }
    }

    fn is_wider(&self) -> bool {
        self.columns.len() > self.input.schema().fields().len()
    }

    fn has(&self, column: &Column) -> bool {
        self.input.schema().has_column(column)
    }

    /// `name` is unique in the plan around.
    fn add(&mut self, value: Expr, name: String) -> Expr {
        self.columns.push(value.alias(&name));
        Expr::Column(Column::new_unqualified(name))
    }

    fn plan(self) -> Result<Arc<LogicalPlan>> {
        match self.is_wider() {
            true => Ok(Arc::new(LogicalPlan::Projection(Projection::try_new(self.columns, self.input)?))),
            false => Ok(self.input),
        }
    }
}

/// An expression over the inputs, with columns in the place of the subqueries that must be joined.
fn lifted(expression: Expr, inputs: &mut [&mut Widened], prefix: &str) -> Result<Transformed<Expr>> {
    expression.transform_down(|part| {
        if subquery_of(&part).is_none() || !has_joined_subqueries(&part)? {
            return Ok(Transformed::no(part));
        }
        let name = format!("{prefix}_{}", inputs.iter().map(|input| input.columns.len()).sum::<usize>());
        // Others are of queries further out.
        let seen = |column: &Column| inputs.iter().any(|input| input.has(column));
        let columns: Vec<Column> = referred(&part)?.into_iter().filter(seen).collect();
        match inputs.iter_mut().find(|input| columns.iter().all(|column| input.has(column))) {
            Some(input) => Ok(Transformed::new(input.add(part, name), true, TreeNodeRecursion::Jump)),
            None => Err(refused("columns of both sides in the condition of an outer join")),
        }
    })
}

fn of_outer_join(join: Join) -> Result<Transformed<LogicalPlan>> {
    let Some(filter) = join.filter.clone() else { return Ok(Transformed::no(LogicalPlan::Join(join))) };
    let (mut left, mut right) = (Widened::over(Arc::clone(&join.left)), Widened::over(Arc::clone(&join.right)));
    let filter = lifted(filter, &mut [&mut left, &mut right], "__on")?;
    if !filter.transformed {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    let joined = Join::try_new(
        left.plan()?,
        right.plan()?,
        join.on,
        Some(filter.data),
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    Ok(Transformed::yes(only(LogicalPlan::Join(joined), &join.schema)?))
}

fn of_window(window: Window) -> Result<Transformed<LogicalPlan>> {
    let mut input = Widened::over(Arc::clone(&window.input));
    let before = input.columns.len();
    let mut expressions = Vec::new();
    for expression in &window.window_expr {
        expressions.push(lifted(expression.clone(), &mut [&mut input], "__window")?.data);
    }
    let more = input.columns.len() - before;
    if more == 0 {
        return Ok(Transformed::no(LogicalPlan::Window(window)));
    }
    let plan = LogicalPlan::Window(Window::try_new(expressions, input.plan()?)?);
    let at = |i: usize| if i < before { i } else { i + more };
    Ok(Transformed::yes(under_names(plan, &window.schema, at, Vec::new())?))
}

/// A projection with the columns that subqueries of keys take from below it.
fn with_hidden(input: &Arc<LogicalPlan>, keys: &[SortExpr]) -> Result<Arc<LogicalPlan>> {
    let LogicalPlan::Projection(projection) = input.as_ref() else { return Ok(Arc::clone(input)) };
    let mut expressions = projection.expr.clone();
    for key in keys {
        if !has_joined_subqueries(&key.expr)? {
            continue;
        }
        for column in referred(&key.expr)? {
            let is_hidden = !input.schema().has_column(&column) && projection.input.schema().has_column(&column);
            let column = Expr::Column(column);
            if is_hidden && !expressions.contains(&column) {
                expressions.push(column);
            }
        }
    }
    if expressions.len() == projection.expr.len() {
        return Ok(Arc::clone(input));
    }
    Ok(Arc::new(LogicalPlan::Projection(Projection::try_new(expressions, Arc::clone(&projection.input))?)))
}

fn of_sort(sort: Sort) -> Result<Transformed<LogicalPlan>> {
    let mut input = Widened::over(with_hidden(&sort.input, &sort.expr)?);
    let mut keys = Vec::new();
    for key in &sort.expr {
        keys.push(SortExpr { expr: lifted(key.expr.clone(), &mut [&mut input], "__order")?.data, ..key.clone() });
    }
    if !input.is_wider() {
        return Ok(Transformed::no(LogicalPlan::Sort(sort)));
    }
    let sorted = LogicalPlan::Sort(Sort { expr: keys, input: input.plan()?, fetch: sort.fetch });
    Ok(Transformed::yes(only(sorted, sort.input.schema())?))
}

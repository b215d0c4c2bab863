// SPDX-License-Identifier: Apache-2.0
//! Evaluates a correlated subquery at once for all combinations of the outer columns that it refers to. The distinct combinations, the
//! *keys*, are joined in at the bottom of the subquery and carried to its top: an aggregate groups by them, a window is partitioned by
//! them, LIMIT counts within them. What comes out is the rows of the subquery for every combination, beside the combination.

use std::sync::Arc;

use datafusion::common::alias::AliasGenerator;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinConstraint, NullEquality};
use datafusion::error::Result;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, FetchType, Filter, Join, JoinType, Limit, LogicalPlan, LogicalPlanBuilder,
    Operator, Projection, SkipType, SortExpr, SubqueryAlias, Union, Unnest, Values, Window, lit,
};

use super::correlation::{free_columns, has_subqueries};
use super::refused;

/// A subquery with the keys beside its rows.
pub struct Unnested {
    pub plan: LogicalPlan,
    /// Where the outer columns stand in it, in their order.
    pub keys: Vec<Column>,
    /// The place of each row in the order of the subquery, for a LIMIT above.
    order: Option<Column>,
}

pub struct Unnesting<'a> {
    aliases: &'a AliasGenerator,
    /// The outer columns.
    outer: &'a [Column],
    /// Their distinct combinations, in their order.
    keys: LogicalPlan,
}

/// `left IS NOT DISTINCT FROM right`, or `=` where no NULL can be.
pub fn same(left: Expr, right: Expr, nullable: bool) -> Expr {
    let op = if nullable { Operator::IsNotDistinctFrom } else { Operator::Eq };
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

pub fn join(left: LogicalPlan, right: LogicalPlan, kind: JoinType, filters: Vec<Expr>) -> Result<LogicalPlan> {
    let join = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        Vec::new(),
        conjunction(filters).or_else(|| (kind != JoinType::Inner).then(|| lit(true))),
        kind,
        JoinConstraint::On,
        NullEquality::NullEqualsNothing,
        false,
    )?;
    Ok(LogicalPlan::Join(join))
}

/// A plan's columns by place, under the names of `wanted`; those of the plan that come behind or between are chosen by `at`.
pub fn under_names(
    plan: LogicalPlan,
    wanted: &DFSchema,
    at: impl Fn(usize) -> usize,
    more: Vec<Expr>,
) -> Result<LogicalPlan> {
    let mut expressions: Vec<Expr> = wanted
        .iter()
        .enumerate()
        .map(|(i, (relation, field))| {
            let column = Column::from(plan.schema().qualified_field(at(i)));
            if column.relation.as_ref() == relation && column.name == *field.name() {
                Expr::Column(column)
            } else {
                Expr::Column(column).alias_qualified(relation.cloned(), field.name())
            }
        })
        .collect();
    expressions.extend(more);
    Ok(LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(plan))?))
}

fn columns(names: &[Column]) -> impl Iterator<Item = Expr> + '_ {
    names.iter().cloned().map(Expr::Column)
}

impl<'a> Unnesting<'a> {
    /// `source` has the outer columns.
    pub fn new(aliases: &'a AliasGenerator, source: &LogicalPlan, outer: &'a [Column]) -> Result<Self> {
        Ok(Self { aliases, outer, keys: combinations(source, outer)? })
    }

    /// The keys under names of their own.
    fn keys(&self) -> Result<(LogicalPlan, Vec<Column>)> {
        let relation = self.aliases.next("__keys");
        let names: Vec<String> = (0..self.outer.len()).map(|i| format!("{relation}_{i}")).collect();
        let schema = Arc::clone(self.keys.schema());
        let expressions = schema.iter().zip(&names).map(|(field, name)| Expr::Column(Column::from(field)).alias(name));
        let projected = Projection::try_new(expressions.collect(), Arc::new(self.keys.clone()))?;
        let named = SubqueryAlias::try_new(Arc::new(LogicalPlan::Projection(projected)), relation.as_str())?;
        let columns = names.into_iter().map(|name| Column::new(Some(relation.as_str()), name)).collect();
        Ok((LogicalPlan::SubqueryAlias(named), columns))
    }

    fn refers(&self, plan: &LogicalPlan) -> Result<bool> {
        Ok(free_columns(plan)?.iter().any(|outer| self.outer.contains(&outer.column)))
    }

    /// The expression over the keys.
    fn over_keys(&self, expression: Expr, keys: &[Column]) -> Result<Expr> {
        let over = expression.transform(|part| match &part {
            Expr::OuterReferenceColumn(_, column) => match self.outer.iter().position(|outer| outer == column) {
                Some(at) => Ok(Transformed::yes(Expr::Column(keys[at].clone()))),
                None => Ok(Transformed::no(part)),
            },
            _ => Ok(Transformed::no(part)),
        })?;
        Ok(over.data)
    }

    fn all_over_keys(&self, expressions: &[Expr], keys: &[Column]) -> Result<Vec<Expr>> {
        expressions.iter().map(|expression| self.over_keys(expression.clone(), keys)).collect()
    }

    /// `ordered`: a LIMIT above counts the rows in their order.
    pub fn unnest(&self, plan: &LogicalPlan, ordered: bool) -> Result<Unnested> {
        if !(self.refers(plan)? || ordered && decides_order(plan)) {
            let (keys, names) = self.keys()?;
            return Ok(Unnested {
                plan: join(keys, plan.clone(), JoinType::Inner, Vec::new())?,
                keys: names,
                order: None,
            });
        }
        match plan {
            LogicalPlan::Projection(projection) => self.projection(projection, ordered),
            LogicalPlan::Filter(filter) => {
                let input = self.unnest(&filter.input, ordered)?;
                if has_subqueries(&filter.predicate)? && self.refers_in_subqueries(&filter.predicate)? {
                    return Err(refused("such a subquery in a filter"));
                }
                let predicate = self.over_keys(filter.predicate.clone(), &input.keys)?;
                let plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input.plan))?);
                Ok(Unnested { plan, ..input })
            }
            LogicalPlan::SubqueryAlias(alias) => self.subquery_alias(alias, ordered),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Window(window) => self.window(window, ordered),
            LogicalPlan::Sort(sort) => {
                let limited = LogicalPlan::Sort(datafusion::logical_expr::Sort { fetch: None, ..sort.clone() });
                match sort.fetch {
                    Some(fetch) => self.limit(&limited, 0, Some(fetch), ordered),
                    None if ordered => self.ordered(sort),
                    None => self.unnest(&sort.input, false),
                }
            }
            LogicalPlan::Limit(limit) => {
                let (skip, fetch) = bounds(limit)?;
                self.limit(&limit.input, skip, fetch, ordered)
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let input = self.unnest(input, false)?;
                Ok(Unnested { plan: LogicalPlan::Distinct(Distinct::All(Arc::new(input.plan))), ..input })
            }
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Distinct(Distinct::On(_)) => Err(refused("DISTINCT ON")),
            LogicalPlan::Values(values) => self.unnest(&rows_of(values)?, ordered),
            // A table of a list, or a LATERAL without a left side.
            LogicalPlan::Subquery(subquery) => self.unnest(&subquery.subquery, ordered),
            LogicalPlan::Unnest(lists) => self.lists(lists),
            LogicalPlan::RecursiveQuery(_) => Err(refused("them in WITH RECURSIVE")),
            other => Err(refused(&format!("them below {}", other.display()))),
        }
    }

    fn refers_in_subqueries(&self, expression: &Expr) -> Result<bool> {
        expression.exists(|part| match super::correlation::subquery_of(part) {
            Some(subquery) => self.refers(&subquery.subquery),
            None => Ok(false),
        })
    }

    fn projection(&self, projection: &Projection, ordered: bool) -> Result<Unnested> {
        let input = self.unnest(&projection.input, ordered)?;
        let mut expressions = Vec::new();
        // A projection of a UNION names its columns without their tables.
        for (expression, (relation, field)) in projection.expr.iter().zip(projection.schema.iter()) {
            let expression = self.over_keys(expression.clone(), &input.keys)?;
            let is_named = expression.qualified_name() == (relation.cloned(), field.name().clone());
            expressions.push(match is_named {
                true => expression,
                false => expression.unalias().alias_qualified(relation.cloned(), field.name()),
            });
        }
        expressions.extend(columns(&input.keys));
        expressions.extend(input.order.iter().cloned().map(Expr::Column));
        let plan = LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(input.plan))?);
        Ok(Unnested { plan, ..input })
    }

    fn subquery_alias(&self, alias: &SubqueryAlias, ordered: bool) -> Result<Unnested> {
        let input = self.unnest(&alias.input, ordered)?;
        // Only what had a name before, which the keys of several joins may not have.
        let carried = columns(&input.keys).chain(input.order.iter().cloned().map(Expr::Column));
        let expressions = columns(&alias.input.schema().columns()).chain(carried).collect();
        let projected = LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(input.plan))?);
        let requalified = |column: Column| Column::new(Some(alias.alias.clone()), column.name);
        Ok(Unnested {
            plan: LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(projected), alias.alias.clone())?),
            keys: input.keys.into_iter().map(requalified).collect(),
            order: input.order.map(requalified),
        })
    }

    fn aggregate(&self, aggregate: &Aggregate) -> Result<Unnested> {
        if aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_))) {
            return Err(refused("ROLLUP, CUBE or GROUPING SETS"));
        }
        let mut input = self.unnest(&aggregate.input, false)?;
        let mut aggregates = self.all_over_keys(&aggregate.aggr_expr, &input.keys)?;
        if aggregate.group_expr.is_empty() {
            // There is a row for each combination, also where nothing is left of the input.
            let (keys, names) = self.keys()?;
            let present = self.aliases.next("__present");
            let kept = input.plan.schema().columns();
            let marked = columns(&kept).chain([lit(true).alias(&present)]).collect();
            let marked = LogicalPlan::Projection(Projection::try_new(marked, Arc::new(input.plan))?);
            let filters = names
                .iter()
                .zip(&input.keys)
                .map(|(left, right)| same(Expr::Column(left.clone()), Expr::Column(right.clone()), true));
            input.plan = join(keys, marked, JoinType::Left, filters.collect())?;
            input.keys = names;
            let is_present = Expr::Column(Column::new_unqualified(present)).is_not_null();
            aggregates =
                aggregates.into_iter().map(|aggregate| where_present(aggregate, &is_present)).collect::<Result<_>>()?;
        }
        let mut groups: Vec<Expr> = columns(&input.keys).collect();
        let own = groups.len();
        groups.extend(self.all_over_keys(&aggregate.group_expr, &input.keys)?);
        let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input.plan), groups, aggregates)?);
        let carried = columns(&input.keys).collect();
        let plan = under_names(plan, &aggregate.schema, |i| own + i, carried)?;
        Ok(Unnested { plan, keys: input.keys, order: None })
    }

    fn window(&self, window: &Window, ordered: bool) -> Result<Unnested> {
        let input = self.unnest(&window.input, ordered)?;
        let mut expressions = Vec::new();
        for expression in self.all_over_keys(&window.window_expr, &input.keys)? {
            let within = expression.transform(|part| match part {
                Expr::WindowFunction(mut function) => {
                    function.params.partition_by.extend(columns(&input.keys));
                    Ok(Transformed::yes(Expr::WindowFunction(function)))
                }
                other => Ok(Transformed::no(other)),
            })?;
            expressions.push(within.data);
        }
        let before = window.input.schema().fields().len();
        let now = input.plan.schema().fields().len();
        let kept: Vec<usize> = window
            .input
            .schema()
            .columns()
            .iter()
            .map(|column| input.plan.schema().index_of_column(column))
            .collect::<Result<_>>()?;
        let plan = LogicalPlan::Window(Window::try_new(expressions, Arc::new(input.plan))?);
        let carried = columns(&input.keys).chain(input.order.iter().cloned().map(Expr::Column)).collect();
        let at = |i: usize| if i < before { kept[i] } else { now + i - before };
        let plan = under_names(plan, &window.schema, at, carried)?;
        Ok(Unnested { plan, keys: input.keys, order: input.order })
    }

    /// `row_number() OVER (PARTITION BY keys ORDER BY …)` beside the rows, and its name.
    fn numbered(&self, plan: LogicalPlan, keys: &[Column], order_by: Vec<SortExpr>) -> Result<(LogicalPlan, Column)> {
        let name = self.aliases.next("__number");
        let mut function = WindowFunction::new(row_number_udwf(), Vec::new());
        let has_order = !order_by.is_empty();
        function.params = WindowFunctionParams {
            partition_by: columns(keys).collect(),
            order_by,
            window_frame: datafusion::logical_expr::WindowFrame::new(has_order.then_some(false)),
            ..function.params
        };
        let kept = plan.schema().columns();
        let plan =
            LogicalPlan::Window(Window::try_new(vec![Expr::WindowFunction(Box::new(function))], Arc::new(plan))?);
        let number = Column::from(plan.schema().qualified_field(kept.len()));
        let expressions = columns(&kept).chain([Expr::Column(number).alias(&name)]).collect();
        let plan = LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(plan))?);
        Ok((plan, Column::new_unqualified(name)))
    }

    fn ordered(&self, sort: &datafusion::logical_expr::Sort) -> Result<Unnested> {
        let input = self.unnest(&sort.input, false)?;
        let order_by = sort
            .expr
            .iter()
            .map(|key| Ok(SortExpr { expr: self.over_keys(key.expr.clone(), &input.keys)?, ..key.clone() }))
            .collect::<Result<_>>()?;
        let (plan, order) = self.numbered(input.plan, &input.keys, order_by)?;
        Ok(Unnested { plan, keys: input.keys, order: Some(order) })
    }

    fn limit(&self, input: &LogicalPlan, skip: usize, fetch: Option<usize>, ordered: bool) -> Result<Unnested> {
        let input = self.unnest(input, true)?;
        let order_by = input.order.iter().map(|order| SortExpr::new(Expr::Column(order.clone()), true, false));
        let (plan, number) = self.numbered(input.plan, &input.keys, order_by.collect())?;
        let place = || Expr::Column(number.clone());
        let mut bounds = vec![place().gt(lit(skip as u64))];
        bounds.extend(fetch.map(|fetch| place().lt_eq(lit(skip.saturating_add(fetch) as u64))));
        let predicate = conjunction(bounds).unwrap_or_else(|| lit(true));
        let plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(plan))?);
        Ok(Unnested { plan, keys: input.keys, order: ordered.then_some(number) })
    }

    fn union(&self, union: &Union) -> Result<Unnested> {
        let width = union.schema.fields().len();
        let names: Vec<String> = self.outer.iter().map(|_| self.aliases.next("__key")).collect();
        let mut inputs = Vec::new();
        for input in &union.inputs {
            let before = input.schema().columns();
            let input = self.unnest(input, false)?;
            let own = before.into_iter().zip(union.schema.fields()).map(|(column, field)| {
                if column.name == *field.name() {
                    Expr::Column(column)
                } else {
                    Expr::Column(column).alias(field.name())
                }
            });
            let keys = input.keys.iter().zip(&names).map(|(key, name)| Expr::Column(key.clone()).alias(name));
            let expressions = own.chain(keys).collect();
            inputs.push(Arc::new(LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(input.plan))?)));
        }
        let plan = LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?);
        let fields = (width..width + names.len()).map(|i| Column::from(plan.schema().qualified_field(i)));
        let keys: Vec<Column> = fields.collect();
        let carried = columns(&keys).collect();
        Ok(Unnested { plan: under_names(plan, &union.schema, |i| i, carried)?, keys, order: None })
    }

    fn join(&self, node: &Join) -> Result<Unnested> {
        use JoinType::*;
        let conditions: Vec<&Expr> =
            node.on.iter().flat_map(|(left, right)| [left, right]).chain(&node.filter).collect();
        for condition in &conditions {
            if self.refers_in_subqueries(condition)? {
                return Err(refused("such a subquery in a condition of a join"));
            }
        }
        let (in_left, in_right) = (self.refers(&node.left)?, self.refers(&node.right)?);
        let (through_left, through_right) = match node.join_type {
            Inner => (in_left || !in_right, in_right),
            Left | LeftSemi | LeftAnti | LeftMark => (true, in_right),
            Right | RightSemi | RightAnti | RightMark => (in_left, true),
            Full => (true, true),
        };
        let mut filters = Vec::new();
        let (left, left_keys) = self.side(&node.left, through_left)?;
        let (right, right_keys) = self.side(&node.right, through_right)?;
        if through_left && through_right {
            filters.extend(columns(&left_keys).zip(columns(&right_keys)).map(|(left, right)| same(left, right, true)));
        }
        let keys = if through_left { left_keys.clone() } else { right_keys.clone() };
        let mut on = Vec::new();
        for (left, right) in &node.on {
            let (left, right) = (self.over_keys(left.clone(), &keys)?, self.over_keys(right.clone(), &keys)?);
            let nulls = node.null_equality == NullEquality::NullEqualsNull;
            if nulls || filters.is_empty() {
                on.push((left, right));
            } else {
                filters.push(left.eq(right));
            }
        }
        if let Some(filter) = &node.filter {
            filters.push(self.over_keys(filter.clone(), &keys)?);
        }
        let plan = LogicalPlan::Join(Join::try_new(
            Arc::new(left),
            Arc::new(right),
            on,
            conjunction(filters),
            node.join_type,
            JoinConstraint::On,
            node.null_equality,
            node.null_aware,
        )?);
        if node.join_type != Full {
            return Ok(Unnested { plan, keys, order: None });
        }
        let merged: Vec<String> = keys.iter().map(|_| self.aliases.next("__key")).collect();
        let mut expressions: Vec<Expr> = columns(&node.schema.columns()).collect();
        for ((left, right), name) in columns(&left_keys).zip(columns(&right_keys)).zip(&merged) {
            let either = datafusion::functions::core::expr_fn::coalesce(vec![left, right]);
            expressions.push(either.alias(name));
        }
        let plan = LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(plan))?);
        Ok(Unnested { plan, keys: merged.into_iter().map(Column::new_unqualified).collect(), order: None })
    }

    /// `unnest(list)`.
    fn lists(&self, lists: &Unnest) -> Result<Unnested> {
        let input = self.unnest(&lists.input, false)?;
        let plan = LogicalPlanBuilder::from(input.plan)
            .unnest_columns_with_options(lists.exec_columns.clone(), lists.options.clone())?
            .build()?;
        let places: Vec<usize> =
            lists.schema.columns().iter().map(|column| plan.schema().index_of_column(column)).collect::<Result<_>>()?;
        let carried = columns(&input.keys).collect();
        Ok(Unnested { plan: under_names(plan, &lists.schema, |i| places[i], carried)?, keys: input.keys, order: None })
    }

    fn side(&self, plan: &LogicalPlan, with_keys: bool) -> Result<(LogicalPlan, Vec<Column>)> {
        if !with_keys {
            return Ok((plan.clone(), Vec::new()));
        }
        let side = self.unnest(plan, false)?;
        Ok((side.plan, side.keys))
    }
}

/// VALUES as a UNION of a projection for each row.
fn rows_of(values: &Values) -> Result<LogicalPlan> {
    let mut rows = Vec::new();
    for row in &values.values {
        let named = row.iter().zip(values.schema.fields()).map(|(value, field)| value.clone().alias(field.name()));
        rows.push(LogicalPlanBuilder::empty(true).project(named)?.build()?);
    }
    if rows.len() == 1 {
        return Ok(rows.swap_remove(0));
    }
    let union = Union::try_new_with_loose_types(rows.into_iter().map(Arc::new).collect())?;
    Ok(LogicalPlan::Union(union))
}

/// Whether the rows of a plan come in an order that a LIMIT above goes by.
fn decides_order(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(projection) => decides_order(&projection.input),
        LogicalPlan::Filter(filter) => decides_order(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => decides_order(&alias.input),
        LogicalPlan::Window(window) => decides_order(&window.input),
        LogicalPlan::Limit(limit) => decides_order(&limit.input),
        _ => false,
    }
}

fn bounds(limit: &Limit) -> Result<(usize, Option<usize>)> {
    match (limit.get_skip_type()?, limit.get_fetch_type()?) {
        (SkipType::Literal(skip), FetchType::Literal(fetch)) => Ok((skip, fetch)),
        _ => Err(refused("a LIMIT or OFFSET that is no number")),
    }
}

/// An aggregate over the rows that are there, not those that an outer join filled in.
fn where_present(aggregate: Expr, is_present: &Expr) -> Result<Expr> {
    let filtered = aggregate.transform(|part| match part {
        Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
            let filter = match params.filter.take() {
                Some(filter) => is_present.clone().and(*filter),
                None => is_present.clone(),
            };
            params.filter = Some(Box::new(filter));
            Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(filtered.data)
}

/// The distinct combinations of outer columns: those of `source`, or of what is below where its rows are not the same each time they
/// are read. More of them than are needed do no harm.
fn combinations(source: &LogicalPlan, outer: &[Column]) -> Result<LogicalPlan> {
    let varying = || refused("columns of rows that are not the same each time they are read");
    let mut plan = source;
    let mut values: Vec<Expr> = columns(outer).collect();
    while !is_repeatable(plan)? {
        plan = match plan {
            LogicalPlan::Filter(filter) => &filter.input,
            LogicalPlan::Sort(sort) => &sort.input,
            LogicalPlan::Limit(limit) => &limit.input,
            LogicalPlan::Window(window) => &window.input,
            LogicalPlan::SubqueryAlias(alias) => {
                values = values_below(values, plan.schema(), |at| {
                    Expr::Column(Column::from(alias.input.schema().qualified_field(at)))
                })?;
                &alias.input
            }
            LogicalPlan::Projection(projection) => {
                values = values_below(values, plan.schema(), |at| projection.expr[at].clone().unalias())?;
                &projection.input
            }
            LogicalPlan::Join(join) => match join.join_type {
                JoinType::Inner if has_all(&join.right, &values) => &join.right,
                JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    &join.left
                }
                _ => return Err(varying()),
            },
            _ => return Err(varying()),
        };
        if !has_all(plan, &values) || values.iter().any(Expr::is_volatile) {
            return Err(varying());
        }
    }
    let named = values.into_iter().enumerate().map(|(i, value)| value.alias(format!("__outer_{i}")));
    let projected = Projection::try_new(named.collect(), Arc::new(plan.clone()))?;
    Ok(LogicalPlan::Distinct(Distinct::All(Arc::new(LogicalPlan::Projection(projected)))))
}

fn has_all(plan: &LogicalPlan, values: &[Expr]) -> bool {
    values.iter().all(|value| value.column_refs().into_iter().all(|column| plan.schema().has_column(column)))
}

/// The values over the input of a node, whose columns are `below` by place.
fn values_below(values: Vec<Expr>, schema: &DFSchema, below: impl Fn(usize) -> Expr) -> Result<Vec<Expr>> {
    let lowered = values.into_iter().map(|value| {
        let value = value.transform(|part| match &part {
            Expr::Column(column) => Ok(Transformed::yes(below(schema.index_of_column(column)?))),
            _ => Ok(Transformed::no(part)),
        })?;
        Ok(value.data)
    });
    lowered.collect()
}

/// Neither volatile functions nor limits, which may take other rows the second time; a limit that only tells whether there is a row
/// takes none.
fn is_repeatable(plan: &LogicalPlan) -> Result<bool> {
    let mut varies = matches!(plan, LogicalPlan::Limit(_)) || matches!(plan, LogicalPlan::Sort(s) if s.fetch.is_some());
    plan.apply_expressions(|expression| {
        varies |= expression.is_volatile();
        Ok(TreeNodeRecursion::Continue)
    })?;
    if varies {
        return Ok(false);
    }
    if let LogicalPlan::Join(join) = plan
        && join.join_type == JoinType::LeftMark
        && join.filter == Some(lit(true))
        && let LogicalPlan::Limit(limit) = join.right.as_ref()
    {
        return Ok(is_repeatable(&join.left)? && is_repeatable(&limit.input)?);
    }
    for input in plan.inputs() {
        if !is_repeatable(input)? {
            return Ok(false);
        }
    }
    Ok(true)
}

// SPDX-License-Identifier: Apache-2.0
//! The one column that JOIN … USING and NATURAL JOIN make of two. The engine takes that of the left side, which is NULL where only the
//! right side of a RIGHT or FULL JOIN has a row. Such joins are written with ON here, and the column as what the standard makes of it.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use sqlparser::ast::{
    BinaryOperator, ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, OrderBy, OrderByKind,
    Query, Select, SelectItem, SetExpr, TableFactor, TableWithJoins, Value, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use super::named_queries::{NamedQueries, output_name, select_all, selects_of};
use super::{About, Guard, Means, PartPlanner};
use crate::error::{BridgeError, Result};
use crate::syntax::{call, folded, visit};

pub struct MergedKeys;

impl Guard for MergedKeys {
    fn about(&self) -> About {
        About {
            name: "merged_keys",
            version: 2,
            fault: "`SELECT k FROM a FULL JOIN b USING (k)` gives NULL for a key that only b has; RIGHT and NATURAL likewise; \
                    `WHERE k = 1` above any USING is refused as ambiguous",
            upstream: "apache/datafusion#22881",
            means: Means::Correction,
            effect: "the column is the key of the side that has it; `a.k` and `b.k` are what they are",
        }
    }

    fn statement(&self, planner: &dyn PartPlanner, statement: &mut Statement) -> Result<()> {
        match visit(statement, &mut Merging { queries: NamedQueries::new(planner) }) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}

fn constraint_of(operator: &JoinOperator) -> Option<&JoinConstraint> {
    use JoinOperator::*;
    match operator {
        Join(constraint)
        | Inner(constraint)
        | Left(constraint)
        | LeftOuter(constraint)
        | Right(constraint)
        | RightOuter(constraint)
        | FullOuter(constraint)
        | LeftSemi(constraint)
        | RightSemi(constraint)
        | LeftAnti(constraint)
        | RightAnti(constraint)
        | Semi(constraint)
        | Anti(constraint) => Some(constraint),
        _ => None,
    }
}

/// A join whose merged column the engine gets wrong; an outer NATURAL join without common columns it makes a cross join.
fn is_wrong(operator: &JoinOperator) -> bool {
    use JoinOperator::*;
    matches!(
        (operator, constraint_of(operator)),
        (Right(_) | RightOuter(_) | FullOuter(_), Some(JoinConstraint::Using(_) | JoinConstraint::Natural))
            | (Left(_) | LeftOuter(_), Some(JoinConstraint::Natural))
    )
}

/// One that merges columns at all. In a condition the engine then takes the column for two.
fn merges(operator: &JoinOperator) -> bool {
    matches!(constraint_of(operator), Some(JoinConstraint::Using(_) | JoinConstraint::Natural))
}

fn any_join(table: &TableWithJoins, is: fn(&JoinOperator) -> bool) -> bool {
    let nested = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, .. } => any_join(table_with_joins, is),
        _ => false,
    };
    nested(&table.relation) || table.joins.iter().any(|join| is(&join.join_operator) || nested(&join.relation))
}

/// A column that `*` shows.
#[derive(Clone)]
struct Shown {
    name: String,
    value: Expr,
    is_merged: bool,
}

struct Merging<'a> {
    queries: NamedQueries<'a>,
}

impl VisitorMut for Merging<'_> {
    type Break = BridgeError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<BridgeError> {
        self.queries.enter(query);
        ControlFlow::Continue(())
    }

    /// A name for joins in parentheses is one for a query over them.
    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<BridgeError> {
        if let TableFactor::NestedJoin { table_with_joins, alias: Some(alias) } = factor
            && any_join(table_with_joins, merges)
        {
            let subquery = match select_all(table_with_joins.as_ref().clone()) {
                Ok(query) => Box::new(query),
                Err(error) => return ControlFlow::Break(error),
            };
            *factor = TableFactor::Derived { lateral: false, subquery, alias: Some(alias.clone()), sample: None };
        }
        ControlFlow::Continue(())
    }

    // Inner queries are done by then.
    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<BridgeError> {
        let outcome = match query.body.as_mut() {
            SetExpr::Select(select) => self.select(select, query.order_by.as_mut()),
            body => selects_of(body).into_iter().try_for_each(|select| self.select(select, None)),
        };
        self.queries.leave(query);
        match outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

fn refused(message: String) -> BridgeError {
    let mut error = BridgeError::user("unsupported", message);
    error
        .details
        .insert("helps".into(), serde_json::json!(["write the join with ON, and the key as coalesce(a.k, b.k)"]));
    error
}

fn ident(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// The column of that name, if there is one and only one.
fn only<'s>(shown: &'s [Shown], name: &str) -> Option<&'s Shown> {
    let mut found = shown.iter().filter(|column| column.name == name);
    match (found.next(), found.next()) {
        (Some(column), None) => Some(column),
        _ => None,
    }
}

fn merged_of(shown: &[Shown]) -> HashMap<String, Expr> {
    let merged = shown.iter().filter(|column| column.is_merged && only(shown, &column.name).is_some());
    merged.map(|column| (column.name.clone(), column.value.clone())).collect()
}

impl Merging<'_> {
    fn select(&mut self, select: &mut Select, order_by: Option<&mut OrderBy>) -> Result<()> {
        if !select.from.iter().any(|table| any_join(table, merges)) {
            return Ok(());
        }
        let mut written = (select.clone(), order_by.as_deref().cloned());
        match self.write(&mut written.0, written.1.as_mut()) {
            Ok(()) => {
                *select = written.0;
                if let (Some(order_by), Some(written)) = (order_by, written.1) {
                    *order_by = written;
                }
                Ok(())
            }
            // What the engine does not get wrong is left to it.
            Err(_) if !select.from.iter().any(|table| any_join(table, is_wrong)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, select: &mut Select, order_by: Option<&mut OrderBy>) -> Result<()> {
        let mut from = std::mem::take(&mut select.from);
        let mut shown = Vec::new();
        for table in &mut from {
            shown.extend(self.table_with_joins(table)?);
        }
        let merged = merged_of(&shown);
        let mut projection = Vec::new();
        for item in std::mem::take(&mut select.projection) {
            match item {
                SelectItem::Wildcard(options) => projection.extend(all(&shown, options)?),
                SelectItem::UnnamedExpr(Expr::Identifier(name))
                    if merged.get(&folded(&name)).is_some_and(is_computed) =>
                {
                    projection.push(SelectItem::ExprWithAlias { expr: Expr::Identifier(name.clone()), alias: name });
                }
                other => projection.push(other),
            }
        }
        select.projection = projection;
        let outputs: BTreeSet<String> = select.projection.iter().filter_map(output_name).collect();
        self.replace(select, merged.clone())?;
        if let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = order_by {
            let hidden: HashMap<_, _> = merged.into_iter().filter(|(name, _)| !outputs.contains(name)).collect();
            for key in keys {
                self.replace(&mut key.expr, hidden.clone())?;
            }
        }
        select.from = from;
        Ok(())
    }

    /// Puts the values of merged columns in the place of their names.
    fn replace(&mut self, part: &mut impl VisitMut, merged: HashMap<String, Expr>) -> Result<()> {
        let mut replacing = Replacing { queries: &mut self.queries, merged, hidden: Vec::new() };
        match VisitMut::visit(part, &mut replacing) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    fn table_with_joins(&mut self, table: &mut TableWithJoins) -> Result<Vec<Shown>> {
        let mut left = self.factor(&mut table.relation)?;
        for join in &mut table.joins {
            let right = self.factor(&mut join.relation)?;
            left = self.join(left, right, &mut join.join_operator)?;
        }
        Ok(left)
    }

    fn factor(&mut self, factor: &mut TableFactor) -> Result<Vec<Shown>> {
        if let TableFactor::NestedJoin { table_with_joins, alias: None } = factor {
            return self.table_with_joins(table_with_joins);
        }
        let qualifier: Vec<Ident> = match factor {
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::TableFunction { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. }
            | TableFactor::NestedJoin { alias: Some(alias), .. } => vec![alias.name.clone()],
            TableFactor::Table { name, args: None, alias: None, .. } => {
                name.0.iter().filter_map(|part| part.as_ident().cloned()).collect()
            }
            _ => Vec::new(),
        };
        let columns = self.queries.columns_of(factor)?;
        Ok(columns
            .into_iter()
            .map(|name| {
                let value = if qualifier.is_empty() {
                    Expr::Identifier(ident(&name))
                } else {
                    Expr::CompoundIdentifier(qualifier.iter().cloned().chain([ident(&name)]).collect())
                };
                Shown { name, value, is_merged: false }
            })
            .collect())
    }

    fn join(&mut self, mut left: Vec<Shown>, mut right: Vec<Shown>, operator: &mut JoinOperator) -> Result<Vec<Shown>> {
        use JoinOperator::*;
        let names: Option<Vec<String>> = match constraint_of(operator) {
            Some(JoinConstraint::Using(columns)) => Some(columns.iter().map(using_name).collect::<Result<_>>()?),
            Some(JoinConstraint::Natural) => {
                let common = left.iter().filter(|column| right.iter().any(|other| other.name == column.name));
                Some(common.map(|column| column.name.clone()).collect())
            }
            _ => None,
        };
        let is_full = matches!(operator, FullOuter(_));
        let is_right = matches!(operator, Right(_) | RightOuter(_) | RightSemi(_) | RightAnti(_));
        let keeps_left = !matches!(operator, RightSemi(_) | RightAnti(_));
        let keeps_right = !matches!(operator, LeftSemi(_) | LeftAnti(_) | Semi(_) | Anti(_));
        if let Some(names) = names {
            let mut conditions = Vec::new();
            for name in &names {
                let (Some(l), Some(r)) = (only(&left, name), only(&right, name)) else {
                    return Err(BridgeError::user(
                        "plan_failed",
                        format!(
                            "a column that stands once on either side of the join is wanted in USING, found `{name}`"
                        ),
                    ));
                };
                let (l, r) = (l.value.clone(), r.value.clone());
                let value = if is_full {
                    call("coalesce", vec![l.clone(), r.clone()])
                } else if is_right {
                    r.clone()
                } else {
                    l.clone()
                };
                conditions.push(Expr::BinaryOp { left: Box::new(l), op: BinaryOperator::Eq, right: Box::new(r) });
                let sides = if keeps_left { &mut left } else { &mut right };
                for column in sides.iter_mut().filter(|column| column.name == *name) {
                    column.value = value.clone();
                    column.is_merged = true;
                }
                if keeps_left {
                    right.retain(|column| column.name != *name);
                }
            }
            let condition = conditions
                .into_iter()
                .reduce(|l, r| Expr::BinaryOp { left: Box::new(l), op: BinaryOperator::And, right: Box::new(r) })
                .unwrap_or_else(|| Expr::Value(Value::Boolean(true).into()));
            if let Some(constraint) = constraint_of_mut(operator) {
                *constraint = JoinConstraint::On(condition);
            }
        }
        let sides = left.into_iter().filter(|_| keeps_left).chain(right.into_iter().filter(|_| keeps_right));
        let shown: Vec<Shown> = sides.collect();
        if let Some(JoinConstraint::On(condition)) = constraint_of_mut(operator) {
            self.replace(condition, merged_of(&shown))?;
        }
        Ok(shown)
    }
}

fn constraint_of_mut(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    use JoinOperator::*;
    match operator {
        Join(constraint)
        | Inner(constraint)
        | Left(constraint)
        | LeftOuter(constraint)
        | Right(constraint)
        | RightOuter(constraint)
        | FullOuter(constraint)
        | LeftSemi(constraint)
        | RightSemi(constraint)
        | LeftAnti(constraint)
        | RightAnti(constraint)
        | Semi(constraint)
        | Anti(constraint) => Some(constraint),
        _ => None,
    }
}

fn using_name(name: &ObjectName) -> Result<String> {
    match name.0.as_slice() {
        [part] if part.as_ident().is_some() => Ok(part.as_ident().map(folded).unwrap_or_default()),
        _ => Err(BridgeError::user("plan_failed", format!("names of columns are wanted in USING, found `{name}`"))),
    }
}

/// Whether the value of a column has no name by itself.
fn is_computed(value: &Expr) -> bool {
    matches!(value, Expr::Function(_))
}

/// What `*` stands for.
fn all(shown: &[Shown], options: WildcardAdditionalOptions) -> Result<Vec<SelectItem>> {
    let mut left_out: Vec<String> = match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => vec![using_name(name)?],
        Some(ExcludeSelectItem::Multiple(names)) => names.iter().map(using_name).collect::<Result<_>>()?,
        None => Vec::new(),
    };
    if let Some(except) = &options.opt_except {
        left_out.extend([&except.first_element].into_iter().chain(&except.additional_elements).map(folded));
    }
    let replaced: Vec<(String, Expr)> = options
        .opt_replace
        .iter()
        .flat_map(|replace| replace.items.iter().map(|item| (folded(&item.column_name), item.expr.clone())))
        .collect();
    let known = WildcardAdditionalOptions {
        wildcard_token: options.wildcard_token.clone(),
        opt_exclude: options.opt_exclude.clone(),
        opt_except: options.opt_except.clone(),
        opt_replace: options.opt_replace.clone(),
        ..Default::default()
    };
    let names = left_out.iter().chain(replaced.iter().map(|(name, _)| name));
    let unknown = names.into_iter().find(|name| !shown.iter().any(|column| column.name == **name));
    if options != known || unknown.is_some() {
        return Err(refused(format!(
            "columns of the tables are wanted behind `*` over joins with USING, found `*{options}`"
        )));
    }
    let kept = shown.iter().filter(|column| !left_out.contains(&column.name));
    Ok(kept
        .map(|column| match replaced.iter().find(|(name, _)| *name == column.name) {
            Some((name, value)) => SelectItem::ExprWithAlias { expr: value.clone(), alias: ident(name) },
            None if column.is_merged => {
                SelectItem::ExprWithAlias { expr: column.value.clone(), alias: ident(&column.name) }
            }
            None => SelectItem::UnnamedExpr(column.value.clone()),
        })
        .collect())
}

struct Replacing<'m, 'a> {
    queries: &'m mut NamedQueries<'a>,
    merged: HashMap<String, Expr>,
    /// The columns of the tables of each inner query around; None: not known.
    hidden: Vec<Option<BTreeSet<String>>>,
}

impl VisitorMut for Replacing<'_, '_> {
    type Break = BridgeError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<BridgeError> {
        self.queries.enter(query);
        let mut names = Some(BTreeSet::new());
        for select in selects_of(query.body.as_mut()) {
            for table in &select.from {
                for factor in std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation)) {
                    match (self.queries.columns_of(factor), &mut names) {
                        (Ok(columns), Some(names)) => names.extend(columns),
                        (Err(_), names) => *names = None,
                        (_, None) => {}
                    }
                }
            }
        }
        self.hidden.push(names);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<BridgeError> {
        self.hidden.pop();
        self.queries.leave(query);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<BridgeError> {
        if let Expr::Identifier(name) = expression {
            let name = folded(name);
            let is_hidden = self.hidden.iter().any(|names| names.as_ref().is_none_or(|names| names.contains(&name)));
            if let Some(value) = self.merged.get(&name).filter(|_| !is_hidden) {
                *expression = value.clone();
            }
        }
        ControlFlow::Continue(())
    }
}

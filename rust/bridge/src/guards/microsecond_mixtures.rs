// SPDX-License-Identifier: Apache-2.0
//! Dates that meet times of microseconds or less (in CASE, UNION, coalesce and the like), texts that do so in CASE, dates that functions of
//! times are called with, and times that are given a zone become times of microseconds, before the engine makes nanoseconds of all of them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, Projection, Union};
use datafusion::optimizer::AnalyzerRule;

use super::nodes::columns_of;

#[derive(Debug)]
pub struct MixMicroseconds;

impl AnalyzerRule for MixMicroseconds {
    fn name(&self) -> &str {
        "mix_microseconds"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        // The columns of a recursive query have the types that its first term was read with.
        if plan.exists(|node| Ok(matches!(node, LogicalPlan::RecursiveQuery(_))))? {
            return Ok(plan);
        }
        let changed = plan.transform_up_with_subqueries(in_node)?;
        if !changed.transformed {
            return Ok(changed.data);
        }
        // Types of columns above what has changed are seen now, too.
        let changed = changed.data.transform_up_with_subqueries(|node| {
            let node = in_node(node)?;
            node.transform_data(|node| match node {
                union @ LogicalPlan::Union(_) => Ok(Transformed::no(union)),
                other => Ok(Transformed::yes(other.recompute_schema()?)),
            })
        })?;
        Ok(changed.data)
    }
}

fn in_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if let LogicalPlan::Union(union) = node {
        return in_union(union);
    }
    let schema = columns_of(&node)?;
    let names = NamePreserver::new(&node);
    node.map_expressions(|expression| {
        let name = names.save(&expression);
        let changed = expression.transform_up(|part| in_part(part, &schema))?;
        Ok(if changed.transformed { changed.update_data(|expression| name.restore(expression)) } else { changed })
    })
}

fn in_part(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match part {
        Expr::Case(mut case) => {
            let thens = case.when_then_expr.iter_mut().map(|(_, then)| &mut **then);
            let changed = mix(thens.chain(case.else_expr.as_deref_mut()).collect(), true, schema);
            Transformed::new_transformed(Expr::Case(case), changed)
        }
        Expr::ScalarFunction(mut call) => {
            let changed = match call.name() {
                "greatest" | "least" => mix(call.args.iter_mut().collect(), true, schema),
                "coalesce" | "make_array" | "nullif" | "nvl" => mix(call.args.iter_mut().collect(), false, schema),
                "nvl2" => mix(call.args.iter_mut().skip(1).collect(), false, schema),
                "array_has" | "array_position" | "array_positions" => search(&mut call.args, schema),
                "date_bin" | "date_trunc" => match call.args.get_mut(1) {
                    Some(date) if date.get_type(schema).is_ok_and(|data_type| is_date(&data_type)) => {
                        widen(date, None);
                        true
                    }
                    _ => false,
                },
                _ => false,
            };
            Transformed::new_transformed(Expr::ScalarFunction(call), changed)
        }
        Expr::BinaryExpr(BinaryExpr { mut left, op: Operator::Minus, mut right }) => {
            let changed = mix(vec![&mut left, &mut right], false, schema);
            Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }), changed)
        }
        Expr::InSubquery(membership) => in_subquery(membership, schema)?,
        Expr::Cast(cast) if is_given_zone(&cast, schema) => {
            let DataType::Timestamp(_, zone) = cast.field.data_type().clone() else { unreachable!("it is a time") };
            let mut time = *cast.expr;
            widen(&mut time, zone);
            Transformed::yes(time)
        }
        other => Transformed::no(other),
    })
}

/// `time AT TIME ZONE 'zone'`, of a time without nanoseconds. A cast to a type with a zone has that of the session.
fn is_given_zone(cast: &Cast, schema: &DFSchema) -> bool {
    let DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) = cast.field.data_type() else { return false };
    zone.as_ref() != "+00:00"
        && match cast.expr.get_type(schema) {
            Ok(DataType::Timestamp(unit, _)) => unit != TimeUnit::Nanosecond,
            Ok(other) => is_date(&other) || is_text(&other),
            Err(_) => false,
        }
}

fn widen(date: &mut Expr, zone: Option<Arc<str>>) {
    let time = DataType::Timestamp(TimeUnit::Microsecond, zone);
    *date = Expr::Cast(Cast::new(Box::new(std::mem::take(date)), time));
}

fn is_date(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Date64)
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The zone of the times, if these meet dates (or texts, where `with_texts`) and nothing else; nothing otherwise.
fn mixture(types: &[DataType], with_texts: bool) -> Option<Option<Arc<str>>> {
    let mut zone = None;
    let mut has_others = false;
    for data_type in types {
        match data_type {
            other if is_date(other) || with_texts && is_text(other) => has_others = true,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => return None,
            DataType::Timestamp(_, found) => zone = zone.or(Some(found.clone())),
            DataType::Null => {}
            _ => return None,
        }
    }
    zone.filter(|_| has_others)
}

/// Whether any of the values was no time among times.
fn mix(values: Vec<&mut Expr>, with_texts: bool, schema: &DFSchema) -> bool {
    let types: Result<Vec<DataType>> = values.iter().map(|value| value.get_type(schema)).collect();
    let Ok(types) = types else { return false };
    let Some(zone) = mixture(&types, with_texts) else { return false };
    for (value, data_type) in values.into_iter().zip(&types) {
        if is_date(data_type) || is_text(data_type) {
            widen(value, zone.clone());
        }
    }
    true
}

/// A date that is looked for in a list of times.
fn search(args: &mut [Expr], schema: &DFSchema) -> bool {
    let [list, value] = args else { return false };
    let (Ok(DataType::List(item)), Ok(sought)) = (list.get_type(schema), value.get_type(schema)) else { return false };
    let zone = mixture(&[item.data_type().clone(), sought.clone()], false).filter(|_| is_date(&sought));
    let is_found = zone.is_some();
    zone.into_iter().for_each(|zone| widen(value, zone));
    is_found
}

/// A date among times that a query gives, or a time among dates.
fn in_subquery(mut membership: InSubquery, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let given = membership.subquery.subquery.schema().fields().first().map(|field| field.data_type().clone());
    let (Ok(sought), Some(given)) = (membership.expr.get_type(schema), given) else {
        return Ok(Transformed::no(Expr::InSubquery(membership)));
    };
    let Some(zone) = mixture(&[sought.clone(), given.clone()], false) else {
        return Ok(Transformed::no(Expr::InSubquery(membership)));
    };
    if is_date(&sought) {
        widen(&mut membership.expr, zone);
    } else {
        let plan = Arc::new(with_times(&membership.subquery.subquery, &[Some(zone)])?);
        membership.subquery = membership.subquery.with_plan(plan);
    }
    Ok(Transformed::yes(Expr::InSubquery(membership)))
}

/// The plan with times in the place of dates where a zone is given.
fn with_times(plan: &Arc<LogicalPlan>, zones: &[Option<Option<Arc<str>>>]) -> Result<LogicalPlan> {
    let columns = plan.schema().iter().zip(zones).map(|((relation, field), zone)| {
        let mut column = Expr::Column(Column::from((relation, field)));
        match zone {
            Some(zone) if is_date(field.data_type()) => {
                widen(&mut column, zone.clone());
                column.alias_qualified(relation.cloned(), field.name())
            }
            _ => column,
        }
    });
    Ok(LogicalPlan::Projection(Projection::try_new(columns.collect(), Arc::clone(plan))?))
}

fn in_union(mut union: Union) -> Result<Transformed<LogicalPlan>> {
    let types_of = |index: usize| -> Vec<DataType> {
        let fields = union.inputs.iter().filter_map(|input| input.schema().fields().get(index));
        fields.map(|field| field.data_type().clone()).collect()
    };
    let mixtures: Vec<_> = (0..union.schema.fields().len()).map(|index| mixture(&types_of(index), false)).collect();
    if mixtures.iter().all(Option::is_none) {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    for input in &mut union.inputs {
        *input = Arc::new(with_times(input, &mixtures)?);
    }
    let fields = union.schema.iter().zip(&mixtures).map(|((relation, field), mixture)| {
        let field = match mixture {
            Some(zone) => {
                Arc::new(Field::clone(field).with_data_type(DataType::Timestamp(TimeUnit::Microsecond, zone.clone())))
            }
            None => Arc::clone(field),
        };
        (relation.cloned(), field)
    });
    let schema = DFSchema::new_with_metadata(fields.collect(), union.schema.metadata().clone())?;
    union.schema = Arc::new(schema.with_functional_dependencies(union.schema.functional_dependencies().clone())?);
    Ok(Transformed::yes(LogicalPlan::Union(union)))
}

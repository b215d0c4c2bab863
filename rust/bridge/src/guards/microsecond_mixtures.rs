// SPDX-License-Identifier: Apache-2.0
//! Dates that meet times of microseconds or less (in CASE, UNION, coalesce and the like), dates that functions of times are called with,
//! and times that are given a zone become times of microseconds, before the engine makes nanoseconds of all of them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, Projection, Union};
use datafusion::optimizer::AnalyzerRule;

use super::nodes::columns_of;

#[derive(Debug)]
pub struct MixMicroseconds;

impl AnalyzerRule for MixMicroseconds {
    fn name(&self) -> &str {
        "mix_microseconds"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let changed = plan.clone().transform_up_with_subqueries(in_node)?;
        if !changed.transformed {
            return Ok(plan);
        }
        // Types of columns above what has changed are seen now, too.
        let changed = plan.transform_up_with_subqueries(|node| {
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
    node.map_expressions(|expression| expression.transform_up(|part| in_part(part, &schema)))
}

fn in_part(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match part {
        Expr::Case(mut case) => {
            let thens = case.when_then_expr.iter_mut().map(|(_, then)| &mut **then);
            let changed = mix(thens.chain(case.else_expr.as_deref_mut()).collect(), schema);
            Transformed::new_transformed(Expr::Case(case), changed)
        }
        Expr::ScalarFunction(mut call) => {
            let changed = match call.name() {
                "coalesce" | "greatest" | "least" | "make_array" | "nvl" => mix(call.args.iter_mut().collect(), schema),
                "nvl2" => mix(call.args.iter_mut().skip(1).collect(), schema),
                "date_bin" | "date_trunc" => match call.args.get_mut(1) {
                    Some(date) if matches!(date.get_type(schema), Ok(DataType::Date32 | DataType::Date64)) => {
                        widen(date, None);
                        true
                    }
                    _ => false,
                },
                _ => false,
            };
            Transformed::new_transformed(Expr::ScalarFunction(call), changed)
        }
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
            Ok(DataType::Date32 | DataType::Date64 | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => true,
            _ => false,
        }
}

fn widen(date: &mut Expr, zone: Option<Arc<str>>) {
    let time = DataType::Timestamp(TimeUnit::Microsecond, zone);
    *date = Expr::Cast(Cast::new(Box::new(std::mem::take(date)), time));
}

/// The zone of the times, if these meet dates and nothing else; nothing otherwise.
fn mixture(types: &[DataType]) -> Option<Option<Arc<str>>> {
    let mut zone = None;
    let mut has_dates = false;
    for data_type in types {
        match data_type {
            DataType::Date32 | DataType::Date64 => has_dates = true,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => return None,
            DataType::Timestamp(_, found) => zone = zone.or(Some(found.clone())),
            DataType::Null => {}
            _ => return None,
        }
    }
    zone.filter(|_| has_dates)
}

/// Whether any of the values was a date among times.
fn mix(values: Vec<&mut Expr>, schema: &DFSchema) -> bool {
    let types: Result<Vec<DataType>> = values.iter().map(|value| value.get_type(schema)).collect();
    let Ok(types) = types else { return false };
    let Some(zone) = mixture(&types) else { return false };
    for (value, data_type) in values.into_iter().zip(&types) {
        if matches!(data_type, DataType::Date32 | DataType::Date64) {
            widen(value, zone.clone());
        }
    }
    true
}

fn in_union(mut union: Union) -> Result<Transformed<LogicalPlan>> {
    let types_of = |index: usize| -> Vec<DataType> {
        let fields = union.inputs.iter().filter_map(|input| input.schema().fields().get(index));
        fields.map(|field| field.data_type().clone()).collect()
    };
    let mixtures: Vec<_> = (0..union.schema.fields().len()).map(|index| mixture(&types_of(index))).collect();
    if mixtures.iter().all(Option::is_none) {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    for input in &mut union.inputs {
        let columns = input.schema().iter().zip(&mixtures).map(|((relation, field), mixture)| {
            let mut column = Expr::Column(Column::from((relation, field)));
            match mixture {
                Some(zone) if matches!(field.data_type(), DataType::Date32 | DataType::Date64) => {
                    widen(&mut column, zone.clone());
                    column.alias_qualified(relation.cloned(), field.name())
                }
                _ => column,
            }
        });
        let columns = columns.collect();
        *input = Arc::new(LogicalPlan::Projection(Projection::try_new(columns, Arc::clone(input))?));
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

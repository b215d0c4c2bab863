// SPDX-License-Identifier: Apache-2.0
//! Time is microseconds, as Delta has it. DataFusion takes TIMESTAMP without a precision for nanoseconds, which end in 2262, and compares
//! times with dates and texts in nanoseconds. Here the type without a precision has microseconds, and comparisons whose sides were all
//! widened to nanoseconds are made in microseconds, as are dates where they meet times (`microsecond_mixtures.rs`). TIMESTAMP(9) stays what
//! it says.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::expr::{InList, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use sqlparser::ast;

use super::named_queries::selects_of;
use super::{About, AnalyzerRules, Guard, Means};
use crate::error::Result;

const MICROSECONDS: u64 = 6;
const NANOSECONDS: u64 = 9;

pub struct MicrosecondTime;

impl Guard for MicrosecondTime {
    fn about(&self) -> About {
        About {
            name: "microsecond_time",
            version: 2,
            fault: "`TIMESTAMP '9999-12-31'` has nanoseconds, which end in 2262: it is refused, and so is what is compared with it",
            upstream: "apache/datafusion#8336",
            means: Means::Correction,
            effect: "TIMESTAMP without a precision has microseconds, as Delta has; TIMESTAMP(9) has nanoseconds",
        }
    }

    /// Series in FROM are the engine's, which takes times with nanoseconds alone.
    fn query(&self, query: &mut ast::Query) -> Result<()> {
        for select in selects_of(query.body.as_mut()) {
            let tables = select.from.iter_mut().flat_map(|from| {
                std::iter::once(&mut from.relation).chain(from.joins.iter_mut().map(|join| &mut join.relation))
            });
            tables.for_each(keep_nanoseconds);
        }
        Ok(())
    }

    fn expression(&self, expression: &mut ast::Expr) -> Result<()> {
        match expression {
            ast::Expr::Cast { data_type, .. } => set_precision(data_type),
            ast::Expr::TypedString(text) => set_precision(&mut text.data_type),
            ast::Expr::Convert { data_type: Some(data_type), .. } => set_precision(data_type),
            _ => {}
        }
        Ok(())
    }

    fn analyzer_rules(&self, rules: &mut AnalyzerRules) {
        let at = rules.iter().position(|rule| rule.name() == "type_coercion").expect("the rule that widens types");
        rules.insert(at + 1, Arc::new(CompareMicroseconds));
        rules.insert(at, Arc::new(super::microsecond_mixtures::MixMicroseconds));
    }
}

fn keep_nanoseconds(table: &mut ast::TableFactor) {
    let is_series = |name: &ast::ObjectName| {
        let name = name.to_string().to_ascii_lowercase();
        name == "generate_series" || name == "range"
    };
    let keep = |expression: &mut ast::Expr| {
        if let ast::Expr::TypedString(ast::TypedString { data_type, .. }) | ast::Expr::Cast { data_type, .. } =
            expression
            && let ast::DataType::Timestamp(precision @ None, _) = data_type
        {
            *precision = Some(NANOSECONDS);
        }
        ControlFlow::<()>::Continue(())
    };
    let _ = match table {
        ast::TableFactor::Table { name, args: Some(args), .. } if is_series(name) => {
            ast::visit_expressions_mut(&mut args.args, keep)
        }
        ast::TableFactor::Function { name, args, .. } if is_series(name) => ast::visit_expressions_mut(args, keep),
        _ => ControlFlow::Continue(()),
    };
}

/// At any depth.
fn set_precision(data_type: &mut ast::DataType) {
    match data_type {
        ast::DataType::Timestamp(precision @ None, _) => *precision = Some(MICROSECONDS),
        ast::DataType::Array(
            ast::ArrayElemTypeDef::AngleBracket(item)
            | ast::ArrayElemTypeDef::SquareBracket(item, _)
            | ast::ArrayElemTypeDef::Parenthesis(item),
        ) => set_precision(item),
        ast::DataType::Struct(fields, _) => fields.iter_mut().for_each(|field| set_precision(&mut field.field_type)),
        ast::DataType::Map(key, value) => {
            set_precision(key);
            set_precision(value);
        }
        _ => {}
    }
}

#[derive(Debug)]
struct CompareMicroseconds;

impl AnalyzerRule for CompareMicroseconds {
    fn name(&self) -> &str {
        "compare_microseconds"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> EngineResult<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(in_node)?.data)
    }
}

fn in_node(node: LogicalPlan) -> EngineResult<Transformed<LogicalPlan>> {
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = &node {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    let names = NamePreserver::new(&node);
    let node = node.map_expressions(|expression| {
        let name = names.save(&expression);
        let changed = expression.transform_up(|inner| in_expression(inner, &schema))?;
        Ok(changed.update_data(|expression| name.restore(expression)))
    })?;
    node.transform_data(|node| {
        let LogicalPlan::Join(mut join) = node else {
            return Ok(Transformed::no(node));
        };
        let mut has_changed = false;
        for (left, right) in &mut join.on {
            if let Some(mut coarser) = all_in_microseconds(&[left, right], &schema)? {
                (*right, *left) = (coarser.remove(1), coarser.remove(0));
                has_changed = true;
            }
        }
        let join = LogicalPlan::Join(join);
        Ok(if has_changed { Transformed::yes(join) } else { Transformed::no(join) })
    })
}

fn in_expression(expression: Expr, schema: &DFSchema) -> EngineResult<Transformed<Expr>> {
    match &expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            let Some(mut sides) = all_in_microseconds(&[left, right], schema)? else {
                return Ok(Transformed::no(expression));
            };
            let (right, left) = (sides.remove(1), sides.remove(0));
            Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), *op, Box::new(right)))))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let Some(mut sides) = all_in_microseconds(&[expr, low, high], schema)? else {
                return Ok(Transformed::no(expression));
            };
            let (high, low, expr) = (sides.remove(2), sides.remove(1), sides.remove(0));
            let between = Between::new(Box::new(expr), *negated, Box::new(low), Box::new(high));
            Ok(Transformed::yes(Expr::Between(between)))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let sides: Vec<&Expr> = std::iter::once(expr.as_ref()).chain(list).collect();
            let Some(mut sides) = all_in_microseconds(&sides, schema)? else {
                return Ok(Transformed::no(expression));
            };
            let list = sides.split_off(1);
            Ok(Transformed::yes(Expr::InList(InList::new(Box::new(sides.remove(0)), list, *negated))))
        }
        // The other side is a query, whose column was widened in it.
        Expr::InSubquery(InSubquery { .. }) => Ok(Transformed::no(expression)),
        _ => Ok(Transformed::no(expression)),
    }
}

/// The same times in microseconds, if nanoseconds are needed for none of them, and some were widened.
fn all_in_microseconds(sides: &[&Expr], schema: &DFSchema) -> EngineResult<Option<Vec<Expr>>> {
    let mut coarser = Vec::with_capacity(sides.len());
    for side in sides {
        match in_microseconds(side, schema)? {
            Some(side) => coarser.push(side),
            None => return Ok(None),
        }
    }
    Ok(Some(coarser))
}

/// Nothing if the expression is no time in nanoseconds, or one that needs them.
fn in_microseconds(expression: &Expr, schema: &DFSchema) -> EngineResult<Option<Expr>> {
    Ok(match expression {
        Expr::Literal(ScalarValue::TimestampNanosecond(nanos, zone), metadata) => {
            let is_whole = nanos.is_none_or(|nanos| nanos % 1000 == 0);
            let micros = ScalarValue::TimestampMicrosecond(nanos.map(|nanos| nanos / 1000), zone.clone());
            is_whole.then(|| Expr::Literal(micros, metadata.clone()))
        }
        Expr::Cast(Cast { expr, field }) => {
            let DataType::Timestamp(TimeUnit::Nanosecond, zone) = field.data_type() else {
                return Ok(None);
            };
            let from = expr.get_type(schema)?;
            let is_coarse = match &from {
                DataType::Timestamp(unit, _) => *unit != TimeUnit::Nanosecond,
                DataType::Date32 | DataType::Date64 | DataType::Null => true,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
                _ => false,
            };
            let wanted = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            if !is_coarse {
                None
            } else if from == wanted {
                Some(expr.as_ref().clone())
            } else {
                Some(Expr::Cast(Cast::new(expr.clone(), wanted)))
            }
        }
        _ => None,
    })
}

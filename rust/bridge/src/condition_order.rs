// SPDX-License-Identifier: Apache-2.0
//! Puts the conditions of a filter that cannot fail into the order in which they cost least: a condition is evaluated only over rows that
//! the ones before it have left, as soon as these are few. Those that may fail stay behind, in the order in which they were written.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{
    BinaryExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal,
};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};

use crate::reader_filters::is_dynamic;

#[derive(Debug)]
pub struct OrderConditions;

impl PhysicalOptimizerRule for OrderConditions {
    fn name(&self) -> &str {
        "order_conditions"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(filter) = node.downcast_ref::<FilterExec>() else {
                return Ok(Transformed::no(node));
            };
            let Some(predicate) = in_order(filter.predicate(), &filter.input().schema()) else {
                return Ok(Transformed::no(node));
            };
            Ok(Transformed::yes(Arc::new(FilterExecBuilder::from(filter).with_predicate(predicate).build()?)))
        })
        .data()
    }
}

/// None if the conditions stand in order.
fn in_order(predicate: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Arc<dyn PhysicalExpr>> {
    let mut conditions: Vec<_> =
        split_conjunction(predicate).into_iter().map(|condition| (cost(condition, schema), condition)).collect();
    if conditions.is_sorted_by_key(|(cost, _)| *cost) {
        return None;
    }
    conditions.sort_by_key(|(cost, _)| *cost);
    Some(conjunction(conditions.into_iter().map(|(_, condition)| Arc::clone(condition))))
}

/// What evaluating a condition costs, cheapest first; among equals those first that leave fewer rows as a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cost {
    Equality,
    Range,
    Comparison,
    OfTexts,
    Pattern,
    Unknown,
}

fn cost(condition: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Cost {
    if !is_simple(condition) {
        Cost::Unknown
    } else if condition.is::<LikeExpr>() {
        Cost::Pattern
    } else if !is_cheap(condition, schema) {
        Cost::OfTexts
    } else if condition.downcast_ref::<InListExpr>().is_some_and(|list| !list.negated()) {
        Cost::Equality
    } else if let Some(compared) = condition.downcast_ref::<BinaryExpr>() {
        let has_constant = compared.left().is::<Literal>() || compared.right().is::<Literal>();
        match compared.op() {
            Operator::Eq if has_constant => Cost::Equality,
            Operator::NotEq => Cost::Comparison,
            _ if has_constant => Cost::Range,
            _ => Cost::Comparison,
        }
    } else {
        Cost::Comparison
    }
}

/// Whether all columns of a condition are of types whose values all take the same few bytes.
pub fn is_cheap(condition: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    collect_columns(condition)
        .iter()
        .all(|column| schema.fields().get(column.index()).is_some_and(|field| is_narrow(field.data_type())))
}

fn is_narrow(data_type: &DataType) -> bool {
    data_type.is_primitive() || *data_type == DataType::Boolean
}

/// Conditions on columns as they are, which cannot fail.
pub fn is_simple(condition: &Arc<dyn PhysicalExpr>) -> bool {
    if let Some(list) = condition.downcast_ref::<InListExpr>() {
        return list.expr().is::<Column>() && list.list().iter().all(|each| each.is::<Literal>());
    }
    if let Some(like) = condition.downcast_ref::<LikeExpr>() {
        return like.expr().is::<Column>() && like.pattern().is::<Literal>();
    }
    is_dynamic(condition) || is_null_test(condition) || is_comparison(condition)
}

fn is_null_test(condition: &Arc<dyn PhysicalExpr>) -> bool {
    let tested = condition.downcast_ref::<IsNotNullExpr>().map(IsNotNullExpr::arg);
    tested.or(condition.downcast_ref::<IsNullExpr>().map(IsNullExpr::arg)).is_some_and(|arg| arg.is::<Column>())
}

/// Comparisons of columns with constants and with each other, which are never true of NULL.
pub fn is_comparison(condition: &Arc<dyn PhysicalExpr>) -> bool {
    let is_leaf = |side: &Arc<dyn PhysicalExpr>| side.is::<Column>() || side.is::<Literal>();
    condition.downcast_ref::<BinaryExpr>().is_some_and(|compared| match compared.op() {
        Operator::And | Operator::Or => is_comparison(compared.left()) && is_comparison(compared.right()),
        Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {
            is_leaf(compared.left()) && is_leaf(compared.right())
        }
        _ => false,
    })
}

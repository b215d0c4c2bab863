// SPDX-License-Identifier: Apache-2.0
//! INTERSECT ALL and EXCEPT ALL count how often a row stands on either side. The engine plans them as semi and anti joins, which do not;
//! with the number of each row among its equals as one more key, they do.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::error::Result;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{Cast, Distinct, Expr, ExprSchemable, Join, LogicalPlan, Projection, Window};

use super::{About, Guard, Means};

pub struct BagOperators;

impl Guard for BagOperators {
    fn about(&self) -> About {
        About {
            name: "bag_operators",
            version: 1,
            fault: "`(1, 1, 2) INTERSECT ALL (1)` gives 1 twice; `(1, 1, 2) EXCEPT ALL (1)` gives 2 only",
            upstream: "apache/datafusion#12955, #12956",
            means: Means::Correction,
            effect: "a row comes as often as SQL says: the lesser of both numbers, or what is left of the first",
        }
    }

    fn planned(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let mut found = false;
        plan.apply_with_subqueries(|node| {
            found |= matches!(node, LogicalPlan::Join(join) if is_bag_operator(join));
            Ok(TreeNodeRecursion::Continue)
        })?;
        if !found {
            return Ok(plan);
        }
        let counted = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(join) if is_bag_operator(&join) => Ok(Transformed::yes(counted(join)?)),
            other => Ok(Transformed::no(other)),
        })?;
        Ok(counted.data)
    }
}

const NUMBERS: [&str; 2] = ["__number_left", "__number_right"];

/// A set operator as the planner makes it: all columns of both sides, in order, NULL equal to NULL. One without ALL has no duplicates
/// on its left side; one that is corrected has the numbers.
fn is_bag_operator(join: &Join) -> bool {
    let (left, right) = (join.left.schema(), join.right.schema());
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && !join.null_aware
        && join.on.len() == left.fields().len()
        && join.on.len() == right.fields().len()
        && !matches!(join.left.as_ref(), LogicalPlan::Distinct(Distinct::All(_)))
        && !left.fields().iter().any(|field| field.name() == NUMBERS[0])
}

fn counted(join: Join) -> Result<LogicalPlan> {
    let wanted = join.left.schema().columns();
    let mut left_keys = Vec::new();
    let mut right_keys = Vec::new();
    for (left, right) in &join.on {
        let types = (left.get_type(join.left.schema())?, right.get_type(join.right.schema())?);
        let common = if types.0 == types.1 { None } else { comparison_coercion(&types.0, &types.1) };
        let as_compared = |key: &Expr| match &common {
            Some(common) => Expr::Cast(Cast::new(Box::new(key.clone()), common.clone())),
            None => key.clone(),
        };
        left_keys.push(as_compared(left));
        right_keys.push(as_compared(right));
    }
    let left = numbered(Arc::unwrap_or_clone(join.left), left_keys, NUMBERS[0])?;
    let right = numbered(Arc::unwrap_or_clone(join.right), right_keys, NUMBERS[1])?;
    let mut on = join.on;
    let [left_number, right_number] = NUMBERS.map(|name| Expr::Column(Column::new_unqualified(name)));
    on.push((left_number, right_number));
    let joined = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        on,
        None,
        join.join_type,
        join.join_constraint,
        join.null_equality,
        false,
    )?;
    let columns = wanted.into_iter().map(Expr::Column).collect();
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(LogicalPlan::Join(joined)))?))
}

/// The plan with the number of each row among those with the same keys.
fn numbered(plan: LogicalPlan, keys: Vec<Expr>, name: &str) -> Result<LogicalPlan> {
    let kept = plan.schema().columns();
    let mut function = WindowFunction::new(row_number_udwf(), Vec::new());
    function.params.partition_by = keys;
    let plan = LogicalPlan::Window(Window::try_new(vec![Expr::WindowFunction(Box::new(function))], Arc::new(plan))?);
    let number = Column::from(plan.schema().qualified_field(kept.len()));
    let columns = kept.into_iter().map(Expr::Column).chain([Expr::Column(number).alias(name)]).collect();
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}

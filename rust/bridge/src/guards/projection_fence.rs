// SPDX-License-Identifier: Apache-2.0
//! Keeps what may fail in a SELECT above what rules rows out: the engine moves a projection that narrows its input below filters and
//! limits, casts and divisions with it. A fence below such a projection, there only while that rule runs, lets columns through alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use super::may_fail::may_fail_physically;
use super::plan_fence::{PlanFence, Stops, around};
use super::{About, Guard, Means, PhysicalRules};

pub struct ProjectionFence;

impl Guard for ProjectionFence {
    fn about(&self) -> About {
        About {
            name: "projection_fence",
            version: 1,
            fault: "`SELECT CAST(s AS INT) FROM t WHERE kind = 'number'` casts s of every kind, since the projection is moved below the filter",
            upstream: "unreported",
            means: Means::Correction,
            effect: "what may fail is evaluated over the rows that filters and limits leave",
        }
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        around(rules, &["ProjectionPushdown"], raise_failing);
    }
}

/// The projection over a fence over its columns.
fn raise_failing(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(projection) = node.downcast_ref::<ProjectionExec>() else {
        return Ok(None);
    };
    let input = projection.input();
    if input.children().is_empty() || PlanFence::is_at(input.as_ref(), Stops::Movement) {
        return Ok(None);
    }
    let schema = input.schema();
    let mut fails = false;
    for expression in projection.expr() {
        fails |= may_fail_physically(&expression.expr, &schema)?;
    }
    if !fails {
        return Ok(None);
    }
    let used: BTreeSet<usize> =
        projection.expr().iter().flat_map(|e| collect_columns(&e.expr)).map(|column| column.index()).collect();
    if used.is_empty() || used.len() == schema.fields().len() {
        return over(projection, projection.expr().to_vec(), PlanFence::over(Arc::clone(input), Stops::Movement))
            .map(Some);
    }
    let used: Vec<usize> = used.into_iter().collect();
    let columns = used.iter().map(|&index| {
        let name = schema.field(index).name();
        ProjectionExpr::new(Arc::new(Column::new(name, index)), name.clone())
    });
    let columns = Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), Arc::clone(input))?);
    let moved = |expression: &ProjectionExpr| -> Result<ProjectionExpr> {
        let moved = Arc::clone(&expression.expr).transform_down(|part| {
            Ok(match part.downcast_ref::<Column>() {
                Some(column) => {
                    let index = used.iter().position(|&index| index == column.index()).expect("a column that is used");
                    Transformed::yes(Arc::new(Column::new(column.name(), index)) as Arc<dyn PhysicalExpr>)
                }
                None => Transformed::no(part),
            })
        })?;
        Ok(ProjectionExpr::new(moved.data, expression.alias.clone()))
    };
    let expressions = projection.expr().iter().map(moved).collect::<Result<Vec<_>>>()?;
    over(projection, expressions, PlanFence::over(columns, Stops::Movement)).map(Some)
}

/// The projection with other expressions over another input.
pub fn over(
    projection: &ProjectionExec,
    expressions: Vec<ProjectionExpr>,
    input: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(Arc::new(ProjectionExec::try_new_with_schema_metadata(expressions, input, &projection.schema())?))
}

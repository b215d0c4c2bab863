// SPDX-License-Identifier: Apache-2.0
//! Keeps what may fail in a SELECT above what rules rows out: the engine moves a projection that narrows its input below filters and
//! limits, casts and divisions with it. A fence below such a projection, there only while that rule runs, lets columns through alone.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::internal_err;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};

use super::may_fail::may_fail_physically;
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

/// Puts fences around projections.
pub type RaiseFences = fn(&ProjectionExec) -> Result<Option<Arc<dyn ExecutionPlan>>>;

/// Has the rules of these names run while fences stand.
pub fn around(rules: &mut PhysicalRules, names: &[&str], raise: RaiseFences) {
    for rule in std::mem::take(rules) {
        if names.contains(&rule.name()) {
            rules.push(Arc::new(ProjectionFences::Raise(raise)));
            rules.push(rule);
            rules.push(Arc::new(ProjectionFences::Remove));
        } else {
            rules.push(rule);
        }
    }
}

/// Nothing moves through it.
pub fn fence(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(ProjectionFenceExec { input })
}

#[derive(Debug)]
enum ProjectionFences {
    Raise(RaiseFences),
    Remove,
}

impl PhysicalOptimizerRule for ProjectionFences {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        match self {
            ProjectionFences::Raise(raise) => plan
                .transform_up(|node| {
                    let raised = node.downcast_ref::<ProjectionExec>().map(|found| raise(found)).transpose()?.flatten();
                    Ok(raised.map_or_else(|| Transformed::no(node), Transformed::yes))
                })
                .data(),
            ProjectionFences::Remove => plan
                .transform_down(|mut node| {
                    let mut changed = false;
                    while let Some(fence) = node.downcast_ref::<ProjectionFenceExec>() {
                        node = Arc::clone(&fence.input);
                        changed = true;
                    }
                    Ok(Transformed::new_transformed(node, changed))
                })
                .data(),
        }
    }
    fn name(&self) -> &str {
        "projection_fences"
    }
    fn schema_check(&self) -> bool {
        true
    }
}

/// The projection over a fence over its columns.
fn raise_failing(projection: &ProjectionExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let input = projection.input();
    if input.children().is_empty() || input.is::<ProjectionFenceExec>() {
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
        return over(projection, projection.expr().to_vec(), fence(Arc::clone(input))).map(Some);
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
    over(projection, expressions, fence(columns)).map(Some)
}

/// The projection with other expressions over another input.
pub fn over(
    projection: &ProjectionExec,
    expressions: Vec<ProjectionExpr>,
    input: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(Arc::new(ProjectionExec::try_new_with_schema_metadata(expressions, input, &projection.schema())?))
}

#[derive(Debug)]
struct ProjectionFenceExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for ProjectionFenceExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProjectionFenceExec")
    }
}

impl ExecutionPlan for ProjectionFenceExec {
    fn name(&self) -> &str {
        "ProjectionFenceExec"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }
    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0) }))
    }
    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: children.swap_remove(0) }))
    }
    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        internal_err!("a fence for planning was left in the plan")
    }
}

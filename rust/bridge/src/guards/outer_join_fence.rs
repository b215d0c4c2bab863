// SPDX-License-Identifier: Apache-2.0
//! Keeps columns that are constant below an outer join from counting as constant above it, where rows without a partner have NULL in them.
//! DataFusion's properties of joins keep what is known of both sides, so that sorts by such a column are left out, and with them the
//! order that LIMIT and windows go by. A fence below the join, on a side that the join fills with NULL, passes rows on and knows of no
//! constants. Keys of ROLLUP, CUBE and GROUPING SETS, which are NULL in totals, are fenced likewise.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, replace_children_if_necessary};

use super::plan_fence::{PlanFence, Stops};
use super::{About, Guard, Means, PhysicalRules};

pub struct OuterJoinFence;

impl Guard for OuterJoinFence {
    fn about(&self) -> About {
        About {
            name: "outer_join_fence",
            version: 2,
            fault: "`SELECT … FROM l LEFT JOIN (SELECT * FROM r WHERE x = 7) r ON … ORDER BY r.x LIMIT 3` does not sort by x: it is 7 or NULL, \
                    and held for constant; windows partitioned by it are torn apart, and so are groups of ROLLUP and CUBE",
            upstream: "unreported",
            means: Means::Correction,
            effect: "rows are sorted and grouped by the column as it is above the join",
        }
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        let at = rules.iter().position(|rule| rule.name() == "EnsureRequirements").expect("the rule that adds sorts");
        rules.insert(at, Arc::new(RaiseFences));
    }
}

#[derive(Debug)]
struct RaiseFences;

impl PhysicalOptimizerRule for RaiseFences {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if let Some(aggregate) = node.downcast_ref::<AggregateExec>()
                && !aggregate.group_expr().is_single()
                && knows_constants(node.as_ref())
            {
                return Ok(Transformed::yes(PlanFence::over(node, Stops::Knowledge)));
            }
            let Some(join_type) = join_type(node.as_ref()) else {
                return Ok(Transformed::no(node));
            };
            let filled = match join_type {
                JoinType::Left => [false, true],
                JoinType::Right => [true, false],
                JoinType::Full => [true, true],
                _ => return Ok(Transformed::no(node)),
            };
            let children = node.children();
            if !children.iter().zip(filled).any(|(child, filled)| filled && knows_constants(child.as_ref())) {
                return Ok(Transformed::no(node));
            }
            let fenced = children
                .into_iter()
                .zip(filled)
                .map(|(child, filled)| -> Arc<dyn ExecutionPlan> {
                    if filled && knows_constants(child.as_ref()) {
                        PlanFence::over(Arc::clone(child), Stops::Knowledge)
                    } else {
                        Arc::clone(child)
                    }
                })
                .collect();
            Ok(Transformed::yes(replace_children_if_necessary(node, fenced)?))
        })
        .data()
    }
    fn name(&self) -> &str {
        "outer_join_fences"
    }
    fn schema_check(&self) -> bool {
        true
    }
}

fn join_type(node: &dyn ExecutionPlan) -> Option<JoinType> {
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        return Some(*join.join_type());
    }
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        return Some(*join.join_type());
    }
    node.downcast_ref::<SortMergeJoinExec>().map(|join| join.join_type())
}

/// Columns alone that are equal below the join are equal above it too: both are NULL where one is.
fn knows_constants(node: &dyn ExecutionPlan) -> bool {
    let is_other = |e: &Arc<dyn PhysicalExpr>| e.downcast_ref::<Column>().is_none();
    let known = node.equivalence_properties();
    !known.constants().is_empty() || known.eq_group().iter().any(|class| class.iter().any(is_other))
}

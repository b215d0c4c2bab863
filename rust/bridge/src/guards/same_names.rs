// SPDX-License-Identifier: Apache-2.0
//! Keeps filters from columns that have the name of another. The engine's FilterPushdown looks for the columns of a filter by their names
//! and takes the first: above a join whose sides both have `amount`, a filter on the second one reaches the first. Nodes with such columns
//! let no filter through while that rule runs; nor do semi joins that would hand one to another column than their key.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;

use super::plan_fence::{PlanFence, Stops, around};
use super::{About, Guard, Means, PhysicalRules};

pub struct SameNames;

impl Guard for SameNames {
    fn about(&self) -> About {
        About {
            name: "same_names",
            version: 2,
            fault: "`… FROM s JOIN (SELECT a.id, b.id, a.ty || '!' AS tag FROM a JOIN b ON a.ty = b.id) ON s.id = a.id` rules out rows by b.id; \
                    ORDER BY … LIMIT, filters above joins and EXISTS do likewise",
            upstream: "apache/datafusion#25263",
            means: Means::Correction,
            effect: "filters are evaluated over their own columns",
        }
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        around(rules, &["FilterPushdown", "FilterPushdown(Post)"], raise);
    }
}

fn raise(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let schema = node.schema();
    let mut names = HashSet::with_capacity(schema.fields().len());
    let has_same = !schema.fields().iter().all(|field| names.insert(field.name()));
    let misleads = node.downcast_ref::<HashJoinExec>().is_some_and(misleads);
    Ok((has_same || misleads).then(|| PlanFence::over(Arc::clone(node), Stops::Movement)))
}

/// A semi join hands filters over its keys to the side that it does not give as well, whose rows have equal keys: but to the column of the same
/// name there, which need not be the key.
fn misleads(join: &HashJoinExec) -> bool {
    let (other_side, is_left_given) = match join.join_type() {
        JoinType::LeftSemi => (join.right(), true),
        JoinType::RightSemi => (join.left(), false),
        _ => return false,
    };
    let other_columns = other_side.schema();
    join.on().iter().any(|(left, right)| {
        let (given, other) = if is_left_given { (left, right) } else { (right, left) };
        let of_same_name = given.downcast_ref::<Column>().and_then(|column| other_columns.index_of(column.name()).ok());
        of_same_name.is_some_and(|found| other.downcast_ref::<Column>().is_none_or(|key| key.index() != found))
    })
}

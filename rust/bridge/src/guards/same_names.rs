// SPDX-License-Identifier: Apache-2.0
//! Keeps filters from columns that have the name of another. The engine's FilterPushdown looks for the columns of a filter by their names
//! and takes the first: above a join whose sides both have `amount`, a filter on the second one reaches the first. Nodes with such columns
//! let no filter through while that rule runs.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;

use super::plan_fence::{PlanFence, Stops, around};
use super::{About, Guard, Means, PhysicalRules};

pub struct SameNames;

impl Guard for SameNames {
    fn about(&self) -> About {
        About {
            name: "same_names",
            version: 1,
            fault: "`… FROM s JOIN (SELECT a.id, b.id, a.ty || '!' AS tag FROM a JOIN b ON a.ty = b.id) ON s.id = a.id` rules out rows by b.id; \
                    ORDER BY … LIMIT and filters above joins do likewise",
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
    Ok(has_same.then(|| PlanFence::over(Arc::clone(node), Stops::Movement)))
}

// SPDX-License-Identifier: Apache-2.0
//! `SELECT DISTINCT … LIMIT n` over a window function. The engine tells the aggregate to stop after n groups, then gives it an ordered
//! input; the operator that it takes for the two together wants a direction that nobody gave. Such an aggregate is not stopped; the
//! LIMIT above it is there anyway.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;

use super::{About, Guard, Means, PhysicalRules};

pub struct DistinctLimit;

impl Guard for DistinctLimit {
    fn about(&self) -> About {
        About {
            name: "distinct_limit",
            version: 1,
            fault: "`SELECT DISTINCT k, count(*) OVER (PARTITION BY k) FROM t LIMIT 5` fails with an internal error",
            upstream: "apache/datafusion#25350",
            means: Means::Correction,
            effect: "the query runs",
        }
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        rules.push(Arc::new(UndirectedLimits));
    }
}

#[derive(Debug)]
struct UndirectedLimits;

impl PhysicalOptimizerRule for UndirectedLimits {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(aggregate) = node.downcast_ref::<AggregateExec>() else {
                return Ok(Transformed::no(node));
            };
            let is_undirected = aggregate.limit_options().is_some_and(|limit| limit.descending().is_none());
            if !is_undirected || aggregate.is_unordered_unfiltered_group_by_distinct() {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(Arc::new(aggregate.with_new_limit_options(None)) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }

    fn name(&self) -> &str {
        "undirected_limits"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

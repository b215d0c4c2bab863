// SPDX-License-Identifier: Apache-2.0
//! Keeps the type of a sum of decimals beside a DISTINCT aggregate. DataFusion's rule for a single DISTINCT sums twice, first by the
//! distinct values, and each sum has ten digits more than what it sums: the plan holds DECIMAL(20,2), the rows DECIMAL(30,2). Such
//! aggregates are left as they are.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::wrapped_rule::wrap_rules;
use super::{About, Guard, Means, OptimizerRules};

pub struct DistinctSums;

impl Guard for DistinctSums {
    fn about(&self) -> About {
        About {
            name: "distinct_sums",
            version: 1,
            fault: "`SELECT count(DISTINCT s), sum(d) FROM t` sums decimals twice, and the sum has ten digits more than its type",
            upstream: "unreported",
            means: Means::Correction,
            effect: "the sum has its type",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        wrap_rules(rules, &["single_distinct_aggregation_to_group_by"], part);
    }
}

/// The engine's rule does not get to see sums of decimals.
fn part(
    parting: &dyn OptimizerRule,
    plan: LogicalPlan,
    config: &dyn OptimizerConfig,
) -> Result<Transformed<LogicalPlan>> {
    match &plan {
        LogicalPlan::Aggregate(aggregate) if sums_decimals(aggregate)? => Ok(Transformed::no(plan)),
        _ => parting.rewrite(plan, config),
    }
}

fn sums_decimals(aggregate: &Aggregate) -> Result<bool> {
    let schema = aggregate.input.schema();
    for expression in &aggregate.aggr_expr {
        let is_sum =
            expression.exists(|e| Ok(matches!(e, Expr::AggregateFunction(call) if call.func.name() == "sum")))?;
        if is_sum && matches!(expression.get_type(schema)?, DataType::Decimal128(..) | DataType::Decimal256(..)) {
            return Ok(true);
        }
    }
    Ok(false)
}

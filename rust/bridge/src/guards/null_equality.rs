// SPDX-License-Identifier: Apache-2.0
//! Keeps keys for which NULL is NULL (IS NOT DISTINCT FROM) apart from those for which it is not (`=`). A join has one rule for all its keys,
//! and two of the engine's rules give it keys of the other kind: extract_equijoin_predicate, of a filter that came to it, and
//! eliminate_cross_join, which takes neighbouring inner joins for one.
//!
//! While that one runs, inner joins over such keys are disguised as outer ones, which it leaves where they are. The mark of the disguise is
//! `null_aware`, which only anti joins have else.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{JoinType, NullEquality, Result};
use datafusion::logical_expr::{Join, LogicalPlan};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::wrapped_rule::wrap_rules;
use super::{About, Guard, Means, OptimizerRules};

pub struct NullEqualityGuard;

impl Guard for NullEqualityGuard {
    fn about(&self) -> About {
        About {
            name: "null_equality",
            version: 1,
            fault: "`a JOIN b ON a.x IS NOT DISTINCT FROM b.x WHERE a.y = b.y` joins rows whose y is NULL",
            upstream: "unreported",
            means: Means::Correction,
            effect: "NULL is equal to NULL only in the keys that are compared so",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        wrap_rules(rules, &["extract_equijoin_predicate"], extract_keys);
        wrap_rules(rules, &["eliminate_cross_join"], eliminate_disguised);
    }
}

fn extract_keys(
    rule: &dyn OptimizerRule,
    plan: LogicalPlan,
    config: &dyn OptimizerConfig,
) -> Result<Transformed<LogicalPlan>> {
    match &plan {
        LogicalPlan::Join(join) if takes_nulls(join) => Ok(Transformed::no(plan)),
        _ => rule.rewrite(plan, config),
    }
}

fn takes_nulls(join: &Join) -> bool {
    join.null_equality == NullEquality::NullEqualsNull && !join.on.is_empty()
}

fn eliminate_disguised(
    rule: &dyn OptimizerRule,
    plan: LogicalPlan,
    config: &dyn OptimizerConfig,
) -> Result<Transformed<LogicalPlan>> {
    let disguised = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner && takes_nulls(&join) => {
            let join = Join { join_type: JoinType::Left, null_aware: true, ..join };
            Ok(Transformed::yes(LogicalPlan::Join(join)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    if !disguised.transformed {
        return rule.rewrite(disguised.data, config);
    }
    let rewritten = rule.rewrite(disguised.data, config)?;
    let bared = rewritten.data.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(join) if join.join_type == JoinType::Left && join.null_aware => {
            let join = Join { join_type: JoinType::Inner, null_aware: false, ..join };
            Ok(Transformed::yes(LogicalPlan::Join(join)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    if !rewritten.transformed {
        return Ok(Transformed::no(bared.data));
    }
    // Columns of outer joins may be NULL, and so may what was made of them meanwhile.
    let whole = bared.data.transform_up(|node| Ok(Transformed::yes(node.recompute_schema()?)))?;
    Ok(Transformed::yes(whole.data))
}

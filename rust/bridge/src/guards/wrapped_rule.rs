// SPDX-License-Identifier: Apache-2.0
//! A rule of the optimiser under its own name, with what a guard does before, behind, or instead of it.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::OptimizerRules;

/// Rewrites a node with the engine's rule at hand.
pub trait Rewrite:
    Fn(&dyn OptimizerRule, LogicalPlan, &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> + Send + Sync + 'static
{
}

impl<F> Rewrite for F where
    F: Fn(&dyn OptimizerRule, LogicalPlan, &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>>
        + Send
        + Sync
        + 'static
{
}

struct WrappedRule<F> {
    rule: Arc<dyn OptimizerRule + Send + Sync>,
    rewrite: F,
}

/// Has every rule of the names go through `rewrite`.
pub fn wrap_rules(rules: &mut OptimizerRules, names: &[&str], rewrite: impl Rewrite + Clone) {
    for rule in rules {
        if names.contains(&rule.name()) {
            *rule = Arc::new(WrappedRule { rule: Arc::clone(rule), rewrite: rewrite.clone() });
        }
    }
}

impl<F> fmt::Debug for WrappedRule<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("WrappedRule").field(&self.rule).finish()
    }
}

impl<F: Rewrite> OptimizerRule for WrappedRule<F> {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        (self.rewrite)(self.rule.as_ref(), plan, config)
    }
}

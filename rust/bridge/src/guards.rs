// SPDX-License-Identifier: Apache-2.0
//! Guards: what keeps the engine's known faults out of results. One guard a file, each for one fault, with the upstream report; a guard
//! switches the fault off, corrects a plan, or refuses it, and leaves everything else as it is.
//!
//! A guard takes part where planning goes wrong: in the syntax tree, or among the rules of analysis, optimisation and physical planning,
//! or with a function put in the engine's place. Plans come here more than once (views are analysed before they are optimised, replayed
//! plans are optimised again), so what a guard has corrected it must leave alone the next time.
//!
//! Tests and benchmarks leave guards out by their names (`SessionOptions::guards_off`), to show what each is for; nobody else does.

mod aggregate_filters;
mod aggregate_schema;
mod bag_operators;
mod cast_unwrapping;
mod date_differences;
mod date_intervals;
mod deferred_casts;
mod distinct_limit;
mod distinct_sums;
mod duration_parts;
mod extracted_fields;
mod far_times;
mod fenced_rule;
mod filters_above_joins;
mod float_extremes;
mod float_keys;
mod float_values;
mod guarded_conditions;
mod hidden_comparison;
mod ignored_nulls;
mod interval_order;
mod limit_fence;
mod may_fail;
mod merged_keys;
mod microsecond_functions;
mod microsecond_mixtures;
mod microsecond_time;
mod minmax_filters;
mod named_casts;
mod named_queries;
mod nan_pruning;
mod nodes;
mod null_equality;
mod null_simplification;
mod null_structs;
mod one_nan;
mod ordered_limits;
mod outer_join_fence;
mod outer_types;
mod overflow;
mod percentile_states;
mod plan_fence;
mod precedence;
mod projection_fence;
mod recursive_types;
mod repeated_keys;
mod rounding;
mod row_comparison;
mod row_membership;
mod same_names;
mod scans;
mod set_comparison;
mod similar_to;
mod subqueries;
mod substitute;
mod volatile_once;
mod window_frames;
mod wrapped_rule;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::Schema;
use async_trait::async_trait;
use datafusion::catalog::Session as CatalogSession;
use datafusion::common::DFSchema;
use datafusion::config::Dialect;
use datafusion::error::Result as EngineResult;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr as LogicalExpr, LogicalPlan};
use datafusion::optimizer::analyzer::Analyzer;
use datafusion::optimizer::{AnalyzerRule, Optimizer, OptimizerRule};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use sqlparser::ast::{Expr, Query, VisitMut, visit_expressions_mut};

use crate::error::{BridgeError, Result};
use crate::ffi::GuardDescription;

pub use guarded_conditions::simplified_around_failures;
pub use may_fail::{direct_parts, failing_cast};
pub use named_casts::{have_same_names, name_casts};
pub use overflow::operation_of;

pub type AnalyzerRules = Vec<Arc<dyn AnalyzerRule + Send + Sync>>;
pub type OptimizerRules = Vec<Arc<dyn OptimizerRule + Send + Sync>>;
pub type PhysicalRules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;

/// What users read of a guard, in `docs/guards.md`.
pub struct About {
    /// Lower case with underscores; permanent.
    pub name: &'static str,
    /// Raised when what the guard does to a plan changes: part of the recipe of fingerprints.
    pub version: u32,
    /// What the engine does wrongly, in one sentence with the smallest SQL that shows it.
    pub fault: &'static str,
    /// `owner/repository#number` of the report, or "unreported".
    pub upstream: &'static str,
    pub means: Means,
    /// What users get instead, in one sentence.
    pub effect: &'static str,
}

pub enum Means {
    /// A setting of the engine switches the fault off.
    Setting,
    /// The plan is corrected.
    Correction,
    /// The query is refused with a code and a hint.
    Refusal,
}

/// Plans parts of a statement, for guards that must know the columns or types of one; no guard looks at a part as at a statement.
pub trait PartPlanner {
    fn plan(&self, statement: Statement) -> Result<LogicalPlan>;
}

/// One guard. Every method but `about` does nothing unless a guard takes part there.
pub trait Guard: Send + Sync {
    fn about(&self) -> About;

    /// Settings of the engine, set after those of the profile.
    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Corrects the order in which an expression of a text was read; inner ones come first.
    fn operators(&self, _expression: &mut Expr, _dialect: Dialect) -> Result<()> {
        Ok(())
    }

    /// Corrects or refuses a whole statement before anything else is done to it.
    fn statement(&self, _planner: &dyn PartPlanner, _statement: &mut Statement) -> Result<()> {
        Ok(())
    }

    /// Corrects or refuses a query of a statement before it is planned; subqueries come here as well, outer queries first.
    fn query(&self, _query: &mut Query) -> Result<()> {
        Ok(())
    }

    /// Corrects or refuses an expression of a statement, or one that stands alone (constraints, user functions); inner ones come first.
    fn expression(&self, _expression: &mut Expr) -> Result<()> {
        Ok(())
    }

    /// Corrects or refuses what the planner made of a statement. Views that it reads are in it, corrected before.
    fn planned(&self, plan: LogicalPlan) -> EngineResult<LogicalPlan> {
        Ok(plan)
    }

    /// Puts rules before, behind, around or in the place of those that are there. Rules of analysis see plans with subqueries in them.
    fn analyzer_rules(&self, _rules: &mut AnalyzerRules) {}

    fn optimizer_rules(&self, _rules: &mut OptimizerRules) {}

    fn physical_rules(&self, _rules: &mut PhysicalRules) {}

    /// An expression that is evaluated apart from any plan, as a plan would have it.
    fn physical_expression(
        &self,
        expression: Arc<dyn PhysicalExpr>,
        _schema: &Schema,
    ) -> EngineResult<Arc<dyn PhysicalExpr>> {
        Ok(expression)
    }

    /// Puts functions in the place of the engine's, before any other is registered.
    fn functions(&self, _context: &SessionContext) {}

    /// Changes an optimised plan for its execution only: what is done here is in no plan that is kept or shown.
    fn executed_plan(&self, plan: LogicalPlan) -> EngineResult<LogicalPlan> {
        Ok(plan)
    }

    /// The same for an expression that stands alone, over columns of `schema`.
    fn executed_expression(&self, expression: LogicalExpr, _schema: &DFSchema) -> EngineResult<LogicalExpr> {
        Ok(expression)
    }
}

/// All guards, in the order in which they take part.
const ALL: &[&dyn Guard] = &[
    &precedence::Precedence,
    &named_casts::NamedCasts,
    &merged_keys::MergedKeys,
    &recursive_types::RecursiveTypes,
    &row_comparison::RowComparison,
    &set_comparison::SetComparison,
    &row_membership::RowMembership,
    &similar_to::SimilarTo,
    &bag_operators::BagOperators,
    &window_frames::WindowFrames,
    &subqueries::Subqueries,
    &aggregate_filters::AggregateFilters,
    &distinct_limit::DistinctLimit,
    &distinct_sums::DistinctSums,
    &aggregate_schema::AggregateSchema,
    &extracted_fields::ExtractedFields,
    &repeated_keys::RepeatedKeys,
    &date_differences::DateDifferences,
    &outer_join_fence::OuterJoinFence,
    &limit_fence::LimitFence,
    &ordered_limits::OrderedLimits,
    &outer_types::OuterTypes,
    &date_intervals::DateIntervals,
    &microsecond_time::MicrosecondTime,
    &microsecond_functions::MicrosecondFunctions,
    &far_times::FarTimes,
    &minmax_filters::MinMaxFilters,
    &cast_unwrapping::CastUnwrapping,
    &filters_above_joins::FiltersAboveJoins,
    &float_extremes::FloatExtremes,
    &float_keys::FloatKeys,
    &guarded_conditions::GuardedConditions,
    &ignored_nulls::IgnoredNulls,
    &interval_order::IntervalOrder,
    &duration_parts::DurationParts,
    &nan_pruning::NanPruning,
    &null_equality::NullEqualityGuard,
    &null_simplification::NullSimplification,
    &null_structs::NullStructs,
    &percentile_states::PercentileStates,
    &projection_fence::ProjectionFence,
    &same_names::SameNames,
    &volatile_once::VolatileOnce,
    &overflow::Overflow,
    &overflow::OverflowSum,
    &rounding::Rounding,
    &one_nan::OneNan,
];

pub fn guard_descriptions() -> Vec<GuardDescription> {
    ALL.iter()
        .map(|guard| {
            let about = guard.about();
            GuardDescription {
                name: about.name.into(),
                version: about.version,
                fault: about.fault.into(),
                upstream: about.upstream.into(),
                means: match about.means {
                    Means::Setting => "setting",
                    Means::Correction => "correction",
                    Means::Refusal => "refusal",
                }
                .into(),
                effect: about.effect.into(),
            }
        })
        .collect()
}

/// The guards of a session; an extension of its configuration.
#[derive(Debug, Default)]
pub struct Guards {
    off: HashSet<String>,
}

impl Guards {
    /// All but those named, which must exist.
    pub fn without(names: &[String]) -> Result<Self> {
        for name in names {
            if !ALL.iter().any(|guard| guard.about().name == name) {
                return Err(BridgeError::bug(format!("no guard is called `{name}`")));
            }
        }
        Ok(Self { off: names.iter().cloned().collect() })
    }

    fn active(&self) -> impl Iterator<Item = &'static dyn Guard> {
        ALL.iter().copied().filter(|guard| !self.off.contains(guard.about().name))
    }

    fn of(state: &SessionState) -> Arc<Self> {
        state.config().get_extension::<Self>().unwrap_or_default()
    }

    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.active().flat_map(|guard| guard.settings().iter().copied())
    }

    pub fn analyzer_rules(&self) -> AnalyzerRules {
        let mut rules = Analyzer::new().rules;
        self.active().for_each(|guard| guard.analyzer_rules(&mut rules));
        rules
    }

    pub fn optimizer_rules(&self) -> OptimizerRules {
        let mut rules = Optimizer::new().rules;
        self.active().for_each(|guard| guard.optimizer_rules(&mut rules));
        rules
    }

    pub fn physical_rules(&self) -> PhysicalRules {
        let mut rules = PhysicalOptimizer::new().rules;
        self.active().for_each(|guard| guard.physical_rules(&mut rules));
        rules
    }

    pub fn functions(&self, context: &SessionContext) {
        self.active().for_each(|guard| guard.functions(context));
    }

    /// REQUIRES: the types of the expression are settled.
    pub fn executed_expression(
        state: &SessionState,
        expression: LogicalExpr,
        schema: &DFSchema,
    ) -> EngineResult<LogicalExpr> {
        Self::of(state).active().try_fold(expression, |expression, guard| guard.executed_expression(expression, schema))
    }
}

/// Makes plans executable, with what guards change only then.
#[derive(Debug)]
pub struct GuardedPlanner {
    guards: Arc<Guards>,
    engine: Arc<dyn QueryPlanner + Send + Sync>,
}

impl GuardedPlanner {
    pub fn new(guards: Arc<Guards>, engine: Arc<dyn QueryPlanner + Send + Sync>) -> Self {
        Self { guards, engine }
    }
}

#[async_trait]
impl QueryPlanner for GuardedPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn CatalogSession,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let plan = self.guards.active().try_fold(plan.clone(), |plan, guard| guard.executed_plan(plan))?;
        self.engine.create_physical_plan(&plan, session).await
    }
}

/// An expression that stands alone, as a plan would have it.
pub fn guarded_expression(
    state: &SessionState,
    expression: Arc<dyn PhysicalExpr>,
    schema: &Schema,
) -> EngineResult<Arc<dyn PhysicalExpr>> {
    Guards::of(state).active().try_fold(expression, |expression, guard| guard.physical_expression(expression, schema))
}

/// A plan as it is written for other engines: without what only this one needs.
pub fn unguarded_plan(plan: &LogicalPlan) -> EngineResult<LogicalPlan> {
    float_keys::plain_keys(plan.clone())
}

/// The guards that take part before rules do: in the text as it was read, in the syntax tree, and in the plan made of it.
pub struct TreeGuards(Arc<Guards>);

impl TreeGuards {
    pub fn of(state: &SessionState) -> Self {
        Self(Guards::of(state))
    }

    pub fn operators(&self, expression: &mut Expr, dialect: Dialect) -> Result<()> {
        self.0.active().try_for_each(|guard| guard.operators(expression, dialect))
    }

    pub fn statement(&self, planner: &dyn PartPlanner, statement: &mut Statement) -> Result<()> {
        self.0.active().try_for_each(|guard| guard.statement(planner, statement))
    }

    pub fn planned(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        Ok(self.0.active().try_fold(plan, |plan, guard| guard.planned(plan))?)
    }

    pub fn query(&self, query: &mut Query) -> Result<()> {
        self.0.active().try_for_each(|guard| guard.query(query))
    }

    pub fn expression(&self, expression: &mut Expr) -> Result<()> {
        self.0.active().try_for_each(|guard| guard.expression(expression))
    }

    /// All expressions of a part of a statement.
    pub fn expressions(&self, part: &mut impl VisitMut) -> Result<()> {
        let visited = visit_expressions_mut(part, |expression| match self.expression(expression) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        });
        match visited {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}

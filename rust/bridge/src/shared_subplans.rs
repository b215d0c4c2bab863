// SPDX-License-Identifier: Apache-2.0
//! Finds parts of a plan that stand in it several times, as a common table expression that is read twice, and lets each run once.
//!
//! Shared is what takes many rows and gives few: aggregates, windows, DISTINCT, limits. Filters of joins above do not come through such a
//! part (but those on group keys), so that nothing is lost; scans and joins stay apart, each reads what its place needs.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session as CatalogSession;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, internal_err};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, TableScan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use deltalake_core::delta_datafusion::planner::DeltaExtensionPlanner;

use crate::shared_rows::SharedRows;

/// The engine's planner of execution, over plans whose common parts run once.
#[derive(Debug)]
pub struct SharingPlanner;

#[async_trait]
impl QueryPlanner for SharingPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn CatalogSession,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner =
            DefaultPhysicalPlanner::with_extension_planners(vec![DeltaExtensionPlanner::new(), Arc::new(PartPlanner)]);
        match with_shared_parts(plan)? {
            None => planner.create_physical_plan(plan, session).await,
            Some(plan) => SharedRows::connect(planner.create_physical_plan(&plan, session).await?),
        }
    }
}

struct PartPlanner;

#[async_trait]
impl ExtensionPlanner for PartPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn CatalogSession,
        _context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(part) = node.as_any().downcast_ref::<SharedPart>() else { return Ok(None) };
        let [input] = physical_inputs else { return internal_err!("a shared part has one input") };
        Ok(Some(SharedRows::unconnected(part.id, Arc::clone(input))))
    }
}

/// Stands over each place of a part that stands in a plan several times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Hash)]
struct SharedPart {
    /// The same for places of the same part.
    id: usize,
    input: LogicalPlan,
}

impl UserDefinedLogicalNodeCore for SharedPart {
    fn name(&self) -> &str {
        "SharedPart"
    }
    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }
    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }
    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }
    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SharedPart: {}", self.id)
    }
    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { id: self.id, input: inputs.swap_remove(0) })
    }
}

/// None if no part stands in the plan twice.
fn with_shared_parts(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let mut tables = tables_of(plan).unwrap_or_default();
    tables.sort_unstable();
    if tables.is_sorted_by(|one, next| one < next) {
        return Ok(None); // each is read once
    }
    let mut places: HashMap<Part, usize> = HashMap::new();
    plan.apply_with_subqueries(|node| {
        if is_apart(node) {
            return Ok(TreeNodeRecursion::Jump);
        }
        if let Some(part) = part_of(node)? {
            *places.entry(part).or_default() += 1;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut ids: HashMap<Part, usize> = HashMap::new();
    let marked = plan.clone().transform_down_with_subqueries(|node| {
        if is_apart(&node) {
            return Ok(Transformed::new(node, false, TreeNodeRecursion::Jump));
        }
        let Some(part) = part_of(&node)?.filter(|part| places.get(part).is_some_and(|places| *places > 1)) else {
            return Ok(Transformed::no(node));
        };
        let next = ids.len();
        let id = *ids.entry(part).or_insert(next);
        let part = LogicalPlan::Extension(Extension { node: Arc::new(SharedPart { id, input: node }) });
        Ok(Transformed::new(part, true, TreeNodeRecursion::Jump))
    })?;
    Ok(marked.transformed.then_some(marked.data))
}

/// What is the same at two places if the rows are: the plan, and the tables that it reads, by their addresses in the order of the scans. A
/// table may be bound to other files at each place.
type Part = (LogicalPlan, Vec<*const ()>);

fn part_of(node: &LogicalPlan) -> Result<Option<Part>> {
    Ok(if may_be_shared(node)? { Some((node.clone(), tables_of(node)?)) } else { None })
}

/// The terms of a recursive query run many times, over other rows each time.
fn is_apart(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::RecursiveQuery(_))
}

fn gives_few_rows(node: &LogicalPlan) -> bool {
    match node {
        LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Distinct(_) | LogicalPlan::Limit(_) => true,
        LogicalPlan::Sort(sort) => sort.fetch.is_some(),
        _ => false,
    }
}

/// Whether the node gives the same rows at each of its places, if the tables do.
fn may_be_shared(node: &LogicalPlan) -> Result<bool> {
    if !gives_few_rows(node) {
        return Ok(false);
    }
    let mut reads_tables = false;
    let varies = node.exists(|part| {
        reads_tables |= matches!(part, LogicalPlan::TableScan(_));
        if is_apart(part) {
            return Ok(true);
        }
        let mut found = false;
        part.apply_expressions(|expression| {
            found |= expression.is_volatile() || expression.contains_outer();
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        Ok(found)
    })?;
    Ok(reads_tables && !varies)
}

/// The tables' addresses, in the order of the scans.
fn tables_of(plan: &LogicalPlan) -> Result<Vec<*const ()>> {
    let mut tables = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(TableScan { source, .. }) = node {
            tables.push(Arc::as_ptr(&source_as_provider(source)?).cast());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(tables)
}

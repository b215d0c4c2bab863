// SPDX-License-Identifier: Apache-2.0
//! Gives references of subqueries to the query around them the types that its columns have. DataFusion notes the type of such a column
//! when it reads the text, where a UNION, a CASE or a COALESCE still has the type of its first branch, and settles the subquery's types by
//! that note: 2.5 is then cut to 2, or values of different types are compared.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef, ExprSchema};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};
use datafusion::optimizer::AnalyzerRule;

use super::{About, AnalyzerRules, Guard, Means};

pub struct OuterTypes;

impl Guard for OuterTypes {
    fn about(&self) -> About {
        About {
            name: "outer_types",
            version: 1,
            fault: "`SELECT x FROM (SELECT CAST(1 AS INT) AS x UNION ALL SELECT 2.5) u WHERE EXISTS (SELECT 1 FROM t WHERE t.k = \
                    u.x)` with k BIGINT takes x for an INT and finds 2 for 2.5",
            upstream: "unreported",
            means: Means::Correction,
            effect: "a subquery sees the columns of the query around it with the types that they have",
        }
    }

    fn analyzer_rules(&self, rules: &mut AnalyzerRules) {
        let at = rules.iter().position(|rule| rule.name() == "type_coercion").expect("the rule that settles types");
        let settle = Arc::clone(&rules[at]);
        rules[at] = Arc::new(SettleTypes { settle });
    }
}

/// More queries within each other than this whose types hang on one another are left to the engine's own checks.
const MOST_ROUNDS: usize = 16;

#[derive(Debug)]
struct SettleTypes {
    settle: Arc<dyn AnalyzerRule + Send + Sync>,
}

impl AnalyzerRule for SettleTypes {
    /// Settles types, sees which those of the outer columns are, and settles the plan anew with these, until they are the ones noted.
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        if !has_outer_references(&plan)? {
            return self.settle.analyze(plan, config);
        }
        let mut unsettled = plan;
        for _ in 0..MOST_ROUNDS {
            let settled = self.settle.analyze(unsettled.clone(), config)?;
            let mut found = Vec::new();
            let mut differ = false;
            let mut look = |noted: &FieldRef, now: Option<FieldRef>| {
                let now = now.unwrap_or_else(|| Arc::clone(noted));
                differ |= now.data_type() != noted.data_type();
                found.push(now);
                None
            };
            let settled = visit(settled, &[], &mut look)?.data;
            if !differ {
                return Ok(settled);
            }
            // Types are settled by wrapping expressions: the references stand in the same order in both plans.
            let mut types = found.into_iter();
            unsettled = visit(unsettled, &[], &mut |_, _| types.next())?.data;
        }
        self.settle.analyze(unsettled, config)
    }

    fn name(&self) -> &str {
        self.settle.name()
    }
}

/// Told of a reference's noted column and of the one that the outer query has; gives what is to be noted.
type Visitor<'a> = dyn FnMut(&FieldRef, Option<FieldRef>) -> Option<FieldRef> + 'a;

/// `outer`: the columns of the queries around the plan, the nearest last.
fn visit(plan: LogicalPlan, outer: &[DFSchemaRef], visitor: &mut Visitor) -> Result<Transformed<LogicalPlan>> {
    plan.transform_down(|node| {
        // A LATERAL item sees what stands left of it.
        if let LogicalPlan::Join(join) = &node
            && contains_lateral(&join.right)?
        {
            return visit_lateral(node, outer, visitor);
        }
        let visible = Arc::new(merge_schema(&node.inputs()));
        node.map_expressions(|expr| visit_expression(expr, outer, &visible, visitor))
    })
}

fn visit_expression(
    expr: Expr,
    outer: &[DFSchemaRef],
    visible: &DFSchemaRef,
    visitor: &mut Visitor,
) -> Result<Transformed<Expr>> {
    expr.transform_up(|part| match part {
        Expr::OuterReferenceColumn(noted, column) => {
            let now = outer.iter().rev().find_map(|schema| schema.field_from_column(&column).ok()).cloned();
            Ok(match visitor(&noted, now) {
                Some(field) => Transformed::yes(Expr::OuterReferenceColumn(field, column)),
                None => Transformed::no(Expr::OuterReferenceColumn(noted, column)),
            })
        }
        Expr::ScalarSubquery(subquery) => {
            Ok(visit_subquery(subquery, outer, visible, visitor)?.update_data(Expr::ScalarSubquery))
        }
        Expr::Exists(Exists { subquery, negated }) => Ok(visit_subquery(subquery, outer, visible, visitor)?
            .update_data(|subquery| Expr::Exists(Exists { subquery, negated }))),
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            Ok(visit_subquery(subquery, outer, visible, visitor)?
                .update_data(|subquery| Expr::InSubquery(InSubquery { expr, subquery, negated })))
        }
        Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
            Ok(visit_subquery(subquery, outer, visible, visitor)?
                .update_data(|subquery| Expr::SetComparison(SetComparison { expr, subquery, op, quantifier })))
        }
        other => Ok(Transformed::no(other)),
    })
}

fn visit_subquery(
    subquery: Subquery,
    outer: &[DFSchemaRef],
    visible: &DFSchemaRef,
    visitor: &mut Visitor,
) -> Result<Transformed<Subquery>> {
    let mut inside = outer.to_vec();
    inside.push(Arc::clone(visible));
    let Subquery { subquery, outer_ref_columns, spans } = subquery;
    let plan = visit(Arc::unwrap_or_clone(subquery), &inside, visitor)?;
    let none: DFSchemaRef = Arc::new(DFSchema::empty());
    let outer_ref_columns = outer_ref_columns
        .into_iter()
        .map(|column| Ok(visit_expression(column, &inside, &none, visitor)?.data))
        .collect::<Result<Vec<Expr>>>()?;
    let transformed = plan.transformed;
    let subquery = Subquery { subquery: Arc::new(plan.data), outer_ref_columns, spans };
    Ok(Transformed::new_transformed(subquery, transformed))
}

fn contains_lateral(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Subquery(_))))
}

/// A join with LATERAL items at its right; nothing of it is left to be visited.
fn visit_lateral(join: LogicalPlan, outer: &[DFSchemaRef], visitor: &mut Visitor) -> Result<Transformed<LogicalPlan>> {
    let visible = Arc::new(merge_schema(&join.inputs()));
    let join = join.map_expressions(|expr| visit_expression(expr, outer, &visible, visitor))?.data;
    let LogicalPlan::Join(mut join) = join else {
        return Ok(Transformed::no(join));
    };
    let left = visit(Arc::unwrap_or_clone(join.left), outer, visitor)?.data;
    let columns = Arc::clone(left.schema());
    let right = Arc::unwrap_or_clone(join.right).transform_down(|node| match node {
        LogicalPlan::Subquery(subquery) => {
            let mut visited = visit_subquery(subquery, outer, &columns, visitor)?.update_data(LogicalPlan::Subquery);
            visited.tnr = TreeNodeRecursion::Jump;
            Ok(visited)
        }
        other => {
            let visible = Arc::new(merge_schema(&other.inputs()));
            other.map_expressions(|expr| visit_expression(expr, outer, &visible, visitor))
        }
    })?;
    (join.left, join.right) = (Arc::new(left), Arc::new(right.data));
    Ok(Transformed::new(LogicalPlan::Join(join), true, TreeNodeRecursion::Jump))
}

/// Of any query in the plan.
fn has_outer_references(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= node.contains_outer_reference();
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

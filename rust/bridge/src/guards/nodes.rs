// SPDX-License-Identifier: Apache-2.0
//! What guards ask of one node of a logical plan, and how they change its expressions.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// The columns that the expressions of a node are over.
pub fn columns_of(plan: &LogicalPlan) -> Result<DFSchemaRef> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            Ok(Arc::new(DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?))
        }
        _ => match plan.inputs().as_slice() {
            [] => Ok(Arc::new(DFSchema::empty())),
            [input] => Ok(Arc::clone(input.schema())),
            inputs => Ok(Arc::new(merge_schema(inputs))),
        },
    }
}

/// Whether any expression of a node, subqueries left out, has such a part.
pub fn has(plan: &LogicalPlan, mut is_wanted: impl FnMut(&Expr) -> bool) -> Result<bool> {
    let mut found = false;
    plan.apply_expressions(|expression| {
        found = found || expression.exists(|part| Ok(is_wanted(part)))?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Changes the expressions of a node. The columns that they make keep their names: that of an aggregate shows its FILTER as it is.
pub fn map_named(
    plan: LogicalPlan,
    mut change: impl FnMut(Expr) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    let makes_columns = !matches!(plan, LogicalPlan::Sort(_));
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expression| {
        let is_named = makes_columns && !matches!(expression, Expr::GroupingSet(_));
        let name = names.save(&expression);
        let changed = change(expression)?;
        Ok(if changed.transformed && is_named { changed.update_data(|part| name.restore(part)) } else { changed })
    })
}

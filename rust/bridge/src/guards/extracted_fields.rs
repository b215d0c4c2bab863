// SPDX-License-Identifier: Apache-2.0
//! Keeps what refers to fields of structs true. The engine takes such fields out into columns of a projection below, and moves that below
//! the name of the table: the column belongs to the table then, and what refers to it, or is called by it, does not know. So columns are
//! looked up again, and expressions keep the names that they had.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::nodes::{columns_of, has};
use super::{About, Guard, Means, OptimizerRules};

pub struct ExtractedFields;

impl Guard for ExtractedFields {
    fn about(&self) -> About {
        About {
            name: "extracted_fields",
            version: 1,
            fault: "`SELECT q.a FROM q JOIN r ON upper(q.s['x']) = r.x` fails: `No field named \"upper(__datafusion_extracted_1)\"`, and so \
                    do views with `min(q.s['x'])`",
            upstream: "unreported",
            means: Means::Correction,
            effect: "fields of structs may stand in aggregates and keys of joins",
        }
    }

    fn optimizer_rules(&self, rules: &mut OptimizerRules) {
        rules.push(Arc::new(FindExtracted));
    }
}

#[derive(Debug)]
struct FindExtracted;

impl OptimizerRule for FindExtracted {
    fn name(&self) -> &str {
        "find_extracted_fields"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !has(&plan, |part| matches!(part, Expr::Column(column) if is_bare_extracted(column)))? {
            return Ok(Transformed::no(plan));
        }
        let (columns, names) = (columns_of(&plan)?, NamePreserver::new(&plan));
        let is_named = !matches!(plan, LogicalPlan::Sort(_));
        let found = plan.map_expressions(|expression| {
            // A column by itself is looked up again by what is above.
            let is_named = is_named && !matches!(expression, Expr::Column(_));
            let name = names.save(&expression);
            let found = expression.transform_up(|part| Ok(find(part, &columns)))?;
            Ok(if found.transformed && is_named { found.update_data(|part| name.restore(part)) } else { found })
        })?;
        if found.transformed { found.map_data(LogicalPlan::recompute_schema) } else { Ok(found) }
    }
}

fn is_bare_extracted(column: &Column) -> bool {
    column.relation.is_none() && column.name.starts_with("__datafusion_extracted")
}

fn find(part: Expr, columns: &DFSchema) -> Transformed<Expr> {
    if let Expr::Column(column) = &part
        && is_bare_extracted(column)
        && let [(Some(relation), _)] = columns.qualified_fields_with_unqualified_name(&column.name).as_slice()
    {
        return Transformed::yes(Expr::Column(Column::new(Some((*relation).clone()), &column.name)));
    }
    Transformed::no(part)
}

// SPDX-License-Identifier: Apache-2.0
//! Empty relations with columns, which neither protobuf nor Substrait carries: they travel as scans of a table without rows.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col};

/// The name under which an empty relation with columns travels, since the protobuf form of one forgets them.
pub const EMPTY_TABLE: &str = "$empty";

pub fn is_empty_table(reference: &TableReference) -> bool {
    reference.table() == EMPTY_TABLE
}

/// Replaces empty relations that have columns by a scan of an empty table, qualified as before. A plan without one is not copied.
pub fn keep_empty_schemas(plan: &LogicalPlan) -> EngineResult<Cow<'_, LogicalPlan>> {
    let with_columns = |node: &LogicalPlan| match node {
        LogicalPlan::EmptyRelation(empty) => !empty.produce_one_row && !empty.schema.fields().is_empty(),
        _ => false,
    };
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= with_columns(node);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if !found {
        return Ok(Cow::Borrowed(plan));
    }
    let rewritten = plan.clone().transform_up_with_subqueries(|node| {
        let LogicalPlan::EmptyRelation(empty) = &node else {
            return Ok(Transformed::no(node));
        };
        if !with_columns(&node) {
            return Ok(Transformed::no(node));
        }
        let fields: Vec<arrow::datatypes::Field> = empty
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(|(i, field)| field.as_ref().clone().with_name(format!("c{i}")))
            .collect();
        let table = EmptyTable::new(Arc::new(arrow::datatypes::Schema::new(fields)));
        let columns: Vec<Expr> = empty
            .schema
            .iter()
            .enumerate()
            .map(|(i, (qualifier, field))| col(format!("c{i}")).alias_qualified(qualifier.cloned(), field.name()))
            .collect();
        let plan = LogicalPlanBuilder::scan(EMPTY_TABLE, provider_as_source(Arc::new(table)), None)?
            .project(columns)?
            .build()?;
        Ok(Transformed::yes(plan))
    })?;
    Ok(Cow::Owned(rewritten.data))
}

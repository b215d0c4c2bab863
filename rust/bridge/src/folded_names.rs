// SPDX-License-Identifier: Apache-2.0
//! Columns of a listed table found in its Parquet files: by their names, else by names that differ in case alone. The engine by itself
//! takes a column of another case for missing, hence for NULL.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use datafusion::common::exec_err;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

#[derive(Debug)]
pub struct FoldedNames;

impl PhysicalExprAdapterFactory for FoldedNames {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let mut names = HashMap::new();
        for field in table.fields() {
            if let Some(name) = name_in_file(field.name(), &table, &file)? {
                names.insert(field.name().clone(), name.to_string());
            }
        }
        if names.is_empty() {
            return DefaultPhysicalExprAdapterFactory.create(table, file);
        }
        let renamed = |field: &Arc<Field>| match names.get(field.name()) {
            Some(name) => Arc::new(Field::clone(field).with_name(name)),
            None => Arc::clone(field),
        };
        let fields: Fields = table.fields().iter().map(renamed).collect();
        let inner = DefaultPhysicalExprAdapterFactory.create(Arc::new(Schema::new(fields)), file)?;
        Ok(Arc::new(FoldedAdapter { names, inner }))
    }
}

/// The name that a column has in the file, if it is another one.
fn name_in_file<'a>(column: &str, table: &Schema, file: &'a Schema) -> Result<Option<&'a str>> {
    if file.fields().find(column).is_some() {
        return Ok(None);
    }
    let folded = column.to_lowercase();
    let mut alike = file.fields().iter().map(|field| field.name().as_str()).filter(|name| {
        // What is another column of the table is not this one.
        name.to_lowercase() == folded && table.fields().find(name).is_none()
    });
    match (alike.next(), alike.next()) {
        (Some(one), Some(other)) => {
            exec_err!("one column is wanted for `{column}`, found two that differ in case alone: `{one}` and `{other}`")
        }
        (found, _) => Ok(found),
    }
}

#[derive(Debug)]
struct FoldedAdapter {
    /// Of columns of the table whose names in the file are others.
    names: HashMap<String, String>,
    inner: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for FoldedAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let renamed = expr
            .transform_down(|node| {
                let Some(column) = node.downcast_ref::<Column>() else {
                    return Ok(Transformed::no(node));
                };
                match self.names.get(column.name()) {
                    Some(name) => Ok(Transformed::yes(Arc::new(Column::new(name, column.index())) as _)),
                    None => Ok(Transformed::no(node)),
                }
            })
            .data()?;
        self.inner.rewrite(renamed)
    }
}

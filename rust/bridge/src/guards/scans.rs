// SPDX-License-Identifier: Apache-2.0
//! What guards do to scans of Parquet: they take part where expressions over a table's columns become those over the columns of a file.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr_adapter::{DefaultPhysicalExprAdapterFactory, PhysicalExprAdapterFactory};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_datasource::file_scan_config::{FileScanConfig, FileScanConfigBuilder};
use datafusion_datasource::source::DataSourceExec;

pub fn file_scan(node: &dyn ExecutionPlan) -> Option<&FileScanConfig> {
    node.downcast_ref::<DataSourceExec>().and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>())
}

/// Puts an adapter around that of each scan of Parquet files.
pub fn adapt_scans(
    plan: Arc<dyn ExecutionPlan>,
    around: impl Fn(Arc<dyn PhysicalExprAdapterFactory>) -> Arc<dyn PhysicalExprAdapterFactory>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let Some(config) = file_scan(node.as_ref()).filter(|config| config.file_source().file_type() == "parquet")
        else {
            return Ok(Transformed::no(node));
        };
        let inner = match &config.expr_adapter_factory {
            Some(factory) => Arc::clone(factory),
            None => Arc::new(DefaultPhysicalExprAdapterFactory) as Arc<dyn PhysicalExprAdapterFactory>,
        };
        let config = FileScanConfigBuilder::from(config.clone()).with_expr_adapter(Some(around(inner))).build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
    })
    .data()
}

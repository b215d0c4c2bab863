// SPDX-License-Identifier: Apache-2.0
//! Keeps comparisons of floats from the statistics of Parquet, which leave NaN out: the engine sorts NaN above every number, so that a
//! row group of 1.0 and NaN, whose statistics say 1.0 to 1.0, holds a value above 2.0. Bloom filters tell apart the two zeros.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_datasource::file_groups::FileGroup;
use datafusion_datasource::file_scan_config::{FileScanConfig, FileScanConfigBuilder};
use datafusion_datasource::source::DataSourceExec;

use super::hidden_comparison::hide_in_scans;
use super::scans::file_scan;
use super::{About, Guard, Means, PhysicalRules};

pub struct NanPruning;

impl Guard for NanPruning {
    fn about(&self) -> About {
        About {
            name: "nan_pruning",
            version: 1,
            fault: "`WHERE x > 2.0` misses NaN in Parquet, where x is 1.0 and NaN: statistics leave NaN out",
            upstream: "apache/datafusion#15812",
            means: Means::Correction,
            effect: "comparisons of floats are evaluated over rows, never over the statistics within files",
        }
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        rules.insert(0, Arc::new(DoubtFloats));
        hide_in_scans(rules, is_of_floats);
    }
}

/// Least and greatest floats of scans are taken for estimates: nothing is answered from them, and no column is taken for a constant.
#[derive(Debug)]
struct DoubtFloats;

impl PhysicalOptimizerRule for DoubtFloats {
    fn name(&self) -> &str {
        "doubt_float_statistics"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            Ok(match file_scan(node.as_ref()).and_then(doubt) {
                Some(config) => Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(node),
            })
        })
        .data()
    }
}

/// None if there is nothing to doubt.
fn doubt(config: &FileScanConfig) -> Option<FileScanConfig> {
    let schema = Arc::clone(config.file_source().table_schema().table_schema());
    if !schema.fields().iter().any(|field| is_float(field.data_type())) {
        return None;
    }
    let doubted = |statistics: &Statistics| {
        let mut statistics = statistics.clone();
        for (column, field) in statistics.column_statistics.iter_mut().zip(schema.fields()) {
            if is_float(field.data_type()) {
                column.min_value = std::mem::take(&mut column.min_value).to_inexact();
                column.max_value = std::mem::take(&mut column.max_value).to_inexact();
            }
        }
        statistics
    };
    let groups = config.file_groups.iter().map(|group| {
        let files = group.iter().map(|file| {
            let mut file = file.clone();
            file.statistics = file.statistics.map(|statistics| Arc::new(doubted(&statistics)));
            file
        });
        files.collect::<FileGroup>()
    });
    let statistics = doubted(&config.statistics());
    Some(
        FileScanConfigBuilder::from(config.clone())
            .with_file_groups(groups.collect())
            .with_statistics(statistics)
            .build(),
    )
}

/// Whether any part of a comparison is a float.
fn is_of_floats(comparison: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<bool> {
    let mut found = false;
    comparison.apply(|part| {
        found |= part.data_type(schema).is_ok_and(|data_type| is_float(&data_type));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn is_float(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_float(value),
        other => other.is_floating(),
    }
}

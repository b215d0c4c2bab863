// SPDX-License-Identifier: Apache-2.0
//! The rows that commits of a Delta table changed. In: files that C++ found in the commits, each with what its rows mean. Out: a table with
//! the columns of a snapshot and three of the change, read as any table of the log is.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::TableType;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use crate::delta::from_bridge;
use crate::delta::log::LogFile;
use crate::delta::log_table::LogTable;
use crate::ffi::ChangeFile;

fn change_type() -> FieldRef {
    Arc::new(Field::new("_change_type", DataType::Utf8, true))
}

fn commit_fields() -> Vec<FieldRef> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    vec![
        Arc::new(Field::new("_commit_version", DataType::Int64, true)),
        Arc::new(Field::new("_commit_timestamp", time, true)),
    ]
}

fn log_file(change: &ChangeFile) -> LogFile {
    let commit = [
        ScalarValue::Int64(Some(change.version)),
        ScalarValue::TimestampMicrosecond(Some(change.timestamp_ms * 1000), Some("UTC".into())),
    ];
    let kind = (!change.kind.is_empty()).then(|| ScalarValue::Utf8(Some(change.kind.clone())));
    LogFile {
        file: change.file.clone(),
        vector: from_bridge(&change.without),
        within: from_bridge(&change.within),
        constants: kind.into_iter().chain(commit).collect(),
    }
}

/// Files that the log added or removed, whose rows are all of one kind, and change data files, whose rows say it themselves.
pub struct ChangeTable {
    parts: Vec<LogTable>,
}

impl fmt::Debug for ChangeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChangeTable({:?})", self.parts)
    }
}

impl ChangeTable {
    /// `table` tells the columns.
    pub fn new(table: &LogTable, changes: &[ChangeFile]) -> Self {
        let (of_kind, mixed): (Vec<&ChangeFile>, Vec<&ChangeFile>) =
            changes.iter().partition(|change| !change.kind.is_empty());
        let files = |changes: Vec<&ChangeFile>| changes.into_iter().map(log_file).collect::<Vec<LogFile>>();
        let constants = std::iter::once(change_type()).chain(commit_fields()).collect();
        let mut parts = vec![table.clone().of_files(files(of_kind), &[], constants)];
        if !mixed.is_empty() {
            parts.push(table.clone().of_files(files(mixed), &[change_type()], commit_fields()));
        }
        Self { parts }
    }
}

#[async_trait]
impl TableProvider for ChangeTable {
    fn schema(&self) -> SchemaRef {
        self.parts[0].schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        self.parts[0].supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn CatalogSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let mut scans = Vec::new();
        for part in &self.parts {
            scans.push(part.scan(state, projection, filters, limit).await?);
        }
        match scans.pop() {
            Some(scan) if scans.is_empty() => Ok(scan),
            Some(scan) => {
                scans.push(scan);
                UnionExec::try_new(scans)
            }
            None => unreachable!("there is always a part"),
        }
    }
}

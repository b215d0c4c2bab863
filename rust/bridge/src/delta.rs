// SPDX-License-Identifier: Apache-2.0
//! Delta tables as delta-rs sees them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use deltalake_core::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake_core::logstore::logstore_factories;
use deltalake_core::{DeltaTable, DeltaTableBuilder};
use url::Url;

use crate::error::{BridgeError, Result, entry};
use crate::ffi::{self, PartitionValue, TableFile};
use crate::runtime::block_on;
use crate::session::Session;
use crate::store::{parse_url, resolve};
use crate::table::{Table, export_schema};

pub struct DeltaSnapshot {
    table: DeltaTable,
}

/// delta-rs knows logs by the scheme of their URL, and only those of files and memory from the start. All stores that sessions register
/// keep logs the same way: by conditional puts.
fn know_scheme(url: &Url) -> Result<()> {
    let factories = logstore_factories();
    let scheme = parse_url(&format!("{}://", url.scheme()))?;
    if !factories.contains_key(&scheme) {
        let of_files = factories.get(&parse_url("file://")?).map(|factory| Arc::clone(factory.value()));
        if let Some(factory) = of_files {
            factories.insert(scheme, factory);
        }
    }
    Ok(())
}

fn builder(session: &Session, url: &str) -> Result<DeltaTableBuilder> {
    let url = parse_url(url)?;
    know_scheme(&url)?;
    let (store, _) = resolve(&session.context, &url)?;
    Ok(DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(store, url))
}

pub fn open_delta(session: &Session, url: &str, version: i64, timestamp: &str) -> Result<Box<DeltaSnapshot>> {
    entry(|| {
        let mut builder = builder(session, url)?;
        if version >= 0 {
            builder = builder.with_version(version as u64);
        }
        if !timestamp.is_empty() {
            let parsed = DateTime::parse_from_rfc3339(timestamp).map_err(|e| {
                BridgeError::user(
                    "invalid_argument",
                    format!("a timestamp in RFC 3339 is wanted ({e}), found `{timestamp}`"),
                )
            })?;
            builder = builder.with_timestamp(parsed.with_timezone(&Utc));
        }
        Ok(Box::new(DeltaSnapshot { table: block_on(builder.load())? }))
    })
}

impl DeltaSnapshot {
    pub fn version(&self) -> i64 {
        self.table.version().map_or(-1, |v| v as i64)
    }

    pub unsafe fn arrow_schema(&self, out_schema: *mut ffi::ArrowSchema) -> Result<()> {
        entry(|| {
            let schema = self.table.snapshot()?.snapshot().arrow_schema();
            unsafe { export_schema(&schema, out_schema) }
        })
    }

    pub fn partition_columns(&self) -> Vec<String> {
        self.table.snapshot().map(|state| state.metadata().partition_columns().to_vec()).unwrap_or_default()
    }

    pub fn protocol(&self) -> Result<String> {
        entry(|| to_json(self.table.snapshot()?.protocol()))
    }

    pub fn metadata(&self) -> Result<String> {
        entry(|| to_json(self.table.snapshot()?.metadata()))
    }

    pub fn files(&self) -> Result<Vec<TableFile>> {
        entry(|| {
            let snapshot = self.table.snapshot()?.snapshot();
            let mut files: Vec<TableFile> = snapshot
                .try_log_data()?
                .iter()
                .map(|view| TableFile {
                    path: view.object_store_path().to_string(),
                    size_bytes: view.size() as u64,
                    modified_ms: view.modification_time(),
                    rows: view.num_records().map_or(-1, |n| n as i64),
                    partition_values: partition_values(view.partition_values_map()),
                    statistics: view.stats().unwrap_or_default(),
                    has_deletion_vector: view.deletion_vector_descriptor().is_some(),
                })
                .collect();
            files.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(files)
        })
    }

    pub fn transaction_version(&self, app_id: &str) -> Result<i64> {
        entry(|| {
            let log_store = self.table.log_store();
            let snapshot = self.table.snapshot()?.snapshot();
            let found = block_on(snapshot.transaction_version(log_store.as_ref(), app_id))?;
            Ok(found.unwrap_or(-1))
        })
    }

    pub fn delta_table(&self, session: &Session) -> Result<Box<Table>> {
        entry(|| {
            self.table.update_datafusion_session(&session.context.state())?;
            let mut config = DeltaScanConfig::new();
            config.schema_force_view_types = false;
            config.wrap_partition_values = false;
            let snapshot = Arc::new(self.table.snapshot()?.snapshot().clone());
            Ok(Box::new(Table { provider: Arc::new(DeltaScanNext::new(snapshot, config)?) }))
        })
    }
}

fn partition_values(map: std::collections::HashMap<String, Option<String>>) -> Vec<PartitionValue> {
    let mut values: Vec<PartitionValue> = map
        .into_iter()
        .map(|(column, value)| PartitionValue { column, is_null: value.is_none(), value: value.unwrap_or_default() })
        .collect();
    values.sort_by(|a, b| a.column.cmp(&b.column));
    values
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| BridgeError::bug(e.to_string()))
}

pub fn create_checkpoint(session: &Session, url: &str) -> Result<()> {
    entry(|| {
        block_on(async {
            let table = builder(session, url)?.load().await?;
            deltalake_core::checkpoints::create_checkpoint(&table, None).await?;
            Ok(())
        })
    })
}

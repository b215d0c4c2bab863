// SPDX-License-Identifier: Apache-2.0
//! Delta tables as delta-rs sees them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::datasource::TableProvider;
use delta_kernel::engine::arrow_conversion::TryIntoArrow;
use delta_kernel::table_configuration::TableConfiguration;
use deltalake_core::delta_datafusion::{DeltaCdfTableProvider, DeltaScanConfig, DeltaScanNext, FileSelection};
use deltalake_core::kernel::Snapshot;
use deltalake_core::logstore::{LogStoreRef, logstore_factories};
use deltalake_core::{DeltaTable, DeltaTableBuilder};
use url::Url;

use crate::delta_log::DeltaLog;
use crate::error::{BridgeError, Result, entry};
use crate::ffi;
use crate::runtime::{block_on, runtime};
use crate::session::Session;
use crate::store::{parse_url, resolve};
use crate::table::{FileTable, Table, export_schema};

pub struct DeltaSnapshot {
    log: DeltaLog,
    log_store: LogStoreRef,
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
        let _guard = runtime().enter();
        let builder = builder(session, url)?;
        let log_store = builder.build_storage()?;
        let version = if timestamp.is_empty() { version } else { version_at(builder, timestamp)? };
        let mut root = log_store.root_url().clone();
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        Ok(Box::new(DeltaSnapshot { log: DeltaLog::open(log_store.engine(None), &root, version)?, log_store }))
    })
}

fn parse_time(timestamp: &str) -> Result<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(timestamp).map_err(|e| {
        BridgeError::user("invalid_argument", format!("a timestamp in RFC 3339 is wanted ({e}), found `{timestamp}`"))
    })?;
    Ok(parsed.with_timezone(&Utc))
}

fn version_at(builder: DeltaTableBuilder, timestamp: &str) -> Result<i64> {
    let table = block_on(builder.with_timestamp(parse_time(timestamp)?).load())?;
    Ok(table.version().map_or(-1, |v| v as i64))
}

impl DeltaSnapshot {
    pub fn version(&self) -> i64 {
        self.log.snapshot.version() as i64
    }

    pub unsafe fn arrow_schema(&self, out_schema: *mut ffi::ArrowSchema) -> Result<()> {
        entry(|| {
            let schema = self.schema()?;
            unsafe { export_schema(&schema, out_schema) }
        })
    }

    pub fn partition_columns(&self) -> Vec<String> {
        self.configuration().metadata().partition_columns().to_vec()
    }

    pub fn protocol(&self) -> Result<String> {
        entry(|| to_json(self.configuration().protocol()))
    }

    pub fn metadata(&self) -> Result<String> {
        entry(|| to_json(self.configuration().metadata()))
    }

    pub unsafe fn files(&self, statistics: bool, out_stream: *mut ffi::ArrowArrayStream) -> Result<()> {
        unsafe { self.log.export_files(statistics, out_stream) }
    }

    pub fn transaction_version(&self, app_id: &str) -> Result<i64> {
        entry(|| self.log.transaction_version(app_id))
    }

    pub fn file_table(&self, session: &Session, root_url: &str) -> Result<Box<Table>> {
        entry(|| {
            let url = parse_url(root_url)?;
            let table = FileTable::of_log(session, &url, self.schema()?, &self.partition_columns(), self.log.clone())?;
            Ok(Box::new(Table::of_files(table)))
        })
    }

    pub fn delta_table(&self, session: &Session) -> Result<Box<Table>> {
        entry(|| {
            let table = DeltaTable::new(Arc::clone(&self.log_store));
            table.update_datafusion_session(&session.context.state())?;
            let snapshot = block_on(Snapshot::try_new(self.log_store.as_ref(), Some(self.log.snapshot.version())))?;
            let provider = DeltaScanTable { snapshot: Arc::new(snapshot), log: self.log.clone() };
            Ok(Box::new(provider.select(None)?))
        })
    }

    fn configuration(&self) -> &TableConfiguration {
        self.log.snapshot.table_configuration()
    }

    fn schema(&self) -> Result<SchemaRef> {
        let schema = self.configuration().logical_schema();
        Ok(Arc::new(schema.as_ref().try_into_arrow()?))
    }
}

/// What delta-rs' own scan is made from, once for each selection of files.
#[derive(Clone)]
pub struct DeltaScanTable {
    snapshot: Arc<Snapshot>,
    log: DeltaLog,
}

impl DeltaScanTable {
    /// The scan of the files at `paths` (decoded), or of all.
    pub fn select(&self, paths: Option<&HashSet<&str>>) -> Result<Table> {
        let mut config = DeltaScanConfig::new();
        config.schema_force_view_types = false;
        config.wrap_partition_values = false;
        let mut scan = DeltaScanNext::new(Arc::clone(&self.snapshot), config)?;
        if let Some(paths) = paths {
            let _guard = runtime().enter();
            let raw = self.log.raw_paths(|path| paths.contains(path))?;
            scan = scan.with_file_selection(FileSelection::from_file_paths(raw));
        }
        Ok(Table { provider: Arc::new(scan), delta: Some(self.clone()) })
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| BridgeError::bug(e.to_string()))
}

/// The changes between two versions or times; -1 and an empty text leave a bound out.
pub fn delta_changes(
    session: &Session,
    url: &str,
    from: &ffi::ChangeBound,
    to: &ffi::ChangeBound,
) -> Result<Box<Table>> {
    entry(|| {
        let table = block_on(builder(session, url)?.load())?;
        table.update_datafusion_session(&session.context.state())?;
        let mut changes = table.scan_cdf();
        if from.version >= 0 {
            changes = changes.with_starting_version(from.version as u64);
        }
        if to.version >= 0 {
            changes = changes.with_ending_version(to.version as u64);
        }
        if !from.timestamp.is_empty() {
            changes = changes.with_starting_timestamp(parse_time(&from.timestamp)?);
        }
        if !to.timestamp.is_empty() {
            changes = changes.with_ending_timestamp(parse_time(&to.timestamp)?);
        }
        let provider = DeltaCdfTableProvider::try_new(changes)?;
        // What is wrong with the range, the log says now.
        block_on(provider.scan(&session.context.state(), None, &[], None))?;
        Ok(Box::new(Table { provider: Arc::new(provider), delta: None }))
    })
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

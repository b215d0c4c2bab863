// SPDX-License-Identifier: Apache-2.0
//! Delta tables: their logs as the kernel of delta-rs reads them, scans of their files, changes, checkpoints.

mod change_table;
mod file_columns;
mod log;
mod log_engine;
mod log_path;
pub mod log_table;
mod partition_values;
mod read_schema;
mod row_vector;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, SecondsFormat, Utc};
use delta_kernel::history_manager::error::{LogHistoryError, NearestTimestamp};
use delta_kernel::history_manager::{HistoryCommitType, get_earliest_commit, latest_version_as_of};
use delta_kernel::table_configuration::TableConfiguration;
use deltalake_core::DeltaTableBuilder;
use deltalake_core::logstore::logstore_factories;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

use crate::delta::change_table::ChangeTable;
use crate::delta::log::{DeltaLog, RowVector, log_failure};
use crate::delta::log_engine::without_backtrace;
use crate::delta::log_table::LogTable;
use crate::delta::read_schema::read_schema;
use crate::delta::row_vector::{DeletedFile, deleting};
use crate::error::{BridgeError, Result, entry};
use crate::ffi;
use crate::runtime::{block_on, runtime};
use crate::session::Session;
use crate::store::{parse_url, resolve};
use crate::table::{Table, export_schema, import_schema};

pub struct DeltaSnapshot {
    log: DeltaLog,
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

/// The scheme of tables whose folder cannot be named in the URLs that the kernel makes: it puts a name that it has listed into a URL
/// without escaping a `%` in it, and decodes it when it reads.
pub const ROOTED_SCHEME: &str = "rooted";

fn builder(session: &Session, url: &str) -> Result<DeltaTableBuilder> {
    let url = parse_url(url)?;
    let (store, root) = resolve(&session.context, &url)?;
    let (store, url) = if root.as_ref().contains('%') { rooted(session, store, root, &url)? } else { (store, url) };
    know_scheme(&url)?;
    Ok(DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(store, url))
}

/// A store whose root is the table's folder, under a URL of its own.
fn rooted(
    session: &Session,
    store: Arc<dyn ObjectStore>,
    root: Path,
    table: &Url,
) -> Result<(Arc<dyn ObjectStore>, Url)> {
    let host: String = table.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
    // The kernel takes listings for sorted, save for the hosts of some buckets. Those of folders are not.
    let url = parse_url(&format!("{ROOTED_SCHEME}://{host}--x-s3/"))?;
    let store: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(store, root));
    session.context.register_object_store(&url, Arc::clone(&store));
    Ok((store, url))
}

pub fn open_delta(session: &Session, url: &str, version: i64, timestamp: &str) -> Result<Box<DeltaSnapshot>> {
    entry(|| {
        let _guard = runtime().enter();
        let log_store = builder(session, url)?.build_storage()?;
        let mut root = log_store.root_url().clone();
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        let mut log = DeltaLog::open(log_store.engine(None), &root, version)?;
        if !timestamp.is_empty() {
            let version = version_at(&log, timestamp)?;
            log = DeltaLog::open(log_store.engine(None), &root, version)?;
        }
        Ok(Box::new(DeltaSnapshot { log }))
    })
}

fn parse_time(timestamp: &str) -> Result<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(timestamp).map_err(|e| {
        BridgeError::user("invalid_argument", format!("a timestamp in RFC 3339 is wanted ({e}), found `{timestamp}`"))
    })?;
    Ok(parsed.with_timezone(&Utc))
}

/// The last version at a time: by the times in the commits where the table keeps them there, else by those of the log's files.
fn version_at(latest: &DeltaLog, timestamp: &str) -> Result<i64> {
    let milliseconds = parse_time(timestamp)?.timestamp_millis();
    let log = latest.clone();
    let found = block_on(runtime().spawn_blocking(move || {
        latest_version_as_of(&log.snapshot, log.engine(), milliseconds, HistoryCommitType::Recreatable)
    }))
    .map_err(|e| BridgeError::bug(e.to_string()))?;
    let error = match found {
        Ok(commit) => return Ok(commit.version as i64),
        Err(error) => without_backtrace(error),
    };
    if let delta_kernel::Error::LogHistory(history) = &error
        && let LogHistoryError::TimestampOutOfRange { nearest_timestamp: NearestTimestamp::Earliest(first), .. } =
            history.as_ref()
    {
        let first = DateTime::from_timestamp_millis(*first).unwrap_or_default();
        let text = format!(
            "a timestamp from {} on is wanted, the time of the first commit in the table's log{}, found `{timestamp}`",
            first.to_rfc3339_opts(SecondsFormat::Millis, true),
            first_version(latest).map_or(String::new(), |version| format!(" (version {version})"))
        );
        return Err(BridgeError::user("not_found", text));
    }
    Err(log_failure(error))
}

fn first_version(log: &DeltaLog) -> Option<u64> {
    let folder = log.snapshot.table_root().join("_delta_log/").ok()?;
    let log = log.clone();
    let found = block_on(
        runtime()
            .spawn_blocking(move || get_earliest_commit(log.engine(), &folder, None, HistoryCommitType::Recreatable)),
    );
    found.ok()?.ok()
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

    pub unsafe fn read_table(
        &self,
        session: &Session,
        root_url: &str,
        schema: *mut ffi::ArrowSchema,
        reading: &ffi::DeltaReading,
    ) -> Result<Box<Table>> {
        let declared = if schema.is_null() { None } else { Some(unsafe { import_schema(schema) }?) };
        entry(|| {
            let mut table = self.log_table(session, root_url)?.with_pushed_filters(reading.pushes_filters);
            if let Some(declared) = declared {
                table = table.with_columns(&declared)?;
            }
            let table = table.with_places(&reading.file_column, &reading.row_column);
            Ok(Box::new(Table { provider: Arc::new(table) }))
        })
    }

    pub fn change_table(&self, session: &Session, root_url: &str, changes: &[ffi::ChangeFile]) -> Result<Box<Table>> {
        entry(|| {
            let table = ChangeTable::new(&self.log_table(session, root_url)?, changes);
            Ok(Box::new(Table { provider: Arc::new(table) }))
        })
    }

    pub fn delete_rows(
        &self,
        session: &Session,
        root_url: &str,
        files: &[ffi::DeletedRows],
    ) -> Result<Vec<ffi::DeletionVector>> {
        entry(|| {
            let (store, root) = resolve(&session.context, &parse_url(root_url)?)?;
            let each: Vec<DeletedFile> = files
                .iter()
                .map(|file| DeletedFile {
                    path: file.path.clone(),
                    vector: from_bridge(&file.vector),
                    rows: file.rows.clone(),
                })
                .collect();
            let log = self.log.clone();
            let written = block_on(
                runtime().spawn_blocking(move || entry(|| deleting(&each, &log.storage(), log.snapshot.table_root()))),
            )
            .map_err(|e| BridgeError::bug(e.to_string()))??;
            block_on(store.put(&root.join(written.name.as_str()), written.bytes.into()))?;
            Ok(written.vectors.iter().map(to_bridge).collect())
        })
    }

    fn log_table(&self, session: &Session, root_url: &str) -> Result<LogTable> {
        let url = parse_url(root_url)?;
        LogTable::new(session, &url, self.log.clone(), self.schema()?, &self.partition_columns())
    }

    fn configuration(&self) -> &TableConfiguration {
        self.log.snapshot.table_configuration()
    }

    fn schema(&self) -> Result<SchemaRef> {
        let configuration = self.configuration();
        read_schema(&configuration.logical_schema(), configuration.column_mapping_mode())
    }
}

fn to_bridge(vector: &RowVector) -> ffi::DeletionVector {
    ffi::DeletionVector {
        storage_type: vector.storage_type.clone(),
        path_or_inline: vector.path_or_inline.clone(),
        offset: vector.offset.unwrap_or(-1),
        size_bytes: vector.size_bytes,
        cardinality: vector.cardinality,
    }
}

/// None without a storage type.
fn from_bridge(vector: &ffi::DeletionVector) -> Option<RowVector> {
    (!vector.storage_type.is_empty()).then(|| RowVector {
        storage_type: vector.storage_type.clone(),
        path_or_inline: vector.path_or_inline.clone(),
        offset: (vector.offset >= 0).then_some(vector.offset),
        size_bytes: vector.size_bytes,
        cardinality: vector.cardinality,
    })
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

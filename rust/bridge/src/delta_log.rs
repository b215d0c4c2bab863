// SPDX-License-Identifier: Apache-2.0
//! The active files of a Delta table at one version, replayed from its checkpoint and commits batch by batch: nothing holds them all.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, MapArray, RecordBatch, RecordBatchReader, StringArray,
    StructArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::scan::{ScanBuilder, ScanMetadata, StatsOptions};
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::{Engine, Snapshot};
use deltalake_core::DeltaTableError;
use object_store::path::Path;
use tokio::sync::mpsc;
use url::Url;

use crate::error::{BridgeError, Result, entry};
use crate::ffi::{self, PartitionValue, TableFile};
use crate::runtime::{block_on, runtime};

/// Batches that wait for a slow reader.
const WAITING_BATCHES: usize = 2;

/// A version of a table: its protocol and metadata are known, its files are read when asked for.
#[derive(Clone)]
pub struct DeltaLog {
    pub snapshot: SnapshotRef,
    engine: Arc<dyn Engine>,
}

impl fmt::Debug for DeltaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeltaLog({}, {})", self.snapshot.table_root(), self.snapshot.version())
    }
}

fn from_kernel(error: delta_kernel::Error) -> DeltaTableError {
    if error.to_string().contains("No files in log segment") {
        return DeltaTableError::NotATable(error.to_string());
    }
    error.into()
}

/// `path`, `size`, `modified`, `statistics` (JSON, null where unknown or not asked for), `partition_values`, `deleted_rows`
/// and `deletion_vector` (its place, which tells it apart; both null without one).
fn file_batch(batch: &RecordBatch) -> Result<RecordBatch> {
    let column = |name: &str| -> Result<&ArrayRef> {
        batch.column_by_name(name).ok_or_else(|| BridgeError::bug(format!("the log's replay has no column `{name}`")))
    };
    let constants = column("fileConstantValues")?.as_struct();
    let partition_values = constants
        .column_by_name("partitionValues")
        .ok_or_else(|| BridgeError::bug("the log's replay has no partition values"))?;
    let vectors: &StructArray = column("deletionVector")?.as_struct();
    let cardinality = vectors
        .column_by_name("cardinality")
        .ok_or_else(|| BridgeError::bug("the log's replay has no cardinality of deletion vectors"))?
        .as_primitive::<Int64Type>();
    let deleted: Int64Array =
        (0..batch.num_rows()).map(|i| vectors.is_valid(i).then(|| cardinality.value(i))).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(decoded_paths(column("path")?.as_string::<i32>())),
        Arc::clone(column("size")?),
        Arc::clone(column("modificationTime")?),
        Arc::clone(column("stats")?),
        Arc::clone(partition_values),
        Arc::new(deleted),
        Arc::new(vector_places(vectors)?),
    ];
    Ok(RecordBatch::try_new(file_schema(partition_values.data_type().clone()), columns)?)
}

fn vector_places(vectors: &StructArray) -> Result<StringArray> {
    let part = |name: &str| {
        vectors.column_by_name(name).ok_or_else(|| BridgeError::bug(format!("a deletion vector has no `{name}`")))
    };
    let storage = part("storageType")?.as_string::<i32>();
    let place = part("pathOrInlineDv")?.as_string::<i32>();
    let offset = part("offset")?.as_primitive::<Int32Type>();
    let text = |i: usize| {
        format!("{}{}@{}", storage.value(i), place.value(i), if offset.is_valid(i) { offset.value(i) } else { 0 })
    };
    Ok((0..vectors.len()).map(|i| vectors.is_valid(i).then(|| text(i))).collect())
}

fn file_schema(partition_values: DataType) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("size", DataType::Int64, true),
        Field::new("modified", DataType::Int64, true),
        Field::new("statistics", DataType::Utf8, true),
        Field::new("partition_values", partition_values, true),
        Field::new("deleted_rows", DataType::Int64, true),
        Field::new("deletion_vector", DataType::Utf8, true),
    ]))
}

/// Whether decoding and parsing would give the same path.
fn is_plain_path(raw: &str) -> bool {
    raw.bytes().all(|c| c.is_ascii_alphanumeric() || b"/=._-".contains(&c))
        && !raw.starts_with('/')
        && !raw.ends_with('/')
        && !raw.contains("//")
        && !raw.split('/').any(|part| part == "." || part == "..")
}

/// Relative to the table's root, URL-decoded.
fn decoded_path(raw: &str) -> String {
    if is_plain_path(raw) {
        return raw.to_string();
    }
    let decoded = percent_decode(raw);
    Path::parse(&decoded).unwrap_or_else(|_| Path::from(decoded.as_str())).to_string()
}

fn percent_decode(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let code = (bytes[i] == b'%')
            .then(|| raw.get(i + 1..i + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()))
            .flatten();
        decoded.push(code.unwrap_or(bytes[i]));
        i += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn decoded_paths(raw: &StringArray) -> StringArray {
    if raw.iter().flatten().all(is_plain_path) {
        return raw.clone();
    }
    raw.iter().map(|path| path.map(decoded_path)).collect()
}

fn selected_rows(metadata: ScanMetadata) -> std::result::Result<RecordBatch, DeltaTableError> {
    let (data, mut selection) = metadata.scan_files.into_parts();
    let batch: RecordBatch = ArrowEngineData::try_from_engine_data(data)?.into();
    selection.resize(batch.num_rows(), true);
    if selection.iter().all(|selected| *selected) {
        return Ok(batch);
    }
    Ok(filter_record_batch(&batch, &BooleanArray::from(selection))?)
}

impl DeltaLog {
    /// `version` < 0 means the latest. `engine` reads the log.
    pub fn open(engine: Arc<dyn Engine>, root: &Url, version: i64) -> Result<Self> {
        let root = root.clone();
        let reader = Arc::clone(&engine);
        let snapshot = block_on(runtime().spawn_blocking(move || {
            let mut builder = Snapshot::builder_for(root);
            if version >= 0 {
                builder = builder.at_version(version as u64);
            }
            let snapshot = builder.build(reader.as_ref())?;
            // Reports features that no scan can honour.
            ScanBuilder::new(Arc::clone(&snapshot)).build()?;
            Ok(snapshot)
        }))
        .map_err(|e| BridgeError::bug(e.to_string()))?
        .map_err(from_kernel)?;
        Ok(Self { snapshot, engine })
    }

    pub fn transaction_version(&self, app_id: &str) -> Result<i64> {
        let (snapshot, engine, app_id) = (Arc::clone(&self.snapshot), Arc::clone(&self.engine), app_id.to_string());
        let found = block_on(runtime().spawn_blocking(move || snapshot.get_app_id_version(&app_id, engine.as_ref())))
            .map_err(|e| BridgeError::bug(e.to_string()))?
            .map_err(from_kernel)?;
        Ok(found.unwrap_or(-1))
    }

    /// Calls `each` for batches of active files, in no order, until it returns false. Blocks: not for the runtime's own threads.
    pub fn replay(&self, statistics: bool, mut each: impl FnMut(Result<RecordBatch>) -> bool) {
        let options = if statistics { StatsOptions::json_only() } else { StatsOptions::none() };
        let scan = ScanBuilder::new(Arc::clone(&self.snapshot)).with_stats(options).without_row_transforms().build();
        let batches = scan.and_then(|scan| scan.scan_metadata(self.engine.as_ref()));
        let batches = match batches {
            Ok(batches) => batches,
            Err(error) => {
                each(Err(from_kernel(error).into()));
                return;
            }
        };
        for metadata in batches {
            let batch = metadata.map_err(from_kernel).and_then(selected_rows).map_err(BridgeError::from);
            if !each(batch.and_then(|batch| file_batch(&batch))) {
                return;
            }
        }
    }

    /// The log's own spelling of the paths for which `wanted` holds.
    pub fn raw_paths(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let scan = ScanBuilder::new(Arc::clone(&self.snapshot))
            .with_stats(StatsOptions::none())
            .without_row_transforms()
            .build()
            .map_err(from_kernel)?;
        let mut paths = Vec::new();
        for metadata in scan.scan_metadata(self.engine.as_ref()).map_err(from_kernel)? {
            let batch = selected_rows(metadata.map_err(from_kernel)?)?;
            let column =
                batch.column_by_name("path").ok_or_else(|| BridgeError::bug("the log's replay has no paths"))?;
            let raw = column.as_string::<i32>();
            paths.extend(raw.iter().flatten().filter(|path| wanted(&decoded_path(path))).map(str::to_string));
        }
        Ok(paths)
    }

    /// The files for which `wanted` holds, with all their statistics, ordered by path. Blocks.
    pub fn files(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<TableFile>> {
        let mut files = Vec::new();
        let mut failure = None;
        self.replay(true, |batch| match batch {
            Ok(batch) => {
                add_files(&batch, &wanted, &mut files);
                true
            }
            Err(error) => {
                failure = Some(error);
                false
            }
        });
        if let Some(error) = failure {
            return Err(error);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Replays on a thread of its own, a few batches ahead of the reader.
    pub unsafe fn export_files(&self, statistics: bool, out_stream: *mut ffi::ArrowArrayStream) -> Result<()> {
        entry(|| {
            let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
            let log = self.clone();
            runtime().spawn_blocking(move || {
                let outcome = entry(|| {
                    log.replay(statistics, |batch| sender.blocking_send(batch).is_ok());
                    Ok(())
                });
                if let Err(error) = outcome {
                    let _ = sender.blocking_send(Err(error));
                }
            });
            let mut reader = ReplayReader { schema: Arc::new(Schema::empty()), next: None, receiver };
            reader.next = reader.receiver.blocking_recv();
            reader.schema = match &reader.next {
                Some(Ok(batch)) => batch.schema(),
                Some(Err(error)) => return Err(error.clone()),
                None => Arc::new(Schema::empty()),
            };
            let exported = FFI_ArrowArrayStream::new(Box::new(reader));
            unsafe { std::ptr::write(out_stream.cast::<FFI_ArrowArrayStream>(), exported) };
            Ok(())
        })
    }
}

fn add_files(batch: &RecordBatch, wanted: &impl Fn(&str) -> bool, files: &mut Vec<TableFile>) {
    let paths = batch.column(0).as_string::<i32>();
    let sizes = batch.column(1).as_primitive::<Int64Type>();
    let times = batch.column(2).as_primitive::<Int64Type>();
    let statistics = batch.column(3).as_string::<i32>();
    let values = batch.column(4).as_map();
    let deleted = batch.column(5).as_primitive::<Int64Type>();
    for i in 0..batch.num_rows() {
        if !wanted(paths.value(i)) {
            continue;
        }
        let statistics = if statistics.is_valid(i) { statistics.value(i) } else { "" };
        files.push(TableFile {
            path: paths.value(i).to_string(),
            size_bytes: sizes.value(i) as u64,
            modified_ms: times.value(i),
            rows: record_count(statistics),
            partition_values: partition_values(values, i),
            statistics: statistics.to_string(),
            has_deletion_vector: deleted.is_valid(i),
        });
    }
}

/// -1 where the statistics do not tell.
fn record_count(statistics: &str) -> i64 {
    #[derive(serde::Deserialize)]
    struct Count {
        #[serde(rename = "numRecords")]
        num_records: Option<i64>,
    }
    serde_json::from_str::<Count>(statistics).ok().and_then(|count| count.num_records).unwrap_or(-1)
}

fn partition_values(map: &MapArray, row: usize) -> Vec<PartitionValue> {
    if map.is_null(row) {
        return Vec::new();
    }
    let entries = map.value(row);
    let (names, texts) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
    let mut values: Vec<PartitionValue> = (0..entries.len())
        .map(|i| PartitionValue {
            column: names.value(i).to_string(),
            is_null: texts.is_null(i),
            value: if texts.is_null(i) { String::new() } else { texts.value(i).to_string() },
        })
        .collect();
    values.sort_by(|a, b| a.column.cmp(&b.column));
    values
}

struct ReplayReader {
    schema: SchemaRef,
    next: Option<Result<RecordBatch>>,
    receiver: mpsc::Receiver<Result<RecordBatch>>,
}

impl Iterator for ReplayReader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next.take().or_else(|| self.receiver.blocking_recv())?;
        Some(next.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for ReplayReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

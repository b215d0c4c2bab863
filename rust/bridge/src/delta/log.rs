// SPDX-License-Identifier: Apache-2.0
//! The active files of a Delta table at one version, replayed from its checkpoint and commits batch by batch: nothing holds them all.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, MapArray, RecordBatch, RecordBatchReader,
    StringArray, StructArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use datafusion::common::ScalarValue;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::scan::{ScanBuilder, ScanMetadata, StatsOptions};
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::table_features::TableFeature;
use delta_kernel::{Engine, Error, Snapshot, StorageHandler};
use tokio::sync::mpsc;
use url::Url;

use crate::delta::log_engine::{LogEngine, without_backtrace};
use crate::error::{BridgeError, Result, entry, io_kind};
use crate::ffi::{self, PartitionValue, TableFile};
use crate::runtime::{block_on, runtime};

/// Batches that wait for a slow reader.
const WAITING_BATCHES: usize = 2;
const NEWEST_READER_VERSION: i64 = 3;
/// Objects of a log that may be left out as useless before the log counts as broken.
const MOST_LEFT_OUT: usize = 32;

/// A version of a table: its protocol and metadata are known, its files are read when asked for.
#[derive(Clone)]
pub struct DeltaLog {
    pub snapshot: SnapshotRef,
    engine: Arc<LogEngine>,
}

/// A data file as the log has it.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// `path` is relative to the table's root, or has a scheme.
    pub file: TableFile,
    /// The rows that are deleted.
    pub vector: Option<RowVector>,
    /// The only rows that count; none: all of them.
    pub within: Option<RowVector>,
    /// What else its rows have in common, beside the partition.
    pub constants: Vec<ScalarValue>,
}

/// A deletion vector as a log describes it.
#[derive(Debug, Clone)]
pub struct RowVector {
    pub storage_type: String,
    pub path_or_inline: String,
    pub offset: Option<i32>,
    pub size_bytes: i32,
    pub cardinality: i64,
}

impl fmt::Debug for DeltaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeltaLog({}, {})", self.snapshot.table_root(), self.snapshot.version())
    }
}

/// What the kernel says of a log, without what only its developers can use.
pub fn log_failure(error: Error) -> BridgeError {
    const NO_TYPE: &str = "Unsupported Delta table type: ";
    let error = without_backtrace(error);
    let text = error.to_string();
    let (code, blame) = match error {
        Error::GenericError { source } => match source.downcast::<BridgeError>() {
            Ok(own) => return *own,
            Err(_) => ("corrupt", "environment"),
        },
        Error::ObjectStore(error) => return error.into(),
        Error::Unsupported(_) => ("unsupported", "environment"),
        Error::MaxCatalogVersion(_) => {
            let text = "Unsupported: Feature 'catalogManaged' (a catalog alone knows the table's latest version)";
            return BridgeError::new("unsupported", "environment", text);
        }
        Error::FileNotFound(_) => ("not_found", "environment"),
        _ if text.contains("No files in log segment") => ("not_found", "user"),
        _ if text.contains(NO_TYPE) => {
            let what = &text[text.find(NO_TYPE).unwrap_or(0) + NO_TYPE.len()..];
            let name = what.split('\'').nth(1).unwrap_or(what);
            return BridgeError::new("unsupported", "environment", format!("Unsupported: the column type '{name}'"));
        }
        other => (io_kind(&other).map_or("corrupt", |(code, _)| code), "environment"),
    };
    BridgeError::new(code, blame, text)
}

/// `path`, `size`, `modified`, `statistics` (JSON, null where unknown or not asked for), `partition_values`, `deleted_rows`,
/// `deletion_vector` (its place, which tells it apart) and `vector_bytes` (all null without one).
fn file_batch(batch: &RecordBatch, has_vectors: bool) -> Result<RecordBatch> {
    let partition_values = partition_column(batch)?;
    let vectors = vectors_of(batch)?;
    let cardinality = part(vectors, "cardinality")?.as_primitive::<Int64Type>();
    let masked = |i: usize| has_vectors && vectors.is_valid(i);
    let deleted: Int64Array = (0..batch.num_rows()).map(|i| masked(i).then(|| cardinality.value(i))).collect();
    let places: StringArray =
        vector_places(vectors)?.iter().enumerate().map(|(i, place)| place.filter(|_| masked(i))).collect();
    let sizes = part(vectors, "sizeInBytes")?.as_primitive::<Int32Type>();
    let vector_bytes: Int32Array = (0..batch.num_rows()).map(|i| masked(i).then(|| sizes.value(i))).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::clone(column(batch, "path")?),
        Arc::clone(column(batch, "size")?),
        Arc::clone(column(batch, "modificationTime")?),
        Arc::clone(column(batch, "stats")?),
        Arc::clone(partition_values),
        Arc::new(deleted),
        Arc::new(places),
        Arc::new(vector_bytes),
    ];
    Ok(RecordBatch::try_new(file_schema(partition_values.data_type().clone()), columns)?)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| BridgeError::bug(format!("the log's replay has no column `{name}`")))
}

fn part<'a>(columns: &'a StructArray, name: &str) -> Result<&'a ArrayRef> {
    columns.column_by_name(name).ok_or_else(|| BridgeError::bug(format!("the log's replay has no field `{name}`")))
}

fn partition_column(batch: &RecordBatch) -> Result<&ArrayRef> {
    part(column(batch, "fileConstantValues")?.as_struct(), "partitionValues")
}

fn vectors_of(batch: &RecordBatch) -> Result<&StructArray> {
    Ok(column(batch, "deletionVector")?.as_struct())
}

fn vector_places(vectors: &StructArray) -> Result<StringArray> {
    let storage = part(vectors, "storageType")?.as_string::<i32>();
    let place = part(vectors, "pathOrInlineDv")?.as_string::<i32>();
    let offset = part(vectors, "offset")?.as_primitive::<Int32Type>();
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
        Field::new("vector_bytes", DataType::Int32, true),
    ]))
}

fn selected_rows(metadata: ScanMetadata) -> Result<RecordBatch> {
    let (data, mut selection) = metadata.scan_files.into_parts();
    let batch: RecordBatch = ArrowEngineData::try_from_engine_data(data).map_err(log_failure)?.into();
    selection.resize(batch.num_rows(), true);
    if selection.iter().all(|selected| *selected) {
        return Ok(batch);
    }
    Ok(filter_record_batch(&batch, &BooleanArray::from(selection))?)
}

/// The first commit that a log still has.
fn first_commit(engine: &LogEngine, root: &Url) -> Option<u64> {
    commits(engine, root).into_iter().next().map(|(version, _)| version)
}

/// The commits that a log has, in their order; none if it cannot be listed.
fn commits(engine: &LogEngine, root: &Url) -> Vec<(u64, Url)> {
    let Ok(start) = root.join("_delta_log/00000000000000000000") else {
        return Vec::new();
    };
    let Ok(listed) = engine.storage_handler().list_from(&start) else {
        return Vec::new();
    };
    let version = |url: &Url| -> Option<u64> {
        let digits = url.path().rsplit('/').next()?.strip_suffix(".json")?;
        if digits.len() == 20 { digits.parse().ok() } else { None }
    };
    listed.flatten().filter_map(|file| Some((version(&file.location)?, file.location))).collect()
}

/// The reader version of the newest protocol in a log's commits.
fn reader_version(engine: &LogEngine, root: &Url) -> Option<i64> {
    for (_, url) in commits(engine, root).into_iter().rev() {
        let bytes = engine.storage_handler().read_files(vec![(url, None)]).ok()?.next()?.ok()?;
        for line in bytes.split(|byte| *byte == b'\n') {
            let action: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
            if let Some(version) = action["protocol"]["minReaderVersion"].as_i64() {
                return Some(version);
            }
        }
    }
    None
}

fn truncated(first: u64) -> BridgeError {
    let text = format!(
        "the Delta log begins with version {first}: the versions before it are gone, and no whole checkpoint holds what they said"
    );
    BridgeError::new("corrupt", "environment", text)
}

/// The object of a log that a failure is about, where the table may be read without it: commits hold what a checkpoint does.
fn useless_object(error: &BridgeError) -> Option<String> {
    if error.message.contains("Had a _last_checkpoint hint") {
        return Some("_last_checkpoint".into());
    }
    let name = error.details.get("log_object")?.as_str()?;
    (error.code == "corrupt" && name.contains(".checkpoint.")).then(|| name.to_string())
}

impl DeltaLog {
    /// `version` < 0 means the latest. `engine` reads the log.
    pub fn open(engine: Arc<dyn Engine>, root: &Url, version: i64) -> Result<Self> {
        let root = root.clone();
        block_on(runtime().spawn_blocking(move || {
            entry(|| Self::open_readable(LogEngine::new(engine, root.clone()), &root, version))
        }))
        .map_err(|e| BridgeError::bug(e.to_string()))?
    }

    /// Without the checkpoints that cannot be read, as long as the log says the same without them.
    fn open_readable(mut engine: LogEngine, root: &Url, version: i64) -> Result<Self> {
        let mut of_checkpoint: Option<BridgeError> = None;
        for _ in 0..MOST_LEFT_OUT {
            let error = match Self::try_open(&engine, root, version) {
                Ok(log) => return Ok(log),
                Err(error) => error,
            };
            let Some(name) = useless_object(&error) else {
                return Err(of_checkpoint.unwrap_or(error));
            };
            engine = engine.without(&name);
            if name != "_last_checkpoint" {
                of_checkpoint.get_or_insert(error);
            }
        }
        Err(of_checkpoint.unwrap_or_else(|| BridgeError::new("corrupt", "environment", "the Delta log cannot be read")))
    }

    fn try_open(engine: &LogEngine, root: &Url, version: i64) -> Result<Self> {
        let mut builder = Snapshot::builder_for(root);
        if version >= 0 {
            builder = builder.at_version(version as u64);
        }
        let snapshot = builder.build(engine).map_err(|error| match without_backtrace(error) {
            error @ (Error::MissingMetadata | Error::MissingProtocol | Error::MissingMetadataAndProtocol) => {
                match first_commit(engine, root) {
                    Some(first) if first > 0 => truncated(first),
                    _ => log_failure(error),
                }
            }
            error @ Error::InvalidProtocol(_) => match reader_version(engine, root) {
                Some(version) if version > NEWEST_READER_VERSION => {
                    let text = format!("Unsupported: protocol reader version {version}");
                    BridgeError::new("unsupported", "environment", text)
                }
                _ => log_failure(error),
            },
            error => log_failure(error),
        })?;
        let segment = snapshot.log_segment();
        if let (None, Some(first)) = (segment.checkpoint_version, segment.listed.ascending_commit_files.first())
            && first.version > 0
        {
            return Err(truncated(first.version));
        }
        for part in &segment.listed.checkpoint_parts {
            if part.location.location.path().ends_with(".parquet") {
                engine.parquet_handler().read_parquet_footer(&part.location).map_err(log_failure)?;
            }
        }
        // Reports features that no scan can honour.
        ScanBuilder::new(Arc::clone(&snapshot)).build().map_err(log_failure)?;
        Ok(Self { snapshot, engine: Arc::new(engine.clone()) })
    }

    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    pub fn storage(&self) -> Arc<dyn StorageHandler> {
        self.engine.storage_handler()
    }

    /// Whether files may have deletion vectors. Where the protocol does not allow them, they mean nothing.
    pub fn has_vectors(&self) -> bool {
        self.snapshot.table_configuration().is_feature_supported(&TableFeature::DeletionVectors)
    }

    pub fn transaction_version(&self, app_id: &str) -> Result<i64> {
        let (log, app_id) = (self.clone(), app_id.to_string());
        let found = block_on(runtime().spawn_blocking(move || log.snapshot.get_app_id_version(&app_id, log.engine())))
            .map_err(|e| BridgeError::bug(e.to_string()))?
            .map_err(log_failure)?;
        Ok(found.unwrap_or(-1))
    }

    /// Calls `each` for batches of active files as the kernel gives them, in no order, until it returns false. Blocks: not for the
    /// runtime's own threads.
    fn replay(&self, statistics: bool, mut each: impl FnMut(Result<RecordBatch>) -> bool) {
        let options = if statistics { StatsOptions::json_only() } else { StatsOptions::none() };
        let scan = ScanBuilder::new(Arc::clone(&self.snapshot)).with_stats(options).without_row_transforms().build();
        let batches = match scan.and_then(|scan| scan.scan_metadata(self.engine())) {
            Ok(batches) => batches,
            Err(error) => {
                each(Err(log_failure(error)));
                return;
            }
        };
        for metadata in batches {
            if !each(metadata.map_err(log_failure).and_then(selected_rows)) {
                return;
            }
        }
    }

    /// The files for which `wanted` holds, with all their statistics, ordered by path. Blocks.
    pub fn files(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<LogFile>> {
        let mut files = Vec::new();
        let mut failure = None;
        let has_vectors = self.has_vectors();
        self.replay(true, |batch| match batch.and_then(|batch| add_files(&batch, &wanted, has_vectors, &mut files)) {
            Ok(()) => true,
            Err(error) => {
                failure = Some(error);
                false
            }
        });
        if let Some(error) = failure {
            return Err(error);
        }
        files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        Ok(files)
    }

    /// Replays on a thread of its own, a few batches ahead of the reader.
    pub unsafe fn export_files(&self, statistics: bool, out_stream: *mut ffi::ArrowArrayStream) -> Result<()> {
        entry(|| {
            let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
            let log = self.clone();
            runtime().spawn_blocking(move || {
                let outcome = entry(|| {
                    let has_vectors = log.has_vectors();
                    log.replay(statistics, |batch| {
                        let files = batch.and_then(|batch| file_batch(&batch, has_vectors));
                        sender.blocking_send(files).is_ok()
                    });
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

fn add_files(
    batch: &RecordBatch,
    wanted: &impl Fn(&str) -> bool,
    has_vectors: bool,
    files: &mut Vec<LogFile>,
) -> Result<()> {
    let paths = column(batch, "path")?.as_string::<i32>();
    let sizes = column(batch, "size")?.as_primitive::<Int64Type>();
    let times = column(batch, "modificationTime")?.as_primitive::<Int64Type>();
    let statistics = column(batch, "stats")?.as_string::<i32>();
    let values = partition_column(batch)?.as_map();
    let vectors = vectors_of(batch)?;
    for i in 0..batch.num_rows() {
        if !wanted(paths.value(i)) {
            continue;
        }
        let statistics = if statistics.is_valid(i) { statistics.value(i) } else { "" };
        let vector = if has_vectors && vectors.is_valid(i) { Some(row_vector(vectors, i)?) } else { None };
        files.push(LogFile {
            file: TableFile {
                path: paths.value(i).to_string(),
                size_bytes: sizes.value(i) as u64,
                modified_ms: times.value(i),
                rows: record_count(statistics),
                partition_values: partition_values(values, i),
                statistics: statistics.to_string(),
                has_deletion_vector: vector.is_some(),
            },
            vector,
            within: None,
            constants: Vec::new(),
        });
    }
    Ok(())
}

fn row_vector(vectors: &StructArray, row: usize) -> Result<RowVector> {
    let offset = part(vectors, "offset")?.as_primitive::<Int32Type>();
    Ok(RowVector {
        storage_type: part(vectors, "storageType")?.as_string::<i32>().value(row).to_string(),
        path_or_inline: part(vectors, "pathOrInlineDv")?.as_string::<i32>().value(row).to_string(),
        offset: offset.is_valid(row).then(|| offset.value(row)),
        size_bytes: part(vectors, "sizeInBytes")?.as_primitive::<Int32Type>().value(row),
        cardinality: part(vectors, "cardinality")?.as_primitive::<Int64Type>().value(row),
    })
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

// SPDX-License-Identifier: Apache-2.0
//! Writing: every partition of a plan writes its own files, taps see each batch on its way, nothing is committed.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow::ffi_stream::ArrowArrayStreamReader;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::RecordBatch;
use cxx::SharedPtr;
use datafusion::error::Result as EngineResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlanProperties;
use delta_kernel::table_properties::DataSkippingNumIndexedCols;
use deltalake_core::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake_core::kernel::Add;
use deltalake_core::parquet::basic::Compression;
use deltalake_core::parquet::file::properties::WriterProperties;
use deltalake_core::parquet::schema::types::ColumnPath;
use futures::StreamExt;
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use tokio::task::JoinSet;

use crate::callback::Callback;
use crate::error::{BridgeError, Result, entry};
use crate::ffi::{self, BatchTap, PartitionValue, TableFile, WriteOptions, WriteOutcome};
use crate::interruption::Interruption;
use crate::partitioned_writer::PartitionedWriter;
use crate::plan::PhysicalPlan;
use crate::runtime::{Cancellation, block_on, runtime};
use crate::session::Session;
use crate::store::{parse_url, resolve};
use crate::stored_form::to_stored;
use crate::table::import_schema;
use crate::written_objects::WrittenObjects;

/// Shows a batch to the tap, which may be null, and returns what is to be written in the batch's place.
fn tapped(tap: &Callback<BatchTap>, partition: u32, batch: RecordBatch) -> Result<RecordBatch> {
    let Some(tap) = tap.as_ref() else {
        return Ok(batch);
    };
    let data = StructArray::from(batch.clone()).into_data();
    let mut array = FFI_ArrowArray::new(&data);
    let mut schema = FFI_ArrowSchema::try_from(batch.schema().as_ref())?;
    let mut kept = FFI_ArrowArray::empty();
    let replaced = unsafe {
        tap.OnBatch(
            partition,
            (&raw mut array).cast::<ffi::ArrowArray>(),
            (&raw mut schema).cast::<ffi::ArrowSchema>(),
            (&raw mut kept).cast::<ffi::ArrowArray>(),
        )
    };
    if !replaced.map_err(|e| BridgeError::user("invalid_argument", e.what().to_string()))? {
        return Ok(batch);
    }
    let data = unsafe { from_ffi_and_data_type(kept, DataType::Struct(batch.schema().fields().clone())) }?;
    let columns = StructArray::from(data).columns().to_vec();
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

/// Rows on their way into files.
enum Writer {
    Whole(DeltaWriter),
    Partitioned(PartitionedWriter),
}

impl Writer {
    async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Writer::Whole(writer) => Ok(writer.write(batch).await?),
            Writer::Partitioned(writer) => writer.write(batch).await,
        }
    }

    async fn close(self) -> Result<Vec<Add>> {
        match self {
            Writer::Whole(writer) => Ok(writer.close().await?),
            Writer::Partitioned(writer) => writer.close().await,
        }
    }

    /// What led here tells more than what clearing away might say.
    async fn abort(self) {
        match self {
            Writer::Whole(writer) => drop(writer.abort().await),
            Writer::Partitioned(writer) => writer.abort().await,
        }
    }
}

struct Destination {
    store: Arc<WrittenObjects>,
    schema: SchemaRef,
    partition_columns: Vec<String>,
    properties: WriterProperties,
    target_file_size: Option<NonZeroU64>,
    statistics_columns: u64,
    is_flat: bool,
}

/// A column as Parquet names it: "a.b" is the field b of the struct a.
fn column_path(name: &str) -> ColumnPath {
    ColumnPath::new(name.split('.').map(str::to_string).collect())
}

impl Destination {
    fn new(session: &Session, options: &WriteOptions, schema: SchemaRef) -> Result<Self> {
        let (store, root) = resolve(&session.context, &parse_url(&options.root_url)?)?;
        let compression: Compression = options.compression.parse().map_err(|e| {
            BridgeError::user("invalid_argument", format!("unknown compression ({e}): `{}`", options.compression))
        })?;
        let mut properties = WriterProperties::builder().set_compression(compression);
        if options.row_group_rows > 0 {
            properties = properties.set_max_row_group_row_count(Some(options.row_group_rows as usize));
        }
        if options.row_group_bytes > 0 {
            properties = properties.set_max_row_group_bytes(Some(options.row_group_bytes as usize));
        }
        for column in &options.bloom_filter_columns {
            properties = properties.set_column_bloom_filter_enabled(column_path(column), true);
        }
        for column in &options.plain_columns {
            properties = properties.set_column_dictionary_enabled(column_path(column), false);
        }
        Ok(Self {
            store: Arc::new(WrittenObjects::new(Arc::new(PrefixStore::new(store, root)))),
            schema,
            partition_columns: options.partition_columns.clone(),
            properties: properties.build(),
            target_file_size: NonZeroU64::new(options.target_file_size_bytes),
            statistics_columns: options.statistics_columns as u64,
            is_flat: options.flat,
        })
    }

    fn writer(&self) -> Writer {
        if !self.partition_columns.is_empty() {
            return Writer::Partitioned(PartitionedWriter::new(
                Arc::clone(&self.store) as Arc<dyn ObjectStore>,
                &self.schema,
                self.partition_columns.clone(),
                self.properties.clone(),
                self.target_file_size,
                self.statistics_columns,
                self.is_flat,
            ));
        }
        let config = WriterConfig::new(
            Arc::clone(&self.schema),
            Vec::new(),
            Some(self.properties.clone()),
            self.target_file_size,
            None,
            DataSkippingNumIndexedCols::NumColumns(self.statistics_columns),
            None,
        );
        Writer::Whole(DeltaWriter::new(Arc::clone(&self.store) as Arc<dyn ObjectStore>, config))
    }

    /// Writes one stream to its end. The writer is made with the first batch, so that an empty partition leaves no file.
    async fn write(
        &self,
        partition: u32,
        mut batches: SendableRecordBatchStream,
        tap: &Callback<BatchTap>,
        cancellation: &Cancellation,
    ) -> Result<(Vec<Add>, u64)> {
        let mut writer: Option<Writer> = None;
        let mut rows = 0;
        let mut with_nan = NanColumns::default();
        let outcome = cancellation
            .guard(async {
                while let Some(batch) = batches.next().await {
                    // A plan that never waits would not come to see it.
                    if cancellation.is_cancelled() {
                        return Err(BridgeError::cancelled());
                    }
                    let batch = to_stored(&batch?, &self.schema)?;
                    if batch.num_rows() == 0 {
                        continue;
                    }
                    let batch = tapped(tap, partition, batch)?;
                    if batch.num_rows() == 0 {
                        continue;
                    }
                    rows += batch.num_rows() as u64;
                    with_nan.note(&batch);
                    writer.get_or_insert_with(|| self.writer()).write(&batch).await?;
                }
                Ok(())
            })
            .await;
        match (outcome, writer) {
            (Ok(()), None) => Ok((Vec::new(), rows)),
            (Ok(()), Some(writer)) => {
                let mut adds = writer.close().await?;
                adds.iter_mut().for_each(|add| with_nan.drop_maxima(add));
                Ok((adds, rows))
            }
            (Err(error), None) => Err(error),
            (Err(error), Some(writer)) => {
                writer.abort().await;
                Err(error)
            }
        }
    }
}

/// The columns that hold NaN, by their path. Maxima leave NaN out, and readers that sort it above all numbers would skip such files.
#[derive(Default)]
struct NanColumns(BTreeSet<Vec<String>>);

impl NanColumns {
    fn note(&mut self, batch: &RecordBatch) {
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            self.look(column, vec![field.name().clone()]);
        }
    }

    fn look(&mut self, column: &ArrayRef, path: Vec<String>) {
        let has_nan = match column.data_type() {
            DataType::Float64 => column.as_primitive::<Float64Type>().iter().flatten().any(f64::is_nan),
            DataType::Float32 => column.as_primitive::<Float32Type>().iter().flatten().any(f32::is_nan),
            DataType::Struct(fields) => {
                for (field, child) in fields.iter().zip(column.as_struct().columns()) {
                    let below = path.iter().chain([field.name()]).cloned().collect();
                    self.look(child, below);
                }
                false
            }
            _ => false,
        };
        if has_nan {
            self.0.insert(path);
        }
    }

    fn drop_maxima(&self, add: &mut Add) {
        let Some(statistics) = add.stats.as_ref().filter(|_| !self.0.is_empty()) else { return };
        let Ok(mut statistics) = serde_json::from_str::<serde_json::Value>(statistics) else { return };
        for path in &self.0 {
            let Some((last, above)) = path.split_last() else { continue };
            let maxima = statistics.get_mut("maxValues");
            let holder = maxima.and_then(|maxima| above.iter().try_fold(maxima, |at, name| at.get_mut(name)));
            if let Some(maxima) = holder.and_then(serde_json::Value::as_object_mut) {
                maxima.remove(last);
            }
        }
        add.stats = Some(statistics.to_string());
    }
}

fn to_file(add: Add) -> TableFile {
    let mut partition_values: Vec<PartitionValue> = add
        .partition_values
        .into_iter()
        .map(|(column, value)| PartitionValue { column, is_null: value.is_none(), value: value.unwrap_or_default() })
        .collect();
    partition_values.sort_by(|a, b| a.column.cmp(&b.column));
    let statistics = add.stats.unwrap_or_default();
    let rows = serde_json::from_str::<serde_json::Value>(&statistics)
        .ok()
        .and_then(|s| s["numRecords"].as_i64())
        .unwrap_or(-1);
    TableFile {
        path: add.path,
        size_bytes: add.size as u64,
        modified_ms: add.modification_time,
        rows,
        partition_values,
        statistics,
        has_deletion_vector: false,
    }
}

fn outcome_of(adds: Vec<Add>, rows: u64) -> WriteOutcome {
    let mut files: Vec<TableFile> = adds.into_iter().map(to_file).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let bytes = files.iter().map(|f| f.size_bytes).sum();
    WriteOutcome { files, rows, bytes }
}

pub unsafe fn write_delta_files(
    session: &Session,
    plan: &PhysicalPlan,
    options: &WriteOptions,
    schema: *mut ffi::ArrowSchema,
    tap: SharedPtr<BatchTap>,
    cancellation: &Cancellation,
) -> Result<WriteOutcome> {
    entry(|| {
        let schema = unsafe { import_schema(schema) }?;
        let destination = Arc::new(Destination::new(session, options, schema)?);
        let tap = Callback::new(tap);
        let context = session.context.task_ctx();
        let _guard = runtime().enter();
        // All begin before any writes.
        let partitions = (0..plan.plan.output_partitioning().partition_count())
            .map(|partition| plan.plan.execute(partition, Arc::clone(&context)))
            .collect::<EngineResult<Vec<_>>>()?;
        let _interruption = Interruption::of(&plan.plan, cancellation)?;
        let mut tasks = JoinSet::new();
        for (partition, batches) in partitions.into_iter().enumerate() {
            let (destination, tap, cancellation) = (Arc::clone(&destination), tap.clone(), cancellation.clone());
            tasks.spawn(async move { destination.write(partition as u32, batches, &tap, &cancellation).await });
        }
        block_on(async {
            let mut adds = Vec::new();
            let mut rows = 0;
            let mut failure: Option<BridgeError> = None;
            // Every partition is waited for: after a failure too, so that no writer outlives the call.
            while let Some(finished) = tasks.join_next().await {
                match finished {
                    Ok(Ok((files, written))) => {
                        adds.extend(files);
                        rows += written;
                    }
                    Ok(Err(error)) => {
                        failure.get_or_insert(error);
                    }
                    Err(join) => {
                        failure.get_or_insert(BridgeError::bug(format!("a writing task ended abnormally: {join}")));
                    }
                }
            }
            match failure {
                Some(error) => {
                    destination.store.remove_all().await;
                    Err(error)
                }
                None => Ok(outcome_of(adds, rows)),
            }
        })
    })
}

/// Writes the batches of a C++ stream, as `write_delta_files` does for a plan of one partition.
pub unsafe fn write_batches(
    session: &Session,
    options: &WriteOptions,
    stream: *mut ffi::ArrowArrayStream,
) -> Result<WriteOutcome> {
    entry(|| {
        let reader = unsafe { ArrowArrayStreamReader::from_raw(stream.cast::<FFI_ArrowArrayStream>()) }?;
        let schema = arrow::array::RecordBatchReader::schema(&reader);
        let destination = Destination::new(session, options, schema)?;
        block_on(async {
            let written = async {
                let mut writer = destination.writer();
                let mut rows = 0;
                for batch in reader {
                    let batch = batch?;
                    rows += batch.num_rows() as u64;
                    writer.write(&batch).await?;
                }
                Ok::<_, BridgeError>(outcome_of(writer.close().await?, rows))
            };
            let outcome = written.await;
            if outcome.is_err() {
                destination.store.remove_all().await;
            }
            outcome
        })
    })
}

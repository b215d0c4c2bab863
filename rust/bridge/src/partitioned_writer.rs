// SPDX-License-Identifier: Apache-2.0
//! Writes the rows of a partitioned table, each to the files of its partition. Values are written into the log as the protocol has
//! them (PROTOCOL.md, "Partition Value Serialization"); folders are named after them as far as file systems bear it, for people only.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema,
    SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use chrono::{DateTime, Utc};
use delta_kernel::expressions::Scalar;
use delta_kernel::schema::DataType as KernelType;
use delta_kernel::table_properties::DataSkippingNumIndexedCols;
use deltalake_core::datafile::writer::{PartitionWriter, PartitionWriterConfig};
use deltalake_core::kernel::Add;
use deltalake_core::parquet::file::properties::WriterProperties;
use futures::StreamExt;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{BridgeError, Result};

/// Stands for NULL in the names of folders.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";
/// What file systems take as the name of a folder, in bytes.
const LONGEST_FOLDER: usize = 255;
/// Where longer ones are cut; C++ refuses them in the end, since some readers go by the folder.
const CUT_FOLDER: usize = 200;
/// Files that are finished at a time.
const CLOSED_AT_ONCE: usize = 4;

/// C++ refuses dates outside of the years 1 to 9999 in the end: readers have no one way to spell them.
fn written_date(date: Option<DateTime<Utc>>, format: &str) -> String {
    date.map_or_else(|| "far".into(), |date| date.format(format).to_string())
}

/// Readers of many languages parse it: the shortest digits that tell the number, `NaN`, `Infinity`.
fn written_float(value: f64, shortest: String) -> String {
    match value {
        _ if value.is_nan() => "NaN".into(),
        _ if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        _ => shortest,
    }
}

/// The value of a row in the log's text form; None: NULL.
fn partition_value(column: &ArrayRef, row: usize) -> Result<Option<String>> {
    if column.is_null(row) {
        return Ok(None);
    }
    let text = match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(row);
            written_float(value.into(), format!("{value:?}"))
        }
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(row);
            written_float(value, format!("{value:?}"))
        }
        DataType::Decimal128(_, _) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => {
            let seconds = i64::from(column.as_primitive::<Date32Type>().value(row)) * 24 * 3600;
            written_date(DateTime::from_timestamp(seconds, 0), "%Y-%m-%d")
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let format = if zone.is_some() { "%Y-%m-%dT%H:%M:%S%.6fZ" } else { "%Y-%m-%d %H:%M:%S%.6f" };
            written_date(DateTime::from_timestamp_micros(micros), format)
        }
        other => return Err(BridgeError::bug(format!("a table cannot be partitioned by the type `{other}`"))),
    };
    Ok(Some(text))
}

fn encoded(text: &str, folder: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            folder.push(byte.into());
        } else {
            folder.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// `column=value`. Values that name the same folder are kept apart by the names of their files.
fn folder_of(column: &str, value: Option<&String>) -> String {
    // Readers that go by the folder look for the column as it is.
    let mut folder = String::new();
    for c in column.chars() {
        if c == '/' || c.is_ascii_control() {
            encoded(c.encode_utf8(&mut [0; 4]), &mut folder);
        } else {
            folder.push(c);
        }
    }
    folder.push('=');
    match value.map(String::as_str) {
        None => folder.push_str(NULL_FOLDER),
        Some(NULL_FOLDER) => folder.push_str(&NULL_FOLDER.replacen('_', "%5F", 1)),
        Some(value) => encoded(value, &mut folder),
    }
    if folder.len() > LONGEST_FOLDER {
        let cut = folder.floor_char_boundary(CUT_FOLDER);
        let within = folder[..cut].rfind('%').filter(|at| at + 3 > cut);
        folder.truncate(within.unwrap_or(cut));
        folder.push('~');
    }
    folder
}

type PartitionValues = Vec<Option<String>>;

pub struct PartitionedWriter {
    store: Arc<dyn ObjectStore>,
    file_schema: SchemaRef,
    partition_columns: Vec<String>,
    properties: WriterProperties,
    target_file_size: Option<NonZeroU64>,
    statistics_columns: u64,
    /// Files of all partitions in one folder.
    is_flat: bool,
    writers: HashMap<PartitionValues, PartitionWriter>,
}

impl PartitionedWriter {
    /// `schema`: of the whole table.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        schema: &SchemaRef,
        partition_columns: Vec<String>,
        properties: WriterProperties,
        target_file_size: Option<NonZeroU64>,
        statistics_columns: u64,
        is_flat: bool,
    ) -> Self {
        let fields: Vec<_> =
            schema.fields().iter().filter(|field| !partition_columns.contains(field.name())).cloned().collect();
        Self {
            store,
            file_schema: Arc::new(Schema::new(fields)),
            partition_columns,
            properties,
            target_file_size,
            statistics_columns,
            is_flat,
            writers: HashMap::new(),
        }
    }

    fn writer_of(&self, values: &PartitionValues) -> Result<PartitionWriter> {
        let folders: Vec<String> = self
            .partition_columns
            .iter()
            .zip(values)
            .filter(|_| !self.is_flat)
            .map(|(column, value)| folder_of(column, value.as_ref()))
            .collect();
        // The text is already what the log is to hold.
        let scalars = self.partition_columns.iter().cloned().zip(values.iter().map(|value| match value {
            Some(text) => Scalar::String(text.clone()),
            None => Scalar::Null(KernelType::STRING),
        }));
        let config = PartitionWriterConfig::try_new(
            Arc::clone(&self.file_schema),
            scalars.collect(),
            Some(self.properties.clone()),
            self.target_file_size,
            None,
            None,
            Some(Path::parse(folders.join("/")).map_err(|e| BridgeError::bug(e.to_string()))?),
        )?;
        let statistics = DataSkippingNumIndexedCols::NumColumns(self.statistics_columns);
        Ok(PartitionWriter::try_with_config(Arc::clone(&self.store), config, statistics, None)?)
    }

    /// The rows of each partition, in their order.
    fn split(&self, batch: &RecordBatch) -> Result<Vec<(PartitionValues, Vec<u32>)>> {
        let columns = self
            .partition_columns
            .iter()
            .map(|name| batch.schema().index_of(name).map(|i| Arc::clone(batch.column(i))))
            .collect::<std::result::Result<Vec<ArrayRef>, _>>()?;
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let rows = RowConverter::new(fields)?.convert_columns(&columns)?;
        let mut numbers = HashMap::new();
        let mut parts: Vec<(PartitionValues, Vec<u32>)> = Vec::new();
        for row in 0..batch.num_rows() {
            let part = match numbers.get(&rows.row(row)) {
                Some(part) => *part,
                None => {
                    let values = columns.iter().map(|column| partition_value(column, row)).collect::<Result<_>>()?;
                    parts.push((values, Vec::new()));
                    numbers.insert(rows.row(row), parts.len() - 1);
                    parts.len() - 1
                }
            };
            parts[part].1.push(row as u32);
        }
        Ok(parts)
    }

    /// REQUIRES: fewer rows than 2^32.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let whole = batch.schema();
        let indexes = self
            .file_schema
            .fields()
            .iter()
            .map(|field| whole.index_of(field.name()))
            .collect::<std::result::Result<Vec<usize>, _>>()?;
        for (values, rows) in self.split(batch)? {
            let rows = UInt32Array::from(rows);
            let columns = indexes
                .iter()
                .map(|&i| take(batch.column(i).as_ref(), &rows, None))
                .collect::<std::result::Result<Vec<ArrayRef>, _>>()?;
            let part = RecordBatch::try_new(Arc::clone(&self.file_schema), columns)?;
            if !self.writers.contains_key(&values) {
                let writer = self.writer_of(&values)?;
                self.writers.insert(values.clone(), writer);
            }
            self.writers.get_mut(&values).expect("it is there").write(&part).await?;
        }
        Ok(())
    }

    /// Every file is finished, also after a failure.
    pub async fn close(self) -> Result<Vec<Add>> {
        let writers = self.writers.into_values();
        let mut closed = futures::stream::iter(writers.map(PartitionWriter::close)).buffer_unordered(CLOSED_AT_ONCE);
        let mut adds = Vec::new();
        let mut failure = None;
        while let Some(files) = closed.next().await {
            match files {
                Ok(files) => adds.extend(files),
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(adds),
        }
    }

    pub async fn abort(self) {
        for writer in self.writers.into_values() {
            // What led here tells more than what clearing away might say.
            let _ = writer.abort().await;
        }
    }
}

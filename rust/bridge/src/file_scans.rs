// SPDX-License-Identifier: Apache-2.0
//! What scans of lists of files have in common: where columns are in them, and what is known of the files as a whole.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::error::Result;
use serde_json::Value;

/// The columns that a scan is to give, by their places in the table, and the same by their places in the files' layout, which has partition
/// columns last.
pub fn places<'a>(
    schema: &Schema,
    laid_out: impl Iterator<Item = &'a FieldRef>,
    projection: Option<&Vec<usize>>,
) -> (Vec<usize>, Vec<usize>) {
    let places: HashMap<&str, usize> = laid_out.enumerate().map(|(i, field)| (field.name().as_str(), i)).collect();
    let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
    let in_files = wanted.iter().map(|&i| places[schema.field(i).name().as_str()]).collect();
    (wanted, in_files)
}

/// When a file was written, and below the milliseconds in which store it lies: the engine keeps footers by path, size and time alone, and files
/// of two stores may be alike in these.
pub fn time_in_store(modified_ms: i64, store_url: &str) -> DateTime<Utc> {
    const NANOS_BELOW: u64 = 1_000_000;
    let mut hasher = DefaultHasher::new();
    store_url.hash(&mut hasher);
    let nanos = TimeDelta::nanoseconds((hasher.finish() % NANOS_BELOW) as i64);
    let written = DateTime::from_timestamp_millis(modified_ms).unwrap_or_default();
    written.checked_add_signed(nanos).unwrap_or(written)
}

/// Nothing as soon as one file is unknown.
pub fn total(
    files: impl Iterator<Item = Result<Option<Statistics>>>,
    schema: &SchemaRef,
) -> Result<Option<Statistics>> {
    let mut total: Option<Statistics> = None;
    for statistics in files {
        let Some(statistics) = statistics? else { return Ok(None) };
        total = Some(match total {
            None => statistics,
            Some(sum) => Statistics::try_merge_iter([&sum, &statistics], schema)?,
        });
    }
    Ok(total)
}

/// What a Delta log says of a column of a file. `tight`: its bounds are values of the file, not only beyond all of them, and its count of NULL
/// is one.
pub fn logged_column(log: &Value, name: &str, data_type: &DataType, tight: bool) -> ColumnStatistics {
    let mut column = ColumnStatistics::new_unknown();
    column.min_value = logged_value(log["minValues"].get(name), data_type, tight);
    column.max_value = logged_value(log["maxValues"].get(name), data_type, tight);
    if let Some(nulls) = log["nullCount"].get(name).and_then(Value::as_u64) {
        let nulls = nulls as usize;
        column.null_count = if tight { Precision::Exact(nulls) } else { Precision::Inexact(nulls) };
    }
    column
}

fn logged_value(value: Option<&Value>, data_type: &DataType, tight: bool) -> Precision<ScalarValue> {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => return Precision::Absent,
    };
    // Texts, floats and times may be rounded or cut in the log: good enough for estimates only.
    let exact = tight && (data_type.is_integer() || matches!(data_type, DataType::Date32));
    match ScalarValue::try_from_string(text, data_type) {
        Ok(scalar) if scalar.is_null() => Precision::Absent,
        Ok(scalar) if exact => Precision::Exact(scalar),
        Ok(scalar) => Precision::Inexact(scalar),
        Err(_) => Precision::Absent,
    }
}

/// Of a column that has one value in all rows of a file.
pub fn constant_column(value: ScalarValue, rows: usize) -> ColumnStatistics {
    let mut column = ColumnStatistics::new_unknown();
    column.null_count = Precision::Exact(if value.is_null() { rows } else { 0 });
    if !value.is_null() {
        column.min_value = Precision::Exact(value.clone());
        column.max_value = Precision::Exact(value);
    }
    column
}

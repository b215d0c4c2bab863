// SPDX-License-Identifier: Apache-2.0
//! Finds the columns of NDJSON files by their first records.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::json::reader::infer_json_schema_from_iterator;
use bytes::Buf;
use datafusion::common::config::JsonOptions;
use datafusion::physical_plan::metrics::Count;
use datafusion_datasource::file_compression_type::FileCompressionType;
use datafusion_datasource_json::utils::JsonArrayToNdjsonReader;
use object_store::{ObjectMeta, ObjectStore};
use serde_json::Value;

use super::bytes_input::BytesInput;
use super::number_text::with_large_numbers_as_text;
use super::text_error::{BadRecord, TextFile};
use crate::error::Result;

/// Records that are looked at where the user does not say how many.
const USUAL_RECORDS: usize = 1000;

/// The record that is being looked at.
struct Place {
    file: TextFile,
    line: Option<u64>,
}

/// The first records of some files: each with the number of its file and its line.
struct FirstRecords {
    files: Vec<TextFile>,
    records: Vec<(Value, usize, u64)>,
}

/// The keys of the first records of all files, in the order in which they come.
pub async fn keys(
    options: &JsonOptions,
    store: &Arc<dyn ObjectStore>,
    store_url: &str,
    files: &[ObjectMeta],
) -> Result<Vec<String>> {
    let first = first_records(options, store, store_url, files).await?;
    let mut keys: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    for key in first.records.iter().filter_map(|(record, _, _)| record.as_object()).flat_map(|record| record.keys()) {
        if known.insert(key) {
            keys.push(key.clone());
        }
    }
    Ok(keys)
}

/// The columns of the first records of all files, by name.
pub async fn infer(
    options: &JsonOptions,
    store: &Arc<dyn ObjectStore>,
    store_url: &str,
    files: &[ObjectMeta],
) -> Result<SchemaRef> {
    let FirstRecords { files: inputs, records: values } = first_records(options, store, store_url, files).await?;
    let mut at: Option<Place> = None;
    let records = values.iter().map(|(value, file, line)| {
        let line = options.newline_delimited.then_some(*line);
        at = Some(Place { file: inputs[*file].clone(), line });
        Ok(value)
    });
    let inferred = infer_json_schema_from_iterator(records);
    match (inferred, at) {
        (Ok(schema), _) => Ok(Arc::new(without_unknown(&schema))),
        (Err(_), Some(place)) => {
            Err(explain(&place, "one kind of values is wanted in each column, found objects beside others").into())
        }
        (Err(error), None) => Err(error.into()),
    }
}

async fn first_records(
    options: &JsonOptions,
    store: &Arc<dyn ObjectStore>,
    store_url: &str,
    files: &[ObjectMeta],
) -> Result<FirstRecords> {
    let wanted = options.schema_infer_max_rec.unwrap_or(USUAL_RECORDS);
    let mut inputs = Vec::with_capacity(files.len().min(wanted));
    let compression = FileCompressionType::from(options.compression);
    let mut values: Vec<(Value, usize, u64)> = Vec::new();
    for meta in files {
        if values.len() >= wanted {
            break;
        }
        let file = TextFile::new(store_url, &meta.location);
        let reader = reader_of(BytesInput::open(store, &meta.location, compression, &Count::new()).await?).await?;
        let reader: Box<dyn Read + Send> =
            if options.newline_delimited { reader } else { Box::new(JsonArrayToNdjsonReader::new(reader)) };
        inputs.push(file);
        read_values(reader, &inputs, options.newline_delimited, wanted, &mut values)?;
    }
    Ok(FirstRecords { files: inputs, records: values })
}

fn explain(place: &Place, reason: &str) -> datafusion::error::DataFusionError {
    let what = reason.trim_start_matches("Json error: ").lines().next().unwrap_or_default().to_string();
    place.file.explain(BadRecord {
        line: place.line,
        column: None,
        what,
        help: "mend the record, or declare the columns in the source's statement",
    })
}

async fn reader_of(input: BytesInput) -> Result<Box<dyn Read + Send>> {
    match input {
        BytesInput::Blocking(reader) => Ok(reader),
        mut arriving => {
            let mut whole = Vec::new();
            loop {
                let chunk = arriving.next().await?;
                if chunk.is_empty() {
                    return Ok(Box::new(bytes::Bytes::from(whole).reader()));
                }
                whole.extend_from_slice(&chunk);
            }
        }
    }
}

/// Adds the records of the last of `files`, with its number and the line, until there are `wanted`.
fn read_values(
    reader: Box<dyn Read + Send>,
    files: &[TextFile],
    is_by_line: bool,
    wanted: usize,
    values: &mut Vec<(Value, usize, u64)>,
) -> Result<()> {
    let number = files.len() - 1;
    let mut line = 0;
    let mut text = Vec::new();
    let mut lines = BufReader::new(reader);
    while values.len() < wanted {
        text.clear();
        if lines.read_until(b'\n', &mut text).map_err(datafusion::error::DataFusionError::from)? == 0 {
            break;
        }
        line += 1;
        let record = if line == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text) } else { &text };
        if record.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let place = || Place { file: files[number].clone(), line: is_by_line.then_some(line) };
        match serde_json::from_slice::<Value>(&with_large_numbers_as_text(record)) {
            Ok(value) if value.is_object() => values.push((value, number, line)),
            Ok(value) => {
                let found = value.to_string();
                let found: String = found.chars().take(60).collect();
                return Err(explain(&place(), &format!("an object is wanted in each line, found `{found}`")).into());
            }
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.split(" at line ").next().unwrap_or_default();
                return Err(explain(&place(), &format!("a JSON object is wanted ({reason})")).into());
            }
        }
    }
    Ok(())
}

/// What was only ever null or empty may be anything; a text holds it.
fn without_unknown(schema: &Schema) -> Schema {
    fn known(field: &FieldRef) -> FieldRef {
        Arc::new(Field::new(field.name(), known_type(field.data_type()), true))
    }
    fn known_type(data_type: &DataType) -> DataType {
        match data_type {
            DataType::Null => DataType::Utf8,
            DataType::List(item) => DataType::List(known(item)),
            DataType::Struct(fields) => DataType::Struct(fields.iter().map(known).collect()),
            other => other.clone(),
        }
    }
    Schema::new(schema.fields().iter().map(known).collect::<Vec<_>>())
}

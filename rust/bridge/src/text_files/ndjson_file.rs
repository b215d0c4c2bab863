// SPDX-License-Identifier: Apache-2.0
//! Reads one NDJSON file, or a file that is one JSON array, into batches.

use std::io::Read;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::json::ReaderBuilder;
use arrow::json::reader::Decoder;
use bytes::{Buf, Bytes};
use datafusion::error::Result;
use datafusion_datasource_json::utils::JsonArrayToNdjsonReader;

use super::bytes_input::BytesInput;
use super::escaped_pairs::EscapedPairs;
use super::json_values::{BadJson, from_texts, joined_keys, text_schema};
use super::number_text::{is_json_number, numbers};
use super::text_error::{BadRecord, TextFile};

/// Records that are looked at for the case of their keys.
const FIRST_RECORDS: usize = 100;

/// One file that is being read.
pub struct NdjsonFile {
    file: TextFile,
    /// Of the columns that are read.
    schema: SchemaRef,
    required: Vec<bool>,
    /// Keys that stand for columns although their case differs, with the columns' places.
    other_keys: Vec<(usize, String)>,
    decoder: Decoder,
    has_begun: bool,
    input: BytesInput,
    pairs: EscapedPairs,
    rest: Bytes,
    has_ended: bool,
    batch_size: usize,
    /// What the rows of this batch were decoded from, to find the line of a fault; and the line on which it begins.
    decoded: Vec<u8>,
    line: u64,
    knows_lines: bool,
}

fn decoder(schema: &SchemaRef, other_keys: &[(usize, String)], batch_size: usize) -> Result<Decoder> {
    let texts = text_schema(schema, other_keys);
    let builder = ReaderBuilder::new(texts).with_batch_size(batch_size).with_coerce_primitive(true);
    Ok(builder.build_decoder()?)
}

/// The keys of the first records that are columns' names but for their case. JSON tells such keys apart, names of columns do not.
fn keys_in_other_case(first: &[u8], schema: &SchemaRef) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for line in first.split(|byte| *byte == b'\n').take(FIRST_RECORDS) {
        let Ok(serde_json::Value::Object(record)) = serde_json::from_slice(line) else {
            continue;
        };
        for key in record.keys().filter(|key| schema.fields().find(key).is_none()) {
            let folded = key.to_lowercase();
            let column = schema.fields().iter().position(|field| field.name().to_lowercase() == folded);
            if let Some(column) = column.filter(|_| !found.iter().any(|(_, known)| known == key)) {
                found.push((column, key.clone()));
            }
        }
    }
    found
}

fn holds_texts(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => holds_texts(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_texts(field.data_type())),
        _ => false,
    }
}

fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl NdjsonFile {
    /// `knows_lines`: the input begins at the file's first line.
    pub fn new(
        file: TextFile,
        schema: SchemaRef,
        required: Vec<bool>,
        input: BytesInput,
        batch_size: usize,
        knows_lines: bool,
    ) -> Result<Self> {
        Ok(Self {
            file,
            decoder: decoder(&schema, &[], batch_size)?,
            other_keys: Vec::new(),
            has_begun: false,
            schema,
            required,
            input,
            pairs: EscapedPairs::default(),
            rest: Bytes::new(),
            has_ended: false,
            batch_size,
            decoded: Vec::new(),
            line: 1,
            knows_lines,
        })
    }

    /// Takes the file for one array, whose elements are the records.
    pub async fn open_array(&mut self) -> Result<()> {
        let mut whole = Vec::new();
        loop {
            let chunk = self.next_chunk().await?;
            if chunk.is_empty() {
                break;
            }
            whole.extend_from_slice(&chunk);
        }
        let mut reader = JsonArrayToNdjsonReader::new(std::io::Cursor::new(whole));
        let mut lines = Vec::new();
        reader.read_to_end(&mut lines)?;
        reader.validate_complete().map_err(|e| self.file.explain_whole(&e.to_string(), "mend the array"))?;
        self.rest = Bytes::from(lines);
        self.input = BytesInput::Blocking(Box::new(std::io::empty()));
        self.knows_lines = false;
        Ok(())
    }

    /// Empty at the end.
    async fn next_chunk(&mut self) -> Result<Bytes> {
        loop {
            let chunk = self.input.next().await?;
            let is_end = chunk.is_empty();
            if is_end {
                self.input = BytesInput::Blocking(Box::new(std::io::empty()));
            }
            let chunk = self.pairs.next(chunk);
            if is_end || !chunk.is_empty() {
                return Ok(chunk);
            }
        }
    }

    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if !self.has_begun {
            self.has_begun = true;
            self.begin().await?;
        }
        loop {
            if self.rest.is_empty() && !self.has_ended {
                self.rest = self.next_chunk().await?;
                self.has_ended = self.rest.is_empty();
            }
            let used = match self.decoder.decode(&self.rest) {
                Ok(used) => used,
                Err(error) => return Err(self.locate(error.into())),
            };
            self.decoded.extend_from_slice(&self.rest[..used]);
            self.rest.advance(used);
            // A record counts from its beginning.
            let is_full = self.decoder.len() >= self.batch_size && !self.decoder.has_partial_record();
            if self.has_ended || is_full || !self.rest.is_empty() {
                break;
            }
        }
        if self.has_ended && self.decoder.has_partial_record() {
            return Err(self.locate(BadJson::Other(arrow::error::ArrowError::JsonError(
                "a whole record is wanted, found the end of the file in one".into(),
            ))));
        }
        if let Some(bad) = self.bad_number() {
            return Err(bad);
        }
        let batch = match self.decoder.flush() {
            Ok(Some(texts)) => self.values(texts),
            Ok(None) => return Ok(None),
            Err(error) => Err(error.into()),
        };
        match batch {
            Ok(batch) => {
                self.line += line_breaks(&self.decoded);
                self.decoded.clear();
                Ok(Some(batch))
            }
            Err(bad) => Err(self.locate(bad)),
        }
    }

    /// Leaves a byte order mark out, which means nothing, and looks at the first keys.
    async fn begin(&mut self) -> Result<()> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        while self.rest.len() < MARK.len() && !self.has_ended {
            let more = self.next_chunk().await?;
            self.has_ended = more.is_empty();
            self.rest = if self.rest.is_empty() { more } else { [self.rest.clone(), more].concat().into() };
        }
        if self.rest.starts_with(MARK) {
            self.rest.advance(MARK.len());
        }
        self.other_keys = keys_in_other_case(&self.rest, &self.schema);
        if !self.other_keys.is_empty() {
            self.decoder = decoder(&self.schema, &self.other_keys, self.batch_size)?;
        }
        Ok(())
    }

    /// Decodes record by record, to find the one that fails. `bad` is what was found before.
    fn locate(&self, bad: BadJson) -> datafusion::error::DataFusionError {
        let bytes = [&self.decoded, &self.rest[..]].concat();
        let mut at = 0;
        if let Ok(mut decoder) = decoder(&self.schema, &self.other_keys, 1) {
            while at < bytes.len() {
                at += bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                let found = match decoder.decode(&bytes[at..]) {
                    Err(error) => Err(error.into()),
                    Ok(0) => break,
                    Ok(_) if decoder.has_partial_record() => break,
                    Ok(used) => match decoder.flush() {
                        Err(error) => Err(error.into()),
                        Ok(None) => break,
                        Ok(Some(texts)) => self.values(texts).map(|_| used),
                    },
                };
                match found {
                    Ok(used) => at += used,
                    Err(bad) => return self.explain(bad, self.line + line_breaks(&bytes[..at])),
                }
            }
        }
        self.explain(bad, self.line + line_breaks(&bytes[..at.min(bytes.len())]))
    }

    /// The decoder takes any run of digits and signs for a number, and only texts take whatever it gives.
    fn bad_number(&self) -> Option<datafusion::error::DataFusionError> {
        if !self.schema.fields().iter().any(|field| holds_texts(field.data_type())) {
            return None;
        }
        let bad = numbers(&self.decoded).find(|range| !is_json_number(&self.decoded[range.clone()]))?;
        let line = self.line + line_breaks(&self.decoded[..bad.start]);
        let found = String::from_utf8_lossy(&self.decoded[bad]);
        Some(self.file.explain(BadRecord {
            line: self.knows_lines.then_some(line),
            column: None,
            what: format!("a number is wanted, found `{found}`"),
            help: "mend the record",
        }))
    }

    fn values(&self, texts: RecordBatch) -> std::result::Result<RecordBatch, BadJson> {
        from_texts(&joined_keys(texts, &self.other_keys, self.schema.fields().len())?, &self.schema, &self.required)
    }

    fn explain(&self, bad: BadJson, line: u64) -> datafusion::error::DataFusionError {
        let line = self.knows_lines.then_some(line);
        self.file.explain(match bad {
            BadJson::Value { column, wanted, found } => BadRecord::value(line, &column, &wanted, &found, false),
            BadJson::Missing { column } => BadRecord::missing(line, &column),
            BadJson::Other(error) => {
                let text = error.to_string();
                let reason = text.trim_start_matches("Json error: ").lines().next().unwrap_or_default().to_string();
                let (column, what) = split_column(&reason);
                BadRecord { line, column, what, help: "mend the record" }
            }
        })
    }
}

/// The column that a failure of the decoder is about, and what it says of it.
fn split_column(reason: &str) -> (Option<String>, String) {
    let mut rest = reason;
    let mut column: Option<String> = None;
    while let Some(inner) = rest.strip_prefix("whilst decoding field '") {
        let Some((name, more)) = inner.split_once("': ") else {
            break;
        };
        column = Some(column.map_or(name.to_string(), |outer| format!("{outer}.{name}")));
        rest = more;
    }
    let what = match rest.strip_prefix("expected ").and_then(|rest| rest.split_once(" got ")) {
        Some((wanted, found)) => format!("a value of the kind `{wanted}` is wanted, found `{found}`"),
        None => rest.to_string(),
    };
    (column, what)
}

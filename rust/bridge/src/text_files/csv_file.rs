// SPDX-License-Identifier: Apache-2.0
//! Reads one CSV file into batches.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, SchemaRef};
use bytes::{Buf, Bytes};
use datafusion::common::config::CsvOptions;
use datafusion::error::{DataFusionError, Result};
use regex::Regex;

use super::bytes_input::BytesInput;
use super::csv_layout::Layout;
use super::records::Records;
use super::text_error::{BadRecord, TextFile};
use super::text_values::{TimePatterns, parse_texts};
use crate::error::BridgeError;

/// How CSV files are read.
#[derive(Debug)]
pub struct CsvRules {
    pub options: CsvOptions,
    /// The columns are the user's, not those that the files were found to have.
    pub is_declared: bool,
    null_regex: Option<Regex>,
    patterns: TimePatterns,
    trims_front: bool,
    trims_back: bool,
}

impl CsvRules {
    pub fn new(options: CsvOptions, is_declared: bool) -> crate::error::Result<Self> {
        if options.comment.is_some() && options.terminator.is_some_and(|end| end != b'\n') {
            // The parser ends a comment at a line break and nowhere else.
            return Err(BridgeError::user(
                "invalid_argument",
                "either the option 'comment' or another 'terminator' than a line break is wanted, found both",
            ));
        }
        let null_regex = options.null_regex.as_deref().map(|pattern| {
            // The whole field is meant, not any part of it.
            Regex::new(&format!("^(?:{pattern})$")).map_err(|e| {
                let reason = e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
                BridgeError::user(
                    "invalid_argument",
                    format!("a regular expression is wanted for the option 'null_regex' ({reason}), found `{pattern}`"),
                )
            })
        });
        Ok(Self {
            null_regex: null_regex.transpose()?,
            patterns: TimePatterns {
                date: options.date_format.clone(),
                timestamp: options.timestamp_format.clone().or_else(|| options.datetime_format.clone()),
                timestamp_with_zone: options.timestamp_tz_format.clone(),
                time: options.time_format.clone(),
            },
            trims_front: options.ignore_leading_whitespace.unwrap_or(false),
            trims_back: options.ignore_trailing_whitespace.unwrap_or(false),
            is_declared,
            options,
        })
    }

    pub fn has_header(&self) -> bool {
        self.options.has_header.unwrap_or(true)
    }

    pub fn are_short_allowed(&self) -> bool {
        self.options.truncated_rows.unwrap_or(false)
    }

    /// The last byte of a record.
    pub fn terminator(&self) -> u8 {
        self.options.terminator.unwrap_or(b'\n')
    }

    fn trimmed<'a>(&self, field: &'a str) -> &'a str {
        let field = if self.trims_front { field.trim_start() } else { field };
        if self.trims_back { field.trim_end() } else { field }
    }

    /// The text of a field without the blanks that are to be ignored; nothing where it stands for NULL.
    pub fn value<'a>(&self, field: &'a str, is_text: bool) -> Option<&'a str> {
        let field = if self.trims_front || self.trims_back { self.trimmed(field) } else { field };
        // An empty field is no value of any type but text; there it is one if a pattern says what NULL is.
        let is_null = match &self.null_regex {
            Some(regex) => regex.is_match(field) || (field.is_empty() && !is_text),
            None => field.is_empty(),
        };
        (!is_null && self.options.null_value.as_deref() != Some(field)).then_some(field)
    }
}

/// One file that is being read.
pub struct CsvFile {
    pub rules: Arc<CsvRules>,
    pub file: TextFile,
    pub schema: SchemaRef,
    /// The columns to read, by their places in `schema`.
    pub columns: Vec<usize>,
    /// Of each column of `schema`.
    pub required: Arc<Vec<bool>>,
    pub layout: Layout,
    pub records: Records,
    pub input: BytesInput,
    /// What is left of the last chunk.
    pub rest: Bytes,
    pub has_ended: bool,
    pub batch_size: usize,
}

/// The names in the header of a file, or those that stand for them; nothing if the file is empty.
pub async fn read_first_record(
    records: &mut Records,
    input: &mut BytesInput,
    rest: &mut Bytes,
    file: &TextFile,
) -> Result<Option<Vec<String>>> {
    let mut has_ended = false;
    while records.len() == 0 && !has_ended {
        if rest.is_empty() {
            *rest = first_chunk(input).await?;
        }
        if rest.is_empty() {
            has_ended = true;
            records.finish().map_err(|bad| file.explain(bad))?;
        } else {
            let used = records.read(rest, 1).map_err(|bad| file.explain(bad))?;
            rest.advance(used);
        }
    }
    if records.len() == 0 {
        return Ok(None);
    }
    let text = records.text().map_err(|bad| file.explain(bad))?;
    let mut names = Vec::new();
    for field in 0..records.fields_of(0) {
        let name = records.field(text, 0, field).map_err(|()| file.explain(records.no_text(0)))?;
        names.push(name.unwrap_or_default().to_string());
    }
    Ok(Some(names))
}

/// The next chunk; the first one of a file is long enough to hold a byte order mark whole.
async fn first_chunk(input: &mut BytesInput) -> Result<Bytes> {
    const MARK_BYTES: usize = 3;
    let mut chunk = input.next().await?;
    while !chunk.is_empty() && chunk.len() < MARK_BYTES {
        let more = input.next().await?;
        if more.is_empty() {
            break;
        }
        chunk = [chunk, more].concat().into();
    }
    Ok(chunk)
}

impl CsvFile {
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.records.clear();
        while self.records.len() < self.batch_size && !self.has_ended {
            if self.rest.is_empty() {
                self.rest = self.input.next().await?;
            }
            if self.rest.is_empty() {
                self.has_ended = true;
                self.records.finish().map_err(|bad| self.file.explain(bad))?;
            } else {
                let used = self.records.read(&self.rest, self.batch_size).map_err(|bad| self.file.explain(bad))?;
                self.rest.advance(used);
            }
        }
        if self.records.len() == 0 {
            return Ok(None);
        }
        self.batch().map(Some)
    }

    fn batch(&self) -> Result<RecordBatch> {
        let text = self.records.text().map_err(|bad| self.file.explain(bad))?;
        let columns =
            self.columns.iter().map(|&column| self.column(text, column).map_err(|bad| self.file.explain(bad)));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let schema = Arc::new(self.schema.project(&self.columns)?);
        let options = RecordBatchOptions::new().with_row_count(Some(self.records.len()));
        RecordBatch::try_new_with_options(schema, columns, &options).map_err(DataFusionError::from)
    }

    fn column(&self, text: &str, column: usize) -> std::result::Result<ArrayRef, BadRecord> {
        let records = &self.records;
        let schema_field = self.schema.field(column);
        let data_type = schema_field.data_type();
        let is_text = matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let mut broken = None;
        let field = self.layout.fields[column];
        let value = |row: usize| {
            let text = match field {
                Some(field) => records.field(text, row, field),
                None => Ok(None),
            };
            text.map(|text| text.and_then(|text| self.rules.value(text, is_text)))
        };
        let texts = (0..records.len()).map(|row| {
            value(row).unwrap_or_else(|()| {
                broken.get_or_insert(row);
                None
            })
        });
        let parsed = parse_texts(texts, records.len(), data_type, &self.rules.patterns);
        if let Some(row) = broken {
            return Err(records.no_text(row));
        }
        let name = schema_field.name();
        let values = parsed.map_err(|row| {
            let found = value(row).ok().flatten().unwrap_or_default();
            BadRecord::value(records.line_of(row), name, &data_type.to_string(), found, true)
        })?;
        if self.required[column] && values.null_count() > 0 {
            let row = (0..values.len()).find(|row| values.is_null(*row)).unwrap_or(0);
            return Err(BadRecord::missing(records.line_of(row), name));
        }
        Ok(values)
    }
}

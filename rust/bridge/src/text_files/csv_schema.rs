// SPDX-License-Identifier: Apache-2.0
//! Finds the columns of CSV files by their first records.

use std::sync::{Arc, LazyLock};

use arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use arrow::datatypes::{DataType, Date32Type, Field, Fields, Schema, SchemaRef, TimeUnit};
use bytes::{Buf, Bytes};
use chrono::Utc;
use datafusion::physical_plan::metrics::Count;
use datafusion_datasource::file_compression_type::FileCompressionType;
use object_store::{ObjectMeta, ObjectStore};
use regex::RegexSet;

use super::bytes_input::BytesInput;
use super::csv_file::{CsvRules, read_first_record};
use super::csv_layout::{Expectation, Layout, by_header, by_place};
use super::records::Records;
use super::text_error::TextFile;
use crate::error::Result;

/// Records that are looked at where the user does not say how many.
const USUAL_RECORDS: usize = 1000;
const BATCH_RECORDS: usize = 1000;

/// Kinds of texts, as bits.
const BOOLEAN: u8 = 1;
const INTEGER: u8 = 2;
const FLOAT: u8 = 4;
const DATE: u8 = 8;
const TIMESTAMP: u8 = 16;
const TEXT: u8 = 32;

/// In the order of the bits.
static FORMS: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"^(?i:true|false)$",
        r"^-?\d+$",
        r"^(?:-?(?:(?:\d*\.\d+|\d+\.\d*)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)|NaN|nan|-?inf)$",
        r"^\d{4}-\d\d-\d\d$",
        r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: ?(?:[zZ]|[-+]\d\d(?::?\d\d)?))?$",
    ])
    .expect("forms that are fixed")
});

fn kind_of(text: &str) -> u8 {
    let Some(form) = FORMS.matches(text).into_iter().next() else {
        return TEXT;
    };
    let kind = 1 << form;
    let is_value = match kind {
        INTEGER => text.parse::<i64>().is_ok(),
        DATE => Date32Type::parse(text).is_some(),
        TIMESTAMP => string_to_datetime(&Utc, text).is_ok(),
        _ => true,
    };
    if is_value { kind } else { TEXT }
}

fn type_of(kinds: u8) -> DataType {
    match kinds {
        BOOLEAN => DataType::Boolean,
        INTEGER => DataType::Int64,
        k if k != 0 && k & !(INTEGER | FLOAT) == 0 => DataType::Float64,
        DATE => DataType::Date32,
        k if k != 0 && k & !(DATE | TIMESTAMP) == 0 => DataType::Timestamp(TimeUnit::Microsecond, None),
        _ => DataType::Utf8,
    }
}

#[derive(Default)]
struct Columns {
    names: Vec<String>,
    kinds: Vec<u8>,
}

impl Columns {
    fn add(&mut self, name: &str) {
        self.names.push(name.to_string());
        self.kinds.push(0);
    }
}

/// The columns of all files, which must be the same by name; those of the first records also by type.
pub async fn infer(
    rules: &Arc<CsvRules>,
    store: &Arc<dyn ObjectStore>,
    store_url: &str,
    files: &[ObjectMeta],
) -> Result<SchemaRef> {
    let mut wanted = rules.options.schema_infer_max_rec.unwrap_or(USUAL_RECORDS);
    let mut columns = Columns::default();
    for (number, meta) in files.iter().enumerate() {
        if number > 0 && wanted == 0 {
            break;
        }
        let file = TextFile::new(store_url, &meta.location);
        wanted -= look_at(rules, store, meta, &file, &mut columns, wanted).await?;
    }
    let field = |(name, kinds): (String, u8)| Field::new(name, type_of(kinds), true);
    let fields: Fields = columns.names.into_iter().zip(columns.kinds).map(field).collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// The names in the header of a file; nothing if the file is empty.
pub async fn header(
    rules: &CsvRules,
    store: &Arc<dyn ObjectStore>,
    store_url: &str,
    meta: &ObjectMeta,
) -> Result<Option<Vec<String>>> {
    let compression = FileCompressionType::from(rules.options.compression);
    let mut input = BytesInput::open(store, &meta.location, compression, &Count::new()).await?;
    let file = TextFile::new(store_url, &meta.location);
    let mut records = Records::new(&rules.options, true);
    let names = read_first_record(&mut records, &mut input, &mut Bytes::new(), &file).await?;
    Ok(names.map(|names| names.iter().map(|name| name.trim().to_string()).collect()))
}

/// Returns how many records it has read.
async fn look_at(
    rules: &Arc<CsvRules>,
    store: &Arc<dyn ObjectStore>,
    meta: &ObjectMeta,
    file: &TextFile,
    columns: &mut Columns,
    wanted: usize,
) -> Result<usize> {
    let compression = FileCompressionType::from(rules.options.compression);
    let mut input = BytesInput::open(store, &meta.location, compression, &Count::new()).await?;
    let mut records = Records::new(&rules.options, true);
    let mut rest = Bytes::new();
    let Some(first) = read_first_record(&mut records, &mut input, &mut rest, file).await? else {
        return Ok(0);
    };
    let layout = join(rules, &first, columns).map_err(|(what, help)| file.explain_whole(&what, help))?;
    records.want_fields(layout.width);
    let mut seen = 0;
    let mut has_ended = false;
    if rules.has_header() {
        records.clear();
    }
    loop {
        while records.len() < BATCH_RECORDS.min(wanted - seen) && !has_ended {
            if rest.is_empty() {
                rest = input.next().await?;
            }
            if rest.is_empty() {
                has_ended = true;
                records.finish().map_err(|bad| file.explain(bad))?;
            } else {
                let limit = BATCH_RECORDS.min(wanted - seen);
                let used = records.read(&rest, limit).map_err(|bad| file.explain(bad))?;
                rest.advance(used);
            }
        }
        let count = records.len().min(wanted - seen);
        let text = records.text().map_err(|bad| file.explain(bad))?;
        for row in 0..count {
            for (column, field) in layout.fields.iter().enumerate() {
                let Some(field) = field else { continue };
                let value = records.field(text, row, *field).map_err(|()| file.explain(records.no_text(row)))?;
                if let Some(value) = value.and_then(|value| rules.value(value, false)) {
                    columns.kinds[column] |= kind_of(value);
                }
            }
        }
        seen += count;
        if has_ended || seen >= wanted {
            return Ok(seen);
        }
        records.clear();
    }
}

/// Adds the columns of the first file, and those that later ones may have; says where a file has them.
fn join(
    rules: &CsvRules,
    first: &[String],
    columns: &mut Columns,
) -> std::result::Result<Layout, (String, &'static str)> {
    let is_new = columns.names.is_empty();
    if !rules.has_header() {
        let known = columns.names.len();
        if !is_new && first.len() != known && !rules.are_short_allowed() {
            let what = format!("{known} fields are wanted, as in the files before it, found {}", first.len());
            return Err((what, "give all files the same columns"));
        }
        (known..first.len()).for_each(|place| columns.add(&format!("column_{}", place + 1)));
        return Ok(by_place(columns.names.len()));
    }
    if let Some(twice) = first.iter().enumerate().find(|(at, name)| first[..*at].contains(name)) {
        return Err((
            format!("each column has a name of its own in a header, found twice: `{}`", twice.1),
            "mend the header, or declare the columns in the source's statement",
        ));
    }
    for name in first {
        let is_known = columns.names.iter().any(|known| known.trim().to_lowercase() == name.trim().to_lowercase());
        if is_new || (rules.are_short_allowed() && !is_known) {
            columns.add(name);
        }
    }
    let names: Vec<&str> = columns.names.iter().map(String::as_str).collect();
    let expected = Expectation { columns: &names, is_declared: false, are_short_allowed: rules.are_short_allowed() };
    by_header(first, expected)
}

// SPDX-License-Identifier: Apache-2.0
//! NDJSON values are decoded as the texts that stand in the file, at any depth, and become what CAST makes of those.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, RecordBatch,
    RecordBatchOptions, StringArray, StructArray,
};
use arrow::compute::is_not_null;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::number_text::whole_number;
use super::text_values::{TimePatterns, parse_texts};

/// A value that is none of its type.
pub enum BadJson {
    Value { column: String, wanted: String, found: String },
    Missing { column: String },
    Other(ArrowError),
}

impl From<ArrowError> for BadJson {
    fn from(error: ArrowError) -> Self {
        BadJson::Other(error)
    }
}

/// The schema that files are decoded with: the columns, then the keys that stand for some of them.
pub fn text_schema(schema: &Schema, other_keys: &[(usize, String)]) -> SchemaRef {
    let others = other_keys.iter().map(|(column, key)| {
        let field = as_text(&schema.fields()[*column]);
        Arc::new(Field::clone(&field).with_name(key))
    });
    Arc::new(Schema::new(schema.fields().iter().map(as_text).chain(others).collect::<Fields>()))
}

/// The columns alone: where one is missing in a record, another key stands for it.
pub fn joined_keys(texts: RecordBatch, other_keys: &[(usize, String)], columns: usize) -> Result<RecordBatch, BadJson> {
    if other_keys.is_empty() {
        return Ok(texts);
    }
    let mut joined: Vec<ArrayRef> = texts.columns()[..columns].to_vec();
    for (place, (column, _)) in other_keys.iter().enumerate() {
        let is_there = is_not_null(&joined[*column])?;
        joined[*column] = zip(&is_there, &joined[*column], texts.column(columns + place))?;
    }
    let options = RecordBatchOptions::new().with_row_count(Some(texts.num_rows()));
    let schema = Arc::new(texts.schema().project(&(0..columns).collect::<Vec<_>>())?);
    Ok(RecordBatch::try_new_with_options(schema, joined, &options)?)
}

/// Anything may be missing; what must not be, is checked in the end.
fn as_text(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), text_type(field.data_type()), true))
}

fn text_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(as_text).collect()),
        DataType::List(item) => DataType::List(as_text(item)),
        DataType::LargeList(item) => DataType::LargeList(as_text(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(as_text(item), *size),
        DataType::Map(entries, is_sorted) => {
            let DataType::Struct(pair) = entries.data_type() else {
                return data_type.clone();
            };
            let key = Arc::new(Field::new(pair[0].name(), DataType::Utf8, false));
            let pair = DataType::Struct([key, as_text(&pair[1])].into_iter().collect());
            DataType::Map(Arc::new(Field::new(entries.name(), pair, false)), *is_sorted)
        }
        other if is_given_as_text(other) => DataType::Utf8,
        other => other.clone(),
    }
}

fn is_given_as_text(data_type: &DataType) -> bool {
    data_type.is_numeric()
        || data_type.is_temporal()
        || matches!(data_type, DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The rows of the wanted schema. `required`: of each column, whether it holds no NULL.
pub fn from_texts(texts: &RecordBatch, schema: &SchemaRef, required: &[bool]) -> Result<RecordBatch, BadJson> {
    let mut columns = Vec::with_capacity(texts.num_columns());
    for ((array, field), required) in texts.columns().iter().zip(schema.fields()).zip(required) {
        let values = convert(array, field.data_type(), field.name())?;
        if *required && values.null_count() > 0 {
            return Err(BadJson::Missing { column: field.name().clone() });
        }
        columns.push(values);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(texts.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

fn convert(array: &ArrayRef, wanted: &DataType, path: &str) -> Result<ArrayRef, BadJson> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    Ok(match wanted {
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            let columns = parts.columns().iter().zip(fields);
            let columns =
                columns.map(|(part, field)| convert(part, field.data_type(), &format!("{path}.{}", field.name())));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            if fields.is_empty() {
                return Ok(Arc::clone(array));
            }
            Arc::new(StructArray::try_new(fields.clone(), columns, parts.nulls().cloned())?)
        }
        DataType::List(item) => convert_list::<i32>(array.as_list(), item, path)?,
        DataType::LargeList(item) => convert_list::<i64>(array.as_list(), item, path)?,
        DataType::FixedSizeList(item, size) => {
            let list = array.as_fixed_size_list();
            let values = convert(list.values(), item.data_type(), path)?;
            Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *size, values, list.nulls().cloned())?)
        }
        DataType::Map(entries, is_sorted) => {
            let map = array.as_map();
            let DataType::Struct(pair) = entries.data_type() else {
                return Ok(Arc::clone(array));
            };
            let keys = convert(map.keys(), pair[0].data_type(), path)?;
            let values = convert(map.values(), pair[1].data_type(), path)?;
            let pairs = StructArray::try_new(pair.clone(), vec![keys, values], None)?;
            Arc::new(MapArray::try_new(
                Arc::clone(entries),
                map.offsets().clone(),
                pairs,
                map.nulls().cloned(),
                *is_sorted,
            )?)
        }
        leaf => convert_texts(array.as_string::<i32>(), leaf, path)?,
    })
}

fn convert_list<O: OffsetSizeTrait>(
    list: &GenericListArray<O>,
    item: &FieldRef,
    path: &str,
) -> Result<ArrayRef, BadJson> {
    let values = convert(list.values(), item.data_type(), path)?;
    let converted =
        GenericListArray::<O>::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned())?;
    Ok(Arc::new(converted))
}

fn convert_texts(texts: &StringArray, wanted: &DataType, path: &str) -> Result<ArrayRef, BadJson> {
    let bad = |row: usize| BadJson::Value {
        column: path.to_string(),
        wanted: wanted.to_string(),
        found: if texts.is_valid(row) { texts.value(row).to_string() } else { "NULL".into() },
    };
    let patterns = TimePatterns::default();
    let first = match parse_texts(texts.iter(), texts.len(), wanted, &patterns) {
        Ok(values) => return Ok(values),
        Err(row) => row,
    };
    if !wanted.is_integer() {
        return Err(bad(first));
    }
    // JSON knows one kind of numbers: 3.0 and 3e2 are whole ones, too.
    let whole: Vec<Option<Cow<str>>> = texts.iter().map(|text| text.map(whole_number)).collect();
    parse_texts(whole.iter().map(Option::as_deref), whole.len(), wanted, &patterns).map_err(bad)
}

// SPDX-License-Identifier: Apache-2.0
//! The form in which columns are stored. C++ says which (`StoredSchema`); only what keeps every value, or fails on one that it cannot
//! keep, is done here. Anything else is a mistake in planning, and must not become a wrong value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::util::display::FormatOptions;

use crate::error::{BridgeError, Result};

fn item(data_type: &DataType) -> Option<&Field> {
    use DataType::{FixedSizeList, LargeList, LargeListView, List, ListView};
    match data_type {
        List(item) | LargeList(item) | FixedSizeList(item, _) | ListView(item) | LargeListView(item) => Some(item),
        _ => None,
    }
}

/// Whether values of one type are stored as the other without a change: other encodings, wider numbers, and coarser units of time,
/// which is said to users.
fn is_stored_as(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    match (from, to) {
        _ if from == to => true,
        (Null, _) => true,
        (Dictionary(_, values), _) => is_stored_as(values, to),
        (UInt8, Int16) | (UInt16, Int32) | (UInt32 | UInt64, Int64) | (Float16, Float32) => true,
        (Utf8View | LargeUtf8, Utf8) => true,
        (BinaryView | LargeBinary | FixedSizeBinary(_), Binary) => true,
        (Date64, Date32) => true,
        (Timestamp(_, from_zone), Timestamp(_, to_zone)) => from_zone.is_some() == to_zone.is_some(),
        (Struct(from), Struct(to)) => {
            from.len() == to.len()
                && from.iter().zip(to).all(|(a, b)| a.name() == b.name() && is_stored_as(a.data_type(), b.data_type()))
        }
        (Map(from, _), Map(to, _)) => match (from.data_type(), to.data_type()) {
            // The names of a map's parts mean nothing.
            (Struct(from), Struct(to)) => {
                from.len() == to.len() && from.iter().zip(to).all(|(a, b)| is_stored_as(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        _ => match (item(from), item(to)) {
            (Some(from), Some(to)) => is_stored_as(from.data_type(), to.data_type()),
            _ => false,
        },
    }
}

fn stored_column(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    if !is_stored_as(column.data_type(), field.data_type()) {
        return Err(BridgeError::bug(format!(
            "the column `{}` was planned to be stored as {}, and its values are of the type `{}`",
            field.name(),
            field.data_type(),
            column.data_type()
        )));
    }
    let options = CastOptions { safe: false, format_options: FormatOptions::default() };
    cast_with_options(column, field.data_type(), &options).map_err(|e| {
        BridgeError::user(
            "invalid_argument",
            format!("a value does not fit the column's stored type {}: {e}: `{}`", field.data_type(), field.name()),
        )
    })
}

/// The batch with the columns of `schema`, by position.
pub fn to_stored(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.num_columns() != schema.fields().len() {
        return Err(BridgeError::bug(format!(
            "{} columns were planned to be stored, and there are `{}`",
            schema.fields().len(),
            batch.num_columns()
        )));
    }
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| stored_column(column, field))
        .collect::<Result<Vec<ArrayRef>>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

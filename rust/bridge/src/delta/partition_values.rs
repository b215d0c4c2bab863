// SPDX-License-Identifier: Apache-2.0
//! Partition values as a Delta log spells them, read by the type of their column.

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use std::sync::Arc;

use crate::delta::read_schema::{PHYSICAL_NAME, plain_type};
use crate::error::BridgeError;
use crate::ffi::PartitionValue;

/// The value of a column in a file. An empty text is NULL, whatever the type: the protocol says so.
pub fn partition_value(values: &[PartitionValue], column: &Field) -> Result<ScalarValue> {
    let data_type = plain_type(column.data_type());
    let name = column.metadata().get(PHYSICAL_NAME).unwrap_or_else(|| column.name());
    let found = values.iter().find(|value| value.column == *name).or_else(|| {
        let folded = name.to_lowercase();
        values.iter().find(|value| value.column.to_lowercase() == folded)
    });
    match found {
        Some(value) if !value.is_null && !value.value.is_empty() => parse(&value.value, &data_type).map_err(|reason| {
            let text = format!(
                "the partition value of the column `{}` is no {data_type}{}: `{}`",
                column.name(),
                if reason.is_empty() { String::new() } else { format!(" ({reason})") },
                value.value
            );
            DataFusionError::External(Box::new(BridgeError::new("corrupt", "environment", text)))
        }),
        _ => ScalarValue::try_from(&data_type),
    }
}

fn parse(text: &str, data_type: &DataType) -> std::result::Result<ScalarValue, String> {
    match data_type {
        DataType::Utf8 => return Ok(ScalarValue::Utf8(Some(text.to_string()))),
        DataType::Binary => return Ok(ScalarValue::Binary(Some(text.as_bytes().to_vec()))),
        DataType::Boolean => {
            return match text.to_ascii_lowercase().as_str() {
                "true" => Ok(ScalarValue::Boolean(Some(true))),
                "false" => Ok(ScalarValue::Boolean(Some(false))),
                _ => Err(String::new()),
            };
        }
        DataType::Float32 => return Ok(ScalarValue::Float32(Some(text.trim().parse().map_err(|_| String::new())?))),
        DataType::Float64 => return Ok(ScalarValue::Float64(Some(text.trim().parse().map_err(|_| String::new())?))),
        _ => {}
    }
    // A time without a zone is one of UTC, where the column has a zone.
    let strict = CastOptions { safe: false, ..Default::default() };
    let texts: ArrayRef = Arc::new(StringArray::from(vec![text.trim()]));
    let read_as = match data_type {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        other => other.clone(),
    };
    let values = cast_with_options(&texts, &read_as, &strict).map_err(|_| String::new())?;
    let value = ScalarValue::try_from_array(&values, 0).map_err(|e| e.to_string())?;
    if value.is_null() { Err(String::new()) } else { Ok(value) }
}

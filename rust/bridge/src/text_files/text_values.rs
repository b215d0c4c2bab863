// SPDX-License-Identifier: Apache-2.0
//! Texts become the values that CAST makes of them: decimals are rounded, nothing wraps round, what fits no value is a fault.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, Date32Array, PrimitiveBuilder, StringArray, StringBuilder, StringViewBuilder,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::compute::kernels::cast_utils::Parser;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::util::display::FormatOptions;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::number_text::without_exponent;

/// How dates and times are written, where they are not in the usual way; patterns of `strftime`.
#[derive(Debug, Clone, Default)]
pub struct TimePatterns {
    pub date: Option<String>,
    pub timestamp: Option<String>,
    pub timestamp_with_zone: Option<String>,
    pub time: Option<String>,
}

/// The row of the first text that is none of the type.
pub type BadRow = usize;

/// The values of `texts`, of which there are `count`; `None` is NULL.
pub fn parse_texts<'a>(
    texts: impl Iterator<Item = Option<&'a str>>,
    count: usize,
    data_type: &DataType,
    patterns: &TimePatterns,
) -> Result<ArrayRef, BadRow> {
    match data_type {
        DataType::Int8 => numbers::<Int8Type>(texts, count),
        DataType::Int16 => numbers::<Int16Type>(texts, count),
        DataType::Int32 => numbers::<Int32Type>(texts, count),
        DataType::Int64 => numbers::<Int64Type>(texts, count),
        DataType::UInt8 => numbers::<UInt8Type>(texts, count),
        DataType::UInt16 => numbers::<UInt16Type>(texts, count),
        DataType::UInt32 => numbers::<UInt32Type>(texts, count),
        DataType::UInt64 => numbers::<UInt64Type>(texts, count),
        DataType::Float32 => numbers::<Float32Type>(texts, count),
        DataType::Float64 => numbers::<Float64Type>(texts, count),
        DataType::Date32 if patterns.date.is_none() => numbers::<Date32Type>(texts, count),
        DataType::Utf8 => {
            let mut builder = StringBuilder::with_capacity(count, count * 8);
            texts.for_each(|text| builder.append_option(text));
            Ok(Arc::new(builder.finish()))
        }
        DataType::Utf8View => {
            let mut builder = StringViewBuilder::with_capacity(count);
            texts.for_each(|text| builder.append_option(text));
            Ok(Arc::new(builder.finish()))
        }
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            let texts: StringArray = texts.map(|text| text.map(without_exponent)).collect();
            cast_all(&(Arc::new(texts) as ArrayRef), data_type)
        }
        _ => {
            let texts: StringArray = texts.collect();
            match patterned(&texts, data_type, patterns)? {
                Some(values) => cast_all(&values, data_type),
                None => cast_all(&(Arc::new(texts) as ArrayRef), data_type),
            }
        }
    }
}

fn numbers<'a, T: ArrowPrimitiveType + Parser>(
    texts: impl Iterator<Item = Option<&'a str>>,
    count: usize,
) -> Result<ArrayRef, BadRow> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(count);
    for (row, text) in texts.enumerate() {
        match text {
            None => builder.append_null(),
            Some(text) => builder.append_value(T::parse(text).ok_or(row)?),
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn cast_all(values: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, BadRow> {
    let options = CastOptions { safe: false, format_options: FormatOptions::default() };
    if let Ok(cast) = cast_with_options(values, data_type, &options) {
        return Ok(cast);
    }
    let fails = |row: &usize| cast_with_options(&values.slice(*row, 1), data_type, &options).is_err();
    Err((0..values.len()).find(fails).unwrap_or(0))
}

/// The values of a type whose texts follow a pattern; nothing where there is no pattern for it.
fn patterned(texts: &StringArray, data_type: &DataType, patterns: &TimePatterns) -> Result<Option<ArrayRef>, BadRow> {
    let pattern = match data_type {
        DataType::Date32 | DataType::Date64 => &patterns.date,
        DataType::Timestamp(_, Some(_)) if patterns.timestamp_with_zone.is_some() => &patterns.timestamp_with_zone,
        DataType::Timestamp(_, _) => &patterns.timestamp,
        DataType::Time32(_) | DataType::Time64(_) => &patterns.time,
        _ => &None,
    };
    let Some(pattern) = pattern else {
        return Ok(None);
    };
    let parsed = |parse: &dyn Fn(&str) -> Option<i64>| -> Result<Vec<Option<i64>>, BadRow> {
        texts.iter().enumerate().map(|(row, text)| text.map(|text| parse(text).ok_or(row)).transpose()).collect()
    };
    Ok(Some(match data_type {
        DataType::Date32 | DataType::Date64 => {
            let epoch = NaiveDate::default();
            let days = parsed(&|text| {
                let date = NaiveDate::parse_from_str(text, pattern);
                let date = date.or_else(|_| NaiveDateTime::parse_from_str(text, pattern).map(|time| time.date()));
                Some(date.ok()?.signed_duration_since(epoch).num_days())
            })?;
            Arc::new(days.into_iter().map(|days| days.map(|days| days as i32)).collect::<Date32Array>())
        }
        DataType::Timestamp(_, zone) => {
            let micros = parsed(&|text| {
                if let Ok(time) = DateTime::parse_from_str(text, pattern) {
                    return Some(time.timestamp_micros());
                }
                let time = NaiveDateTime::parse_from_str(text, pattern)
                    .or_else(|_| NaiveDate::parse_from_str(text, pattern).map(|date| date.and_time(NaiveTime::MIN)));
                Some(time.ok()?.and_utc().timestamp_micros())
            })?;
            let has_offset = pattern.contains("%z") || pattern.contains("%:z") || pattern.contains("%#z");
            let values = TimestampMicrosecondArray::from(micros);
            // A time without offset is one of the column's zone.
            match zone {
                Some(_) if has_offset => Arc::new(values.with_timezone("UTC")),
                _ => Arc::new(values),
            }
        }
        _ => {
            let micros = parsed(&|text| {
                let time = NaiveTime::parse_from_str(text, pattern).ok()?;
                Some(i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond()) / 1_000)
            })?;
            Arc::new(Time64MicrosecondArray::from(micros))
        }
    }))
}

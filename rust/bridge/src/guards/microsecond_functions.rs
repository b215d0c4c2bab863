// SPDX-License-Identifier: Apache-2.0
//! `now` and `to_timestamp` give microseconds. DataFusion's give nanoseconds, so that to compare the present with 9999-12-31 fails, and a
//! DOUBLE of seconds beyond 2262 becomes the last moment that nanoseconds can hold. What is made of a time with nanoseconds keeps them,
//! and so does `to_timestamp_nanos`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Float64Type, TimeUnit};
use chrono::NaiveDateTime;
use chrono::format::{Parsed, StrftimeItems, parse};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::functions::datetime::to_timestamp_micros;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF};
use datafusion::prelude::SessionContext;

use super::substitute::{Behaviour, substitute};
use super::{About, Guard, Means};

pub struct MicrosecondFunctions;

impl Guard for MicrosecondFunctions {
    fn about(&self) -> About {
        About {
            name: "microsecond_functions",
            version: 2,
            fault: "`now() < TIMESTAMP '9999-12-31'` fails, and `to_timestamp(253402214400.0)` is a moment in 2262",
            upstream: "apache/datafusion#8336",
            means: Means::Correction,
            effect: "`now` and `to_timestamp` give microseconds; `to_timestamp_nanos` gives nanoseconds",
        }
    }

    fn functions(&self, context: &SessionContext) {
        substitute(context, "now", Kind::Now);
        substitute(context, "to_timestamp", Kind::Timestamp);
        for name in ["to_timestamp_micros", "to_timestamp_millis", "to_timestamp_seconds"] {
            substitute(context, name, Kind::OfText);
        }
    }
}

/// One text without a format, as CAST reads it: the engine's own functions read it in nanoseconds.
fn of_single_text(args: &ScalarFunctionArgs) -> Option<Result<ColumnarValue>> {
    match args.args.as_slice() {
        [text] if matches!(text.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
            Some(text.cast_to(args.return_field.data_type(), None))
        }
        _ => None,
    }
}

/// The type with microseconds in the place of nanoseconds.
fn in_microseconds(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        other => other.clone(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Now,
    Timestamp,
    /// Texts beyond the years of nanoseconds, in the functions that give coarser times.
    OfText,
}

impl Behaviour for Kind {
    fn result(self, usual: DataType, arguments: &[DataType]) -> DataType {
        match (self, arguments.first()) {
            (Kind::Timestamp, Some(DataType::Timestamp(TimeUnit::Nanosecond, _))) | (Kind::OfText, _) => usual,
            _ => in_microseconds(&usual),
        }
    }

    fn simplify(self, engine: &Arc<ScalarUDF>, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        if self != Kind::Now {
            return Ok(ExprSimplifyResult::Original(args));
        }
        Ok(match engine.simplify(args, info)? {
            ExprSimplifyResult::Simplified(Expr::Literal(ScalarValue::TimestampNanosecond(nanos, zone), metadata)) => {
                let micros = nanos.map(|nanos| nanos.div_euclid(1000));
                let now = ScalarValue::TimestampMicrosecond(micros, zone);
                ExprSimplifyResult::Simplified(Expr::Literal(now, metadata))
            }
            other => other,
        })
    }

    fn invoke(self, engine: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match self {
            Kind::Now => engine.invoke_with_args(args),
            Kind::Timestamp => timestamp(engine, args),
            Kind::OfText => of_single_text(&args).unwrap_or_else(|| of_texts(engine, args)),
        }
    }
}

fn timestamp(engine: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
    let wanted = args.return_field.data_type().clone();
    let (DataType::Timestamp(TimeUnit::Microsecond, zone), Some(first)) = (&wanted, args.args.first()) else {
        return engine.invoke_with_args(args);
    };
    match first.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => of_single_text(&args).unwrap_or_else(|| {
            let in_microseconds = to_timestamp_micros(&args.config_options);
            of_texts(&in_microseconds, args)
        }),
        from if from.is_integer() => {
            first.cast_to(&DataType::Timestamp(TimeUnit::Second, None), None)?.cast_to(&wanted, None)
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let is_scalar = matches!(first, ColumnarValue::Scalar(_));
            let seconds = first.cast_to(&DataType::Float64, None)?.into_array(args.number_rows)?;
            let micros: Vec<Option<i64>> =
                seconds.as_primitive::<Float64Type>().iter().map(microseconds_of).collect::<Result<_>>()?;
            let times = TimestampMicrosecondArray::from(micros).with_timezone_opt(zone.clone());
            if is_scalar && !times.is_empty() {
                return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&times, 0)?));
            }
            Ok(ColumnarValue::Array(Arc::new(times)))
        }
        DataType::Null | DataType::Timestamp(_, _) => first.cast_to(&wanted, None),
        from => {
            let usual = engine.return_type(&[from])?;
            let return_field = Arc::new(Field::clone(&args.return_field).with_data_type(usual));
            engine.invoke_with_args(ScalarFunctionArgs { return_field, ..args })?.cast_to(&wanted, None)
        }
    }
}

/// Texts in given formats. Where the engine fails because of a time that nanoseconds do not hold, each is read in microseconds.
fn of_texts(engine: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
    let usual = match engine.invoke_with_args(args.clone()) {
        Err(error) if args.args.len() > 1 => error,
        done => return done,
    };
    let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let rows = if is_scalar { 1 } else { args.number_rows };
    let texts = args.args.iter().map(|text| text.cast_to(&DataType::Utf8, None)?.into_array(rows));
    let texts = texts.collect::<Result<Vec<_>>>()?;
    let mut micros = Vec::with_capacity(rows);
    for row in 0..rows {
        let at = |column: &ArrayRef| column.is_valid(row).then(|| column.as_string::<i32>().value(row).to_string());
        let Some(text) = at(&texts[0]) else {
            micros.push(None);
            continue;
        };
        let mut formats = texts[1..].iter().filter_map(at);
        match formats.find_map(|format| far_time(&text, &format)) {
            Some(time) => micros.push(Some(time)),
            None => return Err(usual),
        }
    }
    let times = Arc::new(TimestampMicrosecondArray::from(micros)) as ArrayRef;
    let times = ColumnarValue::Array(times).cast_to(args.return_field.data_type(), None)?;
    match times {
        ColumnarValue::Array(array) if is_scalar => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
        times => Ok(times),
    }
}

/// In microseconds; a text without a zone is one in UTC.
fn far_time(text: &str, format: &str) -> Option<i64> {
    let mut fields = Parsed::new();
    parse(&mut fields, text, StrftimeItems::new(format)).ok()?;
    let with_zone = fields.to_datetime().ok().map(|time| time.timestamp_micros());
    let naive = || fields.to_naive_datetime_with_offset(0).ok();
    let day = || fields.to_naive_date().ok().map(NaiveDateTime::from);
    with_zone.or_else(|| Some(naive().or_else(day)?.and_utc().timestamp_micros()))
}

/// Cut to whole microseconds.
fn microseconds_of(seconds: Option<f64>) -> Result<Option<i64>> {
    /// The numbers below it fit 64 bits.
    const LIMIT: f64 = 9.223372036854775e18;
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    let micros = (seconds * 1_000_000.0).trunc();
    if !micros.is_finite() || micros.abs() > LIMIT {
        return exec_err!("a number of seconds that a timestamp can hold is wanted in to_timestamp, found `{seconds}`");
    }
    Ok(Some(micros as i64))
}

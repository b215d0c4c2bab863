// SPDX-License-Identifier: Apache-2.0
//! `date_trunc`, `date_bin`, `generate_series` and `range` of times beyond those that nanoseconds hold. The engine computes in
//! nanoseconds: `date_trunc` then fails, the others give NULL. Here times that it cannot compute with are moved by whole cycles of the
//! calendar, which repeats every 400 years to the day of the week, or computed with wider numbers; where neither is right, it is an error.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use datafusion::prelude::SessionContext;

use super::substitute::{Behaviour, as_given, substitute};
use super::{About, Guard, Means};

/// Of the Gregorian calendar.
const CYCLE_SECONDS: i64 = 146_097 * 86_400;
const NANOS_PER_DAY: i128 = 86_400_000_000_000;

pub struct FarTimes;

impl Guard for FarTimes {
    fn about(&self) -> About {
        About {
            name: "far_times",
            version: 2,
            fault: "`date_bin(INTERVAL '1 day', TIMESTAMP '9999-12-31')` is NULL, and so is a series of such times",
            upstream: "apache/datafusion#8336",
            means: Means::Correction,
            effect: "the right time, or an error where nanoseconds are needed",
        }
    }

    fn functions(&self, context: &SessionContext) {
        for (name, kind) in [
            ("date_trunc", Kind::Truncate),
            ("date_bin", Kind::Bin),
            ("generate_series", Kind::Series),
            ("range", Kind::Series),
        ] {
            substitute(context, name, kind);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Truncate,
    Bin,
    Series,
}

impl Behaviour for Kind {
    fn invoke(self, engine: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match self {
            Kind::Truncate => truncate(engine, args),
            Kind::Bin => bin(engine, args),
            Kind::Series => series(engine, args),
        }
    }
}

/// In one unit.
pub fn nanos_of(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// The unit and the zone, if nanoseconds may be too short for the type.
fn coarse_time(data_type: &DataType) -> Option<(TimeUnit, Option<Arc<str>>)> {
    match data_type {
        DataType::Timestamp(unit, zone) if *unit != TimeUnit::Nanosecond => Some((*unit, zone.clone())),
        _ => None,
    }
}

/// Whether the days of a zone are as long in every year.
fn has_fixed_offset(zone: &Option<Arc<str>>) -> bool {
    zone.as_ref().is_none_or(|zone| matches!(zone.as_ref(), "UTC" | "Z") || zone.starts_with(['+', '-']))
}

fn numbers_of(times: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(times, &DataType::Int64)?)
}

fn times_of(numbers: Int64Array, data_type: &DataType) -> Result<ArrayRef> {
    Ok(cast(&(Arc::new(numbers) as ArrayRef), data_type)?)
}

/// The time of another cycle that is near 1970, in a unit of which a cycle has `cycle`.
fn near(time: i64, cycle: i64) -> i64 {
    let half = i128::from(cycle / 2);
    ((i128::from(time) + half).rem_euclid(i128::from(cycle)) - half) as i64
}

fn truncate(inner: &Arc<ScalarUDF>, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
    let Some((unit, zone)) = args.args.get(1).and_then(|time| coarse_time(&time.data_type())) else {
        return inner.invoke_with_args(args);
    };
    let is_scalar = matches!(args.args[1], ColumnarValue::Scalar(_));
    let rows = if is_scalar { 1 } else { args.number_rows };
    let data_type = args.args[1].data_type();
    let times = numbers_of(&args.args[1].clone().into_array(rows)?)?;
    let times = times.as_primitive::<Int64Type>();
    let cycle = CYCLE_SECONDS * (1_000_000_000 / nanos_of(unit));
    if !has_fixed_offset(&zone) || times.iter().flatten().all(|time| time == near(time, cycle)) {
        return inner.invoke_with_args(args);
    }
    let near_times: Int64Array = times.iter().map(|time| time.map(|time| near(time, cycle))).collect();
    args.args[1] = ColumnarValue::Array(times_of(near_times, &data_type)?);
    args.number_rows = rows;
    let truncated = numbers_of(&inner.invoke_with_args(args)?.into_array(rows)?)?;
    let truncated = truncated.as_primitive::<Int64Type>().iter();
    let moved_back: Int64Array = truncated
        .zip(times.iter())
        .map(|(truncated, time)| time.zip(truncated).map(|(time, truncated)| truncated + (time - near(time, cycle))))
        .collect();
    as_given(times_of(moved_back, &data_type)?, is_scalar)
}

/// A stride without months, in nanoseconds.
fn stride_of(stride: &ColumnarValue) -> Option<i128> {
    match stride {
        ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(stride))) => {
            let (months, days, nanos) = IntervalMonthDayNanoType::to_parts(*stride);
            (months == 0).then_some(i128::from(days) * NANOS_PER_DAY + i128::from(nanos))
        }
        ColumnarValue::Scalar(ScalarValue::IntervalDayTime(Some(stride))) => {
            Some(i128::from(stride.days) * NANOS_PER_DAY + i128::from(stride.milliseconds) * 1_000_000)
        }
        _ => None,
    }
}

/// A stride of months alone.
fn months_of(stride: &ColumnarValue) -> Option<i64> {
    match stride {
        ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(stride))) => {
            let (months, days, nanos) = IntervalMonthDayNanoType::to_parts(*stride);
            (days == 0 && nanos == 0).then_some(i64::from(months))
        }
        ColumnarValue::Scalar(ScalarValue::IntervalYearMonth(Some(months))) => Some(i64::from(*months)),
        _ => None,
    }
}

/// Of microseconds. Nothing unless the origin, in nanoseconds, begins a month: only then bins are whole months.
fn bin_by_months(time: i64, stride: i64, origin: i128) -> Option<i64> {
    let month_of = |micros: i64| {
        let time = DateTime::from_timestamp_micros(micros)?.naive_utc();
        Some((i64::from(time.year()) * 12 + i64::from(time.month0()), time))
    };
    let start = |month: i64| {
        let day =
            NaiveDate::from_ymd_opt(i32::try_from(month.div_euclid(12)).ok()?, month.rem_euclid(12) as u32 + 1, 1)?;
        day.and_hms_opt(0, 0, 0)
    };
    let (first, beginning) = month_of(i64::try_from(origin / 1000).ok()?)?;
    if start(first)? != beginning {
        return None;
    }
    let (month, _) = month_of(time)?;
    let bin = start(first + (month - first).div_euclid(stride) * stride)?;
    Some(bin.and_utc().timestamp_micros())
}

fn bin(inner: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
    let Some((unit, _)) = args.args.get(1).and_then(|time| coarse_time(&time.data_type())) else {
        return inner.invoke_with_args(args);
    };
    let origin = match args.args.get(2) {
        None => Some(0),
        Some(ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(origin, _))) => *origin,
        Some(_) => None,
    };
    let is_scalar = matches!(args.args[1], ColumnarValue::Scalar(_));
    let rows = if is_scalar { 1 } else { args.number_rows };
    let data_type = args.args[1].data_type();
    let times = args.args[1].clone().into_array(rows)?;
    let stride = stride_of(&args.args[0]).filter(|stride| *stride > 0);
    let months = months_of(&args.args[0]).filter(|months| *months > 0);
    let binned = inner.invoke_with_args(args)?;
    let found = binned.clone().into_array(rows)?;
    let Some(origin) = origin.map(i128::from).filter(|_| found.null_count() > times.null_count()) else {
        return Ok(binned);
    };
    let nanos = i128::from(nanos_of(unit));
    let (times, found) = (numbers_of(&times)?, numbers_of(&found)?);
    let (times, found) = (times.as_primitive::<Int64Type>(), found.as_primitive::<Int64Type>());
    let bin_of = |(time, found): (Option<i64>, Option<i64>)| match (time, found, stride) {
        (Some(time), None, Some(stride)) => {
            let time = i128::from(time) * nanos;
            Ok(Some((time - (time - origin).rem_euclid(stride)).div_euclid(nanos) as i64))
        }
        (Some(time), None, None) => {
            match months
                .zip(i64::try_from(i128::from(time) * nanos / 1000).ok())
                .and_then(|(m, t)| bin_by_months(t, m, origin))
            {
                Some(micros) => Ok(Some((i128::from(micros) * 1000).div_euclid(nanos) as i64)),
                None => exec_err!(
                    "date_bin by months from within a month is wanted of times that nanoseconds can hold, found one beyond"
                ),
            }
        }
        _ => Ok(found),
    };
    let bins: Int64Array = times.iter().zip(found.iter()).map(bin_of).collect::<Result<_>>()?;
    as_given(times_of(bins, &data_type)?, is_scalar)
}

/// A series has nanoseconds: what they cannot hold is an error, no NULL.
fn series(inner: &Arc<ScalarUDF>, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
    for arg in &mut args.args {
        if let Some((_, zone)) = coarse_time(&arg.data_type()) {
            *arg = arg.cast_to(&DataType::Timestamp(TimeUnit::Nanosecond, zone), None)?;
        }
    }
    inner.invoke_with_args(args)
}

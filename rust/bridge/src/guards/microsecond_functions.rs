// SPDX-License-Identifier: Apache-2.0
//! `now` and `to_timestamp` give microseconds. DataFusion's give nanoseconds, so that to compare the present with 9999-12-31 fails, and a
//! DOUBLE of seconds beyond 2262 becomes the last moment that nanoseconds can hold. What is made of a time with nanoseconds keeps them,
//! and so does `to_timestamp_nanos`.

use std::sync::Arc;

use arrow::array::{AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

use super::{About, Guard, Means};

pub struct MicrosecondFunctions;

impl Guard for MicrosecondFunctions {
    fn about(&self) -> About {
        About {
            name: "microsecond_functions",
            version: 1,
            fault: "`now() < TIMESTAMP '9999-12-31'` fails, and `to_timestamp(253402214400.0)` is a moment in 2262",
            upstream: "apache/datafusion#8336",
            means: Means::Correction,
            effect: "`now` and `to_timestamp` give microseconds; `to_timestamp_nanos` gives nanoseconds",
        }
    }

    fn functions(&self, context: &SessionContext) {
        if let Ok(inner) = context.udf("now") {
            context.register_udf(ScalarUDF::new_from_impl(MicrosecondNow { inner }));
        }
        if let (Ok(inner), Ok(of_texts)) = (context.udf("to_timestamp"), context.udf("to_timestamp_micros")) {
            context.register_udf(ScalarUDF::new_from_impl(MicrosecondTimestamp { inner, of_texts }));
        }
        for name in ["to_timestamp_micros", "to_timestamp_millis", "to_timestamp_seconds"] {
            if let Ok(inner) = context.udf(name) {
                context.register_udf(ScalarUDF::new_from_impl(TimestampOfText { inner }));
            }
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

fn updated(function: &Arc<ScalarUDF>, config: &ConfigOptions) -> Arc<ScalarUDF> {
    function.inner().with_updated_config(config).map_or_else(|| Arc::clone(function), Arc::new)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MicrosecondNow {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for MicrosecondNow {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }
    fn signature(&self) -> &Signature {
        self.inner.signature()
    }
    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = self.inner.return_field_from_args(args)?;
        let data_type = in_microseconds(field.data_type());
        Ok(Arc::new(Field::clone(&field).with_data_type(data_type)))
    }
    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        Some(ScalarUDF::new_from_impl(Self { inner: updated(&self.inner, config) }))
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(match self.inner.simplify(args, info)? {
            ExprSimplifyResult::Simplified(Expr::Literal(ScalarValue::TimestampNanosecond(nanos, zone), metadata)) => {
                let micros = nanos.map(|nanos| nanos.div_euclid(1000));
                let now = ScalarValue::TimestampMicrosecond(micros, zone);
                ExprSimplifyResult::Simplified(Expr::Literal(now, metadata))
            }
            other => other,
        })
    }
    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MicrosecondTimestamp {
    inner: Arc<ScalarUDF>,
    /// Reads texts into microseconds.
    of_texts: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for MicrosecondTimestamp {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }
    fn signature(&self) -> &Signature {
        self.inner.signature()
    }
    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let usual = self.inner.return_type(arg_types)?;
        Ok(match arg_types.first() {
            Some(DataType::Timestamp(TimeUnit::Nanosecond, _)) => usual,
            _ => in_microseconds(&usual),
        })
    }
    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let (inner, of_texts) = (updated(&self.inner, config), updated(&self.of_texts, config));
        Some(ScalarUDF::new_from_impl(Self { inner, of_texts }))
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let wanted = args.return_field.data_type().clone();
        let DataType::Timestamp(TimeUnit::Microsecond, zone) = &wanted else {
            return self.inner.invoke_with_args(args);
        };
        let Some(first) = args.args.first() else {
            return self.inner.invoke_with_args(args);
        };
        match first.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                of_single_text(&args).unwrap_or_else(|| self.of_texts.invoke_with_args(args))
            }
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
                let usual = self.inner.return_type(&[from])?;
                let return_field = Arc::new(Field::clone(&args.return_field).with_data_type(usual));
                self.inner.invoke_with_args(ScalarFunctionArgs { return_field, ..args })?.cast_to(&wanted, None)
            }
        }
    }
    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
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

/// Texts beyond the years of nanoseconds, in the functions that give coarser times.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TimestampOfText {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for TimestampOfText {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }
    fn signature(&self) -> &Signature {
        self.inner.signature()
    }
    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }
    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        Some(ScalarUDF::new_from_impl(Self { inner: updated(&self.inner, config) }))
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        of_single_text(&args).unwrap_or_else(|| self.inner.invoke_with_args(args))
    }
    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

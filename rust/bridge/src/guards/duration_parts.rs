// SPDX-License-Identifier: Apache-2.0
//! `date_part` and `extract` of what lies between two times. The engine gives the whole of it in hours, minutes or seconds; SQL has the part
//! that is left beside the larger ones: of a day and 12 hours 12 hours, and all of it with its fraction as `epoch`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use datafusion::prelude::SessionContext;
use sqlparser::ast;

use super::far_times::nanos_of;
use super::substitute::{Behaviour, as_given, substitute};
use super::{About, Guard, Means};
use crate::syntax::call;

pub struct DurationParts;

impl Guard for DurationParts {
    fn about(&self) -> About {
        About {
            name: "duration_parts",
            version: 1,
            fault: "`extract(hour FROM b - a)` is 36 where b is a day and 12 hours after a, and `epoch` has no fraction",
            upstream: "unreported",
            means: Means::Correction,
            effect: "12: what is left beside whole days; minutes and seconds likewise",
        }
    }

    /// `extract` is planned with the engine's own function, whatever the session has.
    fn expression(&self, expression: &mut ast::Expr) -> crate::error::Result<()> {
        if let ast::Expr::Extract { field, expr, .. } = expression {
            let part = ast::Value::SingleQuotedString(field.to_string()).with_empty_span();
            *expression = call("date_part", vec![ast::Expr::Value(part), expr.as_ref().clone()]);
        }
        Ok(())
    }

    fn functions(&self, context: &SessionContext) {
        substitute(context, "date_part", PartOfDuration);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PartOfDuration;

impl Behaviour for PartOfDuration {
    fn invoke(self, engine: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((part, nanos_a_unit)) = of_duration(&args.args) else { return engine.invoke_with_args(args) };
        let is_scalar = matches!(args.args[1], ColumnarValue::Scalar(_));
        let units = args.args[1].clone().into_array(if is_scalar { 1 } else { args.number_rows })?;
        let units = cast(&units, &DataType::Int64)?;
        let nanos = units.as_primitive::<Int64Type>().iter().map(|units| Some(i128::from(units?) * nanos_a_unit));
        let parts: ArrayRef = match part {
            Part::Whole => Arc::new(nanos.map(|nanos| Some(nanos? as f64 / 1e9)).collect::<Float64Array>()),
            Part::Left { size, of } => {
                Arc::new(nanos.map(|nanos| Some((nanos? / size % of) as i32)).collect::<Int32Array>())
            }
        };
        let parts = cast(&parts, args.return_field.data_type())?;
        as_given(parts, is_scalar)
    }
}

enum Part {
    /// In seconds.
    Whole,
    /// How many units of `size` nanoseconds are left beside the larger part, which has so many of them.
    Left { size: i128, of: i128 },
}

/// The part of a duration that is asked for, and the nanoseconds of the duration's unit.
fn of_duration(args: &[ColumnarValue]) -> Option<(Part, i128)> {
    let [ColumnarValue::Scalar(part), duration] = args else { return None };
    let DataType::Duration(unit) = duration.data_type() else { return None };
    let part = match part.try_as_str()??.to_ascii_lowercase().as_str() {
        "epoch" => Part::Whole,
        "hour" | "hours" => Part::Left { size: 3_600_000_000_000, of: 24 },
        "minute" | "minutes" => Part::Left { size: 60_000_000_000, of: 60 },
        "second" | "seconds" => Part::Left { size: 1_000_000_000, of: 60 },
        "millisecond" | "milliseconds" => Part::Left { size: 1_000_000, of: 60_000 },
        "microsecond" | "microseconds" => Part::Left { size: 1_000, of: 60_000_000 },
        _ => return None,
    };
    Some((part, nanos_of(unit).into()))
}

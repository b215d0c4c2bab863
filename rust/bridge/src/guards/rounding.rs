// SPDX-License-Identifier: Apache-2.0
//! `round` and `trunc` of floats to places that their scale cannot be computed for: the engine multiplies by a power of ten, and what leaves
//! the range of floats there comes back as infinity or NaN. A finite float with more places than it has stays what it is, and one that is
//! rounded far beyond its size is zero.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use datafusion::prelude::SessionContext;

use super::substitute::{Behaviour, as_given, substitute};
use super::{About, Guard, Means};

pub struct Rounding;

impl Guard for Rounding {
    fn about(&self) -> About {
        About {
            name: "rounding",
            version: 1,
            fault: "`round(1e300, 10)` is infinity, and `round(42.0, -400)` NaN",
            upstream: "unreported",
            means: Means::Correction,
            effect: "a float with more places than it has stays what it is; one rounded beyond its size is 0",
        }
    }

    fn functions(&self, context: &SessionContext) {
        for name in ["round", "trunc"] {
            substitute(context, name, FinitePlaces);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FinitePlaces;

impl Behaviour for FinitePlaces {
    fn invoke(self, engine: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let given = args.args.clone();
        let rounded = engine.invoke_with_args(args)?;
        let [floats, places] = given.as_slice() else { return Ok(rounded) };
        if !matches!(rounded.data_type(), DataType::Float32 | DataType::Float64) {
            return Ok(rounded);
        }
        let is_scalar = matches!(rounded, ColumnarValue::Scalar(_));
        let rows = if is_scalar { 1 } else { rows };
        let found = rounded.clone().into_array(rows)?;
        let floats = cast(&floats.clone().into_array(rows)?, found.data_type())?;
        let places = cast(&places.clone().into_array(rows)?, &DataType::Int64)?;
        let mended = match found.data_type() {
            DataType::Float32 => mend::<Float32Type>(&found, &floats, &places, f32::is_finite),
            _ => mend::<Float64Type>(&found, &floats, &places, f64::is_finite),
        };
        mended.map_or(Ok(rounded), |mended| as_given(mended, is_scalar))
    }
}

/// Nothing where all finite floats came back finite.
fn mend<T: ArrowPrimitiveType>(
    found: &ArrayRef,
    floats: &ArrayRef,
    places: &ArrayRef,
    is_finite: fn(T::Native) -> bool,
) -> Option<ArrayRef> {
    let (found, floats) = (found.as_primitive::<T>(), floats.as_primitive::<T>());
    let is_lost = |row: usize| found.is_valid(row) && !is_finite(found.value(row)) && is_finite(floats.value(row));
    if !(0..found.len()).any(is_lost) {
        return None;
    }
    let places = places.as_primitive::<Int64Type>();
    let value = |row: usize| match is_lost(row) {
        false => found.value(row),
        true if places.value(row) > 0 => floats.value(row),
        true => T::default_value(),
    };
    let values = (0..found.len()).map(|row| found.is_valid(row).then(|| value(row)));
    Some(Arc::new(values.collect::<PrimitiveArray<T>>()))
}

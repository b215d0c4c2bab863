// SPDX-License-Identifier: Apache-2.0
//! One form of a float in the place of all that are equal to it, at any depth of a value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, make_array};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;

/// Values that are looked at before it is asked what was found, so that the processor looks at several at a time.
const LOOKED_AT: usize = 256;

/// What becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// All NaN.
    OneNan,
    /// All NaN, and both zeros.
    OneNanOneZero,
}

impl Form {
    /// The array in this form; itself where it has no other.
    pub fn of(self, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let one_zero = self == Form::OneNanOneZero;
        Ok(match array.data_type() {
            DataType::Float64 => replace::<Float64Type>(
                array,
                |value| value.is_nan() | (one_zero & (value.to_bits() == (-0.0_f64).to_bits())),
                |value| if value.is_nan() { f64::NAN } else { value + 0.0 },
                f64::to_bits,
            ),
            DataType::Float32 => replace::<Float32Type>(
                array,
                |value| value.is_nan() | (one_zero & (value.to_bits() == (-0.0_f32).to_bits())),
                |value| if value.is_nan() { f32::NAN } else { value + 0.0 },
                |value| value.to_bits().into(),
            ),
            DataType::Float16 => {
                // Wide enough for any value of sixteen bits, and back without loss.
                let wide = arrow::compute::cast(array, &DataType::Float32)?;
                arrow::compute::cast(&self.of(&wide)?, &DataType::Float16)?
            }
            other if holds_floats(other) => {
                let data = array.to_data();
                let children = data.child_data().iter().map(|child| Ok(self.of(&make_array(child.clone()))?.to_data()));
                let children = children.collect::<Result<Vec<_>, ArrowError>>()?;
                make_array(data.into_builder().child_data(children).build()?)
            }
            _ => Arc::clone(array),
        })
    }
}

/// Puts the one form in the place of odd values. Nearly always there is none, and no array is made.
fn replace<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    is_odd: impl Fn(T::Native) -> bool,
    form: impl Fn(T::Native) -> T::Native,
    bits: impl Fn(T::Native) -> u64,
) -> ArrayRef {
    let values = array.as_primitive::<T>();
    let may_change = values.values().chunks(LOOKED_AT).any(|chunk| {
        chunk.iter().fold(false, |found, value| found | is_odd(*value))
            && chunk.iter().any(|value| is_odd(*value) && bits(form(*value)) != bits(*value))
    });
    if !may_change {
        return Arc::clone(array);
    }
    Arc::new(values.unary::<_, T>(|value| if is_odd(value) { form(value) } else { value }))
}

pub fn holds_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().any(|field| holds_floats(field.data_type())),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => holds_floats(field.data_type()),
        DataType::Dictionary(_, value) => holds_floats(value),
        other => other.is_floating(),
    }
}

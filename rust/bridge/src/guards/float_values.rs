// SPDX-License-Identifier: Apache-2.0
//! Functions in plans that put one form of a float in the place of all that are equal to it, at any depth of a value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, make_array};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// What becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// All NaN.
    OneNan,
    /// All NaN, and both zeros.
    OneNanOneZero,
}

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Form::OneNan => "one_nan",
            Form::OneNanOneZero => "normalized_float",
        }
    }

    pub fn function(self) -> ScalarUDF {
        ScalarUDF::from(FloatForm { form: self, signature: Signature::any(1, Volatility::Immutable) })
    }

    /// The array in this form; itself where it has no other.
    pub fn of(self, array: &ArrayRef) -> Result<ArrayRef> {
        let one_zero = self == Form::OneNanOneZero;
        Ok(match array.data_type() {
            DataType::Float64 => replace::<Float64Type>(array, |value| match value {
                nan if nan.is_nan() => (nan.to_bits() != f64::NAN.to_bits()).then_some(f64::NAN),
                zero => (one_zero && zero == 0.0 && zero.is_sign_negative()).then_some(0.0),
            }),
            DataType::Float32 => replace::<Float32Type>(array, |value| match value {
                nan if nan.is_nan() => (nan.to_bits() != f32::NAN.to_bits()).then_some(f32::NAN),
                zero => (one_zero && zero == 0.0 && zero.is_sign_negative()).then_some(0.0),
            }),
            DataType::Float16 => {
                // Wide enough for any value of sixteen bits, and back without loss.
                let wide = arrow::compute::cast(array, &DataType::Float32)?;
                arrow::compute::cast(&self.of(&wide)?, &DataType::Float16)?
            }
            other if holds_floats(other) => {
                let data = array.to_data();
                let children = data.child_data().iter().map(|child| Ok(self.of(&make_array(child.clone()))?.to_data()));
                let children = children.collect::<Result<Vec<_>>>()?;
                make_array(data.into_builder().child_data(children).build()?)
            }
            _ => Arc::clone(array),
        })
    }

    pub fn of_scalar(self, value: &ScalarValue) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.of(&value.to_array()?)?, 0)
    }
}

/// Puts others in the place of values for which there is one.
fn replace<T: ArrowPrimitiveType>(array: &ArrayRef, other: impl Fn(T::Native) -> Option<T::Native>) -> ArrayRef {
    let values = array.as_primitive::<T>();
    if !values.values().iter().any(|value| other(*value).is_some()) {
        return Arc::clone(array);
    }
    Arc::new(values.unary::<_, T>(|value| other(value).unwrap_or(value)))
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

#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatForm {
    form: Form,
    signature: Signature,
}

impl ScalarUDFImpl for FloatForm {
    fn name(&self) -> &str {
        self.form.name()
    }
    /// What is done for execution only gives no other names to columns.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let inner = args[0].schema_name();
        Ok(if self.form == Form::OneNan { inner.to_string() } else { format!("{}({inner})", self.name()) })
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[0].clone())
    }
    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let field = arguments.arg_fields[0].as_ref().clone();
        Ok(Arc::new(field.with_name(self.name())))
    }
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(self.name(), arguments.args)?;
        Ok(match value {
            ColumnarValue::Array(array) => ColumnarValue::Array(self.form.of(&array)?),
            ColumnarValue::Scalar(scalar) => ColumnarValue::Scalar(self.form.of_scalar(&scalar)?),
        })
    }
}

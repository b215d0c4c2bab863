// SPDX-License-Identifier: Apache-2.0
//! Functions in plans that put one form of a float in the place of all that are equal to it, at any depth of a value.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
pub use exact::{Form, holds_floats};

pub fn name_of(form: Form) -> &'static str {
    match form {
        Form::OneNan => "one_nan",
        Form::OneNanOneZero => "normalized_float",
    }
}

pub fn function_of(form: Form) -> ScalarUDF {
    ScalarUDF::from(FloatForm { form, signature: Signature::any(1, Volatility::Immutable) })
}

pub fn in_form(form: Form, value: &ScalarValue) -> Result<ScalarValue> {
    ScalarValue::try_from_array(&form.of(&value.to_array()?)?, 0)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatForm {
    form: Form,
    signature: Signature,
}

impl ScalarUDFImpl for FloatForm {
    fn name(&self) -> &str {
        name_of(self.form)
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
            ColumnarValue::Scalar(scalar) => ColumnarValue::Scalar(in_form(self.form, &scalar)?),
        })
    }
}

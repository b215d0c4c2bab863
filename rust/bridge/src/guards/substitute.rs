// SPDX-License-Identifier: Apache-2.0
//! A function in the place of the engine's of the same name. It computes otherwise; whatever else it is asked, the engine's answers.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ExpressionPlacement, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

/// What a substitute does otherwise.
pub trait Behaviour: Debug + Copy + Eq + Hash + Send + Sync + 'static {
    /// `usual`: the type that the engine's function gives.
    fn result(self, usual: DataType, _arguments: &[DataType]) -> DataType {
        usual
    }

    fn simplify(
        self,
        _engine: &Arc<ScalarUDF>,
        args: Vec<Expr>,
        _info: &SimplifyContext,
    ) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Original(args))
    }

    fn invoke(self, engine: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue>;
}

/// Does nothing where the session has no function of the name.
pub fn substitute(context: &SessionContext, name: &str, behaviour: impl Behaviour) {
    if let Ok(engine) = context.udf(name) {
        context.register_udf(behaving(engine, behaviour));
    }
}

/// In the form that the argument had.
pub fn as_given(values: ArrayRef, is_scalar: bool) -> Result<ColumnarValue> {
    if is_scalar && values.len() == 1 {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&values, 0)?));
    }
    Ok(ColumnarValue::Array(values))
}

pub fn updated(function: &Arc<ScalarUDF>, config: &ConfigOptions) -> Arc<ScalarUDF> {
    function.inner().with_updated_config(config).map_or_else(|| Arc::clone(function), Arc::new)
}

/// The function that does what the behaviour says.
pub fn behaving(engine: Arc<ScalarUDF>, behaviour: impl Behaviour) -> ScalarUDF {
    ScalarUDF::new_from_impl(Substitute { engine, behaviour })
}

/// The engine's function in whose place another with this behaviour stands.
pub fn replaced<B: Behaviour>(function: &ScalarUDF) -> Option<&Arc<ScalarUDF>> {
    function.inner().downcast_ref::<Substitute<B>>().map(|substitute| &substitute.engine)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Substitute<B: Behaviour> {
    engine: Arc<ScalarUDF>,
    behaviour: B,
}

impl<B: Behaviour> ScalarUDFImpl for Substitute<B> {
    fn name(&self) -> &str {
        self.engine.name()
    }
    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.engine.schema_name(args)
    }
    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        self.engine.placement(args)
    }
    fn signature(&self) -> &Signature {
        self.engine.signature()
    }
    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(self.behaviour.result(self.engine.return_type(arguments)?, arguments))
    }
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let arguments: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let field = self.engine.return_field_from_args(args)?;
        let data_type = self.behaviour.result(field.data_type().clone(), &arguments);
        Ok(Arc::new(Field::clone(&field).with_data_type(data_type)))
    }
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.engine.coerce_types(arguments)
    }
    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        Some(behaving(updated(&self.engine, config), self.behaviour))
    }
    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.engine.output_ordering(inputs)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.behaviour.invoke(&self.engine, args)
    }
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.behaviour.simplify(&self.engine, args, info)
    }
    fn documentation(&self) -> Option<&Documentation> {
        self.engine.documentation()
    }
}

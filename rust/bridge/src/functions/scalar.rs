// SPDX-License-Identifier: Apache-2.0
//! Native scalar functions, and the operators that mean one.

use std::sync::Arc;

use arrow::array::{ArrayRef, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use cxx::SharedPtr;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use super::crossing::{
    array_pointer, arrays_pointer, bare_fields, engine_failure, export_arrays, export_fields, failure, import_array,
    import_field, import_fields, schema_pointer,
};
use super::declaration::Declaration;
use super::named_arguments::Parameter;
use super::rewritten::{build, describe_all};
use crate::callback::Callback;
use crate::error::{Result, entry};
use crate::ffi::{NativeFunction, ScalarCallback};
use crate::session::Session;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NativeScalarUdf {
    declaration: Arc<Declaration>,
    callback: Callback<ScalarCallback>,
}

impl NativeScalarUdf {
    pub(super) fn parameters(&self) -> &[Parameter] {
        &self.declaration.parameters
    }

    /// What stands for a call where NULL counts as false; None: nothing but the call.
    pub(crate) fn open_predicate(&self, arguments: &[Expr]) -> EngineResult<Option<Expr>> {
        if !self.declaration.opens_as_predicate {
            return Ok(None);
        }
        let tree = self.callback.OpenPredicate(&describe_all(arguments)).map_err(engine_failure)?;
        self.rewritten("opened", &tree, arguments)
    }

    /// An empty tree is no rewrite.
    fn rewritten(&self, step: &'static str, tree: &str, arguments: &[Expr]) -> EngineResult<Option<Expr>> {
        if tree.is_empty() {
            return Ok(None);
        }
        crate::planning_steps::note(step, &self.declaration.name);
        build(tree, || ScalarUDF::new_from_impl(self.clone()), arguments).map(Some)
    }

    fn return_field(&self, fields: &[FieldRef], mut constants: Vec<FFI_ArrowArray>) -> EngineResult<FieldRef> {
        let mut arguments = export_fields(fields.iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        unsafe {
            self.callback.ReturnField(
                schema_pointer(&mut arguments),
                arrays_pointer(&mut constants),
                schema_pointer(&mut out),
            )
        }
        .map_err(engine_failure)?;
        import_field(&out)
    }
}

impl ScalarUDFImpl for NativeScalarUdf {
    fn name(&self) -> &str {
        &self.declaration.name
    }
    fn aliases(&self) -> &[String] {
        &self.declaration.aliases
    }
    fn signature(&self) -> &Signature {
        &self.declaration.signature
    }
    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.declaration.documentation)
    }
    fn is_strict(&self) -> bool {
        self.declaration.strict
    }

    fn simplify(&self, arguments: Vec<Expr>, _context: &SimplifyContext) -> EngineResult<ExprSimplifyResult> {
        if !self.declaration.simplifies {
            return Ok(ExprSimplifyResult::Original(arguments));
        }
        let tree = self.callback.Simplify(&describe_all(&arguments)).map_err(engine_failure)?;
        match self.rewritten("simplified", &tree, &arguments)? {
            Some(simpler) => Ok(ExprSimplifyResult::Simplified(simpler)),
            None => Ok(ExprSimplifyResult::Original(arguments)),
        }
    }

    fn evaluate_bounds(&self, _inputs: &[&Interval]) -> EngineResult<Interval> {
        match &self.declaration.bounds {
            Some(bounds) => Ok(bounds.clone()),
            // As the engine has it for functions of which it knows nothing.
            None => Interval::make_unbounded(&DataType::Null),
        }
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> EngineResult<SortProperties> {
        let is_constant = |input: &ExprProperties| input.sort_properties == SortProperties::Singleton;
        match self.declaration.rises_with {
            Some(risen) if (0..inputs.len()).all(|i| i == risen || is_constant(&inputs[i])) => {
                Ok(inputs[risen].sort_properties)
            }
            _ => Ok(SortProperties::Unordered),
        }
    }

    fn coerce_types(&self, types: &[DataType]) -> EngineResult<Vec<DataType>> {
        let mut arguments = export_fields(bare_fields(types).iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        // DataFusion keeps only the text of this error.
        unsafe { self.callback.CoerceTypes(schema_pointer(&mut arguments), schema_pointer(&mut out)) }
            .map_err(|error| DataFusionError::Plan(failure(error).message))?;
        Ok(import_fields(&out)?.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> EngineResult<DataType> {
        let empty: Vec<ArrayRef> = types.iter().map(new_empty_array).collect();
        Ok(self.return_field(&bare_fields(types), export_arrays(&empty))?.data_type().clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> EngineResult<FieldRef> {
        // Literals come as they were written, before the argument types were settled.
        let constants = args
            .arg_fields
            .iter()
            .zip(args.scalar_arguments)
            .map(|(field, scalar)| match scalar.map(|scalar| scalar.cast_to(field.data_type())) {
                Some(Ok(value)) => value.to_array(),
                _ => Ok(new_empty_array(field.data_type())),
            })
            .collect::<EngineResult<Vec<_>>>()?;
        self.return_field(args.arg_fields, export_arrays(&constants))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let constant: Vec<bool> = args.args.iter().map(|value| matches!(value, ColumnarValue::Scalar(_))).collect();
        let arrays = args
            .args
            .iter()
            .map(|value| match value {
                ColumnarValue::Array(array) => Ok(Arc::clone(array)),
                ColumnarValue::Scalar(scalar) => scalar.to_array(),
            })
            .collect::<EngineResult<Vec<_>>>()?;
        let fields: Vec<Field> = arrays.iter().map(|array| Field::new("", array.data_type().clone(), true)).collect();
        let mut arguments = export_fields(&fields)?;
        let mut return_field = export_fields([args.return_field.as_ref()])?;
        let mut exported = export_arrays(&arrays);
        let mut out = FFI_ArrowArray::empty();
        unsafe {
            self.callback.Invoke(
                schema_pointer(&mut arguments),
                arrays_pointer(&mut exported),
                &constant,
                args.number_rows,
                schema_pointer(&mut return_field),
                array_pointer(&mut out),
            )
        }
        .map_err(engine_failure)?;
        let result = import_array(out, args.return_field.data_type())?;
        if !constant.is_empty() && constant.iter().all(|is_constant| *is_constant) {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

pub(crate) fn is_native_scalar(function: &ScalarUDF) -> bool {
    function.inner().is::<NativeScalarUdf>()
}

/// Replaces a function of the same name.
pub fn register_scalar_function(
    session: &Session,
    native: NativeFunction,
    callback: SharedPtr<ScalarCallback>,
) -> Result<()> {
    entry(|| {
        let mut signatures = FFI_ArrowSchema::empty();
        unsafe { callback.Signatures(schema_pointer(&mut signatures)) }.map_err(failure)?;
        let declaration = Arc::new(Declaration::new(&native, &signatures)?);
        let callback = Callback::new(callback);
        let function = Arc::new(ScalarUDF::new_from_impl(NativeScalarUdf { declaration, callback }));
        session.context.register_udf(function.as_ref().clone());
        if !native.operator_symbol.is_empty() {
            let planner = NativeOperator { symbol: native.operator_symbol, function };
            session.context.state_ref().write().register_expr_planner(Arc::new(planner))?;
        }
        Ok(())
    })
}

/// An operator that means a function where the function takes the types of both sides.
#[derive(Debug)]
struct NativeOperator {
    symbol: String,
    function: Arc<ScalarUDF>,
}

impl ExprPlanner for NativeOperator {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> EngineResult<PlannerResult<RawBinaryExpr>> {
        if expr.op.to_string() != self.symbol {
            return Ok(PlannerResult::Original(expr));
        }
        let types = [expr.left.get_type(schema)?, expr.right.get_type(schema)?];
        if self.function.coerce_types(&types).is_err() {
            return Ok(PlannerResult::Original(expr));
        }
        crate::planning_steps::note("operator", self.function.name());
        Ok(PlannerResult::Planned(self.function.call(vec![expr.left, expr.right])))
    }
}

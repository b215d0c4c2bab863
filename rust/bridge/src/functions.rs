// SPDX-License-Identifier: Apache-2.0
//! Native C++ functions as DataFusion functions. Declarations and kernels are C++'s; here they are only put into DataFusion's
//! words. Constants stay constants, arrays cross without copies.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, StructArray, make_array, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use cxx::{SharedPtr, UniquePtr};
use datafusion::common::{DFSchema, ScalarValue, exec_err, internal_err};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::SessionState;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, DocSection, Documentation, EmitTo, ExprSchemable,
    GroupsAccumulator, ReturnFieldArgs, ReversedUDAF, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TypeSignature, Volatility,
};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments, Ident, ObjectName, VisitMut,
    visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::error::{BridgeError, Result, entry};
use crate::ffi::{self, AccumulatorCallback, AggregateCallback, NativeArgument, NativeFunction, ScalarCallback};
use crate::session::Session;

// --- crossing ---

/// The error of a callback, whose text is an envelope.
fn failure(error: cxx::Exception) -> BridgeError {
    const CODES: [&str; 13] = [
        "invalid_argument",
        "not_found",
        "already_exists",
        "plan_failed",
        "unsupported",
        "corrupt",
        "io",
        "out_of_memory",
        "out_of_space",
        "permission",
        "cancelled",
        "conflict",
        "internal",
    ];
    let text = error.what();
    if text == "std::bad_alloc" {
        return BridgeError::new("out_of_memory", "environment", "out of memory in a native function");
    }
    let Ok(envelope) = serde_json::from_str::<serde_json::Value>(text) else {
        return BridgeError::bug(text);
    };
    let part = |key: &str| envelope[key].as_str().unwrap_or_default();
    let code = CODES.into_iter().find(|code| *code == part("code")).unwrap_or("internal");
    let blame = ["user", "environment"].into_iter().find(|blame| *blame == part("blame")).unwrap_or("bug");
    BridgeError::new(code, blame, part("message"))
}

fn engine_failure(error: cxx::Exception) -> DataFusionError {
    DataFusionError::External(Box::new(failure(error)))
}

/// Prefix of metadata that C++ must not act upon: Arrow C++ would turn columns of known extensions into types of their own.
const EXTENSION_PREFIX: &str = "ARROW:extension:";
const HIDDEN_PREFIX: &str = "weir:hidden:";

fn renamed(field: &Field, from: &str, to: &str) -> Field {
    let metadata = field
        .metadata()
        .iter()
        .map(|(key, value)| match key.strip_prefix(from) {
            Some(rest) => (format!("{to}{rest}"), value.clone()),
            None => (key.clone(), value.clone()),
        })
        .collect();
    field.clone().with_metadata(metadata)
}

fn export_fields<'a>(fields: impl IntoIterator<Item = &'a Field>) -> EngineResult<FFI_ArrowSchema> {
    let hidden: Fields = fields.into_iter().map(|field| renamed(field, EXTENSION_PREFIX, HIDDEN_PREFIX)).collect();
    Ok(FFI_ArrowSchema::try_from(&DataType::Struct(hidden))?)
}

fn import_field(schema: &FFI_ArrowSchema) -> EngineResult<FieldRef> {
    Ok(Arc::new(renamed(&Field::try_from(schema)?, HIDDEN_PREFIX, EXTENSION_PREFIX)))
}

fn import_fields(schema: &FFI_ArrowSchema) -> EngineResult<Vec<FieldRef>> {
    match DataType::try_from(schema)? {
        DataType::Struct(fields) => {
            Ok(fields.iter().map(|field| Arc::new(renamed(field, HIDDEN_PREFIX, EXTENSION_PREFIX))).collect())
        }
        other => internal_err!("a native function returned `{other}` instead of a struct of fields"),
    }
}

fn export_arrays(arrays: &[ArrayRef]) -> Vec<FFI_ArrowArray> {
    arrays.iter().map(|array| FFI_ArrowArray::new(&array.to_data())).collect()
}

fn import_array(array: FFI_ArrowArray, data_type: &DataType) -> EngineResult<ArrayRef> {
    Ok(make_array(unsafe { from_ffi_and_data_type(array, data_type.clone()) }?))
}

fn schema_pointer(schema: &mut FFI_ArrowSchema) -> *mut ffi::ArrowSchema {
    (&raw mut *schema).cast()
}

fn array_pointer(array: &mut FFI_ArrowArray) -> *mut ffi::ArrowArray {
    (&raw mut *array).cast()
}

fn arrays_pointer(arrays: &mut [FFI_ArrowArray]) -> *mut ffi::ArrowArray {
    arrays.as_mut_ptr().cast()
}

/// Fields of the given types, for calls that know no more.
fn bare_fields(types: &[DataType]) -> Vec<FieldRef> {
    types.iter().map(|data_type| Arc::new(Field::new("", data_type.clone(), true))).collect()
}

// --- declarations ---

/// What scalar and aggregate functions have in common. Two are equal if name and semantic version are.
struct Declaration {
    name: String,
    aliases: Vec<String>,
    semantic_version: u32,
    arguments: Vec<NativeArgument>,
    signature: Signature,
    signatures: Vec<Vec<DataType>>,
    documentation: Documentation,
    strict: bool,
    ignores_duplicates: bool,
    takes_null_treatment: bool,
    opens_as_predicate: bool,
}

impl Declaration {
    fn new(native: &NativeFunction, signatures: &FFI_ArrowSchema) -> EngineResult<Self> {
        let mut exact = Vec::new();
        for signature in import_fields(signatures)? {
            let DataType::Struct(types) = signature.data_type() else {
                return internal_err!("a signature of {} is no struct", native.name);
            };
            exact.push(types.iter().map(|field| field.data_type().clone()).collect::<Vec<_>>());
        }
        let type_signature = match (native.user_defined, exact.as_slice()) {
            (true, _) => TypeSignature::UserDefined,
            (false, [one]) => TypeSignature::Exact(one.clone()),
            (false, several) => TypeSignature::OneOf(several.iter().cloned().map(TypeSignature::Exact).collect()),
        };
        let mut signature = Signature::new(type_signature, Volatility::Immutable);
        if !native.variadic {
            signature = signature.with_parameter_names(native.arguments.iter().map(|a| a.name.clone()).collect())?;
        }
        let mut documentation = Documentation::builder(DocSection::default(), &native.description, &native.syntax)
            .with_sql_example(&native.example);
        for argument in &native.arguments {
            documentation = documentation.with_argument(&argument.name, &argument.description);
        }
        Ok(Self {
            name: native.name.clone(),
            aliases: native.aliases.clone(),
            semantic_version: native.semantic_version,
            arguments: native.arguments.clone(),
            signature,
            signatures: exact,
            documentation: documentation.build(),
            strict: native.strict,
            ignores_duplicates: native.ignores_duplicates,
            takes_null_treatment: native.takes_null_treatment,
            opens_as_predicate: native.opens_as_predicate,
        })
    }
}

impl PartialEq for Declaration {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.semantic_version) == (&other.name, other.semantic_version)
    }
}
impl Eq for Declaration {}
impl Hash for Declaration {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, self.semantic_version).hash(state);
    }
}

// --- scalar functions ---

/// C++ promises that functions may be called from any thread.
struct SharedScalar(SharedPtr<ScalarCallback>);
unsafe impl Send for SharedScalar {}
unsafe impl Sync for SharedScalar {}

pub(crate) struct NativeScalarUdf {
    declaration: Declaration,
    callback: SharedScalar,
}

impl fmt::Debug for NativeScalarUdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NativeScalarUdf({} v{})", self.declaration.name, self.declaration.semantic_version)
    }
}
impl PartialEq for NativeScalarUdf {
    fn eq(&self, other: &Self) -> bool {
        self.declaration == other.declaration
    }
}
impl Eq for NativeScalarUdf {}
impl Hash for NativeScalarUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.declaration.hash(state);
    }
}

impl NativeScalarUdf {
    pub(crate) fn opens_as_predicate(&self) -> bool {
        self.declaration.opens_as_predicate
    }

    /// JSON both ways, as function_callbacks.h says.
    pub(crate) fn open_predicate(&self, call: &str) -> EngineResult<String> {
        self.callback.0.OpenPredicate(call).map_err(engine_failure)
    }

    fn return_field(&self, fields: &[FieldRef], mut constants: Vec<FFI_ArrowArray>) -> EngineResult<FieldRef> {
        let mut arguments = export_fields(fields.iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        unsafe {
            self.callback.0.ReturnField(
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

    fn coerce_types(&self, types: &[DataType]) -> EngineResult<Vec<DataType>> {
        let mut arguments = export_fields(bare_fields(types).iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        // DataFusion keeps only the text of this error.
        unsafe { self.callback.0.CoerceTypes(schema_pointer(&mut arguments), schema_pointer(&mut out)) }
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
            self.callback.0.Invoke(
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

/// Replaces a function of the same name.
pub fn register_scalar_function(
    session: &Session,
    native: NativeFunction,
    callback: SharedPtr<ScalarCallback>,
) -> Result<()> {
    entry(|| {
        let mut signatures = FFI_ArrowSchema::empty();
        unsafe { callback.Signatures(schema_pointer(&mut signatures)) }.map_err(failure)?;
        let declaration = Declaration::new(&native, &signatures)?;
        let function =
            Arc::new(ScalarUDF::new_from_impl(NativeScalarUdf { declaration, callback: SharedScalar(callback) }));
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
        Ok(PlannerResult::Planned(self.function.call(vec![expr.left, expr.right])))
    }
}

// --- aggregates ---

/// As SharedScalar.
struct SharedAggregate(SharedPtr<AggregateCallback>);
unsafe impl Send for SharedAggregate {}
unsafe impl Sync for SharedAggregate {}

struct NativeAggregateUdf {
    declaration: Declaration,
    callback: SharedAggregate,
}

impl fmt::Debug for NativeAggregateUdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NativeAggregateUdf({} v{})", self.declaration.name, self.declaration.semantic_version)
    }
}
impl PartialEq for NativeAggregateUdf {
    fn eq(&self, other: &Self) -> bool {
        self.declaration == other.declaration
    }
}
impl Eq for NativeAggregateUdf {}
impl Hash for NativeAggregateUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.declaration.hash(state);
    }
}

impl NativeAggregateUdf {
    fn native_state_fields(&self, fields: &[FieldRef]) -> EngineResult<Vec<FieldRef>> {
        let mut arguments = export_fields(fields.iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        unsafe { self.callback.0.StateFields(schema_pointer(&mut arguments), schema_pointer(&mut out)) }
            .map_err(engine_failure)?;
        import_fields(&out)
    }

    fn native_accumulator(
        &self,
        fields: &[FieldRef],
        ignore_nulls: bool,
        sliding: bool,
    ) -> EngineResult<NativeAccumulator> {
        let mut arguments = export_fields(fields.iter().map(AsRef::as_ref))?;
        let callback =
            unsafe { self.callback.0.CreateAccumulator(schema_pointer(&mut arguments), ignore_nulls, sliding) }
                .map_err(engine_failure)?;
        Ok(NativeAccumulator {
            name: self.declaration.name.clone(),
            callback,
            argument_types: fields.iter().map(|field| field.data_type().clone()).collect(),
            state_type: DataType::Struct(self.native_state_fields(fields)?.into()),
            return_type: AggregateUDFImpl::return_field(self, fields)?.data_type().clone(),
            zeros: Vec::new(),
        })
    }

    fn row_accumulator(
        &self,
        fields: &[FieldRef],
        ignore_nulls: bool,
        sliding: bool,
    ) -> EngineResult<NativeAccumulator> {
        let mut accumulator = self.native_accumulator(fields, ignore_nulls, sliding)?;
        let empty: Vec<ArrayRef> = accumulator.argument_types.iter().map(new_empty_array).collect();
        accumulator.update(&empty, &[], None, 1)?;
        Ok(accumulator)
    }
}

impl NativeAggregateUdf {
    fn check_distinct(&self, args: &AccumulatorArgs) -> EngineResult<()> {
        if args.is_distinct && !self.declaration.ignores_duplicates {
            return exec_err!("{} does not take DISTINCT", self.declaration.name);
        }
        Ok(())
    }
}

impl AggregateUDFImpl for NativeAggregateUdf {
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
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn coerce_types(&self, types: &[DataType]) -> EngineResult<Vec<DataType>> {
        let mut arguments = export_fields(bare_fields(types).iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        unsafe { self.callback.0.CoerceTypes(schema_pointer(&mut arguments), schema_pointer(&mut out)) }
            .map_err(|error| DataFusionError::Plan(failure(error).message))?;
        Ok(import_fields(&out)?.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> EngineResult<DataType> {
        Ok(AggregateUDFImpl::return_field(self, &bare_fields(types))?.data_type().clone())
    }

    fn return_field(&self, fields: &[FieldRef]) -> EngineResult<FieldRef> {
        let mut arguments = export_fields(fields.iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        unsafe { self.callback.0.ReturnField(schema_pointer(&mut arguments), schema_pointer(&mut out)) }
            .map_err(engine_failure)?;
        import_field(&out)
    }

    fn is_nullable(&self) -> bool {
        let returned =
            self.declaration.signatures.first().map(|types| AggregateUDFImpl::return_field(self, &bare_fields(types)));
        !matches!(returned, Some(Ok(field)) if !field.is_nullable())
    }

    /// The result over no rows.
    fn default_value(&self, data_type: &DataType) -> EngineResult<ScalarValue> {
        match self.declaration.signatures.first() {
            Some(types) if !self.is_nullable() => {
                // The type of a call may be another than that of the first signature; an empty value casts to it.
                Accumulator::evaluate(&mut self.row_accumulator(&bare_fields(types), false, false)?)?.cast_to(data_type)
            }
            _ => ScalarValue::try_from(data_type),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> EngineResult<Vec<FieldRef>> {
        let fields = self.native_state_fields(args.input_fields)?;
        Ok(fields
            .iter()
            .map(|field| Arc::new(field.as_ref().clone().with_name(format_state_name(args.name, field.name()))))
            .collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> EngineResult<Box<dyn Accumulator>> {
        self.check_distinct(&args)?;
        Ok(Box::new(self.row_accumulator(args.expr_fields, args.ignore_nulls, false)?))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> EngineResult<Box<dyn Accumulator>> {
        self.check_distinct(&args)?;
        Ok(Box::new(self.row_accumulator(args.expr_fields, args.ignore_nulls, true)?))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct || self.declaration.ignores_duplicates
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> EngineResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.native_accumulator(args.expr_fields, args.ignore_nulls, false)?))
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.declaration.takes_null_treatment
    }
}

/// One C++ accumulator, for all groups or, as DataFusion's row accumulator, for the one group 0.
struct NativeAccumulator {
    name: String,
    callback: UniquePtr<AccumulatorCallback>,
    argument_types: Vec<DataType>,
    state_type: DataType,
    return_type: DataType,
    /// Group indices of a batch of the row accumulator.
    zeros: Vec<usize>,
}

// The C++ object is not bound to a thread, and only its const methods are reachable through a shared reference.
unsafe impl Send for NativeAccumulator {}
unsafe impl Sync for NativeAccumulator {}

impl fmt::Debug for NativeAccumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NativeAccumulator({})", self.name)
    }
}

fn emit_count(emit_to: EmitTo) -> i64 {
    match emit_to {
        EmitTo::All => -1,
        EmitTo::First(count) => count as i64,
    }
}

impl NativeAccumulator {
    /// The callback takes arrays of the types it was made for.
    fn check_types(&self, arrays: &[ArrayRef], types: &[DataType]) -> EngineResult<()> {
        if arrays.len() != types.len() || arrays.iter().zip(types).any(|(array, wanted)| array.data_type() != wanted) {
            let found: Vec<_> = arrays.iter().map(|array| array.data_type()).collect();
            return internal_err!("{} wants arrays of types {types:?}, found {found:?}", self.name);
        }
        Ok(())
    }

    fn state_types(&self) -> Vec<DataType> {
        match &self.state_type {
            DataType::Struct(fields) => fields.iter().map(|field| field.data_type().clone()).collect(),
            _ => Vec::new(),
        }
    }

    fn zeros(&mut self, rows: usize) -> Vec<usize> {
        let mut zeros = std::mem::take(&mut self.zeros);
        zeros.resize(rows, 0);
        zeros
    }

    fn update(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> EngineResult<()> {
        self.check_types(arrays, &self.argument_types)?;
        let mut exported = export_arrays(arrays);
        let mut filter = filter.map(|filter| FFI_ArrowArray::new(&filter.to_data()));
        let filter = filter.as_mut().map_or(std::ptr::null_mut(), array_pointer);
        unsafe { self.callback.pin_mut().Update(arrays_pointer(&mut exported), groups, filter, group_count) }
            .map_err(engine_failure)
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], group_count: usize) -> EngineResult<()> {
        self.check_types(states, &self.state_types())?;
        let mut exported = export_arrays(states);
        unsafe { self.callback.pin_mut().Merge(arrays_pointer(&mut exported), groups, group_count) }
            .map_err(engine_failure)
    }

    fn import_states(&self, states: FFI_ArrowArray) -> EngineResult<Vec<ArrayRef>> {
        let array = import_array(states, &self.state_type)?;
        match array.as_any().downcast_ref::<StructArray>() {
            Some(states) => Ok(states.columns().to_vec()),
            None => internal_err!("the state of {} is no struct", self.name),
        }
    }
}

impl GroupsAccumulator for NativeAccumulator {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> EngineResult<()> {
        self.update(values, group_indices, opt_filter, total_num_groups)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> EngineResult<()> {
        self.merge(values, group_indices, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> EngineResult<ArrayRef> {
        let mut out = FFI_ArrowArray::empty();
        unsafe { self.callback.pin_mut().Evaluate(emit_count(emit_to), array_pointer(&mut out)) }
            .map_err(engine_failure)?;
        import_array(out, &self.return_type)
    }

    fn state(&mut self, emit_to: EmitTo) -> EngineResult<Vec<ArrayRef>> {
        let mut out = FFI_ArrowArray::empty();
        unsafe { self.callback.pin_mut().State(emit_count(emit_to), array_pointer(&mut out)) }
            .map_err(engine_failure)?;
        self.import_states(out)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> EngineResult<Vec<ArrayRef>> {
        self.check_types(values, &self.argument_types)?;
        let mut exported = export_arrays(values);
        let mut filter = opt_filter.map(|filter| FFI_ArrowArray::new(&filter.to_data()));
        let filter = filter.as_mut().map_or(std::ptr::null_mut(), array_pointer);
        let mut out = FFI_ArrowArray::empty();
        unsafe { self.callback.ConvertToState(arrays_pointer(&mut exported), filter, array_pointer(&mut out)) }
            .map_err(engine_failure)?;
        self.import_states(out)
    }

    fn size(&self) -> usize {
        self.callback.SizeBytes()
    }
}

impl Accumulator for NativeAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> EngineResult<()> {
        let groups = self.zeros(values.first().map_or(0, |array| array.len()));
        let updated = self.update(values, &groups, None, 1);
        self.zeros = groups;
        updated
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> EngineResult<()> {
        let groups = self.zeros(states.first().map_or(0, |array| array.len()));
        let merged = self.merge(states, &groups, 1);
        self.zeros = groups;
        merged
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> EngineResult<()> {
        self.check_types(values, &self.argument_types)?;
        let groups = self.zeros(values.first().map_or(0, |array| array.len()));
        let mut exported = export_arrays(values);
        let retracted = unsafe { self.callback.pin_mut().Retract(arrays_pointer(&mut exported), &groups, 1) };
        self.zeros = groups;
        retracted.map_err(engine_failure)
    }

    fn supports_retract_batch(&self) -> bool {
        self.callback.SupportsRetract()
    }

    /// Keeps the state: a window asks again after each row.
    fn evaluate(&mut self) -> EngineResult<ScalarValue> {
        let mut out = FFI_ArrowArray::empty();
        unsafe { self.callback.Peek(array_pointer(&mut out)) }.map_err(engine_failure)?;
        ScalarValue::try_from_array(&import_array(out, &self.return_type)?, 0)
    }

    fn state(&mut self) -> EngineResult<Vec<ScalarValue>> {
        let mut out = FFI_ArrowArray::empty();
        unsafe { self.callback.PeekState(array_pointer(&mut out)) }.map_err(engine_failure)?;
        self.import_states(out)?.iter().map(|state| ScalarValue::try_from_array(state, 0)).collect()
    }

    fn size(&self) -> usize {
        self.callback.SizeBytes()
    }
}

/// Replaces a function of the same name.
pub fn register_aggregate_function(
    session: &Session,
    native: NativeFunction,
    callback: SharedPtr<AggregateCallback>,
) -> Result<()> {
    entry(|| {
        let mut signatures = FFI_ArrowSchema::empty();
        unsafe { callback.Signatures(schema_pointer(&mut signatures)) }.map_err(failure)?;
        let declaration = Declaration::new(&native, &signatures)?;
        let function = NativeAggregateUdf { declaration, callback: SharedAggregate(callback) };
        session.context.register_udaf(AggregateUDF::new_from_impl(function));
        Ok(())
    })
}

// --- named arguments ---

/// The place of a named argument among the parameters; SQL's rules for quoted names.
fn position_of(name: &Ident, arguments: &[NativeArgument]) -> Option<usize> {
    arguments.iter().position(|argument| match name.quote_style {
        Some(_) => argument.name == name.value,
        None => argument.name.eq_ignore_ascii_case(&name.value),
    })
}

/// Adds the declared defaults of parameters which a call omits before one that it names: DataFusion lets only the last ones be
/// omitted.
fn fill_call(arguments: &[NativeArgument], args: &mut Vec<FunctionArg>) {
    let named: Vec<usize> = args
        .iter()
        .filter_map(|arg| match arg {
            FunctionArg::Named { name, .. } => position_of(name, arguments),
            _ => None,
        })
        .collect();
    let positional = args.iter().filter(|arg| matches!(arg, FunctionArg::Unnamed(_))).count();
    let Some(last) = named.iter().copied().max() else {
        return;
    };
    for argument in
        arguments.iter().enumerate().skip(positional).filter(|(i, _)| *i < last && !named.contains(i)).map(|(_, a)| a)
    {
        let parsed =
            Parser::new(&GenericDialect {}).try_with_sql(&argument.default_value).and_then(|mut p| p.parse_expr());
        // Without a default the call stays as it is, and DataFusion names what is missing.
        if let Ok(value) = parsed {
            args.push(FunctionArg::Named {
                name: Ident::new(argument.name.clone()),
                arg: FunctionArgExpr::Expr(value),
                operator: FunctionArgOperator::RightArrow,
            });
        }
    }
}

fn declared_arguments<'a>(state: &'a SessionState, name: &ObjectName) -> Option<&'a [NativeArgument]> {
    let [part] = name.0.as_slice() else {
        return None;
    };
    let ident = part.as_ident()?;
    let name = if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() };
    let function = state.scalar_functions().get(&name)?;
    Some(&function.inner().downcast_ref::<NativeScalarUdf>()?.declaration.arguments)
}

/// Completes the calls of native functions in a statement, before it is planned.
pub fn fill_omitted_arguments(state: &SessionState, statement: &mut Statement) {
    match statement {
        Statement::Statement(statement) => fill_omitted_calls(state, statement.as_mut()),
        Statement::Explain(explain) => fill_omitted_arguments(state, explain.statement.as_mut()),
        _ => {}
    }
}

/// The same for any part of a statement.
pub fn fill_omitted_calls(state: &SessionState, part: &mut impl VisitMut) {
    let _ = visit_expressions_mut(part, |expression| {
        if let Expr::Function(function) = expression
            && let FunctionArguments::List(list) = &mut function.args
            && let Some(arguments) = declared_arguments(state, &function.name)
        {
            fill_call(arguments, &mut list.args);
        }
        ControlFlow::<()>::Continue(())
    });
}

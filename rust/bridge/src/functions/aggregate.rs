// SPDX-License-Identifier: Apache-2.0
//! Native aggregates and their accumulators.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, StructArray, new_empty_array};
use arrow::datatypes::{DataType, FieldRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use cxx::{SharedPtr, UniquePtr};
use datafusion::common::{ScalarValue, exec_err, internal_err};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};

use super::crossing::{
    array_pointer, arrays_pointer, bare_fields, engine_failure, export_arrays, export_fields, failure, import_array,
    import_field, import_fields, schema_pointer,
};
use super::declaration::Declaration;
use crate::callback::Callback;
use crate::error::{Result, entry};
use crate::ffi::{AccumulatorCallback, AggregateCallback, NativeFunction};
use crate::session::Session;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NativeAggregateUdf {
    declaration: Declaration,
    callback: Callback<AggregateCallback>,
}

impl NativeAggregateUdf {
    pub(super) fn stands_for(&self) -> &str {
        &self.declaration.stands_for
    }

    fn native_state_fields(&self, fields: &[FieldRef], distinct: bool) -> EngineResult<Vec<FieldRef>> {
        let mut arguments = export_fields(fields.iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        unsafe { self.callback.StateFields(schema_pointer(&mut arguments), distinct, schema_pointer(&mut out)) }
            .map_err(engine_failure)?;
        import_fields(&out)
    }

    fn native_accumulator(&self, fields: &[FieldRef], call: Call) -> EngineResult<NativeAccumulator> {
        let mut arguments = export_fields(fields.iter().map(AsRef::as_ref))?;
        let callback = unsafe {
            self.callback.CreateAccumulator(
                schema_pointer(&mut arguments),
                call.ignore_nulls,
                call.distinct,
                call.sliding,
            )
        }
        .map_err(engine_failure)?;
        Ok(NativeAccumulator {
            name: self.declaration.name.clone(),
            callback,
            argument_types: fields.iter().map(|field| field.data_type().clone()).collect(),
            state_type: DataType::Struct(self.native_state_fields(fields, call.distinct)?.into()),
            return_type: AggregateUDFImpl::return_field(self, fields)?.data_type().clone(),
            zeros: Vec::new(),
        })
    }

    fn row_accumulator(&self, fields: &[FieldRef], call: Call) -> EngineResult<NativeAccumulator> {
        let mut accumulator = self.native_accumulator(fields, call)?;
        let empty: Vec<ArrayRef> = accumulator.argument_types.iter().map(new_empty_array).collect();
        accumulator.update(&empty, &[], None, 1)?;
        Ok(accumulator)
    }
}

/// How an aggregate is called, as its accumulators are told.
#[derive(Default, Clone, Copy)]
struct Call {
    ignore_nulls: bool,
    distinct: bool,
    sliding: bool,
}

impl NativeAggregateUdf {
    fn takes_distinct(&self) -> bool {
        self.declaration.ignores_duplicates || self.declaration.takes_distinct
    }

    fn call(&self, args: &AccumulatorArgs, sliding: bool) -> EngineResult<Call> {
        if args.is_distinct && !self.takes_distinct() {
            return exec_err!("{} does not take DISTINCT", self.declaration.name);
        }
        let distinct = args.is_distinct && self.declaration.takes_distinct;
        Ok(Call { ignore_nulls: args.ignore_nulls, distinct, sliding })
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
        unsafe { self.callback.CoerceTypes(schema_pointer(&mut arguments), schema_pointer(&mut out)) }
            .map_err(|error| DataFusionError::Plan(failure(error).message))?;
        Ok(import_fields(&out)?.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> EngineResult<DataType> {
        Ok(AggregateUDFImpl::return_field(self, &bare_fields(types))?.data_type().clone())
    }

    fn return_field(&self, fields: &[FieldRef]) -> EngineResult<FieldRef> {
        let mut arguments = export_fields(fields.iter().map(AsRef::as_ref))?;
        let mut out = FFI_ArrowSchema::empty();
        unsafe { self.callback.ReturnField(schema_pointer(&mut arguments), schema_pointer(&mut out)) }
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
                Accumulator::evaluate(&mut self.row_accumulator(&bare_fields(types), Call::default())?)?
                    .cast_to(data_type)
            }
            _ => ScalarValue::try_from(data_type),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> EngineResult<Vec<FieldRef>> {
        let distinct = args.is_distinct && self.declaration.takes_distinct;
        let fields = self.native_state_fields(args.input_fields, distinct)?;
        Ok(fields
            .iter()
            .map(|field| Arc::new(field.as_ref().clone().with_name(format_state_name(args.name, field.name()))))
            .collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> EngineResult<Box<dyn Accumulator>> {
        Ok(Box::new(self.row_accumulator(args.expr_fields, self.call(&args, false)?)?))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> EngineResult<Box<dyn Accumulator>> {
        Ok(Box::new(self.row_accumulator(args.expr_fields, self.call(&args, true)?)?))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct || self.takes_distinct()
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> EngineResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.native_accumulator(args.expr_fields, self.call(&args, false)?)?))
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

pub(crate) fn is_native_aggregate(function: &AggregateUDF) -> bool {
    function.inner().is::<NativeAggregateUdf>()
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
        let function = NativeAggregateUdf { declaration, callback: Callback::new(callback) };
        session.context.register_udaf(AggregateUDF::new_from_impl(function));
        Ok(())
    })
}

// SPDX-License-Identifier: Apache-2.0
//! Sums of types above 128 bits and of intervals, each step of which is checked.

use std::fmt;
use std::marker::PhantomData;
use std::mem::size_of_val;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, ArrowNumericType, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{DataType, Decimal256Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::accumulate::NullState;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::nulls::filtered_null_mask;

use super::does_not_fit;
use super::sums::Wanted;

fn failure(wanted: &Wanted) -> datafusion::error::DataFusionError {
    does_not_fit(&wanted.name, &wanted.data_type, "")
}

/// The digits of decimals are less than their bits could hold.
fn check_digits<T: ArrowNumericType>(sums: &PrimitiveArray<T>, wanted: &Wanted) -> Result<()> {
    let sums: &dyn Array = sums;
    match wanted.data_type {
        DataType::Decimal256(precision, _) => {
            sums.as_primitive::<Decimal256Type>().validate_decimal_precision(precision).map_err(|_| failure(wanted))
        }
        _ => Ok(()),
    }
}

/// One sum, which rows may leave again.
pub struct NativeSum<T: ArrowNumericType> {
    sum: T::Native,
    count: u64,
    wanted: Wanted,
    summed: PhantomData<fn(T)>,
}

impl<T: ArrowNumericType> NativeSum<T> {
    pub fn new(args: &AccumulatorArgs) -> Self {
        Self { sum: T::default_value(), count: 0, wanted: Wanted::of(args), summed: PhantomData }
    }
}

impl<T: ArrowNumericType> fmt::Debug for NativeSum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NativeSum({})", self.wanted.data_type)
    }
}

impl<T: ArrowNumericType> Accumulator for NativeSum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<T>().iter().flatten() {
            self.sum = self.sum.add_checked(value).map_err(|_| failure(&self.wanted))?;
            self.count += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<T>().iter().flatten() {
            self.sum = self.sum.sub_checked(value).map_err(|_| failure(&self.wanted))?;
            self.count -= 1;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = (self.count > 0).then_some(self.sum);
        let array = PrimitiveArray::<T>::from_iter([sum]).with_data_type(self.wanted.data_type.clone());
        check_digits(&array, &self.wanted)?;
        ScalarValue::try_from_array(&array, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        ScalarValue::new_primitive::<T>((self.count > 0).then_some(self.sum), &self.wanted.data_type)
            .map(|sum| vec![sum])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.wanted.name.capacity()
    }
}

/// A sum a group.
pub struct NativeSums<T: ArrowNumericType> {
    sums: Vec<T::Native>,
    null_state: NullState,
    wanted: Wanted,
}

impl<T: ArrowNumericType> NativeSums<T> {
    pub fn new(args: &AccumulatorArgs) -> Self {
        Self { sums: Vec::new(), null_state: NullState::new(), wanted: Wanted::of(args) }
    }

    fn take(&mut self, emit_to: EmitTo) -> PrimitiveArray<T> {
        let sums = emit_to.take_needed(&mut self.sums);
        let nulls = self.null_state.build(emit_to);
        PrimitiveArray::<T>::new(sums.into(), nulls).with_data_type(self.wanted.data_type.clone())
    }
}

impl<T: ArrowNumericType + Send> GroupsAccumulator for NativeSums<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.sums.resize(total_num_groups, T::default_value());
        let sums = &mut self.sums;
        let mut failed = false;
        let values = values[0].as_primitive::<T>();
        self.null_state.accumulate(group_indices, values, opt_filter, total_num_groups, |group, value| {
            match sums[group].add_checked(value) {
                Ok(sum) => sums[group] = sum,
                Err(_) => failed = true,
            }
        });
        if failed { Err(failure(&self.wanted)) } else { Ok(()) }
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.update_batch(states, group_indices, None, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.take(emit_to);
        check_digits(&sums, &self.wanted)?;
        Ok(Arc::new(sums))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(self.take(emit_to))])
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<T>();
        let nulls = filtered_null_mask(opt_filter, values);
        let state = PrimitiveArray::<T>::new(values.values().clone(), nulls);
        Ok(vec![Arc::new(state.with_data_type(self.wanted.data_type.clone()))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>() + self.null_state.size()
    }
}

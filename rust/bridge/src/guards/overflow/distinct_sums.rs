// SPDX-License-Identifier: Apache-2.0
//! `sum(DISTINCT …)`: values are gathered as the engine does, their sum is exact.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::mem::size_of_val;

use arrow::array::{ArrayRef, ArrowNumericType, ArrowPrimitiveType, AsArray};
use datafusion::common::{ScalarValue, internal_err, not_impl_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion_functions_aggregate_common::aggregate::sum_distinct::DistinctSumAccumulator;
use exact::{Addend, ExactSum};

use super::sums::Wanted;

pub struct DistinctSum<T: ArrowPrimitiveType> {
    values: DistinctSumAccumulator<T>,
    wanted: Wanted,
}

impl<T: ArrowPrimitiveType> DistinctSum<T> {
    pub fn new(args: &AccumulatorArgs) -> Self {
        let wanted = Wanted::of(args);
        Self { values: DistinctSumAccumulator::new(&wanted.data_type), wanted }
    }
}

impl<T: ArrowPrimitiveType> fmt::Debug for DistinctSum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinctSum({})", self.wanted.data_type)
    }
}

impl<T> Accumulator for DistinctSum<T>
where
    T: ArrowNumericType + fmt::Debug,
    T::Native: Addend,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.update_batch(values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.values.merge_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.values.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let state = self.values.state()?;
        let [ScalarValue::List(list)] = state.as_slice() else {
            return internal_err!("the state of a distinct sum is one list, found {state:?}");
        };
        let distinct = list.value(0);
        let distinct = distinct.as_primitive::<T>();
        let mut sum = ExactSum::default();
        sum.change(distinct, true);
        let value = match distinct.len() {
            0 => None,
            _ => Some(self.wanted.get::<T::Native>(&sum)?),
        };
        ScalarValue::new_primitive::<T>(value, &self.wanted.data_type)
    }

    fn size(&self) -> usize {
        self.values.size() + self.wanted.name.capacity()
    }
}

/// Of the rows in a frame that moves.
pub struct SlidingDistinctSum<T: ArrowPrimitiveType> {
    /// How often each value is in the frame.
    counts: HashMap<i128, u64>,
    sum: ExactSum,
    wanted: Wanted,
    summed: PhantomData<fn(T)>,
}

impl<T: ArrowPrimitiveType> SlidingDistinctSum<T> {
    pub fn new(args: &AccumulatorArgs) -> Self {
        Self { counts: HashMap::new(), sum: ExactSum::default(), wanted: Wanted::of(args), summed: PhantomData }
    }
}

impl<T: ArrowPrimitiveType> fmt::Debug for SlidingDistinctSum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlidingDistinctSum({})", self.wanted.data_type)
    }
}

impl<T> Accumulator for SlidingDistinctSum<T>
where
    T: ArrowNumericType,
    T::Native: Addend,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<T>().iter().flatten() {
            let count = self.counts.entry(value.widen()).or_insert(0);
            *count += 1;
            if *count == 1 {
                self.sum.add(value.widen());
            }
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<T>().iter().flatten() {
            let Some(count) = self.counts.get_mut(&value.widen()) else { continue };
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&value.widen());
                self.sum.subtract(value.widen());
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = match self.counts.len() {
            0 => None,
            _ => Some(self.wanted.get::<T::Native>(&self.sum)?),
        };
        ScalarValue::new_primitive::<T>(value, &self.wanted.data_type)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        not_impl_err!("a frame that moves is not put together of parts")
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        not_impl_err!("a frame that moves is not put together of parts")
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.counts.capacity() * size_of::<(i128, u64)>() + self.wanted.name.capacity()
    }
}

// SPDX-License-Identifier: Apache-2.0
//! `sum` whose result is exact or an error. Floats are the engine's.

use std::fmt;
use std::marker::PhantomData;
use std::mem::size_of_val;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowNumericType, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, Int64Array,
    PrimitiveArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DurationMicrosecondType,
    DurationMillisecondType, DurationNanosecondType, DurationSecondType, Field, FieldRef, Int64Type,
    IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, TimeUnit, UInt64Type,
};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::nulls::filtered_null_mask;
use exact::{Addend, ExactSum};

use super::distinct_sums::{DistinctSum, SlidingDistinctSum};
use super::does_not_fit;
use super::native_sums::{NativeSum, NativeSums};

/// Calls `$exact::<T>` for types of up to 128 bits, `$native::<T>` for others, or yields `$floats`.
macro_rules! by_type {
    ($data_type:expr, $exact:ident, $native:ident, $floats:expr) => {
        match $data_type {
            DataType::Int64 => $exact!(Int64Type),
            DataType::UInt64 => $exact!(UInt64Type),
            DataType::Decimal32(..) => $exact!(Decimal32Type),
            DataType::Decimal64(..) => $exact!(Decimal64Type),
            DataType::Decimal128(..) => $exact!(Decimal128Type),
            DataType::Duration(TimeUnit::Second) => $exact!(DurationSecondType),
            DataType::Duration(TimeUnit::Millisecond) => $exact!(DurationMillisecondType),
            DataType::Duration(TimeUnit::Microsecond) => $exact!(DurationMicrosecondType),
            DataType::Duration(TimeUnit::Nanosecond) => $exact!(DurationNanosecondType),
            DataType::Decimal256(..) => $native!(Decimal256Type),
            DataType::Interval(IntervalUnit::YearMonth) => $native!(IntervalYearMonthType),
            DataType::Interval(IntervalUnit::DayTime) => $native!(IntervalDayTimeType),
            DataType::Interval(IntervalUnit::MonthDayNano) => $native!(IntervalMonthDayNanoType),
            _ => $floats,
        }
    };
}

fn is_exact(data_type: &DataType) -> bool {
    macro_rules! yes {
        ($type:ty) => {
            true
        };
    }
    macro_rules! no {
        ($type:ty) => {
            false
        };
    }
    by_type!(data_type, yes, no, false)
}

/// Only sums of decimals of 128 bits can leave 128 bits.
fn has_carries(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..))
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CheckedSum {
    engine: Sum,
}

impl CheckedSum {
    pub fn new() -> Self {
        Self { engine: Sum::new() }
    }
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.engine.name()
    }
    fn signature(&self) -> &Signature {
        self.engine.signature()
    }
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }
    fn documentation(&self) -> Option<&Documentation> {
        self.engine.documentation()
    }
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engine.order_sensitivity()
    }
    fn reverse_expr(&self) -> ReversedUDAF {
        self.engine.reverse_expr()
    }
    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.engine.set_monotonicity(data_type)
    }

    /// `[low, carries]` of decimals, `[low]` of other exact sums, `low` as a decimal of 128 bits without a meaning of its own.
    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if args.is_distinct || !is_exact(args.return_type()) {
            return self.engine.state_fields(args);
        }
        let mut fields = vec![Field::new(format_state_name(args.name, "sum"), DataType::Decimal128(38, 0), true)];
        if has_carries(args.return_type()) {
            fields.push(Field::new(format_state_name(args.name, "carries"), DataType::Int64, true));
        }
        Ok(fields.into_iter().map(Arc::new).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        macro_rules! exact {
            ($type:ty) => {
                if args.is_distinct {
                    Ok(Box::new(DistinctSum::<$type>::new(&args)))
                } else {
                    Ok(Box::new(RowSum::<$type>::new(&args)))
                }
            };
        }
        macro_rules! native {
            ($type:ty) => {
                if args.is_distinct {
                    self.engine.accumulator(args)
                } else {
                    Ok(Box::new(NativeSum::<$type>::new(&args)))
                }
            };
        }
        by_type!(args.return_field.data_type(), exact, native, self.engine.accumulator(args))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        macro_rules! exact {
            ($type:ty) => {
                if args.is_distinct {
                    Ok(Box::new(SlidingDistinctSum::<$type>::new(&args)))
                } else {
                    Ok(Box::new(RowSum::<$type>::new(&args)))
                }
            };
        }
        macro_rules! native {
            ($type:ty) => {
                if args.is_distinct {
                    self.engine.create_sliding_accumulator(args)
                } else {
                    Ok(Box::new(NativeSum::<$type>::new(&args)))
                }
            };
        }
        by_type!(args.return_field.data_type(), exact, native, self.engine.create_sliding_accumulator(args))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.engine.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        macro_rules! exact {
            ($type:ty) => {
                Ok(Box::new(GroupSums::<$type>::new(&args)))
            };
        }
        macro_rules! native {
            ($type:ty) => {
                Ok(Box::new(NativeSums::<$type>::new(&args)))
            };
        }
        by_type!(args.return_field.data_type(), exact, native, self.engine.create_groups_accumulator(args))
    }
}

/// What a sum is called, and the type that it must fit.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: String,
    pub data_type: DataType,
}

impl Wanted {
    pub fn of(args: &AccumulatorArgs) -> Self {
        Self { name: args.name.to_string(), data_type: args.return_field.data_type().clone() }
    }

    /// The greatest unscaled value of decimals.
    pub fn most(&self) -> Option<i128> {
        match self.data_type {
            DataType::Decimal32(p, _) | DataType::Decimal64(p, _) | DataType::Decimal128(p, _) => {
                Some(10_i128.pow(p.into()) - 1)
            }
            _ => None,
        }
    }

    /// The sum if its type holds it.
    pub fn get<N: Addend>(&self, sum: &ExactSum) -> Result<N> {
        sum.fit(self.most())
            .ok_or_else(|| does_not_fit(&self.name, &self.data_type, &exact::text(*sum, &self.data_type)))
    }
}

/// One sum, which rows may leave again.
pub struct RowSum<T: ArrowPrimitiveType> {
    sum: ExactSum,
    /// Of the rows, or of the states that were merged, that are not NULL.
    count: u64,
    wanted: Wanted,
    summed: PhantomData<fn(T)>,
}

impl<T: ArrowPrimitiveType> RowSum<T> {
    fn new(args: &AccumulatorArgs) -> Self {
        Self { sum: ExactSum::default(), count: 0, wanted: Wanted::of(args), summed: PhantomData }
    }
}

impl<T: ArrowPrimitiveType> fmt::Debug for RowSum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowSum({})", self.wanted.data_type)
    }
}

fn valid<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>) -> u64 {
    (values.len() - values.null_count()) as u64
}

impl<T> Accumulator for RowSum<T>
where
    T: ArrowNumericType,
    T::Native: Addend,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<T>();
        self.count += valid(values);
        self.sum.change(values, true);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<T>();
        self.count -= valid(values);
        self.sum.change(values, false);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = match self.count {
            0 => None,
            _ => Some(self.wanted.get::<T::Native>(&self.sum)?),
        };
        ScalarValue::new_primitive::<T>(value, &self.wanted.data_type)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let low = (self.count > 0).then_some(self.sum.low);
        let mut state = vec![ScalarValue::Decimal128(low, 38, 0)];
        if has_carries(&self.wanted.data_type) {
            state.push(ScalarValue::Int64(low.map(|_| self.sum.carries)));
        }
        Ok(state)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lows = states[0].as_primitive::<Decimal128Type>();
        self.count += valid(lows);
        self.sum.change(lows, true);
        if let Some(carries) = states.get(1) {
            self.sum.carries += carries.as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.wanted.name.capacity()
    }
}

/// A sum a group.
pub struct GroupSums<T: ArrowPrimitiveType> {
    lows: Vec<i128>,
    /// Empty until a sum leaves 128 bits.
    carries: Vec<i64>,
    /// Which groups have had a value; empty as long as all have.
    seen: Vec<bool>,
    wanted: Wanted,
    summed: PhantomData<fn(T)>,
}

impl<T: ArrowPrimitiveType> GroupSums<T> {
    fn new(args: &AccumulatorArgs) -> Self {
        Self { lows: Vec::new(), carries: Vec::new(), seen: Vec::new(), wanted: Wanted::of(args), summed: PhantomData }
    }

    /// Adds `values`, of the argument's type or of states. Without NULL and filter every group has a value, since rows make groups.
    fn add<V>(
        &mut self,
        values: &PrimitiveArray<V>,
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) where
        V: ArrowPrimitiveType,
        V::Native: Addend,
    {
        let before = self.lows.len();
        self.lows.resize(group_count, 0);
        if !self.carries.is_empty() {
            self.carries.resize(group_count, 0);
        }
        let valid = filtered_null_mask(filter, values).filter(|valid| valid.null_count() > 0);
        if valid.is_some() && self.seen.is_empty() {
            self.seen.resize(before, true);
        }
        if valid.is_some() || !self.seen.is_empty() {
            self.seen.resize(group_count, false);
        }
        let (lows, carries) = (&mut self.lows, &mut self.carries);
        match valid {
            None => {
                V::Native::add_to_groups(lows, carries, group_indices, values.values());
                if !self.seen.is_empty() {
                    group_indices.iter().for_each(|&group| self.seen[group] = true);
                }
            }
            Some(valid) => {
                V::Native::add_valid_to_groups(lows, carries, &mut self.seen, group_indices, values.values(), &valid);
            }
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> (Vec<i128>, Vec<i64>, Option<NullBuffer>) {
        let seen = if self.seen.is_empty() { None } else { Some(emit_to.take_needed(&mut self.seen)) };
        let carries = if self.carries.is_empty() { Vec::new() } else { emit_to.take_needed(&mut self.carries) };
        (emit_to.take_needed(&mut self.lows), carries, seen.map(NullBuffer::from))
    }
}

fn states(lows: Vec<i128>, carries: Vec<i64>, nulls: Option<NullBuffer>, data_type: &DataType) -> Vec<ArrayRef> {
    let count = lows.len();
    let lows = Decimal128Array::new(lows.into(), nulls.clone()).with_data_type(DataType::Decimal128(38, 0));
    let mut states: Vec<ArrayRef> = vec![Arc::new(lows)];
    if has_carries(data_type) {
        let carries = if carries.is_empty() { vec![0; count] } else { carries };
        states.push(Arc::new(Int64Array::new(carries.into(), nulls)));
    }
    states
}

impl<T> GroupsAccumulator for GroupSums<T>
where
    T: ArrowNumericType + Send,
    T::Native: Addend,
{
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.add(values[0].as_primitive::<T>(), group_indices, opt_filter, total_num_groups);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.add(states[0].as_primitive::<Decimal128Type>(), group_indices, None, total_num_groups);
        if let Some(carries) = states.get(1) {
            let carries = carries.as_primitive::<Int64Type>();
            for (row, &group) in group_indices.iter().enumerate() {
                if carries.is_valid(row) && carries.value(row) != 0 {
                    self.carries.resize(total_num_groups, 0);
                    self.carries[group] += carries.value(row);
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (lows, carries, nulls) = self.take(emit_to);
        let all = if carries.is_empty() { T::Native::fit_all(&lows, self.wanted.most()) } else { None };
        let values = match all {
            Some(values) => values,
            None => {
                let values = lows.iter().enumerate().map(|(group, &low)| {
                    if nulls.as_ref().is_some_and(|nulls| nulls.is_null(group)) {
                        return Ok(T::Native::default());
                    }
                    let carries = carries.get(group).copied().unwrap_or(0);
                    self.wanted.get(&ExactSum { low, carries })
                });
                values.collect::<Result<Vec<T::Native>>>()?
            }
        };
        let sums = PrimitiveArray::<T>::new(values.into(), nulls);
        Ok(Arc::new(sums.with_data_type(self.wanted.data_type.clone())))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (lows, carries, nulls) = self.take(emit_to);
        Ok(states(lows, carries, nulls, &self.wanted.data_type))
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let [values] = values else {
            return internal_err!("sum takes one argument, found {}", values.len());
        };
        let values = values.as_primitive::<T>();
        let nulls = filtered_null_mask(opt_filter, values);
        let lows = values.values().iter().map(|value| value.widen()).collect();
        Ok(states(lows, Vec::new(), nulls, &self.wanted.data_type))
    }

    fn size(&self) -> usize {
        self.lows.capacity() * size_of::<i128>() + self.carries.capacity() * size_of::<i64>() + self.seen.capacity()
    }
}

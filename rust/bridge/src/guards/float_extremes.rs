// SPDX-License-Identifier: Apache-2.0
//! `min` and `max` of floats by their order, in which NaN is one value above all numbers. The engine's accumulators of groups forget what
//! they had when NaN comes or goes, and begin with the greatest finite number.
//!
//! Floats are mapped to whole numbers of the same order, of which the engine's accumulators find the extremes. Only plans that are about
//! to be executed have these functions.

use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Float16Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type,
};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::functions_aggregate::min_max::{Max, Min, max_udaf, min_udaf};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, ExprSchemable, GroupsAccumulator, LogicalPlan,
    ReversedUDAF, SetMonotonicity, Signature,
};

use super::nodes::{columns_of, has};
use super::{About, Guard, Means};

pub struct FloatExtremes;

impl Guard for FloatExtremes {
    fn about(&self) -> About {
        About {
            name: "float_extremes",
            version: 1,
            fault: "`min(x) … GROUP BY g` over 1, NaN and 2 is 2, in another order of rows 1 or NaN; `max` over -infinity alone is the least \
                    finite number",
            upstream: "apache/datafusion#24432",
            means: Means::Correction,
            effect: "`min` and `max` take NaN for one value above all numbers, whatever the order of rows",
        }
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            if !has(&node, |part| engine_function(part).is_some())? {
                return Ok(Transformed::no(node));
            }
            let schema = columns_of(&node)?;
            node.map_expressions(|expression| expression.transform_up(|part| in_its_place(part, &schema)))
        })
        .data()
    }
}

fn engine_function(part: &Expr) -> Option<(&Arc<AggregateUDF>, &[Expr])> {
    let (function, arguments) = match part {
        Expr::AggregateFunction(call) => (&call.func, &call.params.args),
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(function) => (function, &call.params.args),
            WindowFunctionDefinition::WindowUDF(_) => return None,
        },
        _ => return None,
    };
    (function.inner().is::<Max>() || function.inner().is::<Min>()).then_some((function, arguments.as_slice()))
}

fn in_its_place(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    static MAX: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| FloatExtreme::of(max_udaf()));
    static MIN: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| FloatExtreme::of(min_udaf()));
    let Some((engine, [argument])) = engine_function(&part) else {
        return Ok(Transformed::no(part));
    };
    if !argument.get_type(schema)?.is_floating() {
        return Ok(Transformed::no(part));
    }
    let function = Arc::clone(if engine.inner().is::<Max>() { &MAX } else { &MIN });
    Ok(Transformed::yes(match part {
        Expr::AggregateFunction(call) => {
            Expr::AggregateFunction(AggregateFunction { func: function, params: call.params })
        }
        Expr::WindowFunction(call) => Expr::WindowFunction(Box::new(WindowFunction {
            fun: WindowFunctionDefinition::AggregateUDF(function),
            ..*call
        })),
        other => other,
    }))
}

/// What has no answer here is not asked of statistics either, which know nothing of NaN.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatExtreme {
    engine: Arc<AggregateUDF>,
}

impl FloatExtreme {
    fn of(engine: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::new_from_impl(Self { engine }))
    }

    /// The arguments for an accumulator of keys.
    fn of_keys<'a>(args: AccumulatorArgs<'a>) -> AccumulatorArgs<'a> {
        let data_type = match args.return_field.data_type() {
            DataType::Float16 => DataType::Int16,
            DataType::Float32 => DataType::Int32,
            _ => DataType::Int64,
        };
        let return_field = Arc::new(Field::clone(&args.return_field).with_data_type(data_type));
        AccumulatorArgs { return_field, ..args }
    }
}

impl AggregateUDFImpl for FloatExtreme {
    fn name(&self) -> &str {
        self.engine.name()
    }
    fn signature(&self) -> &Signature {
        self.engine.signature()
    }
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.engine.coerce_types(types)
    }
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engine.order_sensitivity()
    }
    fn reverse_expr(&self) -> ReversedUDAF {
        self.engine.reverse_udf()
    }
    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.engine.inner().set_monotonicity(data_type)
    }
    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.engine.state_fields(args)
    }
    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OverKeys(self.engine.accumulator(Self::of_keys(args))?)))
    }
    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OverKeys(self.engine.create_sliding_accumulator(Self::of_keys(args))?)))
    }
    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.engine.groups_accumulator_supported(Self::of_keys(args))
    }
    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(GroupsOverKeys(self.engine.create_groups_accumulator(Self::of_keys(args))?)))
    }
}

type Half = <Float16Type as ArrowPrimitiveType>::Native;

/// Of a float with one NaN; the key of a key is the float again. The bits of negative floats have the opposite order.
macro_rules! key {
    ($bits:expr, $whole:ty, $unsigned:ty) => {{
        let bits = $bits as $whole;
        bits ^ (((bits >> (<$whole>::BITS - 1)) as $unsigned) >> 1) as $whole
    }};
}

fn keys(floats: &ArrayRef) -> ArrayRef {
    macro_rules! map {
        ($float:ty, $key:ty, $whole:ty, $unsigned:ty, $nan:expr) => {
            Arc::new(floats.as_primitive::<$float>().unary::<_, $key>(|value| {
                let value = if value.is_nan() { $nan } else { value };
                key!(value.to_bits(), $whole, $unsigned)
            }))
        };
    }
    match floats.data_type() {
        DataType::Float16 => map!(Float16Type, Int16Type, i16, u16, Half::NAN),
        DataType::Float32 => map!(Float32Type, Int32Type, i32, u32, f32::NAN),
        _ => map!(Float64Type, Int64Type, i64, u64, f64::NAN),
    }
}

fn floats(keys: &ArrayRef) -> ArrayRef {
    match keys.data_type() {
        DataType::Int16 => Arc::new(
            keys.as_primitive::<Int16Type>()
                .unary::<_, Float16Type>(|value| Half::from_bits(key!(value, i16, u16) as u16)),
        ),
        DataType::Int32 => Arc::new(
            keys.as_primitive::<Int32Type>()
                .unary::<_, Float32Type>(|value| f32::from_bits(key!(value, i32, u32) as u32)),
        ),
        _ => Arc::new(
            keys.as_primitive::<Int64Type>()
                .unary::<_, Float64Type>(|value| f64::from_bits(key!(value, i64, u64) as u64)),
        ),
    }
}

fn all_keys(values: &[ArrayRef]) -> Vec<ArrayRef> {
    values.iter().map(keys).collect()
}

fn float(key: &ScalarValue) -> Result<ScalarValue> {
    ScalarValue::try_from_array(&floats(&key.to_array()?), 0)
}

#[derive(Debug)]
struct OverKeys(Box<dyn Accumulator>);

impl Accumulator for OverKeys {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(&all_keys(values))
    }
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.retract_batch(&all_keys(values))
    }
    fn supports_retract_batch(&self) -> bool {
        self.0.supports_retract_batch()
    }
    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(&all_keys(states))
    }
    fn evaluate(&mut self) -> Result<ScalarValue> {
        float(&self.0.evaluate()?)
    }
    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()?.iter().map(float).collect()
    }
    fn size(&self) -> usize {
        size_of::<Self>() + self.0.size()
    }
}

struct GroupsOverKeys(Box<dyn GroupsAccumulator>);

impl GroupsAccumulator for GroupsOverKeys {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.update_batch(&all_keys(values), group_indices, opt_filter, total_num_groups)
    }
    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.0.merge_batch(&all_keys(states), group_indices, total_num_groups)
    }
    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(floats(&self.0.evaluate(emit_to)?))
    }
    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(self.0.state(emit_to)?.iter().map(floats).collect())
    }
    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(self.0.convert_to_state(&all_keys(values), opt_filter)?.iter().map(floats).collect())
    }
    fn size(&self) -> usize {
        size_of::<Self>() + self.0.size()
    }
}

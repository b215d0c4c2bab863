// SPDX-License-Identifier: Apache-2.0
//! `min` and `max` of floats by groups. The engine begins with the greatest finite number, and takes whatever comes before or behind a
//! NaN: groups then lose NaN, infinities and numbers; of two zeros it keeps the one that came first. Ours go by the total order, in which
//! NaN is above all numbers and -0.0 below 0.0, as the engine itself does without groups; they stand in the place of the engine's only in
//! plans that are about to be executed.

use std::sync::Arc;

use arrow::array::ArrowNativeTypeOp;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::functions_aggregate::min_max::{Max, Min};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, ExprSchemable, GroupsAccumulator, LogicalPlan, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

use super::{About, Guard, Means};

pub struct FloatExtremes;

impl Guard for FloatExtremes {
    fn about(&self) -> About {
        About {
            name: "float_extremes",
            version: 2,
            fault: "`SELECT max(x) … GROUP BY k` is 4.0 for NaN and 4.0, and -1.7976931348623157e308 for -infinity alone",
            upstream: "apache/datafusion#24432",
            means: Means::Correction,
            effect: "the least and the greatest value, NaN above all numbers, -0.0 below 0.0",
        }
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(Transformed::no(node)) };
            let schema = Arc::clone(aggregate.input.schema());
            node.map_expressions(|expression| {
                expression.transform_up(|part| match part {
                    Expr::AggregateFunction(mut call)
                        if is_extreme(&call.func) && call.params.args[0].get_type(&schema)?.is_floating() =>
                    {
                        call.func = Arc::new(AggregateUDF::new_from_impl(FloatExtreme { engine: call.func }));
                        Ok(Transformed::yes(Expr::AggregateFunction(call)))
                    }
                    other => Ok(Transformed::no(other)),
                })
            })
        })
        .data()
    }
}

fn is_extreme(function: &AggregateUDF) -> bool {
    function.inner().is::<Min>() || function.inner().is::<Max>()
}

type Half = <Float16Type as ArrowPrimitiveType>::Native;

#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatExtreme {
    engine: Arc<AggregateUDF>,
}

fn is_nan<T: PartialOrd>(value: &T) -> bool {
    value.partial_cmp(value).is_none()
}

impl FloatExtreme {
    /// `least`: -infinity.
    fn of_groups<T: ArrowPrimitiveType + Send>(
        &self,
        data_type: &DataType,
        (least, nan): (T::Native, T::Native),
    ) -> Box<dyn GroupsAccumulator> {
        if self.engine.inner().is::<Max>() {
            let keep = |greatest: &mut T::Native, new: T::Native| {
                // Zeros are equal, and yet one of them is the greater: asked of equals only, whose bits are compared.
                if new > *greatest || is_nan(&new) || (new == *greatest && new.is_gt(*greatest)) {
                    *greatest = new;
                }
            };
            return Box::new(PrimitiveGroupsAccumulator::<T, _>::new(data_type, keep).with_starting_value(least));
        }
        let keep = |least: &mut T::Native, new: T::Native| {
            if new < *least || is_nan(least) || (new == *least && new.is_lt(*least)) {
                *least = new;
            }
        };
        Box::new(PrimitiveGroupsAccumulator::<T, _>::new(data_type, keep).with_starting_value(nan))
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
    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.engine.accumulator(args)
    }
    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.engine.groups_accumulator_supported(args)
    }
    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_field.data_type() {
            half @ DataType::Float16 => Ok(self.of_groups::<Float16Type>(half, (Half::NEG_INFINITY, Half::NAN))),
            single @ DataType::Float32 => Ok(self.of_groups::<Float32Type>(single, (f32::NEG_INFINITY, f32::NAN))),
            double @ DataType::Float64 => Ok(self.of_groups::<Float64Type>(double, (f64::NEG_INFINITY, f64::NAN))),
            _ => self.engine.create_groups_accumulator(args),
        }
    }
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.engine.coerce_types(types)
    }
    fn is_descending(&self) -> Option<bool> {
        self.engine.is_descending()
    }
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engine.inner().order_sensitivity()
    }
    fn reverse_expr(&self) -> ReversedUDAF {
        self.engine.reverse_udf()
    }
    fn value_from_stats(&self, statistics: &StatisticsArgs) -> Option<ScalarValue> {
        self.engine.value_from_stats(statistics)
    }
    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.engine.inner().set_monotonicity(data_type)
    }
}

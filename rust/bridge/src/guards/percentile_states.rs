// SPDX-License-Identifier: Apache-2.0
//! States of single rows of `percentile_cont`. Where nearly every row is a group of its own, partitions hand rows on as states without adding
//! them up; the engine's takes the percentile for a second column there, and panics.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::functions_aggregate::percentile_cont::PercentileCont;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, LogicalPlan, Signature,
};

use super::{About, Guard, Means};

pub struct PercentileStates;

impl Guard for PercentileStates {
    fn about(&self) -> About {
        About {
            name: "percentile_states",
            version: 1,
            fault: "`SELECT k, percentile_cont(0.5) WITHIN GROUP (ORDER BY x) … GROUP BY k` panics over a million groups in several partitions",
            upstream: "unreported",
            means: Means::Correction,
            effect: "the percentiles",
        }
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            if !matches!(node, LogicalPlan::Aggregate(_)) {
                return Ok(Transformed::no(node));
            }
            node.map_expressions(|expression| {
                expression.transform_up(|part| match part {
                    Expr::AggregateFunction(mut call) if call.func.inner().is::<PercentileCont>() => {
                        call.func = Arc::new(AggregateUDF::new_from_impl(Percentile { engine: call.func }));
                        Ok(Transformed::yes(Expr::AggregateFunction(call)))
                    }
                    other => Ok(Transformed::no(other)),
                })
            })
        })
        .data()
    }
}

/// The engine's, but for states of single rows.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Percentile {
    engine: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        self.engine.name()
    }
    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }
    fn signature(&self) -> &Signature {
        self.engine.signature()
    }
    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }
    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.engine.state_fields(args)
    }
    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.engine.accumulator(args)
    }
    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.engine.groups_accumulator_supported(args)
    }
    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups(self.engine.create_groups_accumulator(args)?)))
    }
    fn supports_within_group_clause(&self) -> bool {
        self.engine.inner().supports_within_group_clause()
    }
}

struct Groups(Box<dyn GroupsAccumulator>);

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.update_batch(values, group_indices, opt_filter, total_num_groups)
    }
    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.0.merge_batch(values, group_indices, total_num_groups)
    }
    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.0.evaluate(emit_to)
    }
    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.0.state(emit_to)
    }
    /// The percentile itself is no part of a state.
    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.0.convert_to_state(&values[..1], opt_filter)
    }
    fn size(&self) -> usize {
        self.0.size()
    }
}

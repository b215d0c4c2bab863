// SPDX-License-Identifier: Apache-2.0
//! Plans to Substrait. What Substrait, or the engine's producer, has no form for travels as extensions:
//!
//! * a scan carries its index, a scan of a work table says so: `ReadRel.advanced_extension`;
//! * a join that treats nulls as NOT IN does says so: `JoinRel.advanced_extension`;
//! * UNNEST is an `ExtensionSingleRel`, WITH RECURSIVE an `ExtensionMultiRel` of both terms;
//! * null treatment, frames in groups and the kind of a window function are options of the function;
//! * the FILTER of a window function and the distances of its frame are arguments after its own, announced by options.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{DFSchemaRef, JoinConstraint, NullHandling, ScalarValue};
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment, WindowFunction};
use datafusion::logical_expr::{
    Aggregate, EmptyRelation, Expr, Join, LogicalPlan, RecursiveQuery, TableScan, Unnest, WindowFrameBound,
    WindowFrameUnits, WindowFunctionDefinition,
};
use datafusion_substrait::extensions::Extensions;
use datafusion_substrait::logical_plan::producer::{
    DefaultSubstraitProducer, SubstraitProducer, from_aggregate, from_empty_relation, from_join, from_table_scan,
    from_window_function, to_substrait_rel,
};
use datafusion_substrait::substrait::proto;
use datafusion_substrait::substrait::proto::aggregate_function::AggregationInvocation;
use datafusion_substrait::substrait::proto::expression::RexType;
use datafusion_substrait::substrait::proto::extensions::AdvancedExtension;
use datafusion_substrait::substrait::proto::function_argument::ArgType;
use datafusion_substrait::substrait::proto::rel::RelType;
use datafusion_substrait::substrait::proto::{
    ExtensionMultiRel, ExtensionSingleRel, FunctionArgument, FunctionOption, PlanRel, Rel, RelRoot, plan_rel,
};
use serde_json::{Value, json};

use crate::error::BridgeError;
use crate::marked_table::MarkedTable;

pub const SCAN: &str = "weir/scan";
pub const WORK_TABLE: &str = "weir/work_table";
pub const JOIN: &str = "weir/join";
pub const UNNEST: &str = "weir/unnest";
pub const RECURSIVE_QUERY: &str = "weir/recursive_query";

pub const NULL_TREATMENT: &str = "null_treatment";
pub const IGNORE_NULLS: &str = "ignore_nulls";
pub const RESPECT_NULLS: &str = "respect_nulls";
pub const KIND: &str = "kind";
pub const AGGREGATE: &str = "aggregate";
pub const FRAME_UNITS: &str = "frame_units";
pub const GROUPS: &str = "groups";
/// Arguments after the function's own, in this order.
pub const FILTER: &str = "filter";
pub const START: &str = "frame_start";
pub const END: &str = "frame_end";
pub const FROM_ARGUMENTS: &str = "argument";

pub fn to_substrait(plan: &LogicalPlan, state: &SessionState) -> EngineResult<proto::Plan> {
    let mut producer = Producer { base: DefaultSubstraitProducer::new(state) };
    let input = *producer.handle_plan(plan)?;
    let names = producer.names(plan.schema())?;
    let root = RelRoot { input: Some(input), names };
    Ok(proto::Plan {
        version: Some(datafusion_substrait::substrait::version::version_with_producer("weir")),
        relations: vec![PlanRel { rel_type: Some(plan_rel::RelType::Root(root)) }],
        extensions: producer.get_extensions().into(),
        ..Default::default()
    })
}

fn unsupported<T>(what: impl Into<String>) -> EngineResult<T> {
    Err(DataFusionError::External(Box::new(BridgeError::user("unsupported", what.into()))))
}

fn advanced(type_url: &str, value: Value) -> Option<AdvancedExtension> {
    let mut extension = AdvancedExtension::default();
    let detail = extension.enhancement.get_or_insert_default();
    detail.type_url = type_url.to_string();
    detail.value = value.to_string().into_bytes().into();
    Some(extension)
}

fn option(name: &str, value: &str) -> FunctionOption {
    FunctionOption { name: name.to_string(), preference: vec![value.to_string()] }
}

fn null_treatment(treatment: Option<NullTreatment>) -> Option<FunctionOption> {
    treatment.map(|treatment| {
        let value = match treatment {
            NullTreatment::IgnoreNulls => IGNORE_NULLS,
            NullTreatment::RespectNulls => RESPECT_NULLS,
        };
        option(NULL_TREATMENT, value)
    })
}

/// Whether Substrait carries the bound as it is: a positive number, the current row, or no bound at all.
fn is_plain(bound: &WindowFrameBound) -> bool {
    match bound {
        WindowFrameBound::CurrentRow => true,
        WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance) => {
            distance.is_null() || matches!(distance, ScalarValue::UInt64(Some(1..)))
        }
    }
}

fn distance(bound: &WindowFrameBound) -> &ScalarValue {
    match bound {
        WindowFrameBound::CurrentRow => &ScalarValue::Null,
        WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance) => distance,
    }
}

/// The same bound with the distance 1, which Substrait has a form for.
fn plain(bound: &WindowFrameBound) -> WindowFrameBound {
    match bound {
        WindowFrameBound::CurrentRow => WindowFrameBound::CurrentRow,
        WindowFrameBound::Preceding(_) => WindowFrameBound::Preceding(ScalarValue::UInt64(Some(1))),
        WindowFrameBound::Following(_) => WindowFrameBound::Following(ScalarValue::UInt64(Some(1))),
    }
}

fn without_alias(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => without_alias(&alias.expr),
        other => other,
    }
}

struct Producer<'a> {
    base: DefaultSubstraitProducer<'a>,
}

impl Producer<'_> {
    /// As Substrait lists them: those of fields inside fields too.
    fn names(&mut self, schema: &DFSchemaRef) -> EngineResult<Vec<String>> {
        let empty = EmptyRelation { produce_one_row: false, schema: Arc::clone(schema) };
        match from_empty_relation(self, &empty)?.rel_type {
            Some(RelType::Read(read)) => Ok(read.base_schema.map(|schema| schema.names).unwrap_or_default()),
            _ => unsupported("columns without a schema"),
        }
    }

    fn unnest(&mut self, unnest: &Unnest) -> EngineResult<Box<Rel>> {
        let schema = unnest.input.schema();
        let columns = unnest
            .exec_columns
            .iter()
            .map(|column| schema.index_of_column(column))
            .collect::<EngineResult<Vec<usize>>>()?;
        let recursions = unnest
            .options
            .recursions
            .iter()
            .map(|recursion| {
                let input = schema.index_of_column(&recursion.input_column)?;
                Ok(json!({ "input": input, "output": recursion.output_column.name, "depth": recursion.depth }))
            })
            .collect::<EngineResult<Vec<Value>>>()?;
        let nulls = match unnest.options.null_handling {
            NullHandling::Preserve => "preserve",
            NullHandling::Drop => "drop",
            NullHandling::PreserveAndExpandEmpty => "preserve_and_expand_empty",
        };
        let mut rel = ExtensionSingleRel { input: Some(self.handle_plan(&unnest.input)?), ..Default::default() };
        let detail = rel.detail.get_or_insert_default();
        detail.type_url = UNNEST.to_string();
        let value = json!({ "columns": columns, "recursions": recursions, "nulls": nulls });
        detail.value = value.to_string().into_bytes().into();
        Ok(Box::new(Rel { rel_type: Some(RelType::ExtensionSingle(Box::new(rel))) }))
    }

    fn recursive_query(&mut self, query: &RecursiveQuery) -> EngineResult<Box<Rel>> {
        let inputs = vec![*self.handle_plan(&query.static_term)?, *self.handle_plan(&query.recursive_term)?];
        let mut rel = ExtensionMultiRel { inputs, ..Default::default() };
        let detail = rel.detail.get_or_insert_default();
        detail.type_url = RECURSIVE_QUERY.to_string();
        let columns: Vec<&String> = query.static_term.schema().fields().iter().map(|field| field.name()).collect();
        let value = json!({ "name": query.name, "distinct": query.is_distinct, "columns": columns });
        detail.value = value.to_string().into_bytes().into();
        Ok(Box::new(Rel { rel_type: Some(RelType::ExtensionMulti(rel)) }))
    }

    fn argument(&mut self, expr: &Expr, schema: &DFSchemaRef) -> EngineResult<FunctionArgument> {
        Ok(FunctionArgument { arg_type: Some(ArgType::Value(self.handle_expr(expr, schema)?)) })
    }
}

impl SubstraitProducer for Producer<'_> {
    fn register_function(&mut self, signature: String) -> u32 {
        self.base.register_function(signature)
    }
    fn register_type(&mut self, name: String) -> u32 {
        self.base.register_type(name)
    }
    fn get_extensions(self) -> Extensions {
        self.base.get_extensions()
    }
    fn push_lambda_parameters(&mut self, parameters: Vec<FieldRef>) -> EngineResult<()> {
        self.base.push_lambda_parameters(parameters)
    }
    fn pop_lambda_parameters(&mut self) -> EngineResult<()> {
        self.base.pop_lambda_parameters()
    }
    fn lambda_variable(&self, name: &str) -> EngineResult<(u32, i32)> {
        self.base.lambda_variable(name)
    }
    fn lambda_parameter_type(&self, name: &str) -> EngineResult<proto::Type> {
        self.base.lambda_parameter_type(name)
    }

    fn handle_plan(&mut self, plan: &LogicalPlan) -> EngineResult<Box<Rel>> {
        match plan {
            LogicalPlan::Unnest(unnest) => self.unnest(unnest),
            LogicalPlan::RecursiveQuery(query) => self.recursive_query(query),
            other => to_substrait_rel(self, other),
        }
    }

    fn handle_table_scan(&mut self, scan: &TableScan) -> EngineResult<Box<Rel>> {
        let mut rel = from_table_scan(self, scan)?;
        let provider = source_as_provider(&scan.source)?;
        let extension = if let Some(scan) = provider.downcast_ref::<MarkedTable>().and_then(MarkedTable::scan_index) {
            advanced(SCAN, json!({ "scan": scan }))
        } else if let Some(work_table) = provider.downcast_ref::<CteWorkTable>() {
            advanced(WORK_TABLE, json!({ "name": work_table.name() }))
        } else {
            None
        };
        if let Some(RelType::Read(read)) = &mut rel.rel_type {
            read.advanced_extension = extension;
        }
        Ok(rel)
    }

    fn handle_join(&mut self, join: &Join) -> EngineResult<Box<Rel>> {
        let mut on = join.clone();
        on.join_constraint = JoinConstraint::On;
        let mut rel = from_join(self, &on)?;
        if let (true, Some(RelType::Join(read))) = (join.null_aware, &mut rel.rel_type) {
            read.advanced_extension = advanced(JOIN, json!({ "null_aware": true }));
        }
        Ok(rel)
    }

    fn handle_aggregate(&mut self, aggregate: &Aggregate) -> EngineResult<Box<Rel>> {
        let mut rel = from_aggregate(self, aggregate)?;
        if let Some(RelType::Aggregate(written)) = &mut rel.rel_type {
            for (measure, expr) in written.measures.iter_mut().zip(&aggregate.aggr_expr) {
                if let (Some(function), Expr::AggregateFunction(AggregateFunction { params, .. })) =
                    (&mut measure.measure, without_alias(expr))
                {
                    function.options.extend(null_treatment(params.null_treatment));
                }
            }
        }
        Ok(rel)
    }

    fn handle_window_function(
        &mut self,
        function: &WindowFunction,
        schema: &DFSchemaRef,
    ) -> EngineResult<proto::Expression> {
        let params = &function.params;
        let frame = &params.window_frame;
        let mut options: Vec<FunctionOption> = null_treatment(params.null_treatment).into_iter().collect();
        if matches!(function.fun, WindowFunctionDefinition::AggregateUDF(_)) {
            options.push(option(KIND, AGGREGATE));
        }
        let mut carried = function.clone();
        if frame.units == WindowFrameUnits::Groups {
            carried.params.window_frame.units = WindowFrameUnits::Rows;
            options.push(option(FRAME_UNITS, GROUPS));
        }
        let mut arguments = Vec::new();
        if let Some(filter) = &params.filter {
            options.push(option(FILTER, FROM_ARGUMENTS));
            arguments.push(self.argument(filter, schema)?);
        }
        for (name, bound) in [(START, &frame.start_bound), (END, &frame.end_bound)] {
            if !is_plain(bound) {
                options.push(option(name, FROM_ARGUMENTS));
                arguments.push(self.argument(&Expr::Literal(distance(bound).clone(), None), schema)?);
            }
        }
        if !is_plain(&frame.start_bound) {
            carried.params.window_frame.start_bound = plain(&frame.start_bound);
        }
        if !is_plain(&frame.end_bound) {
            carried.params.window_frame.end_bound = plain(&frame.end_bound);
        }
        let mut expression = from_window_function(self, &carried, schema)?;
        if let Some(RexType::WindowFunction(written)) = &mut expression.rex_type {
            written.options = options;
            written.arguments.extend(arguments);
            if params.distinct {
                written.invocation = AggregationInvocation::Distinct as i32;
            }
        }
        Ok(expression)
    }
}

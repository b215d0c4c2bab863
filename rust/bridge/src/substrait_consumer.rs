// SPDX-License-Identifier: Apache-2.0
//! Plans from Substrait, with the extensions that `substrait_producer` writes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{
    Column, DFSchema, NullHandling, RecursionUnnestOption, ScalarValue, TableReference, UnnestOptions,
};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::builder::unnest_with_options;
use datafusion::logical_expr::expr::{NullTreatment, WindowFunction};
use datafusion::logical_expr::{
    Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, RecursiveQuery, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition,
};
use datafusion_substrait::extensions::Extensions;
use datafusion_substrait::logical_plan::consumer::{
    DefaultSubstraitConsumer, SubstraitConsumer, from_aggregate_rel, from_join_rel, from_read_rel,
    from_substrait_named_struct, from_substrait_plan_with_consumer, from_window_function,
};
use datafusion_substrait::substrait::proto;
use datafusion_substrait::substrait::proto::aggregate_function::AggregationInvocation;
use datafusion_substrait::substrait::proto::extensions::AdvancedExtension;
use datafusion_substrait::substrait::proto::function_argument::ArgType;
use datafusion_substrait::substrait::proto::read_rel::ReadType;
use datafusion_substrait::substrait::proto::{
    AggregateRel, ExtensionMultiRel, ExtensionSingleRel, FunctionOption, JoinRel, ReadRel, Type,
};
use serde_json::Value;

use crate::empty_table::EMPTY_TABLE;
use crate::error::BridgeError;
use crate::substrait_producer::{
    AGGREGATE, END, FILTER, FRAME_UNITS, GROUPS, IGNORE_NULLS, JOIN, KIND, NULL_TREATMENT, RECURSIVE_QUERY, SCAN,
    START, UNNEST, WORK_TABLE,
};

/// Scans that `tables` has by their index read those, others the session's table of their name.
pub async fn from_substrait(
    state: &SessionState,
    plan: &proto::Plan,
    tables: &HashMap<u32, Arc<dyn TableProvider>>,
) -> EngineResult<LogicalPlan> {
    let extensions = Extensions::try_from(&plan.extensions)?;
    let consumer =
        Consumer { base: DefaultSubstraitConsumer::new(&extensions, state), state, tables, reads: Mutex::default() };
    from_substrait_plan_with_consumer(&consumer, plan).await
}

fn corrupt(what: &str) -> DataFusionError {
    DataFusionError::External(Box::new(BridgeError::user("corrupt", format!("a Substrait plan is damaged: {what}"))))
}

fn enhancement(extension: &Option<AdvancedExtension>, type_url: &str) -> EngineResult<Option<Value>> {
    let Some(detail) = extension.as_ref().and_then(|extension| extension.enhancement.as_ref()) else {
        return Ok(None);
    };
    if detail.type_url != type_url {
        return Ok(None);
    }
    serde_json::from_slice(&detail.value).map(Some).map_err(|_| corrupt(type_url))
}

fn option<'a>(options: &'a [FunctionOption], name: &str) -> Option<&'a str> {
    options.iter().find(|option| option.name == name).and_then(|option| option.preference.first()).map(String::as_str)
}

fn null_treatment(options: &[FunctionOption]) -> Option<NullTreatment> {
    option(options, NULL_TREATMENT).map(|value| match value {
        IGNORE_NULLS => NullTreatment::IgnoreNulls,
        _ => NullTreatment::RespectNulls,
    })
}

fn index(value: &Value) -> EngineResult<usize> {
    value.as_u64().map(|index| index as usize).ok_or_else(|| corrupt("an index"))
}

fn column(schema: &DFSchema, position: usize) -> EngineResult<Column> {
    if position >= schema.fields().len() {
        return Err(corrupt("the index of a column"));
    }
    Ok(Column::from(schema.qualified_field(position)))
}

fn with_distance(bound: &WindowFrameBound, distance: Expr) -> EngineResult<WindowFrameBound> {
    let Expr::Literal(distance, _) = distance else {
        return Err(corrupt("the distance of a frame"));
    };
    Ok(match bound {
        WindowFrameBound::CurrentRow => WindowFrameBound::CurrentRow,
        WindowFrameBound::Preceding(_) => WindowFrameBound::Preceding(distance),
        WindowFrameBound::Following(_) => WindowFrameBound::Following(distance),
    })
}

/// Rows and groups are counted: unbounded is a count that is not known, where Substrait has nothing at all.
fn counted(bound: &WindowFrameBound) -> WindowFrameBound {
    match bound {
        WindowFrameBound::Preceding(distance) if distance.is_null() => {
            WindowFrameBound::Preceding(ScalarValue::UInt64(None))
        }
        WindowFrameBound::Following(distance) if distance.is_null() => {
            WindowFrameBound::Following(ScalarValue::UInt64(None))
        }
        other => other.clone(),
    }
}

fn with_null_treatment(expr: Expr, treatment: NullTreatment) -> Expr {
    match expr {
        Expr::Alias(mut alias) => {
            alias.expr = Box::new(with_null_treatment(*alias.expr, treatment));
            Expr::Alias(alias)
        }
        Expr::AggregateFunction(mut function) => {
            function.params.null_treatment = Some(treatment);
            Expr::AggregateFunction(function)
        }
        other => other,
    }
}

struct Consumer<'a> {
    base: DefaultSubstraitConsumer<'a>,
    state: &'a SessionState,
    tables: &'a HashMap<u32, Arc<dyn TableProvider>>,
    /// Indexes of the scans that are being read, the innermost last.
    reads: Mutex<Vec<Option<u32>>>,
}

impl Consumer<'_> {
    fn reads(&self) -> std::sync::MutexGuard<'_, Vec<Option<u32>>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scan of a table that exists in the plan alone.
    fn plan_table(&self, rel: &ReadRel) -> EngineResult<Option<LogicalPlan>> {
        let Some(named_struct) = &rel.base_schema else {
            return Ok(None);
        };
        let provider: (String, Arc<dyn TableProvider>) =
            if let Some(detail) = enhancement(&rel.advanced_extension, WORK_TABLE)? {
                let name = detail["name"].as_str().ok_or_else(|| corrupt(WORK_TABLE))?;
                let schema = from_substrait_named_struct(self, named_struct)?;
                (name.to_string(), Arc::new(CteWorkTable::new(name, Arc::clone(schema.inner()))))
            } else if matches!(&rel.read_type, Some(ReadType::NamedTable(table)) if table.names == [EMPTY_TABLE]) {
                let schema = from_substrait_named_struct(self, named_struct)?;
                (EMPTY_TABLE.to_string(), Arc::new(EmptyTable::new(Arc::clone(schema.inner()))))
            } else {
                return Ok(None);
            };
        let projection = rel
            .projection
            .as_ref()
            .and_then(|mask| mask.select.as_ref())
            .map(|select| select.struct_items.iter().map(|item| item.field as usize).collect::<Vec<usize>>());
        let source = datafusion::datasource::provider_as_source(provider.1);
        Ok(Some(LogicalPlanBuilder::scan(provider.0, source, projection)?.build()?))
    }
}

#[async_trait]
impl SubstraitConsumer for Consumer<'_> {
    async fn resolve_table_ref(&self, table_ref: &TableReference) -> EngineResult<Option<Arc<dyn TableProvider>>> {
        let scan = self.reads().last().copied().flatten();
        if let Some(table) = scan.and_then(|scan| self.tables.get(&scan)) {
            return Ok(Some(Arc::clone(table)));
        }
        self.base.resolve_table_ref(table_ref).await
    }
    fn get_extensions(&self) -> &Extensions {
        self.base.get_extensions()
    }
    fn get_function_registry(&self) -> &impl FunctionRegistry {
        self.state
    }
    fn push_outer_schema(&self, schema: Arc<DFSchema>) {
        self.base.push_outer_schema(schema);
    }
    fn pop_outer_schema(&self) {
        self.base.pop_outer_schema();
    }
    fn get_outer_schema(&self, steps_out: usize) -> Option<Arc<DFSchema>> {
        self.base.get_outer_schema(steps_out)
    }
    fn push_lambda_parameters(&self, parameters: &[Type], input_schema: &DFSchema) -> EngineResult<Vec<String>> {
        self.base.push_lambda_parameters(parameters, input_schema)
    }
    fn pop_lambda_parameters(&self) {
        self.base.pop_lambda_parameters();
    }
    fn lambda_variable(&self, steps_out: usize, field_idx: usize) -> EngineResult<Expr> {
        self.base.lambda_variable(steps_out, field_idx)
    }

    async fn consume_read(&self, rel: &ReadRel) -> EngineResult<LogicalPlan> {
        if let Some(plan) = self.plan_table(rel)? {
            return Ok(plan);
        }
        let detail = enhancement(&rel.advanced_extension, SCAN)?;
        let scan = detail.map(|detail| index(&detail["scan"])).transpose()?;
        self.reads().push(scan.map(|scan| scan as u32));
        let plan = from_read_rel(self, rel).await;
        self.reads().pop();
        plan
    }

    async fn consume_join(&self, rel: &JoinRel) -> EngineResult<LogicalPlan> {
        let plan = from_join_rel(self, rel).await?;
        let detail = enhancement(&rel.advanced_extension, JOIN)?;
        match plan {
            LogicalPlan::Join(mut join) if detail.is_some() => {
                join.null_aware = true;
                Ok(LogicalPlan::Join(join))
            }
            plan => Ok(plan),
        }
    }

    async fn consume_aggregate(&self, rel: &AggregateRel) -> EngineResult<LogicalPlan> {
        let plan = from_aggregate_rel(self, rel).await?;
        let treatments: Vec<Option<NullTreatment>> = rel
            .measures
            .iter()
            .map(|measure| measure.measure.as_ref().and_then(|function| null_treatment(&function.options)))
            .collect();
        match plan {
            LogicalPlan::Aggregate(aggregate) if treatments.iter().any(Option::is_some) => {
                let values = aggregate.aggr_expr.into_iter().zip(treatments).map(|(expr, treatment)| match treatment {
                    Some(treatment) => with_null_treatment(expr, treatment),
                    None => expr,
                });
                let aggregate = Aggregate::try_new(aggregate.input, aggregate.group_expr, values.collect())?;
                Ok(LogicalPlan::Aggregate(aggregate))
            }
            plan => Ok(plan),
        }
    }

    async fn consume_window_function(
        &self,
        written: &proto::expression::WindowFunction,
        input_schema: &DFSchema,
    ) -> EngineResult<Expr> {
        let mut own = written.clone();
        let extra: Vec<&str> =
            [FILTER, START, END].into_iter().filter(|name| option(&written.options, name).is_some()).collect();
        if extra.len() > own.arguments.len() {
            return Err(corrupt("the arguments of a window function"));
        }
        let carried = own.arguments.split_off(own.arguments.len() - extra.len());
        let expr = from_window_function(self, &own, input_schema).await?;
        let Expr::WindowFunction(mut function) = expr else {
            return Ok(expr);
        };
        for (name, argument) in extra.into_iter().zip(&carried) {
            let Some(ArgType::Value(value)) = &argument.arg_type else {
                return Err(corrupt("an argument of a window function"));
            };
            let value = self.consume_expression(value, input_schema).await?;
            let frame = &mut function.params.window_frame;
            match name {
                FILTER => function.params.filter = Some(Box::new(value)),
                START => frame.start_bound = with_distance(&frame.start_bound, value)?,
                _ => frame.end_bound = with_distance(&frame.end_bound, value)?,
            }
        }
        self.set_options(&mut function, written)?;
        Ok(Expr::WindowFunction(function))
    }

    async fn consume_extension_single(&self, rel: &ExtensionSingleRel) -> EngineResult<LogicalPlan> {
        let (Some(detail), Some(input)) = (&rel.detail, &rel.input) else {
            return Err(corrupt("an extension"));
        };
        if detail.type_url != UNNEST {
            return self.base.consume_extension_single(rel).await;
        }
        let detail: Value = serde_json::from_slice(&detail.value).map_err(|_| corrupt(UNNEST))?;
        let input = self.consume_rel(input).await?;
        let list = |name: &str| detail[name].as_array().cloned().unwrap_or_default();
        let columns = list("columns")
            .iter()
            .map(|position| column(input.schema(), index(position)?))
            .collect::<EngineResult<Vec<Column>>>()?;
        let recursions = list("recursions")
            .iter()
            .map(|recursion| {
                Ok(RecursionUnnestOption {
                    input_column: column(input.schema(), index(&recursion["input"])?)?,
                    output_column: Column::from_name(recursion["output"].as_str().unwrap_or_default()),
                    depth: index(&recursion["depth"])?,
                })
            })
            .collect::<EngineResult<Vec<RecursionUnnestOption>>>()?;
        let null_handling = match detail["nulls"].as_str() {
            Some("preserve") => NullHandling::Preserve,
            Some("drop") => NullHandling::Drop,
            Some("preserve_and_expand_empty") => NullHandling::PreserveAndExpandEmpty,
            _ => return Err(corrupt("the nulls of UNNEST")),
        };
        unnest_with_options(input, columns, UnnestOptions { null_handling, recursions })
    }

    async fn consume_extension_multi(&self, rel: &ExtensionMultiRel) -> EngineResult<LogicalPlan> {
        let (Some(detail), [start, step]) = (&rel.detail, rel.inputs.as_slice()) else {
            return self.base.consume_extension_multi(rel).await;
        };
        if detail.type_url != RECURSIVE_QUERY {
            return self.base.consume_extension_multi(rel).await;
        }
        let detail: Value = serde_json::from_slice(&detail.value).map_err(|_| corrupt(RECURSIVE_QUERY))?;
        let start = self.consume_rel(start).await?;
        let step = self.consume_rel(step).await?;
        let names = detail["columns"].as_array().cloned().unwrap_or_default();
        if names.len() != start.schema().fields().len() {
            return Err(corrupt("the columns of a recursive query"));
        }
        // The work table knows its columns by these names.
        let columns = start
            .schema()
            .columns()
            .into_iter()
            .zip(&names)
            .map(|(column, name)| Expr::Column(column).alias(name.as_str().unwrap_or_default()));
        let start = LogicalPlanBuilder::from(start.clone()).project(columns.collect::<Vec<Expr>>())?.build()?;
        let name = detail["name"].as_str().unwrap_or_default().to_string();
        let is_distinct = detail["distinct"].as_bool().ok_or_else(|| corrupt("UNION of a recursive query"))?;
        let query = RecursiveQuery::try_new(name, Arc::new(start), Arc::new(step), is_distinct)?;
        Ok(LogicalPlan::RecursiveQuery(query))
    }
}

impl Consumer<'_> {
    fn set_options(
        &self,
        function: &mut WindowFunction,
        written: &proto::expression::WindowFunction,
    ) -> EngineResult<()> {
        function.params.null_treatment = null_treatment(&written.options);
        function.params.distinct = written.invocation == AggregationInvocation::Distinct as i32;
        if option(&written.options, KIND) == Some(AGGREGATE) {
            let name = function.fun.name().to_string();
            function.fun = WindowFunctionDefinition::AggregateUDF(self.state.udaf(&name)?);
        }
        let frame = &function.params.window_frame;
        let units = match option(&written.options, FRAME_UNITS) {
            Some(GROUPS) => WindowFrameUnits::Groups,
            _ => frame.units,
        };
        if units != WindowFrameUnits::Range {
            function.params.window_frame =
                WindowFrame::new_bounds(units, counted(&frame.start_bound), counted(&frame.end_bound));
        }
        Ok(())
    }
}

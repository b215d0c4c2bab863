// SPDX-License-Identifier: Apache-2.0
//! Single expressions, compiled once and evaluated batch by batch, apart from any plan; and the two things that are done with
//! their masks and values: choosing rows and casting columns.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, from_ffi_and_data_type, to_ffi};
use arrow::record_batch::RecordBatch;
use arrow::util::display::FormatOptions;
use chrono::{DateTime, Utc};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, visit_expressions};
use datafusion_proto::bytes::Serializeable;

use crate::clock::time_of;
use crate::constants::refuse_constant_problems;
use crate::error::{BridgeError, Result, entry};
use crate::ffi;
use crate::functions::{complete_calls, expand_user_functions};
use crate::guards::{Guards, TreeGuards, guarded_expression};
use crate::parameters::Parameters;
use crate::planning_steps::{Steps, collecting, for_bridge};
use crate::runtime::runtime;
use crate::session::Session;
use crate::table::{import_batch, import_schema};

/// A boolean expression over the columns of batches of one schema.
pub struct CompiledPredicate {
    /// Type-checked and coerced, not simplified: the same whenever it is compiled.
    logical: Expr,
    physical: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    /// What native functions did to it; of one that was read from bytes nothing is known.
    steps: Steps,
}

/// What an expression over the columns of one row cannot hold.
fn refuse_other_rows(expression: &SqlExpr) -> Result<()> {
    let found = visit_expressions(expression, |part| match part {
        SqlExpr::Subquery(_) | SqlExpr::InSubquery { .. } | SqlExpr::Exists { .. } => ControlFlow::Break("a subquery"),
        SqlExpr::Function(call) if call.over.is_some() => ControlFlow::Break("a window function"),
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Break(what) => Err(BridgeError::user(
            "unsupported",
            format!("an expression over the columns of one row is wanted, found {what}"),
        )),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn parse(state: &SessionState, sql: &str, dialect: &str, schema: &DFSchema) -> Result<Expr> {
    let mut parsed = crate::parsing::parse_expression(state, sql, dialect)?;
    if let Some(alias) = &parsed.alias {
        return Err(BridgeError::user(
            "plan_failed",
            format!("an expression without a name of its own is wanted, found the name `{alias}`"),
        ));
    }
    refuse_other_rows(&parsed.expr)?;
    Parameters::of(state).fill_all(&mut parsed.expr)?;
    complete_calls(state, &mut parsed.expr);
    TreeGuards::of(state).expressions(&mut parsed.expr)?;
    let expression = state.create_logical_expr_from_sql_expr(parsed, schema)?;
    let expression = expand_user_functions(expression, schema)?;
    if expression.exists(|part| Ok(matches!(part, Expr::AggregateFunction(_) | Expr::WindowFunction(_))))? {
        return Err(BridgeError::user(
            "unsupported",
            "an expression over the columns of one row is wanted, found an aggregate function",
        ));
    }
    Ok(expression)
}

/// Functions that only the simplifier knows to evaluate.
const REPLACED: [&str; 10] = [
    "arrow_cast",
    "arrow_try_cast",
    "cast_to_type",
    "coalesce",
    "current_date",
    "current_time",
    "now",
    "nvl",
    "nvl2",
    "try_cast_to_type",
];

/// Has calls of such functions replaced; nothing else is simplified.
fn with_calls_replaced(expression: Expr, context: &SimplifyContext) -> datafusion::error::Result<Expr> {
    expression
        .transform_up(|part| match part {
            Expr::ScalarFunction(ScalarFunction { func, args }) if REPLACED.contains(&func.name()) => {
                Ok(match func.simplify(args, context)? {
                    ExprSimplifyResult::Simplified(replaced) => Transformed::yes(replaced),
                    ExprSimplifyResult::Original(args) => {
                        Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))
                    }
                })
            }
            other => Ok(Transformed::no(other)),
        })
        .data()
}

impl CompiledPredicate {
    /// `now`: what calls of the clock give.
    fn new(
        state: &SessionState,
        expression: Expr,
        arrow_schema: SchemaRef,
        schema: &DFSchema,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(schema.clone()))
            .with_config_options(Arc::clone(state.config_options()))
            .with_query_execution_start_time(Some(now))
            .build();
        let logical = ExprSimplifier::new(context.clone()).coerce(expression, schema)?;
        let found = logical.get_type(schema)?;
        if found != DataType::Boolean {
            return Err(BridgeError::user(
                "plan_failed",
                format!("a boolean expression is wanted, found one of the type {found}"),
            ));
        }
        if logical.is_volatile() {
            return Err(BridgeError::user(
                "unsupported",
                "an expression that is the same at every evaluation is wanted, found a volatile function",
            ));
        }
        refuse_constant_problems(state, &logical, schema)?;
        let executed = Guards::executed_expression(state, with_calls_replaced(logical.clone(), &context)?, schema)?;
        let physical = state.create_physical_expr(executed, schema)?;
        let physical = guarded_expression(state, physical, &arrow_schema)?;
        Ok(Self { logical, physical, schema: arrow_schema, steps: Steps::new() })
    }

    pub fn to_proto(&self) -> Result<Vec<u8>> {
        entry(|| Ok(self.logical.to_bytes()?.to_vec()))
    }

    pub fn display(&self) -> String {
        self.logical.to_string()
    }

    pub fn columns(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.logical.column_refs().into_iter().map(|c| c.name.clone()).collect();
        names.into_iter().collect()
    }

    pub fn functions(&self) -> Vec<String> {
        let mut names = BTreeSet::new();
        let _ = self.logical.apply(|part| {
            if let Expr::ScalarFunction(call) = part {
                names.insert(call.func.name().to_string());
            }
            Ok(TreeNodeRecursion::Continue)
        });
        names.into_iter().collect()
    }

    pub fn steps(&self) -> Vec<ffi::PlanningStep> {
        for_bridge(&self.steps)
    }

    /// True where the expression is true; false where it is false or NULL.
    pub unsafe fn evaluate(
        &self,
        array: *mut ffi::ArrowArray,
        schema: *mut ffi::ArrowSchema,
        out_mask: *mut ffi::ArrowArray,
    ) -> Result<()> {
        entry(|| {
            let batch = unsafe { import_batch(array, schema) }?;
            let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?;
            let values = self.physical.evaluate(&batch)?.into_array(batch.num_rows())?;
            let values = values.as_boolean();
            let mask = if values.null_count() == 0 { values.clone() } else { prep_null_mask_filter(values) };
            unsafe { export_array(&mask, out_mask) }
        })
    }
}

pub unsafe fn compile_predicate(
    session: &Session,
    sql: &str,
    dialect: &str,
    schema: *mut ffi::ArrowSchema,
) -> Result<Box<CompiledPredicate>> {
    entry(|| {
        let schema = unsafe { import_schema(schema) }?;
        let named = DFSchema::try_from(Arc::clone(&schema))?;
        let state = session.context.state();
        let (expression, steps) = collecting(|| parse(&state, sql, dialect, &named));
        let compiled = CompiledPredicate::new(&state, expression?, schema, &named, Utc::now())?;
        Ok(Box::new(CompiledPredicate { steps, ..compiled }))
    })
}

pub unsafe fn compile_predicate_from_proto(
    session: &Session,
    bytes: &[u8],
    schema: *mut ffi::ArrowSchema,
    now_us: i64,
) -> Result<Box<CompiledPredicate>> {
    entry(|| {
        let schema = unsafe { import_schema(schema) }?;
        let named = DFSchema::try_from(Arc::clone(&schema))?;
        let _guard = runtime().enter();
        let expression = Expr::from_bytes_with_ctx(bytes, &session.context.task_ctx())?;
        let unqualified = expression.transform(|part| match part {
            Expr::Column(column) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))),
            other => Ok(Transformed::no(other)),
        })?;
        let expression = expand_user_functions(unqualified.data, &named)?;
        Ok(Box::new(CompiledPredicate::new(&session.context.state(), expression, schema, &named, time_of(now_us)?)?))
    })
}

/// REQUIRES: `out` points to a structure without content.
unsafe fn export_array(array: &dyn Array, out: *mut ffi::ArrowArray) -> Result<()> {
    let (exported, _schema) = to_ffi(&array.to_data())?;
    unsafe { std::ptr::write(out.cast::<FFI_ArrowArray>(), exported) };
    Ok(())
}

pub unsafe fn filter_batch(
    array: *mut ffi::ArrowArray,
    schema: *mut ffi::ArrowSchema,
    mask: *mut ffi::ArrowArray,
    out_array: *mut ffi::ArrowArray,
) -> Result<()> {
    entry(|| {
        let batch = unsafe { import_batch(array, schema) }?;
        let mask = unsafe { from_ffi_and_data_type(FFI_ArrowArray::from_raw(mask.cast()), DataType::Boolean) }?;
        let kept = filter_record_batch(&batch, &BooleanArray::from(mask))?;
        unsafe { export_array(&StructArray::from(kept), out_array) }
    })
}

pub unsafe fn cast_batch(
    array: *mut ffi::ArrowArray,
    schema: *mut ffi::ArrowSchema,
    wanted: *mut ffi::ArrowSchema,
    out_array: *mut ffi::ArrowArray,
) -> Result<()> {
    entry(|| {
        let batch = unsafe { import_batch(array, schema) }?;
        let wanted = unsafe { import_schema(wanted) }?;
        let options = CastOptions { safe: false, format_options: FormatOptions::default() };
        let columns = batch
            .columns()
            .iter()
            .zip(wanted.fields())
            .map(|(column, field)| cast_with_options(column, field.data_type(), &options))
            .collect::<std::result::Result<Vec<ArrayRef>, _>>()?;
        let cast = StructArray::try_new(wanted.fields().clone(), columns, None)?;
        unsafe { export_array(&cast, out_array) }
    })
}

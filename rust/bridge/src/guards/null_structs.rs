// SPDX-License-Identifier: Apache-2.0
//! A field of a struct that is NULL is NULL. The engine hands out the column of the field as it lies in memory, where something stands
//! behind a NULL: zeros where files say that the field is never missing, or what a struct held before NULLIF.
//!
//! The engine's function stays in plans that are kept. Another takes its place in a plan that is about to be executed; scans of Parquet get
//! the engine's back, since their reader knows by it which parts of a struct are read, under an expression that sees to the NULLs.
//! Structs in UNNEST become projections of their fields.

use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, exec_err};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions::core::getfield::GetFieldFunc;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, Projection, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Unnest,
};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use super::nodes::{has, map_named};
use super::scans::adapt_scans;
use super::substitute::{Behaviour, as_given, behaving, replaced};
use super::{About, Guard, Means, PhysicalRules};

pub struct NullStructs;

impl Guard for NullStructs {
    fn about(&self) -> About {
        About {
            name: "null_structs",
            version: 1,
            fault: "`s['a'] IS NULL` is false where `s` is NULL and its field NOT NULL, and `nullif(s, s)['a']` is a value; so is \
                    what `unnest(s)` makes of them",
            upstream: "unreported",
            means: Means::Correction,
            effect: "fields of a struct that is NULL are NULL",
        }
    }

    fn planned(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Unnest(unnest) if !unnest.struct_type_columns.is_empty() => {
                Ok(Transformed::yes(without_structs(unnest)?))
            }
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn executed_plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| match has(&node, is_engines)? {
            true => map_named(node, |expression| expression.transform_up(|part| Ok(with_nulls(part)))),
            false => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn executed_expression(&self, expression: Expr, _schema: &DFSchema) -> Result<Expr> {
        expression.transform_up(|part| Ok(with_nulls(part))).data()
    }

    fn physical_rules(&self, rules: &mut PhysicalRules) {
        rules.push(Arc::new(NullStructsInScans));
    }
}

/// The columns of an UNNEST in the same order, those of structs made by a projection below.
fn without_structs(unnest: Unnest) -> Result<LogicalPlan> {
    let is_struct = |index: &usize| unnest.struct_type_columns.contains(index);
    let mut columns = Vec::new();
    let mut lists = Vec::new();
    for (index, (qualifier, field)) in unnest.input.schema().iter().enumerate() {
        let column = Column::from((qualifier, field));
        match field.data_type() {
            DataType::Struct(fields) if is_struct(&index) => {
                for part in fields {
                    // As the engine calls them.
                    let name = format!("{}.{}", column.name, part.name());
                    columns.push(get_field(Expr::Column(column.clone()), part.name()).alias(name));
                }
            }
            _ => {
                if unnest.exec_columns.contains(&column) {
                    lists.push(column.clone());
                }
                columns.push(Expr::Column(column));
            }
        }
    }
    let parts = Arc::new(LogicalPlan::Projection(Projection::try_new(columns, unnest.input)?));
    if lists.is_empty() {
        return Ok(Arc::unwrap_or_clone(parts));
    }
    Ok(LogicalPlan::Unnest(Unnest::try_new(parts, lists, unnest.options)?))
}

fn is_engines(part: &Expr) -> bool {
    matches!(part, Expr::ScalarFunction(call) if call.func.inner().is::<GetFieldFunc>())
}

fn with_nulls(part: Expr) -> Transformed<Expr> {
    match part {
        Expr::ScalarFunction(call) if call.func.inner().is::<GetFieldFunc>() => {
            let func = Arc::new(behaving(call.func, FieldOfStruct));
            Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args: call.args }))
        }
        other => Transformed::no(other),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FieldOfStruct;

impl Behaviour for FieldOfStruct {
    fn invoke(self, _engine: &Arc<ScalarUDF>, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((source, names)) = args.args.split_first() else {
            return exec_err!("get_field takes a struct and the names of fields");
        };
        let is_scalar = matches!(source, ColumnarValue::Scalar(_));
        let rows = if is_scalar { 1 } else { args.number_rows };
        as_given(field_of(source.to_array(rows)?, names)?, is_scalar)
    }
}

/// The field of that path, NULL wherever anything on the path is.
fn field_of(source: ArrayRef, path: &[ColumnarValue]) -> Result<ArrayRef> {
    static ENGINE: LazyLock<GetFieldFunc> = LazyLock::new(GetFieldFunc::new);
    static CONFIG: LazyLock<Arc<ConfigOptions>> = LazyLock::new(Arc::default);
    path.iter().try_fold(source, |parent, name| {
        let step = ScalarFunctionArgs {
            args: vec![ColumnarValue::Array(Arc::clone(&parent)), name.clone()],
            arg_fields: Vec::new(),
            number_rows: parent.len(),
            return_field: Arc::new(Field::new("", DataType::Null, true)),
            config_options: Arc::clone(&CONFIG),
        };
        null_where(ENGINE.invoke_with_args(step)?.into_array(parent.len())?, parent.as_ref())
    })
}

/// The values, and NULL where `parent` is.
fn null_where(values: ArrayRef, parent: &dyn Array) -> Result<ArrayRef> {
    let Some(nulls) = parent.logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(values);
    };
    if matches!(values.data_type(), DataType::Union(_, _) | DataType::RunEndEncoded(_, _)) {
        return exec_err!("fields of the type {} cannot be taken of structs that are NULL", values.data_type());
    }
    Ok(nullif(values.as_ref(), &BooleanArray::new(!nulls.inner(), None))?)
}

#[derive(Debug)]
struct NullStructsInScans;

impl PhysicalOptimizerRule for NullStructsInScans {
    fn name(&self) -> &str {
        "null_structs_in_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        adapt_scans(plan, |inner| Arc::new(NullStructsFactory { inner }))
    }
}

#[derive(Debug)]
struct NullStructsFactory {
    inner: Arc<dyn PhysicalExprAdapterFactory>,
}

impl PhysicalExprAdapterFactory for NullStructsFactory {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(NullStructsAdapter { inner: self.inner.create(table, file)? }))
    }
}

#[derive(Debug)]
struct NullStructsAdapter {
    inner: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for NullStructsAdapter {
    fn rewrite(&self, expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let engines = expression.transform_up(|part| Ok(as_engines(part))).data()?;
        let adapted = self.inner.rewrite(engines)?;
        adapted
            .transform_up(|part| match ScalarFunctionExpr::try_downcast_func::<GetFieldFunc>(part.as_ref()) {
                Some(_) => Ok(Transformed::yes(Arc::new(FieldExpr { access: part }) as Arc<dyn PhysicalExpr>)),
                None => Ok(Transformed::no(part)),
            })
            .data()
    }
}

fn as_engines(part: Arc<dyn PhysicalExpr>) -> Transformed<Arc<dyn PhysicalExpr>> {
    let Some(call) = part.downcast_ref::<ScalarFunctionExpr>() else { return Transformed::no(part) };
    let Some(engine) = replaced::<FieldOfStruct>(call.fun()) else { return Transformed::no(part) };
    let field = Arc::new(Field::new(call.name(), call.return_type().clone(), call.nullable()));
    Transformed::yes(Arc::new(ScalarFunctionExpr::new(
        call.name(),
        Arc::clone(engine),
        call.args().to_vec(),
        field,
        Arc::new(call.config_options().clone()),
    )))
}

/// What the engine's call would give, but for the NULLs. The call is its only child, so that a reader sees what is read.
#[derive(Debug, Eq)]
struct FieldExpr {
    access: Arc<dyn PhysicalExpr>,
}

impl Hash for FieldExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.access.hash(state);
    }
}

impl PartialEq for FieldExpr {
    fn eq(&self, other: &Self) -> bool {
        self.access.eq(&other.access)
    }
}

impl Display for FieldExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.access.fmt(f)
    }
}

impl PhysicalExpr for FieldExpr {
    fn data_type(&self, input: &Schema) -> Result<DataType> {
        self.access.data_type(input)
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.access.nullable(input)
    }

    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.access.return_field(input)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let call = self.access.downcast_ref::<ScalarFunctionExpr>();
        let Some((source, names)) = call.and_then(|call| call.args().split_first()) else {
            return self.access.evaluate(batch);
        };
        let names = names.iter().map(|name| name.evaluate(batch)).collect::<Result<Vec<_>>>()?;
        let source = source.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(field_of(source, &names)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.access]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let access = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.access));
        Ok(Arc::new(Self { access }))
    }

    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.access.fmt_sql(f)
    }
}

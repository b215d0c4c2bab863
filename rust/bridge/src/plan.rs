// SPDX-License-Identifier: Apache-2.0
//! Logical and physical plans, and their forms: protobuf, Substrait, displays, executions.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::common::alias::AliasGenerator;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder, Projection, Sort, col};
use datafusion::optimizer::OptimizerConfig;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, displayable};
use datafusion::sql::parser::Statement;
use datafusion_proto::bytes::{
    logical_plan_from_bytes_with_extension_codec, logical_plan_to_bytes_with_extension_codec,
};
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use futures::StreamExt;
use prost::Message;
use serde_json::{Value, json};
use sqlparser::ast;

use crate::error::{BridgeError, Result, entry};
use crate::ffi;
use crate::marked_table::MarkedTable;
use crate::planning_steps::{Steps, collecting, for_bridge};
use crate::runtime::{Cancellation, block_on, runtime};
use crate::session::Session;
use crate::substrait_consumer::from_substrait;
use crate::substrait_producer::to_substrait;
use crate::table::{Table, export_schema};

pub struct Plan {
    pub plan: LogicalPlan,
    /// What native functions did to it.
    pub steps: Steps,
}

pub struct PhysicalPlan {
    pub plan: Arc<dyn ExecutionPlan>,
}

#[derive(Default)]
pub struct ScanBindings {
    tables: HashMap<u32, Arc<dyn TableProvider>>,
}

pub fn new_scan_bindings() -> Box<ScanBindings> {
    Box::default()
}

impl ScanBindings {
    pub fn bind(&mut self, scan: u32, table: &Table) {
        self.tables.insert(scan, Arc::clone(&table.provider));
    }
}

pub fn table_references(session: &Session, sql: &str, dialect: &str) -> Result<Vec<String>> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let statement = crate::sql::parse(&state, sql, dialect)?;
        let names: BTreeSet<String> = state
            .resolve_table_references(&statement)?
            .into_iter()
            .map(|reference| match reference {
                TableReference::Bare { table } => table.to_string(),
                TableReference::Partial { schema, table } => format!("{schema}.{table}"),
                TableReference::Full { schema, table, .. } => format!("{schema}.{table}"),
            })
            .collect();
        Ok(names.into_iter().collect())
    })
}

pub fn plan_sql(session: &Session, sql: &str, dialect: &str) -> Result<Box<Plan>> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let statement = crate::sql::parse(&state, sql, dialect)?;
        let is_query = matches!(&statement, Statement::Statement(root) if matches!(**root, ast::Statement::Query(_)));
        let (planned, steps) = collecting(|| crate::sql::plan_statement(&state, statement));
        let (plan, seen) = planned?;
        // The planner makes nothing but queries of a query, save for SELECT … INTO.
        if !is_query || seen.has_into {
            let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
            options.verify_plan(&plan)?;
        }
        if matches!(plan, LogicalPlan::Copy(_) | LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)) {
            return Err(BridgeError::user(
                "unsupported",
                "a query (SELECT, WITH or VALUES) is wanted, found another statement",
            ));
        }
        let plan = if seen.has_order_by { order_hidden_sort_columns(plan)? } else { plan };
        Ok(Box::new(Plan { plan, steps }))
    })
}

/// The planner adds the columns that ORDER BY needs but SELECT leaves out in the order of a hash set, which differs from process to
/// process. Puts them in the order of their names, so that the same text makes the same plan; nothing refers to them by position.
fn order_hidden_sort_columns(plan: LogicalPlan) -> EngineResult<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Projection(outer) = &node else {
            return Ok(Transformed::no(node));
        };
        let LogicalPlan::Sort(sort) = outer.input.as_ref() else {
            return Ok(Transformed::no(node));
        };
        let LogicalPlan::Projection(inner) = sort.input.as_ref() else {
            return Ok(Transformed::no(node));
        };
        let selected = outer.expr.len();
        if inner.expr.len() < selected + 2 {
            return Ok(Transformed::no(node));
        }
        let mut expressions = inner.expr.clone();
        expressions[selected..].sort_by_cached_key(|e| e.to_string());
        let inner = Projection::try_new(expressions, Arc::clone(&inner.input))?;
        let sort = Sort { expr: sort.expr.clone(), input: Arc::new(LogicalPlan::Projection(inner)), fetch: sort.fetch };
        let outer = Projection::try_new(outer.expr.clone(), Arc::new(LogicalPlan::Sort(sort)))?;
        Ok(Transformed::yes(LogicalPlan::Projection(outer)))
    })?;
    Ok(rewritten.data)
}

/// What the optimiser knows of the session, with aliases that start anew for each plan: the same text makes the same plan.
struct Planning<'a> {
    state: &'a SessionState,
    started_at: DateTime<Utc>,
    aliases: Arc<AliasGenerator>,
}

impl OptimizerConfig for Planning<'_> {
    fn query_execution_start_time(&self) -> Option<DateTime<Utc>> {
        Some(self.started_at)
    }
    fn alias_generator(&self) -> &Arc<AliasGenerator> {
        &self.aliases
    }
    fn options(&self) -> Arc<ConfigOptions> {
        Arc::clone(self.state.config().options())
    }
    fn function_registry(&self) -> Option<&dyn FunctionRegistry> {
        Some(self.state)
    }
}

fn analyze(state: &SessionState, plan: LogicalPlan) -> EngineResult<LogicalPlan> {
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}

// A plan that nobody else holds is changed in place; of a shared one every node is copied.
pub fn analyze_plan(session: &Session, plan: Box<Plan>) -> Result<Box<Plan>> {
    entry(|| {
        let Plan { plan, steps } = *plan;
        Ok(Box::new(Plan { plan: analyze(&session.context.state_ref().read(), plan)?, steps }))
    })
}

pub fn optimize_plan(session: &Session, plan: Box<Plan>) -> Result<Box<Plan>> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let planning = Planning { state: &state, started_at: Utc::now(), aliases: Arc::new(AliasGenerator::new()) };
        let Plan { plan, mut steps } = *plan;
        let analyzed = analyze(&state, plan)?;
        let (optimized, opened) = collecting(|| state.optimizer().optimize(analyzed, &planning, |_, _| {}));
        steps.extend(opened);
        Ok(Box::new(Plan { plan: optimized?, steps }))
    })
}

pub fn register_view(session: &Session, name: &str, plan: &Plan) -> Result<()> {
    entry(|| {
        let table = Table { provider: MarkedTable::of_view(plan.plan.clone(), plan.steps.clone()), delta: None };
        crate::table::register_table(session, name, &table)
    })
}

impl Plan {
    /// Shares the nodes.
    pub fn copy(&self) -> Box<Plan> {
        Box::new(Plan { plan: self.plan.clone(), steps: self.steps.clone() })
    }

    pub fn steps(&self) -> Vec<ffi::PlanningStep> {
        for_bridge(&self.steps)
    }

    pub fn display(&self, format: &str) -> Result<String> {
        entry(|| match format {
            "indent" => Ok(self.plan.display_indent().to_string()),
            "indent_schema" => Ok(self.plan.display_indent_schema().to_string()),
            "graphviz" => Ok(self.plan.display_graphviz().to_string()),
            "pgjson" => Ok(self.plan.display_pg_json().to_string()),
            other => Err(BridgeError::bug(format!("unknown display `{other}`"))),
        })
    }

    pub unsafe fn output_schema(&self, out_schema: *mut ffi::ArrowSchema) -> Result<()> {
        entry(|| unsafe { export_schema(self.plan.schema().as_arrow(), out_schema) })
    }
}

/// The name under which an empty relation with columns travels, since the protobuf form of one forgets them.
pub const EMPTY_TABLE: &str = "$empty";

/// Writes tables as references; reads them from bindings, else from the session.
struct ReferenceCodec {
    next_scan: AtomicU32,
    context: Option<datafusion::prelude::SessionContext>,
    tables: HashMap<u32, Arc<dyn TableProvider>>,
    /// Tables are read with the indexes of their scans.
    is_numbering: bool,
}

impl fmt::Debug for ReferenceCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferenceCodec")
    }
}

fn is_empty_table(reference: &TableReference) -> bool {
    reference.table() == EMPTY_TABLE
}

impl LogicalExtensionCodec for ReferenceCodec {
    fn try_decode(&self, _buf: &[u8], _inputs: &[LogicalPlan], _ctx: &TaskContext) -> EngineResult<Extension> {
        Err(DataFusionError::NotImplemented("extension nodes have no serialised form".into()))
    }

    fn try_encode(&self, node: &Extension, _buf: &mut Vec<u8>) -> EngineResult<()> {
        Err(DataFusionError::NotImplemented(format!(
            "the extension node has no serialised form: `{}`",
            node.node.name()
        )))
    }

    fn try_decode_table_provider(
        &self,
        buf: &[u8],
        table_ref: &TableReference,
        schema: SchemaRef,
        _ctx: &TaskContext,
    ) -> EngineResult<Arc<dyn TableProvider>> {
        let reference: Value = serde_json::from_slice(buf).map_err(|e| {
            DataFusionError::External(Box::new(BridgeError::bug(format!("a table reference is damaged: {e}"))))
        })?;
        let name = reference["table"].as_str().unwrap_or_default();
        if name == EMPTY_TABLE {
            return Ok(Arc::new(EmptyTable::new(schema)));
        }
        let scan = reference["scan"].as_u64().unwrap_or(u64::MAX) as u32;
        if let Some(table) = self.tables.get(&scan) {
            return Ok(Arc::clone(table));
        }
        let context = self.context.as_ref().expect("decoding has a session");
        // As it is: a name that is read as text loses its capitals.
        let table = block_in_runtime(context.table_provider(table_ref.clone())).map_err(|_| {
            DataFusionError::External(Box::new(BridgeError::user(
                "not_found",
                format!("the plan reads a table that is not registered: `{name}`"),
            )))
        })?;
        Ok(if self.is_numbering { MarkedTable::of_scan(scan, table) } else { table })
    }

    fn try_encode_table_provider(
        &self,
        table_ref: &TableReference,
        _node: Arc<dyn TableProvider>,
        buf: &mut Vec<u8>,
    ) -> EngineResult<()> {
        let name = match table_ref.schema() {
            Some(schema) => format!("{schema}.{}", table_ref.table()),
            None => table_ref.table().to_string(),
        };
        let reference = if is_empty_table(table_ref) {
            json!({ "table": EMPTY_TABLE })
        } else {
            json!({ "scan": self.next_scan.fetch_add(1, Ordering::Relaxed), "table": name })
        };
        buf.extend_from_slice(reference.to_string().as_bytes());
        Ok(())
    }
}

/// Decoding is synchronous but looks tables up asynchronously; the providers in use answer at once.
fn block_in_runtime<T>(future: impl std::future::Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

/// Replaces empty relations that have columns by a scan of an empty table, qualified as before. A plan without one is not copied.
fn keep_empty_schemas(plan: &LogicalPlan) -> EngineResult<Cow<'_, LogicalPlan>> {
    let with_columns = |node: &LogicalPlan| match node {
        LogicalPlan::EmptyRelation(empty) => !empty.produce_one_row && !empty.schema.fields().is_empty(),
        _ => false,
    };
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= with_columns(node);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if !found {
        return Ok(Cow::Borrowed(plan));
    }
    let rewritten = plan.clone().transform_up_with_subqueries(|node| {
        let LogicalPlan::EmptyRelation(empty) = &node else {
            return Ok(Transformed::no(node));
        };
        if !with_columns(&node) {
            return Ok(Transformed::no(node));
        }
        let fields: Vec<arrow::datatypes::Field> = empty
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(|(i, field)| field.as_ref().clone().with_name(format!("c{i}")))
            .collect();
        let table = EmptyTable::new(Arc::new(arrow::datatypes::Schema::new(fields)));
        let columns: Vec<Expr> = empty
            .schema
            .iter()
            .enumerate()
            .map(|(i, (qualifier, field))| col(format!("c{i}")).alias_qualified(qualifier.cloned(), field.name()))
            .collect();
        let plan = LogicalPlanBuilder::scan(EMPTY_TABLE, provider_as_source(Arc::new(table)), None)?
            .project(columns)?
            .build()?;
        Ok(Transformed::yes(plan))
    })?;
    Ok(Cow::Owned(rewritten.data))
}

/// Tables keep the names they are registered under, so that aliases never hide what is read.
pub fn plan_to_proto(plan: &Plan) -> Result<Vec<u8>> {
    entry(|| {
        let plan = keep_empty_schemas(&plan.plan)?;
        let codec =
            ReferenceCodec { next_scan: AtomicU32::new(0), context: None, tables: HashMap::new(), is_numbering: false };
        Ok(logical_plan_to_bytes_with_extension_codec(&plan, &codec)?.to_vec())
    })
}

pub fn plan_outputs(plan: &Plan) -> Result<String> {
    fn walk(plan: &LogicalPlan, nodes: &mut Vec<u8>) -> EngineResult<()> {
        nodes.extend_from_slice(if nodes.is_empty() { b"[" } else { b"," });
        let columns: Vec<_> = plan
            .schema()
            .iter()
            .map(|(relation, field)| {
                let relation = relation.map(|relation| match relation {
                    TableReference::Bare { table } => Cow::Borrowed(table.as_ref()),
                    longer => Cow::Owned(longer.to_string()),
                });
                (relation, field.name())
            })
            .collect();
        serde_json::to_writer(&mut *nodes, &columns).map_err(|e| DataFusionError::External(Box::new(e)))?;
        let mut subqueries = Vec::new();
        plan.apply_subqueries(|subquery| {
            subqueries.push(subquery.clone());
            Ok(TreeNodeRecursion::Continue)
        })?;
        for subquery in &subqueries {
            match subquery {
                LogicalPlan::Subquery(inner) => walk(&inner.subquery, nodes)?,
                other => walk(other, nodes)?,
            }
        }
        plan.inputs().into_iter().try_for_each(|input| walk(input, nodes))
    }
    entry(|| {
        let mut nodes = Vec::new();
        walk(keep_empty_schemas(&plan.plan)?.as_ref(), &mut nodes)?;
        nodes.push(b']');
        String::from_utf8(nodes).map_err(|e| BridgeError::bug(format!("names that are no text: {e}")))
    })
}

fn decode(
    session: &Session,
    bytes: &[u8],
    tables: HashMap<u32, Arc<dyn TableProvider>>,
    is_numbering: bool,
) -> EngineResult<LogicalPlan> {
    let codec =
        ReferenceCodec { next_scan: AtomicU32::new(0), context: Some(session.context.clone()), tables, is_numbering };
    let _guard = runtime().enter();
    logical_plan_from_bytes_with_extension_codec(bytes, &session.context.task_ctx(), &codec)
}

pub fn plan_from_proto(session: &Session, bytes: &[u8], bindings: &ScanBindings) -> Result<Box<Plan>> {
    entry(|| Ok(Box::new(Plan { plan: decode(session, bytes, bindings.tables.clone(), false)?, steps: Steps::new() })))
}

pub fn proto_to_substrait(session: &Session, bytes: &[u8]) -> Result<Vec<u8>> {
    entry(|| {
        let plan = decode(session, bytes, HashMap::new(), true)?;
        Ok(to_substrait(&plan, &session.context.state())?.encode_to_vec())
    })
}

pub fn plan_from_substrait(session: &Session, bytes: &[u8], bindings: &ScanBindings) -> Result<Box<Plan>> {
    entry(|| {
        let decoded = datafusion_substrait::substrait::proto::Plan::decode(bytes)
            .map_err(|e| BridgeError::user("corrupt", format!("not a Substrait plan: {e}")))?;
        let plan = block_on(from_substrait(&session.context.state(), &decoded, &bindings.tables))?;
        Ok(Box::new(Plan { plan, steps: Steps::new() }))
    })
}

pub fn create_physical_plan(session: &Session, plan: &Plan) -> Result<Box<PhysicalPlan>> {
    entry(|| {
        let state = session.context.state();
        let plan = block_on(state.query_planner().create_physical_plan(&plan.plan, &state))?;
        Ok(Box::new(PhysicalPlan { plan }))
    })
}

impl PhysicalPlan {
    pub fn display(&self, format: &str) -> Result<String> {
        entry(|| match format {
            "indent" => Ok(displayable(self.plan.as_ref()).indent(true).to_string()),
            "tree" => Ok(displayable(self.plan.as_ref()).tree_render().to_string()),
            "graphviz" => Ok(displayable(self.plan.as_ref()).graphviz().to_string()),
            "pgjson" => Ok(displayable(self.plan.as_ref()).pgjson(false).to_string()),
            "metrics" => Ok(DisplayableExecutionPlan::with_metrics(self.plan.as_ref()).indent(true).to_string()),
            other => Err(BridgeError::bug(format!("unknown display `{other}`"))),
        })
    }

    pub fn metrics(&self) -> Result<String> {
        fn walk(plan: &dyn ExecutionPlan, depth: usize, operators: &mut Vec<Value>) {
            let metrics = plan.metrics();
            let sum = |name: &str| metrics.as_ref().and_then(|m| m.sum_by_name(name)).map(|v| v.as_usize());
            operators.push(json!({
                "name": plan.name(),
                "depth": depth,
                "output_rows": metrics.as_ref().and_then(|m| m.output_rows()),
                "elapsed_compute_ns": metrics.as_ref().and_then(|m| m.elapsed_compute()),
                "bytes_scanned": sum("bytes_scanned"),
                "spilled_bytes": metrics.as_ref().and_then(|m| m.spilled_bytes()),
            }));
            for child in plan.children() {
                walk(child.as_ref(), depth + 1, operators);
            }
        }
        entry(|| {
            let mut operators = Vec::new();
            walk(self.plan.as_ref(), 0, &mut operators);
            Ok(Value::Array(operators).to_string())
        })
    }

    pub fn partition_count(&self) -> u32 {
        self.plan.output_partitioning().partition_count() as u32
    }
}

/// A stream of batches that C++ pulls: each pull blocks the calling thread, so the consumer sets the pace.
struct PulledStream {
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
    cancellation: Cancellation,
}

impl Iterator for PulledStream {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = entry(|| {
            block_on(self.cancellation.guard(async {
                match self.stream.next().await {
                    None => Ok(None),
                    Some(batch) => Ok(Some(batch?)),
                }
            }))
        });
        match next {
            Ok(None) => None,
            Ok(Some(batch)) => Some(Ok(batch)),
            Err(error) => Some(Err(ArrowError::ExternalError(Box::new(error)))),
        }
    }
}

impl RecordBatchReader for PulledStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

pub unsafe fn execute_stream(
    session: &Session,
    plan: &PhysicalPlan,
    cancellation: &Cancellation,
    out_stream: *mut ffi::ArrowArrayStream,
) -> Result<()> {
    entry(|| {
        let context = session.context.task_ctx();
        let partitions = plan.plan.output_partitioning().partition_count();
        let _guard = runtime().enter();
        let schema = plan.plan.schema();
        let stream: SendableRecordBatchStream = if partitions == 1 {
            plan.plan.execute(0, context)?
        } else {
            let streams = (0..partitions)
                .map(|partition| plan.plan.execute(partition, Arc::clone(&context)))
                .collect::<EngineResult<Vec<_>>>()?;
            Box::pin(datafusion::physical_plan::stream::RecordBatchStreamAdapter::new(
                Arc::clone(&schema),
                futures::stream::iter(streams).flatten(),
            ))
        };
        let reader = PulledStream { schema, stream, cancellation: cancellation.clone() };
        let exported = FFI_ArrowArrayStream::new(Box::new(reader));
        unsafe { std::ptr::write(out_stream.cast::<FFI_ArrowArrayStream>(), exported) };
        Ok(())
    })
}

// SPDX-License-Identifier: Apache-2.0
//! Logical plans as bytes: protobuf and Substrait. Tables in them are references, bound to tables when they are read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion_proto::bytes::{
    logical_plan_from_bytes_with_extension_codec, logical_plan_to_bytes_with_extension_codec,
};
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use prost::Message;
use serde_json::{Value, json};

use crate::empty_table::{EMPTY_TABLE, is_empty_table, keep_empty_schemas};
use crate::error::{BridgeError, Result, entry};
use crate::marked_table::MarkedTable;
use crate::parsing::with_deep_stack;
use crate::plan::Plan;
use crate::planning_steps::Steps;
use crate::runtime::{block_on, runtime};
use crate::session::Session;
use crate::substrait_consumer::from_substrait;
use crate::substrait_producer::to_substrait;
use crate::table::Table;

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
    entry(|| {
        let plan = decode(session, bytes, bindings.tables.clone(), false)?;
        Ok(Box::new(Plan { plan, steps: Steps::new(), is_analyzed: false }))
    })
}

/// Plans of more bytes may be nested deeper than the recursion of Substrait's reader bears on a usual stack.
const SHALLOW_BYTES: usize = 8 << 10;

fn on_fitting_stack<T: Send>(bytes: &[u8], work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    if bytes.len() > SHALLOW_BYTES { with_deep_stack(work) } else { entry(work) }
}

pub fn proto_to_substrait(session: &Session, bytes: &[u8]) -> Result<Vec<u8>> {
    on_fitting_stack(bytes, || {
        let plan = decode(session, bytes, HashMap::new(), true)?;
        Ok(to_substrait(&plan, &session.context.state())?.encode_to_vec())
    })
}

pub fn plan_from_substrait(session: &Session, bytes: &[u8], bindings: &ScanBindings) -> Result<Box<Plan>> {
    on_fitting_stack(bytes, || {
        let decoded = datafusion_substrait::substrait::proto::Plan::decode(bytes)
            .map_err(|e| BridgeError::user("corrupt", format!("not a Substrait plan: {e}")))?;
        let plan = block_on(from_substrait(&session.context.state(), &decoded, &bindings.tables))?;
        Ok(Box::new(Plan { plan, steps: Steps::new(), is_analyzed: false }))
    })
}

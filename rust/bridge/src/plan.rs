// SPDX-License-Identifier: Apache-2.0
//! Logical plans and physical ones: what they show of themselves, and their execution.

use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, displayable, execute_stream as execute_merged,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::error::{BridgeError, Result, entry};
use crate::ffi;
use crate::interruption::Interruption;
use crate::marked_table::MarkedTable;
use crate::planning_steps::{Steps, for_bridge};
use crate::runtime::{Cancellation, block_on, runtime};
use crate::session::Session;
use crate::table::{Table, export_schema};

pub struct Plan {
    pub plan: LogicalPlan,
    /// What native functions did to it.
    pub steps: Steps,
    /// Its types are settled.
    pub is_analyzed: bool,
}

pub struct PhysicalPlan {
    pub plan: Arc<dyn ExecutionPlan>,
}

pub fn register_view(session: &Session, name: &str, plan: &Plan) -> Result<()> {
    entry(|| {
        let table = Table { provider: MarkedTable::of_view(plan.plan.clone(), plan.steps.clone()) };
        crate::table::register_table(session, "", name, &table)
    })
}

impl Plan {
    /// Shares the nodes.
    pub fn copy(&self) -> Box<Plan> {
        Box::new(Plan { plan: self.plan.clone(), steps: self.steps.clone(), is_analyzed: self.is_analyzed })
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

pub fn create_physical_plan(session: &Session, plan: &Plan) -> Result<Box<PhysicalPlan>> {
    entry(|| {
        let state = session.context.state();
        let plan = block_on(state.query_planner().create_physical_plan(&plan.plan, &state))?;
        Ok(Box::new(PhysicalPlan { plan }))
    })
}

/// What the partitions of an operator held at their peaks, which need not have been at one time. Operators that the engine counts the memory of
/// name their peaks differently (`build_mem_used`, `peak_mem_used`); sorts, windows and most aggregations have none.
fn memory_bytes(metrics: &MetricsSet) -> Option<usize> {
    let peaks = metrics.iter().filter_map(|metric| match metric.value() {
        MetricValue::PeakMemoryUsage { gauge, .. } => Some(gauge.value()),
        _ => None,
    });
    peaks.reduce(|sum, peak| sum + peak)
}

/// When the first partition began, in microseconds since 1970.
fn started_at_us(metrics: &MetricsSet) -> Option<i64> {
    let times = metrics.iter().filter_map(|metric| match metric.value() {
        MetricValue::StartTimestamp(time) => time.value(),
        _ => None,
    });
    times.min().map(|time| time.timestamp_micros())
}

/// When the last partition ended, likewise.
fn finished_at_us(metrics: &MetricsSet) -> Option<i64> {
    let times = metrics.iter().filter_map(|metric| match metric.value() {
        MetricValue::EndTimestamp(time) => time.value(),
        _ => None,
    });
    times.max().map(|time| time.timestamp_micros())
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
            let metrics = plan.metrics().unwrap_or_default();
            operators.push(json!({
                "name": plan.name(),
                "depth": depth,
                "output_rows": metrics.output_rows(),
                "elapsed_compute_ns": metrics.elapsed_compute(),
                "bytes_scanned": metrics.sum_by_name("bytes_scanned").map(|bytes| bytes.as_usize()),
                "spilled_bytes": metrics.spilled_bytes(),
                "memory_bytes": memory_bytes(&metrics),
                "started_at_us": started_at_us(&metrics),
                "finished_at_us": finished_at_us(&metrics),
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
    _interruption: Interruption,
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
        let _guard = runtime().enter();
        let schema = plan.plan.schema();
        // All partitions at once: those of a join wait for each other.
        let stream = execute_merged(Arc::clone(&plan.plan), context)?;
        let _interruption = Interruption::of(&plan.plan, cancellation)?;
        let reader = PulledStream { schema, stream, cancellation: cancellation.clone(), _interruption };
        let exported = FFI_ArrowArrayStream::new(Box::new(reader));
        unsafe { std::ptr::write(out_stream.cast::<FFI_ArrowArrayStream>(), exported) };
        Ok(())
    })
}

// SPDX-License-Identifier: Apache-2.0
//! A file source that behaves as the one it wraps, but whose failures say which file, and where in it.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter_pushdown::{FilterPushdownPropagation, PushedDown};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, SortOrderPushdownResult};
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_scan_config::{FileScanConfig, FileScanConfigBuilder};
use datafusion_datasource::file_stream::FileOpener;
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use datafusion_datasource::source::DataSourceExec;
use datafusion_datasource::{PartitionedFile, TableSchema};
use futures::stream::BoxStream;
use futures::{StreamExt, TryFutureExt};
use object_store::ObjectStore;
use serde_json::json;

use crate::error::BridgeError;

/// Replaces the source of a scan by one that names files. Any other plan stays as it is.
pub fn name_files(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    with_named_source(plan, false)
}

/// The same for the files of a Delta table. Their columns are found by expressions through which the reader does not see nested columns: it
/// would leave a filter on them out without a word.
pub fn name_files_of_log(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    with_named_source(plan, true)
}

fn with_named_source(plan: Arc<dyn ExecutionPlan>, of_log: bool) -> Arc<dyn ExecutionPlan> {
    let Some(config) =
        plan.downcast_ref::<DataSourceExec>().and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>())
    else {
        return plan;
    };
    let source = NamedSource { inner: Arc::clone(config.file_source()), of_log };
    DataSourceExec::from_data_source(FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(source)).build())
}

/// The failure with the name of the file that it is about.
pub fn in_file(error: DataFusionError, store_url: &str, path: &object_store::path::Path) -> BridgeError {
    Place::of_whole(file_name(store_url, path), false).explain(error).into()
}

/// The same for a data file of a Delta log.
pub fn in_log_file(error: DataFusionError, store_url: &str, path: &object_store::path::Path) -> BridgeError {
    Place::of_whole(file_name(store_url, path), true).explain(error).into()
}

/// A local path without scheme, any other as URL.
fn file_name(store_url: &str, path: &object_store::path::Path) -> String {
    let root = store_url.strip_prefix("file://").unwrap_or(store_url);
    format!("{}/{path}", root.trim_end_matches('/'))
}

/// Where a failure happened.
#[derive(Debug, Clone)]
struct Place {
    file: String,
    /// Of the file; CSV failures give the number of a column only.
    schema: SchemaRef,
    /// Whether only a range of the bytes was read: line numbers then count from its start.
    is_part: bool,
    /// Whether a Delta log names the file.
    of_log: bool,
}

impl Place {
    fn of_whole(file: String, of_log: bool) -> Self {
        Place { file, schema: Arc::new(Schema::empty()), is_part: true, of_log }
    }

    /// The failure with the file's name. Failures of the environment keep their code; what the file holds is its owner's business.
    fn explain(&self, error: DataFusionError) -> DataFusionError {
        let mut named = BridgeError::from(error);
        // The Parquet reader makes a text of what the store says.
        if named.message.contains("Object at location ") && named.message.contains(" not found: ") {
            (named.code, named.blame) = ("not_found", "environment");
        }
        if named.code == "cancelled" || named.code == "out_of_memory" || named.code == "internal" {
            return DataFusionError::External(Box::new(named));
        }
        if let Some((message, help)) = self.explain_csv(&named.message) {
            named.message = message;
            named.details.insert("helps".into(), json!([help]));
        } else if named.blame == "user" {
            // Expressions of the view are evaluated while the file is read, too.
            named.message = format!("{} (found in the file `{}`)", named.message, self.file);
        } else if let (true, Some(what)) = (self.of_log, against_log(&named)) {
            named.code = "corrupt";
            named.message = format!("the file `{}` {what}", self.file);
        } else if named.code == "not_found" {
            named.message = format!("the file `{}` is not there any more", self.file);
        } else if self.of_log || !named.message.contains(&self.file) {
            let reason = named.message.trim_start_matches("Arrow error: ").trim_start_matches("Parquet error: ");
            let reason = after(reason, "Failed to fetch metadata for file ")
                .and_then(|rest| rest.split_once(": "))
                .map_or(reason, |(_, cause)| cause);
            named.message = format!("the file `{}` cannot be read: {reason}", self.file);
        }
        for place in ["line", "column"] {
            named.details.remove(place); // of the SQL text
        }
        DataFusionError::External(Box::new(named))
    }

    fn explain_csv(&self, message: &str) -> Option<(String, &'static str)> {
        if let Some(rest) = after(message, "incorrect number of fields for line ") {
            let (line, rest) = number(rest)?;
            let (wanted, rest) = number(after(rest, "expected ")?)?;
            let more = if rest.contains("more than") { "more than " } else { "" };
            let (found, _) = number(after(rest, "got more than ").or_else(|| after(rest, "got "))?)?;
            return Some((
                format!("{}: {wanted} fields are wanted, found {more}{found}", self.at(line)),
                "mend the line; if short lines are right, set the source's option 'truncated_rows' 'true'",
            ));
        }
        let rest = after(message, "Error while parsing value '")?;
        let (value, rest) = rest.split_once("' as type '")?;
        let (wanted, rest) = rest.split_once("' for column ")?;
        let (column, rest) = number(rest)?;
        let (line, _) = number(after(rest, "at line ")?)?;
        let column = self.schema.fields().get(column).map_or(String::new(), |f| format!(", column `{}`", f.name()));
        Some((
            // These lines count from 0.
            format!("{}{column}: a value of the type {wanted} is wanted, found `{value}`", self.at(line + 1)),
            "mend the value, declare the column as VARCHAR, or name the text that stands for NULL: 'null_value' '…'",
        ))
    }

    fn at(&self, line: usize) -> String {
        if self.is_part {
            return format!("the file `{}`", self.file);
        }
        format!("the file `{}`, line {line}", self.file)
    }
}

/// What a failure says of a file that a Delta log names, where the two contradict each other.
fn against_log(failure: &BridgeError) -> Option<&'static str> {
    if failure.code == "not_found"
        || (failure.message.contains("not found: ") && failure.message.contains("Object at location "))
    {
        return Some("is named by the Delta log, and is not there");
    }
    failure.message.contains("Out of range of file").then_some("is shorter than the Delta log says")
}

fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.find(start).map(|at| &text[at + start.len()..])
}

/// The number at the start of a text, and what follows it.
fn number(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

struct NamedSource {
    inner: Arc<dyn FileSource>,
    /// Whether the files are those of a Delta log.
    of_log: bool,
}

impl NamedSource {
    fn named(&self, inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(NamedSource { inner, of_log: self.of_log })
    }

    /// Whether the reader may be given a filter.
    fn takes(&self, filter: &Arc<dyn PhysicalExpr>) -> bool {
        let schema = self.inner.table_schema().table_schema();
        !self.of_log
            || collect_columns(filter)
                .iter()
                .all(|column| schema.field_with_name(column.name()).is_ok_and(|field| !field.data_type().is_nested()))
    }
}

impl FileSource for NamedSource {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.inner.create_file_opener(store, config, partition)
    }

    fn create_morselizer(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        Ok(Box::new(NamedMorselizer {
            inner: self.inner.create_morselizer(store, config, partition)?,
            store_url: config.object_store_url.as_str().to_string(),
            schema: Arc::clone(self.inner.table_schema().file_schema()),
            of_log: self.of_log,
        }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        self.named(self.inner.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, kind: DisplayFormatType, f: &mut Formatter) -> fmt::Result {
        self.inner.fmt_extra(kind, f)
    }

    fn supports_repartitioning(&self) -> bool {
        self.inner.supports_repartitioning()
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        min_size: usize,
        ordering: Option<LexOrdering>,
        config: &FileScanConfig,
    ) -> Result<Option<FileScanConfig>> {
        self.inner.repartitioned(target_partitions, min_size, ordering, config)
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let mut outcome = vec![PushedDown::No; filters.len()];
        let (places, taken): (Vec<usize>, Vec<Arc<dyn PhysicalExpr>>) =
            filters.into_iter().enumerate().filter(|(_, filter)| self.takes(filter)).unzip();
        let pushed = self.inner.try_pushdown_filters(taken, config)?;
        for (place, each) in places.into_iter().zip(pushed.filters) {
            outcome[place] = each;
        }
        Ok(FilterPushdownPropagation {
            filters: outcome,
            updated_node: pushed.updated_node.map(|inner| self.named(inner)),
        })
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> Result<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_sort(order, properties)?.map(|inner| self.named(inner)))
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.inner.reorder_files(files)
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_projection(projection)?.map(|inner| self.named(inner)))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(f)
    }
}

#[derive(Debug)]
struct NamedMorselizer {
    inner: Box<dyn Morselizer>,
    store_url: String,
    schema: SchemaRef,
    of_log: bool,
}

impl Morselizer for NamedMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let place = Place {
            file: file_name(&self.store_url, &file.object_meta.location),
            schema: Arc::clone(&self.schema),
            is_part: file.range.as_ref().is_some_and(|range| range.start > 0),
            of_log: self.of_log,
        };
        let inner = self.inner.plan_file(file).map_err(|e| place.explain(e))?;
        Ok(Box::new(NamedPlanner { inner, place }))
    }
}

#[derive(Debug)]
struct NamedPlanner {
    inner: Box<dyn MorselPlanner>,
    place: Place,
}

impl MorselPlanner for NamedPlanner {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let NamedPlanner { inner, place } = *self;
        let Some(mut plan) = inner.plan().map_err(|e| place.explain(e))? else {
            return Ok(None);
        };
        let planner = |inner| Box::new(NamedPlanner { inner, place: place.clone() }) as Box<dyn MorselPlanner>;
        let morsels = plan.take_morsels().into_iter().map(|inner| {
            let place = place.clone();
            Box::new(NamedMorsel { inner, place }) as Box<dyn Morsel>
        });
        let mut named = MorselPlan::new()
            .with_morsels(morsels.collect())
            .with_planners(plan.take_ready_planners().into_iter().map(planner).collect());
        if let Some(pending) = plan.take_pending_planner() {
            let (good, bad) = (place.clone(), place.clone());
            named.set_pending_planner(
                pending
                    .into_future()
                    .map_ok(move |inner| Box::new(NamedPlanner { inner, place: good }) as Box<dyn MorselPlanner>)
                    .map_err(move |e| bad.explain(e)),
            );
        }
        Ok(Some(named))
    }
}

#[derive(Debug)]
struct NamedMorsel {
    inner: Box<dyn Morsel>,
    place: Place,
}

impl Morsel for NamedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let NamedMorsel { inner, place } = *self;
        inner.into_stream().map(move |batch| batch.map_err(|e| place.explain(e))).boxed()
    }
}

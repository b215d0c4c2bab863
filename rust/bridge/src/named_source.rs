// SPDX-License-Identifier: Apache-2.0
//! A file source that behaves as the one it wraps, but whose failures say which file, and which lets no NULL pass where none may be.

use std::collections::HashSet;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::physical_plan::ParquetSource;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr, PhysicalSortExpr, conjunction_opt};
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

use crate::condition_order::{is_cheap, is_comparison, is_simple};
use crate::contained::Contained;
use crate::error::BridgeError;
use crate::reader_filters::{ReaderFilter, for_reader, is_dynamic};

/// Replaces the source of a scan by one that names files. Any other plan stays as it is. `required` are the columns, by their places in
/// the files' schema, in which a NULL is a fault.
pub fn name_files(plan: Arc<dyn ExecutionPlan>, required: Arc<Vec<bool>>) -> Arc<dyn ExecutionPlan> {
    with_named_source(plan, required, None)
}

/// The same for the files of a Delta table. Their columns are found by expressions through which the reader does not see nested columns: it
/// would leave a filter on them out without a word. `pushes_filters`: the reader applies filters to rows where that pays.
pub fn name_files_of_log(
    plan: Arc<dyn ExecutionPlan>,
    required: Arc<Vec<bool>>,
    pushes_filters: bool,
) -> Arc<dyn ExecutionPlan> {
    with_named_source(plan, required, Some(pushes_filters))
}

/// `of_log`: the files are those of a Delta log, and whether their filters are pushed; of other files their options say it.
fn with_named_source(
    plan: Arc<dyn ExecutionPlan>,
    required: Arc<Vec<bool>>,
    of_log: Option<bool>,
) -> Arc<dyn ExecutionPlan> {
    let Some(config) =
        plan.downcast_ref::<DataSourceExec>().and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>())
    else {
        return plan;
    };
    let inner = Arc::clone(config.file_source());
    let by_options = || {
        let parquet = inner.downcast_ref::<ParquetSource>();
        parquet.is_none_or(|parquet| parquet.table_parquet_options().global.pushdown_filters)
    };
    let pushes_filters = of_log.unwrap_or_else(by_options);
    let source = NamedSource { inner, required, of_log: of_log.is_some(), pushes_filters, goes_by_rows: false };
    DataSourceExec::from_data_source(FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(source)).build())
}

/// The failure with the name of the file that it is about.
pub fn in_file(error: DataFusionError, store_url: &str, path: &object_store::path::Path) -> BridgeError {
    Place { file: file_name(store_url, path), of_log: false }.explain(error).into()
}

/// The same for a data file of a Delta log.
pub fn in_log_file(error: DataFusionError, store_url: &str, path: &object_store::path::Path) -> BridgeError {
    Place { file: file_name(store_url, path), of_log: true }.explain(error).into()
}

/// A local path without scheme, any other as URL.
pub fn file_name(store_url: &str, path: &object_store::path::Path) -> String {
    let root = store_url.strip_prefix("file://").unwrap_or(store_url);
    format!("{}/{path}", root.trim_end_matches('/'))
}

/// Where a failure happened.
#[derive(Debug, Clone)]
struct Place {
    file: String,
    /// Whether a Delta log names the file.
    of_log: bool,
}

impl Place {
    /// The failure with the file's name. Failures of the environment keep their code; what the file holds is its owner's business.
    fn explain(&self, error: DataFusionError) -> DataFusionError {
        let mut named = BridgeError::from(error);
        // The Parquet reader makes a text of what the store says.
        if named.message.contains("Object at location ") && named.message.contains(" not found: ") {
            (named.code, named.blame) = ("not_found", "environment");
        }
        if named.message.starts_with("Parquet argument error: ") {
            (named.code, named.blame) = ("corrupt", "environment");
        }
        if named.code == "cancelled" || named.code == "out_of_memory" || named.code == "internal" {
            return DataFusionError::External(Box::new(named));
        }
        if let Some(column) = null_column(&named.message) {
            return self.missing_value(column);
        }
        if named.blame == "user" && named.message.contains(&self.file) {
            return DataFusionError::External(Box::new(named));
        }
        if named.blame == "user" {
            // Expressions of the view are evaluated while the file is read, too.
            named.message = format!("{} (found in the file `{}`)", named.message, self.file);
        } else if let (true, Some(what)) = (self.of_log, against_log(&named)) {
            named.code = "corrupt";
            named.message = format!("the file `{}` {what}", self.file);
        } else if named.code == "not_found" {
            named.message = format!("the file `{}` is not there any more", self.file);
        } else if self.of_log || !named.message.contains(&self.file) {
            let reason = named
                .message
                .trim_start_matches("Arrow error: ")
                .trim_start_matches("Parquet argument error: ")
                .trim_start_matches("Parquet error: ");
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

    /// The failure of a file with a NULL in a column that holds none.
    fn missing_value(&self, column: &str) -> DataFusionError {
        let mut error = BridgeError::user(
            "invalid_argument",
            format!(
                "the file `{}`, column `{column}`: a value is wanted, since the column is NOT NULL, found `NULL`",
                self.file
            ),
        );
        error.details.insert("helps".into(), json!(["mend the file, or declare the column without NOT NULL"]));
        DataFusionError::External(Box::new(error))
    }

    fn check(&self, batch: RecordBatch, required: &[usize]) -> Result<RecordBatch> {
        match required.iter().find(|column| batch.column(**column).logical_null_count() > 0) {
            Some(column) => Err(self.missing_value(batch.schema().field(*column).name())),
            None => Ok(batch),
        }
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

/// The column that a failure to build a batch is about, because it holds a NULL.
fn null_column(message: &str) -> Option<&str> {
    let rest = message.split_once("Column '")?.1;
    rest.split_once("' is declared as non-nullable but contains null values").map(|(column, _)| column)
}

struct NamedSource {
    inner: Arc<dyn FileSource>,
    required: Arc<Vec<bool>>,
    /// Whether the files are those of a Delta log.
    of_log: bool,
    /// Whether the reader may apply filters to rows.
    pushes_filters: bool,
    /// Whether the reader applies the filters that it has to rows.
    goes_by_rows: bool,
}

impl NamedSource {
    fn named(&self, inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(self.around(inner))
    }

    fn around(&self, inner: Arc<dyn FileSource>) -> Self {
        NamedSource { inner, required: Arc::clone(&self.required), ..*self }
    }

    /// Whether the reader may be given a filter: it understands its columns, and lets no row pass for a NULL that is a fault.
    fn takes(&self, filter: &Arc<dyn PhysicalExpr>) -> bool {
        let columns = collect_columns(filter);
        let schema = self.inner.table_schema().table_schema();
        let is_flat =
            |column: &Column| schema.field_with_name(column.name()).is_ok_and(|field| !field.data_type().is_nested());
        if self.of_log && !columns.iter().all(is_flat) {
            return false;
        }
        let is_required = |column: &Column| self.required.get(column.index()).copied().unwrap_or(false);
        is_dynamic(filter) || is_comparison(filter) || !columns.iter().any(is_required)
    }

    /// Gives the reader filters that are looked at above as well, and lets it apply them to rows as far as that pays; what is known of files,
    /// row groups and pages is compared with them in any case. REQUIRES: all are simple.
    fn push_as_it_pays(
        &self,
        source: &ParquetSource,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<Option<Arc<dyn FileSource>>> {
        let (dynamic, fixed): (Vec<_>, Vec<_>) = filters.into_iter().partition(is_dynamic);
        // The reader goes over the rows once a filter: what is cheap is evaluated at once, before it reads the columns of the others.
        let schema = self.inner.table_schema().table_schema();
        let (cheap, others): (Vec<_>, Vec<_>) =
            fixed.into_iter().partition(|filter| is_comparison(filter) && is_cheap(filter, schema));
        let first = if cheap.is_empty() { &others } else { &cheap };
        let spares_columns = !cheap.is_empty() && !others.is_empty() || self.spares_costly_columns(first);
        let goes_by_rows = self.goes_by_rows || !dynamic.is_empty() || spares_columns;
        let parts = conjunction_opt(cheap).into_iter().chain(others).chain(dynamic);
        let parts = parts.map(|part| Arc::new(ReaderFilter::new(part)) as Arc<dyn PhysicalExpr>).collect();
        let updated = source.try_pushdown_filters(parts, config)?.updated_node;
        Ok(updated.as_ref().and_then(|updated| updated.downcast_ref::<ParquetSource>()).map(|source| {
            let inner = Arc::new(source.clone().with_pushdown_filters(goes_by_rows));
            Arc::new(NamedSource { goes_by_rows, ..self.around(inner) }) as Arc<dyn FileSource>
        }))
    }

    /// Whether columns are read that cost more than going over the rows of the filters' columns first.
    fn spares_costly_columns(&self, filters: &[Arc<dyn PhysicalExpr>]) -> bool {
        let in_filters: HashSet<usize> =
            filters.iter().flat_map(collect_columns).map(|column| column.index()).collect();
        let schema = self.inner.table_schema().table_schema();
        let is_costly = |column: usize| {
            let field = schema.fields().get(column);
            !in_filters.contains(&column) && field.is_some_and(|field| !field.data_type().is_primitive())
        };
        match self.inner.projection() {
            None => (0..schema.fields().len()).any(is_costly),
            Some(outputs) => {
                outputs.iter().flat_map(|o| collect_columns(&o.expr)).any(|column| is_costly(column.index()))
            }
        }
    }

    /// The columns of the output in which a NULL is a fault.
    fn required_outputs(&self) -> Vec<usize> {
        let is_required = |column: usize| self.required.get(column).copied().unwrap_or(false);
        match self.inner.projection() {
            None => (0..self.required.len()).filter(|column| is_required(*column)).collect(),
            Some(outputs) => outputs
                .iter()
                .enumerate()
                .filter(|(_, output)| output.expr.downcast_ref::<Column>().is_some_and(|c| is_required(c.index())))
                .map(|(place, _)| place)
                .collect(),
        }
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
            inner: Box::new(Contained(self.inner.create_morselizer(store, config, partition)?)),
            store_url: config.object_store_url.as_str().to_string(),
            required: self.required_outputs().into(),
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
            filters.into_iter().map(for_reader).enumerate().filter(|(_, filter)| self.takes(filter)).unzip();
        let mut config = config.clone();
        config.execution.parquet.pushdown_filters &= self.pushes_filters;
        let config = &config;
        let is_reader_asked = config.execution.parquet.pushdown_filters && taken.iter().all(is_simple);
        if let Some(source) = self.inner.downcast_ref::<ParquetSource>().filter(|_| is_reader_asked) {
            let updated_node = self.push_as_it_pays(source, taken, config)?;
            return Ok(FilterPushdownPropagation { filters: outcome, updated_node });
        }
        let pushed = self.inner.try_pushdown_filters(taken, config)?;
        for (place, each) in places.into_iter().zip(pushed.filters) {
            outcome[place] = each;
        }
        Ok(FilterPushdownPropagation {
            filters: outcome,
            // Some of the filters may be nobody's but the reader's.
            updated_node: pushed
                .updated_node
                .map(|inner| Arc::new(NamedSource { goes_by_rows: true, ..self.around(inner) }) as Arc<dyn FileSource>),
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
        // What is computed from a column no longer shows its NULLs.
        let is_plain = || projection.iter().all(|output| output.expr.is::<Column>());
        if self.required.contains(&true) && !is_plain() {
            return Ok(None);
        }
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
    required: Arc<[usize]>,
    of_log: bool,
}

impl Morselizer for NamedMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let place = Place { file: file_name(&self.store_url, &file.object_meta.location), of_log: self.of_log };
        let inner = self.inner.plan_file(file).map_err(|e| place.explain(e))?;
        Ok(Box::new(NamedPlanner { inner, place, required: Arc::clone(&self.required) }))
    }
}

#[derive(Debug)]
struct NamedPlanner {
    inner: Box<dyn MorselPlanner>,
    place: Place,
    required: Arc<[usize]>,
}

impl MorselPlanner for NamedPlanner {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let NamedPlanner { inner, place, required } = *self;
        let Some(mut plan) = inner.plan().map_err(|e| place.explain(e))? else {
            return Ok(None);
        };
        let again = {
            let (place, required) = (place.clone(), Arc::clone(&required));
            move |inner| {
                let (place, required) = (place.clone(), Arc::clone(&required));
                Box::new(NamedPlanner { inner, place, required }) as Box<dyn MorselPlanner>
            }
        };
        let morsels = plan.take_morsels().into_iter().map(|inner| {
            let (place, required) = (place.clone(), Arc::clone(&required));
            Box::new(NamedMorsel { inner, place, required }) as Box<dyn Morsel>
        });
        let mut named = MorselPlan::new()
            .with_morsels(morsels.collect())
            .with_planners(plan.take_ready_planners().into_iter().map(&again).collect());
        if let Some(pending) = plan.take_pending_planner() {
            named.set_pending_planner(pending.into_future().map_ok(again).map_err(move |e| place.explain(e)));
        }
        Ok(Some(named))
    }
}

#[derive(Debug)]
struct NamedMorsel {
    inner: Box<dyn Morsel>,
    place: Place,
    required: Arc<[usize]>,
}

impl Morsel for NamedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let NamedMorsel { inner, place, required } = *self;
        let checked = move |batch: Result<RecordBatch>| match batch {
            Ok(batch) => place.check(batch, &required),
            Err(error) => Err(place.explain(error)),
        };
        inner.into_stream().map(checked).boxed()
    }
}

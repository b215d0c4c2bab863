// SPDX-License-Identifier: Apache-2.0
//! A Delta table at one version as the engine scans it: Parquet files that are listed when a scan is planned, without the rows that deletion
//! vectors take away, with columns as the table names and types them.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::parquet::arrow::RowNumber;
use datafusion::physical_expr::expressions::lit;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use delta_kernel::table_features::ColumnMappingMode;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use crate::contained::contain_future;
use crate::delta::file_columns::FileColumns;
use crate::delta::log::{DeltaLog, LogFile};
use crate::delta::log_path::place;
use crate::delta::partition_values::partition_value;
use crate::delta::read_schema::{PHYSICAL_NAME, plain_field, scan_fields, scan_schema};
use crate::delta::row_vector::kept_rows;
use crate::error::{BridgeError, Result, entry};
use crate::file_scans::{constant_column, logged_column, places, time_in_store, total};
use crate::named_source::{in_log_file, name_files_of_log};
use crate::runtime::runtime;
use crate::session::Session;
use crate::store::{resolve, store_root};

/// Deletion vectors that are read beside each other.
const READ_AT_ONCE: usize = 16;

/// The files of a table, or some of them.
#[derive(Clone)]
pub struct LogTable {
    store_url: Url,
    root: Path,
    log: DeltaLog,
    /// As the log has the columns, with how files know them.
    read_schema: SchemaRef,
    schema: SchemaRef,
    /// Of `read_schema`, in the order that the table declares.
    partition_fields: Vec<FieldRef>,
    /// Further columns: the path of a row's file, what else the rows of a file have in common, and the place of a row in its file.
    path_column: Option<FieldRef>,
    constants: Vec<FieldRef>,
    row_column: Option<FieldRef>,
    /// Whether the reader applies filters to rows where that pays.
    pushes_filters: bool,
    selected: Option<Arc<HashSet<String>>>,
    files: Arc<OnceCell<Arc<Vec<LogFile>>>>,
}

impl fmt::Debug for LogTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogTable({:?})", self.log)
    }
}

impl LogTable {
    pub fn new(
        session: &Session,
        url: &Url,
        log: DeltaLog,
        read_schema: SchemaRef,
        partition_columns: &[String],
    ) -> Result<Self> {
        let (_, root) = resolve(&session.context, url)?;
        let partition_fields = partition_columns
            .iter()
            .map(|name| match read_schema.fields().find(name) {
                Some((_, field)) => Ok(Arc::clone(field)),
                None => {
                    let text = format!("the partition column is not among the table's columns: `{name}`");
                    Err(BridgeError::new("corrupt", "environment", text))
                }
            })
            .collect::<Result<Vec<FieldRef>>>()?;
        let schema = scan_schema(&read_schema);
        let store_url = store_root(url)?;
        Ok(Self {
            store_url,
            root,
            log,
            read_schema,
            schema,
            partition_fields,
            path_column: None,
            constants: Vec::new(),
            row_column: None,
            pushes_filters: true,
            selected: None,
            files: Arc::default(),
        })
    }

    /// The same table with the places of its rows as the last columns; an empty name leaves one out.
    pub fn with_places(self, file_column: &str, row_column: &str) -> Self {
        let named = |name: &str, data_type: DataType| (!name.is_empty()).then(|| Field::new(name, data_type, false));
        let file = named(file_column, DataType::Utf8).map(Arc::new);
        let row = named(row_column, DataType::Int64).map(|field| Arc::new(field.with_extension_type(RowNumber)));
        let schema = with_fields(&self.schema, file.iter().chain(&row).cloned());
        Self { schema, path_column: file, row_column: row, ..self }
    }

    /// The same table with the columns of `declared` only, in their order and of their types; a column holds no NULL where either says so.
    pub fn with_columns(self, declared: &Schema) -> Result<Self> {
        let fields = declared.fields().iter().map(|wanted| {
            let logged = self.read_schema.field_with_name(wanted.name())?;
            let is_same = plain_field(&Arc::new(logged.clone())).data_type() == wanted.data_type();
            let data_type = if is_same { logged.data_type() } else { wanted.data_type() };
            let is_nullable = logged.is_nullable() && wanted.is_nullable();
            Ok(Arc::new(logged.clone().with_data_type(data_type.clone()).with_nullable(is_nullable)))
        });
        let read_schema = Arc::new(Schema::new(fields.collect::<Result<Vec<FieldRef>>>()?));
        let retyped = |field: FieldRef| match read_schema.fields().find(field.name()) {
            Some((_, found)) => Arc::clone(found),
            None => field,
        };
        let partition_fields = self.partition_fields.into_iter().map(retyped).collect();
        Ok(Self { schema: scan_schema(&read_schema), read_schema, partition_fields, ..self })
    }

    pub fn with_pushed_filters(self, pushes_filters: bool) -> Self {
        Self { pushes_filters, ..self }
    }

    /// These files in the place of those of the snapshot, with `in_files` among their columns and `constants` as the last ones.
    pub fn of_files(self, files: Vec<LogFile>, in_files: &[FieldRef], constants: Vec<FieldRef>) -> Self {
        let read_schema = with_fields(&self.read_schema, in_files.iter().cloned());
        let schema = with_fields(&scan_schema(&read_schema), constants.iter().cloned());
        Self { read_schema, schema, constants, files: Arc::new(OnceCell::new_with(Some(Arc::new(files)))), ..self }
    }

    /// As the table declares its columns: which of them hold no NULL.
    pub fn declared_schema(&self) -> Schema {
        let places = self.path_column.iter().chain(&self.row_column).map(plain_field);
        Schema::new(self.read_schema.fields().iter().map(plain_field).chain(places).collect::<Vec<_>>())
    }

    /// The same table with the files at `paths` only.
    pub fn select(&self, paths: &HashSet<&str>) -> Self {
        let selected = paths.iter().map(|path| path.to_string()).collect();
        Self { selected: Some(Arc::new(selected)), files: Arc::default(), ..self.clone() }
    }

    async fn all_files(&self) -> EngineResult<Arc<Vec<LogFile>>> {
        let replay = || async {
            let (log, selected) = (self.log.clone(), self.selected.clone());
            let wanted = move |path: &str| selected.as_ref().is_none_or(|paths| paths.contains(path));
            blocking(move || log.files(wanted)).await.map(Arc::new)
        };
        self.files.get_or_try_init(replay).await.map(Arc::clone)
    }

    /// The columns that files hold, and those that the log holds.
    fn split(&self) -> (Vec<FieldRef>, Vec<FieldRef>) {
        let is_partition = |field: &&FieldRef| self.partition_fields.iter().any(|p| p.name() == field.name());
        let in_files = self.read_schema.fields().iter().filter(|field| !is_partition(field)).cloned().collect();
        (in_files, self.partition_fields.clone())
    }

    /// A file as the engine lists it, and its store.
    async fn partitioned_file(
        &self,
        state: &dyn CatalogSession,
        file: &LogFile,
    ) -> EngineResult<(Url, PartitionedFile)> {
        let (foreign, location) = place(&self.root, &self.store_url, &file.file.path)?;
        let store_url = foreign.unwrap_or_else(|| self.store_url.clone());
        let meta = ObjectMeta {
            location,
            last_modified: time_in_store(file.file.modified_ms, store_url.as_str()),
            size: file.file.size_bytes,
            e_tag: None,
            version: None,
        };
        let mut partitioned = PartitionedFile::new_from_meta(meta).with_partition_values(self.partition_values(file)?);
        if file.vector.is_some() || file.within.is_some() {
            let selection = self.kept_rows(state, &store_url, &partitioned.object_meta, file).await?;
            partitioned = partitioned.with_extension(selection);
        }
        Ok((store_url, partitioned))
    }

    /// What a file's rows have in common.
    fn partition_values(&self, file: &LogFile) -> EngineResult<Vec<ScalarValue>> {
        let path = self.path_column.as_ref().map(|_| Ok(ScalarValue::Utf8(Some(file.file.path.clone()))));
        let values = self.partition_fields.iter().map(|field| partition_value(&file.file.partition_values, field));
        values.chain(path).chain(file.constants.iter().cloned().map(Ok)).collect()
    }

    /// The files by their stores, most often one.
    async fn partitioned_files(
        &self,
        state: &dyn CatalogSession,
        files: &[LogFile],
    ) -> EngineResult<Vec<(Url, Vec<PartitionedFile>)>> {
        let each: Vec<BoxFuture<'_, EngineResult<(Url, PartitionedFile)>>> =
            files.iter().map(|file| self.partitioned_file(state, file).boxed()).collect();
        let listed: Vec<(Url, PartitionedFile)> = stream::iter(each).buffered(READ_AT_ONCE).try_collect().await?;
        let mut stores: Vec<(Url, Vec<PartitionedFile>)> = Vec::new();
        for (store_url, file) in listed {
            match stores.iter_mut().find(|(url, _)| *url == store_url) {
                Some((_, list)) => list.push(file),
                None => stores.push((store_url, vec![file])),
            }
        }
        Ok(stores)
    }

    /// Where columns are mapped, the reader must not take those of a file for the table's because they look alike: it adapts them, whatever they
    /// are, only for a scan with a predicate.
    fn source(&self, format: &ParquetFormat, table_schema: TableSchema) -> Arc<dyn FileSource> {
        let is_mapped = self.log.snapshot.table_configuration().column_mapping_mode() != ColumnMappingMode::None;
        if is_mapped {
            let source = ParquetSource::new(table_schema).with_table_parquet_options(format.options().clone());
            return Arc::new(source.with_predicate(lit(true)));
        }
        format.file_source(table_schema)
    }

    /// What the file's vectors leave of the rows that its footer counts.
    async fn kept_rows(
        &self,
        state: &dyn CatalogSession,
        store_url: &Url,
        meta: &ObjectMeta,
        file: &LogFile,
    ) -> EngineResult<ParquetRowSelection> {
        let store: Arc<dyn ObjectStore> = state.runtime_env().object_store(ObjectStoreUrl::parse(store_url)?)?;
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let reader = DFParquetMetadata::new(store.as_ref(), meta).with_file_metadata_cache(Some(cache));
        let footer = contain_future(reader.fetch_metadata())
            .await
            .map_err(|e| DataFusionError::External(Box::new(in_log_file(e, store_url.as_str(), &meta.location))))?;
        let rows = footer.file_metadata().num_rows().max(0) as usize;
        let (log, file) = (self.log.clone(), file.clone());
        let selection = blocking(move || {
            let root = log.snapshot.table_root();
            kept_rows(file.vector.as_ref(), file.within.as_ref(), rows, &log.storage(), root, &file.file.path)
        });
        Ok(ParquetRowSelection::new(selection.await?))
    }

    /// Statistics of one file over file columns, then partition columns. Bounds that need not be met, and counts beside a deletion vector, are
    /// estimates.
    fn statistics(&self, file: &LogFile, in_files: &[FieldRef], values: &[ScalarValue]) -> Option<Statistics> {
        let stored = usize::try_from(file.file.rows).ok().filter(|_| file.within.is_none())?;
        let deleted = file.vector.as_ref().map_or(0, |vector| vector.cardinality.max(0) as usize);
        let rows = stored.checked_sub(deleted)?;
        let log: Value = serde_json::from_str(&file.file.statistics).unwrap_or(Value::Null);
        let tight = file.vector.is_none() && log["tightBounds"].as_bool().unwrap_or(true);
        let mut columns: Vec<ColumnStatistics> = in_files
            .iter()
            .map(|field| {
                let name = field.metadata().get(PHYSICAL_NAME).unwrap_or_else(|| field.name());
                logged_column(&log, name, field.data_type(), tight)
            })
            .collect();
        columns.extend(values.iter().map(|value| constant_column(value.clone(), rows)));
        columns.extend(self.row_column.iter().map(|_| ColumnStatistics::new_unknown()));
        Some(Statistics {
            num_rows: Precision::Exact(rows),
            total_byte_size: Precision::Inexact(file.file.size_bytes as usize),
            column_statistics: columns,
        })
    }

    /// Of all files together; none where one of them does not tell.
    fn total_statistics(
        &self,
        files: &[LogFile],
        in_files: &[FieldRef],
        table_schema: &SchemaRef,
    ) -> EngineResult<Option<Statistics>> {
        let each = files.iter().map(|file| {
            let values = self.partition_values(file)?;
            Ok(self.statistics(file, in_files, &values))
        });
        total(each, table_schema)
    }
}

fn with_fields(schema: &Schema, more: impl IntoIterator<Item = FieldRef>) -> SchemaRef {
    let fields: Vec<FieldRef> = schema.fields().iter().cloned().chain(more).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// INT96 are times in UTC; nanoseconds would hold those of three centuries only.
fn parquet_format() -> ParquetFormat {
    let mut options = TableParquetOptions::default();
    options.global.coerce_int96 = Some("us".into());
    options.global.coerce_int96_tz = Some("UTC".into());
    ParquetFormat::default().with_options(options)
}

/// Runs what blocks beside the runtime's own threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> EngineResult<T> {
    let outcome = runtime().spawn_blocking(move || entry(work)).await;
    let external = |error: BridgeError| DataFusionError::External(Box::new(error));
    outcome.map_err(|e| external(BridgeError::bug(e.to_string())))?.map_err(external)
}

#[async_trait]
impl TableProvider for LogTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Inexact: every filter reaches the scan's description, the reader and the row groups, and is checked once more above.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn CatalogSession,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let (in_files, partition_fields) = self.split();
        let laid_out = in_files
            .iter()
            .chain(&partition_fields)
            .chain(&self.path_column)
            .chain(&self.constants)
            .chain(&self.row_column);
        let (wanted, indexes) = places(&self.schema, laid_out, projection);
        let files = self.all_files().await?;
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(&wanted)?))));
        }
        let file_schema = Arc::new(Schema::new(scan_fields(&in_files)));
        let of_file = self.path_column.iter().chain(&self.constants).cloned();
        let constant: Vec<FieldRef> = scan_fields(&partition_fields).into_iter().chain(of_file).collect();
        let table_schema = TableSchema::builder(file_schema)
            .with_table_partition_cols(constant)
            .with_virtual_columns(self.row_column.iter().cloned().collect::<Vec<FieldRef>>())
            .build();
        let statistics = self.total_statistics(&files, &in_files, table_schema.table_schema())?;
        let stores = self.partitioned_files(state, &files).await?;
        let is_alone = stores.len() == 1;
        let format = parquet_format();
        let required: Arc<Vec<bool>> = Arc::new(in_files.iter().map(|field| !field.is_nullable()).collect());
        let columns = Arc::new(FileColumns::new(Arc::new(Schema::new(in_files))));
        let mut scans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        for (store_url, list) in stores {
            let groups = FileGroup::new(list).split_files(state.config().target_partitions().max(1));
            let source = self.source(&format, table_schema.clone());
            let mut config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(&store_url)?, source)
                .with_file_groups(groups)
                .with_projection_indices(Some(indexes.clone()))?
                .with_limit(limit)
                .with_expr_adapter(Some(Arc::clone(&columns) as _));
            if let (Some(total), true) = (&statistics, is_alone) {
                config = config.with_statistics(total.clone());
            }
            let scan = format.create_physical_plan(state, config.build()).await?;
            scans.push(name_files_of_log(scan, Arc::clone(&required), self.pushes_filters));
        }
        match scans.pop() {
            Some(scan) if scans.is_empty() => Ok(scan),
            Some(scan) => {
                scans.push(scan);
                UnionExec::try_new(scans)
            }
            None => Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(&wanted)?)))),
        }
    }
}

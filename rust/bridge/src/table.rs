// SPDX-License-Identifier: Apache-2.0
//! Tables whose files C++ has chosen: a scan leaf over plain Parquet, CSV or NDJSON files, and the wrapper through which every
//! table takes part in plans as a mere reference.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, Session as CatalogSession, TableProvider};
use datafusion::common::config::{ConfigField, CsvOptions, JsonOptions, TableParquetOptions};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, ColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::datasource::{MemTable, TableType, provider_as_source};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableProviderFilterPushDown};
use datafusion::parquet::arrow::RowNumber;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use serde_json::Value;
use url::Url;

use crate::contained::contain_future;
use crate::delta::log_table::LogTable;
use crate::error::{BridgeError, Result, entry};
use crate::ffi::{self, FileTableSpec, KeyValue, TableFile};
use crate::file_scans::{constant_column, logged_column, places, time_in_store, total};
use crate::folded_names::FoldedNames;
use crate::named_source::{in_file, name_files};
use crate::runtime::block_on;
use crate::session::Session;
use crate::store::{parse_url, resolve, store_root};
use crate::text_files::TextFormat;

/// A table that C++ can register, restrict and bind to scans.
#[derive(Clone)]
pub struct Table {
    pub provider: Arc<dyn TableProvider>,
}

/// Files in one folder of one store.
#[derive(Debug, Clone)]
pub struct FileTable {
    store_url: Url,
    root: Path,
    format: Format,
    /// Partition columns last, as the engine lays scans out; `order` maps to the declared order.
    schema: SchemaRef,
    file_schema: SchemaRef,
    /// Of the columns of `file_schema`: whether a NULL in it is a fault of the file.
    required: Arc<Vec<bool>>,
    partition_fields: Vec<FieldRef>,
    /// The last column: the number of a row in its file.
    row_column: Option<FieldRef>,
    files: Arc<Vec<TableFile>>,
}

/// How the files are read.
#[derive(Debug, Clone)]
pub enum Format {
    Parquet(Arc<ParquetFormat>),
    Text(TextFormat),
}

/// `is_declared`: the columns are the user's, not those that the files were found to have.
pub fn format_of(session: &Session, name: &str, options: &[KeyValue], is_declared: bool) -> Result<Format> {
    fn set(target: &mut impl ConfigField, options: &[KeyValue]) -> Result<()> {
        for option in options {
            target.set(&option.key, &option.value)?;
        }
        Ok(())
    }
    match name {
        "parquet" => {
            let mut parsed = TableParquetOptions {
                global: session.context.state_ref().read().config_options().execution.parquet.clone(),
                ..TableParquetOptions::default()
            };
            set(&mut parsed, options)?;
            Ok(Format::Parquet(Arc::new(ParquetFormat::default().with_options(parsed))))
        }
        "csv" => {
            let mut parsed = CsvOptions::default();
            set(&mut parsed, options)?;
            let usual = session.context.state_ref().read().config_options().catalog.has_header;
            parsed.has_header = parsed.has_header.or(Some(usual));
            Ok(Format::Text(TextFormat::csv(parsed, is_declared)?))
        }
        "ndjson" => {
            let mut parsed = JsonOptions::default();
            set(&mut parsed, options)?;
            Ok(Format::Text(TextFormat::Ndjson(parsed)))
        }
        other => Err(BridgeError::bug(format!("unknown file format `{other}`"))),
    }
}

pub fn object_meta(store_url: &Url, root: &Path, file: &TableFile) -> EngineResult<ObjectMeta> {
    let location = if file.path.is_empty() {
        root.clone()
    } else {
        Path::parse(format!("{root}/{}", file.path)).map_err(|e| DataFusionError::External(Box::new(e)))?
    };
    Ok(ObjectMeta {
        location,
        last_modified: time_in_store(file.modified_ms, store_url.as_str()),
        size: file.size_bytes,
        e_tag: None,
        version: None,
    })
}

/// The schema that all files together have. Where that fails, the first file that fails by itself is named.
async fn infer_schema(
    session: &Session,
    format: &Format,
    store: &Arc<dyn ObjectStore>,
    metas: &[ObjectMeta],
    root_url: &str,
) -> Result<SchemaRef> {
    let format = match format {
        Format::Text(format) => {
            return format.infer_schema(store, store_root(&parse_url(root_url)?)?.as_str(), metas).await;
        }
        Format::Parquet(format) => format,
    };
    let state = session.context.state();
    let error = match contain_future(format.infer_schema(&state, store, metas)).await {
        Ok(schema) => return Ok(schema),
        Err(error) => error,
    };
    let store_root = store_root(&parse_url(root_url)?)?;
    for meta in metas {
        if let Err(error) = contain_future(format.infer_schema(&state, store, std::slice::from_ref(meta))).await {
            return Err(in_file(error, store_root.as_str(), &meta.location));
        }
    }
    Err(error.into())
}

/// The columns that the files hold, and the partition columns, which the paths hold.
fn split_schema(schema: &Schema, partition_columns: &[String]) -> Result<(SchemaRef, Vec<FieldRef>)> {
    let file_fields: Vec<FieldRef> =
        schema.fields().iter().filter(|f| !partition_columns.contains(f.name())).cloned().collect();
    let partition_fields = partition_columns
        .iter()
        .map(|name| {
            schema.field_with_name(name).map(|f| Arc::new(f.clone())).map_err(|_| {
                BridgeError::user("not_found", format!("the partition column is not among the columns: `{name}`"))
            })
        })
        .collect::<Result<Vec<FieldRef>>>()?;
    Ok((Arc::new(Schema::new(file_fields)), partition_fields))
}

pub unsafe fn new_file_table(
    session: &Session,
    spec: &FileTableSpec,
    schema: *mut ffi::ArrowSchema,
) -> Result<Box<Table>> {
    let given = if schema.is_null() { None } else { Some(unsafe { import_schema(schema) }?) };
    entry(|| {
        let url = parse_url(&spec.root_url)?;
        let (store, root) = resolve(&session.context, &url)?;
        let format = format_of(session, &spec.format, &spec.options, given.is_some())?;
        let is_partition = |name: &str| spec.partition_columns.iter().any(|p| p == name);
        let (file_schema, partition_fields) = match &given {
            Some(schema) => split_schema(schema, &spec.partition_columns)?,
            None => {
                let store_url = store_root(&url)?;
                let metas =
                    spec.files.iter().map(|f| object_meta(&store_url, &root, f)).collect::<EngineResult<Vec<_>>>()?;
                let inferred = block_on(infer_schema(session, &format, &store, &metas, &spec.root_url))?;
                let fields: Vec<FieldRef> =
                    inferred.fields().iter().filter(|f| !is_partition(f.name())).cloned().collect();
                let partitions = spec
                    .partition_columns
                    .iter()
                    .map(|name| Arc::new(Field::new(name, DataType::Utf8, true)))
                    .collect();
                (Arc::new(Schema::new(fields)), partitions)
            }
        };
        let mut fields: Vec<FieldRef> = match given {
            Some(schema) => schema.fields().iter().cloned().collect(),
            None => file_schema.fields().iter().chain(&partition_fields).cloned().collect(),
        };
        let row_column = (!spec.row_column.is_empty())
            .then(|| Arc::new(Field::new(&spec.row_column, DataType::Int64, false).with_extension_type(RowNumber)));
        fields.extend(row_column.iter().map(plain_row_column));
        let schema = Arc::new(Schema::new(fields));
        Ok(Box::new(Table::of_files(FileTable {
            store_url: store_root(&url)?,
            root,
            format,
            schema,
            required: Arc::new(
                file_schema
                    .fields()
                    .iter()
                    .map(|f| spec.required_columns.contains(f.name()))
                    .chain(row_column.iter().map(|_| false))
                    .collect(),
            ),
            file_schema,
            partition_fields,
            row_column,
            files: Arc::new(spec.files.clone()),
        })))
    })
}

/// Without the mark by which the Parquet reader knows it.
fn plain_row_column(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), field.data_type().clone(), field.is_nullable()))
}

/// REQUIRES: `schema` points to a valid structure, whose content is taken over.
pub unsafe fn import_schema(schema: *mut ffi::ArrowSchema) -> Result<SchemaRef> {
    let imported = unsafe { FFI_ArrowSchema::from_raw(schema.cast()) };
    Ok(Arc::new(Schema::try_from(&imported)?))
}

/// REQUIRES: `out` points to a structure without content.
pub unsafe fn export_schema(schema: &Schema, out: *mut ffi::ArrowSchema) -> Result<()> {
    let exported = FFI_ArrowSchema::try_from(schema)?;
    unsafe { std::ptr::write(out.cast::<FFI_ArrowSchema>(), exported) };
    Ok(())
}

/// The rows of one batch. Unlike the engine's own table of batches it applies the filters that a plan has pushed into its scan,
/// whichever the table could do that the plan was made for.
#[derive(Debug)]
struct MemoryTable {
    rows: Arc<MemTable>,
}

#[async_trait]
impl TableProvider for MemoryTable {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn CatalogSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let rows: Arc<dyn TableProvider> = Arc::clone(&self.rows) as _;
        let mut plan = LogicalPlanBuilder::scan("given", provider_as_source(rows), None)?;
        if let Some(filter) = conjunction(filters.to_vec()) {
            let unqualified = filter.transform(|part| match part {
                Expr::Column(column) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))),
                other => Ok(Transformed::no(other)),
            })?;
            plan = plan.filter(unqualified.data)?;
        }
        if let Some(projection) = projection {
            let schema = self.schema();
            plan = plan.project(
                projection.iter().map(|&i| Expr::Column(Column::new_unqualified(schema.field(i).name().as_str()))),
            )?;
        }
        session.create_physical_plan(&plan.build()?).await
    }
}

pub unsafe fn new_memory_table(array: *mut ffi::ArrowArray, schema: *mut ffi::ArrowSchema) -> Result<Box<Table>> {
    entry(|| {
        let batch = unsafe { import_batch(array, schema) }?;
        let rows = Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?);
        Ok(Box::new(Table { provider: Arc::new(MemoryTable { rows }) }))
    })
}

/// Takes over the contents of both structures. A batch crosses as a struct array without nulls.
pub unsafe fn import_batch(array: *mut ffi::ArrowArray, schema: *mut ffi::ArrowSchema) -> Result<RecordBatch> {
    let (array, schema) = unsafe { (FFI_ArrowArray::from_raw(array.cast()), FFI_ArrowSchema::from_raw(schema.cast())) };
    let data = unsafe { from_ffi(array, &schema) }?;
    Ok(RecordBatch::from(StructArray::from(data)))
}

impl FileTable {
    /// As scans lay the columns out. Parquet's reader counts rows by itself; those of text files have the number among their columns.
    fn table_schema(&self) -> TableSchema {
        let rows = self.row_column.iter();
        let builder = match self.format {
            Format::Parquet(_) => TableSchema::builder(Arc::clone(&self.file_schema))
                .with_virtual_columns(rows.cloned().collect::<Vec<FieldRef>>()),
            Format::Text(_) => {
                let rows = rows.map(plain_row_column);
                let fields: Vec<FieldRef> = self.file_schema.fields().iter().cloned().chain(rows).collect();
                TableSchema::builder(Arc::new(Schema::new(fields)))
            }
        };
        builder.with_table_partition_cols(self.partition_fields.clone()).build()
    }
}

impl Table {
    pub fn of_files(table: FileTable) -> Self {
        Table { provider: Arc::new(table) }
    }

    pub fn with_paths(&self, paths: &[String]) -> Result<Box<Table>> {
        entry(|| {
            let paths: HashSet<&str> = paths.iter().map(String::as_str).collect();
            if let Some(table) = self.provider.downcast_ref::<LogTable>() {
                return Ok(Box::new(Table { provider: Arc::new(table.select(&paths)) }));
            }
            let Some(table) = self.provider.downcast_ref::<FileTable>() else {
                return Err(BridgeError::bug("only tables of files can be restricted"));
            };
            let files = table.files.iter().filter(|f| paths.contains(f.path.as_str())).cloned().collect();
            Ok(Box::new(Table::of_files(FileTable { files: Arc::new(files), ..table.clone() })))
        })
    }

    pub unsafe fn schema(&self, out_schema: *mut ffi::ArrowSchema) -> Result<()> {
        entry(|| match self.provider.downcast_ref::<LogTable>() {
            Some(table) => unsafe { export_schema(&table.declared_schema(), out_schema) },
            None => unsafe { export_schema(&self.provider.schema(), out_schema) },
        })
    }
}

pub fn register_table(session: &Session, schema: &str, name: &str, table: &Table) -> Result<()> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let options = state.config_options();
        let catalog = state
            .catalog_list()
            .catalog(&options.catalog.default_catalog)
            .ok_or_else(|| BridgeError::bug("the default catalog is missing"))?;
        let schema_name = if schema.is_empty() { &options.catalog.default_schema } else { schema };
        let schema = match catalog.schema(schema_name) {
            Some(schema) => schema,
            None => {
                let schema = Arc::new(MemorySchemaProvider::new());
                catalog.register_schema(schema_name, schema.clone())?;
                schema
            }
        };
        schema.deregister_table(name)?;
        schema.register_table(name.to_string(), Arc::clone(&table.provider))?;
        Ok(())
    })
}

fn partition_scalar(file: &TableFile, field: &Field) -> EngineResult<ScalarValue> {
    match file.partition_values.iter().find(|v| v.column == *field.name()) {
        Some(value) if !value.is_null => ScalarValue::try_from_string(value.value.clone(), field.data_type()),
        _ => ScalarValue::try_from(field.data_type()),
    }
}

/// Statistics of one file over file columns, then partition columns.
fn file_statistics(table: &FileTable, file: &TableFile) -> Option<Statistics> {
    if file.rows < 0 || table.row_column.is_some() {
        return None;
    }
    let rows = file.rows as usize;
    let log: Value = serde_json::from_str(&file.statistics).unwrap_or(Value::Null);
    let logged = |field: &FieldRef| logged_column(&log, field.name(), field.data_type(), true);
    let mut columns: Vec<ColumnStatistics> = table.file_schema.fields().iter().map(logged).collect();
    columns.extend(table.partition_fields.iter().map(|field| match partition_scalar(file, field) {
        Ok(value) => constant_column(value, rows),
        Err(_) => ColumnStatistics::new_unknown(),
    }));
    Some(Statistics {
        num_rows: Precision::Exact(rows),
        total_byte_size: Precision::Inexact(file.size_bytes as usize),
        column_statistics: columns,
    })
}

#[async_trait]
impl TableProvider for FileTable {
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
        let table_schema = self.table_schema();
        let (wanted, indexes) = places(&self.schema, table_schema.table_schema().fields().iter(), projection);
        if self.files.is_empty() {
            let projected = Arc::new(self.schema.project(&wanted)?);
            return Ok(Arc::new(EmptyExec::new(projected)));
        }

        let mut files = Vec::with_capacity(self.files.len());
        for file in self.files.iter() {
            let values =
                self.partition_fields.iter().map(|f| partition_scalar(file, f)).collect::<EngineResult<Vec<_>>>()?;
            files.push(
                PartitionedFile::new_from_meta(object_meta(&self.store_url, &self.root, file)?)
                    .with_partition_values(values),
            );
        }
        let statistics = self.files.iter().map(|file| Ok(file_statistics(self, file)));
        let statistics = total(statistics, table_schema.table_schema())?;
        let groups = FileGroup::new(files).split_files(state.config().target_partitions().max(1));
        let source = match &self.format {
            Format::Parquet(format) => format.file_source(table_schema.clone()),
            Format::Text(format) => {
                Arc::new(format.source(table_schema.clone(), Arc::clone(&self.required), self.row_column.is_some()))
            }
        };
        let mut config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(&self.store_url)?, source)
            .with_file_groups(groups)
            .with_projection_indices(Some(indexes))?
            .with_limit(limit);
        if let Some(statistics) = statistics {
            config = config.with_statistics(statistics);
        }
        Ok(match &self.format {
            Format::Parquet(format) => {
                let config = config.with_expr_adapter(Some(Arc::new(FoldedNames)));
                let plan = format.create_physical_plan(state, config.build()).await?;
                name_files(plan, Arc::clone(&self.required))
            }
            // Such a source minds by itself which columns hold no NULL: it knows the lines.
            Format::Text(format) => {
                let config = config.with_file_compression_type(format.compression()).build();
                name_files(DataSourceExec::from_data_source(config), Arc::default())
            }
        })
    }
}

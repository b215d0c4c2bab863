// SPDX-License-Identifier: Apache-2.0
//! The source of a scan over CSV or NDJSON files, in the place of the engine's own.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use datafusion::physical_plan::{DisplayFormatType, apply_expression_roots};
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::file::FileSource;
use datafusion_datasource::file_compression_type::FileCompressionType;
use datafusion_datasource::file_scan_config::FileScanConfig;
use datafusion_datasource::file_stream::{FileOpenFuture, FileOpener};
use datafusion_datasource::projection::{ProjectionOpener, SplitProjection};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::sync::OnceCell;

use super::TextFormat;
use super::bytes_input::BytesInput;
use super::csv_file::{CsvFile, CsvRules, read_first_record};
use super::csv_layout::{Expectation, Layout, by_header, by_place, have_same_columns};
use super::ndjson_file::NdjsonFile;
use super::records::Records;
use super::text_error::TextFile;

const DEFAULT_BATCH_ROWS: usize = 8192;

/// Reads columns, and computes what is projected from them.
#[derive(Clone)]
pub struct TextSource {
    format: TextFormat,
    table_schema: TableSchema,
    /// By the places of columns in the files' schema: whether they hold no NULL.
    required: Arc<Vec<bool>>,
    /// The last column of the files' schema is the number of a row in its file.
    counts_rows: bool,
    projection: SplitProjection,
    batch_size: Option<usize>,
    metrics: ExecutionPlanMetricsSet,
}

impl TextSource {
    pub fn new(format: TextFormat, table_schema: TableSchema, required: Arc<Vec<bool>>, counts_rows: bool) -> Self {
        Self {
            format,
            counts_rows,
            projection: SplitProjection::unprojected(&table_schema),
            table_schema,
            required,
            batch_size: None,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl FileSource for TextSource {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        let schema = self.table_schema.file_schema();
        let first = config.file_groups.iter().flat_map(|group| group.iter()).map(|file| &file.object_meta.location);
        let in_files = schema.fields().len() - usize::from(self.counts_rows);
        let wanted = &self.projection.file_indices;
        let opener = Arc::new(TextOpener {
            format: self.format.clone(),
            schema: Arc::new(schema.project(&(0..in_files).collect::<Vec<usize>>())?),
            columns: wanted.iter().copied().filter(|column| *column < in_files).collect(),
            numbers: wanted.iter().position(|column| *column >= in_files).map(|place| RowNumbers {
                place,
                field: Arc::clone(&schema.fields()[in_files]),
                next: 0,
            }),
            required: Arc::clone(&self.required),
            batch_size: self.batch_size.unwrap_or(DEFAULT_BATCH_ROWS),
            compression: config.file_compression_type,
            store,
            store_url: config.object_store_url.as_str().to_string(),
            first_file: first.min().cloned(),
            first_header: Arc::new(OnceCell::new()),
            scanned: MetricBuilder::new(&self.metrics).counter("bytes_scanned", partition),
        });
        ProjectionOpener::try_new(self.projection.clone(), opener, schema)
    }

    fn table_schema(&self) -> &TableSchema {
        &self.table_schema
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_size: Some(batch_size), ..self.clone() })
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        let merged = self.projection.source.try_merge(projection)?;
        let projection = SplitProjection::new(self.table_schema.file_schema(), &merged);
        Ok(Some(Arc::new(Self { projection, ..self.clone() })))
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        match &self.format {
            TextFormat::Csv(_) => "csv",
            TextFormat::Ndjson(_) => "json",
        }
    }

    /// A range of bytes has whole records only where no field holds a line break, which nobody but the user knows of a CSV file.
    fn supports_repartitioning(&self) -> bool {
        // A part of a file does not know how many rows are before it.
        !self.counts_rows
            && match &self.format {
                TextFormat::Csv(rules) => rules.options.newlines_in_values == Some(false),
                TextFormat::Ndjson(options) => options.newline_delimited,
            }
    }

    fn fmt_extra(&self, kind: DisplayFormatType, f: &mut Formatter) -> fmt::Result {
        match (&self.format, kind) {
            (TextFormat::Csv(rules), DisplayFormatType::Default | DisplayFormatType::Verbose) => {
                write!(f, ", has_header={}", rules.has_header())
            }
            _ => Ok(()),
        }
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.projection.source.iter(), f)
    }
}

/// Counts the rows of one file.
#[derive(Clone)]
struct RowNumbers {
    /// Where their column stands among those that are read.
    place: usize,
    field: FieldRef,
    next: i64,
}

impl RowNumbers {
    fn add_to(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let end = self.next + batch.num_rows() as i64;
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(self.next..end));
        self.next = end;
        let mut fields = batch.schema().fields().to_vec();
        fields.insert(self.place, Arc::clone(&self.field));
        let mut columns = batch.columns().to_vec();
        columns.insert(self.place, numbers);
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }
}

#[derive(Clone)]
struct TextOpener {
    format: TextFormat,
    /// Of the columns that files hold.
    schema: SchemaRef,
    columns: Vec<usize>,
    numbers: Option<RowNumbers>,
    required: Arc<Vec<bool>>,
    batch_size: usize,
    compression: FileCompressionType,
    store: Arc<dyn ObjectStore>,
    store_url: String,
    /// The files go by its header where the names of columns do not tell.
    first_file: Option<Path>,
    first_header: Arc<OnceCell<Option<Vec<String>>>>,
    /// Bytes of files that were read.
    scanned: Count,
}

impl FileOpener for TextOpener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let opener = self.clone();
        Ok(Box::pin(async move {
            let batches = opener.batches(file).await?;
            Ok(match opener.numbers {
                Some(mut numbers) => batches.map(move |batch| numbers.add_to(&batch?)).boxed(),
                None => batches,
            })
        }))
    }
}

impl TextOpener {
    async fn batches(&self, file: PartitionedFile) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        match &self.format {
            TextFormat::Csv(rules) => {
                let Some(csv) = self.open_csv(rules, file).await? else {
                    return Ok(stream::empty().boxed());
                };
                let batches = |mut csv: CsvFile| async { Ok(csv.next_batch().await?.map(|batch| (batch, csv))) };
                Ok(stream::try_unfold(csv, batches).boxed())
            }
            TextFormat::Ndjson(options) => {
                let json = self.open_ndjson(options.newline_delimited, file).await?;
                let batches = |mut json: NdjsonFile| async { Ok(json.next_batch().await?.map(|batch| (batch, json))) };
                Ok(stream::try_unfold(json, batches).boxed())
            }
        }
    }

    /// Nothing, if the file is empty.
    async fn open_csv(&self, rules: &Arc<CsvRules>, file: PartitionedFile) -> Result<Option<CsvFile>> {
        let location = &file.object_meta.location;
        let named = TextFile::new(&self.store_url, location);
        let range = file.range.clone().filter(|range| range.start > 0 || range.end < file.object_meta.size as i64);
        let is_middle = range.as_ref().is_some_and(|range| range.start > 0);
        let mut records = Records::new(&rules.options, !is_middle);
        let mut rest = Bytes::new();
        let mut input = match &range {
            Some(range) => BytesInput::open_range(&self.store, &file, range, rules.terminator(), &self.scanned).await?,
            None => BytesInput::open(&self.store, location, self.compression, &self.scanned).await?,
        };
        let layout = if !rules.has_header() {
            by_place(self.schema.fields().len())
        } else {
            let header = if is_middle {
                self.header_of(rules, location).await?
            } else {
                read_first_record(&mut records, &mut input, &mut rest, &named).await?
            };
            let Some(header) = header else {
                return Ok(None);
            };
            self.lay_out(rules, location, &named, &header).await?
        };
        records.clear();
        records.want_fields(layout.width);
        Ok(Some(CsvFile {
            rules: Arc::clone(rules),
            file: named,
            schema: Arc::clone(&self.schema),
            columns: self.columns.clone(),
            required: Arc::clone(&self.required),
            layout,
            records,
            input,
            rest,
            has_ended: false,
            batch_size: self.batch_size,
        }))
    }

    async fn lay_out(&self, rules: &CsvRules, path: &Path, file: &TextFile, header: &[String]) -> Result<Layout> {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let expected = Expectation {
            columns: &columns,
            is_declared: rules.is_declared,
            are_short_allowed: rules.are_short_allowed(),
        };
        let layout = by_header(header, expected).map_err(|(what, help)| file.explain_whole(&what, help))?;
        let Some(first) = self.first_file.as_ref().filter(|first| layout.is_by_place && *first != path) else {
            return Ok(layout);
        };
        let first_header = self.first_header.get_or_try_init(|| self.header_of(rules, first)).await?;
        match first_header {
            Some(first_header) if !have_same_columns(first_header, header) && !rules.are_short_allowed() => {
                let what = format!(
                    "the header of `{}` is wanted, since the source's columns go by place: `{}`, found `{}`",
                    TextFile::new(&self.store_url, first).name(),
                    first_header.join(", "),
                    header.join(", ")
                );
                Err(file.explain_whole(&what, "declare the columns with the names that stand in the headers"))
            }
            _ => Ok(layout),
        }
    }

    async fn header_of(&self, rules: &CsvRules, path: &Path) -> Result<Option<Vec<String>>> {
        let mut input = BytesInput::open(&self.store, path, self.compression, &self.scanned).await?;
        let file = TextFile::new(&self.store_url, path);
        read_first_record(&mut Records::new(&rules.options, true), &mut input, &mut Bytes::new(), &file).await
    }

    async fn open_ndjson(&self, is_by_line: bool, file: PartitionedFile) -> Result<NdjsonFile> {
        let location = &file.object_meta.location;
        let range = file.range.clone().filter(|range| range.start > 0 || range.end < file.object_meta.size as i64);
        let knows_lines = range.as_ref().is_none_or(|range| range.start == 0);
        let input = match &range {
            Some(range) => BytesInput::open_range(&self.store, &file, range, b'\n', &self.scanned).await?,
            None => BytesInput::open(&self.store, location, self.compression, &self.scanned).await?,
        };
        let named = TextFile::new(&self.store_url, location);
        let schema = Arc::new(self.schema.project(&self.columns)?);
        let required = self.columns.iter().map(|&column| self.required[column]).collect();
        let mut json = NdjsonFile::new(named, schema, required, input, self.batch_size, knows_lines)?;
        if !is_by_line {
            json.open_array().await?;
        }
        Ok(json)
    }
}

// SPDX-License-Identifier: Apache-2.0
//! CSV and NDJSON files: read record by record, so that every failure names its line, and turned into values as CAST does.

mod bytes_input;
mod csv_file;
mod csv_layout;
mod csv_schema;
mod escaped_pairs;
mod json_schema;
mod json_values;
mod ndjson_file;
mod number_text;
mod records;
mod text_error;
mod text_source;
mod text_values;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::config::{CsvOptions, JsonOptions};
use datafusion::datasource::table_schema::TableSchema;
use datafusion_datasource::file_compression_type::FileCompressionType;
use object_store::{ObjectMeta, ObjectStore};
use std::sync::Arc;

use crate::error::Result;

pub use csv_file::CsvRules;
pub use text_source::TextSource;

/// How the files of a table are read.
#[derive(Debug, Clone)]
pub enum TextFormat {
    Csv(Arc<CsvRules>),
    Ndjson(JsonOptions),
}

impl TextFormat {
    /// `is_declared`: the columns are the user's, not those that the files were found to have.
    pub fn csv(options: CsvOptions, is_declared: bool) -> Result<Self> {
        Ok(TextFormat::Csv(Arc::new(CsvRules::new(options, is_declared)?)))
    }

    pub fn compression(&self) -> FileCompressionType {
        match self {
            TextFormat::Csv(rules) => rules.options.compression.into(),
            TextFormat::Ndjson(options) => options.compression.into(),
        }
    }

    /// The columns that the files together have.
    pub async fn infer_schema(
        &self,
        store: &Arc<dyn ObjectStore>,
        store_url: &str,
        files: &[ObjectMeta],
    ) -> Result<SchemaRef> {
        match self {
            TextFormat::Csv(rules) => csv_schema::infer(rules, store, store_url, files).await,
            TextFormat::Ndjson(options) => json_schema::infer(options, store, store_url, files).await,
        }
    }

    /// The columns that the header of one CSV file names, as texts, or the keys of the first records of all NDJSON files. Nothing where the
    /// file says nothing of them.
    pub async fn named_columns(
        &self,
        store: &Arc<dyn ObjectStore>,
        store_url: &str,
        files: &[ObjectMeta],
    ) -> Result<Option<SchemaRef>> {
        let names = match self {
            TextFormat::Csv(rules) if !rules.has_header() => return Ok(None),
            TextFormat::Csv(rules) => match files.first() {
                Some(file) => csv_schema::header(rules, store, store_url, file).await?,
                None => None,
            },
            TextFormat::Ndjson(options) => Some(json_schema::keys(options, store, store_url, files).await?),
        };
        let field = |name: String| Field::new(name, DataType::Utf8, true);
        Ok(names.map(|names| Arc::new(Schema::new(names.into_iter().map(field).collect::<Vec<_>>()))))
    }

    /// The source of a scan; `required` are the columns, by their place in the files' schema, that hold no NULL. With `counts_rows` the last
    /// column of that schema is the number of a row in its file.
    pub fn source(&self, schema: TableSchema, required: Arc<Vec<bool>>, counts_rows: bool) -> TextSource {
        TextSource::new(self.clone(), schema, required, counts_rows)
    }
}

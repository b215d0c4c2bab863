// SPDX-License-Identifier: Apache-2.0
//! The columns of each file of a table by itself. In: the files that C++ has chosen. Out: the schemas that they have, each once, and which file
//! has which. What a table makes of their differences C++ decides.

use arrow::datatypes::SchemaRef;
use datafusion::datasource::file_format::FileFormat;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectMeta;

use crate::contained::contain_future;
use crate::error::{BridgeError, Result, entry};
use crate::ffi::{self, FileTableSpec};
use crate::named_source::in_file;
use crate::runtime::block_on;
use crate::session::Session;
use crate::store::{parse_url, resolve, store_root};
use crate::table::{Format, export_schema, format_of, object_meta};
use crate::text_files::TextFormat;

#[derive(Default)]
pub struct FileSchemas {
    schemas: Vec<SchemaRef>,
    /// Of each file the place among `schemas`; -1: nothing is known of it.
    of_files: Vec<i64>,
}

pub fn file_schemas(session: &Session, spec: &FileTableSpec) -> Result<Box<FileSchemas>> {
    entry(|| {
        let url = parse_url(&spec.root_url)?;
        let (store, root) = resolve(&session.context, &url)?;
        let store_url = store_root(&url)?;
        let state = session.context.state();
        let metas = spec
            .files
            .iter()
            .map(|file| object_meta(&store_url, &root, file))
            .collect::<datafusion::error::Result<Vec<_>>>()?;
        let at_once = state.config_options().execution.meta_fetch_concurrency.get();
        let format = format_of(session, &spec.format, &spec.options, true)?;
        let each: Vec<Option<SchemaRef>> = match &format {
            Format::Parquet(format) => {
                let of_file = |meta: &ObjectMeta| {
                    let (format, store, state, meta) = (format.clone(), store.clone(), &state, meta.clone());
                    let store_url = store_url.as_str();
                    async move {
                        let found = format.infer_schema(state, &store, std::slice::from_ref(&meta));
                        contain_future(found).await.map(Some).map_err(|e| in_file(e, store_url, &meta.location))
                    }
                };
                let reading: Vec<_> = metas.iter().map(of_file).collect();
                block_on(stream::iter(reading).buffered(at_once).try_collect())?
            }
            Format::Text(format @ TextFormat::Csv(_)) => {
                let reading: Vec<_> = metas
                    .iter()
                    .map(|meta| format.named_columns(&store, store_url.as_str(), std::slice::from_ref(meta)))
                    .collect();
                block_on(stream::iter(reading).buffered(at_once).try_collect())?
            }
            // Records leave out what they have no value for: the files are looked at as one.
            Format::Text(format @ TextFormat::Ndjson(_)) => {
                vec![block_on(format.named_columns(&store, store_url.as_str(), &metas))?]
            }
        };
        Ok(Box::new(FileSchemas::collect(each)))
    })
}

impl FileSchemas {
    fn collect(each: Vec<Option<SchemaRef>>) -> Self {
        let mut found = Self::default();
        for schema in each {
            let place = schema.map(|schema| {
                found.schemas.iter().position(|known| *known == schema).unwrap_or_else(|| {
                    found.schemas.push(schema);
                    found.schemas.len() - 1
                })
            });
            found.of_files.push(place.map_or(-1, |place| place as i64));
        }
        found
    }

    pub fn schema_count(&self) -> usize {
        self.schemas.len()
    }

    pub unsafe fn schema_at(&self, index: usize, out_schema: *mut ffi::ArrowSchema) -> Result<()> {
        entry(|| match self.schemas.get(index) {
            Some(schema) => unsafe { export_schema(schema, out_schema) },
            None => Err(BridgeError::bug(format!("there is no schema {index}"))),
        })
    }

    pub fn of_files(&self) -> Vec<i64> {
        self.of_files.clone()
    }
}

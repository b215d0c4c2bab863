// SPDX-License-Identifier: Apache-2.0
//! The engine that the kernel reads a Delta log with. It reads as delta-rs' own does, but gives the path of each data file in one
//! spelling, says which object of the log cannot be read, and can leave objects out that are of no use.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, StructArray};
use bytes::Bytes;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::schema::SchemaRef;
use delta_kernel::{
    DeltaResult, DeltaResultIterator, DeltaResultIteratorStatic, Engine, EngineData, Error, EvaluationHandler,
    FileDataReadResultIterator, FileMeta, FileSize, FileSlice, JsonHandler, ParquetFooter, ParquetHandler,
    PredicateRef, StorageHandler,
};
use url::Url;

use crate::contained::contain;
use crate::delta::log_path::{canonical, is_canonical};
use crate::error::{BridgeError, io_kind};

/// Reads the log of the table at `root`.
#[derive(Clone)]
pub struct LogEngine {
    inner: Arc<dyn Engine>,
    root: Url,
    /// Names of objects of the log that are taken not to be there.
    left_out: Arc<HashSet<String>>,
}

impl LogEngine {
    pub fn new(inner: Arc<dyn Engine>, root: Url) -> Self {
        Self { inner, root, left_out: Arc::default() }
    }

    /// The same without one more object of the log.
    pub fn without(&self, name: &str) -> Self {
        let mut left_out = HashSet::clone(&self.left_out);
        left_out.insert(name.to_string());
        Self { left_out: Arc::new(left_out), ..self.clone() }
    }

    /// Files that were listed, but for those left out.
    fn lists(&self, url: &Url) -> bool {
        !self.left_out.contains(name_of(url))
    }
}

impl Engine for LogEngine {
    fn evaluation_handler(&self) -> Arc<dyn EvaluationHandler> {
        self.inner.evaluation_handler()
    }

    fn storage_handler(&self) -> Arc<dyn StorageHandler> {
        Arc::new(LogStorage { inner: self.inner.storage_handler(), engine: self.clone() })
    }

    fn json_handler(&self) -> Arc<dyn JsonHandler> {
        Arc::new(LogJson { inner: self.inner.json_handler(), root: self.root.clone() })
    }

    fn parquet_handler(&self) -> Arc<dyn ParquetHandler> {
        Arc::new(LogParquet { inner: self.inner.parquet_handler(), root: self.root.clone() })
    }
}

fn name_of(url: &Url) -> &str {
    url.path().rsplit('/').next().unwrap_or_default()
}

/// An object of the log that cannot be read. What the kernel's error says of it stands behind its name.
fn unreadable(url: &Url, error: Error) -> Error {
    let error = without_backtrace(error);
    if matches!(error, Error::Unsupported(_)) {
        return error;
    }
    if let Error::GenericError { source } = &error
        && source.is::<BridgeError>()
    {
        return error;
    }
    let (code, reason) = match &error {
        Error::ObjectStore(store) => {
            let of_store = BridgeError::of_store(store);
            (of_store.code, of_store.message)
        }
        Error::FileNotFound(_) => ("not_found", error.to_string()),
        other => match io_kind(other) {
            Some((code, text)) => (code, text),
            None => ("corrupt", error.to_string()),
        },
    };
    // What the log lists and is not there, was taken away from it.
    let code = if code == "not_found" { "corrupt" } else { code };
    let name = if url.scheme() == "file" { percent_decoded(url.path()) } else { url.to_string() };
    let mut named =
        BridgeError::new(code, "environment", format!("the file `{name}` of the Delta log cannot be read: {reason}"));
    named.details.insert("log_object".into(), name_of(url).into());
    Error::generic_err(named)
}

fn percent_decoded(path: &str) -> String {
    object_store::path::Path::from_url_path(path).map_or_else(|_| path.to_string(), |decoded| format!("/{decoded}"))
}

fn contained<T>(work: impl FnOnce() -> T) -> DeltaResult<T> {
    contain(work).map_err(|error| Error::generic(BridgeError::from(error).message))
}

/// The kernel adds a backtrace where the environment asks for one.
pub fn without_backtrace(error: Error) -> Error {
    match error {
        Error::Backtraced { source, .. } => without_backtrace(*source),
        other => other,
    }
}

/// The batches of some files. An error is that of the file which fails by itself, too.
struct Named<F: Fn(&FileMeta) -> DeltaResult<FileDataReadResultIterator>> {
    batches: FileDataReadResultIterator,
    files: Vec<FileMeta>,
    read_alone: F,
    root: Url,
}

impl<F: Fn(&FileMeta) -> DeltaResult<FileDataReadResultIterator>> Iterator for Named<F> {
    type Item = DeltaResult<Box<dyn EngineData>>;

    fn next(&mut self) -> Option<Self::Item> {
        match contained(|| self.batches.next()) {
            Ok(None) => None,
            Ok(Some(Ok(batch))) => Some(with_canonical_paths(batch, &self.root)),
            Ok(Some(Err(error))) | Err(error) => Some(Err(self.explain(error))),
        }
    }
}

impl<F: Fn(&FileMeta) -> DeltaResult<FileDataReadResultIterator>> Named<F> {
    fn explain(&self, error: Error) -> Error {
        for file in &self.files {
            let read = || (self.read_alone)(file).map(|mut batches| batches.find_map(|batch| batch.err()));
            let failure = contained(read).and_then(|read| read).unwrap_or_else(Some);
            if let Some(failure) = failure {
                return unreadable(&file.location, failure);
            }
        }
        without_backtrace(error)
    }
}

/// Spells the paths of the actions in a batch, where they have any.
fn with_canonical_paths(data: Box<dyn EngineData>, root: &Url) -> DeltaResult<Box<dyn EngineData>> {
    let batch: RecordBatch = ArrowEngineData::try_from_engine_data(data)?.into();
    let mut spelt: Option<Vec<ArrayRef>> = None;
    for (i, field) in batch.schema().fields().iter().enumerate() {
        if !matches!(field.name().as_str(), "add" | "remove") {
            continue;
        }
        if let Some(actions) = batch.column(i).as_struct_opt().and_then(|actions| spell(actions, root)) {
            spelt.get_or_insert_with(|| batch.columns().to_vec())[i] = Arc::new(actions);
        }
    }
    let batch = match spelt {
        Some(columns) => RecordBatch::try_new(batch.schema(), columns).map_err(Error::generic_err)?,
        None => batch,
    };
    Ok(Box::new(ArrowEngineData::new(batch)))
}

/// The actions with their paths spelt; none where they are so already.
fn spell(actions: &StructArray, root: &Url) -> Option<StructArray> {
    let at = actions.column_names().iter().position(|name| *name == "path")?;
    let paths = actions.column(at).as_string_opt::<i32>()?;
    if paths.iter().flatten().all(is_canonical) {
        return None;
    }
    let spelt: StringArray = paths.iter().map(|path| path.map(|raw| canonical(root, raw))).collect();
    let (fields, mut columns, nulls) = actions.clone().into_parts();
    columns[at] = Arc::new(spelt);
    StructArray::try_new(fields, columns, nulls).ok()
}

struct LogStorage {
    inner: Arc<dyn StorageHandler>,
    engine: LogEngine,
}

impl StorageHandler for LogStorage {
    fn list_from(&self, path: &Url) -> DeltaResult<Box<dyn Iterator<Item = DeltaResult<FileMeta>>>> {
        let engine = self.engine.clone();
        let listed = self.inner.list_from(path)?;
        Ok(Box::new(listed.filter(move |file| file.as_ref().map_or(true, |file| engine.lists(&file.location)))))
    }

    fn read_files(&self, files: Vec<FileSlice>) -> DeltaResult<Box<dyn Iterator<Item = DeltaResult<Bytes>>>> {
        if let Some((url, _)) = files.iter().find(|(url, _)| !self.engine.lists(url)) {
            return Ok(Box::new(std::iter::once(Err(Error::file_not_found(url)))));
        }
        self.inner.read_files(files)
    }

    fn copy_atomic(&self, src: &Url, dest: &Url) -> DeltaResult<()> {
        self.inner.copy_atomic(src, dest)
    }

    fn put(&self, path: &Url, data: Bytes, overwrite: bool) -> DeltaResult<()> {
        self.inner.put(path, data, overwrite)
    }

    fn head(&self, path: &Url) -> DeltaResult<FileMeta> {
        self.inner.head(path)
    }

    fn delete(&self, path: &Url) -> DeltaResult<()> {
        self.inner.delete(path)
    }
}

struct LogJson {
    inner: Arc<dyn JsonHandler>,
    root: Url,
}

impl JsonHandler for LogJson {
    fn parse_json(&self, texts: Box<dyn EngineData>, schema: SchemaRef) -> DeltaResult<Box<dyn EngineData>> {
        self.inner.parse_json(texts, schema)
    }

    fn read_json_files(
        &self,
        files: &[FileMeta],
        schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        let (inner, alone) = (Arc::clone(&self.inner), (Arc::clone(&schema), predicate.clone()));
        let read_alone = move |file: &FileMeta| {
            inner.read_json_files(std::slice::from_ref(file), Arc::clone(&alone.0), alone.1.clone())
        };
        let batches = self.inner.read_json_files(files, schema, predicate)?;
        Ok(Box::new(Named { batches, files: files.to_vec(), read_alone, root: self.root.clone() }))
    }

    fn write_json_file(
        &self,
        path: &Url,
        data: DeltaResultIterator<'_, FilteredEngineData>,
        overwrite: bool,
    ) -> DeltaResult<FileSize> {
        self.inner.write_json_file(path, data, overwrite)
    }
}

struct LogParquet {
    inner: Arc<dyn ParquetHandler>,
    root: Url,
}

impl ParquetHandler for LogParquet {
    fn read_parquet_files(
        &self,
        files: &[FileMeta],
        schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        let (inner, alone) = (Arc::clone(&self.inner), (Arc::clone(&schema), predicate.clone()));
        let read_alone = move |file: &FileMeta| {
            inner.read_parquet_files(std::slice::from_ref(file), Arc::clone(&alone.0), alone.1.clone())
        };
        let batches = match self.inner.read_parquet_files(files, schema, predicate) {
            Ok(batches) => batches,
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        Ok(Box::new(Named { batches, files: files.to_vec(), read_alone, root: self.root.clone() }))
    }

    fn write_parquet_file(&self, path: Url, data: DeltaResultIteratorStatic<Box<dyn EngineData>>) -> DeltaResult<()> {
        self.inner.write_parquet_file(path, data)
    }

    fn read_parquet_footer(&self, file: &FileMeta) -> DeltaResult<ParquetFooter> {
        contained(|| self.inner.read_parquet_footer(file))
            .and_then(|footer| footer)
            .map_err(|error| unreadable(&file.location, error))
    }
}

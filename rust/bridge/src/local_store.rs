// SPDX-License-Identifier: Apache-2.0
//! The local file system as an object store that knows where files end. The engine's takes memory for any range that is asked for before it
//! reads, and the footer of a damaged Parquet file may ask for terabytes.

use std::fmt;
use std::fs::File;
use std::io::{Error as IoError, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use tokio::runtime::Handle;

#[derive(Debug)]
pub struct LocalStore(LocalFileSystem);

impl LocalStore {
    pub fn new() -> Self {
        Self(LocalFileSystem::new())
    }
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn read_ranges(path: &std::path::Path, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
    let failed = |error: IoError| -> object_store::Error {
        let (path, source) = (location.to_string(), Box::new(error));
        match source.kind() {
            ErrorKind::NotFound => object_store::Error::NotFound { path, source },
            ErrorKind::PermissionDenied => object_store::Error::PermissionDenied { path, source },
            _ => object_store::Error::Generic { store: "LocalFileSystem", source },
        }
    };
    let mut file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let past_end = |range: &Range<u64>| {
        let text = format!("bytes {}–{} of `{location}` are wanted, and it has {size}", range.start, range.end);
        failed(IoError::new(ErrorKind::UnexpectedEof, text))
    };
    ranges
        .iter()
        .map(|range| {
            let wanted =
                range.end.checked_sub(range.start).filter(|_| range.end <= size).ok_or_else(|| past_end(range))?;
            let mut bytes = Vec::with_capacity(wanted as usize);
            file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
            // Which of the ways to read is the one that takes memory as it is.
            (&file).take(wanted).read_to_end(&mut bytes).map_err(failed)?;
            if (bytes.len() as u64) < wanted { Err(past_end(range)) } else { Ok(bytes.into()) }
        })
        .collect()
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }
    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }
    /// All ranges in one go, into memory that nobody clears first.
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let path = self.0.path_to_filesystem(location)?;
        let (location, ranges) = (location.clone(), ranges.to_vec());
        let read = move || read_ranges(&path, &location, &ranges);
        match Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(read).await?,
            Err(_) => read(),
        }
    }
    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }
    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list_with_offset(prefix, offset)
    }
    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await
    }
}

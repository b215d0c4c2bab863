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
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use tokio::runtime::Handle;

#[derive(Debug)]
pub struct LocalStore(LocalFileSystem);

impl LocalStore {
    pub fn new() -> Self {
        Self(LocalFileSystem::new())
    }
}

/// Opens the file once, in one turn on a thread that may wait: the engine's store takes a turn for the size and another for the bytes.
fn read_ranges(path: &std::path::Path, ranges: &[Range<u64>]) -> std::io::Result<Vec<Bytes>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let read = |range: &Range<u64>| {
        if range.start > range.end || range.end > size {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let wanted = (range.end - range.start) as usize;
        let mut bytes = Vec::with_capacity(wanted);
        file.seek(SeekFrom::Start(range.start))?;
        let read = Read::by_ref(&mut file).take(wanted as u64).read_to_end(&mut bytes)?;
        if read == wanted { Ok(Bytes::from(bytes)) } else { Err(ErrorKind::UnexpectedEof.into()) }
    };
    ranges.iter().map(read).collect()
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
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
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if let (Ok(path), Ok(runtime)) = (self.0.path_to_filesystem(location), Handle::try_current()) {
            let wanted = ranges.to_vec();
            let read = runtime.spawn_blocking(move || read_ranges(&path, &wanted)).await;
            if let Ok(Ok(bytes)) = read {
                return Ok(bytes);
            }
        }
        // Whatever is wrong, the engine's store finds it and names it.
        let size = self.0.head(location).await?.size;
        if let Some(range) = ranges.iter().find(|range| range.start > range.end || range.end > size) {
            let text = format!("bytes {}–{} of `{location}` are wanted, and it has {size}", range.start, range.end);
            let source = Box::new(IoError::new(ErrorKind::UnexpectedEof, text));
            return Err(object_store::Error::Generic { store: "LocalFileSystem", source });
        }
        self.0.get_ranges(location, ranges).await
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

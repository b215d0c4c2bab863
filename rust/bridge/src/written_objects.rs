// SPDX-License-Identifier: Apache-2.0
//! A store that remembers what was written through it, so that a write which fails leaves nothing behind: writers of data files clear
//! away what they have begun, not what they had finished before.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

#[derive(Debug)]
pub struct WrittenObjects {
    inner: Arc<dyn ObjectStore>,
    /// May name some that never came to be.
    written: Mutex<Vec<Path>>,
}

impl WrittenObjects {
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, written: Mutex::default() }
    }

    fn note(&self, location: &Path) {
        self.written.lock().expect("nothing panics while it is held").push(location.clone());
    }

    /// Removes all of them. What cannot be removed stays: there is a failure to report already.
    pub async fn remove_all(&self) {
        let written = std::mem::take(&mut *self.written.lock().expect("nothing panics while it is held"));
        for location in &written {
            let _ = self.inner.delete(location).await;
        }
    }
}

impl fmt::Display for WrittenObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for WrittenObjects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.note(location);
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.note(location);
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.note(to);
        self.inner.copy_opts(from, to, options).await
    }
}

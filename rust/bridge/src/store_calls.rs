// SPDX-License-Identifier: Apache-2.0
//! What is asked of object stores, for whoever traces a run. In: a store of the session's. Out: the same store, and a bounded list of the calls that
//! were made through it, each with its times, from whatever thread. Nothing of a call is changed.

use std::fmt;
use std::mem::{replace, take};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use futures::stream::{BoxStream, empty};
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, OBJECT_STORE_COALESCE_DEFAULT,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart, coalesce_ranges,
};
use url::Url;

use crate::error::BridgeError;
use crate::ffi::{StoreCall, StoreCalls};
use crate::store::object_url;

/// Calls that have ended. Those that do not fit are counted.
#[derive(Debug)]
pub struct CallList {
    most: usize,
    noted: Mutex<StoreCalls>,
}

impl CallList {
    pub fn new(most: usize) -> Self {
        Self { most, noted: Mutex::default() }
    }

    fn add(&self, call: StoreCall) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.calls.len() < self.most {
            noted.calls.push(call);
        } else {
            noted.left_out += 1;
        }
    }

    pub fn take(&self) -> StoreCalls {
        take(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A call under way: it is noted when this goes, as one that was given up unless its outcome is known.
#[derive(Debug)]
struct Call {
    list: Arc<CallList>,
    call: StoreCall,
}

impl Call {
    fn fail(&mut self, error: &object_store::Error) {
        // Messages of stores may hold what signs a request.
        self.call.error = BridgeError::of_store(error).code.to_string();
    }

    fn outlast(&mut self) {
        self.call.finished_at_us = Utc::now().timestamp_micros();
    }

    /// What becomes of it is known.
    fn settle<T>(&mut self, outcome: &Result<T>) {
        match outcome {
            Ok(_) => self.call.error.clear(),
            Err(error) => self.fail(error),
        }
        self.outlast();
    }

    /// Goes on until the last item of a stream has come, or its reader has had enough. `see` notes what is in an item.
    fn follow<T: Send + 'static>(
        mut self,
        stream: BoxStream<'static, Result<T>>,
        see: impl Fn(&T, &mut StoreCall) + Send + 'static,
    ) -> BoxStream<'static, Result<T>> {
        self.call.error.clear();
        let follow = move |item: &Result<T>| {
            match item {
                Ok(item) => see(item, &mut self.call),
                Err(error) => self.fail(error),
            }
            self.outlast();
        };
        stream.inspect(follow).boxed()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.call.finished_at_us == 0 {
            self.outlast();
        }
        self.list.add(take(&mut self.call));
    }
}

/// A store whose calls are noted.
#[derive(Clone, Debug)]
pub struct NotedStore {
    inner: Arc<dyn ObjectStore>,
    /// Scheme and host.
    root: Url,
    list: Arc<CallList>,
    view: Arc<str>,
}

impl NotedStore {
    pub fn new(inner: Arc<dyn ObjectStore>, root: Url, list: Arc<CallList>, view: Arc<str>) -> Self {
        Self { inner, root, list, view }
    }

    fn begin(&self, operation: &str, location: &Path) -> Call {
        let call = StoreCall {
            operation: operation.into(),
            url: object_url(&self.root, location).into(),
            view: self.view.to_string(),
            started_at_us: Utc::now().timestamp_micros(),
            finished_at_us: 0,
            bytes: 0,
            error: "cancelled".into(),
        };
        Call { list: Arc::clone(&self.list), call }
    }

    fn begin_listing(&self, prefix: Option<&Path>) -> Call {
        self.begin("list", prefix.unwrap_or(&Path::default()))
    }
}

impl fmt::Display for NotedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for NotedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let mut call = self.begin("put", location);
        call.call.bytes = payload.content_length() as u64;
        let outcome = self.inner.put_opts(location, payload, options).await;
        call.settle(&outcome);
        outcome
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let mut call = self.begin("create_multipart", location);
        let outcome = self.inner.put_multipart_opts(location, options).await;
        call.settle(&outcome);
        Ok(Box::new(NotedUpload { inner: outcome?, store: self.clone(), location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_head = options.head;
        let mut call = self.begin(if is_head { "head" } else { "get" }, location);
        let outcome = self.inner.get_opts(location, options).await;
        call.settle(&outcome);
        let mut got = outcome?;
        if is_head {
            return Ok(got);
        }
        got.payload = match replace(&mut got.payload, GetResultPayload::Stream(empty().boxed())) {
            GetResultPayload::Stream(stream) => {
                let count = |bytes: &Bytes, call: &mut StoreCall| call.bytes += bytes.len() as u64;
                GetResultPayload::Stream(call.follow(stream, count))
            }
            file => {
                call.call.bytes = got.range.end - got.range.start;
                file
            }
        };
        Ok(got)
    }

    /// Local files are read at once; of others each request is a call.
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if self.root.scheme() != "file" {
            let get = |range| self.get_range(location, range);
            return coalesce_ranges(ranges, get, OBJECT_STORE_COALESCE_DEFAULT).await;
        }
        let mut call = self.begin("get_ranges", location);
        let outcome = self.inner.get_ranges(location, ranges).await;
        call.settle(&outcome);
        call.call.bytes = outcome.iter().flatten().map(|bytes| bytes.len() as u64).sum();
        outcome
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        // Stores that remove many objects by one request do so here: the first one names all.
        let (call, root) = (self.begin("delete", &Path::default()), self.root.clone());
        let none_yet = call.call.url.clone();
        call.follow(self.inner.delete_stream(locations), move |location: &Path, call: &mut StoreCall| {
            if call.url == none_yet {
                call.url = object_url(&root, location).into();
            }
        })
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.begin_listing(prefix).follow(self.inner.list(prefix), |_, _| ())
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.begin_listing(prefix).follow(self.inner.list_with_offset(prefix, offset), |_, _| ())
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut call = self.begin_listing(prefix);
        let outcome = self.inner.list_with_delimiter(prefix).await;
        call.settle(&outcome);
        outcome
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mut call = self.begin("copy", from);
        let outcome = self.inner.copy_opts(from, to, options).await;
        call.settle(&outcome);
        outcome
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let mut call = self.begin("rename", from);
        let outcome = self.inner.rename_opts(from, to, options).await;
        call.settle(&outcome);
        outcome
    }
}

/// An upload in parts, each of which is a call.
#[derive(Debug)]
struct NotedUpload {
    inner: Box<dyn MultipartUpload>,
    store: NotedStore,
    location: Path,
}

#[async_trait]
impl MultipartUpload for NotedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let mut call = self.store.begin("put_part", &self.location);
        call.call.bytes = data.content_length() as u64;
        let part = self.inner.put_part(data);
        async move {
            let outcome = part.await;
            call.settle(&outcome);
            outcome
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut call = self.store.begin("complete_multipart", &self.location);
        let outcome = self.inner.complete().await;
        call.settle(&outcome);
        outcome
    }

    async fn abort(&mut self) -> Result<()> {
        let mut call = self.store.begin("abort_multipart", &self.location);
        let outcome = self.inner.abort().await;
        call.settle(&outcome);
        outcome
    }
}

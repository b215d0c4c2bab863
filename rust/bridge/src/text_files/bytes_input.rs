// SPDX-License-Identifier: Apache-2.0
//! The decompressed bytes of a file, chunk by chunk.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::metrics::Count;
use datafusion_datasource::boundary_stream::AlignedBoundaryStream;
use datafusion_datasource::file_compression_type::FileCompressionType;
use datafusion_datasource::{FileRange, PartitionedFile};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetResultPayload, ObjectStore};

const CHUNK_BYTES: usize = 256 * 1024;

/// Local files are read where they are wanted, others as they arrive.
pub enum BytesInput {
    Blocking(Box<dyn Read + Send>),
    Arriving(BoxStream<'static, Result<Bytes>>),
}

struct CountedFile {
    file: File,
    scanned: Count,
}

impl Read for CountedFile {
    fn read(&mut self, chunk: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(chunk)?;
        self.scanned.add(read);
        Ok(read)
    }
}

impl BytesInput {
    /// The whole file. `scanned` counts its bytes as they are read, still compressed.
    pub async fn open(
        store: &Arc<dyn ObjectStore>,
        location: &Path,
        compression: FileCompressionType,
        scanned: &Count,
    ) -> Result<BytesInput> {
        let scanned = scanned.clone();
        Ok(match store.get_opts(location, GetOptions::default()).await?.payload {
            GetResultPayload::File(file, _) => {
                BytesInput::Blocking(compression.convert_read(CountedFile { file, scanned })?)
            }
            GetResultPayload::Stream(stream) => {
                let counted = stream.map_err(DataFusionError::from).inspect_ok(move |chunk| scanned.add(chunk.len()));
                BytesInput::Arriving(compression.convert_stream(counted.boxed())?)
            }
        })
    }

    /// The lines that begin in `range`.
    pub async fn open_range(
        store: &Arc<dyn ObjectStore>,
        file: &PartitionedFile,
        range: &FileRange,
        terminator: u8,
        scanned: &Count,
    ) -> Result<BytesInput> {
        let scanned = scanned.clone();
        let place = |at: i64| {
            u64::try_from(at).map_err(|_| DataFusionError::Internal(format!("a range of bytes begins before 0: {at}")))
        };
        let lines = AlignedBoundaryStream::new(
            Arc::clone(store),
            file.object_meta.location.clone(),
            place(range.start)?,
            place(range.end)?,
            file.object_meta.size,
            terminator,
        )
        .await?;
        let counted = lines.map_err(DataFusionError::from).inspect_ok(move |chunk| scanned.add(chunk.len()));
        Ok(BytesInput::Arriving(counted.boxed()))
    }

    /// Empty at the end.
    pub async fn next(&mut self) -> Result<Bytes> {
        match self {
            BytesInput::Blocking(reader) => {
                let mut chunk = vec![0; CHUNK_BYTES];
                let mut filled = 0;
                while filled < chunk.len() {
                    match reader.read(&mut chunk[filled..]) {
                        Ok(0) => break,
                        Ok(read) => filled += read,
                        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                chunk.truncate(filled);
                Ok(Bytes::from(chunk))
            }
            BytesInput::Arriving(stream) => {
                while let Some(chunk) = stream.try_next().await? {
                    if !chunk.is_empty() {
                        return Ok(chunk);
                    }
                }
                Ok(Bytes::new())
            }
        }
    }
}

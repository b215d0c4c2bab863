// SPDX-License-Identifier: Apache-2.0
//! Deletion vectors as selections of rows. In: what the log says of a file's vector, the number of rows in the file. Out: the rows that are
//! left, for Parquet's reader.

use std::str::FromStr;
use std::sync::Arc;

use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use delta_kernel::StorageHandler;
use delta_kernel::actions::deletion_vector::{DeletionVectorDescriptor, DeletionVectorStorageType};
use delta_kernel::actions::deletion_vector_writer::{KernelDeletionVector, StreamingDeletionVectorWriter};
use roaring::RoaringTreemap;
use url::Url;
use uuid::Uuid;

use crate::delta::log::{RowVector, log_failure};
use crate::delta::log_path::absolute_url;
use crate::error::{BridgeError, Result};

/// What is left of a file with `rows` rows: those that `within` names, if there is one, without those that `deleted` names. Blocks.
pub fn kept_rows(
    deleted: Option<&RowVector>,
    within: Option<&RowVector>,
    rows: usize,
    storage: &Arc<dyn StorageHandler>,
    root: &Url,
    file: &str,
) -> Result<RowSelection> {
    let read = |vector: Option<&RowVector>| match vector {
        Some(vector) => rows_of(vector, rows, Arc::clone(storage), root, file),
        None => Ok(RoaringTreemap::new()),
    };
    let deleted = read(deleted)?;
    if within.is_none() {
        return Ok(selection(deleted.iter(), rows));
    }
    let mut skipped = RoaringTreemap::new();
    skipped.insert_range(0..rows as u64);
    skipped -= read(within)? - deleted;
    Ok(selection(skipped.iter(), rows))
}

/// The rows that a vector names. Blocks.
fn rows_of(
    vector: &RowVector,
    rows: usize,
    storage: Arc<dyn StorageHandler>,
    root: &Url,
    file: &str,
) -> Result<RoaringTreemap> {
    let broken = |what: String| {
        let text = format!("the deletion vector of the file `{file}` cannot be read: {what}");
        BridgeError::new("corrupt", "environment", text)
    };
    let of_log = |error: delta_kernel::Error| {
        let failure = log_failure(error);
        match failure.code {
            "permission" | "io" => failure,
            _ => broken(failure.message),
        }
    };
    let storage_type = DeletionVectorStorageType::from_str(&vector.storage_type).map_err(of_log)?;
    let place = match storage_type {
        DeletionVectorStorageType::PersistedAbsolute => absolute_url(root, &vector.path_or_inline)?,
        _ => vector.path_or_inline.clone(),
    };
    // Some writers give an offset where the vector stands in the log itself.
    let offset = vector.offset.filter(|_| storage_type != DeletionVectorStorageType::Inline);
    let descriptor =
        DeletionVectorDescriptor::try_new(storage_type, place, offset, vector.size_bytes, vector.cardinality)
            .map_err(of_log)?;
    let deleted = descriptor.read(storage, root).map_err(of_log)?;
    if deleted.len() as i64 != vector.cardinality {
        return Err(broken(format!("{} rows are wanted in it, found {}", vector.cardinality, deleted.len())));
    }
    if deleted.max().is_some_and(|last| last >= rows as u64) {
        return Err(broken(format!("it deletes row {}, and the file has {rows} rows", deleted.max().unwrap_or(0))));
    }
    Ok(deleted)
}

/// The bytes of one file with the vectors of many, and its name below the table's root.
pub struct VectorFile {
    pub name: String,
    pub bytes: Vec<u8>,
    /// In the order of the files that they are about.
    pub vectors: Vec<RowVector>,
}

/// A file, the rows of it that are deleted so far, and those that are to be.
pub struct DeletedFile {
    pub path: String,
    pub vector: Option<RowVector>,
    pub rows: Vec<i64>,
}

/// Vectors that name, for each file, all of these rows. Blocks.
pub fn deleting(files: &[DeletedFile], storage: &Arc<dyn StorageHandler>, root: &Url) -> Result<VectorFile> {
    let id = Uuid::new_v4();
    let mut file = VectorFile { name: format!("deletion_vector_{id}.bin"), bytes: Vec::new(), vectors: Vec::new() };
    // PROTOCOL.md, "Deletion Vector Descriptor": the id in base 85, without a folder before it.
    let place = z85::encode(id.as_bytes());
    let mut writer = StreamingDeletionVectorWriter::new(&mut file.bytes);
    for deleted in files {
        let mut rows = match &deleted.vector {
            Some(vector) => rows_of(vector, usize::MAX, Arc::clone(storage), root, &deleted.path)?,
            None => RoaringTreemap::new(),
        };
        rows.extend(deleted.rows.iter().map(|row| *row as u64));
        let mut vector = KernelDeletionVector::new();
        vector.add_deleted_row_indexes(rows.iter());
        let written = writer.write_deletion_vector(vector).map_err(log_failure)?;
        file.vectors.push(RowVector {
            storage_type: "u".into(),
            path_or_inline: place.clone(),
            offset: Some(written.offset),
            size_bytes: written.size_in_bytes,
            cardinality: written.cardinality,
        });
    }
    writer.finalize().map_err(log_failure)?;
    Ok(file)
}

/// `deleted` ascends, below `rows`.
fn selection(deleted: impl Iterator<Item = u64>, rows: usize) -> RowSelection {
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut next = 0;
    let mut skip_from = 0;
    for row in deleted {
        let row = row as usize;
        if row > next {
            if next > skip_from {
                selectors.push(RowSelector::skip(next - skip_from));
            }
            selectors.push(RowSelector::select(row - next));
            skip_from = row;
        }
        next = row + 1;
    }
    if next > skip_from {
        selectors.push(RowSelector::skip(next - skip_from));
    }
    if rows > next {
        selectors.push(RowSelector::select(rows - next));
    }
    RowSelection::from(selectors)
}

// SPDX-License-Identifier: Apache-2.0
//! Deletion vectors as selections of rows. In: what the log says of a file's vector, the number of rows in the file. Out: the rows that are
//! left, for Parquet's reader.

use std::str::FromStr;
use std::sync::Arc;

use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use delta_kernel::StorageHandler;
use delta_kernel::actions::deletion_vector::{DeletionVectorDescriptor, DeletionVectorStorageType};
use url::Url;

use crate::delta::log::{RowVector, log_failure};
use crate::delta::log_path::absolute_url;
use crate::error::{BridgeError, Result};

/// The rows of a file with `rows` rows that the vector leaves. Blocks.
pub fn kept_rows(
    vector: &RowVector,
    rows: usize,
    storage: Arc<dyn StorageHandler>,
    root: &Url,
    file: &str,
) -> Result<RowSelection> {
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
    Ok(selection(deleted.iter(), rows))
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

// SPDX-License-Identifier: Apache-2.0
//! The memory that queries share.

use std::fmt::{Display, Formatter};
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};

use crate::allocation::large_bytes;

/// Limits below leave room for nothing but what is accounted for.
const SMALL_LIMIT: usize = 32 << 20;
/// Spilling so little makes room for nothing.
const LITTLE: usize = 2 << 20;

/// A fair pool that heeds what nobody accounts for: rows on their way between operators, pages that are decoded, files that are written.
/// Where the large blocks of the program come to more than there is, what can be spilled is, though the pool itself has room, and a hash
/// join, which cannot, is refused: in time, since it copies the rows that it has gathered into one batch. The first rows of what can spill,
/// and what a sort sets aside for merging, are refused to nobody: nothing can go on without them, and of the twenty sorts of a chain of
/// joins few use theirs at a time.
///
/// Merges of spilled files reserve all that is free. What rows pass after them, the last merge of sorted partitions and the writer of a
/// Parquet file, can neither spill nor go on with less: it is refused only from half of the limit on.
///
/// Sorts leave room for their merging: they reserve twice their rows, once for the sorted ones and once for the keys by which these are merged
/// (`ExternalSorterMerge`), but keys may be twice as large as rows; a merge that finds no room fails.
///
/// It never refuses the queues of a repartition: what they hold is counted, so that sorts and aggregations spill sooner. When
/// two inputs of a repartition are refused at once and spill, this release of the engine can wait for itself for ever
/// (apache/datafusion#24883; mended in later ones). The queues stay short, since a repartition stops reading while all of them hold rows.
#[derive(Debug)]
pub struct QueryMemory {
    pool: FairSpillPool,
    limit: usize,
    /// What sorts hold before they merge.
    sorts: AtomicUsize,
}

impl QueryMemory {
    /// A part is kept for that which comes between two questions: batches, pages, copies.
    pub fn new(limit_bytes: usize) -> Self {
        let kept = if limit_bytes < SMALL_LIMIT { 0 } else { (limit_bytes / 4).min(64 << 20) };
        let shared = limit_bytes - kept;
        Self { pool: FairSpillPool::new(shared), limit: shared, sorts: AtomicUsize::new(0) }
    }

    /// What nobody is refused.
    fn least(&self) -> usize {
        self.limit / 32
    }

    /// Whether a sort that holds rows is to spill them, since there would be no room for merging those of all sorts.
    fn leaves_no_room(&self, reservation: &MemoryReservation, additional: usize) -> bool {
        let merging = (self.sorts.load(Ordering::Relaxed) + additional) / 2;
        is_sort(reservation.consumer())
            && reservation.size() > 0
            && reservation.size() + additional > self.least()
            && self.pool.reserved() + additional + merging > self.limit
    }

    fn granted(&self, reservation: &MemoryReservation, additional: usize) {
        if is_sort(reservation.consumer()) {
            self.sorts.fetch_add(additional, Ordering::Relaxed);
        }
    }

    /// What the large blocks of the program come to when a consumer has got so much more, if it heeds them.
    fn held_with(&self, reservation: &MemoryReservation, additional: usize) -> Option<usize> {
        let held = large_bytes().saturating_add(additional);
        let consumer = reservation.consumer();
        if reservation.size() + additional <= self.least().max(LITTLE) {
            None
        } else if consumer.can_spill() {
            Some(held)
        } else {
            consumer.name().starts_with("HashJoinInput").then(|| held.saturating_add(reservation.size()))
        }
    }
}

fn needs_the_first(consumer: &MemoryConsumer) -> bool {
    consumer.can_spill() || consumer.name().starts_with("ExternalSorterMerge")
}

/// As the engine names them: `SortPreservingMergeExec[0]`, `ParquetSink(ArrowColumnWriter)`.
fn passes_rows_on(consumer: &MemoryConsumer) -> bool {
    ["SortPreservingMergeExec", "ParquetSink"].iter().any(|name| consumer.name().starts_with(name))
}

/// As the engine names them: `ExternalSorter[0]`, by partition.
fn is_sort(consumer: &MemoryConsumer) -> bool {
    consumer.name().starts_with("ExternalSorter[")
}

/// The engine names them `RepartitionExec[0]`, by output partition; `RepartitionExec[Merge 0]` is a sort.
fn is_queue(consumer: &MemoryConsumer) -> bool {
    consumer.name().strip_prefix("RepartitionExec[").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl Display for QueryMemory {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.pool.fmt(f)
    }
}

impl MemoryPool for QueryMemory {
    fn name(&self) -> &str {
        self.pool.name()
    }
    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }
    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }
    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.granted(reservation, additional);
    }
    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
        if is_sort(reservation.consumer()) {
            self.sorts.fetch_sub(shrink, Ordering::Relaxed);
        }
    }
    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        let more = reservation.size() + additional;
        // A sort that holds nothing has nothing to spill.
        let first_of_a_sort = is_sort(consumer) && reservation.size() == 0 && additional <= self.limit / 4;
        if is_queue(consumer)
            || first_of_a_sort
            || needs_the_first(consumer) && more <= self.least()
            || passes_rows_on(consumer) && more <= self.limit / 2
        {
            self.grow(reservation, additional);
            return Ok(());
        }
        if self.leaves_no_room(reservation, additional) {
            return Err(resources_datafusion_err!(
                "Failed to allocate additional {} for {} with {} already allocated for this reservation - no room would be left for merging in the total memory pool: fair(pool_size: {})",
                human_readable_size(additional),
                reservation.consumer().name(),
                human_readable_size(reservation.size()),
                human_readable_size(self.limit)
            ));
        }
        if let Some(held) = self.held_with(reservation, additional).filter(|held| *held > self.limit) {
            return Err(resources_datafusion_err!(
                "Failed to allocate additional {} for {} with {} already allocated for this reservation - the program would hold {} of the total memory pool: fair(pool_size: {})",
                human_readable_size(additional),
                consumer.name(),
                human_readable_size(reservation.size()),
                human_readable_size(held),
                human_readable_size(self.limit)
            ));
        }
        self.pool.try_grow(reservation, additional)?;
        self.granted(reservation, additional);
        Ok(())
    }
    fn reserved(&self) -> usize {
        self.pool.reserved()
    }
    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

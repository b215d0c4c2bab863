// SPDX-License-Identifier: Apache-2.0
//! The memory that queries share.

use std::fmt::{Display, Formatter};

use datafusion::error::Result;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A fair pool that never refuses the queues of a repartition: what they hold is counted, so that sorts and aggregations spill sooner. When
/// two inputs of a repartition are refused at once and spill, this release of the engine can wait for itself for ever
/// (apache/datafusion#24883; mended in later ones). The queues stay short, since a repartition stops reading while all of them hold rows.
#[derive(Debug)]
pub struct QueryMemory {
    pool: FairSpillPool,
}

impl QueryMemory {
    pub fn new(limit_bytes: usize) -> Self {
        Self { pool: FairSpillPool::new(limit_bytes) }
    }
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
    }
    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }
    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if is_queue(reservation.consumer()) {
            self.pool.grow(reservation, additional);
            return Ok(());
        }
        self.pool.try_grow(reservation, additional)
    }
    fn reserved(&self) -> usize {
        self.pool.reserved()
    }
    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

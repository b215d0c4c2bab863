// SPDX-License-Identifier: Apache-2.0
//! Sets of whole numbers, as keys of joins are: a bit a key, in chunks of neighbouring keys that a directory finds by their number.
//! What is a member costs two reads of memory to say, most of which the caches hold.

use arrow::array::{Array, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::execution::memory_pool::MemoryReservation;

/// Keys of a chunk, as a power of two.
const CHUNK_BITS: u32 = 12;
const CHUNK_WORDS: usize = 1 << (CHUNK_BITS - u64::BITS.ilog2());
/// What a set may take whatever it holds.
const FREE_BYTES: usize = 8 << 20;
/// What a larger one may take for each row that was inserted: more, and the keys are too far from each other.
const BYTES_PER_ROW: usize = 16;
const MOST_BYTES: usize = 32 << 20;

/// Whether keys of a type may be in a set.
pub fn is_eligible(data_type: &DataType) -> bool {
    use DataType::*;
    matches!(
        data_type,
        Int8 | Int16
            | Int32
            | Int64
            | UInt8
            | UInt16
            | UInt32
            | UInt64
            | Date32
            | Date64
            | Timestamp(_, _)
            | Decimal128(_, _)
    )
}

/// Does something with the values of an array of an eligible type, those of NULLs among them; None of any other.
macro_rules! with_values {
    ($array:expr, $values:ident => $body:expr) => {
        with_values!(@of $array, $values => $body,
            DataType::Int8 => Int8Type,
            DataType::Int16 => Int16Type,
            DataType::Int32 => Int32Type,
            DataType::Int64 => Int64Type,
            DataType::UInt8 => UInt8Type,
            DataType::UInt16 => UInt16Type,
            DataType::UInt32 => UInt32Type,
            DataType::UInt64 => UInt64Type,
            DataType::Date32 => Date32Type,
            DataType::Date64 => Date64Type,
            DataType::Timestamp(TimeUnit::Second, _) => TimestampSecondType,
            DataType::Timestamp(TimeUnit::Millisecond, _) => TimestampMillisecondType,
            DataType::Timestamp(TimeUnit::Microsecond, _) => TimestampMicrosecondType,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => TimestampNanosecondType,
            DataType::Decimal128(_, _) => Decimal128Type)
    };
    (@of $array:expr, $values:ident => $body:expr, $($data_type:pat => $arrow:ty),*) => {
        match $array.data_type() {
            $($data_type => {
                let $values = $array.as_primitive::<$arrow>().values();
                Some($body)
            })*
            _ => None,
        }
    };
}

/// Holds at least the keys that were inserted: those of more than 64 bits are told apart by their last 64 alone.
#[derive(Debug)]
pub struct KeySet {
    data_type: DataType,
    /// The number of the first chunk in the directory.
    first: i64,
    /// Where each chunk stands among the bits, counted in chunks; 0 for one without keys.
    directory: Vec<u32>,
    /// Of the chunk without keys, then of the others as they came.
    bits: Vec<u64>,
    rows: usize,
    most_bytes: usize,
    memory: MemoryReservation,
}

impl KeySet {
    /// An empty set, which takes no more than `most_bytes`. REQUIRES: the type is eligible.
    pub fn new(data_type: DataType, most_bytes: usize, memory: MemoryReservation) -> Self {
        let most_bytes = most_bytes.min(MOST_BYTES);
        Self { data_type, first: 0, directory: vec![], bits: vec![0; CHUNK_WORDS], rows: 0, most_bytes, memory }
    }

    /// False if the set is of no use any more: it would take too much memory, or the keys are of another type.
    #[must_use]
    pub fn insert(&mut self, keys: &dyn Array) -> bool {
        if *keys.data_type() != self.data_type {
            return false;
        }
        self.rows += keys.len();
        let nulls = keys.nulls().filter(|nulls| nulls.null_count() > 0);
        with_values!(keys, values => match nulls {
            None => values.iter().all(|key| self.add(*key as i64)),
            Some(nulls) => nulls.valid_indices().all(|row| self.add(values[row] as i64)),
        })
        .unwrap_or(false)
    }

    /// Which keys are members, NULL never. None for keys of another type.
    pub fn members(&self, keys: &dyn Array) -> Option<BooleanBuffer> {
        if *keys.data_type() != self.data_type {
            return None;
        }
        let found = with_values!(keys, values => {
            BooleanBuffer::collect_bool(values.len(), |row| self.has(values[row] as i64))
        })?;
        Some(match keys.nulls() {
            Some(nulls) => &found & nulls.inner(),
            None => found,
        })
    }

    #[inline]
    fn has(&self, key: i64) -> bool {
        let place = (key >> CHUNK_BITS) - self.first;
        self.directory.get(place as usize).is_some_and(|chunk| self.bits[word(*chunk, key)] >> (key & 63) & 1 == 1)
    }

    #[inline]
    fn add(&mut self, key: i64) -> bool {
        let place = (key >> CHUNK_BITS) - self.first;
        let chunk = match self.directory.get(place as usize) {
            Some(chunk) if *chunk != 0 => *chunk,
            _ => match self.add_chunk(key >> CHUNK_BITS) {
                Some(chunk) => chunk,
                None => return false,
            },
        };
        self.bits[word(chunk, key)] |= 1 << (key & 63);
        true
    }

    #[cold]
    fn add_chunk(&mut self, number: i64) -> Option<u32> {
        let end = self.first + self.directory.len() as i64;
        let (before, behind) = if self.directory.is_empty() {
            (0, 1)
        } else {
            ((self.first - number).max(0) as usize, (number + 1 - end).max(0) as usize)
        };
        // Where keys come in descending order, the directory is not moved for each chunk.
        let spare = if before > 0 { self.directory.len().min(before * 64) } else { 0 };
        let entries = self.directory.len().checked_add(before)?.checked_add(behind)?.checked_add(spare)?;
        self.make_room(entries, self.bits.len() + CHUNK_WORDS)?;
        if self.directory.is_empty() {
            self.first = number;
        }
        if before > 0 {
            self.directory.splice(0..0, std::iter::repeat_n(0, before + spare));
            self.first -= (before + spare) as i64;
        }
        self.directory.resize(entries, 0);
        let chunk = u32::try_from(self.bits.len() / CHUNK_WORDS).ok()?;
        self.bits.resize(self.bits.len() + CHUNK_WORDS, 0);
        self.directory[(number - self.first) as usize] = chunk;
        Some(chunk)
    }

    /// None if the set may not be as large, or there is no memory for it.
    fn make_room(&mut self, entries: usize, words: usize) -> Option<()> {
        let bytes = |entries: usize, words: usize| size_of::<u32>() * entries + size_of::<u64>() * words;
        let may_take = FREE_BYTES.max(self.rows.saturating_mul(BYTES_PER_ROW)).min(self.most_bytes);
        if entries > may_take || bytes(entries, words) > may_take {
            return None;
        }
        if entries <= self.directory.capacity() && words <= self.bits.capacity() {
            return Some(());
        }
        let larger = |wanted: usize, capacity: usize| if wanted > capacity { wanted + wanted / 2 } else { capacity };
        let (entries, words) = (larger(entries, self.directory.capacity()), larger(words, self.bits.capacity()));
        self.memory.try_resize(bytes(entries, words)).ok()?;
        self.directory.reserve_exact(entries - self.directory.len());
        self.bits.reserve_exact(words - self.bits.len());
        Some(())
    }
}

fn word(chunk: u32, key: i64) -> usize {
    chunk as usize * CHUNK_WORDS + (key >> 6) as usize % CHUNK_WORDS
}

// SPDX-License-Identifier: Apache-2.0
//! The groups of rows with short keys, while they are few: a table that fits into the nearest cache, and keys that are compared as numbers.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;

/// So many groups are few.
const MOST_GROUPS: usize = 1024;
const SLOTS: usize = 4 * MOST_GROUPS;
const MOST_COLUMNS: usize = 4;

/// A key is a word for each column, and one that has a bit for each column that is NULL.
#[derive(Debug)]
pub struct FewGroups {
    columns: usize,
    /// Numbers of groups plus one, at the place of their keys' hash or after it; 0: none.
    slots: Vec<u16>,
    /// Of all groups, one after the other.
    keys: Vec<u64>,
    count: usize,
    /// Keys of rows, one after the other.
    rows: Vec<u64>,
}

impl FewGroups {
    /// Whether keys of these types can be so short.
    pub fn can_have(types: &[DataType]) -> bool {
        let has_words = |data_type: &DataType| {
            data_type.primitive_width().is_some_and(|width| matches!(width, 1 | 2 | 4 | 8))
                || matches!(
                    data_type,
                    DataType::Boolean | DataType::Decimal128(..) | DataType::Utf8 | DataType::Utf8View
                )
        };
        types.len() <= MOST_COLUMNS && types.iter().all(has_words)
    }

    /// REQUIRES: can_have() of so many types.
    pub fn new(columns: usize) -> Self {
        Self { columns, slots: vec![0; SLOTS], keys: vec![], count: 0, rows: vec![] }
    }

    /// Appends the group of each row, and returns the rows that are the first of new groups, which are numbered in their order. None if a key is
    /// too long or groups are too many: what was appended and numbered is worth nothing then.
    pub fn find(&mut self, keys: &[ArrayRef], groups: &mut Vec<usize>) -> Option<Vec<u32>> {
        let width = self.columns + 1;
        // Every word is written, whatever an earlier batch has left.
        self.rows.resize(width * keys[0].len(), 0);
        self.rows.iter_mut().skip(self.columns).step_by(width).for_each(|nulls| *nulls = 0);
        for (column, key) in keys.iter().enumerate() {
            let places = self.rows[column..].iter_mut().step_by(width);
            write_words(key, places)?;
            if let Some(nulls) = key.nulls().filter(|nulls| nulls.null_count() > 0) {
                for row in (!nulls.inner()).set_indices() {
                    self.rows[row * width + column] = 0;
                    self.rows[row * width + self.columns] |= 1 << column;
                }
            }
        }
        match width {
            2 => self.look_up::<2>(groups),
            3 => self.look_up::<3>(groups),
            4 => self.look_up::<4>(groups),
            5 => self.look_up::<5>(groups),
            _ => None,
        }
    }

    fn look_up<const WIDTH: usize>(&mut self, groups: &mut Vec<usize>) -> Option<Vec<u32>> {
        let Self { columns: _, slots, keys, count, rows } = self;
        let mut firsts = vec![];
        for (row, key) in rows.as_chunks::<WIDTH>().0.iter().enumerate() {
            let mut slot = hash(key) % SLOTS;
            let group = loop {
                let Some(group) = usize::from(slots[slot]).checked_sub(1) else {
                    if *count == MOST_GROUPS {
                        return None;
                    }
                    keys.extend(key);
                    *count += 1;
                    slots[slot] = *count as u16;
                    firsts.push(row as u32);
                    break *count - 1;
                };
                if keys[group * WIDTH..][..WIDTH] == *key {
                    break group;
                }
                slot = (slot + 1) % SLOTS;
            };
            groups.push(group);
        }
        Some(firsts)
    }
}

fn hash<const WIDTH: usize>(key: &[u64; WIDTH]) -> usize {
    // An odd number without a pattern: the fraction of the golden ratio.
    let mixed =
        key.iter().fold(0_u64, |mixed, word| (mixed.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (mixed >> 40) as usize
}

/// Words of NULLs are any. None if a value is too long.
fn write_words<'a>(values: &ArrayRef, places: impl Iterator<Item = &'a mut u64>) -> Option<()> {
    match values.data_type() {
        DataType::Boolean => places.zip(values.as_boolean().values()).for_each(|(place, value)| *place = value.into()),
        DataType::Decimal128(..) => {
            for (place, value) in places.zip(values.to_data().buffer::<i128>(0)) {
                *place = i64::try_from(*value).ok()?.cast_unsigned();
            }
        }
        DataType::Utf8 => {
            let texts = values.as_string::<i32>();
            let bytes = texts.value_data();
            for (place, ends) in places.zip(texts.value_offsets().windows(2)) {
                let (start, end) = (ends[0] as usize, ends[1] as usize);
                let eight = bytes.get(start..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_else(|| {
                    let mut eight = [0; 8];
                    eight[..end - start].copy_from_slice(&bytes[start..end]);
                    eight
                });
                *place = word_of(u64::from_le_bytes(eight), end - start)?;
            }
        }
        DataType::Utf8View => {
            // A view's first four bytes are the length, and the text follows if it is short.
            for (place, view) in places.zip(values.as_string_view().views()) {
                *place = word_of((view >> 32) as u64, *view as u32 as usize)?;
            }
        }
        data_type => match data_type.primitive_width()? {
            1 => places.zip(values.to_data().buffer::<u8>(0)).for_each(|(place, value)| *place = (*value).into()),
            2 => places.zip(values.to_data().buffer::<u16>(0)).for_each(|(place, value)| *place = (*value).into()),
            4 => places.zip(values.to_data().buffer::<u32>(0)).for_each(|(place, value)| *place = (*value).into()),
            8 => places.zip(values.to_data().buffer::<u64>(0)).for_each(|(place, value)| *place = *value),
            _ => return None,
        },
    }
    Some(())
}

/// `bytes`: those of the text, and any others after it.
fn word_of(bytes: u64, length: usize) -> Option<u64> {
    (length < 8).then(|| bytes & ((1 << (8 * length)) - 1) | (length as u64) << 56)
}

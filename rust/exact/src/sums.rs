// SPDX-License-Identifier: Apache-2.0
//! Exact sums of whole numbers of up to 128 bits: as long as rows can be counted, they cannot overflow.

use arrow::array::{Array, ArrowPrimitiveType, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal256Type, DecimalType, i256};

/// Of decimals of 128 bits.
pub const MOST_DIGITS: u8 = 38;

/// A native value that sums take. All its loops are functions of one type each, compiled here.
pub trait Addend: Copy + Default + Send + Sync + std::fmt::Debug + 'static {
    fn widen(self) -> i128;
    fn narrow(value: i128) -> Option<Self>;

    /// The sum of fewer than 2^31 values, or none where it may leave 128 bits.
    fn sum(values: &[Self]) -> Option<i128>;

    /// Adds each value to the sum of its group. `carries` is empty until a sum leaves 128 bits, then as long as `lows`.
    /// REQUIRES: all of `groups` are below the length of `lows`; there are as many as values.
    fn add_to_groups(lows: &mut [i128], carries: &mut Vec<i64>, groups: &[usize], values: &[Self]);

    /// The same for values that are valid; marks their groups as seen, of which there are as many as of `lows`.
    fn add_valid_to_groups(
        lows: &mut [i128],
        carries: &mut Vec<i64>,
        seen: &mut [bool],
        groups: &[usize],
        values: &[Self],
        valid: &NullBuffer,
    );

    /// All values if each fits the type; `most`: of their magnitude, for decimals.
    fn fit_all(lows: &[i128], most: Option<i128>) -> Option<Vec<Self>>;
}

#[cold]
#[inline(never)]
fn carry(carries: &mut Vec<i64>, group_count: usize, group: usize, by: i64) {
    carries.resize(group_count, 0);
    carries[group] += by;
}

macro_rules! addend {
    ($type:ty, $can_carry:expr, $sum:expr) => {
        impl Addend for $type {
            fn widen(self) -> i128 {
                self.into()
            }

            fn narrow(value: i128) -> Option<Self> {
                Self::try_from(value).ok()
            }

            fn sum(values: &[Self]) -> Option<i128> {
                $sum(values)
            }

            fn add_to_groups(lows: &mut [i128], carries: &mut Vec<i64>, groups: &[usize], values: &[Self]) {
                let group_count = lows.len();
                for (&group, &value) in groups.iter().zip(values) {
                    let low = &mut lows[group];
                    let (sum, overflowed) = low.overflowing_add(value.into());
                    *low = sum;
                    if $can_carry && overflowed {
                        carry(carries, group_count, group, i128::from(value).signum() as i64);
                    }
                }
            }

            fn add_valid_to_groups(
                lows: &mut [i128],
                carries: &mut Vec<i64>,
                seen: &mut [bool],
                groups: &[usize],
                values: &[Self],
                valid: &NullBuffer,
            ) {
                let group_count = lows.len();
                for row in valid.valid_indices() {
                    let (group, value) = (groups[row], values[row]);
                    seen[group] = true;
                    let (sum, overflowed) = lows[group].overflowing_add(value.into());
                    lows[group] = sum;
                    if $can_carry && overflowed {
                        carry(carries, group_count, group, i128::from(value).signum() as i64);
                    }
                }
            }

            fn fit_all(lows: &[i128], most: Option<i128>) -> Option<Vec<Self>> {
                let (least, most) = match most {
                    Some(most) => (-most, most),
                    None => (Self::MIN.into(), Self::MAX.into()),
                };
                let fits = lows.iter().fold(true, |fits, &low| fits & (low >= least) & (low <= most));
                fits.then(|| lows.iter().map(|&low| low as $type).collect())
            }
        }
    };
}

/// The halves of the values are summed apart, without carries from one to the other, several at once.
macro_rules! sum_by_halves {
    () => {
        |values: &[Self]| {
            let (mut high, mut low) = (0_i64, 0_u64);
            for &value in values {
                low = low.wrapping_add(value as u64 & 0xffff_ffff);
                high = high.wrapping_add((value >> 32) as i64);
            }
            Some((i128::from(high) << 32) + i128::from(low))
        }
    };
}

addend!(i32, false, |values: &[Self]| Some(values.iter().map(|&value| i64::from(value)).sum::<i64>().into()));
addend!(i64, false, sum_by_halves!());
addend!(u64, false, sum_by_halves!());
addend!(i128, true, |values: &[Self]| {
    let mut sum = 0_i128;
    let mut any = false;
    for &value in values {
        let (next, overflowed) = sum.overflowing_add(value);
        sum = next;
        any |= overflowed;
    }
    (!any).then_some(sum)
});

/// `carries * 2^128 + low`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExactSum {
    pub low: i128,
    pub carries: i64,
}

impl ExactSum {
    pub fn add(&mut self, value: i128) {
        let (low, overflowed) = self.low.overflowing_add(value);
        self.low = low;
        if overflowed {
            self.carries += value.signum() as i64;
        }
    }

    pub fn subtract(&mut self, value: i128) {
        let (low, overflowed) = self.low.overflowing_sub(value);
        self.low = low;
        if overflowed {
            self.carries -= value.signum() as i64;
        }
    }

    /// Adds the values that are not NULL, or takes them away again.
    pub fn change<T>(&mut self, values: &PrimitiveArray<T>, add: bool)
    where
        T: ArrowPrimitiveType,
        T::Native: Addend,
    {
        if values.null_count() == 0
            && let Some(sum) = T::Native::sum(values.values())
        {
            return if add { self.add(sum) } else { self.subtract(sum) };
        }
        for value in values.iter().flatten() {
            if add { self.add(value.widen()) } else { self.subtract(value.widen()) }
        }
    }

    /// The sum if its type holds it; `most` as for `Addend::fit_all`.
    pub fn fit<N: Addend>(&self, most: Option<i128>) -> Option<N> {
        let fits = self.carries == 0 && most.is_none_or(|most| (-most..=most).contains(&self.low));
        if fits { N::narrow(self.low) } else { None }
    }
}

/// A sum as users read it.
pub fn text(sum: ExactSum, data_type: &DataType) -> String {
    let value = i256::from_parts(sum.low as u128, i128::from(sum.carries) + (sum.low >> 127));
    match data_type {
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            Decimal256Type::format_decimal(value, 76, *scale)
        }
        _ => value.to_string(),
    }
}

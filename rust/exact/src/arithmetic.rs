// SPDX-License-Identifier: Apache-2.0
//! Checked arithmetic over arrays. Values are computed as if nothing could overflow, in loops without branches, and one word gathers
//! whether anything did; only then are the rows looked at one by one, since what lies under a NULL may be anything.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray, Scalar};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeTypeOp, DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};
use arrow::error::ArrowError;

/// What is computed. A negation takes nought and its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Negate,
    ShiftLeft,
    ShiftRight,
}

impl Operation {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract | Self::Negate => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
        }
    }
}

/// One value a row, or one value for all rows.
#[derive(Debug, Clone)]
pub enum Input {
    Rows(ArrayRef),
    One(ArrayRef),
}

impl Input {
    pub fn data_type(&self) -> &DataType {
        match self {
            Input::Rows(array) | Input::One(array) => array.data_type(),
        }
    }

    fn rows(&self) -> Option<usize> {
        match self {
            Input::Rows(array) => Some(array.len()),
            Input::One(_) => None,
        }
    }

    fn is_null_for_all(&self) -> bool {
        matches!(self, Input::One(array) if array.is_null(0))
    }
}

/// Why there are no values.
#[derive(Debug)]
pub enum Failure {
    /// With the operands of the first row whose exact result does not fit, where they are known.
    Overflow(String),
    Other(ArrowError),
}

/// A value for every row; one where both operands are one for all.
pub type Checked = Result<ArrayRef, Failure>;

/// The first row, in words, whose exact result its type cannot hold.
struct Overflow {
    operands: String,
}

impl From<Overflow> for Failure {
    fn from(overflow: Overflow) -> Self {
        Failure::Overflow(overflow.operands)
    }
}

/// An operand: one value a row, or one for all.
enum Operand<'a, T: ArrowPrimitiveType> {
    Rows(&'a PrimitiveArray<T>),
    One(Option<T::Native>),
}

impl<'a, T: ArrowPrimitiveType> Operand<'a, T> {
    fn of(input: &'a Input) -> Self {
        match input {
            Input::Rows(array) => Operand::Rows(array.as_primitive::<T>()),
            Input::One(array) => Operand::One(array.is_valid(0).then(|| array.as_primitive::<T>().value(0))),
        }
    }

    fn value(&self, row: usize) -> Option<T::Native> {
        match self {
            Operand::Rows(array) => array.is_valid(row).then(|| array.value(row)),
            Operand::One(value) => *value,
        }
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Operand::Rows(array) => array.nulls(),
            Operand::One(_) => None,
        }
    }
}

/// What a kernel needs of a type of whole numbers.
trait Whole: ArrowNativeTypeOp + std::fmt::Display {
    /// The sum without its carry, and a word that is negative (or has its top bit set) where it did not fit.
    fn add(self, other: Self) -> (Self, Self);
    fn subtract(self, other: Self) -> (Self, Self);
    /// As above, but the word is anything but zero.
    fn multiply(self, other: Self) -> (Self, Self);
    const TOP: Self;
    const ALL: Self;
    fn or(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    /// `self` as a number of bits to shift by, or none where it is beyond the width.
    fn bits(self) -> Option<u32>;
    fn left(self, bits: u32) -> Self;
    fn right(self, bits: u32) -> Self;
}

macro_rules! whole {
    ($type:ty, $wide:ty, $add:expr, $subtract:expr) => {
        impl Whole for $type {
            #[inline(always)]
            fn add(self, other: Self) -> (Self, Self) {
                let sum = self.wrapping_add(other);
                ($add)(self, other, sum)
            }
            #[inline(always)]
            fn subtract(self, other: Self) -> (Self, Self) {
                let difference = self.wrapping_sub(other);
                ($subtract)(self, other, difference)
            }
            #[inline(always)]
            fn multiply(self, other: Self) -> (Self, Self) {
                let product = (self as $wide) * (other as $wide);
                let kept = product as Self;
                (kept, if product == kept as $wide { 0 } else { Self::ALL })
            }
            const TOP: Self = 1 << (Self::BITS - 1);
            const ALL: Self = !0;
            #[inline(always)]
            fn or(self, other: Self) -> Self {
                self | other
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline(always)]
            fn bits(self) -> Option<u32> {
                u32::try_from(self).ok().filter(|&bits| bits < Self::BITS)
            }
            #[inline(always)]
            fn left(self, bits: u32) -> Self {
                self.wrapping_shl(bits)
            }
            #[inline(always)]
            fn right(self, bits: u32) -> Self {
                self.wrapping_shr(bits)
            }
        }
    };
}

macro_rules! signed {
    ($type:ty, $wide:ty) => {
        // An overflow has a sign that neither operand has; a difference, that of the second only.
        whole!(
            $type,
            $wide,
            |a: $type, b: $type, sum: $type| (sum, (a ^ sum) & (b ^ sum)),
            |a: $type, b: $type, d: $type| (d, (a ^ b) & (a ^ d))
        );
    };
}

macro_rules! unsigned {
    ($type:ty, $wide:ty) => {
        // The carry, or the borrow, out of the top bit.
        whole!(
            $type,
            $wide,
            |a: $type, b: $type, sum: $type| (sum, (a & b) | ((a | b) & !sum)),
            |a: $type, b: $type, d: $type| (d, (!a & b) | ((!a | b) & d))
        );
    };
}

signed!(i8, i32);
signed!(i16, i32);
signed!(i32, i64);
signed!(i64, i128);
unsigned!(u8, u32);
unsigned!(u16, u32);
unsigned!(u32, u64);
unsigned!(u64, u128);

/// One value for every row of the operands, and the OR of all words. A NULL operand for all rows has been dealt with before.
#[inline(always)]
fn compute<T: ArrowPrimitiveType, W: Copy>(
    left: &Operand<T>,
    right: &Operand<T>,
    none: W,
    step: impl Fn(T::Native, T::Native) -> (T::Native, W),
    gather: impl Fn(W, W) -> W,
) -> (Vec<T::Native>, W) {
    let mut gathered = none;
    let mut one = |a: T::Native, b: T::Native| {
        let (value, word) = step(a, b);
        gathered = gather(gathered, word);
        value
    };
    let values = match (left, right) {
        (Operand::Rows(a), Operand::Rows(b)) => {
            a.values().iter().zip(b.values().iter()).map(|(&a, &b)| one(a, b)).collect()
        }
        (Operand::Rows(a), Operand::One(Some(b))) => a.values().iter().map(|&a| one(a, *b)).collect(),
        (Operand::One(Some(a)), Operand::Rows(b)) => b.values().iter().map(|&b| one(*a, b)).collect(),
        (Operand::One(Some(a)), Operand::One(Some(b))) => vec![one(*a, *b)],
        _ => Vec::new(),
    };
    (values, gathered)
}

/// Looks for a row that is not NULL and has a word.
#[cold]
fn find<T: ArrowPrimitiveType>(
    left: &Operand<T>,
    right: &Operand<T>,
    nulls: Option<&NullBuffer>,
    show: impl Fn(T::Native, T::Native) -> String,
    is_overflow: impl Fn(T::Native, T::Native) -> bool,
) -> Option<Overflow> {
    let length = match (left, right) {
        (Operand::Rows(array), _) | (_, Operand::Rows(array)) => array.len(),
        _ => 1,
    };
    (0..length)
        .filter(|&row| nulls.is_none_or(|nulls| nulls.is_valid(row)))
        .filter_map(|row| Some((left.value(row)?, right.value(row)?)))
        .find(|&(a, b)| is_overflow(a, b))
        .map(|(a, b)| Overflow { operands: show(a, b) })
}

fn finish<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>, data_type: &DataType) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls).with_data_type(data_type.clone()))
}

fn whole<T>(operation: Operation, left: &Operand<T>, right: &Operand<T>, data_type: &DataType) -> Checked
where
    T: ArrowPrimitiveType,
    T::Native: Whole,
{
    type Step<N> = fn(N, N) -> (N, N);
    let (step, mask): (Step<T::Native>, T::Native) = match operation {
        Operation::Add => (T::Native::add, T::Native::TOP),
        Operation::Subtract => (T::Native::subtract, T::Native::TOP),
        _ => (T::Native::multiply, T::Native::ALL),
    };
    // A match outside the loop, so that each loop has one operation in it.
    let or = |a: T::Native, b: T::Native| a.or(b);
    let zero = T::Native::default();
    let (values, word) = match operation {
        Operation::Add => compute(left, right, zero, |a, b| a.add(b), or),
        Operation::Subtract => compute(left, right, zero, |a, b| a.subtract(b), or),
        _ => compute(left, right, zero, |a, b| a.multiply(b), or),
    };
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    if word.and(mask) != zero {
        let sign = operation.sign();
        let show = |a: T::Native, b: T::Native| format!("{a} {sign} {b}");
        if let Some(overflow) = find(left, right, nulls.as_ref(), show, |a, b| step(a, b).1.and(mask) != zero) {
            return Err(overflow.into());
        }
    }
    Ok(finish::<T>(values, nulls, data_type))
}

/// Bits that are shifted out are lost, as everywhere; a count of bits that is negative or beyond the width is no count.
fn shift<T>(operation: Operation, left: &Operand<T>, right: &Operand<T>, data_type: &DataType) -> Checked
where
    T: ArrowPrimitiveType,
    T::Native: Whole,
{
    let is_left = operation == Operation::ShiftLeft;
    let (values, wrong) = compute(
        left,
        right,
        false,
        |a, b| match b.bits() {
            Some(bits) if is_left => (a.left(bits), false),
            Some(bits) => (a.right(bits), false),
            None => (a, true),
        },
        |a, b| a | b,
    );
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    if wrong {
        let sign = operation.sign();
        let show = |a: T::Native, b: T::Native| format!("{a} {sign} {b}");
        if let Some(overflow) = find(left, right, nulls.as_ref(), show, |_, b| b.bits().is_none()) {
            return Err(overflow.into());
        }
    }
    Ok(finish::<T>(values, nulls, data_type))
}

fn negate<T>(operand: &Operand<T>, data_type: &DataType) -> Checked
where
    T: ArrowPrimitiveType,
    T::Native: Whole,
{
    whole(Operation::Subtract, &Operand::One(Some(T::Native::default())), operand, data_type).map_err(|failure| {
        match failure {
            Failure::Overflow(operands) => Failure::Overflow(format!("-({})", operands.trim_start_matches("0 - "))),
            other => other,
        }
    })
}

const MOST_DIGITS: u8 = 38;
const MOST: i128 = 10_i128.pow(MOST_DIGITS as u32) - 1;

fn has_38_digits(value: i128) -> bool {
    (-MOST..=MOST).contains(&value)
}

fn show_decimals(operation: Operation, scales: (i8, i8)) -> impl Fn(i128, i128) -> String {
    move |a, b| {
        let text = |value, scale| Decimal128Type::format_decimal(value, MOST_DIGITS, scale);
        format!("{} {} {}", text(a, scales.0), operation.sign(), text(b, scales.1))
    }
}

/// No |value| is above 2 to this power.
fn magnitude(operand: &Operand<Decimal128Type>) -> u32 {
    let fold = |bits: u128, value: i128| bits | (value ^ (value >> 127)) as u128;
    let bits = match operand {
        Operand::Rows(array) => array.values().iter().fold(0, |bits, &value| fold(bits, value)),
        Operand::One(value) => fold(0, value.unwrap_or_default()),
    };
    u128::BITS - bits.leading_zeros()
}

type Decimals<'a> = Operand<'a, Decimal128Type>;

/// Multiplies unscaled values; the result has up to 38 digits.
fn multiply_decimals(left: &Decimals, right: &Decimals, scales: (i8, i8), data_type: &DataType) -> Checked {
    let (a_bits, b_bits) = (magnitude(left), magnitude(right));
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    let no_word = |_: (), _: ()| ();
    let values = if a_bits <= 63 && b_bits <= 63 {
        compute(left, right, (), |a, b| ((a as i64 as i128) * (b as i64 as i128), ()), no_word).0
    } else {
        compute(left, right, (), |a, b| (a.wrapping_mul(b), ()), no_word).0
    };
    // 2^126 is below 10^38.
    if a_bits + b_bits > 126 {
        let exact = |a: i128, b: i128| a.checked_mul(b).is_some_and(has_38_digits);
        let show = show_decimals(Operation::Multiply, scales);
        if let Some(overflow) = find(left, right, nulls.as_ref(), show, |a, b| !exact(a, b)) {
            return Err(overflow.into());
        }
    }
    Ok(finish::<Decimal128Type>(values, nulls, data_type))
}

/// Adds or subtracts values of different scales; none where their sizes do not show that no result is too long, nor any value on the way.
fn add_scaled_decimals(
    operation: Operation,
    left: &Decimals,
    right: &Decimals,
    scales: (i8, i8),
    data_type: &DataType,
) -> Option<ArrayRef> {
    let difference = i32::from(scales.0) - i32::from(scales.1);
    let factor = 10_i64.checked_pow(difference.unsigned_abs())?;
    let more_bits = i64::BITS - factor.leading_zeros();
    let (left_factor, right_factor) = if difference < 0 { (factor, 1) } else { (1, factor) };
    let left_bits = magnitude(left) + if difference < 0 { more_bits } else { 0 };
    let right_bits = magnitude(right) + if difference < 0 { 0 } else { more_bits };
    // A sum has one bit more, and 2^126 is below 10^38.
    let bits = left_bits.max(right_bits);
    if bits > 125 {
        return None;
    }
    let right_factor = if operation == Operation::Subtract { -right_factor } else { right_factor };
    let values = if bits <= 62 {
        // 64 bits hold all values on the way.
        let sum = |a: i128, b: i128| {
            i128::from((a as i64).wrapping_mul(left_factor).wrapping_add((b as i64).wrapping_mul(right_factor)))
        };
        compute(left, right, (), |a, b| (sum(a, b), ()), |(), ()| ()).0
    } else {
        let (left_factor, right_factor) = (i128::from(left_factor), i128::from(right_factor));
        let sum = |a: i128, b: i128| a.wrapping_mul(left_factor).wrapping_add(b.wrapping_mul(right_factor));
        compute(left, right, (), |a, b| (sum(a, b), ()), |(), ()| ()).0
    };
    Some(finish::<Decimal128Type>(values, NullBuffer::union(left.nulls(), right.nulls()), data_type))
}

/// Adds or subtracts unscaled values of one scale. Two values of 38 digits that leave 128 bits come back with the other sign and still
/// more than 38 digits, so that the digits alone tell.
fn add_decimals(
    operation: Operation,
    left: &Decimals,
    right: &Decimals,
    scales: (i8, i8),
    data_type: &DataType,
) -> Checked {
    let is_too_long = |value: i128| value.wrapping_add(MOST) as u128 > 2 * MOST as u128;
    let or = |a: bool, b: bool| a | b;
    let step: fn(i128, i128) -> i128 = match operation {
        Operation::Add => i128::wrapping_add,
        _ => i128::wrapping_sub,
    };
    let (values, wrong) = match operation {
        Operation::Add => compute(left, right, false, |a, b| (a.wrapping_add(b), is_too_long(a.wrapping_add(b))), or),
        _ => compute(left, right, false, |a, b| (a.wrapping_sub(b), is_too_long(a.wrapping_sub(b))), or),
    };
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    if wrong {
        let show = show_decimals(operation, scales);
        if let Some(overflow) = find(left, right, nulls.as_ref(), show, |a, b| is_too_long(step(a, b))) {
            return Err(overflow.into());
        }
    }
    Ok(finish::<Decimal128Type>(values, nulls, data_type))
}

fn whole_of<T>(operation: Operation, left: &Input, right: &Input, result: &DataType) -> Checked
where
    T: ArrowPrimitiveType,
    T::Native: Whole,
{
    let (left, right) = (Operand::<T>::of(left), Operand::<T>::of(right));
    match operation {
        Operation::ShiftLeft | Operation::ShiftRight => shift(operation, &left, &right, result),
        Operation::Negate => negate(&right, result),
        _ => whole(operation, &left, &right, result),
    }
}

fn has_digits(array: &dyn Array, result: &DataType) -> bool {
    match result {
        DataType::Decimal32(p, _) => array.as_primitive::<Decimal32Type>().validate_decimal_precision(*p).is_ok(),
        DataType::Decimal64(p, _) => array.as_primitive::<Decimal64Type>().validate_decimal_precision(*p).is_ok(),
        DataType::Decimal128(p, _) => array.as_primitive::<Decimal128Type>().validate_decimal_precision(*p).is_ok(),
        DataType::Decimal256(p, _) => array.as_primitive::<Decimal256Type>().validate_decimal_precision(*p).is_ok(),
        _ => true,
    }
}

/// Arrow's own checked kernel, and the digits of decimals, which it does not look at.
fn by_arrow(operation: Operation, left: &Input, right: &Input, result: &DataType) -> Checked {
    use arrow::compute::kernels::numeric::{add, div, mul, rem, sub};
    let kernel = match operation {
        Operation::Add => add,
        Operation::Subtract => sub,
        Operation::Multiply => mul,
        Operation::Divide => div,
        Operation::Modulo => rem,
        Operation::Negate | Operation::ShiftLeft | Operation::ShiftRight => {
            let message = format!("{operation:?} of {} and {}", left.data_type(), right.data_type());
            return Err(Failure::Other(ArrowError::InvalidArgumentError(message)));
        }
    };
    let computed = match (left, right) {
        (Input::Rows(a), Input::Rows(b)) => kernel(a as &dyn Datum, b),
        (Input::Rows(a), Input::One(b)) => kernel(a as &dyn Datum, &Scalar::new(Arc::clone(b))),
        (Input::One(a), Input::Rows(b)) => kernel(&Scalar::new(Arc::clone(a)), b as &dyn Datum),
        (Input::One(a), Input::One(b)) => kernel(a as &dyn Datum, b),
    };
    match computed {
        Ok(values) if has_digits(&values, result) => Ok(values),
        Ok(_) | Err(ArrowError::ArithmeticOverflow(_)) => match (left.data_type(), right.data_type()) {
            (DataType::Decimal128(..), DataType::Decimal128(..)) => exact_decimals(operation, left, right, result),
            _ => Err(Failure::Overflow(String::new())),
        },
        Err(error) => Err(Failure::Other(error)),
    }
}

/// Row by row over 256 bits: what the engine could not do may be no more than a step on the way, and if it is more, the row is found.
#[cold]
fn exact_decimals(operation: Operation, left: &Input, right: &Input, result: &DataType) -> Checked {
    let (DataType::Decimal128(_, s1), DataType::Decimal128(_, s2), DataType::Decimal128(p, s)) =
        (left.data_type(), right.data_type(), result)
    else {
        return Err(Failure::Overflow(String::new()));
    };
    let (s1, s2, s) = (*s1, *s2, *s);
    let power = |exponent: i8| i256::from_i128(10).checked_pow(u32::try_from(exponent).ok()?);
    let exact = |a: i128, b: i128| -> Option<i256> {
        let (a, b) = (i256::from_i128(a), i256::from_i128(b));
        match operation {
            Operation::Add => a.checked_mul(power(s - s1)?)?.checked_add(b.checked_mul(power(s - s2)?)?),
            Operation::Subtract => a.checked_mul(power(s - s1)?)?.checked_sub(b.checked_mul(power(s - s2)?)?),
            // The quotient of unscaled values has the scale s1 - s2.
            Operation::Divide if s - s1 + s2 >= 0 => a.checked_mul(power(s - s1 + s2)?)?.checked_div(b),
            Operation::Divide => a.checked_div(b.checked_mul(power(s1 - s2 - s)?)?),
            _ => a.checked_mul(b),
        }
    };
    let fits = |value: i256| value.to_i128().filter(|value| value.unsigned_abs() < 10_u128.pow((*p).into()));
    let rows = left.rows().or(right.rows()).unwrap_or(1);
    let (left, right) = (Operand::<Decimal128Type>::of(left), Operand::<Decimal128Type>::of(right));
    let mut values = Vec::with_capacity(rows);
    for row in 0..rows {
        values.push(match (left.value(row), right.value(row)) {
            (Some(a), Some(b)) => match exact(a, b).and_then(fits) {
                Some(value) => Some(value),
                None => return Err(Failure::Overflow(show_decimals(operation, (s1, s2))(a, b))),
            },
            _ => None,
        });
    }
    Ok(Arc::new(PrimitiveArray::<Decimal128Type>::from(values).with_data_type(result.clone())))
}

/// Computes `left operation right`, whose type is `result`. The operands have the types that the operation takes.
pub fn evaluate(operation: Operation, left: &Input, right: &Input, result: &DataType) -> Checked {
    if left.is_null_for_all() || right.is_null_for_all() {
        return Ok(arrow::array::new_null_array(result, left.rows().or(right.rows()).unwrap_or(1)));
    }
    if matches!(operation, Operation::Divide | Operation::Modulo) {
        return by_arrow(operation, left, right, result);
    }
    match (left.data_type(), right.data_type()) {
        (DataType::Int8, DataType::Int8) => whole_of::<Int8Type>(operation, left, right, result),
        (DataType::Int16, DataType::Int16) => whole_of::<Int16Type>(operation, left, right, result),
        (DataType::Int32, DataType::Int32) => whole_of::<Int32Type>(operation, left, right, result),
        (DataType::Int64, DataType::Int64) => whole_of::<Int64Type>(operation, left, right, result),
        (DataType::UInt8, DataType::UInt8) => whole_of::<UInt8Type>(operation, left, right, result),
        (DataType::UInt16, DataType::UInt16) => whole_of::<UInt16Type>(operation, left, right, result),
        (DataType::UInt32, DataType::UInt32) => whole_of::<UInt32Type>(operation, left, right, result),
        (DataType::UInt64, DataType::UInt64) => whole_of::<UInt64Type>(operation, left, right, result),
        (DataType::Decimal128(_, a), DataType::Decimal128(_, b)) if operation == Operation::Multiply => {
            multiply_decimals(&Operand::of(left), &Operand::of(right), (*a, *b), result)
        }
        (DataType::Decimal128(_, a), DataType::Decimal128(_, b)) if a == b => {
            add_decimals(operation, &Operand::of(left), &Operand::of(right), (*a, *b), result)
        }
        (DataType::Decimal128(_, a), DataType::Decimal128(_, b))
            if matches!(operation, Operation::Add | Operation::Subtract) =>
        {
            add_scaled_decimals(operation, &Operand::of(left), &Operand::of(right), (*a, *b), result)
                .map_or_else(|| by_arrow(operation, left, right, result), Ok)
        }
        _ => by_arrow(operation, left, right, result),
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Other spellings of the same number.

use std::borrow::Cow;

/// Exponents beyond are no numbers that a decimal type holds, save for zero and what is rounded to it.
const LARGEST_EXPONENT: i64 = 400;

/// `1.5e2` as `150`; what has no exponent, or is no number, as it is.
pub fn without_exponent(text: &str) -> Cow<'_, str> {
    let same = Cow::Borrowed(text);
    let Some(at) = text.find(['e', 'E']) else {
        return same;
    };
    let (mantissa, exponent) = (&text[..at], text[at + 1..].parse::<i64>());
    let (sign, mantissa) = match mantissa.strip_prefix(['-', '+']) {
        Some(rest) => (&text[..1], rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Some(exponent) = exponent.ok().filter(|exponent| exponent.abs() <= LARGEST_EXPONENT) else {
        return same;
    };
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return same;
    }
    let point = whole.len() as i64 + exponent;
    let spelled = if point <= 0 {
        format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else if (point as usize) < digits.len() {
        format!("{sign}{}.{}", &digits[..point as usize], &digits[point as usize..])
    } else {
        format!("{sign}{digits}{}", "0".repeat(point as usize - digits.len()))
    };
    Cow::Owned(spelled)
}

/// The number without exponent and fraction where it is a whole one.
pub fn whole_number(text: &str) -> Cow<'_, str> {
    let spelled = without_exponent(text);
    match spelled.split_once('.') {
        Some((whole, fraction))
            if fraction.bytes().all(|byte| byte == b'0') && whole.ends_with(|c: char| c.is_ascii_digit()) =>
        {
            Cow::Owned(whole.to_string())
        }
        _ => spelled,
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Numbers as they stand in JSON, and other spellings of the same number.

use std::borrow::Cow;
use std::ops::Range;

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

/// What stands for numbers in a JSON text, whether they are any.
pub fn numbers(json: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < json.len() {
            match json[at] {
                b'"' => at += string_length(&json[at..]),
                b'-' | b'0'..=b'9' => {
                    let is_inside = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                    let start = at;
                    at += json[at..].iter().take_while(|byte| is_inside(byte)).count();
                    return Some(start..at);
                }
                _ => at += 1,
            }
        }
        None
    })
}

/// Of the string that a text begins with, quotes and all.
fn string_length(json: &[u8]) -> usize {
    let mut at = 1;
    while at < json.len() {
        match json[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// Whether the JSON grammar has such a number.
pub fn is_json_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text[0] == b'0') {
        return false;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+")).unwrap_or(exponent);
        let length = digits(exponent);
        return length > 0 && length == exponent.len();
    }
    rest.is_empty()
}

/// The record with quotes around whole numbers beyond 64 bits, whose digits a float would lose.
pub fn with_large_numbers_as_text(record: &[u8]) -> Cow<'_, [u8]> {
    let is_large = |range: &Range<usize>| {
        let text = &record[range.clone()];
        text.len() >= 19
            && !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
            && is_json_number(text)
            && std::str::from_utf8(text).is_ok_and(|text| text.parse::<i64>().is_err())
    };
    let mut quoted = Vec::new();
    let mut done = 0;
    for range in numbers(record).filter(is_large) {
        quoted.extend_from_slice(&record[done..range.start]);
        quoted.push(b'"');
        quoted.extend_from_slice(&record[range.clone()]);
        quoted.push(b'"');
        done = range.end;
    }
    if done == 0 {
        return Cow::Borrowed(record);
    }
    quoted.extend_from_slice(&record[done..]);
    Cow::Owned(quoted)
}

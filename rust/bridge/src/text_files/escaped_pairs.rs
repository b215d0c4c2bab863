// SPDX-License-Identifier: Apache-2.0
//! Characters beyond 65535 that JSON texts hold as two escapes (`\ud842\udfb7`), put there as they are: the decoder takes half of them for
//! others (apache/arrow-rs: it joins the halves by OR where it must add).
//!
//! In: chunks of a file, in order. Out: the same bytes but for such pairs, also where a chunk ends within one.

use bytes::Bytes;

/// What is left of the chunk before: the beginning of escapes.
#[derive(Debug, Default)]
pub struct EscapedPairs {
    rest: Vec<u8>,
}

impl EscapedPairs {
    /// An empty chunk is the end of the file.
    pub fn next(&mut self, chunk: Bytes) -> Bytes {
        if self.rest.is_empty() && !chunk.contains(&b'\\') {
            return chunk;
        }
        let is_end = chunk.is_empty();
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(&chunk);
        let (joined, used) = join(&bytes);
        self.rest = bytes[used..].to_vec();
        match joined {
            _ if is_end => [joined, std::mem::take(&mut self.rest)].concat().into(),
            joined => joined.into(),
        }
    }
}

/// With pairs put together, and how many bytes of the input that is.
fn join(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut joined = Vec::with_capacity(bytes.len());
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        match escape(&bytes[at..]) {
            Escape::Unfinished => {
                joined.extend_from_slice(&bytes[from..at]);
                return (joined, at);
            }
            Escape::Other(length) => at += length,
            Escape::Pair(character) => {
                joined.extend_from_slice(&bytes[from..at]);
                joined.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at += PAIR_BYTES;
                from = at;
            }
        }
    }
    joined.extend_from_slice(&bytes[from..]);
    (joined, bytes.len())
}

const UNIT_BYTES: usize = r"\ud842".len();
const PAIR_BYTES: usize = 2 * UNIT_BYTES;

enum Escape {
    Unfinished,
    /// So many bytes are none of a pair.
    Other(usize),
    Pair(char),
}

/// REQUIRES: `bytes` begin with a backslash.
fn escape(bytes: &[u8]) -> Escape {
    match bytes.get(1) {
        None => return Escape::Unfinished,
        Some(b'u') => {}
        Some(_) => return Escape::Other(2),
    }
    if bytes.len() < UNIT_BYTES {
        return Escape::Unfinished;
    }
    let Some(high @ 0xD800..0xDC00) = unit(bytes) else { return Escape::Other(2) };
    if bytes.len() < PAIR_BYTES {
        return Escape::Unfinished;
    }
    match unit(&bytes[UNIT_BYTES..]) {
        Some(low @ 0xDC00..0xE000) => {
            char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)).map_or(Escape::Other(2), Escape::Pair)
        }
        _ => Escape::Other(2),
    }
}

/// The four hexadecimal digits behind `\u`.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(br"\u")?.get(..4)?;
    let is_hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_hexadecimal)?;
    u32::from_str_radix(text, 16).ok()
}

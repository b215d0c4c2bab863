// SPDX-License-Identifier: Apache-2.0
//! Google's Snappy, which unpacks pages in three quarters of the time of the crate of this name. Of that crate's interface there is what
//! Parquet's reader and writer call.

use std::ffi::c_char;
use std::fmt;

/// What is wrong with bytes that were to be unpacked, or with the room for the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The bytes are not in Snappy's format.
    Corrupt,
    /// The result does not fit into the room that was given.
    BufferTooSmall,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "snappy: the compressed bytes are corrupt",
            Self::BufferTooSmall => "snappy: the result does not fit into its buffer",
        })
    }
}

impl std::error::Error for Error {}

fn check(status: snappy_src::snappy_status) -> Result<(), Error> {
    match status {
        snappy_src::snappy_status_SNAPPY_OK => Ok(()),
        snappy_src::snappy_status_SNAPPY_BUFFER_TOO_SMALL => Err(Error::BufferTooSmall),
        _ => Err(Error::Corrupt),
    }
}

/// Bytes without frames.
pub mod raw {
    use super::{Error, c_char, check};

    /// The most that so many bytes can become.
    pub fn max_compress_len(input_len: usize) -> usize {
        // SAFETY: it computes.
        unsafe { snappy_src::snappy_max_compressed_length(input_len) }
    }

    /// How many bytes come of these, by what they say.
    pub fn decompress_len(input: &[u8]) -> Result<usize, Error> {
        if input.is_empty() {
            return Ok(0);
        }
        let mut length = 0;
        // SAFETY: reads no more than the input, and writes one number.
        check(unsafe {
            snappy_src::snappy_uncompressed_length(input.as_ptr().cast::<c_char>(), input.len(), &raw mut length)
        })?;
        Ok(length)
    }

    #[derive(Debug, Default)]
    pub struct Encoder;

    impl Encoder {
        pub fn new() -> Self {
            Self
        }

        /// Returns the number of bytes written.
        pub fn compress(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
            let mut length = output.len();
            // SAFETY: `length` is the room there is; less than max_compress_len() is refused.
            check(unsafe {
                snappy_src::snappy_compress(
                    input.as_ptr().cast::<c_char>(),
                    input.len(),
                    output.as_mut_ptr().cast::<c_char>(),
                    &raw mut length,
                )
            })?;
            Ok(length)
        }
    }

    #[derive(Debug, Default)]
    pub struct Decoder;

    impl Decoder {
        pub fn new() -> Self {
            Self
        }

        /// Returns the number of bytes written.
        pub fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
            if input.is_empty() {
                return Ok(0);
            }
            let mut length = output.len();
            // SAFETY: `length` is the room there is; a result that needs more is refused before anything is written.
            check(unsafe {
                snappy_src::snappy_uncompress(
                    input.as_ptr().cast::<c_char>(),
                    input.len(),
                    output.as_mut_ptr().cast::<c_char>(),
                    &raw mut length,
                )
            })?;
            Ok(length)
        }
    }
}

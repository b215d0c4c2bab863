// SPDX-License-Identifier: Apache-2.0
//! Arithmetic over Arrow arrays that is exact or an error: operators and sums; and floats in one form. A crate of its own, since its loops are compiled for speed;
//! it knows neither Weir nor the engine.

mod arithmetic;
mod floats;
mod sums;

pub use arithmetic::{Checked, Failure, Input, Operation, evaluate};
pub use floats::{Form, holds_floats};
pub use sums::{Addend, ExactSum, MOST_DIGITS, text};

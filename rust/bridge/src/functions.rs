// SPDX-License-Identifier: Apache-2.0
//! Native C++ functions as DataFusion functions. Declarations and kernels are C++'s; here they are only put into DataFusion's
//! words. Constants stay constants, arrays cross without copies.

mod aggregate;
mod crossing;
mod declaration;
mod named_arguments;
mod scalar;

pub use aggregate::register_aggregate_function;
pub use named_arguments::{fill_omitted_arguments, fill_omitted_calls};
pub(crate) use scalar::NativeScalarUdf;
pub use scalar::register_scalar_function;

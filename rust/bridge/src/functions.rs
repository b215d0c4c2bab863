// SPDX-License-Identifier: Apache-2.0
//! Native C++ functions as DataFusion functions, and users' functions that are SQL expressions. Declarations and kernels are C++'s;
//! here they are only put into DataFusion's words. Constants stay constants, arrays cross without copies.

mod aggregate;
mod crossing;
mod declaration;
mod named_arguments;
mod rewritten;
mod scalar;
mod stand_ins;
mod user;

pub use aggregate::register_aggregate_function;
pub(crate) use crossing::failure;
pub use named_arguments::{complete_call, complete_calls};
pub(crate) use scalar::NativeScalarUdf;
pub use scalar::register_scalar_function;
pub use stand_ins::{StandIns, with_stand_ins, without_stand_ins};
pub(crate) use user::expand_user_functions;
pub use user::{called_functions, define_user_function, function_kind, sql_type};

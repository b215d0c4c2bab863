// SPDX-License-Identifier: Apache-2.0
//! Native C++ functions as DataFusion functions.

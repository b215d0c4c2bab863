// SPDX-License-Identifier: Apache-2.0
//! Switches off filters that MIN and MAX hand to their scans while these run: the bound of a partition without values takes the place
//! of the others' bounds, and what decides is which partition is first.

use super::{About, Guard, Means};

pub struct MinMaxFilters;

impl Guard for MinMaxFilters {
    fn about(&self) -> About {
        About {
            name: "minmax_filters",
            version: 1,
            fault: "`SELECT min(p), max(r)` over several partitions, one of them without values of r, skips rows that hold the maximum",
            upstream: "apache/datafusion#25147",
            means: Means::Setting,
            effect: "MIN and MAX look at every row that the query's own filters leave",
        }
    }

    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[("datafusion.optimizer.enable_aggregate_dynamic_filter_pushdown", "false")]
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Lets aggregates be planned whose input may be NULL in the physical plan alone. The logical plan holds that `x IS TRUE` and some CASE
//! are never NULL, the physical one says what its operators say, and the planner refuses the difference. The columns' types are the same.

use super::{About, Guard, Means};

pub struct AggregateSchema;

impl Guard for AggregateSchema {
    fn about(&self) -> About {
        About {
            name: "aggregate_schema",
            version: 1,
            fault: "`SELECT DISTINCT x IS TRUE FROM t` fails: the plans disagree whether the column may be NULL",
            upstream: "unreported",
            means: Means::Setting,
            effect: "such expressions work in keys, DISTINCT and UNION",
        }
    }

    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[("datafusion.execution.skip_physical_aggregate_schema_check", "true")]
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Window frames whose bounds are negative: the engine takes them where an interval or a text hides the sign, and counts nothing.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, WindowFrameBound};
use datafusion::optimizer::AnalyzerRule;

use super::{About, AnalyzerRules, Guard, Means};
use crate::error::BridgeError;

pub struct WindowFrames;

impl Guard for WindowFrames {
    fn about(&self) -> About {
        About {
            name: "window_frames",
            version: 1,
            fault: "`RANGE BETWEEN INTERVAL '-1 day' PRECEDING AND CURRENT ROW` is taken and its frames are wrong",
            upstream: "apache/datafusion#24902",
            means: Means::Refusal,
            effect: "a negative bound of a frame is an error",
        }
    }

    fn analyzer_rules(&self, rules: &mut AnalyzerRules) {
        // The types of bounds are known at the end.
        rules.push(Arc::new(FrameBounds));
    }
}

#[derive(Debug)]
struct FrameBounds;

impl AnalyzerRule for FrameBounds {
    fn name(&self) -> &str {
        "frame_bounds"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply_with_subqueries(|node| {
            if !matches!(node, LogicalPlan::Window(_)) {
                return Ok(TreeNodeRecursion::Continue);
            }
            node.apply_expressions(|expression| {
                expression.apply(|part| {
                    if let Expr::WindowFunction(function) = part {
                        let frame = &function.params.window_frame;
                        [&frame.start_bound, &frame.end_bound].into_iter().try_for_each(check)?;
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })?;
        Ok(plan)
    }
}

fn check(bound: &WindowFrameBound) -> Result<()> {
    let (WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value)) = bound else {
        return Ok(());
    };
    if !is_negative(value)? {
        return Ok(());
    }
    let error = BridgeError::user(
        "unsupported",
        format!("bounds of a window frame that are not negative are wanted, found `{value}`"),
    );
    Err(DataFusionError::External(Box::new(error)))
}

fn is_negative(value: &ScalarValue) -> Result<bool> {
    const DAY: i128 = 86_400_000_000_000;
    Ok(match value {
        ScalarValue::IntervalYearMonth(Some(months)) => *months < 0,
        ScalarValue::IntervalDayTime(Some(v)) => i128::from(v.days) * DAY + i128::from(v.milliseconds) * 1_000_000 < 0,
        ScalarValue::IntervalMonthDayNano(Some(v)) => {
            (i128::from(v.months) * 30 + i128::from(v.days)) * DAY + i128::from(v.nanoseconds) < 0
        }
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            text.trim_start().starts_with('-')
        }
        number if number.data_type().is_numeric() && !number.is_null() => {
            *number < ScalarValue::new_zero(&number.data_type())?
        }
        _ => false,
    })
}

// SPDX-License-Identifier: Apache-2.0
//! Puts lead and lag in the place of the engine's that are right where NULLs are ignored: they look at a whole partition at once,
//! since row by row the engine loses values behind a gap; and a LIMIT above is not handed down past them where more rows are needed.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::functions_window::lead_lag::{lag_udwf, lead_udwf};
use datafusion::logical_expr::function::{
    ExpressionArgs, PartitionEvaluatorArgs, WindowFunctionSimplification, WindowUDFFieldArgs,
};
use datafusion::logical_expr::{
    Documentation, LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;

use super::{About, Guard, Means};

pub struct IgnoredNulls;

impl Guard for IgnoredNulls {
    fn about(&self) -> About {
        About {
            name: "ignored_nulls",
            version: 2,
            fault: "`lead(v, 2) IGNORE NULLS` over 30, 40, NULL, NULL, 70 gives NULL for 30, and with LIMIT 1 values of rows that are cut off",
            upstream: "apache/datafusion#25471",
            means: Means::Correction,
            effect: "lead and lag with IGNORE NULLS look at the whole partition",
        }
    }

    fn functions(&self, context: &SessionContext) {
        for function in [lead_udwf(), lag_udwf()] {
            context.register_udwf(WindowUDF::from(Shift { function }));
        }
    }
}

/// One of lead and lag.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shift {
    function: Arc<WindowUDF>,
}

impl WindowUDFImpl for Shift {
    fn name(&self) -> &str {
        self.function.name()
    }
    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }
    fn signature(&self) -> &Signature {
        self.function.signature()
    }
    fn expressions(&self, arguments: ExpressionArgs) -> Vec<Arc<dyn PhysicalExpr>> {
        self.function.expressions(arguments)
    }
    fn partition_evaluator(&self, arguments: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        let ignores_nulls = arguments.ignore_nulls();
        let evaluator = self.function.partition_evaluator_factory(arguments)?;
        Ok(if ignores_nulls { Box::new(WholePartition { evaluator }) } else { evaluator })
    }
    fn simplify(&self) -> Option<WindowFunctionSimplification> {
        self.function.simplify()
    }
    fn field(&self, arguments: WindowUDFFieldArgs) -> Result<FieldRef> {
        self.function.field(arguments)
    }
    fn sort_options(&self) -> Option<SortOptions> {
        self.function.sort_options()
    }
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(arguments)
    }
    /// Itself: over rows from behind it is told so when it is evaluated.
    fn reverse_expr(&self) -> ReversedUDWF {
        ReversedUDWF::Reversed(Arc::new(WindowUDF::from(Self { function: Arc::clone(&self.function) })))
    }
    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation()
    }
    /// Neither how many NULLs there are is known here, nor whether they are ignored.
    fn limit_effect(&self, _arguments: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

/// Evaluates all rows of a partition at once, never row by row.
#[derive(Debug)]
struct WholePartition {
    evaluator: Box<dyn PartitionEvaluator>,
}

impl PartitionEvaluator for WholePartition {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.evaluator.evaluate_all(values, rows)
    }
}

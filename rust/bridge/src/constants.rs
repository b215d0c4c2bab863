// SPDX-License-Identifier: Apache-2.0
//! Finds in an analysed plan what fails whatever the data: literals that are no value of their type, patterns, formats, parts of dates
//! and time zones that there are not, frames that cannot be, LIKE with an ESCAPE that the engine has not. The engine itself finds them
//! when it optimises, makes operators, or meets the first row.
//!
//! Expressions that could fail so are simplified, made physical and evaluated over no rows. What stands where it may never be evaluated
//! (a branch of CASE, the right side of AND) counts only if the engine would refuse it without evaluating it. Casts of literals are
//! taken for evaluated on both sides of AND and OR, which only a constant decides.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef, ScalarValue};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::{AggregateFunction, Cast, ScalarFunction, WindowFunction};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, WindowFrame, lit};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::create_physical_expr;
#[allow(deprecated)]
use datafusion::physical_planner::create_aggregate_expr_and_maybe_filter;
use datafusion::physical_planner::create_window_expr;
use datafusion::sql::unparser::expr_to_sql;

use crate::error::{BridgeError, Result, entry};
use crate::ffi::ConstantProblem;
use crate::guards::{Guards, direct_parts, failing_cast, operation_of, simplified_around_failures};
use crate::plan::Plan;
use crate::session::Session;

pub fn find_constant_problems(session: &Session, plan: &Plan) -> Result<Vec<ConstantProblem>> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let mut search = Search { state: &state, found: Vec::new() };
        plan.plan.apply_with_subqueries(|node| {
            search.node(node)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(search.found)
    })
}

/// The first problem of an expression that stands alone.
pub fn refuse_constant_problems(state: &SessionState, expression: &Expr, schema: &DFSchema) -> Result<()> {
    let mut search = Search { state, found: Vec::new() };
    search.expression(expression, &mut || Arc::new(schema.clone()))?;
    match search.found.pop() {
        Some(problem) => Err(BridgeError::user(
            "invalid_argument",
            format!("this fails whatever the data: {}: `{}`", without_layer(&problem.reason), problem.sql),
        )),
        None => Ok(()),
    }
}

/// C++ takes layers from the start of messages only.
fn without_layer(reason: &str) -> &str {
    reason
        .trim_start_matches("Arrow error: ")
        .trim_start_matches("External error: ")
        .trim_start_matches("Execution error: ")
}

/// Functions that take any text: literals among their arguments are never wrong.
const TAKE_ANY_TEXT: &[&str] = &[
    "btrim",
    "coalesce",
    "concat",
    "concat_ws",
    "contains",
    "ends_with",
    "greatest",
    "least",
    "lower",
    "lpad",
    "ltrim",
    "named_struct",
    "nullif",
    "nvl",
    "nvl2",
    "replace",
    "rpad",
    "rtrim",
    "split_part",
    "starts_with",
    "strpos",
    "translate",
    "upper",
];

struct Failure {
    error: BridgeError,
    /// Found without evaluating: no row is needed.
    is_certain: bool,
}

struct Search<'a> {
    state: &'a SessionState,
    found: Vec<ConstantProblem>,
}

fn text_of(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Literal(ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text), _) => {
            text.as_deref()
        }
        _ => None,
    }
}

fn is_literal(expression: &Expr) -> bool {
    matches!(expression, Expr::Literal(..))
}

/// A literal, perhaps behind casts.
fn constant(expression: &Expr) -> Option<ScalarValue> {
    match expression {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Cast(Cast { expr, field }) => constant(expr)?.cast_to(field.data_type()).ok(),
        _ => None,
    }
}

fn is_constant(expression: &Expr) -> bool {
    match expression {
        Expr::Cast(cast) => is_constant(&cast.expr),
        other => is_literal(other),
    }
}

/// Whether an argument behind the first is still to be folded into the literal that the function wants, as `CAST(3 AS INT)` is.
fn has_folded_arguments(arguments: &[Expr]) -> bool {
    arguments.iter().skip(1).any(|argument| !is_literal(argument) && argument.column_refs().is_empty())
}

/// Whether the node itself could fail whatever the data.
fn is_suspicious(expression: &Expr) -> bool {
    match expression {
        Expr::Like(like) => like.escape_char.is_some(),
        Expr::SimilarTo(_) => true,
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch => true,
            Operator::Divide | Operator::Modulo => is_constant(right),
            op => operation_of(*op).is_some() && is_constant(left) && is_constant(right),
        },
        Expr::Negative(operand) => is_constant(operand),
        Expr::ScalarFunction(call) => {
            let name = call.func.name();
            let takes_any = TAKE_ANY_TEXT.contains(&name);
            !call.args.is_empty()
                && (call.args.iter().all(is_constant)
                    || (!takes_any && call.args.iter().any(|a| text_of(a).is_some()))
                    || matches!(name, "date_bin" | "substr"))
        }
        _ => false,
    }
}

/// The parts of a node's expression that are evaluated row by row, and which of them not for all rows.
fn row_parts(expression: &Expr) -> Vec<(&Expr, bool)> {
    let always = |part| (part, false);
    match expression {
        Expr::Alias(alias) => row_parts(&alias.expr),
        Expr::AggregateFunction(AggregateFunction { params, .. }) => {
            let arguments = params.args.iter().map(|argument| (argument, params.filter.is_some()));
            let others = params.filter.as_deref().into_iter().chain(params.order_by.iter().map(|sort| &sort.expr));
            arguments.chain(others.map(always)).collect()
        }
        Expr::WindowFunction(window) => {
            let params = &window.params;
            let arguments = params.args.iter().map(|argument| (argument, params.filter.is_some()));
            let sorted = params.order_by.iter().map(|sort| &sort.expr);
            let others = params.partition_by.iter().chain(params.filter.as_deref()).chain(sorted);
            arguments.chain(others.map(always)).collect()
        }
        Expr::GroupingSet(set) => set.distinct_expr().into_iter().map(always).collect(),
        other => vec![always(other)],
    }
}

/// The texts by which a reader finds an expression: its own literals, those below it, the functions that it calls, the longest numbers.
fn texts_of(expression: &Expr) -> Vec<String> {
    let (mut texts, mut functions, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    // A division is found by its sign.
    let is_division = matches!(expression, Expr::BinaryExpr(b) if matches!(b.op, Operator::Divide | Operator::Modulo));
    let _ = expression.apply_children(|part| {
        texts.extend(text_of(part).map(String::from));
        Ok(TreeNodeRecursion::Continue)
    });
    let _ = expression.apply(|part| {
        match part {
            Expr::Cast(cast) => texts.extend(zone_of(cast.field.data_type()).map(String::from)),
            Expr::ScalarFunction(call) => functions.push(call.func.name().to_string()),
            Expr::WindowFunction(window) => functions.push(window.fun.name().to_string()),
            Expr::AggregateFunction(aggregate) => functions.push(aggregate.func.name().to_string()),
            Expr::Literal(value, _) if value.data_type().is_integer() && !is_division => {
                numbers.push(value.to_string().trim_start_matches('-').to_string());
            }
            _ => texts.extend(text_of(part).map(String::from)),
        }
        Ok(TreeNodeRecursion::Continue)
    });
    numbers.sort_by_key(|number| std::cmp::Reverse(number.len()));
    texts.extend(functions);
    texts.extend(numbers);
    texts
}

/// What the engine plans although it has no operator for it there.
fn out_of_place(expression: &Expr, has_windows: bool) -> EngineResult<Option<&'static str>> {
    let mut what = None;
    expression.apply(|part| {
        what = match part {
            Expr::WindowFunction(_) if !has_windows => {
                Some("a window function stands in the SELECT list, in ORDER BY or in QUALIFY only")
            }
            Expr::Placeholder(_) => Some("a placeholder has no value here"),
            _ => what,
        };
        Ok(if what.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(what)
}

fn zone_of(data_type: &DataType) -> Option<&str> {
    match data_type {
        DataType::Timestamp(_, zone) => zone.as_deref(),
        _ => None,
    }
}

/// Subqueries and columns of outer queries have no value here.
fn without_other_queries(expression: Expr, schema: &DFSchema) -> EngineResult<Expr> {
    let is_other = |part: &Expr| {
        matches!(
            part,
            Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::ScalarSubquery(_)
                | Expr::OuterReferenceColumn(..)
        )
    };
    if !expression.exists(|part| Ok(is_other(part)))? {
        return Ok(expression);
    }
    let replaced = expression.transform_up(|part| {
        if !is_other(&part) {
            return Ok(Transformed::no(part));
        }
        let data_type = match &part {
            Expr::OuterReferenceColumn(field, _) => field.data_type().clone(),
            Expr::ScalarSubquery(_) => part.get_type(schema)?,
            _ => DataType::Boolean,
        };
        Ok(Transformed::yes(Expr::Literal(ScalarValue::try_new_null(&data_type)?, None)))
    })?;
    Ok(replaced.data)
}

impl Search<'_> {
    fn node(&mut self, node: &LogicalPlan) -> EngineResult<()> {
        let has_windows = matches!(node, LogicalPlan::Window(_));
        let mut merged: Option<DFSchemaRef> = None;
        node.apply_expressions(|expression| {
            let mut schema = || {
                Arc::clone(merged.get_or_insert_with(|| match node {
                    LogicalPlan::TableScan(scan) => Arc::clone(&scan.projected_schema),
                    _ => Arc::new(merge_schema(&node.inputs())),
                }))
            };
            if let Some(what) = out_of_place(expression, has_windows)? {
                self.add(expression, &BridgeError::user("plan_failed", what));
                return Ok(TreeNodeRecursion::Continue);
            }
            self.expression(expression, &mut schema)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }

    fn expression(&mut self, expression: &Expr, schema: &mut dyn FnMut() -> DFSchemaRef) -> EngineResult<()> {
        let before = self.found.len();
        expression.apply(|part| {
            match part {
                Expr::Cast(cast) => self.zone(cast),
                Expr::WindowFunction(window) => self.window(part, window, schema),
                Expr::AggregateFunction(aggregate) => self.aggregate(part, aggregate, schema),
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if expression.exists(|part| Ok(failing_cast(part).is_some()))? {
            self.casts(expression, schema)?;
        }
        // What holds a wrong literal fails as a whole.
        if self.found.len() > before {
            return Ok(());
        }
        for (part, is_open) in row_parts(expression) {
            if !part.exists(|inner| Ok(is_suspicious(inner)))? {
                continue;
            }
            let schema = schema();
            if let Some((culprit, failure)) = self.culprit(part, &schema, is_open) {
                self.add(&culprit, &failure.error);
            }
        }
        Ok(())
    }

    fn zone(&mut self, cast: &Cast) {
        if let Some(zone) = zone_of(cast.field.data_type())
            && let Err(error) = zone.parse::<Tz>()
        {
            let reason = BridgeError::from(error).message;
            let (sql, texts) = (zone.to_string(), vec![zone.to_string()]);
            self.found.push(ConstantProblem { reason, sql, texts, help: String::new() });
        }
    }

    /// Casts of literals that fail, unless they stand in branches that are not or not always taken. Both sides of AND and OR count as
    /// evaluated, where the left side is no constant.
    fn casts(&mut self, expression: &Expr, schema: &mut dyn FnMut() -> DFSchemaRef) -> EngineResult<()> {
        for (part, is_open) in row_parts(expression) {
            if is_open || !part.exists(|inner| Ok(failing_cast(inner).is_some()))? {
                continue;
            }
            let schema = schema();
            let alone = without_other_queries(part.clone(), &schema)?;
            self.evaluated_casts(self.simplified(alone, &schema).as_ref().unwrap_or(part));
        }
        Ok(())
    }

    fn evaluated_casts(&mut self, expression: &Expr) {
        if let Some(error) = failing_cast(expression) {
            self.add(expression, &BridgeError::from(error));
        }
        let is_logic = matches!(expression, Expr::BinaryExpr(_));
        for (part, is_open) in direct_parts(expression) {
            if is_logic || !is_open {
                self.evaluated_casts(part);
            }
        }
    }

    fn window(&mut self, whole: &Expr, window: &WindowFunction, schema: &mut dyn FnMut() -> DFSchemaRef) {
        let params = &window.params;
        let is_default = params.window_frame == WindowFrame::new((!params.order_by.is_empty()).then_some(false));
        if is_default && !params.args.iter().skip(1).any(is_literal) && !params.args.iter().all(is_literal) {
            return;
        }
        if has_folded_arguments(&params.args) {
            return;
        }
        let schema = schema();
        let Ok(without) = without_other_queries(whole.clone(), &schema) else {
            return;
        };
        let planning = PhysicalPlanningContext::default();
        if let Err(error) = create_window_expr(&without, &schema, self.state.execution_props(), &planning)
            && !matches!(error.find_root(), DataFusionError::Internal(_))
        {
            self.add(whole, &BridgeError::from(error));
        }
    }

    /// Aggregates of several arguments look at those that must be constants when they begin.
    fn aggregate(&mut self, whole: &Expr, aggregate: &AggregateFunction, schema: &mut dyn FnMut() -> DFSchemaRef) {
        if aggregate.params.args.len() < 2 && aggregate.params.order_by.is_empty() {
            return;
        }
        if has_folded_arguments(&aggregate.params.args) {
            return;
        }
        let schema = schema();
        let Ok(without) = without_other_queries(whole.clone(), &schema) else {
            return;
        };
        #[allow(deprecated)]
        let created =
            create_aggregate_expr_and_maybe_filter(&without, &schema, schema.as_arrow(), self.state.execution_props());
        if let Err(error) = created.and_then(|(aggregate, ..)| aggregate.create_accumulator())
            && matches!(error.find_root(), DataFusionError::Plan(_) | DataFusionError::NotImplemented(_))
        {
            self.add(whole, &BridgeError::from(error));
        }
    }

    /// The innermost part that fails by itself.
    fn culprit(&self, expression: &Expr, schema: &DFSchemaRef, may_be_passed_over: bool) -> Option<(Expr, Failure)> {
        let failure = self.failure(expression, schema)?;
        let parts = direct_parts(expression);
        let inner = |conditional: bool| {
            parts
                .iter()
                .filter(|(_, is_conditional)| *is_conditional == conditional)
                .find_map(|(part, _)| self.culprit(part, schema, may_be_passed_over || conditional))
        };
        if let Some(found) = inner(false).or_else(|| inner(true)) {
            return Some(found);
        }
        let has_conditional =
            parts.iter().any(|(part, conditional)| *conditional && self.failure(part, schema).is_some());
        if !failure.is_certain && (may_be_passed_over || has_conditional) {
            return None;
        }
        Some((expression.clone(), failure))
    }

    fn failure(&self, expression: &Expr, schema: &DFSchemaRef) -> Option<Failure> {
        let failed = |error: DataFusionError, is_certain: bool| {
            let error = BridgeError::from(error);
            // What the engine could not do here it may well do in its place in the plan.
            (error.blame == "user").then_some(Failure { error, is_certain })
        };
        let expression = without_other_queries(expression.clone(), schema).ok()?;
        if let Some(error) = self.sampled(&expression) {
            return failed(error, false);
        }
        // As it would be executed: overflow is an error there.
        let expression = Guards::executed_expression(self.state, expression.clone(), schema).unwrap_or(expression);
        let simple = match self.simplified(expression, schema) {
            Ok(simple) => simple,
            Err(error) => return failed(error, true),
        };
        let planning = PhysicalPlanningContext::default();
        let physical = match create_physical_expr(&simple, schema, self.state.execution_props(), &planning) {
            Ok(physical) => physical,
            Err(error) => return failed(error, true),
        };
        let no_rows = RecordBatch::new_empty(Arc::clone(schema.inner()));
        physical.evaluate(&no_rows).err().and_then(|error| failed(error, false))
    }

    /// Casts that fail stay where they are.
    fn simplified(&self, expression: Expr, schema: &DFSchemaRef) -> EngineResult<Expr> {
        let context = SimplifyContext::builder()
            .with_schema(Arc::clone(schema))
            .with_config_options(Arc::clone(self.state.config_options()))
            .with_current_time()
            .build();
        simplified_around_failures(expression, schema, |expression| ExprSimplifier::new(context).simplify(expression))
    }

    /// What a function or an operator looks at only when it has a row: it is given one.
    fn sampled(&self, expression: &Expr) -> Option<DataFusionError> {
        let sample = match expression {
            Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Divide | Operator::Modulo), right }) => {
                let divisor = constant(right)?;
                let is_whole = divisor.data_type().is_integer() && !divisor.is_null();
                if !is_whole || is_constant(left) {
                    return None;
                }
                let one = ScalarValue::new_one(&divisor.data_type()).ok()?;
                let divisor = Box::new(Expr::Literal(divisor, None));
                Expr::BinaryExpr(BinaryExpr::new(Box::new(Expr::Literal(one, None)), *op, divisor))
            }
            Expr::ScalarFunction(ScalarFunction { func, args }) => {
                let text = |at: usize| args.get(at).filter(|text| text_of(text).is_some()).cloned();
                let constant = |at: usize| args.get(at).filter(|constant| is_literal(constant)).cloned();
                match func.name() {
                    name if name.starts_with("regexp_") => {
                        let pattern = Box::new(lit(text_of(&text(1)?)?.to_string()));
                        Expr::BinaryExpr(BinaryExpr::new(Box::new(lit("")), Operator::RegexMatch, pattern))
                    }
                    "to_char" | "to_date" | "to_timestamp" if args.len() == 2 => {
                        // All fields that a format may ask for.
                        let time = ScalarValue::TimestampNanosecond(Some(0), Some("+00:00".into()));
                        let to_char = self.state.scalar_functions().get("to_char")?;
                        to_char.call(vec![Expr::Literal(time, None), text(1)?])
                    }
                    "date_bin" => {
                        let time = ScalarValue::TimestampNanosecond(Some(0), None);
                        func.call(vec![constant(0)?, Expr::Literal(time, None)])
                    }
                    "substr" => func.call(vec![lit("abc"), lit(1i64), constant(2)?]),
                    _ => return None,
                }
            }
            _ => return None,
        };
        let nothing = DFSchema::empty();
        let planning = PhysicalPlanningContext::default();
        let physical = create_physical_expr(&sample, &nothing, self.state.execution_props(), &planning).ok()?;
        physical.evaluate(&RecordBatch::new_empty(Arc::clone(nothing.inner()))).err()
    }

    fn add(&mut self, expression: &Expr, error: &BridgeError) {
        let sql = expr_to_sql(expression).map_or_else(|_| expression.to_string(), |sql| sql.to_string());
        let help = error.details.get("helps").and_then(|helps| helps[0].as_str()).unwrap_or_default().to_string();
        self.found.push(ConstantProblem { reason: error.message.clone(), sql, texts: texts_of(expression), help });
    }
}

// SPDX-License-Identifier: Apache-2.0
//! User functions: an SQL expression over arguments, put in the place of each call when a query is analysed, so that plans hold
//! the expression and never the call.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, internal_err, plan_err};
use datafusion::error::Result as EngineResult;
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    Cast, ColumnarValue, DocSection, Documentation, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, ExprWithAlias, Ident, ObjectName, Spanned, visit_expressions};
use datafusion::sql::sqlparser::tokenizer::Span;
use serde_json::json;

use super::named_arguments::{Parameter, complete_calls};
use crate::error::{BridgeError, Result, entry};
use crate::ffi::UserFunction;
use crate::guards::TreeGuards;
use crate::parameters::Parameters;
use crate::session::Session;

struct UserArgument {
    name: String,
    data_type: DataType,
}

/// The planned function. Its body is type-checked, cast to the return type, calls no user function, and names arguments as
/// columns.
pub(super) struct ExpandedUdf {
    name: String,
    arguments: Vec<UserArgument>,
    /// The arguments as calls see them.
    pub(super) parameters: Vec<Parameter>,
    return_type: DataType,
    body: Expr,
    syntax: String,
    signature: Signature,
    documentation: Documentation,
}

impl fmt::Debug for ExpandedUdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExpandedUdf({})", self.name)
    }
}
impl PartialEq for ExpandedUdf {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.body) == (&other.name, &other.body)
    }
}
impl Eq for ExpandedUdf {}
impl Hash for ExpandedUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, &self.body).hash(state);
    }
}

/// Whether a call may give a value of type `found` where `declared` is wanted: numbers for numbers, and what a NULL or a text
/// literal may stand for. Everything else asks for a CAST of the user's.
fn is_taken_as(found: &DataType, declared: &DataType) -> bool {
    let is_text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_time = |t: &DataType| matches!(t, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..));
    match found {
        DataType::Dictionary(_, value) => is_taken_as(value, declared),
        DataType::Null => true,
        _ if found == declared => true,
        _ if found.is_numeric() && declared.is_numeric() => true,
        _ if is_text(found) => is_text(declared) || is_time(declared),
        _ if is_time(found) => is_time(declared),
        _ => found.is_nested() && can_cast_types(found, declared),
    }
}

impl ScalarUDFImpl for ExpandedUdf {
    fn name(&self) -> &str {
        &self.name
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn coerce_types(&self, types: &[DataType]) -> EngineResult<Vec<DataType>> {
        let fits = types.len() == self.arguments.len()
            && types.iter().zip(&self.arguments).all(|(found, declared)| is_taken_as(found, &declared.data_type));
        if !fits {
            let found: Vec<String> = types.iter().map(ToString::to_string).collect();
            return plan_err!("{} does not take ({})", self.syntax, found.join(", "));
        }
        Ok(self.arguments.iter().map(|argument| argument.data_type.clone()).collect())
    }

    fn return_type(&self, _types: &[DataType]) -> EngineResult<DataType> {
        Ok(self.return_type.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> EngineResult<FieldRef> {
        let nullable: Vec<bool> = args.arg_fields.iter().map(|field| field.is_nullable()).collect();
        let (_, field) = self.body.to_field(&schema_of(&self.arguments, &nullable)?)?;
        Ok(Arc::new(Field::new(&self.name, self.return_type.clone(), field.is_nullable())))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        internal_err!("a call of {} was not expanded", self.name)
    }
}

/// The arguments as columns; `nullable` may be empty, which means all.
fn schema_of(arguments: &[UserArgument], nullable: &[bool]) -> EngineResult<DFSchema> {
    let fields = arguments.iter().enumerate().map(|(i, argument)| {
        Field::new(&argument.name, argument.data_type.clone(), nullable.get(i).copied().unwrap_or(true))
    });
    DFSchema::from_unqualified_fields(fields.collect(), Default::default())
}

impl ExpandedUdf {
    /// The body with `values` in the place of the arguments, cast to their declared types.
    fn expand(&self, values: Vec<Expr>, schema: &DFSchema) -> EngineResult<Expr> {
        self.refuse_repeated_volatile(&values)?;
        let values: Vec<Expr> = values
            .into_iter()
            .zip(&self.arguments)
            .map(|(value, declared)| match value.get_type(schema) {
                Ok(found) if found == declared.data_type => value,
                _ => Expr::Cast(Cast::new(Box::new(value), declared.data_type.clone())),
            })
            .collect();
        let expanded = self.body.clone().transform_up(|part| {
            let Expr::Column(column) = &part else {
                return Ok(Transformed::no(part));
            };
            match self.arguments.iter().position(|argument| argument.name == column.name) {
                Some(index) => Ok(Transformed::yes(values[index].clone())),
                None => internal_err!("{} has no argument {}", self.name, column.name),
            }
        })?;
        Ok(expanded.data)
    }

    /// An argument that the body names twice would be evaluated twice.
    fn refuse_repeated_volatile(&self, values: &[Expr]) -> EngineResult<()> {
        for (value, argument) in values.iter().zip(&self.arguments).filter(|(value, _)| value.is_volatile()) {
            let mut uses = 0;
            self.body.apply(|part| {
                uses += usize::from(matches!(part, Expr::Column(column) if column.name == argument.name));
                Ok(TreeNodeRecursion::Continue)
            })?;
            if uses > 1 {
                return plan_err!(
                    "{} uses its argument {} {uses} times and cannot be given {value}, which is another value each time",
                    self.syntax,
                    argument.name
                );
            }
        }
        Ok(())
    }
}

/// Puts the body of user functions in the place of their calls. One for all functions of a session.
#[derive(Debug)]
struct ExpandUserFunctions;

impl FunctionRewrite for ExpandUserFunctions {
    fn name(&self) -> &str {
        "expand_user_functions"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> EngineResult<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(call) if user_function(&call.func).is_some() => {
                let function = Arc::clone(&call.func);
                match user_function(&function) {
                    Some(user) => Ok(Transformed::yes(user.expand(call.args, schema)?)),
                    None => internal_err!("{} is no user function", function.name()),
                }
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// The expression with the calls of user functions expanded, outside of a plan.
pub(crate) fn expand_user_functions(expression: Expr, schema: &DFSchema) -> EngineResult<Expr> {
    let config = ConfigOptions::default();
    Ok(expression.transform_up(|part| ExpandUserFunctions.rewrite(part, schema, &config))?.data)
}

pub(super) fn user_function(function: &ScalarUDF) -> Option<&ExpandedUdf> {
    function.inner().downcast_ref::<ExpandedUdf>()
}

/// An error at a place of the text that was passed in.
fn refused_at(place: Span, message: String) -> BridgeError {
    let mut error = BridgeError::user("unsupported", message);
    let start = place.start;
    if start.line > 0 {
        error.details.insert("line".into(), json!(start.line));
        error.details.insert("column".into(), json!(start.column));
    }
    error
}

/// What an expression over the arguments of one call cannot hold.
fn refuse_other_rows(state: &SessionState, body: &SqlExpr) -> Result<()> {
    let refuse = |place: &SqlExpr, what: &str| {
        ControlFlow::Break(refused_at(
            place.span(),
            format!("an expression over the arguments is wanted in a user function, found {what}"),
        ))
    };
    let found = visit_expressions(body, |part| match part {
        SqlExpr::Subquery(_) | SqlExpr::InSubquery { .. } | SqlExpr::Exists { .. } => refuse(part, "a subquery"),
        SqlExpr::Function(call) if call.over.is_some() => refuse(part, "a window function"),
        SqlExpr::Function(call) => {
            let name = call.name.to_string().to_lowercase();
            if state.scalar_functions().contains_key(&name) {
                ControlFlow::Continue(())
            } else if state.aggregate_functions().contains_key(&name) {
                refuse(part, &format!("the aggregate function `{name}`"))
            } else if state.window_functions().contains_key(&name) {
                refuse(part, &format!("the window function `{name}`"))
            } else {
                ControlFlow::Continue(())
            }
        }
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn parse_expression(state: &SessionState, sql: &str, dialect: &str) -> Result<SqlExpr> {
    let parsed = crate::parsing::parse_expression(state, sql, dialect)?;
    match parsed.alias {
        None => Ok(parsed.expr),
        Some(alias) => Err(refused_at(
            alias.span,
            format!("an expression without a name of its own is wanted in a user function, found the name `{alias}`"),
        )),
    }
}

/// Type-checked over `schema`; user functions in it are expanded.
fn plan_expression(state: &SessionState, mut parsed: SqlExpr, schema: &DFSchema) -> Result<Expr> {
    refuse_other_rows(state, &parsed)?;
    Parameters::of(state).fill_all(&mut parsed)?;
    complete_calls(state, &mut parsed);
    TreeGuards::of(state).expressions(&mut parsed)?;
    let parsed = ExprWithAlias { expr: parsed, alias: None };
    let expression = state.create_logical_expr_from_sql_expr(parsed, schema)?;
    let expression = expand_user_functions(expression, schema)?;
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .with_config_options(Arc::clone(state.config_options()))
        .build();
    Ok(ExprSimplifier::new(context).coerce(expression, schema)?)
}

/// `expression` as a `wanted`; `what` names it in the error.
fn converted(expression: Expr, wanted: &DataType, schema: &DFSchema, what: &str) -> Result<Expr> {
    let found = expression.get_type(schema)?;
    if !can_cast_types(&found, wanted) {
        return Err(BridgeError::user("plan_failed", format!("{what} of the type {wanted} is wanted, found {found}")));
    }
    Ok(expression.cast_to(wanted, schema)?)
}

fn type_of(state: &SessionState, sql_type: &str, dialect: &str) -> Result<DataType> {
    let parsed = parse_expression(state, &format!("CAST(NULL AS {sql_type})"), dialect)?;
    let empty = DFSchema::empty();
    Ok(plan_expression(state, parsed, &empty)?.get_type(&empty)?)
}

fn volatility_of(body: &Expr) -> EngineResult<Volatility> {
    let mut volatility = Volatility::Immutable;
    body.apply(|part| {
        if let Expr::ScalarFunction(call) = part {
            volatility = match (volatility, call.func.signature().volatility) {
                (_, Volatility::Volatile) | (Volatility::Volatile, _) => Volatility::Volatile,
                (_, Volatility::Stable) | (Volatility::Stable, _) => Volatility::Stable,
                _ => Volatility::Immutable,
            };
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(volatility)
}

fn plan_argument(state: &SessionState, function: &UserFunction, index: usize) -> Result<(UserArgument, Parameter)> {
    let argument = &function.arguments[index];
    let name = argument.name.clone();
    let data_type = type_of(state, &argument.sql_type, &function.dialect)?;
    if argument.default_value.is_empty() {
        return Ok((UserArgument { name: name.clone(), data_type }, Parameter::of_user(name, None)));
    }
    let mut default = parse_expression(state, &argument.default_value, &function.dialect)?;
    Parameters::of(state).fill_all(&mut default)?;
    // It may stand in any query, hence names nothing.
    let empty = DFSchema::empty();
    let what = format!("a default of `{name}`");
    converted(plan_expression(state, default.clone(), &empty)?, &data_type, &empty, &what)?;
    Ok((UserArgument { name: name.clone(), data_type }, Parameter::of_user(name, Some(default))))
}

fn plan_function(state: &SessionState, function: &UserFunction) -> Result<ExpandedUdf> {
    let planned = (0..function.arguments.len()).map(|index| plan_argument(state, function, index));
    let (arguments, parameters): (Vec<_>, Vec<_>) = planned.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let return_type = type_of(state, &function.return_type, &function.dialect)?;
    let schema = schema_of(&arguments, &[])?;
    let parsed = parse_expression(state, &function.body, &function.dialect)?;
    let body = plan_expression(state, parsed, &schema)?;
    let body = converted(body, &return_type, &schema, "an expression")?;
    let names = arguments.iter().map(|argument| argument.name.clone()).collect();
    let mut documentation =
        Documentation::builder(DocSection::default(), format!("A user function: {}", function.text), &function.syntax);
    for argument in &function.arguments {
        documentation = documentation.with_argument(&argument.name, &argument.sql_type);
    }
    Ok(ExpandedUdf {
        name: function.name.clone(),
        signature: Signature::user_defined(volatility_of(&body)?).with_parameter_names(names)?,
        arguments,
        parameters,
        return_type,
        body,
        syntax: function.syntax.clone(),
        documentation: documentation.build(),
    })
}

/// What of a name keeps it from a new function: "" for nothing, "user" for a user function.
fn taken_by(state: &SessionState, name: &str) -> &'static str {
    match state.scalar_functions().get(name) {
        Some(function) if user_function(function).is_some() => "user",
        Some(_) => "scalar",
        None if state.aggregate_functions().contains_key(name) => "aggregate",
        None if state.window_functions().contains_key(name) => "window",
        None if state.table_functions().contains_key(name) => "table",
        None => "",
    }
}

pub fn function_kind(session: &Session, name: &str) -> String {
    taken_by(&session.context.state_ref().read(), name).to_string()
}

/// Replaces a user function of the same name; any other keeps its name.
pub fn define_user_function(session: &Session, function: &UserFunction) -> Result<()> {
    entry(|| {
        let planned = {
            let state = session.context.state_ref();
            let state = state.read();
            let kind = taken_by(&state, &function.name);
            if !kind.is_empty() && kind != "user" {
                return Err(BridgeError::user(
                    "already_exists",
                    format!("there is a {kind} function `{}`", function.name),
                ));
            }
            plan_function(&state, function)?
        };
        session.context.register_udf(ScalarUDF::new_from_impl(planned));
        let state = session.context.state_ref();
        let mut state = state.write();
        // A rewrite walks every plan: sessions without user functions have none.
        if !state.analyzer().function_rewrites().iter().any(|rewrite| rewrite.name() == ExpandUserFunctions.name()) {
            state.register_function_rewrite(Arc::new(ExpandUserFunctions))?;
        }
        Ok(())
    })
}

/// The type that SQL's name of a type means, as the engine names it.
pub fn sql_type(session: &Session, name: &str, dialect: &str) -> Result<String> {
    entry(|| Ok(type_of(&session.context.state_ref().read(), name, dialect)?.to_string()))
}

fn simple_name(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [part] => part.as_ident(),
        _ => None,
    }
}

/// The functions that an expression calls, in lower case, each once.
pub fn called_functions(session: &Session, expression: &str, dialect: &str) -> Result<Vec<String>> {
    entry(|| {
        let parsed = parse_expression(&session.context.state_ref().read(), expression, dialect)?;
        let mut names = std::collections::BTreeSet::new();
        let _ = visit_expressions(&parsed, |part| {
            if let SqlExpr::Function(call) = part
                && let Some(name) = simple_name(&call.name)
            {
                names.insert(name.value.to_lowercase());
            }
            ControlFlow::<()>::Continue(())
        });
        Ok(names.into_iter().collect())
    })
}

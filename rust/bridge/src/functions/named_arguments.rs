// SPDX-License-Identifier: Apache-2.0
//! Calls that omit arguments which have a default.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use datafusion::execution::SessionState;
use datafusion::logical_expr::ScalarUDF;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, VisitMut, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::aggregate::is_native_aggregate;
use super::scalar::{NativeScalarUdf, is_native_scalar};
use super::user::user_function;
use crate::ffi::NativeArgument;
use crate::planning_steps::note;
use crate::syntax::folded;

/// A parameter as calls see it.
pub(super) struct Parameter {
    name: String,
    /// SQL text, from which `default` is read when a call first needs it.
    default_text: String,
    default: OnceLock<Option<Expr>>,
    /// The default stands in the plan wherever a call omits the argument. Otherwise the function knows it, and it is written only
    /// before an argument that the call names: DataFusion lets only the last ones be omitted.
    written: bool,
}

impl Parameter {
    pub(super) fn of_native(argument: &NativeArgument) -> Self {
        Self {
            name: argument.name.clone(),
            default_text: argument.default_value.clone(),
            default: OnceLock::new(),
            written: argument.session_default,
        }
    }

    pub(super) fn of_user(name: String, default: Option<Expr>) -> Self {
        Self { name, default_text: String::new(), default: default.into(), written: true }
    }

    fn default(&self) -> Option<&Expr> {
        let parse = |sql| Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
        self.default.get_or_init(|| parse(&self.default_text).ok()).as_ref()
    }
}

/// The place of a named argument among the parameters, as the planner finds it.
fn position_of(name: &Ident, parameters: &[Parameter]) -> Option<usize> {
    parameters.iter().position(|parameter| match name.quote_style {
        Some(_) => parameter.name == name.value,
        None => parameter.name.eq_ignore_ascii_case(&name.value),
    })
}

/// Adds the declared defaults of parameters which a call omits. Without one the call stays as it is, and DataFusion names what is
/// missing.
fn fill_call(parameters: &[Parameter], args: &mut Vec<FunctionArg>) {
    let named: Vec<usize> = args
        .iter()
        .filter_map(|arg| match arg {
            FunctionArg::Named { name, .. } => position_of(name, parameters),
            _ => None,
        })
        .collect();
    let positional = args.iter().filter(|arg| matches!(arg, FunctionArg::Unnamed(_))).count();
    let last = parameters
        .iter()
        .enumerate()
        .filter(|(i, parameter)| named.contains(i) || (parameter.written && parameter.default().is_some()))
        .map(|(i, _)| i)
        .max();
    for (i, parameter) in parameters.iter().enumerate().skip(positional) {
        if named.contains(&i) || last.is_none_or(|last| i > last) {
            continue;
        }
        if let Some(value) = parameter.default() {
            args.push(FunctionArg::Named {
                name: Ident::with_quote('"', &parameter.name),
                arg: FunctionArgExpr::Expr(value.clone()),
                operator: FunctionArgOperator::RightArrow,
            });
        }
    }
}

fn parameters_of(function: &ScalarUDF) -> Option<&[Parameter]> {
    match user_function(function) {
        Some(user) => Some(&user.parameters),
        None => Some(function.inner().downcast_ref::<NativeScalarUdf>()?.parameters()),
    }
}

/// The function of that name. User functions go by their names in any case.
fn called<'a>(state: &'a SessionState, name: &ObjectName) -> Option<&'a ScalarUDF> {
    let [part] = name.0.as_slice() else {
        return None;
    };
    let ident = part.as_ident()?;
    let functions = state.scalar_functions();
    if let Some(function) = functions.get(&folded(ident)) {
        return Some(function);
    }
    functions.get(&ident.value.to_lowercase()).map(AsRef::as_ref).filter(|function| user_function(function).is_some())
}

fn fill_function(state: &SessionState, call: &mut Function) {
    let Some(function) = called(state, &call.name) else {
        return;
    };
    if user_function(function).is_some() {
        let span = call.name.0[0].as_ident().map(|ident| ident.span);
        let mut ident = Ident::with_quote('"', function.name());
        ident.span = span.unwrap_or(ident.span);
        call.name = ObjectName(vec![ObjectNamePart::Identifier(ident)]);
    }
    if let FunctionArguments::List(list) = &mut call.args
        && let Some(parameters) = parameters_of(function)
    {
        fill_call(parameters, &mut list.args);
    }
}

/// Notes an alias and named arguments of a call, before defaults are filled in.
fn note_call(state: &SessionState, call: &Function) {
    let [part] = call.name.0.as_slice() else {
        return;
    };
    let Some(ident) = part.as_ident() else {
        return;
    };
    let called = folded(ident);
    let scalar = state.scalar_functions().get(&called).filter(|f| is_native_scalar(f));
    let aggregate = state.aggregate_functions().get(&called).filter(|f| is_native_aggregate(f));
    let Some(name) = scalar.map(|f| f.name()).or(aggregate.map(|f| f.name())) else {
        return;
    };
    if name != called {
        note("alias", name);
    }
    if let FunctionArguments::List(list) = &call.args
        && list.args.iter().any(|arg| !matches!(arg, FunctionArg::Unnamed(_)))
    {
        note("named_arguments", name);
    }
}

/// Completes a call of a native or user function, before it is planned.
pub fn complete_call(state: &SessionState, expression: &mut Expr) {
    if let Expr::Function(call) = expression {
        note_call(state, call);
        fill_function(state, call);
    }
}

/// The same for all calls in a part of a statement.
pub fn complete_calls(state: &SessionState, part: &mut impl VisitMut) {
    let _ = visit_expressions_mut(part, |expression| {
        complete_call(state, expression);
        ControlFlow::<()>::Continue(())
    });
}

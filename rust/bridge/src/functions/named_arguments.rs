// SPDX-License-Identifier: Apache-2.0
//! Calls that omit arguments which have a default.

use std::ops::ControlFlow;

use datafusion::execution::SessionState;
use datafusion::logical_expr::ScalarUDF;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, VisitMut, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::scalar::NativeScalarUdf;
use super::user::user_function;
use crate::planning_steps::note_call;

/// A parameter as calls see it.
struct Parameter {
    name: String,
    default: Option<Expr>,
    /// The default stands in the plan wherever a call omits the argument. Otherwise the function knows it, and it is written only
    /// before an argument that the call names: DataFusion lets only the last ones be omitted.
    written: bool,
}

/// The place of a named argument among the parameters; SQL's rules for quoted names.
fn position_of(name: &Ident, parameters: &[Parameter]) -> Option<usize> {
    parameters.iter().position(|parameter| match name.quote_style {
        Some(_) => parameter.name == name.value,
        None => parameter.name.eq_ignore_ascii_case(&name.value),
    })
}

/// Adds the declared defaults of parameters which a call omits. Without one the call stays as it is, and DataFusion names what is
/// missing.
fn fill_call(parameters: Vec<Parameter>, args: &mut Vec<FunctionArg>) {
    let named: Vec<usize> = args
        .iter()
        .filter_map(|arg| match arg {
            FunctionArg::Named { name, .. } => position_of(name, &parameters),
            _ => None,
        })
        .collect();
    let positional = args.iter().filter(|arg| matches!(arg, FunctionArg::Unnamed(_))).count();
    let last = parameters
        .iter()
        .enumerate()
        .filter(|(i, parameter)| named.contains(i) || (parameter.written && parameter.default.is_some()))
        .map(|(i, _)| i)
        .max();
    for (i, parameter) in parameters.into_iter().enumerate().skip(positional) {
        if named.contains(&i) || last.is_none_or(|last| i > last) {
            continue;
        }
        if let Some(value) = parameter.default {
            args.push(FunctionArg::Named {
                name: Ident::with_quote('"', parameter.name),
                arg: FunctionArgExpr::Expr(value),
                operator: FunctionArgOperator::RightArrow,
            });
        }
    }
}

fn parameters_of(function: &ScalarUDF) -> Option<Vec<Parameter>> {
    if let Some(user) = user_function(function) {
        let parameter = |a: &super::user::UserArgument| Parameter {
            name: a.name.clone(),
            default: a.default.clone(),
            written: true,
        };
        return Some(user.arguments.iter().map(parameter).collect());
    }
    let native = function.inner().downcast_ref::<NativeScalarUdf>()?;
    let parse = |sql: &str| Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut p| p.parse_expr()).ok();
    let parameters = native.arguments().iter().map(|argument| Parameter {
        name: argument.name.clone(),
        default: parse(&argument.default_value),
        written: argument.session_default,
    });
    Some(parameters.collect())
}

/// The function of that name. User functions go by their names in any case.
fn called<'a>(state: &'a SessionState, name: &ObjectName) -> Option<&'a ScalarUDF> {
    let [part] = name.0.as_slice() else {
        return None;
    };
    let ident = part.as_ident()?;
    let lower = ident.value.to_lowercase();
    let function = state.scalar_functions().get(&lower)?.as_ref();
    let as_written = ident.quote_style.is_none() || lower == ident.value;
    (as_written || user_function(function).is_some()).then_some(function)
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

/// Completes the calls of native and user functions in a statement, before it is planned.
pub fn fill_omitted_arguments(state: &SessionState, statement: &mut Statement) {
    match statement {
        Statement::Statement(statement) => fill_omitted_calls(state, statement.as_mut()),
        Statement::Explain(explain) => fill_omitted_arguments(state, explain.statement.as_mut()),
        _ => {}
    }
}

/// The same for any part of a statement.
pub fn fill_omitted_calls(state: &SessionState, part: &mut impl VisitMut) {
    let _ = visit_expressions_mut(part, |expression| {
        if let Expr::Function(call) = expression {
            note_call(state, call);
            fill_function(state, call);
        }
        ControlFlow::<()>::Continue(())
    });
}

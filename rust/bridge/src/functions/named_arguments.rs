// SPDX-License-Identifier: Apache-2.0
//! Calls that omit parameters before one that they name.

use std::ops::ControlFlow;

use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments, Ident, ObjectName, VisitMut,
    visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::scalar::NativeScalarUdf;
use crate::ffi::NativeArgument;

/// The place of a named argument among the parameters; SQL's rules for quoted names.
fn position_of(name: &Ident, arguments: &[NativeArgument]) -> Option<usize> {
    arguments.iter().position(|argument| match name.quote_style {
        Some(_) => argument.name == name.value,
        None => argument.name.eq_ignore_ascii_case(&name.value),
    })
}

/// Adds the declared defaults of parameters which a call omits before one that it names: DataFusion lets only the last ones be
/// omitted.
fn fill_call(arguments: &[NativeArgument], args: &mut Vec<FunctionArg>) {
    let named: Vec<usize> = args
        .iter()
        .filter_map(|arg| match arg {
            FunctionArg::Named { name, .. } => position_of(name, arguments),
            _ => None,
        })
        .collect();
    let positional = args.iter().filter(|arg| matches!(arg, FunctionArg::Unnamed(_))).count();
    let Some(last) = named.iter().copied().max() else {
        return;
    };
    for argument in
        arguments.iter().enumerate().skip(positional).filter(|(i, _)| *i < last && !named.contains(i)).map(|(_, a)| a)
    {
        let parsed =
            Parser::new(&GenericDialect {}).try_with_sql(&argument.default_value).and_then(|mut p| p.parse_expr());
        // Without a default the call stays as it is, and DataFusion names what is missing.
        if let Ok(value) = parsed {
            args.push(FunctionArg::Named {
                name: Ident::new(argument.name.clone()),
                arg: FunctionArgExpr::Expr(value),
                operator: FunctionArgOperator::RightArrow,
            });
        }
    }
}

fn declared_arguments<'a>(state: &'a SessionState, name: &ObjectName) -> Option<&'a [NativeArgument]> {
    let [part] = name.0.as_slice() else {
        return None;
    };
    let ident = part.as_ident()?;
    let name = if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() };
    let function = state.scalar_functions().get(&name)?;
    Some(function.inner().downcast_ref::<NativeScalarUdf>()?.arguments())
}

/// Completes the calls of native functions in a statement, before it is planned.
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
        if let Expr::Function(function) = expression
            && let FunctionArguments::List(list) = &mut function.args
            && let Some(arguments) = declared_arguments(state, &function.name)
        {
            fill_call(arguments, &mut list.args);
        }
        ControlFlow::<()>::Continue(())
    });
}

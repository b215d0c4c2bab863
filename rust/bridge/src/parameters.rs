// SPDX-License-Identifier: Apache-2.0
//! Parameters of a project: `$name` in a statement stands for a constant. C++ knows types and values and writes each as an SQL
//! expression; here it takes its place in the syntax tree, so that lines and columns stay those of the text.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::execution::SessionState;
use serde_json::json;
use sqlparser::ast::{Expr, Ident, SelectItem, Value, ValueWithSpan, VisitMut, VisitorMut, visit_expressions_mut};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Span;

use crate::error::{BridgeError, Result};
use crate::ffi::KeyValue;

#[derive(Default)]
pub struct Parameters {
    /// By name, in lower case; None has no value.
    constants: BTreeMap<String, Option<Expr>>,
}

impl Parameters {
    /// Of names and SQL expressions; an empty one is a parameter without a value.
    pub fn read(parameters: &[KeyValue]) -> Result<Self> {
        let read =
            |sql: &str| Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
        let mut constants = BTreeMap::new();
        for KeyValue { key, value } in parameters {
            let constant = match value.as_str() {
                "" => None,
                sql => {
                    Some(read(sql).map_err(|e| BridgeError::bug(format!("the constant of `${key}` is no SQL: {e}")))?)
                }
            };
            constants.insert(key.clone(), constant);
        }
        Ok(Self { constants })
    }

    pub fn of(state: &SessionState) -> Arc<Self> {
        state.config().get_extension::<Self>().unwrap_or_default()
    }

    /// The name and place of a parameter. Where `$` begins names, `$name` is one only if there is a parameter of that name.
    fn named(&self, expression: &Expr) -> Option<(String, Span)> {
        let (text, place, is_marked) = match expression {
            Expr::Value(ValueWithSpan { value: Value::Placeholder(text), span }) => (text, *span, true),
            Expr::Identifier(Ident { value, quote_style: None, span }) => (value, *span, false),
            _ => return None,
        };
        let name = text.strip_prefix('$')?.to_lowercase();
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        (is_name && (is_marked || self.constants.contains_key(&name))).then_some((name, place))
    }

    /// Puts the constant in the place of a parameter. What stands for arguments of a prepared statement (`$1`) is left.
    pub fn fill(&self, expression: &mut Expr) -> Result<()> {
        let Some((name, place)) = self.named(expression) else { return Ok(()) };
        match self.constants.get(&name) {
            Some(Some(constant)) => {
                let mut constant = constant.clone();
                let _ = visit_expressions_mut(&mut constant, |part| {
                    if let Expr::Value(value) = part {
                        value.span = place;
                    }
                    ControlFlow::<()>::Continue(())
                });
                *expression = constant;
                Ok(())
            }
            Some(None) => {
                let mut error = refused(place, format!("the parameter `{name}` has no value"));
                error.details.insert("helps".into(), json!([format!("give it one: --set {name}=…")]));
                Err(error)
            }
            None => {
                let mut error = refused(place, format!("there is no parameter named `{name}`"));
                error.details.insert("missing_column".into(), json!(name));
                error.details.insert("valid_columns".into(), json!(self.constants.keys().collect::<Vec<_>>()));
                Err(error)
            }
        }
    }

    /// The same in all expressions of a part of a statement.
    pub fn fill_all(&self, part: &mut impl VisitMut) -> Result<()> {
        struct Filling<'a>(&'a Parameters);
        impl VisitorMut for Filling<'_> {
            type Break = BridgeError;
            fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<BridgeError> {
                match self.0.fill(expression) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                }
            }
        }
        match VisitMut::visit(part, &mut Filling(self)) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// A column that is a parameter has its name, not one made of the value.
    pub fn name_column(&self, item: &mut SelectItem) {
        let SelectItem::UnnamedExpr(expression) = item else { return };
        if let Some((name, _)) = self.named(expression) {
            let expr = std::mem::replace(expression, Expr::value(Value::Null));
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
        }
    }
}

fn refused(place: Span, message: String) -> BridgeError {
    let mut error = BridgeError::user("plan_failed", message);
    if place.start.line > 0 {
        error.details.insert("line".into(), json!(place.start.line));
        error.details.insert("column".into(), json!(place.start.column));
    }
    error
}

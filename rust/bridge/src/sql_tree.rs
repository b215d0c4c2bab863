// SPDX-License-Identifier: Apache-2.0
//! Pieces of SQL syntax trees, for `written_sql.rs`.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Query, SetExpr, VisitMut, VisitorMut};

/// Names that stand for a column by its position, and for a subquery by its number.
pub const COLUMN: &str = "__weir_column_";
pub const SUBQUERY: &str = "__weir_subquery_";

/// Puts in the SQL that placeholders stand for.
pub struct Placeholders<'a> {
    pub columns: &'a [ast::Expr],
    pub subqueries: &'a [ast::Expr],
    /// The dialect has no dates: they are texts.
    pub dates_are_texts: bool,
}

impl VisitorMut for Placeholders<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        if self.dates_are_texts {
            cast_dates_as_texts(expr);
        }
        let ast::Expr::Identifier(ident) = &*expr else { return ControlFlow::Continue(()) };
        let at = |prefix: &str| ident.value.strip_prefix(prefix).and_then(|index| index.parse::<usize>().ok());
        if let Some(index) = at(COLUMN) {
            *expr = atom(self.columns[index].clone());
        } else if let Some(index) = at(SUBQUERY) {
            *expr = self.subqueries[index].clone();
        }
        ControlFlow::Continue(())
    }
}

/// A cast to a date is none to a dialect without dates: it would make a number. A literal is one already.
fn cast_dates_as_texts(expr: &mut ast::Expr) {
    let ast::Expr::Cast { expr: inner, data_type, .. } = &*expr else { return };
    let function = match data_type {
        ast::DataType::Date => "date",
        ast::DataType::Timestamp(..) | ast::DataType::Datetime(..) => "datetime",
        _ => return,
    };
    let is_text =
        matches!(inner.as_ref(), ast::Expr::Value(value) if matches!(value.value, ast::Value::SingleQuotedString(_)));
    *expr = if is_text { (**inner).clone() } else { call(function, (**inner).clone()) };
}

fn call(function: &str, argument: ast::Expr) -> ast::Expr {
    let argument = ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(argument));
    ast::Expr::Function(ast::Function {
        name: ast::ObjectName::from(vec![ast::Ident::new(function)]),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

struct FindIdentifier<'a>(&'a str);

impl VisitorMut for FindIdentifier<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        match expr {
            ast::Expr::Identifier(ident) if ident.value == self.0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

pub fn finds_identifier(query: &mut Query, name: &str) -> bool {
    VisitMut::visit(query, &mut FindIdentifier(name)).is_break()
}

pub fn is_column(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::CompoundIdentifier(_))
}

pub fn last_name(expr: &ast::Expr) -> Option<&str> {
    match expr {
        ast::Expr::CompoundIdentifier(parts) => parts.last().map(|part| part.value.as_str()),
        _ => None,
    }
}

/// The names of a SELECT's columns, or of a union's.
pub fn selected_names(body: &SetExpr) -> Option<Vec<String>> {
    match body {
        SetExpr::Select(select) => select
            .projection
            .iter()
            .map(|item| match item {
                ast::SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
                ast::SelectItem::UnnamedExpr(expr) => last_name(expr).map(String::from),
                _ => None,
            })
            .collect(),
        SetExpr::SetOperation { left, .. } => selected_names(left),
        _ => None,
    }
}

pub fn query_of(body: SetExpr, order_by: Vec<ast::OrderByExpr>, limit: Option<usize>, offset: usize) -> Query {
    let order_by = (!order_by.is_empty())
        .then_some(ast::OrderBy { kind: ast::OrderByKind::Expressions(order_by), interpolate: None });
    let limit_clause = (limit.is_some() || offset > 0).then(|| ast::LimitClause::LimitOffset {
        limit: limit.map(number),
        offset: (offset > 0).then(|| ast::Offset { value: number(offset), rows: ast::OffsetRows::None }),
        limit_by: Vec::new(),
    });
    Query {
        with: None,
        body: Box::new(body),
        order_by,
        limit_clause,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

pub fn add_conjunct(conjuncts: &mut Vec<ast::Expr>, conjunct: ast::Expr) {
    // A filter stands in the scan and above it where the scan may let rows through.
    if !conjuncts.contains(&conjunct) {
        conjuncts.push(conjunct);
    }
}

pub fn number(n: usize) -> ast::Expr {
    ast::Expr::Value(ast::Value::Number(n.to_string(), false).with_empty_span())
}

pub fn number_equality(left: usize, right: usize) -> ast::Expr {
    binary(number(left), ast::BinaryOperator::Eq, number(right))
}

pub fn truth() -> ast::Expr {
    number_equality(1, 1)
}

pub fn binary(left: ast::Expr, op: ast::BinaryOperator, right: ast::Expr) -> ast::Expr {
    ast::Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

pub fn and(left: Option<ast::Expr>, right: ast::Expr) -> ast::Expr {
    let right = match right {
        ast::Expr::BinaryOp { op: ast::BinaryOperator::Or, .. } => nested(right),
        other => other,
    };
    match left {
        None => right,
        Some(left) => binary(left, ast::BinaryOperator::And, right),
    }
}

pub fn or(left: ast::Expr, right: ast::Expr) -> ast::Expr {
    binary(left, ast::BinaryOperator::Or, right)
}

pub fn nested(expr: ast::Expr) -> ast::Expr {
    ast::Expr::Nested(Box::new(expr))
}

/// `expr` as it may stand within any other.
pub fn atom(expr: ast::Expr) -> ast::Expr {
    match expr {
        ast::Expr::Identifier(_)
        | ast::Expr::CompoundIdentifier(_)
        | ast::Expr::Value(_)
        | ast::Expr::Nested(_)
        | ast::Expr::Function(_)
        | ast::Expr::Cast { .. }
        | ast::Expr::Subquery(_)
        | ast::Expr::Extract { .. }
        | ast::Expr::Exists { .. } => expr,
        other => nested(other),
    }
}

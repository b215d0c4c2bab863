// SPDX-License-Identifier: Apache-2.0
//! The types of WITH RECURSIVE. The engine casts the recursive term to the types of the first one at every step; where that loses
//! something (0.5 added to an INT) the result is wrong, or the recursion never ends.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::logical_expr::type_coercion::binary::type_union_coercion;
use datafusion::sql::parser::Statement;
use sqlparser::ast::{Cte, Query, SetExpr, SetOperator, VisitorMut};

use super::named_queries::{NamedQueries, relations};
use super::{About, Guard, Means, PartPlanner};
use crate::error::{BridgeError, Result};
use crate::syntax::{folded, visit};

pub struct RecursiveTypes;

impl Guard for RecursiveTypes {
    fn about(&self) -> About {
        About {
            name: "recursive_types",
            version: 1,
            fault: "`WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 0.5 FROM t WHERE x < 3) …` never ends: x stays an INT",
            upstream: "apache/datafusion#9794",
            means: Means::Refusal,
            effect: "a recursive term whose values do not fit the type of the first term is an error that names the CAST to write",
        }
    }

    fn statement(&self, planner: &dyn PartPlanner, statement: &mut Statement) -> Result<()> {
        match visit(statement, &mut Types { queries: NamedQueries::new(planner) }) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}

struct Types<'a> {
    queries: NamedQueries<'a>,
}

impl VisitorMut for Types<'_> {
    type Break = BridgeError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<BridgeError> {
        self.queries.enter(query);
        if let Some(with) = query.with.as_ref().filter(|with| with.recursive) {
            for cte in &with.cte_tables {
                if let Err(error) = self.check(cte) {
                    return ControlFlow::Break(error);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<BridgeError> {
        self.queries.leave(query);
        ControlFlow::Continue(())
    }
}

impl Types<'_> {
    fn check(&self, cte: &Cte) -> Result<()> {
        let SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } = cte.query.body.as_ref() else {
            return Ok(());
        };
        let name = folded(&cte.alias.name);
        let mut first = cte.clone();
        first.query.body = left.clone();
        let mut recursive = first.query.as_ref().clone();
        recursive.body = right.clone();
        if !relations(&recursive).contains(&name) {
            return Ok(());
        }
        // What cannot be planned is reported when the statement is.
        let Ok(first_plan) = self.queries.plan_of(left.as_ref().clone(), &[]) else {
            return Ok(());
        };
        let Ok(recursive_plan) = self.queries.plan_of(right.as_ref().clone(), &[first]) else {
            return Ok(());
        };
        let both = first_plan.schema().fields().iter().zip(recursive_plan.schema().fields());
        for (i, (first, recursive)) in both.enumerate() {
            if holds(first.data_type(), recursive.data_type()) {
                continue;
            }
            let column = cte.alias.columns.get(i).map_or_else(|| first.name().clone(), |column| folded(&column.name));
            let mut error = BridgeError::user(
                "plan_failed",
                format!(
                    "a recursive term of `{name}` whose column `{column}` has the type {} of the first term is wanted, found `{}`",
                    first.data_type(),
                    recursive.data_type()
                ),
            );
            let place = cte.alias.name.span.start;
            if place.line > 0 {
                error.details.insert("line".into(), serde_json::json!(place.line));
                error.details.insert("column".into(), serde_json::json!(place.column));
            }
            let help = format!(
                "CAST the column `{column}` of the first term to a type that holds both, or that of the recursive term"
            );
            error.details.insert("helps".into(), serde_json::json!([help]));
            return Err(error);
        }
        Ok(())
    }
}

/// Whether values of the type `found` become values of the type `wanted` without loss, or an error.
fn holds(wanted: &DataType, found: &DataType) -> bool {
    let is_text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match (wanted, found) {
        (wanted, found) if wanted == found => true,
        (_, DataType::Null) => true,
        (wanted, found) if is_text(wanted) => is_text(found),
        // A whole number that does not fit is an error of the cast.
        (wanted, found) if wanted.is_integer() && found.is_integer() => true,
        (
            DataType::Decimal128(_, wanted) | DataType::Decimal256(_, wanted),
            DataType::Decimal128(_, found) | DataType::Decimal256(_, found),
        ) => wanted >= found,
        (DataType::Decimal128(..) | DataType::Decimal256(..), found) => found.is_integer(),
        (DataType::Timestamp(wanted, _), DataType::Timestamp(found, _)) => wanted >= found,
        (wanted, found) => type_union_coercion(wanted, found).as_ref() == Some(wanted),
    }
}

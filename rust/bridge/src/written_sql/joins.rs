// SPDX-License-Identifier: Apache-2.0
//! Joins: tables beside each other in FROM, or EXISTS where only one side's columns go on.

use datafusion::common::{JoinType, NullEquality};
use datafusion::error::Result;
use datafusion::logical_expr::{Join, Operator, binary_expr};
use sqlparser::ast::{self, TableWithJoins};

use super::blocks::{Block, Stage};
use super::{Writer, names_of, unsupported};
use crate::sql_tree::{and, nested, or, truth};

impl Writer<'_> {
    pub(super) fn join(&mut self, node: &Join) -> Result<Block> {
        let left = self.block(&node.left, None)?;
        let right = self.block(&node.right, None)?;
        let names = names_of(&node.schema);
        let mut left = self.as_tables(left)?;
        let mut right = self.as_tables(right)?;
        match node.join_type {
            JoinType::Inner => {
                if !right.is_single_table() && !left.is_single_table() {
                    right = self.derive(right, None)?;
                }
                let on = self.condition(node, &left, &right)?;
                let columns = [left.columns.clone(), right.columns.clone()].concat();
                if !right.is_single_table() {
                    std::mem::swap(&mut left, &mut right);
                }
                let operator = match on {
                    Some(on) => ast::JoinOperator::Inner(ast::JoinConstraint::On(on)),
                    None => ast::JoinOperator::CrossJoin(ast::JoinConstraint::None),
                };
                let mut joined = attach(left, right.from.take(), operator);
                joined.filter.append(&mut right.filter);
                joined.columns = columns;
                joined.names = names;
                Ok(joined)
            }
            JoinType::Left => self.left_join(node, left, right, names, false),
            JoinType::Right => self.left_join(node, left, right, names, true),
            JoinType::Full => {
                if self.name == "mysql" {
                    return unsupported("FULL JOIN");
                }
                if !left.filter.is_empty() || !left.has_plain_columns() {
                    left = self.derive(left, None)?;
                }
                if !right.filter.is_empty() || !right.has_plain_columns() || !right.is_single_table() {
                    right = self.derive(right, None)?;
                }
                let on = self.condition(node, &left, &right)?.unwrap_or_else(truth);
                let columns = [left.columns.clone(), right.columns.clone()].concat();
                let operator = ast::JoinOperator::FullOuter(ast::JoinConstraint::On(on));
                let mut joined = attach(left, right.from.take(), operator);
                joined.columns = columns;
                joined.names = names;
                Ok(joined)
            }
            JoinType::LeftSemi => {
                let exists = self.exists(node, &left, right, false)?;
                left.filter.push(exists);
                left.names = names;
                Ok(left)
            }
            JoinType::LeftAnti => {
                let exists = self.exists(node, &left, right, true)?;
                left.filter.push(exists);
                left.names = names;
                Ok(left)
            }
            JoinType::RightSemi | JoinType::RightAnti => {
                let negated = node.join_type == JoinType::RightAnti;
                let on = self.condition(node, &left, &right)?;
                let exists = self.exists_of(left, on, negated)?;
                right.filter.push(exists);
                right.names = names;
                Ok(right)
            }
            JoinType::LeftMark => {
                let exists = self.exists(node, &left, right, false)?;
                left.columns.push(exists);
                left.names = names;
                Ok(left)
            }
            JoinType::RightMark => {
                let on = self.condition(node, &left, &right)?;
                let exists = self.exists_of(left, on, false)?;
                right.columns.push(exists);
                right.names = names;
                Ok(right)
            }
        }
    }

    /// Rows of one side are kept; those of the other are NULL where nothing fits. `kept_right`: the right side is kept.
    fn left_join(
        &mut self,
        node: &Join,
        left: Block,
        right: Block,
        names: Vec<String>,
        kept_right: bool,
    ) -> Result<Block> {
        let (mut left, mut right) = (left, right);
        let optional = if kept_right { &mut left } else { &mut right };
        if !optional.is_single_table() || !optional.has_plain_columns() {
            let block = std::mem::replace(optional, Block::new(None, Vec::new(), Vec::new()));
            *optional = self.derive(block, None)?;
        }
        let on = self.condition(node, &left, &right)?;
        let columns = [left.columns.clone(), right.columns.clone()].concat();
        let (kept, mut optional) = if kept_right { (right, left) } else { (left, right) };
        // What holds of the optional side's own rows is asked before they are matched.
        let on = optional.filter.drain(..).fold(on, |on, filter| Some(and(on, filter))).unwrap_or_else(truth);
        let operator = ast::JoinOperator::Left(ast::JoinConstraint::On(on));
        let mut joined = attach(kept, optional.from.take(), operator);
        joined.columns = columns;
        joined.names = names;
        Ok(joined)
    }

    /// A block that can stand in FROM, with WHERE: a table, or several joined.
    pub(super) fn as_tables(&mut self, block: Block) -> Result<Block> {
        if block.stage > Stage::From || block.from.is_none() { self.derive(block, None) } else { Ok(block) }
    }

    fn condition(&mut self, node: &Join, left: &Block, right: &Block) -> Result<Option<ast::Expr>> {
        let schema = node.left.schema().join(node.right.schema())?;
        let columns = [left.columns.clone(), right.columns.clone()].concat();
        let mut on = None;
        for (l, r) in &node.on {
            let operator = match node.null_equality {
                NullEquality::NullEqualsNothing => Operator::Eq,
                NullEquality::NullEqualsNull => Operator::IsNotDistinctFrom,
            };
            let equal = self.expr(&binary_expr(l.clone(), operator, r.clone()), &schema, &columns)?;
            let equal = if node.null_aware {
                // NOT IN: a NULL on either side leaves open whether there is a match.
                let l = self.expr(&l.clone().is_null(), &schema, &columns)?;
                let r = self.expr(&r.clone().is_null(), &schema, &columns)?;
                nested(or(or(equal, l), r))
            } else {
                equal
            };
            on = Some(and(on, equal));
        }
        if let Some(filter) = &node.filter {
            let filter = self.expr(filter, &schema, &columns)?;
            on = Some(and(on, filter));
        }
        Ok(on)
    }

    fn exists(&mut self, node: &Join, outer: &Block, inner: Block, negated: bool) -> Result<ast::Expr> {
        let on = self.condition(node, outer, &inner)?;
        self.exists_of(inner, on, negated)
    }

    fn exists_of(&mut self, mut inner: Block, on: Option<ast::Expr>, negated: bool) -> Result<ast::Expr> {
        inner.filter.extend(on);
        inner.columns.clear();
        inner.names.clear();
        let subquery = Box::new(self.finish(inner)?);
        Ok(ast::Expr::Exists { subquery, negated })
    }
}

fn attach(mut to: Block, table: Option<TableWithJoins>, operator: ast::JoinOperator) -> Block {
    if let (Some(from), Some(table)) = (&mut to.from, table) {
        from.joins.push(ast::Join { relation: table.relation, global: false, join_operator: operator });
    }
    to.windows.clear();
    to
}

// SPDX-License-Identifier: Apache-2.0
//! Which operator binds tighter. The parser gives some operators another rank than PostgreSQL, DuckDB and the standard do, and reads the
//! right side of IS DISTINCT FROM up to its end, AND and OR included. Its trees keep parentheses, so that what stands between them can
//! be taken apart in the order of the text and put together again.

use sqlparser::ast::{BinaryOperator, CastKind, Expr, UnaryOperator};

use datafusion::config::Dialect;

use super::{About, Guard, Means};
use crate::error::Result;

pub struct Precedence;

impl Guard for Precedence {
    fn about(&self) -> About {
        About {
            name: "precedence",
            version: 1,
            fault: "`a IS NOT DISTINCT FROM b AND c` is read as `… FROM (b AND c)`; `||`, bit operators, LIKE, IN, BETWEEN, `~` and `@>` \
                    have the wrong rank beside other operators",
            upstream: "apache/datafusion-sqlparser-rs#2436, apache/datafusion#23692",
            means: Means::Correction,
            effect: "operators bind as in PostgreSQL and DuckDB; in the dialects of MySQL and SQLite as their parsers have it",
        }
    }

    fn operators(&self, expression: &mut Expr, dialect: Dialect) -> Result<()> {
        let ranks = match dialect {
            Dialect::MySQL | Dialect::SQLite => Ranks::OfParser,
            _ => Ranks::Standard,
        };
        if !is_in_order(expression, ranks) {
            let whole = std::mem::replace(expression, nothing());
            *expression = Sequence { parts: in_order_of_text(whole), ranks }.read(0);
        }
        Ok(())
    }
}

fn nothing() -> Expr {
    Expr::Tuple(Vec::new())
}

#[derive(Clone, Copy)]
enum Ranks {
    Standard,
    OfParser,
}

const OR: u8 = 10;
const XOR: u8 = 15;
const AND: u8 = 20;
const NOT: u8 = 30;
const IS: u8 = 40;
const COMPARISON: u8 = 50;
const MATCH: u8 = 60;
const OTHER: u8 = 70;
const SUM: u8 = 80;
const PRODUCT: u8 = 90;
const POWER: u8 = 100;
const TIME_ZONE: u8 = 110;
const COLLATION: u8 = 120;
const SIGN: u8 = 130;
const CAST: u8 = 140;

impl Ranks {
    fn of(self, op: &BinaryOperator) -> u8 {
        use BinaryOperator::*;
        let standard = match op {
            Or => OR,
            Xor => XOR,
            And => AND,
            Gt | Lt | GtEq | LtEq | Spaceship | Eq | NotEq | Assignment => COMPARISON,
            Overlaps => MATCH,
            Match | Regexp => MATCH,
            Plus | Minus => SUM,
            Multiply | Divide | Modulo | DuckIntegerDivide | MyIntegerDivide => PRODUCT,
            PGExp => POWER,
            _ => OTHER,
        };
        match self {
            Ranks::Standard => standard,
            // Bit operators apart, between comparisons and sums, and `||` among the products.
            Ranks::OfParser => match op {
                BitwiseOr => OTHER + 1,
                BitwiseXor | PGBitwiseXor | PGBitwiseShiftLeft | PGBitwiseShiftRight => OTHER + 2,
                BitwiseAnd => OTHER + 3,
                StringConcat => PRODUCT,
                PGRegexMatch | PGRegexIMatch | PGRegexNotMatch | PGRegexNotIMatch | PGLikeMatch | PGILikeMatch
                | PGNotLikeMatch | PGNotILikeMatch => COMPARISON,
                _ => standard,
            },
        }
    }

    /// Of LIKE and its like.
    fn of_match(self) -> u8 {
        match self {
            Ranks::Standard => MATCH,
            Ranks::OfParser => COMPARISON - 5,
        }
    }

    /// Of IN and BETWEEN.
    fn of_range(self) -> u8 {
        match self {
            Ranks::Standard => MATCH,
            Ranks::OfParser => COMPARISON,
        }
    }

    fn of_prefix(self, op: &UnaryOperator) -> Option<u8> {
        match op {
            UnaryOperator::Not => Some(NOT),
            UnaryOperator::Plus | UnaryOperator::Minus => Some(SIGN),
            UnaryOperator::PGPostfixFactorial => None,
            // Below products, above sums, as the parser has them.
            _ => Some(SUM + 5),
        }
    }
}

/// How an expression takes operands without parentheses.
enum Shape<'a> {
    /// Operands on both sides.
    Infix(&'a Expr, u8, &'a Expr),
    /// One on the right.
    Prefix(u8, &'a Expr),
    /// One on the left.
    Postfix(&'a Expr, u8),
    /// NOT EXISTS is one node of the tree and two words.
    NotExists,
    Closed,
}

fn shape(expression: &Expr, ranks: Ranks) -> Shape<'_> {
    match expression {
        Expr::BinaryOp { left, op, right } => Shape::Infix(left, ranks.of(op), right),
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => Shape::Infix(left, IS, right),
        Expr::Like { expr, pattern, escape_char, .. }
        | Expr::ILike { expr, pattern, escape_char, .. }
        | Expr::SimilarTo { expr, pattern, escape_char, .. } => match escape_char {
            None => Shape::Infix(expr, ranks.of_match(), pattern),
            // ESCAPE ends the pattern.
            Some(_) => Shape::Postfix(expr, ranks.of_match()),
        },
        Expr::RLike { expr, pattern, .. } => Shape::Infix(expr, ranks.of_match(), pattern),
        // AND ends the lower bound.
        Expr::Between { expr, high, .. } => Shape::Infix(expr, ranks.of_range(), high),
        Expr::AtTimeZone { timestamp, time_zone } => Shape::Infix(timestamp, TIME_ZONE, time_zone),
        Expr::UnaryOp { op, expr } => match ranks.of_prefix(op) {
            Some(rank) => Shape::Prefix(rank, expr),
            None => Shape::Postfix(expr, CAST),
        },
        Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsUnknown(expr)
        | Expr::IsNotUnknown(expr)
        | Expr::IsNormalized { expr, .. } => Shape::Postfix(expr, IS),
        Expr::InList { expr, .. } | Expr::InSubquery { expr, .. } | Expr::InUnnest { expr, .. } => {
            Shape::Postfix(expr, ranks.of_range())
        }
        Expr::AnyOp { left, compare_op, .. } | Expr::AllOp { left, compare_op, .. } => {
            Shape::Postfix(left, ranks.of(compare_op))
        }
        Expr::Cast { kind: CastKind::DoubleColon, expr, .. } => Shape::Postfix(expr, CAST),
        Expr::Collate { expr, .. } => Shape::Postfix(expr, COLLATION),
        Expr::Exists { negated: true, .. } => Shape::NotExists,
        _ => Shape::Closed,
    }
}

/// Whether an expression binds as it should, its operands being right.
fn is_in_order(expression: &Expr, ranks: Ranks) -> bool {
    match shape(expression, ranks) {
        Shape::Infix(left, rank, right) => ends_above(left, rank, ranks) && begins_above(right, rank, ranks),
        Shape::Prefix(rank, right) => begins_above(right, rank, ranks),
        Shape::Postfix(left, rank) => ends_above(left, rank, ranks),
        Shape::NotExists | Shape::Closed => true,
    }
}

/// Whether no operator that is open on the right edge of a left operand is below `rank`.
fn ends_above(operand: &Expr, rank: u8, ranks: Ranks) -> bool {
    let mut operand = operand;
    loop {
        match shape(operand, ranks) {
            Shape::Infix(_, inner, right) | Shape::Prefix(inner, right) if inner >= rank => operand = right,
            Shape::Infix(..) | Shape::Prefix(..) => return false,
            Shape::NotExists => return NOT >= rank,
            Shape::Postfix(..) | Shape::Closed => return true,
        }
    }
}

/// Whether all operators that are open on the left edge of a right operand are above `rank`.
fn begins_above(operand: &Expr, rank: u8, ranks: Ranks) -> bool {
    let mut operand = operand;
    loop {
        match shape(operand, ranks) {
            Shape::Infix(left, inner, _) | Shape::Postfix(left, inner) if inner > rank => operand = left,
            Shape::Infix(..) | Shape::Postfix(..) => return false,
            Shape::Prefix(..) | Shape::NotExists | Shape::Closed => return true,
        }
    }
}

/// A part of the text: a closed operand, or an operator, as a node without its open operands.
enum Part {
    Operand(Expr),
    Prefix(Expr),
    Infix(Expr),
    Postfix(Expr),
}

fn take(operand: &mut Box<Expr>) -> Expr {
    std::mem::replace(operand.as_mut(), nothing())
}

/// The places of the open operands of a node: left, right.
fn open_operands(expression: &mut Expr) -> (Option<&mut Box<Expr>>, Option<&mut Box<Expr>>) {
    match expression {
        Expr::BinaryOp { left, right, .. } => (Some(left), Some(right)),
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => (Some(left), Some(right)),
        Expr::Like { expr, pattern, escape_char: None, .. }
        | Expr::ILike { expr, pattern, escape_char: None, .. }
        | Expr::SimilarTo { expr, pattern, escape_char: None, .. }
        | Expr::RLike { expr, pattern, .. } => (Some(expr), Some(pattern)),
        Expr::Between { expr, high, .. } => (Some(expr), Some(high)),
        Expr::AtTimeZone { timestamp, time_zone } => (Some(timestamp), Some(time_zone)),
        Expr::UnaryOp { op: UnaryOperator::PGPostfixFactorial, expr } => (Some(expr), None),
        Expr::UnaryOp { expr, .. } => (None, Some(expr)),
        Expr::Like { expr, .. }
        | Expr::ILike { expr, .. }
        | Expr::SimilarTo { expr, .. }
        | Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsUnknown(expr)
        | Expr::IsNotUnknown(expr)
        | Expr::IsNormalized { expr, .. }
        | Expr::InList { expr, .. }
        | Expr::InSubquery { expr, .. }
        | Expr::InUnnest { expr, .. }
        | Expr::Cast { kind: CastKind::DoubleColon, expr, .. }
        | Expr::Collate { expr, .. } => (Some(expr), None),
        Expr::AnyOp { left, .. } | Expr::AllOp { left, .. } => (Some(left), None),
        _ => (None, None),
    }
}

/// Without recursion: chains of operators are long.
fn in_order_of_text(expression: Expr) -> Vec<Part> {
    enum Task {
        Split(Expr),
        Put(Part),
    }
    let mut parts = Vec::new();
    let mut tasks = vec![Task::Split(expression)];
    while let Some(task) = tasks.pop() {
        let mut node = match task {
            Task::Put(part) => {
                parts.push(part);
                continue;
            }
            Task::Split(node) => node,
        };
        if let Expr::Exists { negated, .. } = &mut node
            && *negated
        {
            *negated = false;
            let not = Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(nothing()) };
            tasks.extend([Task::Put(Part::Operand(node)), Task::Put(Part::Prefix(not))]);
            continue;
        }
        let (left, right) = open_operands(&mut node);
        match (left.map(take), right.map(take)) {
            (Some(left), Some(right)) => {
                tasks.extend([Task::Split(right), Task::Put(Part::Infix(node)), Task::Split(left)]);
            }
            (Some(left), None) => tasks.extend([Task::Put(Part::Postfix(node)), Task::Split(left)]),
            (None, Some(right)) => tasks.extend([Task::Split(right), Task::Put(Part::Prefix(node))]),
            (None, None) => parts.push(Part::Operand(node)),
        }
    }
    parts.reverse();
    parts
}

/// Parts of the text, the first at the end.
struct Sequence {
    parts: Vec<Part>,
    ranks: Ranks,
}

impl Sequence {
    fn rank(&self, node: &Expr) -> u8 {
        match shape(node, self.ranks) {
            Shape::Infix(_, rank, _) | Shape::Prefix(rank, _) | Shape::Postfix(_, rank) => rank,
            Shape::NotExists | Shape::Closed => u8::MAX,
        }
    }

    /// Reads operands and operators above `rank`.
    fn read(&mut self, rank: u8) -> Expr {
        let mut read = match self.parts.pop() {
            Some(Part::Prefix(mut node)) => {
                let is_not = matches!(node, Expr::UnaryOp { op: UnaryOperator::Not, .. });
                match self.read(self.rank(&node)) {
                    Expr::Exists { subquery, negated: false } if is_not => Expr::Exists { subquery, negated: true },
                    operand => {
                        if let (_, Some(place)) = open_operands(&mut node) {
                            **place = operand;
                        }
                        node
                    }
                }
            }
            Some(Part::Operand(node) | Part::Infix(node) | Part::Postfix(node)) => node,
            None => nothing(),
        };
        loop {
            let inner = match self.parts.last() {
                Some(Part::Infix(node) | Part::Postfix(node)) => self.rank(node),
                _ => return read,
            };
            if inner <= rank {
                return read;
            }
            let (mut node, is_infix) = match self.parts.pop() {
                Some(Part::Infix(node)) => (node, true),
                Some(Part::Postfix(node)) => (node, false),
                _ => return read,
            };
            let right = is_infix.then(|| self.read(inner));
            let (left_place, right_place) = open_operands(&mut node);
            if let Some(place) = left_place {
                **place = read;
            }
            if let (Some(place), Some(right)) = (right_place, right) {
                **place = right;
            }
            read = node;
        }
    }
}

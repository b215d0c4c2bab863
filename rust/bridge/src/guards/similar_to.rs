// SPDX-License-Identifier: Apache-2.0
//! SIMILAR TO: the engine takes its pattern for a regular expression that may match anywhere. The pattern of the standard becomes one
//! that means the same: it covers the whole text, `%` and `_` are wild, and `.`, `^`, `$` stand for themselves.

use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::logical_expr::expr::Like;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr as PlanExpr, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;
use sqlparser::ast::{BinaryOperator, Expr, Value};
use std::sync::Arc;

use super::{About, AnalyzerRules, Guard, Means};
use crate::error::{BridgeError, Result};

pub struct SimilarTo;

impl Guard for SimilarTo {
    fn about(&self) -> About {
        About {
            name: "similar_to",
            version: 1,
            fault: "`'xabcx' SIMILAR TO 'abc'` is true and `'abc' SIMILAR TO 'a%'` false: the pattern is taken for a regular expression",
            upstream: "apache/datafusion#22263",
            means: Means::Correction,
            effect: "the pattern means what the standard says, ESCAPE included; a pattern that is no text literal is refused",
        }
    }

    fn expression(&self, expression: &mut Expr) -> Result<()> {
        let Expr::SimilarTo { negated, expr, pattern, escape_char } = expression else {
            return Ok(());
        };
        let escape = match escape_char.as_ref().map(|escape| &escape.value) {
            None => Some('\\'),
            Some(Value::SingleQuotedString(text)) => escape_of(text)?,
            Some(other) => {
                return Err(refused(format!("one character as ESCAPE of SIMILAR TO is wanted, found `{other}`")));
            }
        };
        let regex = match pattern.as_mut() {
            Expr::Value(literal) => match &mut literal.value {
                Value::SingleQuotedString(text) => {
                    *text = regex_of(text, escape)?;
                    pattern.clone()
                }
                Value::Null => pattern.clone(),
                other => return Err(no_literal(&other.to_string())),
            },
            other => return Err(no_literal(&other.to_string())),
        };
        let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
        let matched = Expr::BinaryOp { left: expr.clone(), op, right: regex };
        *expression = Expr::Nested(Box::new(matched));
        Ok(())
    }

    fn analyzer_rules(&self, rules: &mut AnalyzerRules) {
        rules.insert(0, Arc::new(SimilarToOfPlans));
    }
}

fn refused(message: String) -> BridgeError {
    BridgeError::user("unsupported", message)
}

fn no_literal(found: &str) -> BridgeError {
    let mut error = refused(format!("a text literal as the pattern of SIMILAR TO is wanted, found `{found}`"));
    error.details.insert("helps".into(), serde_json::json!(["match with `~` and a regular expression"]));
    error
}

fn escape_of(text: &str) -> Result<Option<char>> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (first, None) => Ok(first),
        _ => Err(refused(format!("one character as ESCAPE of SIMILAR TO is wanted, found `{text}`"))),
    }
}

/// The regular expression that matches the whole of what is similar to `pattern`.
fn regex_of(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut regex = String::from("^(?s:");
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            escaping if Some(escaping) == escape => match characters.next() {
                Some(literal) => push_literal(&mut regex, literal),
                None => {
                    return Err(refused(format!("a character after the escape at the end of `{pattern}` is wanted")));
                }
            },
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '(' => regex.push_str("(?:"),
            '|' | '*' | '+' | '?' | ')' | '{' | '}' => regex.push(character),
            '[' => push_set(&mut regex, &mut characters, escape, pattern)?,
            literal => push_literal(&mut regex, literal),
        }
    }
    regex.push_str(")$");
    Ok(regex)
}

fn push_literal(regex: &mut String, literal: char) {
    if "\\.+*?()|[]{}^$#&-~".contains(literal) {
        regex.push('\\');
    }
    regex.push(literal);
}

/// `[…]` up to its end, with names of classes such as `[:alpha:]`.
fn push_set(
    regex: &mut String,
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    escape: Option<char>,
    pattern: &str,
) -> Result<()> {
    regex.push('[');
    if characters.next_if_eq(&'^').is_some() {
        regex.push('^');
    }
    let mut is_first = true;
    while let Some(character) = characters.next() {
        match character {
            ']' if !is_first => {
                regex.push(']');
                return Ok(());
            }
            escaping if Some(escaping) == escape => match characters.next() {
                Some(literal) => push_literal(regex, literal),
                None => break,
            },
            '[' if characters.peek() == Some(&':') => {
                regex.push('[');
                for inner in characters.by_ref() {
                    regex.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '-' => regex.push('-'),
            literal => push_literal(regex, literal),
        }
        is_first = false;
    }
    Err(refused(format!("`]` behind each `[` of a pattern of SIMILAR TO is wanted, found `{pattern}`")))
}

/// SIMILAR TO in plans that were not made from SQL.
#[derive(Debug)]
struct SimilarToOfPlans;

impl AnalyzerRule for SimilarToOfPlans {
    fn name(&self) -> &str {
        "similar_to"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> EngineResult<LogicalPlan> {
        let mut found = false;
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expression| {
                found |= expression.exists(|part| Ok(matches!(part, PlanExpr::SimilarTo(_))))?;
                Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
            })
        })?;
        if !found {
            return Ok(plan);
        }
        let corrected = plan.transform_up_with_subqueries(|node| {
            let names = NamePreserver::new(&node);
            node.map_expressions(|expression| {
                let name = names.save(&expression);
                Ok(expression.transform_up(corrected)?.update_data(|expression| name.restore(expression)))
            })
        })?;
        Ok(corrected.data)
    }
}

fn corrected(expression: PlanExpr) -> EngineResult<Transformed<PlanExpr>> {
    let PlanExpr::SimilarTo(Like { negated, expr, pattern, escape_char, .. }) = expression else {
        return Ok(Transformed::no(expression));
    };
    let outside = |error: BridgeError| DataFusionError::External(Box::new(error));
    let PlanExpr::Literal(value, metadata) = *pattern else {
        return Err(outside(no_literal(&pattern.to_string())));
    };
    let value = match value.try_as_str() {
        Some(Some(text)) => {
            ScalarValue::Utf8(Some(regex_of(text, Some(escape_char.unwrap_or('\\'))).map_err(outside)?))
        }
        _ => value,
    };
    let op = if negated { Operator::RegexNotMatch } else { Operator::RegexMatch };
    let regex = PlanExpr::Literal(value, metadata);
    Ok(Transformed::yes(PlanExpr::BinaryExpr(BinaryExpr::new(expr, op, Box::new(regex)))))
}

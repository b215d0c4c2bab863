// SPDX-License-Identifier: Apache-2.0
//! The error envelope. Every failure crosses as the JSON object
//! `{"code", "blame", "message", "causes": […], "line", "column", "missing_column", "valid_columns": […]}`:
//! `code` is one of the names of C++' `StatusCode`, `blame` is "user", "environment" or "bug", `line`/`column` (from 1) locate the
//! fault in the SQL text that was passed in, `causes` are the nested errors' texts, outermost first. Absent keys are unknown.

use std::error::Error as StdError;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use deltalake_core::DeltaTableError;
use serde_json::{Map, Value, json};

use crate::contained::panic_text;

#[derive(Clone, Default)]
pub struct BridgeError {
    pub code: &'static str,
    pub blame: &'static str,
    pub message: String,
    pub details: Map<String, Value>,
}

impl BridgeError {
    pub fn new(code: &'static str, blame: &'static str, message: impl Into<String>) -> Self {
        Self { code, blame, message: message.into(), details: Map::new() }
    }
    pub fn user(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, "user", message)
    }
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new("internal", "bug", message)
    }
    pub fn cancelled() -> Self {
        Self::new("cancelled", "user", "cancelled")
    }
}

impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut envelope = self.details.clone();
        if let Some(Value::Array(causes)) = envelope.get_mut("causes") {
            for cause in causes.iter_mut() {
                *cause = json!(without_backtrace(cause.as_str().unwrap_or_default()));
            }
        }
        envelope.insert("code".into(), json!(self.code));
        envelope.insert("blame".into(), json!(self.blame));
        envelope.insert("message".into(), json!(without_backtrace(&self.message)));
        write!(f, "{}", Value::Object(envelope))
    }
}

/// The same text: where others write only what they can debug, the envelope is found again.
impl fmt::Debug for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where RUST_BACKTRACE is set, libraries write the frames of the stack into their messages, wherever one nests in another.
fn without_backtrace(text: &str) -> &str {
    let is_frame = |line: &str| {
        let line = line.trim_start();
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        number.len() < line.len() && number.starts_with(": ")
            || line.starts_with("backtrace: ")
            || line == "stack backtrace:"
            || line == "disabled backtrace"
    };
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if end > 0 && is_frame(line.trim_end()) {
            return text[..end].trim_end();
        }
        end += line.len();
    }
    text
}

/// Of a message of several lines the first; the parser of patterns draws the pattern between its first and its last.
fn first_line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    match text.lines().last() {
        Some(last) if first.ends_with("regex parse error:") => {
            format!("{first} {}", last.trim_start_matches("error: "))
        }
        _ => first.to_string(),
    }
}

/// Filters that are evaluated inside the Parquet reader leave nothing of their failure but its debug text.
fn of_filter(text: &str) -> Option<BridgeError> {
    let (_, failure) = text.split_once("Error evaluating filter predicate: ")?;
    if let Some(start) = failure.find("{\"") {
        let envelope = serde_json::Deserializer::from_str(&failure[start..]).into_iter::<Map<String, Value>>().next();
        if let Some(Ok(envelope)) = envelope {
            let message = envelope.get("message").and_then(Value::as_str).unwrap_or_default();
            let is_overflow = envelope.get("code").and_then(Value::as_str) == Some("overflow");
            let mut error = BridgeError::user(if is_overflow { "overflow" } else { "invalid_argument" }, message);
            if let Some(helps) = envelope.get("helps") {
                error.details.insert("helps".into(), helps.clone());
            }
            return Some(error);
        }
    }
    if failure.starts_with("Internal(") {
        return Some(BridgeError::bug(failure));
    }
    if failure.starts_with("ResourcesExhausted(") {
        return Some(BridgeError::new("out_of_memory", "environment", debugged_text(failure)));
    }
    let message = if failure.contains("DivideByZero") { "Divide by zero error".into() } else { debugged_text(failure) };
    Some(BridgeError::user("invalid_argument", message))
}

/// The innermost text in a value that was written for debugging: of `ArrowError(CastError("…"), Some(""))` the one in quotes.
fn debugged_text(value: &str) -> String {
    let mut innermost = String::new();
    let mut rest = value;
    while let Some(start) = rest.find('"') {
        let mut text = String::new();
        let mut characters = rest[start + 1..].char_indices();
        let mut end = rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    end = start + 1 + at + 1;
                    break;
                }
                '\\' => text.extend(characters.next().map(|(_, escaped)| if escaped == 'n' { ' ' } else { escaped })),
                other => text.push(other),
            }
        }
        if !text.is_empty() {
            innermost = text;
        }
        rest = &rest[end..];
    }
    if innermost.is_empty() { value.to_string() } else { innermost }
}

impl StdError for BridgeError {}

pub type Result<T> = std::result::Result<T, BridgeError>;

/// Runs one bridge entry; a panic becomes an error with blame "bug".
pub fn entry<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(panic) => Err(BridgeError::bug(format!("the engine panicked: {}", panic_text(panic.as_ref())))),
    }
}

pub fn io_kind(error: &(dyn StdError + 'static)) -> Option<(&'static str, String)> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(io) = current.downcast_ref::<std::io::Error>() {
            // Writers hide the failure of a store inside one of their own.
            if let Some(found) = io.get_ref().and_then(|inner| io_kind(inner)) {
                return Some(found);
            }
            let code = match io.kind() {
                std::io::ErrorKind::NotFound => "not_found",
                std::io::ErrorKind::PermissionDenied => "permission",
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "out_of_space",
                std::io::ErrorKind::OutOfMemory => "out_of_memory",
                _ => "io",
            };
            return Some((code, io.to_string()));
        }
        next = current.source();
    }
    None
}

fn causes(error: &(dyn StdError + 'static)) -> Vec<Value> {
    let mut texts: Vec<Value> = Vec::new();
    let mut next = error.source();
    while let Some(current) = next {
        let text = Value::String(current.to_string());
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = current.source();
    }
    texts
}

impl BridgeError {
    pub fn of_store(error: &object_store::Error) -> Self {
        let code = match error {
            object_store::Error::NotFound { .. } => "not_found",
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => "already_exists",
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => "permission",
            _ => io_kind(error).map_or("io", |(code, _)| code),
        };
        let mut result = Self::new(code, "environment", error.to_string());
        result.details.insert("causes".into(), Value::Array(causes(error)));
        result
    }
}

impl From<object_store::Error> for BridgeError {
    fn from(error: object_store::Error) -> Self {
        Self::of_store(&error)
    }
}

impl From<DeltaTableError> for BridgeError {
    fn from(error: DeltaTableError) -> Self {
        let text = error.to_string();
        let lower = text.to_lowercase();
        let (code, blame) = match &error {
            DeltaTableError::NotATable(_) => ("not_found", "user"),
            DeltaTableError::InvalidVersion(_) => ("not_found", "user"),
            DeltaTableError::InvalidJsonLog { .. } | DeltaTableError::InvalidStatsJson { .. } => {
                ("corrupt", "environment")
            }
            DeltaTableError::VersionAlreadyExists(_) => ("already_exists", "environment"),
            _ if lower.contains("unsupported") || lower.contains("not supported") || lower.contains("feature") => {
                ("unsupported", "environment")
            }
            _ if lower.contains("not found") || lower.contains("no such file") => ("not_found", "environment"),
            _ => io_kind(&error).map_or(("corrupt", "environment"), |(code, _)| (code, "environment")),
        };
        let mut result = Self::new(code, blame, text);
        result.details.insert("causes".into(), Value::Array(causes(&error)));
        result
    }
}

fn position_in_text(text: &str) -> Option<(u64, u64)> {
    // sqlparser ends its messages with "at Line: 3, Column: 5".
    let line_at = text.rfind("Line: ")?;
    let rest = &text[line_at + 6..];
    let line: u64 = rest[..rest.find(',')?].trim().parse().ok()?;
    let column_at = rest.find("Column: ")?;
    let digits: String = rest[column_at + 8..].chars().take_while(|c| c.is_ascii_digit()).collect();
    Some((line, digits.parse().ok()?))
}

impl From<DataFusionError> for BridgeError {
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        // An error of ours that travelled through the engine keeps its own code.
        if let DataFusionError::External(inner) = root {
            if let Some(own) = inner.downcast_ref::<BridgeError>() {
                return own.clone();
            }
            if let Some(delta) = inner.downcast_ref::<DeltaTableError>() {
                let mut result = Self::new("corrupt", "environment", delta.to_string());
                result.details.insert("causes".into(), Value::Array(causes(delta)));
                return result;
            }
        }
        let text = root.strip_backtrace();
        if let Some(of_filter) = of_filter(&text) {
            return of_filter;
        }
        let io = io_kind(root);
        let (code, blame) = match root {
            DataFusionError::Plan(_) | DataFusionError::SchemaError(..) | DataFusionError::SQL(..) => {
                ("plan_failed", "user")
            }
            DataFusionError::NotImplemented(_) => ("unsupported", "user"),
            DataFusionError::Configuration(_) => ("invalid_argument", "user"),
            DataFusionError::ResourcesExhausted(_) => ("out_of_memory", "environment"),
            DataFusionError::Internal(_) => ("internal", "bug"),
            DataFusionError::ObjectStore(inner) => (Self::from_object_store_kind(inner).unwrap_or("io"), "environment"),
            DataFusionError::IoError(_) => (io.as_ref().map_or("io", |(code, _)| code), "environment"),
            DataFusionError::ParquetError(_) => (io.as_ref().map_or("corrupt", |(code, _)| code), "environment"),
            _ => io.as_ref().map_or(("invalid_argument", "user"), |(code, _)| (*code, "environment")),
        };
        let message = match error.diagnostic() {
            Some(diagnostic) => {
                let mut text = diagnostic.message.clone();
                for note in &diagnostic.notes {
                    text.push_str("; ");
                    text.push_str(&note.message);
                }
                text
            }
            None => first_line(&text),
        };
        let mut result = Self::new(code, blame, message);
        let details = &mut result.details;
        details.insert("causes".into(), json!([error.strip_backtrace()]));
        if let Some(span) = error.diagnostic().and_then(|d| d.span) {
            details.insert("line".into(), json!(span.start.line));
            details.insert("column".into(), json!(span.start.column));
        } else if let Some((line, column)) = position_in_text(&text) {
            details.insert("line".into(), json!(line));
            details.insert("column".into(), json!(column));
        }
        if let DataFusionError::SchemaError(schema, _) = root
            && let SchemaError::FieldNotFound { field, valid_fields } = schema.as_ref()
        {
            details.insert("missing_column".into(), json!(field.name));
            details.insert("valid_columns".into(), valid_fields.iter().map(|c| json!(c.name)).collect());
        }
        if let Some(diagnostic) = error.diagnostic() {
            details.insert("helps".into(), diagnostic.helps.iter().map(|h| json!(h.message)).collect());
        }
        result
    }
}

impl BridgeError {
    fn from_object_store_kind(error: &object_store::Error) -> Option<&'static str> {
        match error {
            object_store::Error::NotFound { .. } => Some("not_found"),
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Some("permission")
            }
            other => io_kind(other).map(|(code, _)| code),
        }
    }
}

impl From<arrow::error::ArrowError> for BridgeError {
    fn from(error: arrow::error::ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}

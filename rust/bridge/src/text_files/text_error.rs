// SPDX-License-Identifier: Apache-2.0
//! What is said of a text file that cannot be read.

use datafusion::error::DataFusionError;
use object_store::path::Path;
use serde_json::json;

use crate::error::BridgeError;
use crate::named_source::file_name;

/// What users can do about a value that is none of its column's type.
const MEND_VALUE: &str = "mend the value, or declare the column as VARCHAR";
const MEND_CSV_VALUE: &str =
    "mend the value, declare the column as VARCHAR, or name the text that stands for NULL: 'null_value' '…'";

/// The file that is read, as users know it.
#[derive(Debug, Clone)]
pub struct TextFile {
    name: String,
}

/// A fault in one record.
#[derive(Debug)]
pub struct BadRecord {
    /// From 1; unknown where only a part of the file was read.
    pub line: Option<u64>,
    pub column: Option<String>,
    /// "…is wanted, found `…`".
    pub what: String,
    pub help: &'static str,
}

impl TextFile {
    pub fn new(store_url: &str, path: &Path) -> Self {
        Self { name: file_name(store_url, path) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The failure of one record, with its place.
    pub fn explain(&self, bad: BadRecord) -> DataFusionError {
        let line = bad.line.map_or(String::new(), |line| format!(", line {line}"));
        let column = bad.column.map_or(String::new(), |column| format!(", column `{column}`"));
        self.fail(format!("the file `{}`{line}{column}: {}", self.name, bad.what), bad.help)
    }

    /// A failure that is about the file as a whole.
    pub fn explain_whole(&self, what: &str, help: &str) -> DataFusionError {
        self.fail(format!("the file `{}`: {what}", self.name), help)
    }

    fn fail(&self, message: String, help: &str) -> DataFusionError {
        let mut error = BridgeError::user("invalid_argument", message);
        if !help.is_empty() {
            error.details.insert("helps".into(), json!([help]));
        }
        DataFusionError::External(Box::new(error))
    }
}

impl BadRecord {
    pub fn value(line: Option<u64>, column: &str, wanted: &str, found: &str, is_csv: bool) -> Self {
        Self {
            line,
            column: Some(column.into()),
            what: format!("a value of the type {wanted} is wanted, found `{}`", shortened(found)),
            help: if is_csv { MEND_CSV_VALUE } else { MEND_VALUE },
        }
    }

    pub fn missing(line: Option<u64>, column: &str) -> Self {
        Self {
            line,
            column: Some(column.into()),
            what: "a value is wanted, since the column is NOT NULL, found `NULL`".into(),
            help: "mend the record, or declare the column without NOT NULL",
        }
    }
}

/// A text that fits in a message.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        None => text.to_string(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

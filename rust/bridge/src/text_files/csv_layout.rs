// SPDX-License-Identifier: Apache-2.0
//! Which field of a CSV file holds which column: by the names in its header, else by place.

/// Of each column of the table, the field that holds it; none where short files are right and this one has not got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub fields: Vec<Option<usize>>,
    /// Fields a record.
    pub width: usize,
    /// The header names none of the columns elsewhere than in their places, but not all of them.
    pub is_by_place: bool,
}

/// What the columns of a table are to the files.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    pub columns: &'a [&'a str],
    /// The columns are the user's, whose names may differ from those in the files; others were found in the files.
    pub is_declared: bool,
    /// Files and records may lack columns.
    pub are_short_allowed: bool,
}

/// A fault of a header, and what to do about it.
pub type Misfit = (String, &'static str);

const MEND_HEADER: &str = "mend the header, or declare the columns with the names that stand in it";

/// The layout of files without a header.
pub fn by_place(count: usize) -> Layout {
    Layout { fields: (0..count).map(Some).collect(), width: count, is_by_place: true }
}

pub fn by_header(header: &[String], expected: Expectation) -> Result<Layout, Misfit> {
    let columns = expected.columns;
    let fields: Vec<Option<usize>> = columns.iter().map(|column| find(header, column)).collect();
    let mut taken: Vec<usize> = fields.iter().flatten().copied().collect();
    taken.sort_unstable();
    taken.dedup();
    let is_complete = taken.len() == columns.len();
    if is_complete {
        let extra = (0..header.len()).find(|at| taken.binary_search(at).is_err());
        return match extra {
            Some(extra) if !expected.is_declared => Err((
                format!(
                    "the columns of the files before it are wanted, found one more in its header: `{}`",
                    header[extra]
                ),
                "give all files the same columns, or declare the columns in the source's statement",
            )),
            _ => Ok(Layout { fields, width: header.len(), is_by_place: false }),
        };
    }
    let missing = columns.iter().zip(&fields).find(|(_, field)| field.is_none()).map_or("", |(name, _)| name);
    if !expected.is_declared {
        if expected.are_short_allowed && taken.len() == header.len() {
            return Ok(Layout { fields, width: header.len(), is_by_place: false });
        }
        return Err((
            format!("the column `{missing}` is wanted in its header, found `{}`", header.join(", ")),
            "give all files the same columns, or declare the columns in the source's statement",
        ));
    }
    let is_elsewhere = fields.iter().enumerate().any(|(place, field)| field.is_some_and(|at| at != place));
    if expected.are_short_allowed && header.len() < columns.len() && (is_elsewhere || taken.len() == header.len()) {
        return Ok(Layout { fields, width: header.len(), is_by_place: false });
    }
    if is_elsewhere {
        return Err((
            format!(
                "the header names columns in other places than the source, and has no `{missing}`: found `{}`",
                header.join(", ")
            ),
            MEND_HEADER,
        ));
    }
    if header.len() != columns.len() && !(expected.are_short_allowed && header.len() < columns.len()) {
        return Err((
            format!(
                "{} columns are wanted in its header, found {}: `{}`",
                columns.len(),
                header.len(),
                header.join(", ")
            ),
            MEND_HEADER,
        ));
    }
    let fields = (0..columns.len()).map(|place| (place < header.len()).then_some(place)).collect();
    Ok(Layout { fields, width: header.len(), is_by_place: true })
}

/// Says whether two files whose columns go by place have the same columns there.
pub fn have_same_columns(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| folded(a) == folded(b))
}

/// The one field of that name: as it is written, else without regard to case.
fn find(header: &[String], column: &str) -> Option<usize> {
    let only = |matches: &dyn Fn(&str) -> bool| {
        let mut found = header.iter().enumerate().filter(|(_, name)| matches(name.trim())).map(|(at, _)| at);
        match (found.next(), found.next()) {
            (Some(at), None) => Some(at),
            _ => None,
        }
    };
    only(&|name| name == column.trim()).or_else(|| only(&|name| folded(name) == folded(column)))
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

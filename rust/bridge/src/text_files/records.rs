// SPDX-License-Identifier: Apache-2.0
//! Splits the bytes of a CSV file into records and fields, and knows the line of each.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use datafusion::common::config::CsvOptions;

use super::text_error::BadRecord;

/// The least room for the fields of records that are still to come.
const DATA_ROOM: usize = 1024;
const ENDS_ROOM: usize = 64;

/// The records of one batch.
pub struct Records {
    core: Reader,
    /// Fields a record; unknown until something says so.
    wanted: Option<usize>,
    are_short_allowed: bool,
    terminator: u8,
    knows_lines: bool,
    /// The fields' bytes, one after the other.
    data: Vec<u8>,
    data_len: usize,
    /// Where fields end in `data`.
    ends: Vec<usize>,
    ends_len: usize,
    /// Of the record that is being read.
    data_begin: usize,
    ends_begin: usize,
    rows: Vec<Row>,
}

#[derive(Clone, Copy)]
struct Row {
    /// The line on which the record ends.
    last_line: u64,
    data_begin: usize,
    ends_begin: usize,
    fields: usize,
}

impl Records {
    /// `knows_lines`: the bytes begin at the file's first line.
    pub fn new(options: &CsvOptions, knows_lines: bool) -> Self {
        let mut builder = ReaderBuilder::new();
        builder
            .delimiter(options.delimiter)
            .quote(options.quote)
            .escape(options.escape)
            .double_quote(options.double_quote.unwrap_or(true))
            .comment(options.comment)
            .terminator(options.terminator.map_or(Terminator::CRLF, Terminator::Any));
        Self {
            core: builder.build(),
            wanted: None,
            are_short_allowed: options.truncated_rows.unwrap_or(false),
            terminator: options.terminator.unwrap_or(b'\n'),
            knows_lines,
            data: Vec::new(),
            data_len: 0,
            ends: Vec::new(),
            ends_len: 0,
            data_begin: 0,
            ends_begin: 0,
            rows: Vec::new(),
        }
    }

    /// From now on every record has so many fields.
    pub fn want_fields(&mut self, count: usize) {
        self.wanted = Some(count);
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Forgets the records that were read. REQUIRES: none is read in part
    pub fn clear(&mut self) {
        self.rows.clear();
        (self.data_len, self.ends_len, self.data_begin, self.ends_begin) = (0, 0, 0, 0);
    }

    /// Reads records until there are `limit` or the input is used up; returns how many bytes it has used.
    pub fn read(&mut self, input: &[u8], limit: usize) -> Result<usize, BadRecord> {
        let mut used = 0;
        while used < input.len() && self.rows.len() < limit {
            let (result, bytes, _) = self.step(&input[used..]);
            let ended_by = if bytes > 0 { Some(input[used + bytes - 1]) } else { None };
            used += bytes;
            if result == ReadRecordResult::Record {
                self.finish_record(ended_by == Some(b'\n'))?;
            }
        }
        Ok(used)
    }

    /// The end of the file: a last record without a line break counts, a quoted field without end does not.
    pub fn finish(&mut self) -> Result<(), BadRecord> {
        loop {
            let (result, _, written) = self.step(&[self.terminator]);
            match result {
                ReadRecordResult::Record => return self.finish_record(self.terminator == b'\n'),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => continue,
                _ if written == 0 && self.ends_len == self.ends_begin && self.data_len == self.data_begin => {
                    return Ok(());
                }
                _ => {
                    let breaks = self.data[self.data_begin..self.data_len].iter().filter(|b| **b == b'\n').count();
                    return Err(BadRecord {
                        line: self.line(self.core.line().saturating_sub(breaks as u64)),
                        column: None,
                        what: "a quoted field ends at the end of the file, its closing quote is wanted".into(),
                        help: "mend the quotes, or say which character quotes: the option 'quote'",
                    });
                }
            }
        }
    }

    /// One call of the parser, with room for what it puts out: its result, the bytes used and those written.
    fn step(&mut self, input: &[u8]) -> (ReadRecordResult, usize, usize) {
        let data_wanted = self.data_len + input.len().max(DATA_ROOM);
        if self.data.len() < data_wanted {
            self.data.resize(data_wanted.max(self.data.len() * 2), 0);
        }
        if self.ends.len() < self.ends_len + ENDS_ROOM {
            self.ends.resize((self.ends.len() * 2).max(self.ends_len + ENDS_ROOM), 0);
        }
        let (result, used, written, ended) =
            self.core.read_record(input, &mut self.data[self.data_len..], &mut self.ends[self.ends_len..]);
        self.data_len += written;
        self.ends_len += ended;
        (result, used, written)
    }

    fn finish_record(&mut self, is_line_counted: bool) -> Result<(), BadRecord> {
        let fields = self.ends_len - self.ends_begin;
        // The parser counts from the beginning of the record.
        for end in &mut self.ends[self.ends_begin..self.ends_len] {
            *end += self.data_begin;
        }
        let row = Row {
            last_line: self.core.line() - u64::from(is_line_counted),
            data_begin: self.data_begin,
            ends_begin: self.ends_begin,
            fields,
        };
        self.rows.push(row);
        (self.data_begin, self.ends_begin) = (self.data_len, self.ends_len);
        match self.wanted {
            Some(wanted) if fields > wanted || (fields < wanted && !self.are_short_allowed) => Err(BadRecord {
                line: self.line_of(self.rows.len() - 1),
                column: None,
                what: format!("{wanted} fields are wanted, found {fields}"),
                help: "mend the line; if short lines are right, set the source's option 'truncated_rows' 'true'",
            }),
            _ => Ok(()),
        }
    }

    fn line(&self, line: u64) -> Option<u64> {
        self.knows_lines.then_some(line)
    }

    /// The line on which a record begins.
    pub fn line_of(&self, row: usize) -> Option<u64> {
        let Row { last_line, data_begin, ends_begin, fields } = self.rows[row];
        let data_end = if fields == 0 { data_begin } else { self.ends[ends_begin + fields - 1] };
        let breaks = self.data[data_begin..data_end].iter().filter(|b| **b == b'\n').count();
        self.line(last_line.saturating_sub(breaks as u64))
    }

    pub fn fields_of(&self, row: usize) -> usize {
        self.rows[row].fields
    }

    /// The bytes of all fields as text, where they are text: the only way to `field`.
    pub fn text(&self) -> Result<&str, BadRecord> {
        let data = &self.data[..self.data_len];
        let end = match std::str::from_utf8(data) {
            Ok(text) => return Ok(text),
            Err(error) => error.valid_up_to(),
        };
        let row = self.rows.partition_point(|row| row.data_begin <= end).saturating_sub(1);
        Err(self.no_text(row))
    }

    /// The fault of a record that is no text.
    pub fn no_text(&self, row: usize) -> BadRecord {
        BadRecord {
            line: self.line_of(row),
            column: None,
            what: "UTF-8 is wanted, found other bytes".into(),
            help: "save the file as UTF-8",
        }
    }

    /// One field; `None` where the record is too short, `Err` where the field's bytes are no text by themselves.
    pub fn field<'a>(&self, text: &'a str, row: usize, field: usize) -> Result<Option<&'a str>, ()> {
        let Row { data_begin, ends_begin, fields, .. } = self.rows[row];
        if field >= fields {
            return Ok(None);
        }
        let begin = if field == 0 { data_begin } else { self.ends[ends_begin + field - 1] };
        text.get(begin..self.ends[ends_begin + field]).map(Some).ok_or(())
    }
}

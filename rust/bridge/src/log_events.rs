// SPDX-License-Identifier: Apache-2.0
//! What the crates of the engine say while they work (`tracing` events and `log` records) goes to C++, a call an event. In: how
//! much is wanted, and of which crates. Nothing else is made: what is not wanted costs a comparison.

use std::fmt;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use tracing_core::dispatcher::{Dispatch, set_global_default};
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, LevelFilter, Metadata, Subscriber};

use crate::contained::panic_text;
use crate::ffi::{KeyValue, take_log_event};

static FORWARDER: OnceLock<Forwarder> = OnceLock::new();

const LEVELS: [(Level, log::LevelFilter); 5] = [
    (Level::TRACE, log::LevelFilter::Trace),
    (Level::DEBUG, log::LevelFilter::Debug),
    (Level::INFO, log::LevelFilter::Info),
    (Level::WARN, log::LevelFilter::Warn),
    (Level::ERROR, log::LevelFilter::Error),
];
const ERROR: u8 = 4;

struct Forwarder {
    least: Level,
    /// What the names of crates begin with.
    crates: Vec<String>,
}

impl Forwarder {
    fn wants(&self, target: &str) -> bool {
        self.crates.iter().any(|name| target.starts_with(name.as_str()))
    }
}

/// As C++ counts: 0 is trace.
fn number(level: Level) -> u8 {
    LEVELS.iter().position(|(known, _)| *known == level).map_or(ERROR, |at| at as u8)
}

pub fn forward_log_events(level: u8, crates: &Vec<String>) {
    let (least, filter) = LEVELS[usize::from(level.min(ERROR))];
    if FORWARDER.set(Forwarder { least, crates: crates.clone() }).is_err() {
        return;
    }
    // First: as long as `tracing` has no subscriber its events become records of `log` as well.
    let _ = set_global_default(Dispatch::new(Events));
    if log::set_logger(&Records).is_ok() {
        log::set_max_level(filter);
    }
}

/// Whether the panic is in the log, hence need not be on stderr.
pub fn take_panic(panic: &PanicHookInfo<'_>) -> bool {
    if FORWARDER.get().is_none() {
        return false;
    }
    let place = panic.location().map(|at| KeyValue { key: "place".into(), value: at.to_string() });
    let message = format!("panicked: {}", panic_text(panic.payload()));
    take_log_event(ERROR, "panic", &message, &place.into_iter().collect());
    true
}

/// Of `tracing`. Spans are not kept.
struct Events;

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let wants = |forwarder: &Forwarder| *metadata.level() <= forwarder.least && forwarder.wants(metadata.target());
        metadata.is_event() && FORWARDER.get().is_some_and(wants)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        FORWARDER.get().map(|forwarder| LevelFilter::from_level(forwarder.least))
    }

    fn event(&self, event: &Event<'_>) {
        let mut values = Values::default();
        event.record(&mut values);
        let metadata = event.metadata();
        take_log_event(number(*metadata.level()), metadata.target(), &values.message, &values.others);
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

#[derive(Default)]
struct Values {
    message: String,
    others: Vec<KeyValue>,
}

impl Values {
    fn take(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" => self.message = text,
            name => self.others.push(KeyValue { key: name.to_string(), value: text }),
        }
    }
}

impl Visit for Values {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value.to_string());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, format!("{value:?}"));
    }
}

/// Of `log`.
struct Records;

impl log::Log for Records {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level() && FORWARDER.get().is_some_and(|f| f.wants(metadata.target()))
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = log::Level::Trace as u8 - record.level() as u8;
            take_log_event(level, record.target(), &record.args().to_string(), &Vec::new());
        }
    }

    fn flush(&self) {}
}

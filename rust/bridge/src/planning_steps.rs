// SPDX-License-Identifier: Apache-2.0
//! What native functions did to a plan while it was made: operators, named arguments, aliases, opened predicates, simplified calls.
//! Noted where it happens, kept with the plan; which of it counts is C++'s to say.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::ffi::PlanningStep;

/// A step and the function that it is about.
pub type Steps = BTreeSet<(&'static str, String)>;

pub fn for_bridge(steps: &Steps) -> Vec<PlanningStep> {
    steps.iter().map(|(step, function)| PlanningStep { step: step.to_string(), function: function.clone() }).collect()
}

thread_local! {
    static NOTED: RefCell<Option<Steps>> = const { RefCell::new(None) };
}

/// Notes a step for whoever collects on this thread; plans are made on the thread that asks for them.
pub fn note(step: &'static str, function: &str) {
    NOTED.with_borrow_mut(|noted| {
        if let Some(steps) = noted {
            steps.insert((step, function.to_string()));
        }
    });
}

/// Notes all steps of a plan that another one is made over.
pub fn note_all(steps: &Steps) {
    steps.iter().for_each(|(step, function)| note(step, function));
}

/// What `work` notes. Collecting inside of collecting sees only its own part.
pub fn collecting<T>(work: impl FnOnce() -> T) -> (T, Steps) {
    struct Restore(Option<Steps>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let outer = self.0.take();
            NOTED.with_borrow_mut(|noted| *noted = outer);
        }
    }
    let restore = Restore(NOTED.with_borrow_mut(|noted| noted.replace(Steps::new())));
    let outcome = work();
    let steps = NOTED.with_borrow_mut(|noted| noted.take()).unwrap_or_default();
    drop(restore);
    (outcome, steps)
}

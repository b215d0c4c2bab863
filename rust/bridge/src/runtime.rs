// SPDX-License-Identifier: Apache-2.0
//! The process's Tokio runtime, and cancellation.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::contained::is_contained;
use crate::error::{BridgeError, Result, entry};
use crate::log_events::take_panic;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

pub fn start_runtime(threads: u32) -> Result<()> {
    entry(|| {
        if RUNTIME.get().is_none() {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            // Deep plans recurse; the default of 2 MiB is small for them.
            builder.enable_all().thread_name("weir-engine").thread_stack_size(8 << 20);
            if threads > 0 {
                builder.worker_threads(threads as usize);
            }
            let runtime = builder
                .build()
                .map_err(|e| BridgeError::new("io", "environment", format!("cannot start threads: {e}")))?;
            let _ = RUNTIME.set(runtime);
            quieten_reported_panics();
        }
        Ok(())
    })
}

/// Panics that become failures are reported as such. When an upload fails, on a full disk for instance, delta-rs aborts its writer, which
/// panics if it is shut down already: the panic in the upload's task would only look like a bug.
fn quieten_reported_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if is_contained(panic.location()) {
            return;
        }
        let in_writer = panic.location().is_some_and(|at| at.file().ends_with("buffered.rs"));
        let is_expected = in_writer && panic.payload().downcast_ref::<&str>() == Some(&"Already shut down");
        if !is_expected && !take_panic(panic) {
            report(panic);
        }
    }));
}

pub fn runtime() -> &'static Runtime {
    RUNTIME.get().expect("start_runtime comes first")
}

/// Blocks the calling C++ thread, with the runtime entered.
pub fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

#[derive(Clone, Debug)]
pub struct Cancellation {
    token: CancellationToken,
}

pub fn new_cancellation() -> Box<Cancellation> {
    Box::new(Cancellation { token: CancellationToken::new() })
}

impl Cancellation {
    pub fn cancel(&self) {
        self.token.cancel();
    }
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }
    /// The future's outcome, or the error "cancelled" as soon as somebody cancels.
    pub async fn guard<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(BridgeError::cancelled()),
            outcome = future => outcome,
        }
    }
}

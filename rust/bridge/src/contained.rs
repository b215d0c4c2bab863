// SPDX-License-Identifier: Apache-2.0
//! Readers of files that panic over what they read: Parquet's and Arrow's do so here and there over damaged files. In: work that reads. Out:
//! its outcome, where a panic is a failure of what was read.

use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::task::Poll;

use arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};

use crate::error::BridgeError;

/// Crates whose panics are about what they read, also on threads of their own.
const READERS: [&str; 4] = ["/parquet-", "/arrow-", "/bytes-", "/flatbuffers-"];

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether a panic on this thread, at this place, becomes a failure that is reported.
pub fn is_contained(place: Option<&Location<'_>>) -> bool {
    DEPTH.get() > 0 || place.is_some_and(|at| READERS.iter().any(|name| at.file().contains(name)))
}

/// What a panic says.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_else(|| "unknown panic".into())
}

pub fn contain<T>(work: impl FnOnce() -> T) -> Result<T> {
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    outcome.map_err(|panic| {
        let text = format!("its bytes make no sense: {}", panic_text(panic.as_ref()));
        DataFusionError::External(Box::new(BridgeError::new("corrupt", "environment", text)))
    })
}

pub fn contain_future<T>(future: impl Future<Output = Result<T>> + Send) -> impl Future<Output = Result<T>> + Send {
    let mut future = Box::pin(future);
    poll_fn(move |context| contain(|| future.as_mut().poll(context)).unwrap_or_else(|error| Poll::Ready(Err(error))))
}

fn contain_stream(batches: BoxStream<'static, Result<RecordBatch>>) -> BoxStream<'static, Result<RecordBatch>> {
    let mut batches = Some(batches);
    stream::poll_fn(move |context| {
        let Some(running) = batches.as_mut() else {
            return Poll::Ready(None);
        };
        contain(|| running.as_mut().poll_next(context)).unwrap_or_else(|error| {
            batches = None;
            Poll::Ready(Some(Err(error)))
        })
    })
    .boxed()
}

/// The same reader, contained.
#[derive(Debug)]
pub struct Contained<T: ?Sized>(pub Box<T>);

impl Morselizer for Contained<dyn Morselizer> {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        Ok(Box::new(Contained(contain(|| self.0.plan_file(file))??)))
    }
}

impl MorselPlanner for Contained<dyn MorselPlanner> {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Some(mut plan) = contain(|| self.0.plan())?? else {
            return Ok(None);
        };
        let planner = |inner| Box::new(Contained(inner)) as Box<dyn MorselPlanner>;
        let morsels = plan.take_morsels().into_iter().map(|inner| Box::new(Contained(inner)) as Box<dyn Morsel>);
        let mut contained = MorselPlan::new()
            .with_morsels(morsels.collect())
            .with_planners(plan.take_ready_planners().into_iter().map(planner).collect());
        if let Some(pending) = plan.take_pending_planner() {
            contained.set_pending_planner(async move {
                let inner = contain_future(pending.into_future()).await?;
                Ok(Box::new(Contained(inner)) as Box<dyn MorselPlanner>)
            });
        }
        Ok(Some(contained))
    }
}

impl Morsel for Contained<dyn Morsel> {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        match contain(|| self.0.into_stream()) {
            Ok(batches) => contain_stream(batches),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What native functions did to a plan while it was made: operators, named arguments, aliases, opened predicates. Noted where it
//! happens, kept with the plan; which of it counts is C++'s to say.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::datasource::{TableType, ViewTable};
use datafusion::error::Result as EngineResult;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::sqlparser::ast::{Function, FunctionArg, FunctionArguments};

/// A step and the function that it is about.
pub type Steps = BTreeSet<(&'static str, String)>;

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

fn note_all(steps: &Steps) {
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

/// Notes an alias and named arguments of a call, before defaults are filled in.
pub fn note_call(state: &SessionState, call: &Function) {
    let [part] = call.name.0.as_slice() else {
        return;
    };
    let Some(ident) = part.as_ident() else {
        return;
    };
    let called = if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() };
    let scalar = state.scalar_functions().get(&called).filter(|f| crate::functions::is_native_scalar(f));
    let aggregate = state.aggregate_functions().get(&called).filter(|f| crate::functions::is_native_aggregate(f));
    let Some(name) = scalar.map(|f| f.name()).or(aggregate.map(|f| f.name())) else {
        return;
    };
    if name != called {
        note("alias", name);
    }
    if let FunctionArguments::List(list) = &call.args
        && list.args.iter().any(|arg| !matches!(arg, FunctionArg::Unnamed(_)))
    {
        note("named_arguments", name);
    }
}

/// A view that tells whoever plans over it what took part in its own plan.
#[derive(Debug)]
pub struct NotedView {
    view: ViewTable,
    steps: Steps,
}

impl NotedView {
    pub fn new(plan: LogicalPlan, steps: Steps) -> Arc<Self> {
        Arc::new(Self { view: ViewTable::new(plan, None), steps })
    }
}

#[async_trait]
impl TableProvider for NotedView {
    fn schema(&self) -> SchemaRef {
        self.view.schema()
    }
    fn table_type(&self) -> TableType {
        TableType::View
    }
    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        note_all(&self.steps);
        self.view.get_logical_plan()
    }
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        self.view.supports_filters_pushdown(filters)
    }
    async fn scan(
        &self,
        session: &dyn CatalogSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        self.view.scan(session, projection, filters, limit).await
    }
}

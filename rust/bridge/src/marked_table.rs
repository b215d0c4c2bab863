// SPDX-License-Identifier: Apache-2.0
//! Tables that carry what the bridge has to know of them beside their rows.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::datasource::{TableType, ViewTable};
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::planning_steps::{Steps, note_all};

/// What a table is marked with.
#[derive(Debug)]
enum Mark {
    /// The index of its scan in a decoded plan; such a table is to be written on, not to be executed, and never opened as a view.
    Scan(u32),
    /// What took part in the plan of a view; whoever plans over it is told.
    Steps(Steps),
}

/// Is to the engine the table that it stands for.
#[derive(Debug)]
pub struct MarkedTable {
    table: Arc<dyn TableProvider>,
    mark: Mark,
}

impl MarkedTable {
    pub fn of_scan(scan: u32, table: Arc<dyn TableProvider>) -> Arc<Self> {
        Arc::new(Self { table, mark: Mark::Scan(scan) })
    }

    pub fn of_view(plan: LogicalPlan, steps: Steps) -> Arc<Self> {
        Arc::new(Self { table: Arc::new(ViewTable::new(plan, None)), mark: Mark::Steps(steps) })
    }

    pub fn scan_index(&self) -> Option<u32> {
        match self.mark {
            Mark::Scan(scan) => Some(scan),
            Mark::Steps(_) => None,
        }
    }
}

#[async_trait]
impl TableProvider for MarkedTable {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        match &self.mark {
            Mark::Scan(_) => None,
            Mark::Steps(steps) => {
                note_all(steps);
                self.table.get_logical_plan()
            }
        }
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn CatalogSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        self.table.scan(session, projection, filters, limit).await
    }
}

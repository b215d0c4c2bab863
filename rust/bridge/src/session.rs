// SPDX-License-Identifier: Apache-2.0
//! DataFusion sessions.

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::optimizer::OptimizerRule;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::allocation::large_bytes;
use crate::condition_order::OrderConditions;
use crate::error::{Result, entry};
use crate::ffi::{KeyValue, SessionOptions, StoreCalls};
use crate::functions::StandIns;
use crate::guards::{GuardedPlanner, Guards, PhysicalRules};
use crate::interruption::MarkJoins;
use crate::key_collection::CollectKeys;
use crate::local_store::LocalStore;
use crate::memory_pool::QueryMemory;
use crate::parameters::Parameters;
use crate::predicates::OpenPredicates;
use crate::run_aggregate::AggregateRuns;
use crate::shared_subplans::SharingPlanner;
use crate::store::parse_url;
use crate::store_calls::CallList;
use crate::store_registry::StoreRegistry;

pub struct Session {
    pub context: SessionContext,
}

pub fn open_session(options: &SessionOptions) -> Result<Box<Session>> {
    entry(|| {
        let guards = Arc::new(Guards::without(&options.guards_off)?);
        let mut config = SessionConfig::new();
        apply(&mut config, &options.settings)?;
        for (key, value) in guards.settings() {
            config.options_mut().set(key, value)?;
        }
        let config = config.with_extension(Arc::clone(&guards));
        let config = config.with_extension(Arc::new(Parameters::read(&options.parameters)?));
        let config = config.with_extension(Arc::new(StandIns(options.stand_ins)));
        let stores = Arc::new(StoreRegistry::noting(options.noted_store_calls));
        let config = config.with_extension(Arc::clone(&stores));

        let mut disk = DiskManagerBuilder::default();
        if !options.spill_directory.is_empty() {
            disk = disk.with_mode(DiskManagerMode::Directories(vec![options.spill_directory.clone().into()]));
        }
        if options.max_spill_bytes > 0 {
            disk = disk.with_max_temp_directory_size(options.max_spill_bytes);
        }
        disk = disk.with_max_spill_merge_fan_in(options.spill_merge_fan_in as usize);
        let mut runtime = RuntimeEnvBuilder::new().with_disk_manager_builder(disk).with_object_store_registry(stores);
        if options.memory_limit_bytes > 0 {
            runtime = runtime.with_memory_pool(Arc::new(QueryMemory::new(options.memory_limit_bytes as usize)));
        }
        if options.metadata_cache_bytes > 0 {
            runtime = runtime.with_metadata_cache_limit(options.metadata_cache_bytes as usize);
        }
        let runtime = runtime.build_arc()?;

        let builder = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .with_analyzer_rules(guards.analyzer_rules())
            .with_optimizer_rules(optimizer_rules(&guards))
            .with_physical_optimizer_rules(physical_rules(&guards))
            .with_query_planner(Arc::new(GuardedPlanner::new(Arc::clone(&guards), Arc::new(SharingPlanner))));
        let context = SessionContext::new_with_state(builder.build());
        context.register_object_store(&parse_url("file:///")?, Arc::new(LocalStore::new()));
        guards.functions(&context);
        Ok(Box::new(Session { context }))
    })
}

/// Native predicates are opened first, so that every other rule sees what they mean.
fn optimizer_rules(guards: &Guards) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![Arc::new(OpenPredicates)];
    rules.extend(guards.optimizer_rules());
    rules
}

/// The engine's, with what guards change of them, over filters in the order in which they cost least; joins tell readers their keys, and can be
/// ended.
fn physical_rules(guards: &Guards) -> PhysicalRules {
    let mut rules = guards.physical_rules();
    rules.insert(0, Arc::new(OrderConditions));
    rules.push(Arc::new(CollectKeys));
    rules.push(Arc::new(MarkJoins));
    rules.push(Arc::new(AggregateRuns));
    rules
}

fn apply(config: &mut SessionConfig, settings: &[KeyValue]) -> Result<()> {
    for setting in settings {
        config.options_mut().set(&setting.key, &setting.value)?;
    }
    Ok(())
}

impl Session {
    pub fn with_settings(&self, settings: &Vec<KeyValue>) -> Result<Box<Session>> {
        entry(|| {
            let state = self.context.state();
            // The tables are shared: a default catalog made anew would take the place of theirs.
            let mut config = state.config().clone().with_create_default_catalog_and_schema(false);
            apply(&mut config, settings)?;
            let state = SessionStateBuilder::new_from_existing(state).with_config(config).build();
            Ok(Box::new(Session { context: SessionContext::new_with_state(state) }))
        })
    }

    /// The same session, whose calls of object stores are noted under a view's name.
    pub fn noting_for(&self, view: &str) -> Box<Session> {
        let state = self.context.state();
        let stores = state.config().get_extension::<StoreRegistry>();
        let Some(stores) = stores.filter(|stores| stores.calls().is_some()) else { return self.share() };
        let config = state.config().clone().with_create_default_catalog_and_schema(false);
        let runtime = RuntimeEnv {
            object_store_registry: Arc::new(stores.for_view(view)),
            ..state.runtime_env().as_ref().clone()
        };
        let state = SessionStateBuilder::new_from_existing(state)
            .with_config(config)
            .with_runtime_env(Arc::new(runtime))
            .build();
        Box::new(Session { context: SessionContext::new_with_state(state) })
    }

    /// The calls that were noted since they were taken last.
    pub fn take_store_calls(&self) -> StoreCalls {
        let stores = self.context.state().config().get_extension::<StoreRegistry>();
        stores.as_ref().and_then(|stores| stores.calls()).map(CallList::take).unwrap_or_default()
    }

    /// A handle of the same session.
    pub fn share(&self) -> Box<Session> {
        Box::new(Session { context: self.context.clone() })
    }

    /// What queries hold: what they reserved, or what there is, if that is more.
    pub fn held_bytes(&self) -> u64 {
        self.context.runtime_env().memory_pool.reserved().max(large_bytes()) as u64
    }
}

/// As the lock file pins them; a test of the room `engine` compares.
pub fn engine_versions() -> Vec<KeyValue> {
    [
        ("arrow", arrow::ARROW_VERSION),
        ("datafusion", datafusion::DATAFUSION_VERSION),
        ("delta-rs", deltalake_core::crate_version()),
        ("bridge", env!("CARGO_PKG_VERSION")),
    ]
    .into_iter()
    .map(|(key, value)| KeyValue { key: key.into(), value: value.into() })
    .collect()
}

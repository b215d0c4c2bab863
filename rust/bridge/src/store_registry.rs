// SPDX-License-Identifier: Apache-2.0
//! The object stores of a session by scheme, user and host. The engine's own registry leaves the user out, who is the container in
//! `abfss://container@account.dfs.core.windows.net`. What is asked of them can be noted.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use url::{Position, Url};

use crate::delta::ROOTED_SCHEME;
use crate::store_calls::{CallList, NotedStore};

type Stores = HashMap<String, Arc<dyn ObjectStore>>;

#[derive(Debug, Default)]
pub struct StoreRegistry {
    stores: Arc<RwLock<Stores>>,
    /// Nothing: calls are not noted, and stores are given out as they were registered.
    calls: Option<Arc<CallList>>,
    /// The view for which stores are asked for; empty: none.
    view: Arc<str>,
}

impl StoreRegistry {
    /// Calls of its stores are noted, so many at most; 0: none.
    pub fn noting(most_calls: u64) -> Self {
        let calls = (most_calls > 0).then(|| Arc::new(CallList::new(most_calls as usize)));
        Self { calls, ..Self::default() }
    }

    /// The same stores; what is asked of them here is noted under a view's name.
    pub fn for_view(&self, view: &str) -> Self {
        Self { stores: Arc::clone(&self.stores), calls: self.calls.clone(), view: view.into() }
    }

    pub fn calls(&self) -> Option<&CallList> {
        self.calls.as_deref()
    }
}

/// Users of web servers are who asks, not what is asked for.
fn key(url: &Url) -> String {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    match url.username() {
        user if !user.is_empty() && !url.scheme().starts_with("http") => format!("{}://{user}@{host}", url.scheme()),
        _ => format!("{}://{host}", url.scheme()),
    }
}

impl ObjectStoreRegistry for StoreRegistry {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        self.stores.write().unwrap_or_else(PoisonError::into_inner).insert(key(url), store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let root = key(url);
        let found = self.stores.read().unwrap_or_else(PoisonError::into_inner).get(&root).map(Arc::clone);
        let found = found.ok_or_else(|| {
            exec_datafusion_err!("no object store is registered for `{}`", &url[..Position::BeforePath])
        })?;
        Ok(match &self.calls {
            // Rooted stores ask another one of the session, which notes it.
            Some(calls) if url.scheme() != ROOTED_SCHEME => {
                let root = Url::parse(&root).map_err(|error| exec_datafusion_err!("{error}: `{root}`"))?;
                Arc::new(NotedStore::new(found, root, Arc::clone(calls), Arc::clone(&self.view)))
            }
            _ => found,
        })
    }
}

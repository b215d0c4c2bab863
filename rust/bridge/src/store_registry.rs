// SPDX-License-Identifier: Apache-2.0
//! The object stores of a session by scheme, user and host. The engine's own registry leaves the user out, who is the container in
//! `abfss://container@account.dfs.core.windows.net`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use url::{Position, Url};

type Stores = HashMap<String, Arc<dyn ObjectStore>>;

#[derive(Debug, Default)]
pub struct StoreRegistry {
    stores: RwLock<Stores>,
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
        let stores = self.stores.read().unwrap_or_else(PoisonError::into_inner);
        let found = stores.get(&key(url)).map(Arc::clone);
        found
            .ok_or_else(|| exec_datafusion_err!("no object store is registered for `{}`", &url[..Position::BeforePath]))
    }
}

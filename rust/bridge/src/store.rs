// SPDX-License-Identifier: Apache-2.0
//! Object stores: registration, and the few operations that C++ does by itself.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{
    ClientConfigKey, ClientOptions, ObjectMeta, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, PutOptions,
    RetryConfig,
};
use url::Url;

use crate::error::{BridgeError, Result, entry};
use crate::ffi::{KeyValue, ObjectInfo};
use crate::runtime::block_on;
use crate::session::Session;

pub fn parse_url(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|e| BridgeError::user("invalid_argument", format!("not a URL: {e}: `{url}`")))
}

/// The scheme and host of a URL, under which stores are registered.
pub fn store_root(url: &Url) -> Result<Url> {
    parse_url(&url[..url::Position::BeforePath])
}

/// The session's store for a URL, and the path inside it.
pub fn resolve(context: &SessionContext, url: &Url) -> Result<(Arc<dyn ObjectStore>, Path)> {
    let store = context.runtime_env().object_store_registry.get_store(url).map_err(|_| {
        BridgeError::user(
            "not_found",
            format!("no object store is registered for `{}`", &url[..url::Position::BeforePath]),
        )
    })?;
    Ok((store, Path::from_url_path(url.path()).map_err(object_store::Error::from)?))
}

pub fn register_object_store(session: &Session, url: &str, options: &Vec<KeyValue>) -> Result<()> {
    entry(|| {
        let url = parse_url(url)?;
        let store = StoreOptions::read(options)?.open(&url)?;
        session.context.register_object_store(&store_root(&url)?, store);
        Ok(())
    })
}

/// Keys and values of a store, those about retries taken out.
struct StoreOptions {
    others: Vec<(String, String)>,
    retry: RetryConfig,
}

impl StoreOptions {
    fn read(options: &[KeyValue]) -> Result<Self> {
        let mut read = Self { others: Vec::new(), retry: RetryConfig::default() };
        for option in options {
            let wrong = |wanted: &str| {
                let text = format!("{wanted} is wanted for `{}`, found `{}`", option.key, option.value);
                BridgeError::user("invalid_argument", text)
            };
            match option.key.to_ascii_lowercase().as_str() {
                "max_retries" => {
                    read.retry.max_retries = option.value.parse().map_err(|_| wrong("a whole number"))?;
                }
                "retry_timeout" => {
                    let seconds = option.value.trim_end_matches('s').trim().parse();
                    read.retry.retry_timeout =
                        Duration::from_secs(seconds.map_err(|_| wrong("a number of seconds, such as 60s,"))?);
                }
                key => read.others.push((key.to_string(), option.value.clone())),
            }
        }
        Ok(read)
    }

    /// A key that the store does not know is an error.
    fn known<K: FromStr>(&self) -> Result<Vec<(K, String)>> {
        let mut known = Vec::new();
        for (key, value) in &self.others {
            match key.parse() {
                Ok(parsed) => known.push((parsed, value.clone())),
                Err(_) => {
                    let text = format!("a setting of this store is wanted, found `{key}`");
                    return Err(BridgeError::user("invalid_argument", text));
                }
            }
        }
        Ok(known)
    }

    fn open(self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let retry = self.retry.clone();
        let (scheme, _) = ObjectStoreScheme::parse(url).map_err(object_store::Error::from)?;
        Ok(match scheme {
            ObjectStoreScheme::AmazonS3 => {
                let builder = AmazonS3Builder::new().with_url(url.as_str()).with_retry(retry);
                let keys = self.known::<AmazonS3ConfigKey>()?.into_iter();
                Arc::new(keys.fold(builder, |builder, (key, value)| builder.with_config(key, value)).build()?)
            }
            ObjectStoreScheme::GoogleCloudStorage => {
                let builder = GoogleCloudStorageBuilder::new().with_url(url.as_str()).with_retry(retry);
                let keys = self.known::<GoogleConfigKey>()?.into_iter();
                Arc::new(keys.fold(builder, |builder, (key, value)| builder.with_config(key, value)).build()?)
            }
            ObjectStoreScheme::MicrosoftAzure => {
                let builder = MicrosoftAzureBuilder::new().with_url(url.as_str()).with_retry(retry);
                let keys = self.known::<AzureConfigKey>()?.into_iter();
                Arc::new(keys.fold(builder, |builder, (key, value)| builder.with_config(key, value)).build()?)
            }
            ObjectStoreScheme::Http => {
                let keys = self.known::<ClientConfigKey>()?.into_iter();
                let client = keys.fold(ClientOptions::new(), |client, (key, value)| client.with_config(key, value));
                let root = &url[..url::Position::BeforePath];
                Arc::new(HttpBuilder::new().with_url(root).with_client_options(client).with_retry(retry).build()?)
            }
            _ => Arc::from(object_store::parse_url_opts(url, self.others)?.0),
        })
    }
}

/// The URL of an object, or of a folder without the slash at its end, in the store at `root`.
pub fn object_url(root: &Url, location: &Path) -> Url {
    let mut url = root.clone();
    // A `%` in a name is no escape there, but would be one in the URL.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().extend(location.parts().map(|part| part.as_ref().to_string()));
    }
    url
}

fn info(root: &Url, prefix: &Path, meta: &ObjectMeta) -> Result<ObjectInfo> {
    let relative = meta
        .location
        .prefix_match(prefix)
        .map(|parts| parts.map(|p| p.as_ref().to_string()).collect::<Vec<_>>().join("/"))
        .unwrap_or_default();
    Ok(ObjectInfo {
        url: object_url(root, &meta.location).into(),
        relative_path: relative,
        size_bytes: meta.size,
        modified_ms: meta.last_modified.timestamp_millis(),
        etag: meta.e_tag.clone().unwrap_or_default(),
    })
}

pub fn list_objects(session: &Session, url: &str) -> Result<Vec<ObjectInfo>> {
    entry(|| {
        let url = parse_url(url)?;
        let root = store_root(&url)?;
        let (store, path) = resolve(&session.context, &url)?;
        block_on(async {
            if !url.path().ends_with('/') {
                let meta = store.head(&path).await?;
                return Ok(vec![info(&root, &path, &meta)?]);
            }
            let metas: Vec<ObjectMeta> = store.list(Some(&path)).try_collect().await?;
            let mut infos = metas.iter().map(|meta| info(&root, &path, meta)).collect::<Result<Vec<_>>>()?;
            infos.sort_by(|a, b| a.url.cmp(&b.url));
            Ok(infos)
        })
    })
}

pub fn get_object(session: &Session, url: &str) -> Result<Vec<u8>> {
    entry(|| {
        let (store, path) = resolve(&session.context, &parse_url(url)?)?;
        block_on(async { Ok(store.get(&path).await?.bytes().await?.to_vec()) })
    })
}

pub fn put_object(session: &Session, url: &str, bytes: &[u8], create_only: bool) -> Result<bool> {
    entry(|| {
        let (store, path) = resolve(&session.context, &parse_url(url)?)?;
        let mode = if create_only { PutMode::Create } else { PutMode::Overwrite };
        let payload = bytes.to_vec().into();
        block_on(async {
            match store.put_opts(&path, payload, PutOptions::from(mode)).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. })
                    if create_only =>
                {
                    Ok(false)
                }
                Err(error) => Err(error.into()),
            }
        })
    })
}

pub fn delete_object(session: &Session, url: &str) -> Result<()> {
    entry(|| {
        let (store, path) = resolve(&session.context, &parse_url(url)?)?;
        block_on(async { Ok(store.delete(&path).await?) })
    })
}

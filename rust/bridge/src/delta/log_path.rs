// SPDX-License-Identifier: Apache-2.0
//! How a Delta log spells the paths of data files: percent-encoded, relative to the table's root or absolute, with or without scheme. Here each
//! file has one spelling, so that an action finds the file that another one named.

use datafusion::error::{DataFusionError, Result as EngineResult};
use object_store::path::Path;
use url::Url;

use crate::error::{BridgeError, Result};

/// Whether a path is its own canonical spelling.
pub fn is_canonical(raw: &str) -> bool {
    raw.bytes().all(|c| c.is_ascii_alphanumeric() || b"/=._-".contains(&c))
        && !raw.starts_with('/')
        && !raw.ends_with('/')
        && !raw.contains("//")
        && !raw.split('/').any(|part| part == "." || part == "..")
}

/// Decoded; relative to `root` where it lies below, with scheme and host elsewhere.
pub fn canonical(root: &Url, raw: &str) -> String {
    if is_canonical(raw) {
        return raw.to_string();
    }
    let own_store = store_of(root);
    let (store, path) = match split_store(raw) {
        Some((store, path)) => (alias(&store, &own_store), path.to_string()),
        None if raw.starts_with('/') => (own_store.clone(), raw.to_string()),
        None => (own_store.clone(), format!("{}/{raw}", root.path())),
    };
    // The root is encoded as a URL is, and so are the paths in a log.
    let root_parts = parts(root.path());
    let path_parts = parts(&path);
    if store == own_store && path_parts.starts_with(&root_parts) {
        return path_parts[root_parts.len()..].join("/");
    }
    format!("{store}/{}", path_parts.join("/"))
}

/// Where a file of canonical `path` lies: the store with its host where that is not the table's, and the path in it.
pub fn place(root: &Path, store_url: &Url, path: &str) -> EngineResult<(Option<Url>, Path)> {
    let wrong = |error: String| DataFusionError::External(Box::new(BridgeError::new("corrupt", "environment", error)));
    let parse = |text: &str| Path::parse(text).map_err(|e| wrong(format!("a path of the log names no object: {e}")));
    let Some((store, inner)) = split_store(path) else {
        return Ok((None, parse(&format!("{root}/{path}"))?));
    };
    let url = Url::parse(&format!("{store}/")).map_err(|e| wrong(format!("not a URL: {e}: `{path}`")))?;
    let own = store_of(store_url) == store;
    Ok(((!own).then_some(url), parse(inner)?))
}

/// The URL of an absolute path as the log spells it.
pub fn absolute_url(root: &Url, raw: &str) -> Result<String> {
    let spelt = canonical(root, raw);
    let mut url = root.clone();
    match split_store(&spelt) {
        None => url.set_path(&format!("{}/{}", root.path().trim_end_matches('/'), encoded(&spelt))),
        Some((store, path)) => {
            url = Url::parse(&format!("{store}/"))
                .map_err(|e| BridgeError::new("corrupt", "environment", format!("not a URL: {e}: `{raw}`")))?;
            url.set_path(&encoded(path));
        }
    }
    Ok(url.into())
}

/// A decoded path as the path of a URL, which encodes all but `%` by itself.
fn encoded(path: &str) -> String {
    path.replace('%', "%25")
}

/// "s3://bucket" of a URL, "file://" of a local one.
fn store_of(url: &Url) -> String {
    url[..url::Position::BeforePath].to_string()
}

/// Scheme and host of an absolute path, and the rest of it.
fn split_store(raw: &str) -> Option<(String, &str)> {
    let (scheme, rest) = raw.split_once(':')?;
    if scheme.is_empty() || !scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c)) {
        return None;
    }
    match rest.strip_prefix("//") {
        Some(rest) => {
            let host_end = rest.find('/').unwrap_or(rest.len());
            Some((format!("{scheme}://{}", &rest[..host_end]), &rest[host_end..]))
        }
        // Hadoop writes `file:/a/b`.
        None if rest.starts_with('/') => Some((format!("{scheme}://"), rest)),
        None => None,
    }
}

/// Hadoop has names of its own for S3.
fn alias(store: &str, own: &str) -> String {
    for scheme in ["s3a://", "s3n://"] {
        if let (Some(bucket), true) = (store.strip_prefix(scheme), own.starts_with("s3://")) {
            return format!("s3://{bucket}");
        }
    }
    store.to_string()
}

/// The decoded names on the way, `.` and `..` resolved.
fn parts(path: &str) -> Vec<String> {
    let decoded = percent_decode(path);
    let mut parts: Vec<String> = Vec::new();
    for part in decoded.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name.to_string()),
        }
    }
    parts
}

fn percent_decode(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let code = (bytes[i] == b'%')
            .then(|| raw.get(i + 1..i + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()))
            .flatten();
        decoded.push(code.unwrap_or(bytes[i]));
        i += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

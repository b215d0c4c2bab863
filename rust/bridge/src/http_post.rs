// SPDX-License-Identifier: Apache-2.0
//! Texts for HTTP servers, sent by the client that object stores use. No header, and nothing of a URL but scheme, host and port, enters a message.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};
use url::Position;

use crate::error::{BridgeError, Result, entry};
use crate::ffi::HttpPost;
use crate::runtime::block_on;
use crate::store::parse_url;

/// Servers close connections that nobody uses after some time, often five seconds: they are given up before.
const MOST_IDLE: Duration = Duration::from_secs(3);

/// Longer answers are not read, and their connections not used again.
const MOST_OF_ANSWER: u64 = 64 << 10;

fn builder() -> ClientBuilder {
    // What is sent may be told to nobody but the server that was named.
    Client::builder().user_agent("weir").redirect(Policy::none()).pool_idle_timeout(MOST_IDLE)
}

fn build(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(|error| BridgeError::new("io", "environment", innermost(&error)))
}

/// The client that trusts the certificates of a file alone; without one that of the process, which trusts those of the system.
fn client(certificate_file: &str) -> Result<Client> {
    static TRUSTS_THE_SYSTEM: OnceLock<Client> = OnceLock::new();
    if certificate_file.is_empty() {
        if let Some(client) = TRUSTS_THE_SYSTEM.get() {
            return Ok(client.clone());
        }
        let client = build(builder())?;
        return Ok(TRUSTS_THE_SYSTEM.get_or_init(|| client).clone());
    }
    let unfit = |why: String| {
        let text = format!("a file of PEM certificates is wanted ({why}), found `{certificate_file}`");
        BridgeError::user("invalid_argument", text)
    };
    let pem = std::fs::read(certificate_file).map_err(|error| unfit(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| unfit(innermost(&error)))?;
    if certificates.is_empty() {
        return Err(unfit("it holds none".into()));
    }
    let trusting = builder().tls_built_in_root_certs(false);
    build(certificates.into_iter().fold(trusting, ClientBuilder::add_root_certificate))
}

/// The text of the failure that is behind all others.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn headers(post: &HttpPost) -> Result<HeaderMap> {
    let unfit = |name: &str| BridgeError::user("invalid_argument", format!("no header of a request: `{name}`"));
    let mut headers = HeaderMap::new();
    for header in &post.headers {
        let name: HeaderName = header.key.parse().map_err(|_| unfit(&header.key))?;
        let mut value = HeaderValue::from_bytes(header.value.as_bytes()).map_err(|_| unfit(&header.key))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(&post.content_type).map_err(|_| unfit("content-type"))?);
    Ok(headers)
}

pub fn send_http_post(post: HttpPost) -> Result<()> {
    entry(|| {
        let url = parse_url(&post.url)?;
        let server = format!("{}://{}", url.scheme(), &url[Position::BeforeHost..Position::AfterPort]);
        let refused = |why: String| BridgeError::new("io", "environment", format!("`{server}` did not take it: {why}"));
        let headers = headers(&post)?;
        let request = client(&post.certificate_file)?
            .post(url)
            .headers(headers)
            .timeout(Duration::from_millis(post.timeout_ms))
            .body(post.body);
        block_on(async {
            let mut answer = request.send().await.map_err(|error| {
                refused(if error.is_timeout() { "no answer in time".into() } else { innermost(&error) })
            })?;
            let status = answer.status();
            if !status.is_success() {
                return Err(refused(format!("it answered `{status}`")));
            }
            // A connection whose answer was read can be used again.
            if answer.content_length().is_some_and(|length| length <= MOST_OF_ANSWER) {
                while let Ok(Some(_)) = answer.chunk().await {}
            }
            Ok(())
        })
    })
}

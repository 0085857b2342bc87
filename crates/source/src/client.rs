use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{Certificate, Client, Response};
use strongroom_model::text::printable;
use url::{Origin, Url};

use crate::answer::problem;
use crate::cause::Cause;
use crate::error::{About, Request, SourceError};
use crate::gate::{Gate, retry_after};
use crate::settings::{SettingsError, SourceSettings};
use crate::transport::unreachable;

/// How many redirections a request follows, within the server's origin.
const MAX_REDIRECTS: usize = 5;

/// How long an idle connection is kept: less than a document server does (15 s), so that no request uses one that is
/// being closed.
const IDLE: Duration = Duration::from_secs(10);

/// A document server's client; clones share its connections.
#[derive(Clone)]
pub struct Source(Arc<SharedClient>);

struct SharedClient {
    client: Client,
    /// Keeps no connections.
    single: Client,
    /// For uploads: waits for an answer as long as the body is taken.
    patient: Client,
    base: Url,
    read_timeout: Duration,
    gate: Gate,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("server", &self.server()).finish_non_exhaustive()
    }
}

/// A request.
pub(crate) struct OutgoingRequest<'a> {
    pub(crate) method: Method,
    pub(crate) about: About,
    pub(crate) path: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) headers: HeaderMap,
    pub(crate) json: Option<Bytes>,
    /// Uses a new connection, to find out whether the server works.
    pub(crate) probe: bool,
}

impl<'a> OutgoingRequest<'a> {
    pub(crate) fn get(about: About, path: &'a [&'a str]) -> Self {
        Self { method: Method::GET, about, path, query: &[], headers: HeaderMap::new(), json: None, probe: false }
    }

    /// Checks whether the server works.
    pub(crate) fn probe(path: &'a [&'a str]) -> Self {
        Self { probe: true, ..Self::get(About::Server, path) }
    }

    pub(crate) fn post(path: &'a [&'a str], json: Bytes) -> Self {
        Self { method: Method::POST, json: Some(json), ..Self::get(About::Server, path) }
    }
}

impl Source {
    /// A client that has not sent anything yet.
    ///
    /// # Errors
    /// The address, the token or the authority is invalid; or the address is `https` and the system trusts no
    /// certificates.
    pub fn new(settings: &SourceSettings) -> Result<Self, SettingsError> {
        let base = settings.base()?;
        warn_of_open_wire(&base, settings.token.is_some());
        // reqwest's read timeout also runs while connecting: the connect timeout must strike first.
        let read = Some(settings.read_timeout.max(settings.connect_timeout + Duration::from_secs(1)));
        let client = client(settings, &base, settings.connections, read)?;
        let single = self::client(settings, &base, 0, read)?;
        let patient = self::client(settings, &base, 0, None)?;
        let read_timeout = settings.read_timeout;
        let shared = SharedClient { client, single, patient, base, read_timeout, gate: Gate::default() };
        Ok(Self(Arc::new(shared)))
    }

    /// The server's scheme, host and port.
    pub fn server(&self) -> String {
        self.0.base.origin().ascii_serialization()
    }

    pub(crate) fn read_timeout(&self) -> Duration {
        self.0.read_timeout
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// For messages.
    pub(crate) fn request(&self, ask: &OutgoingRequest<'_>) -> Request {
        let path = self.url(ask.path).path().to_owned();
        Request { server: self.server(), method: ask.method.clone(), path, about: ask.about }
    }

    /// Sends a request; follows redirections within the server's origin, keeping the method.
    pub(crate) async fn send(&self, ask: &OutgoingRequest<'_>) -> Result<(Request, Response), SourceError> {
        let mut url = self.url(ask.path);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let request = self.request(ask);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_over(&url, ask).await.map_err(|cause| request.failed(cause))?;
            if !is_redirection(response.status()) {
                return Ok((request, response));
            }
            url = next_hop(&self.0.base.origin(), &url, &response, ask).map_err(|cause| request.failed(cause))?;
        }
        Err(request.failed(Cause::Redirected { to: "one address of its own after the other".to_owned() }))
    }

    /// The server may close a kept connection just as it is reused; idempotent requests are then repeated on a new one
    /// (RFC 9112, section 9.3.1).
    async fn send_over(&self, url: &Url, ask: &OutgoingRequest<'_>) -> Result<Response, Cause> {
        if ask.probe {
            return self.send_once(&self.0.single, url, ask).await;
        }
        match self.send_once(&self.0.client, url, ask).await {
            Err(Cause::NoAnswer { .. }) if ask.method == Method::GET => self.send_once(&self.0.single, url, ask).await,
            sent => sent,
        }
    }

    async fn send_once(&self, client: &Client, url: &Url, ask: &OutgoingRequest<'_>) -> Result<Response, Cause> {
        let mut builder = client.request(ask.method.clone(), url.clone()).headers(ask.headers.clone());
        if let Some(json) = &ask.json {
            builder = builder.header(CONTENT_TYPE, "application/json").body(json.clone());
        }
        builder.send().await.map_err(|error| {
            if error.is_timeout() && !error.is_connect() {
                return Cause::Stalled { received_bytes: 0, waited: self.0.read_timeout };
            }
            unreachable(&error)
        })
    }

    /// A request with a body that can be sent once, so no redirection is followed. The caller bounds the time.
    pub(crate) async fn upload(&self, ask: &OutgoingRequest<'_>, body: reqwest::Body) -> Result<Response, Cause> {
        let mut url = self.url(ask.path);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let request = self.0.patient.request(ask.method.clone(), url).headers(ask.headers.clone()).body(body);
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        if is_redirection(response.status()) {
            return Err(Cause::Redirected { to: "another address, which an upload does not follow".to_owned() });
        }
        Ok(response)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.0.base.clone();
        url.path_segments_mut()
            .expect("an http address has a path: `SourceSettings::base` saw to it")
            .pop_if_empty()
            .extend(path);
        url
    }

    pub(crate) async fn refused(&self, response: Response) -> Cause {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let detail = problem(response, self.0.read_timeout).await;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Cause::Unauthorised { status, detail },
            StatusCode::NOT_FOUND | StatusCode::GONE => Cause::Missing { status, detail },
            StatusCode::INSUFFICIENT_STORAGE => Cause::NoStorage { status, detail },
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Cause::Unavailable { status, retry_after, detail },
            _ => Cause::Status { status, detail },
        }
    }
}

/// `idle`: how many idle connections it keeps. `read`: how long until a response, and between its bytes.
fn client(settings: &SourceSettings, base: &Url, idle: usize, read: Option<Duration>) -> Result<Client, SettingsError> {
    // Without an installed provider, or with two linked, rustls panics. One that `main` or another thread installed
    // stays.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut builder = Client::builder()
        .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers(settings.token.as_deref())?)
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(idle)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        // Over high latency a fixed window of 2 MiB would limit the rate.
        .http2_adaptive_window(true)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // A proxy from the environment would see the token.
        .no_proxy();
    if let Some(read) = read {
        builder = builder.read_timeout(read);
    }
    if let Some(pem) = &settings.authority_pem {
        let authority = |error: reqwest::Error| SettingsError::Authority(crate::transport::root_cause(&error));
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem).map_err(authority)?);
    } else if base.scheme() == "http" {
        // No certificate is needed, since redirections stay within the origin; a slim system may have none.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        let why = crate::transport::root_cause(&error);
        if settings.authority_pem.is_some() { SettingsError::Authority(why) } else { SettingsError::Tls(why) }
    })
}

fn headers(token: Option<&str>) -> Result<HeaderMap, SettingsError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(token) = token {
        let fits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        let value = fits.then(|| HeaderValue::try_from(format!("Bearer {token}")).ok()).flatten();
        let mut value = value.ok_or(SettingsError::Token)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn warn_of_open_wire(base: &Url, has_token: bool) {
    let here = match base.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if has_token && base.scheme() == "http" && !here {
        tracing::warn!(
            server = %base.origin().ascii_serialization(),
            "source.url is http: the token and every document can be read on the way; use https"
        );
    }
}

fn is_redirection(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Only within the origin: anything else would reveal the token, or reach what only this host can.
fn next_hop(origin: &Origin, from: &Url, response: &Response, ask: &OutgoingRequest<'_>) -> Result<Url, Cause> {
    let location = response.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let Some(location) = location else {
        return Err(Cause::Redirected { to: "an address that it did not name".to_owned() });
    };
    let target = from.join(&location).map_err(|_| Cause::Redirected { to: printable(&location, 120) })?;
    if target.origin() != *origin {
        return Err(Cause::Redirected { to: printable(&target.origin().ascii_serialization(), 120) });
    }
    // 301, 302 and 303 allow a client to turn a POST into a GET.
    let keeps_method = ask.method == Method::GET || matches!(response.status().as_u16(), 307 | 308);
    if !keeps_method {
        return Err(Cause::Redirected { to: printable(target.path(), 120) });
    }
    Ok(target)
}

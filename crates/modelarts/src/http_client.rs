//! The underlying HTTP client: TLS, proxy, and one pool of connections for each runtime.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use modelarts_client::Secret;
use reqwest::Url;
use tokio::runtime::{Handle, Id, RuntimeFlavor};

use crate::config::TlsFiles;
use crate::endpoint;
use crate::error::{Error, Result};

/// Returns an HTTP client builder with the settings of this crate's own client, so that you can change or add settings.
///
/// Pass the client that it builds to [`ModelArtsBuilder::http_client`](crate::ModelArtsBuilder::http_client). Redirects
/// are off, because they would send credentials to another host. The only time limit is the one for connecting, since
/// each call has its own limits. All settings of the builder apply, including TLS; with the feature `rustls` the TLS
/// library is rustls, unless [`tls_backend_native`](reqwest::ClientBuilder) is called.
///
/// ```
/// let http = modelarts::http_client_builder()?.pool_max_idle_per_host(2).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Currently none; `build` reports a TLS library that cannot be set up.
pub fn http_client_builder() -> Result<reqwest::ClientBuilder> {
    Ok(defaults())
}

fn defaults() -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        // Gateways drop idle connections after about a minute; a creation on a dropped connection cannot be retried.
        .pool_idle_timeout(Duration::from_secs(30));
    #[cfg(feature = "rustls")]
    let builder = builder.tls_backend_rustls();
    builder
}

/// The trusted certificates, and the client's own certificate.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// Additional certificates (PEM) to trust.
    roots: Vec<Vec<u8>>,
    /// Certificates (PEM) to trust instead of the platform's.
    bundle: Option<Vec<u8>>,
    /// Certificate and key (PEM) of the client.
    identity: Option<(Vec<u8>, Secret)>,
    unverified: bool,
}

impl Tls {
    pub(crate) fn with_roots(roots: Vec<Vec<u8>>) -> Self {
        Self {
            roots,
            ..Self::default()
        }
    }

    /// Reads the files that a profile names.
    pub(crate) fn read(mut self, files: &TlsFiles) -> Result<Self> {
        if let Some(ca) = &files.ca {
            let bundle = read(ca)?;
            #[cfg(any(feature = "rustls", feature = "native-tls"))]
            certificates(&bundle).map_err(|_| {
                Error::configuration(format!("{} contains no certificates in PEM format", ca.0))
            })?;
            self.bundle = Some(bundle);
        }
        if let Some(cert) = &files.cert {
            let certificate = read(cert)?;
            // The certificate's file may also contain the key.
            let key = match &files.key {
                Some(key) => read(key)?,
                None => certificate.clone(),
            };
            let key = String::from_utf8(key).map_err(|_| {
                Error::configuration("the key of the client's certificate is not in PEM format")
            })?;
            self.identity = Some((certificate, Secret::from(key)));
        }
        self.unverified = files.unverified;
        Ok(self)
    }

    /// Whether nothing is set.
    pub(crate) fn is_default(&self) -> bool {
        self.roots.is_empty()
            && self.bundle.is_none()
            && self.identity.is_none()
            && !self.unverified
    }

    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    fn apply(&self, mut builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
        let mut roots = Vec::new();
        for pem in &self.roots {
            roots.extend(certificates(pem)?);
        }
        builder = match &self.bundle {
            Some(bundle) => builder.tls_certs_only(certificates(bundle)?.into_iter().chain(roots)),
            None if roots.is_empty() => builder,
            None => builder.tls_certs_merge(roots),
        };
        if let Some((certificate, key)) = &self.identity {
            builder = builder.identity(identity(certificate, key)?);
        }
        if self.unverified {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        Ok(builder)
    }

    #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
    fn apply(&self, builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
        match self.is_default() {
            true => Ok(builder),
            false => Err(Error::configuration(
                "certificates are configured, and TLS needs the feature `rustls` or `native-tls` of the crate `modelarts`",
            )),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots.len())
            .field("bundle", &self.bundle.is_some())
            .field("identity", &self.identity.is_some())
            .field("unverified", &self.unverified)
            .finish()
    }
}

/// The value of a setting, or the content of the file that it names.
fn read((name, text): &(String, Secret)) -> Result<Vec<u8>> {
    let text = text.expose();
    if text.contains("-----BEGIN") {
        return Ok(text.as_bytes().to_vec());
    }
    std::fs::read(text).map_err(|error| {
        Error::configuration(format!(
            "{name} names {text}, which cannot be read: {error}"
        ))
    })
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn certificates(pem: &[u8]) -> Result<Vec<reqwest::Certificate>> {
    let found = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
    match found.is_empty() {
        true => Err(Error::configuration(
            "a root certificate is not in PEM format (-----BEGIN CERTIFICATE-----)",
        )),
        false => Ok(found),
    }
}

#[cfg(feature = "rustls")]
fn identity(certificate: &[u8], key: &Secret) -> Result<reqwest::Identity> {
    let mut pem = certificate.to_vec();
    if pem != key.expose().as_bytes() {
        pem.push(b'\n');
        pem.extend_from_slice(key.expose().as_bytes());
    }
    reqwest::Identity::from_pem(&pem).map_err(|_| unfit_identity())
}

#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
fn identity(certificate: &[u8], key: &Secret) -> Result<reqwest::Identity> {
    reqwest::Identity::from_pkcs8_pem(certificate, key.expose().as_bytes())
        .map_err(|_| unfit_identity())
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn unfit_identity() -> Error {
    Error::configuration(
        "the client's certificate and key (`cert`, `key`, OS_CERT, OS_KEY) are not in PEM format, or the key is encrypted",
    )
}

/// The configuration of the crate's own client, which is built once for each runtime.
#[derive(Debug)]
pub(crate) struct HttpConfig {
    pub(crate) tls: Tls,
    pub(crate) proxy: ProxyChoice,
    /// Whether all requests use plain HTTP: then the platform's certificates, which are slow to load, are not needed.
    #[cfg_attr(
        not(any(feature = "rustls", feature = "native-tls")),
        expect(dead_code, reason = "there is nothing to load without TLS")
    )]
    pub(crate) is_plain: bool,
}

/// The proxy for requests.
#[derive(Clone, Debug)]
pub(crate) enum ProxyChoice {
    None,
    Environment,
    All(Secret),
}

impl HttpConfig {
    fn build(&self) -> Result<reqwest::Client> {
        let mut builder = defaults();
        builder = match &self.proxy {
            ProxyChoice::None => builder.no_proxy(),
            ProxyChoice::Environment => builder,
            ProxyChoice::All(url) => builder.proxy(proxy(url)?),
        };
        #[cfg(any(feature = "rustls", feature = "native-tls"))]
        if self.is_plain && self.tls.is_default() {
            builder = builder.tls_certs_only([]);
        }
        self.tls.apply(builder)?.build().map_err(|error| {
            // The outermost message is just "builder error"; the innermost one gives the reason.
            let mut cause: &dyn std::error::Error = &error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            Error::configuration(format!("the HTTP client cannot be built: {cause}"))
        })
    }

    /// The proxy for requests to this URL, without path or credentials.
    fn proxy_for(&self, url: &Url) -> Option<String> {
        match &self.proxy {
            ProxyChoice::None => None,
            ProxyChoice::All(proxy) => Some(endpoint::origin(&Url::parse(proxy.expose()).ok()?)),
            ProxyChoice::Environment => {
                let uri = url.as_str().parse::<http::Uri>().ok()?;
                let proxy = Matcher::from_system().intercept(&uri)?;
                Some(endpoint::origin(
                    &Url::parse(&proxy.uri().to_string()).ok()?,
                ))
            }
        }
    }
}

fn proxy(url: &Secret) -> Result<reqwest::Proxy> {
    let unfit =
        || Error::configuration("the proxy is not a URL like http://proxy.example.com:3128");
    Url::parse(url.expose()).map_err(|_| unfit())?;
    reqwest::Proxy::all(url.expose()).map_err(|_| unfit())
}

/// A client for each runtime that requests are sent from.
///
/// A connection is driven by a task of the runtime that opened it: a request on a connection whose runtime is not
/// running would wait forever.
#[derive(Debug)]
pub(crate) struct HttpClients {
    source: Source,
    by_runtime: Mutex<Vec<(Id, RuntimeFlavor, reqwest::Client)>>,
}

#[derive(Debug)]
enum Source {
    HttpConfig(HttpConfig),
    /// A client from the user, which cannot be built again.
    Client,
}

/// The number of clients to keep, so that a program that creates a runtime per call does not accumulate clients.
const RUNTIMES: usize = 8;

impl HttpClients {
    /// Builds the crate's own client. Called on the first runtime, or outside of any.
    pub(crate) fn own(config: HttpConfig) -> Result<(Self, reqwest::Client)> {
        let client = config.build()?;
        Ok((Self::new(Source::HttpConfig(config), &client), client))
    }

    /// Uses a client that the user has built.
    pub(crate) fn from_client(client: &reqwest::Client) -> Self {
        Self::new(Source::Client, client)
    }

    fn new(source: Source, client: &reqwest::Client) -> Self {
        let here = Handle::try_current().ok();
        let first = here.map(|here| (here.id(), here.runtime_flavor(), client.clone()));
        Self {
            source,
            by_runtime: Mutex::new(first.into_iter().collect()),
        }
    }

    /// Returns the client whose connections the current runtime drives.
    pub(crate) fn current(&self, first: &reqwest::Client) -> Result<reqwest::Client> {
        let Ok(here) = Handle::try_current() else {
            return Err(Error::argument(
                "a call needs a tokio runtime: await it inside of one, or use `modelarts::blocking`",
            ));
        };
        let id = here.id();
        let mut clients = self.clients();
        if let Some((_, _, client)) = clients.iter().find(|(known, _, _)| *known == id) {
            return Ok(client.clone());
        }
        let client = match (&self.source, clients.first()) {
            (_, None) => first.clone(),
            (Source::HttpConfig(config), Some(_)) => config.build()?,
            // Its threads continue to drive connections while other runtimes send requests.
            (Source::Client, Some((_, RuntimeFlavor::MultiThread, client))) => client.clone(),
            (Source::Client, Some(_)) => {
                return Err(Error::argument(
                    "the HTTP client given to `http_client` has connections of another runtime, which would have to run \
                     at the same time: build a client for each runtime, or leave `http_client` out",
                ));
            }
        };
        if clients.len() == RUNTIMES {
            clients.remove(0);
        }
        clients.push((id, here.runtime_flavor(), client.clone()));
        Ok(client)
    }

    /// Refuses an https request that would be sent to its proxy in clear text, including credentials.
    ///
    /// This happens without a TLS library, because then there is no tunnel through the proxy.
    pub(crate) fn refuse_clear_text(&self, url: &Url) -> Result<()> {
        const HAS_TLS: bool = cfg!(any(feature = "rustls", feature = "native-tls"));
        if HAS_TLS || url.scheme() != "https" {
            return Ok(());
        }
        match self.proxy_for(url) {
            None => Ok(()),
            Some(proxy) => Err(Error::configuration(format!(
                "https through the proxy {proxy} needs the feature `rustls` or `native-tls` of the crate `modelarts`"
            ))),
        }
    }

    /// The proxy for requests to this URL, without path or credentials.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<String> {
        match &self.source {
            Source::HttpConfig(config) => config.proxy_for(url),
            Source::Client => None,
        }
    }

    fn clients(&self) -> MutexGuard<'_, Vec<(Id, RuntimeFlavor, reqwest::Client)>> {
        self.by_runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

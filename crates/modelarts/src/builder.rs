//! Building a client.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderValue;
use modelarts_client::Secret;
use reqwest::Url;

use crate::client::{Core, ModelArts};
use crate::clock::{Clock, SystemClock};
use crate::config::{Environment, Profile, ResolvedProfile};
use crate::credentials::{Credentials, CredentialsKind, TokenCache};
use crate::endpoint;
use crate::error::{Error, Result};
use crate::http_client::{HttpClients, HttpConfig, ProxyChoice, Tls};
use crate::limit::RateLimit;
use crate::options::{CallOptions, CallSettings};
use crate::resolve::Resolver;
use crate::retry::{RetryBudget, RetryPolicy};
use crate::transport::Pipeline;
use crate::wait::PollPolicy;
use tracing::warn;

/// Configures a [`ModelArts`].
///
/// # Required settings
/// * **Credentials**: set with [`credentials`](Self::credentials) or a [`profile`](Self::profile), and otherwise
///   discovered as described in [`Profile`], which also documents the precedence of all sources. Explicit settings
///   override those of a profile, and settings that neither provides are discovered as well.
/// * **Endpoint**: the [`endpoint`](Self::endpoint), or else the service's address in the token's catalogue (after
///   signing in with a password), or else the address in the [`region`](Self::region).
/// * **Project**: its [`id`](Self::project_id), or its [`name`](Self::project_name), or else the region's main
///   project, which has the same name as the region. The identity service looks up a name; its address is the
///   [`auth_url`](Self::auth_url) or the one in the region. If both id and name are given, they must identify the
///   same project.
///
/// ```no_run
/// # async fn run() -> modelarts::Result<()> {
/// use modelarts::{AccessKey, Credentials, ModelArts};
///
/// let client = ModelArts::builder()
///     .region("eu-de")
///     .project_id("7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f")
///     .credentials(Credentials::access_key(AccessKey::new("AK", "SK")))
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct ModelArtsBuilder {
    profile: Option<Profile>,
    explicit: ExplicitSettings,
    environment: Environment,
    roots: Vec<Vec<u8>>,
    allow_http: bool,
    options: CallOptions,
    rate_limit: Option<RateLimit>,
    retry_budget: RetryBudget,
    user_agent: Option<String>,
    language: Option<String>,
    max_body: usize,
    http: Option<reqwest::Client>,
    proxy: Option<Secret>,
    token_cache: Option<Arc<dyn TokenCache>>,
    clock: Arc<dyn Clock>,
    rng_seed: Option<u64>,
}

/// What was set on the builder itself.
#[derive(Default)]
struct ExplicitSettings {
    credentials: Option<Credentials>,
    region: Option<String>,
    endpoint: Option<String>,
    auth_url: Option<String>,
    project_id: Option<String>,
    project_name: Option<String>,
}

impl fmt::Debug for ExplicitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: a value that has not been checked yet may contain a password.
        let names = [
            ("credentials", self.credentials.is_some()),
            ("region", self.region.is_some()),
            ("endpoint", self.endpoint.is_some()),
            ("auth_url", self.auth_url.is_some()),
            ("project_id", self.project_id.is_some()),
            ("project_name", self.project_name.is_some()),
        ];
        let set = names.iter().filter(|(_, is_set)| *is_set);
        f.debug_set().entries(set.map(|(name, _)| name)).finish()
    }
}

impl ExplicitSettings {
    /// Whether no other source can add anything that a client needs.
    fn is_complete(&self) -> bool {
        let sign_in = match self.credentials.as_ref().map(|credentials| &credentials.0) {
            Some(CredentialsKind::Password(_)) => self.auth_url.is_some(),
            Some(_) => true,
            None => false,
        };
        sign_in && self.endpoint.is_some() && self.project_id.is_some()
    }
}

/// Twice the size of a page of ten thousand notebooks.
const MAX_BODY: usize = 32 * 1024 * 1024;

impl fmt::Debug for ModelArtsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelArtsBuilder")
            .field("explicit", &self.explicit)
            .field("profile", &self.profile)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl ModelArts {
    /// Returns a builder that configures a client step by step.
    pub fn builder() -> ModelArtsBuilder {
        ModelArtsBuilder::new()
    }

    /// Creates a client with credentials from the environment or `clouds.yaml`.
    ///
    /// # Errors
    /// When no credentials are found, or the sign-in fails.
    pub async fn from_env() -> Result<Self> {
        Self::builder().build().await
    }
}

impl ModelArtsBuilder {
    fn new() -> Self {
        Self {
            profile: None,
            explicit: ExplicitSettings::default(),
            environment: Environment::process(),
            roots: Vec::new(),
            allow_http: false,
            options: CallOptions::new(),
            rate_limit: None,
            retry_budget: RetryBudget::default(),
            user_agent: None,
            language: None,
            max_body: MAX_BODY,
            http: None,
            proxy: None,
            token_cache: None,
            clock: Arc::new(SystemClock),
            rng_seed: None,
        }
    }

    /// Sets the credentials.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.explicit.credentials = Some(credentials);
        self
    }

    /// Uses a profile for all settings that are not set explicitly. A later call replaces an earlier one.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Sets the environment in which to look for missing settings. Default: the environment of the process.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the region, for example `eu-de`.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.explicit.region = Some(region.into());
        self
    }

    /// Sets the address of the service, for example `https://modelarts.eu-de.otc.t-systems.com`.
    ///
    /// It takes precedence over all other sources. It may end with `/v1/` and the project, as in OpenStack tools.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.explicit.endpoint = Some(url.into());
        self
    }

    /// Sets the address of the identity service, for example `https://iam.eu-de.otc.t-systems.com/v3`.
    pub fn auth_url(mut self, url: impl Into<String>) -> Self {
        self.explicit.auth_url = Some(url.into());
        self
    }

    /// Sets the id of the project.
    pub fn project_id(mut self, id: impl Into<String>) -> Self {
        self.explicit.project_id = Some(id.into());
        self
    }

    /// Sets the name of the project, for example `eu-de_nlp`.
    pub fn project_name(mut self, name: impl Into<String>) -> Self {
        self.explicit.project_name = Some(name.into());
        self
    }

    /// Allows plain HTTP to hosts other than this machine. Credentials are then sent in clear text.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Sets which failures are retried, and how often. See [`RetryPolicy`] for the default.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.options = self.options.retry_policy(policy);
        self
    }

    /// Sets the time limit for one attempt, including its response. Default: one minute.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.options = self.options.attempt_timeout(limit);
        self
    }

    /// Sets the time limit for a call, including all attempts and delays. Default: five minutes.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options = self.options.deadline(limit);
        self
    }

    /// Sets when and for how long waiters poll. See [`PollPolicy`] for the default.
    pub fn poll_policy(mut self, policy: PollPolicy) -> Self {
        self.options = self.options.poll_policy(policy);
        self
    }

    /// Sets the retry budget that all calls of this client share. See [`RetryBudget`] for the default.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = budget;
        self
    }

    /// Limits the requests per second from this client and its clones. Default: no limit; a value that is not
    /// positive also means no limit.
    ///
    /// Requests over the limit are queued. A request whose turn would come after its
    /// [deadline](ModelArtsBuilder::deadline) fails as soon as that is known, and a request that fails or is dropped
    /// in the queue leaves no gap for the others.
    pub fn rate_limit(mut self, per_second: f64) -> Self {
        self.rate_limit = RateLimit::new(per_second);
        self
    }

    /// Sets the name of the program, which precedes this crate's own name in the `User-Agent` header.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// Sets the language of messages, for example `en-us`. Default: the service chooses.
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// Sets the maximum size of a response, in bytes. Default: 32 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets a proxy for all requests, for example `http://proxy.example.com:3128`. Default: the environment's proxy.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Secret::from(url.into()));
        self
    }

    /// Adds certificates (PEM, one or several) to trust in addition to the platform's or to a configured `cacert`.
    ///
    /// ```
    /// # fn run(pem: &[u8]) -> modelarts::ModelArtsBuilder {
    /// modelarts::ModelArts::builder().root_certificate(pem)
    /// # }
    /// ```
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Sets your own HTTP client, preferably built with [`http_client_builder`](crate::http_client_builder). It must
    /// not follow redirects.
    ///
    /// It uses the certificates and proxy that it was built with. It works on the runtime on which it is first used,
    /// and on others only if that runtime has its own threads; without this setting, the client works on any number
    /// of runtimes.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// Sets a cache that keeps tokens beyond the process. Default: tokens are kept in memory only. See
    /// [`TokenCache`].
    pub fn token_cache(mut self, cache: Arc<dyn TokenCache>) -> Self {
        self.token_cache = Some(cache);
        self
    }

    /// Sets the source of time. Default: the machine's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the jitter of retries the same in every run, for tests.
    pub fn rng_seed(mut self, seed: u64) -> Self {
        self.rng_seed = Some(seed);
        self
    }

    /// Builds the client. Signs in if a password is given, and looks up what is still unknown.
    ///
    /// # Errors
    /// When a setting is missing or contradictory (the message says how to fix it), or when the identity service
    /// refuses.
    pub async fn build(mut self) -> Result<ModelArts> {
        let resolver = Resolver {
            profile: self.resolved_profile()?,
            allow_http: self.allow_http,
        };
        let settings = CallSettings::default().with(self.options.clone());
        let pipeline = Arc::new(self.pipeline(&resolver.profile)?);
        let identity = resolver.identity(&pipeline, &settings);
        let identity_endpoint = identity.as_ref().ok().map(|known| known.endpoint.clone());
        let clock = self.clock.clone();
        let cache = self.token_cache.take();
        let warnings = resolver.profile.warnings.clone();
        let resolved = resolver.resolve(identity, clock, cache).await;
        let resolved = resolved.map_err(|error| with_warnings(error, warnings))?;
        resolved
            .warnings
            .iter()
            .for_each(|warning| warn!("{warning}"));
        let core = Core::new(pipeline, resolved, identity_endpoint.as_deref());
        Ok(ModelArts::new(core, settings))
    }

    /// Resolves the settings from the builder and all other sources.
    fn resolved_profile(&mut self) -> Result<ResolvedProfile> {
        let mut explicit = std::mem::take(&mut self.explicit);
        for (what, value) in [
            ("region", &mut explicit.region),
            ("endpoint", &mut explicit.endpoint),
            ("auth URL", &mut explicit.auth_url),
            ("project id", &mut explicit.project_id),
            ("project name", &mut explicit.project_name),
        ] {
            let Some(value) = value else { continue };
            *value = value.trim().to_owned();
            if value.is_empty() {
                return Err(Error::configuration(format!("the {what} is empty")));
            }
        }
        let own = explicit.credentials.is_some();
        let profile = match self.profile.take() {
            Some(profile) => profile,
            None if explicit.is_complete() => Profile::default(),
            None if own => Profile::without_credentials(&self.environment)?,
            None => Profile::find(&self.environment)?,
        };
        let mut resolved = profile.resolve(explicit.region.as_deref(), !own)?;
        if own {
            resolved.credentials = explicit.credentials;
        }
        if resolved.credentials.is_none() {
            return Err(profile.no_credentials());
        }
        resolved.region = explicit.region.or(resolved.region);
        resolved.endpoint = explicit.endpoint.or(resolved.endpoint);
        resolved.auth_url = explicit.auth_url.or(resolved.auth_url);
        // An id and a name from different sources could identify two projects.
        if explicit.project_id.is_some() || explicit.project_name.is_some() {
            resolved.project_id = explicit.project_id;
            resolved.project_name = explicit.project_name;
        }
        if self.http.is_some() && !(resolved.tls.is_default() && self.roots.is_empty()) {
            resolved.warnings.push(
                "certificates are configured but not used, because `http_client` sets the client"
                    .to_owned(),
            );
        }
        if resolved.tls.unverified {
            resolved.warnings.push(
                "certificates are not verified, because `verify` is off or `insecure` is on"
                    .to_owned(),
            );
        }
        Ok(resolved)
    }

    fn pipeline(&mut self, resolved: &ResolvedProfile) -> Result<Pipeline> {
        let random = match self.rng_seed {
            Some(seed) => fastrand::Rng::with_seed(seed),
            None => fastrand::Rng::new(),
        };
        let language = self
            .language
            .as_deref()
            .map(HeaderValue::from_str)
            .transpose();
        let (clients, http) = self.http_clients(resolved)?;
        Ok(Pipeline {
            http,
            clients,
            clock: self.clock.clone(),
            random: Mutex::new(random),
            budget: self.retry_budget.clone(),
            rate_limit: self.rate_limit.take(),
            user_agent: self.user_agent_header()?,
            language: language.map_err(|_| invalid_header("language"))?,
            max_body: self.max_body,
        })
    }

    fn http_clients(
        &mut self,
        resolved: &ResolvedProfile,
    ) -> Result<(HttpClients, reqwest::Client)> {
        if let Some(client) = self.http.take() {
            return Ok((HttpClients::from_client(&client), client));
        }
        let urls = [&resolved.endpoint, &resolved.auth_url];
        let urls: Vec<_> = urls.into_iter().flatten().collect();
        let all = |is: fn(&Url) -> bool| {
            !urls.is_empty()
                && urls
                    .iter()
                    .all(|url| Url::parse(url).is_ok_and(|url| is(&url)))
        };
        let proxy = match self.proxy.take() {
            Some(url) => ProxyChoice::All(url),
            // A proxy from the environment cannot reach the loopback address of this machine.
            None if all(endpoint::is_loopback) => ProxyChoice::None,
            None => ProxyChoice::Environment,
        };
        let tls = Tls::with_roots(std::mem::take(&mut self.roots));
        HttpClients::own(HttpConfig {
            tls: tls.read(&resolved.tls)?,
            is_plain: urls.len() == 2
                && matches!(proxy, ProxyChoice::None)
                && all(|url| url.scheme() == "http"),
            proxy,
        })
    }

    fn user_agent_header(&self) -> Result<HeaderValue> {
        const OWN: &str = concat!("modelarts-rs/", env!("CARGO_PKG_VERSION"));
        let Some(name) = &self.user_agent else {
            return Ok(HeaderValue::from_static(OWN));
        };
        HeaderValue::from_str(&format!("{name} {OWN}")).map_err(|_| invalid_header("user agent"))
    }
}

/// Adds the warnings that the error does not contain already: a setting that was not understood may be the cause.
fn with_warnings(error: Error, warnings: Vec<String>) -> Error {
    let shown = error.to_string();
    let new = warnings.into_iter().filter(|it| !shown.contains(it));
    new.fold(error, Error::with_note)
}

fn invalid_header(what: &str) -> Error {
    Error::configuration(format!(
        "the {what} contains characters that are not allowed in a header"
    ))
}

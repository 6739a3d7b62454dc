//! Building a client.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderValue;
use reqwest::Url;

use crate::client::{Core, ModelArts};
use crate::clock::{Clock, SystemClock};
use crate::config::{Environment, Profile};
use crate::credentials::{
    AccessKeyAuthenticator, Authenticator, Credentials, Kind, Named, PasswordAuthenticator,
    TokenAuthenticator,
};
use crate::endpoint;
use crate::error::{Error, Result};
use crate::http_client;
use crate::identity::{Identity, Scope};
use crate::limit::RateLimit;
use crate::options::{CallOptions, Settings};
use crate::retry::{RetryBudget, RetryPolicy};
use crate::transport::Pipeline;
use crate::wait::PollPolicy;

/// Configures a [`ModelArts`].
///
/// # What is needed
/// * **Credentials**: given by [`credentials`](Self::credentials) or a [`profile`](Self::profile); if neither, looked
///   for as [`Profile::discover`] says. Explicit settings go before those of a profile.
/// * **Where**: an [`endpoint`](Self::endpoint), or else the service's address in the token's catalogue (after signing in
///   with a password), or else that of the [`region`](Self::region).
/// * **The project**: its [`id`](Self::project_id), or its [`name`](Self::project_name), or else the region's main project,
///   which bears the region's name. A name is looked up by the identity service, whose address is the
///   [`auth_url`](Self::auth_url) or that of the region.
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
    profile: Profile,
    environment: Environment,
    allow_http: bool,
    options: CallOptions,
    rate_limit: Option<RateLimit>,
    retry_budget: RetryBudget,
    user_agent: Option<String>,
    language: Option<String>,
    max_body: usize,
    http: Option<reqwest::Client>,
    proxy: Option<String>,
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
}

/// A page of ten thousand notebooks is half as long.
const MAX_BODY: usize = 32 * 1024 * 1024;

impl fmt::Debug for ModelArtsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelArtsBuilder")
            .field("profile", &self.profile)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl ModelArtsBuilder {
    pub(crate) fn new() -> Self {
        Self {
            profile: Profile::default(),
            environment: Environment::process(),
            allow_http: false,
            options: CallOptions::new(),
            rate_limit: None,
            retry_budget: RetryBudget::default(),
            user_agent: None,
            language: None,
            max_body: MAX_BODY,
            http: None,
            proxy: None,
            clock: Arc::new(SystemClock),
            seed: None,
        }
    }

    /// Who is calling.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.profile.credentials = Some(credentials);
        self
    }

    /// Everything that a profile has, unless it was or is set explicitly.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.complete(profile);
        self
    }

    /// Where to look for credentials if none are given. The environment of the process unless set.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// The region, for example `eu-de`.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.profile.region = Some(region.into());
        self
    }

    /// The address of the service, for example `https://modelarts.eu-de.otc.t-systems.com`. It goes before all else.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.profile.endpoint = Some(url.into());
        self
    }

    /// The address of the identity service, for example `https://iam.eu-de.otc.t-systems.com/v3`.
    pub fn auth_url(mut self, url: impl Into<String>) -> Self {
        self.profile.auth_url = Some(url.into());
        self
    }

    /// The id of the project.
    pub fn project_id(mut self, id: impl Into<String>) -> Self {
        self.profile.project_id = Some(id.into());
        self
    }

    /// The name of the project, for example `eu-de_nlp`.
    pub fn project_name(mut self, name: impl Into<String>) -> Self {
        self.profile.project_name = Some(name.into());
        self
    }

    /// Allows plain HTTP to other hosts than this machine. Credentials then travel in clear text.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// What is tried again, and how often. See [`RetryPolicy`] for the default.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options = self.options.retry(policy);
        self
    }

    /// The longest that one attempt may take, answer included. A minute unless set.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.options = self.options.attempt_timeout(limit);
        self
    }

    /// The longest that a call may take, all attempts and pauses included. Five minutes unless set.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options = self.options.deadline(limit);
        self
    }

    /// When waiters poll, and how long. See [`PollPolicy`] for the default.
    pub fn poll(mut self, policy: PollPolicy) -> Self {
        self.options = self.options.poll(policy);
        self
    }

    /// The retries that all calls of this client share. See [`RetryBudget`] for the default.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = budget;
        self
    }

    /// At most so many requests in a second, from this client and its clones; no limit unless set, or if not positive.
    ///
    /// Requests that come too early queue. One whose [deadline](ModelArtsBuilder::deadline) would pass in the queue fails at once
    /// when its turn shows that, and what fails or is dropped leaves no gap for the others.
    pub fn rate_limit(mut self, per_second: f64) -> Self {
        self.rate_limit = RateLimit::new(per_second);
        self
    }

    /// The name of the program, put before this crate's own in the header `User-Agent`.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// The language of messages, for example `en-us`. The service chooses unless set.
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// The longest answer to accept, in bytes. 32 MiB unless set.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// A proxy for all requests, for example `http://proxy.example.com:3128`. That of the environment unless set.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// An HTTP client of your own, best from [`http_client_builder`](crate::http_client_builder). It must not follow redirects.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// The source of time. The machine's clock unless set.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the jitter of retries the same in every run, for tests.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Builds the client. It signs in if a password is given, and looks up what is not known yet.
    ///
    /// # Errors
    /// When something is missing or contradictory, which the message says how to mend; when the identity service
    /// refuses.
    pub async fn build(mut self) -> Result<ModelArts> {
        if self.profile.credentials.is_none() {
            let found = Profile::discover(&self.environment)?;
            self.complete(found);
        }
        let Some(credentials) = self.profile.credentials.take() else {
            return Err(Error::configuration("the profile has no credentials"));
        };
        let settings = Settings::default().with(self.options.clone());
        let pipeline = Arc::new(self.pipeline()?);
        let identity = self.identity(&pipeline, &settings);
        let identity_endpoint = identity.as_ref().ok().map(|known| known.endpoint.clone());
        let clock = self.clock.clone();
        let site = match &credentials.0 {
            Kind::Password(login) => {
                let scope = self.scope()?;
                let authenticator =
                    PasswordAuthenticator::new(identity?, login.clone(), scope, clock)?;
                self.signed_in(authenticator).await?
            }
            Kind::Token(token) => {
                let authenticator = Arc::new(TokenAuthenticator::new(token)?);
                let project_id = self.project(identity, authenticator.clone()).await?;
                self.site(authenticator, project_id, None)?
            }
            Kind::AccessKey(key) => {
                let scout = Arc::new(AccessKeyAuthenticator::new(key, None, clock.clone())?);
                let project_id = self.project(identity, scout).await?;
                let authenticator = AccessKeyAuthenticator::new(key, Some(&project_id), clock)?;
                self.site(Arc::new(authenticator), project_id, None)?
            }
            Kind::Custom(authenticator) => {
                let project_id = self.project(identity, authenticator.clone()).await?;
                self.site(authenticator.clone(), project_id, None)?
            }
        };
        let core = Core::new(
            pipeline,
            site.authenticator,
            site.endpoint,
            identity_endpoint.as_deref(),
            site.project_id,
        );
        Ok(ModelArts::new(core, settings))
    }

    /// Takes from a profile what is not set yet. Its credentials bring their project and place along or not at all.
    fn complete(&mut self, found: Profile) {
        let own = &mut self.profile;
        own.credentials = own.credentials.take().or(found.credentials);
        own.region = own.region.take().or(found.region);
        own.endpoint = own.endpoint.take().or(found.endpoint);
        own.auth_url = own.auth_url.take().or(found.auth_url);
        // An id and a name of different origin would name two projects.
        if own.project_id.is_none() && own.project_name.is_none() {
            own.project_id = found.project_id;
            own.project_name = found.project_name;
            own.project_domain_id = found.project_domain_id;
            own.project_domain_name = found.project_domain_name;
        }
    }

    async fn signed_in(&self, authenticator: PasswordAuthenticator) -> Result<Site> {
        let token = authenticator.sign_in().await?;
        let scoped = token.project.and_then(|project| project.id);
        let Some(project_id) = self.profile.project_id.clone().or(scoped) else {
            return Err(Error::configuration(
                "the token names no project: set the project id",
            ));
        };
        let catalog = token.catalog.unwrap_or_default();
        let region = self.profile.region.as_deref();
        let found = match &self.profile.endpoint {
            Some(_) => None,
            None => endpoint::from_catalog(&catalog, region)?,
        };
        self.site(Arc::new(authenticator), project_id, found)
    }

    fn site(
        &self,
        authenticator: Arc<dyn Authenticator>,
        project_id: String,
        from_catalog: Option<String>,
    ) -> Result<Site> {
        let endpoint = match (&self.profile.endpoint, from_catalog, &self.profile.region) {
            (Some(endpoint), _, _) => endpoint.clone(),
            (None, Some(endpoint), _) => endpoint,
            (None, None, Some(region)) => endpoint::service(region)?,
            (None, None, None) => {
                return Err(Error::configuration(
                    "neither an endpoint nor a region is known: call `endpoint` or `region`, or set OS_REGION_NAME",
                ));
            }
        };
        Ok(Site {
            authenticator,
            endpoint: endpoint::check("endpoint", &endpoint, self.allow_http)?,
            project_id,
        })
    }

    /// The project's id for credentials that do not tell it themselves.
    async fn project(
        &self,
        identity: Result<Identity>,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<String> {
        if let Some(id) = &self.profile.project_id {
            return match id.trim() {
                "" => Err(Error::configuration("the project id is empty")),
                id => Ok(id.to_owned()),
            };
        }
        let name = self.project_by_name()?;
        identity?.project_id(&name, authenticator).await
    }

    fn project_by_name(&self) -> Result<String> {
        // The main project of a region bears the region's name.
        let name = self
            .profile
            .project_name
            .as_ref()
            .or(self.profile.region.as_ref());
        name.cloned().ok_or_else(|| {
            Error::configuration(
                "the project is not known: call `project_id` or `project_name`, or set OS_PROJECT_ID or OS_PROJECT_NAME",
            )
        })
    }

    fn scope(&self) -> Result<Scope> {
        let project = match &self.profile.project_id {
            Some(id) => Named::Id(id.clone()),
            None => Named::Name(self.project_by_name()?),
        };
        let id = self.profile.project_domain_id.clone().map(Named::Id);
        let name = || self.profile.project_domain_name.clone().map(Named::Name);
        Ok(Scope {
            project,
            domain: id.or_else(name),
        })
    }

    /// The identity service; an error only matters to who needs it.
    fn identity(&self, pipeline: &Arc<Pipeline>, settings: &Settings) -> Result<Identity> {
        let url = match (&self.profile.auth_url, &self.profile.region) {
            (Some(url), _) => endpoint::without_version(url).to_owned(),
            (None, Some(region)) => endpoint::identity(region)?,
            (None, None) => {
                return Err(Error::configuration(
                    "the identity service is needed, for signing in or for the project's id, and its address is not \
                     known: call `auth_url` or `region`, or set OS_AUTH_URL",
                ));
            }
        };
        Ok(Identity {
            pipeline: pipeline.clone(),
            settings: Arc::new(settings.clone()),
            endpoint: endpoint::check("auth URL", &url, self.allow_http)?,
        })
    }

    fn pipeline(&mut self) -> Result<Pipeline> {
        let random = match self.seed {
            Some(seed) => fastrand::Rng::with_seed(seed),
            None => fastrand::Rng::new(),
        };
        let language = self
            .language
            .as_deref()
            .map(HeaderValue::from_str)
            .transpose();
        Ok(Pipeline {
            http: self.http_or_own()?,
            clock: self.clock.clone(),
            random: Mutex::new(random),
            budget: self.retry_budget.clone(),
            rate_limit: self.rate_limit.take(),
            user_agent: self.user_agent_header()?,
            language: language.map_err(|_| unfit("language"))?,
            max_body: self.max_body,
        })
    }

    fn http_or_own(&mut self) -> Result<reqwest::Client> {
        if let Some(client) = self.http.take() {
            return Ok(client);
        }
        let mut builder = http_client::http_client_builder()?;
        if let Some(proxy) = &self.proxy {
            let proxy = reqwest::Proxy::all(proxy)
                .map_err(|_| Error::configuration("the proxy is no URL"))?;
            builder = builder.proxy(proxy);
        } else if self.is_local() {
            // A proxy of the environment cannot reach this machine by such a name.
            builder = builder.no_proxy();
        }
        http_client::build(builder)
    }

    fn is_local(&self) -> bool {
        let urls = [&self.profile.endpoint, &self.profile.auth_url];
        let mut urls = urls.into_iter().flatten().peekable();
        urls.peek().is_some()
            && urls.all(|url| Url::parse(url).is_ok_and(|url| endpoint::is_loopback(&url)))
    }

    fn user_agent_header(&self) -> Result<HeaderValue> {
        const OWN: &str = concat!("modelarts-rs/", env!("CARGO_PKG_VERSION"));
        let Some(name) = &self.user_agent else {
            return Ok(HeaderValue::from_static(OWN));
        };
        HeaderValue::from_str(&format!("{name} {OWN}")).map_err(|_| unfit("user agent"))
    }
}

fn unfit(what: &str) -> Error {
    Error::configuration(format!(
        "the {what} holds characters that a header cannot carry"
    ))
}

/// What remains to be known once the credentials are settled.
struct Site {
    authenticator: Arc<dyn Authenticator>,
    endpoint: String,
    project_id: String,
}

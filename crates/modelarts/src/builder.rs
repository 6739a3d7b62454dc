//! Building a client.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use modelarts_client::Secret;
use reqwest::Url;

use crate::client::{Core, ModelArts};
use crate::clock::{Clock, SystemClock};
use crate::config::{Environment, Profile, Resolved};
use crate::credentials::{
    AccessKeyAuthenticator, Authenticator, Credentials, Kind, Named, PasswordAuthenticator,
    TokenAuthenticator, TokenCache,
};
use crate::endpoint;
use crate::error::{Error, Result};
use crate::http_client::{HttpClients, ProxyChoice, Recipe, Tls};
use crate::identity::{Identity, Scope, unknown_project};
use crate::limit::RateLimit;
use crate::options::{CallOptions, Settings};
use crate::retry::{RetryBudget, RetryPolicy};
use crate::transport::Pipeline;
use crate::wait::PollPolicy;
use modelarts_client::iam::types::Token;
use tracing::warn;

/// Configures a [`ModelArts`].
///
/// # What is needed
/// * **Credentials**: given by [`credentials`](Self::credentials) or a [`profile`](Self::profile); if neither, looked
///   for as [`Profile`] says, which also has the order of all sources. Explicit settings go before those of a profile, and
///   what is set neither here nor there is looked for as well.
/// * **Where**: an [`endpoint`](Self::endpoint), or else the service's address in the token's catalogue (after signing in
///   with a password), or else that of the [`region`](Self::region).
/// * **The project**: its [`id`](Self::project_id), or its [`name`](Self::project_name), or else the region's main project,
///   which bears the region's name. A name is looked up by the identity service, whose address is the
///   [`auth_url`](Self::auth_url) or that of the region. Where both are given, they must be those of one project.
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
    given: Given,
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
    seed: Option<u64>,
}

/// What the builder itself was told.
#[derive(Default)]
struct Given {
    credentials: Option<Credentials>,
    region: Option<String>,
    endpoint: Option<String>,
    auth_url: Option<String>,
    project_id: Option<String>,
    project_name: Option<String>,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: what is not checked yet may hold a password.
        let names = [
            ("credentials", self.credentials.is_some()),
            ("region", self.region.is_some()),
            ("endpoint", self.endpoint.is_some()),
            ("auth_url", self.auth_url.is_some()),
            ("project_id", self.project_id.is_some()),
            ("project_name", self.project_name.is_some()),
        ];
        let given = names.iter().filter(|(_, given)| *given);
        f.debug_set().entries(given.map(|(name, _)| name)).finish()
    }
}

impl Given {
    /// Whether no other source can add anything that a client needs.
    fn is_complete(&self) -> bool {
        let sign_in = match self.credentials.as_ref().map(|credentials| &credentials.0) {
            Some(Kind::Password(_)) => self.auth_url.is_some(),
            Some(_) => true,
            None => false,
        };
        sign_in && self.endpoint.is_some() && self.project_id.is_some()
    }
}

/// A page of ten thousand notebooks is half as long.
const MAX_BODY: usize = 32 * 1024 * 1024;

impl fmt::Debug for ModelArtsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelArtsBuilder")
            .field("given", &self.given)
            .field("profile", &self.profile)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl ModelArtsBuilder {
    pub(crate) fn new() -> Self {
        Self {
            profile: None,
            given: Given::default(),
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
            seed: None,
        }
    }

    /// Who is calling.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.given.credentials = Some(credentials);
        self
    }

    /// Everything that a profile has and that is not set explicitly. The last call of this counts.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Where to look for what is not given. The environment of the process unless set.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// The region, for example `eu-de`.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.given.region = Some(region.into());
        self
    }

    /// The address of the service, for example `https://modelarts.eu-de.otc.t-systems.com`. It goes before all else.
    ///
    /// It may end with `/v1/` and the project, as OpenStack tools have it.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.given.endpoint = Some(url.into());
        self
    }

    /// The address of the identity service, for example `https://iam.eu-de.otc.t-systems.com/v3`.
    pub fn auth_url(mut self, url: impl Into<String>) -> Self {
        self.given.auth_url = Some(url.into());
        self
    }

    /// The id of the project.
    pub fn project_id(mut self, id: impl Into<String>) -> Self {
        self.given.project_id = Some(id.into());
        self
    }

    /// The name of the project, for example `eu-de_nlp`.
    pub fn project_name(mut self, name: impl Into<String>) -> Self {
        self.given.project_name = Some(name.into());
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
        self.proxy = Some(Secret::from(url.into()));
        self
    }

    /// Certificates (PEM, one or several) to trust beside those of the platform, or beside a configured `cacert`.
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

    /// An HTTP client of your own, best from [`http_client_builder`](crate::http_client_builder). It must not follow redirects.
    ///
    /// Certificates and proxy are those that it was built with. It serves the runtime on which it is used first, and
    /// others only if that one has threads of its own; without this setting the client serves any number of runtimes.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// Where tokens outlive the process. In memory only unless set. See [`TokenCache`].
    pub fn token_cache(mut self, cache: Arc<dyn TokenCache>) -> Self {
        self.token_cache = Some(cache);
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
        let sources = Sources {
            site: self.sources()?,
            allow_http: self.allow_http,
        };
        let settings = Settings::default().with(self.options.clone());
        let pipeline = Arc::new(self.pipeline(&sources.site)?);
        let identity = sources.identity(&pipeline, &settings);
        let identity_endpoint = identity.as_ref().ok().map(|known| known.endpoint.clone());
        let clock = self.clock.clone();
        let cache = self.token_cache.take();
        let warnings = sources.site.warnings.clone();
        let place = sources.place(identity, clock, cache).await;
        // What was not understood may be why.
        let place = place.map_err(|error| warnings.into_iter().fold(error, Error::with_note))?;
        place.warnings.iter().for_each(|warning| warn!("{warning}"));
        let core = Core::new(pipeline, place, identity_endpoint.as_deref());
        Ok(ModelArts::new(core, settings))
    }

    /// All that is known from the builder and from elsewhere.
    fn sources(&mut self) -> Result<Resolved> {
        let mut given = std::mem::take(&mut self.given);
        for (what, value) in [
            ("region", &mut given.region),
            ("endpoint", &mut given.endpoint),
            ("auth URL", &mut given.auth_url),
            ("project id", &mut given.project_id),
            ("project name", &mut given.project_name),
        ] {
            let Some(value) = value else { continue };
            *value = value.trim().to_owned();
            if value.is_empty() {
                return Err(Error::configuration(format!("the {what} is empty")));
            }
        }
        let own = given.credentials.is_some();
        let profile = match self.profile.take() {
            Some(profile) => profile,
            None if given.is_complete() => Profile::default(),
            None if own => Profile::surroundings(&self.environment)?,
            None => Profile::find(&self.environment)?,
        };
        let mut site = profile.resolve(given.region.as_deref(), !own)?;
        if own {
            site.credentials = given.credentials;
        }
        if site.credentials.is_none() {
            return Err(profile.without_credentials());
        }
        site.region = given.region.or(site.region);
        site.endpoint = given.endpoint.or(site.endpoint);
        site.auth_url = given.auth_url.or(site.auth_url);
        // An id and a name of different origin would name two projects.
        if given.project_id.is_some() || given.project_name.is_some() {
            site.project_id = given.project_id;
            site.project_name = given.project_name;
        }
        if self.http.is_some() && !(site.tls.is_default() && self.roots.is_empty()) {
            site.warnings.push(
                "certificates are configured, and not used, since `http_client` was given a client of its own".to_owned(),
            );
        }
        if site.tls.unverified {
            site.warnings.push(
                "certificates are not verified: `verify` is off, or `insecure` on".to_owned(),
            );
        }
        Ok(site)
    }

    fn pipeline(&mut self, site: &Resolved) -> Result<Pipeline> {
        let random = match self.seed {
            Some(seed) => fastrand::Rng::with_seed(seed),
            None => fastrand::Rng::new(),
        };
        let language = self
            .language
            .as_deref()
            .map(HeaderValue::from_str)
            .transpose();
        let (clients, http) = self.http_clients(site)?;
        Ok(Pipeline {
            http,
            clients,
            clock: self.clock.clone(),
            random: Mutex::new(random),
            budget: self.retry_budget.clone(),
            rate_limit: self.rate_limit.take(),
            user_agent: self.user_agent_header()?,
            language: language.map_err(|_| unfit("language"))?,
            max_body: self.max_body,
        })
    }

    fn http_clients(&mut self, site: &Resolved) -> Result<(HttpClients, reqwest::Client)> {
        if let Some(client) = self.http.take() {
            return Ok((HttpClients::from_client(&client), client));
        }
        let urls = [&site.endpoint, &site.auth_url];
        let urls: Vec<_> = urls.into_iter().flatten().collect();
        let all = |is: fn(&Url) -> bool| {
            !urls.is_empty()
                && urls
                    .iter()
                    .all(|url| Url::parse(url).is_ok_and(|url| is(&url)))
        };
        let proxy = match self.proxy.take() {
            Some(url) => ProxyChoice::All(url),
            // A proxy of the environment cannot reach this machine by such a name.
            None if all(endpoint::is_loopback) => ProxyChoice::None,
            None => ProxyChoice::Environment,
        };
        let tls = Tls::with_roots(std::mem::take(&mut self.roots));
        HttpClients::own(Recipe {
            tls: tls.read(&site.tls)?,
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
        HeaderValue::from_str(&format!("{name} {OWN}")).map_err(|_| unfit("user agent"))
    }
}

fn unfit(what: &str) -> Error {
    Error::configuration(format!(
        "the {what} holds characters that a header cannot carry"
    ))
}

/// What all sources say, and how strict to be with it.
struct Sources {
    site: Resolved,
    allow_http: bool,
}

/// Who calls, and where.
pub(crate) struct Place {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) endpoint: String,
    pub(crate) project_id: String,
    pub(crate) warnings: Vec<String>,
}

/// The project as far as it is configured.
struct Project {
    id: Option<String>,
    name: Option<String>,
}

impl Sources {
    /// Signs in if need be, and finds out what is not known yet.
    async fn place(
        mut self,
        identity: Result<Identity>,
        clock: Arc<dyn Clock>,
        cache: Option<Arc<dyn TokenCache>>,
    ) -> Result<Place> {
        let Some(credentials) = self.site.credentials.take() else {
            return Err(Error::configuration("there are no credentials"));
        };
        let project = self.project()?;
        // Whatever can be refused is, before anything is sent.
        let configured = match &self.site.endpoint {
            Some(endpoint) => Some(self.endpoint(endpoint)?),
            None => None,
        };
        let (authenticator, project_id, from_catalog): (Arc<dyn Authenticator>, _, _) =
            match &credentials.0 {
                Kind::Password(login) => {
                    let scope = self.scope(&project)?;
                    let authenticator =
                        PasswordAuthenticator::new(identity?, login.clone(), scope, clock, cache)?;
                    let token = authenticator
                        .resume_or_sign_in()
                        .await
                        .map_err(|error| self.with_hint(error, &project))?;
                    let (id, found) = self.of_token(token, &project, configured.is_none())?;
                    (Arc::new(authenticator), id, found)
                }
                Kind::Token(token) => {
                    let authenticator = Arc::new(TokenAuthenticator::new(token)?);
                    let id = self
                        .look_up(identity, authenticator.clone(), &project)
                        .await?;
                    (authenticator, id, None)
                }
                Kind::AccessKey(key) => {
                    let scout = AccessKeyAuthenticator::new(key, None, clock)?;
                    let scout = Arc::new(scout);
                    let id = self.look_up(identity, scout.clone(), &project).await?;
                    (Arc::new(scout.for_project(&id)?), id, None)
                }
                Kind::Custom(authenticator) => {
                    let id = self
                        .look_up(identity, authenticator.clone(), &project)
                        .await?;
                    (authenticator.clone(), id, None)
                }
            };
        if let Some((_, Some(named))) = &configured
            && *named != project_id
        {
            return Err(two_projects("the endpoint names", named, &project_id));
        }
        let endpoint = match (configured, from_catalog, &self.site.region) {
            (Some((endpoint, _)), _, _) => endpoint,
            (None, Some(endpoint), _) => self.endpoint(&endpoint)?.0,
            (None, None, Some(region)) => {
                self.may_be_public(
                    self.site.auth_url.as_deref(),
                    "the endpoint by `endpoint` or MODELARTS_ENDPOINT",
                )?;
                endpoint::service(region, self.site.auth_url.as_deref())?
            }
            (None, None, None) => {
                return Err(Error::configuration(
                    "neither an endpoint nor a region is known: call `endpoint` or `region`, or set OS_REGION_NAME",
                ));
            }
        };
        Ok(Place {
            authenticator,
            endpoint,
            project_id,
            warnings: self.site.warnings,
        })
    }

    /// The service's address, and the project that it names.
    fn endpoint(&self, text: &str) -> Result<(String, Option<String>)> {
        let (base, named) = endpoint::without_project(text);
        let base = endpoint::check("endpoint", base, self.allow_http)?;
        Ok((base, named.map(str::to_owned)))
    }

    /// The project that is configured, be it in the address of the service.
    fn project(&mut self) -> Result<Project> {
        let configured = self.site.endpoint.as_deref();
        let named = configured.and_then(|endpoint| endpoint::without_project(endpoint).1);
        let id = match (&self.site.project_id, named) {
            (Some(id), Some(named)) if id != named => {
                return Err(two_projects("the endpoint names", named, id));
            }
            (Some(id), _) => Some(id.clone()),
            (None, Some(named)) if self.site.project_name.is_none() => Some(named.to_owned()),
            (None, _) => None,
        };
        if let Some(id) = &id {
            self.check_id(id)?;
        }
        Ok(Project {
            id,
            name: self.site.project_name.clone(),
        })
    }

    fn check_id(&mut self, id: &str) -> Result<()> {
        let region = self.site.region.as_deref();
        let of_region = |region: &str| {
            let rest = id.strip_prefix(region);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        if region.is_some_and(of_region) || endpoint::regions().any(of_region) {
            return Err(Error::configuration(format!(
                "the project id `{id}` is the name of a project: call `project_name`, or set OS_PROJECT_NAME, instead"
            )));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !id.chars().all(is_plain) {
            return Err(Error::configuration(
                "the project id holds other characters than letters, digits, - and _; a name belongs into `project_name`, \
                 or OS_PROJECT_NAME",
            ));
        }
        Ok(())
    }

    /// Says what may be wrong with an id that the identity service refuses.
    fn with_hint(&self, error: Error, project: &Project) -> Error {
        let is_hex = |id: &String| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit());
        match &project.id {
            Some(id) if error.status().is_some() && !is_hex(id) => error.with_note(format!(
                "the project id `{id}` is not the 32 hexadecimal digits that ids are: is it a name, for `project_name` or \
                 OS_PROJECT_NAME?"
            )),
            // Nobody has named the project that was asked for.
            None if error.status().is_some() && project.name.is_none() => {
                let region = self.site.region.as_deref().unwrap_or_default();
                error.with_note(format!(
                    "no project is configured, so that of the region `{region}` was asked for"
                ))
            }
            _ => error,
        }
    }

    /// The project that a token is for, and the service's address in its catalogue.
    fn of_token(
        &self,
        token: Token,
        project: &Project,
        with_catalog: bool,
    ) -> Result<(String, Option<String>)> {
        let scoped = token.project.unwrap_or_default();
        if let (Some(wanted), Some(name)) = (&project.name, &scoped.name)
            && wanted != name
        {
            return Err(two_projects("the project name is", wanted, name));
        }
        let id = match (&project.id, scoped.id) {
            (Some(wanted), Some(id)) if *wanted != id => {
                return Err(two_projects("the project id is", wanted, &id));
            }
            (_, Some(id)) => id,
            (Some(wanted), None) => wanted.clone(),
            (None, None) => {
                return Err(Error::configuration(
                    "the token names no project: set the project id",
                ));
            }
        };
        let found = match with_catalog {
            true => endpoint::from_catalog(
                &token.catalog.unwrap_or_default(),
                self.site.region.as_deref(),
                self.site.interface.as_deref(),
            )?,
            false => None,
        };
        Ok((id, found))
    }

    /// The project's id for credentials that do not tell it themselves.
    async fn look_up(
        &mut self,
        identity: Result<Identity>,
        authenticator: Arc<dyn Authenticator>,
        project: &Project,
    ) -> Result<String> {
        let Some(id) = &project.id else {
            let name = self.project_by_name(project)?;
            return identity?.project_id(&name, authenticator).await;
        };
        let Some(name) = &project.name else {
            return Ok(id.clone());
        };
        let found = match identity {
            Ok(identity) => identity.project_ids(name, authenticator).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(ids) if ids.contains(id) => {}
            Ok(ids) => {
                return Err(match ids.first() {
                    Some(other) => two_projects("the project id is", id, other),
                    None => unknown_project(name),
                });
            }
            // The credentials are wrong; who may only not list projects goes on.
            Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => return Err(error),
            Err(error) => self.site.warnings.push(format!(
                "the project's id and name could not be compared, and the id is used: {error}"
            )),
        }
        Ok(id.clone())
    }

    fn project_by_name(&self, project: &Project) -> Result<String> {
        // The main project of a region bears the region's name.
        let name = project.name.as_ref().or(self.site.region.as_ref());
        name.cloned().ok_or_else(|| {
            Error::configuration(
                "the project is not known: call `project_id` or `project_name`, or set OS_PROJECT_ID or OS_PROJECT_NAME",
            )
        })
    }

    fn scope(&self, project: &Project) -> Result<Scope> {
        Ok(Scope {
            project: match &project.id {
                Some(id) => Named::Id(id.clone()),
                None => Named::Name(self.project_by_name(project)?),
            },
            domain: self.site.project_domain.clone(),
        })
    }

    /// Refuses to take a public cloud's address when the cloud is one that is not known.
    fn may_be_public(&self, other: Option<&str>, missing: &str) -> Result<()> {
        match (&self.site.no_public_cloud, other) {
            (Some(reason), None) => Err(Error::configuration(format!("{reason}: set {missing}"))),
            _ => Ok(()),
        }
    }

    /// The identity service; an error only matters to who needs it.
    fn identity(&self, pipeline: &Arc<Pipeline>, settings: &Settings) -> Result<Identity> {
        let url = match (&self.site.auth_url, &self.site.region) {
            (Some(url), _) => endpoint::without_version(url)?.to_owned(),
            (None, Some(region)) => {
                self.may_be_public(
                    self.site.endpoint.as_deref(),
                    "the auth URL by `auth_url` or OS_AUTH_URL",
                )?;
                endpoint::identity(region, self.site.endpoint.as_deref())?
            }
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
}

fn two_projects(what: &str, wanted: &str, found: &str) -> Error {
    Error::configuration(format!(
        "{what} `{wanted}`, and the project is `{found}`: remove or correct one of them"
    ))
}

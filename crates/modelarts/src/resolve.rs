//! Resolves the credentials, address and project of a client from all configuration sources.

use std::sync::Arc;

use http::StatusCode;
use modelarts_client::iam::types::Token;

use crate::clock::Clock;
use crate::config::ResolvedProfile;
use crate::credentials::{
    AccessKeyAuthenticator, Authenticator, CredentialsKind, Named, PasswordAuthenticator,
    TokenAuthenticator, TokenCache, TokenScope,
};
use crate::endpoint;
use crate::error::{Error, Result};
use crate::identity::{IdentityService, unknown_project};
use crate::options::CallSettings;
use crate::transport::Pipeline;

/// The merged configuration of all sources, and how strictly to check it.
pub(crate) struct Resolver {
    pub(crate) profile: ResolvedProfile,
    pub(crate) allow_http: bool,
}

/// The resolved credentials, address and project of a client.
pub(crate) struct ResolvedClient {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) endpoint: String,
    pub(crate) project_id: String,
    pub(crate) warnings: Vec<String>,
}

/// The result of a sign-in or a lookup.
struct SignedIn {
    authenticator: Arc<dyn Authenticator>,
    project_id: String,
    /// The service's address in the catalogue of the token.
    endpoint: Option<String>,
}

/// The project, as far as it is configured.
struct Project {
    id: Option<String>,
    name: Option<String>,
}

impl Resolver {
    /// Signs in if necessary, and looks up missing values.
    pub(crate) async fn resolve(
        mut self,
        identity: Result<IdentityService>,
        clock: Arc<dyn Clock>,
        cache: Option<Arc<dyn TokenCache>>,
    ) -> Result<ResolvedClient> {
        let Some(credentials) = self.profile.credentials.take() else {
            return Err(Error::configuration("there are no credentials"));
        };
        let project = self.project()?;
        // Check everything that can be checked before a request is sent.
        let configured = match &self.profile.endpoint {
            Some(endpoint) => Some(self.endpoint(endpoint)?),
            None => None,
        };
        let signed_in = match &credentials.0 {
            CredentialsKind::Password(login) => {
                let scope = self.scope(&project)?;
                let authenticator =
                    PasswordAuthenticator::new(identity?, login.clone(), scope, clock, cache)?;
                self.sign_in(authenticator, &project, configured.is_none())
                    .await?
            }
            CredentialsKind::Token(token) => {
                let authenticator = Arc::new(TokenAuthenticator::new(token)?);
                self.with_project(identity, authenticator, &project).await?
            }
            CredentialsKind::AccessKey(key) => {
                let lookup = Arc::new(AccessKeyAuthenticator::new(key, None, clock)?);
                let found = self
                    .with_project(identity, lookup.clone(), &project)
                    .await?;
                SignedIn {
                    authenticator: Arc::new(lookup.for_project(&found.project_id)?),
                    ..found
                }
            }
            CredentialsKind::Custom(authenticator) => {
                self.with_project(identity, authenticator.clone(), &project)
                    .await?
            }
        };
        if let Some((_, Some(named))) = &configured
            && *named != signed_in.project_id
        {
            let found = &signed_in.project_id;
            return Err(two_projects("the project in the endpoint is", named, found));
        }
        let endpoint = match (configured, signed_in.endpoint) {
            (Some((endpoint, _)), _) => endpoint,
            (None, Some(endpoint)) => self.endpoint(&endpoint)?.0,
            (None, None) => self.public_endpoint()?,
        };
        Ok(ResolvedClient {
            authenticator: signed_in.authenticator,
            endpoint,
            project_id: signed_in.project_id,
            warnings: self.profile.warnings,
        })
    }

    /// Signs in with a password. Returns the project of the token and, if wanted, the service's address in its
    /// catalogue.
    async fn sign_in(
        &self,
        authenticator: PasswordAuthenticator,
        project: &Project,
        with_catalog: bool,
    ) -> Result<SignedIn> {
        let token = authenticator.resume_or_sign_in().await;
        let token = token.map_err(|error| self.with_hint(error, project))?;
        let (project_id, endpoint) = self.of_token(token, project, with_catalog)?;
        Ok(SignedIn {
            authenticator: Arc::new(authenticator),
            project_id,
            endpoint,
        })
    }

    /// Looks up the project for credentials that do not include it.
    async fn with_project(
        &mut self,
        identity: Result<IdentityService>,
        authenticator: Arc<dyn Authenticator>,
        project: &Project,
    ) -> Result<SignedIn> {
        let project_id = self
            .look_up(identity, authenticator.clone(), project)
            .await?;
        Ok(SignedIn {
            authenticator,
            project_id,
            endpoint: None,
        })
    }

    /// Returns the service's address in the public cloud that has the region.
    fn public_endpoint(&self) -> Result<String> {
        let Some(region) = &self.profile.region else {
            return Err(Error::configuration(
                "neither an endpoint nor a region is set: call `endpoint` or `region`, or set OS_REGION_NAME",
            ));
        };
        let auth_url = self.profile.auth_url.as_deref();
        self.check_public_cloud(auth_url, "the endpoint by `endpoint` or MODELARTS_ENDPOINT")?;
        endpoint::service(region, auth_url)
    }

    /// Returns the service's address, and the project in it, if any.
    fn endpoint(&self, text: &str) -> Result<(String, Option<String>)> {
        let (base, named) = endpoint::without_project(text);
        let base = endpoint::check("endpoint", base, self.allow_http)?;
        Ok((base, named.map(str::to_owned)))
    }

    /// Returns the configured project, which may come from the address of the service.
    fn project(&mut self) -> Result<Project> {
        let configured = self.profile.endpoint.as_deref();
        let named = configured.and_then(|endpoint| endpoint::without_project(endpoint).1);
        let id = match (&self.profile.project_id, named) {
            (Some(id), Some(named)) if id != named => {
                return Err(two_projects("the project in the endpoint is", named, id));
            }
            (Some(id), _) => Some(id.clone()),
            (None, Some(named)) if self.profile.project_name.is_none() => Some(named.to_owned()),
            (None, _) => None,
        };
        if let Some(id) = &id {
            self.check_id(id)?;
        }
        Ok(Project {
            id,
            name: self.profile.project_name.clone(),
        })
    }

    fn check_id(&mut self, id: &str) -> Result<()> {
        let region = self.profile.region.as_deref();
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
                "the project id has characters other than letters, digits, - and _; set a name with `project_name`, or \
                 OS_PROJECT_NAME",
            ));
        }
        Ok(())
    }

    /// Adds a hint about a project that the identity service refuses.
    fn with_hint(&self, error: Error, project: &Project) -> Error {
        let is_hex = |id: &String| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit());
        match &project.id {
            Some(id) if error.status().is_some() && !is_hex(id) => error.with_note(format!(
                "the project id `{id}` does not consist of 32 hexadecimal digits: is it a name, for `project_name` or \
                 OS_PROJECT_NAME?"
            )),
            // The requested project was not configured.
            None if error.status().is_some() && project.name.is_none() => {
                let region = self.profile.region.as_deref().unwrap_or_default();
                error.with_note(format!(
                    "no project is configured, so the main project of the region `{region}` was requested"
                ))
            }
            _ => error,
        }
    }

    /// Returns the project of a token, and the service's address in its catalogue.
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
                    "the token is not scoped to a project: set the project id",
                ));
            }
        };
        let found = match with_catalog {
            true => endpoint::from_catalog(
                &token.catalog.unwrap_or_default(),
                self.profile.region.as_deref(),
                self.profile.interface.as_deref(),
            )?,
            false => None,
        };
        Ok((id, found))
    }

    /// Looks up the ID of the project for credentials that do not include it.
    async fn look_up(
        &mut self,
        identity: Result<IdentityService>,
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
            // Wrong credentials are an error; a missing permission to list projects is only a warning.
            Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => return Err(error),
            Err(error) => self.profile.warnings.push(format!(
                "the project's id and name could not be compared, and the id is used: {error}"
            )),
        }
        Ok(id.clone())
    }

    fn project_by_name(&self, project: &Project) -> Result<String> {
        // The main project of a region has the name of the region.
        let name = project.name.as_ref().or(self.profile.region.as_ref());
        name.cloned().ok_or_else(|| {
            Error::configuration(
                "the project is unknown: call `project_id` or `project_name`, or set OS_PROJECT_ID or OS_PROJECT_NAME",
            )
        })
    }

    fn scope(&self, project: &Project) -> Result<TokenScope> {
        Ok(TokenScope {
            project: match &project.id {
                Some(id) => Named::Id(id.clone()),
                None => Named::Name(self.project_by_name(project)?),
            },
            domain: self.profile.project_domain.clone(),
        })
    }

    /// Returns an error if the address of a public cloud must not be used because the cloud is unknown.
    fn check_public_cloud(&self, other: Option<&str>, missing: &str) -> Result<()> {
        match (&self.profile.no_public_cloud, other) {
            (Some(reason), None) => Err(Error::configuration(format!("{reason}: set {missing}"))),
            _ => Ok(()),
        }
    }

    /// Returns the identity service. Its error matters only if the identity service is needed.
    pub(crate) fn identity(
        &self,
        pipeline: &Arc<Pipeline>,
        settings: &CallSettings,
    ) -> Result<IdentityService> {
        let url = match (&self.profile.auth_url, &self.profile.region) {
            (Some(url), _) => endpoint::without_version(url)?.to_owned(),
            (None, Some(region)) => {
                self.check_public_cloud(
                    self.profile.endpoint.as_deref(),
                    "the auth URL by `auth_url` or OS_AUTH_URL",
                )?;
                endpoint::identity(region, self.profile.endpoint.as_deref())?
            }
            (None, None) => {
                return Err(Error::configuration(
                    "the identity service is needed for signing in or for the project's id, but its address is \
                     unknown: call `auth_url` or `region`, or set OS_AUTH_URL",
                ));
            }
        };
        Ok(IdentityService {
            pipeline: pipeline.clone(),
            settings: Arc::new(settings.clone()),
            endpoint: endpoint::check("auth URL", &url, self.allow_http)?,
        })
    }
}

fn two_projects(what: &str, wanted: &str, found: &str) -> Error {
    Error::configuration(format!(
        "{what} `{wanted}`, but the project is `{found}`: remove or correct one of them"
    ))
}

//! The identity service (IAM): sign-in and project lookup.

use std::sync::Arc;

use modelarts_client::Secret;
use modelarts_client::iam;
use modelarts_client::iam::enums::AuthMethod;
use modelarts_client::iam::types::{
    AuthReq, CreateTokenRequest, DomainReq, IdentityReq, PasswordIdentityReq, PasswordUserReq,
    ProjectScopeReq, ScopeReq, Token,
};

use crate::credentials::{Authenticator, Login, Named, TokenScope};
use crate::endpoint;
use crate::error::{Error, Result};
use crate::options::CallSettings;
use crate::transport::Pipeline;

/// The identity service of a cloud.
#[derive(Clone, Debug)]
pub(crate) struct IdentityService {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) settings: Arc<CallSettings>,
    pub(crate) endpoint: String,
}

impl IdentityService {
    pub(crate) async fn create_token(
        &self,
        login: &Login,
        scope: &TokenScope,
    ) -> Result<(Secret, Token)> {
        let request = self
            .api()
            .create_token()
            .body(token_request(login, scope)?)
            .prepare()?;
        let response = self.pipeline.send(&self.settings, None, request).await?;
        let secret = response.headers().get("x-subject-token");
        let secret = secret.and_then(|token| Some(Secret::from(token.to_str().ok()?)));
        let Some(secret) = secret else {
            return Err(Error::configuration(format!(
                "{} returned no token for the sign-in: is it the address of an identity service?",
                reqwest::Url::parse(&self.endpoint)
                    .map_or_else(|_| String::new(), |url| endpoint::origin(&url))
            )));
        };
        Ok((secret, response.into_inner().token.unwrap_or_default()))
    }

    /// Returns the ID of the only project with this name.
    pub(crate) async fn project_id(
        &self,
        name: &str,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<String> {
        let mut ids = self.project_ids(name, authenticator).await?.into_iter();
        match (ids.next(), ids.next()) {
            (Some(id), None) => Ok(id),
            (None, _) => Err(unknown_project(name)),
            (Some(_), Some(_)) => Err(Error::configuration(format!(
                "several projects are named `{name}`: set the project id"
            ))),
        }
    }

    /// Returns the IDs of all projects with this name.
    pub(crate) async fn project_ids(
        &self,
        name: &str,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<Vec<String>> {
        let request = self.api().list_projects().name(name).prepare()?;
        let authenticator = Some(&*authenticator);
        let response = self
            .pipeline
            .send(&self.settings, authenticator, request)
            .await?;
        let projects = response.into_inner().projects;
        // Filter again, in case the service ignores the filter.
        let ids = projects
            .into_iter()
            .flatten()
            .filter(|project| project.name.as_deref() == Some(name))
            .filter_map(|project| project.id);
        Ok(ids.collect())
    }

    fn api(&self) -> iam::Client {
        iam::Client::new_with_client(&self.endpoint, self.pipeline.http.clone())
    }
}

pub(crate) fn unknown_project(name: &str) -> Error {
    Error::configuration(format!(
        "there is no project named `{name}` for these credentials: set the project id"
    ))
}

fn token_request(login: &Login, scope: &TokenScope) -> Result<CreateTokenRequest> {
    let user = PasswordUserReq::builder()
        .id(login.user.id())
        .name(login.user.name())
        .domain(login.domain.as_ref().map(domain))
        .password(login.password.clone());
    // A name belongs to a domain; without one, the service takes the user's.
    let project_domain = match scope.project {
        Named::Id(_) => None,
        Named::Name(_) => scope.domain.as_ref().or(login.domain.as_ref()).map(domain),
    };
    let identity = IdentityReq::builder()
        .methods(vec![AuthMethod::Password.into()])
        .password(PasswordIdentityReq::builder().user(user));
    let project = ProjectScopeReq::builder()
        .id(scope.project.id())
        .name(scope.project.name())
        .domain(project_domain);
    let auth = AuthReq::builder()
        .identity(identity)
        .scope(ScopeReq::builder().project(project));
    Ok(CreateTokenRequest::builder().auth(auth).build()?)
}

fn domain(named: &Named) -> DomainReq {
    let mut domain = DomainReq::default();
    domain.id = named.id();
    domain.name = named.name();
    domain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_by_names_is_complete() {
        let login = Login::new("trainer", "pw").domain_name("nlp");
        let scope = TokenScope {
            project: Named::Name("eu-de".into()),
            domain: None,
        };
        let body = serde_json::to_value(token_request(&login, &scope).unwrap()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"domain": {"name": "nlp"}, "name": "trainer", "password": "pw"}}
                },
                "scope": {"project": {"domain": {"name": "nlp"}, "name": "eu-de"}}
            }})
        );
    }
}

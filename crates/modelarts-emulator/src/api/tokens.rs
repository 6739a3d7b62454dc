//! Tag `Tokens` of the identity service.

use http::StatusCode;
use modelarts_client::Secret;
use modelarts_client::iam::types::{
    self, AuthReq, CatalogEndpoint, CatalogEntry, CreateTokenRequest, DomainReq, IdentityReq,
    ScopeReq, Token, TokenDomain, TokenProject, TokenRole, TokenUser,
};

use crate::app::App;
use crate::clock::iso;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;
use crate::generated::iam::{CreateTokenResponse, Tokens};
use crate::http::Cx;
use crate::identity::accounts::{self, Accounts};
use crate::identity::token::Claims;

impl Tokens for App {
    async fn create_token(
        &self,
        cx: &Cx,
        body: CreateTokenRequest,
    ) -> ApiResult<CreateTokenResponse> {
        let (x_subject_token, token) = self.sign_in(cx, body.auth)?;
        let body = with_fields!(types::CreateTokenResponse { token: Some(token) });
        Ok(CreateTokenResponse::Created {
            reply: body.into(),
            x_subject_token,
        })
    }
}

impl App {
    fn sign_in(&self, cx: &Cx, auth: AuthReq) -> ApiResult<(Secret, Token)> {
        let AuthReq {
            identity, scope, ..
        } = auth;
        let now = self.clock.now_millis();
        let (user, methods) = identify(self, &identity)?;
        let url = self.base_url(&cx.headers);
        let (user, project, domain) = self.read(|state, _| {
            let accounts = &state.accounts;
            let user = accounts.users.get(&user).ok_or_else(wrong_credentials)?;
            let (project, domain) = scope_of(accounts, user, scope.as_ref())?;
            Ok::<_, ApiError>((
                wire_user(accounts, user),
                project.map(|project| wire_project(accounts, project)),
                domain,
            ))
        })?;
        let user_id = user.id.clone().unwrap_or_default();
        let project_id = project.as_ref().and_then(|project| project.id.as_deref());
        let (token, claims) = self.issue(&user_id, project_id, now);
        let Claims {
            issued, expires, ..
        } = claims;
        let catalog = project_id.map_or_else(Vec::new, |id| catalog(self, &url, id));
        Ok((
            Secret::new(token),
            with_fields!(Token {
                catalog: Some(catalog),
                domain,
                expires_at: Some(iso(expires)),
                issued_at: Some(iso(issued)),
                methods: Some(methods.iter().map(|method| (*method).into()).collect()),
                project,
                roles: Some(vec![with_fields!(TokenRole {
                    id: Some("0".into()),
                    name: Some("te_admin".into()),
                })]),
                user: Some(user),
            }),
        ))
    }
}

fn wrong_credentials() -> ApiError {
    ApiError::with_status(
        StatusCode::UNAUTHORIZED,
        code::BAD_TOKEN,
        "The user does not exist or the password is wrong.",
    )
}

/// Verifies an identity. Returns the id of the user, and the methods that proved it.
fn identify(app: &App, identity: &IdentityReq) -> ApiResult<(String, Vec<&'static str>)> {
    let uses = |method: &str| identity.methods.iter().any(|known| *known == method);
    if uses("token") {
        let token = identity
            .token
            .as_ref()
            .ok_or_else(|| ApiError::required("auth.identity.token", " for the method token"))?;
        let session = app.by_token(token.id.expose(), app.clock.now_millis())?;
        return Ok((session.user().to_owned(), vec!["token", "password"]));
    }
    if !uses("password") {
        return Err(ApiError::value(
            "auth.identity.methods",
            "it must contain password or token",
        ));
    }
    let user = identity
        .password
        .as_ref()
        .map(|password| &password.user)
        .ok_or_else(|| ApiError::required("auth.identity.password", " for the method password"))?;
    if user.id.is_none() && user.name.is_none() {
        return Err(ApiError::required(
            "auth.identity.password.user.name",
            " if there is no id",
        ));
    }
    app.read(|state, _| {
        let accounts = &state.accounts;
        let domain = match &user.domain {
            None => None,
            Some(domain) => Some(find_domain(accounts, domain).ok_or_else(wrong_credentials)?),
        };
        let found = accounts
            .find_user(
                user.id.as_deref(),
                user.name.as_deref(),
                domain.map(|domain| domain.id.as_str()),
            )
            .filter(|found| constant_time_eq(found.password.expose(), user.password.expose()))
            .ok_or_else(wrong_credentials)?;
        Ok((found.id.clone(), vec!["password"]))
    })
}

/// Compares two secrets in constant time.
fn constant_time_eq(a: &str, b: &str) -> bool {
    let differences = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && differences == 0
}

fn find_domain<'a>(accounts: &'a Accounts, domain: &DomainReq) -> Option<&'a accounts::Domain> {
    match (&domain.id, &domain.name) {
        (Some(id), _) => accounts.domains.get(id),
        (None, Some(name)) => accounts.domain_named(name),
        (None, None) => None,
    }
}

type Scope<'a> = (Option<&'a accounts::Project>, Option<TokenDomain>);

fn scope_of<'a>(
    accounts: &'a Accounts,
    user: &accounts::User,
    scope: Option<&ScopeReq>,
) -> ApiResult<Scope<'a>> {
    let refused = |what: &str| {
        ApiError::with_status(
            StatusCode::UNAUTHORIZED,
            code::NO_PROJECT,
            format!("The {what} of the scope does not exist, or the user has no role in it."),
        )
    };
    let Some(scope) = scope else {
        return Ok((None, None));
    };
    if let Some(project) = &scope.project {
        let domain = match &project.domain {
            None => None,
            Some(domain) => Some(find_domain(accounts, domain).ok_or_else(|| refused("domain"))?),
        };
        let own = domain.map_or(user.domain.as_str(), |domain| domain.id.as_str());
        let found = accounts
            .find_project(project.id.as_deref(), project.name.as_deref(), Some(own))
            .filter(|found| user.projects.contains(&found.id))
            .ok_or_else(|| refused("project"))?;
        return Ok((Some(found), None));
    }
    let Some(domain) = &scope.domain else {
        return Ok((None, None));
    };
    let found = find_domain(accounts, domain)
        .filter(|found| found.id == user.domain)
        .ok_or_else(|| refused("domain"))?;
    Ok((None, Some(wire_domain(accounts, &found.id))))
}

fn wire_domain(accounts: &Accounts, id: &str) -> TokenDomain {
    with_fields!(TokenDomain {
        id: Some(id.to_owned()),
        name: Some(accounts.domain_name(id)),
    })
}

fn wire_user(accounts: &Accounts, user: &accounts::User) -> TokenUser {
    with_fields!(TokenUser {
        id: Some(user.id.clone()),
        name: Some(user.name.clone()),
        domain: Some(wire_domain(accounts, &user.domain)),
    })
}

fn wire_project(accounts: &Accounts, project: &accounts::Project) -> TokenProject {
    with_fields!(TokenProject {
        id: Some(project.id.clone()),
        name: Some(project.name.clone()),
        domain: Some(wire_domain(accounts, &project.domain)),
    })
}

fn catalog(app: &App, url: &str, project: &str) -> Vec<CatalogEntry> {
    let entry = |kind: &str, name: &str, path: String| {
        with_fields!(CatalogEntry {
            id: Some(app.random_hex()),
            name: Some(name.to_owned()),
            type_: Some(kind.to_owned()),
            endpoints: Some(vec![with_fields!(CatalogEndpoint {
                id: Some(app.random_hex()),
                interface: Some("public".into()),
                region: Some(app.region.clone()),
                region_id: Some(app.region.clone()),
                url: Some(format!("{url}{path}")),
            })]),
        })
    };
    vec![
        entry("modelarts", "modelarts", format!("/v1/{project}")),
        entry("modelartsv1", "modelartsv1", format!("/v1/{project}")),
        entry("modelartsv2", "modelartsv2", format!("/v2/{project}")),
        entry("identity", "keystone", "/v3".to_owned()),
        entry("iam", "iam", "/v3".to_owned()),
    ]
}

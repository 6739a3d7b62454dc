//! Enough of the identity service to sign in.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use modelarts_client::iam::types::{
    AuthDomain, AuthDomainList, AuthReq, CatalogEndpoint, CatalogEntry, CreateTokenRequest,
    CreateTokenResponse, DomainReq, IdentityReq, Links, Project, ProjectList, ScopeReq, Token,
    TokenDomain, TokenProject, TokenRole, TokenUser,
};
use serde_json::json;
use utoipa_axum::routes;

use super::router::{Api, IamErrors};
use crate::app::App;
use crate::clock::iso;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;
use crate::http::call::Call;
use crate::http::response::json_response;
use crate::identity::accounts::{self, Accounts};
use crate::identity::token::Claims;

pub(super) fn api() -> Api {
    Api::new()
        .routes(routes!(create_token))
        .routes(routes!(list_auth_domains))
        .routes(routes!(list_projects))
}

#[utoipa::path(
    post, path = "/v3/auth/tokens", operation_id = "createToken", tag = "Tokens",
    request_body = CreateTokenRequest,
    responses(
        (status = 201, description = "Signed in.", body = CreateTokenResponse,
         headers(("X-Subject-Token" = String, description = "The token."))),
        IamErrors
    )
)]
async fn create_token(mut call: Call) -> Response {
    let signed_in = sign_in(&mut call);
    let token = signed_in.as_ref().ok().map(|(token, _)| token.clone());
    let body = signed_in.map(|(_, token)| with_fields!(CreateTokenResponse { token: Some(token) }));
    let mut response = call.answer(StatusCode::CREATED, body);
    if let Some(mut value) = token.and_then(|token| HeaderValue::try_from(token).ok()) {
        value.set_sensitive(true);
        response.headers_mut().insert("x-subject-token", value);
    }
    response
}

fn sign_in(call: &mut Call) -> ApiResult<(String, Token)> {
    let auth = call.body::<CreateTokenRequest>()?.auth;
    let AuthReq {
        identity, scope, ..
    } = auth;
    let now = call.app.clock.now_millis();
    let (user, methods) = identify(&call.app, &identity)?;
    let url = call.base_url();
    let (user, project, domain) = call.app.read(|state, _| {
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
    let (token, claims) = call.app.issue(&user_id, project_id, now);
    let Claims {
        issued, expires, ..
    } = claims;
    let catalog = project_id.map_or_else(Vec::new, |id| catalog(call, &url, id));
    Ok((
        token,
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

fn wrong_credentials() -> ApiError {
    ApiError::with_status(
        StatusCode::UNAUTHORIZED,
        code::BAD_TOKEN,
        "The user does not exist or the password is wrong.",
    )
}

/// The id of the user, and the methods by which it is known.
fn identify(app: &App, identity: &IdentityReq) -> ApiResult<(String, Vec<&'static str>)> {
    let uses = |method: &str| identity.methods.iter().any(|known| *known == method);
    if uses("token") {
        let token = identity
            .token
            .as_ref()
            .ok_or_else(|| ApiError::required("auth.identity.token", " for the method token"))?;
        let session = app.by_token(token.id.expose())?;
        return Ok((session.user().to_owned(), vec!["token", "password"]));
    }
    if !uses("password") {
        return Err(ApiError::value(
            "auth.identity.methods",
            "it has to hold password or token",
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
            " without an id",
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
            .filter(|found| same(found.password.expose(), user.password.expose()))
            .ok_or_else(wrong_credentials)?;
        Ok((found.id.clone(), vec!["password"]))
    })
}

/// Compares two secrets in a time that does not tell where they differ.
fn same(a: &str, b: &str) -> bool {
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

fn catalog(call: &Call, url: &str, project: &str) -> Vec<CatalogEntry> {
    let entry = |kind: &str, name: &str, path: String| {
        with_fields!(CatalogEntry {
            id: Some(call.app.random_hex()),
            name: Some(name.to_owned()),
            type_: Some(kind.to_owned()),
            endpoints: Some(vec![with_fields!(CatalogEndpoint {
                id: Some(call.app.random_hex()),
                interface: Some("public".into()),
                region: Some(call.app.region.clone()),
                region_id: Some(call.app.region.clone()),
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

#[utoipa::path(
    get, path = "/v3/auth/domains", operation_id = "listAuthDomains", tag = "Projects",
    responses((status = 200, description = "The domains.", body = AuthDomainList), IamErrors)
)]
async fn list_auth_domains(call: Call) -> Response {
    call.read(|state, at| {
        let user = state.accounts.users.get(&at.caller.user);
        let domains = user
            .and_then(|user| state.accounts.domains.get(&user.domain))
            .map(|domain| {
                with_fields!(AuthDomain {
                    enabled: Some(true),
                    id: Some(domain.id.clone()),
                    name: Some(domain.name.clone()),
                })
            });
        Ok(with_fields!(AuthDomainList {
            domains: Some(domains.into_iter().collect()),
        }))
    })
}

#[utoipa::path(
    get, path = "/v3/projects", operation_id = "listProjects", tag = "Projects",
    params(
        ("name" = Option<String>, Query),
        ("domain_id" = Option<String>, Query),
        ("enabled" = Option<bool>, Query),
    ),
    responses((status = 200, description = "The projects.", body = ProjectList), IamErrors)
)]
async fn list_projects(call: Call) -> Response {
    let url = format!("{}/v3/projects", call.base_url());
    call.read(|state, at| {
        let user = state.accounts.users.get(&at.caller.user);
        let projects = user.into_iter().flat_map(|user| &user.projects);
        let projects = projects
            .filter_map(|id| state.accounts.projects.get(id))
            .filter(|project| {
                call.query
                    .get("name")
                    .is_none_or(|name| project.name == name)
            })
            .filter(|project| {
                call.query
                    .get("domain_id")
                    .is_none_or(|domain| project.domain == domain)
            })
            .filter(|_| call.query.boolean("enabled") != Some(false))
            .map(|project| wire_listed(project, &url))
            .collect();
        Ok(with_fields!(ProjectList {
            links: Some(links(&url)),
            projects: Some(projects),
        }))
    })
}

fn wire_listed(project: &accounts::Project, url: &str) -> Project {
    with_fields!(Project {
        description: Some(String::new()),
        domain_id: Some(project.domain.clone()),
        enabled: Some(true),
        id: Some(project.id.clone()),
        is_domain: Some(false),
        links: Some(links(&format!("{url}/{}", project.id))),
        name: Some(project.name.clone()),
        parent_id: Some(project.domain.clone()),
    })
}

fn links(url: &str) -> Links {
    with_fields!(Links {
        self_: Some(url.to_owned())
    })
}

/// `GET /`: where the versions of the identity service are; a browser is sent to the documentation.
pub(super) async fn versions(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|kinds| kinds.to_str().ok());
    if cfg!(feature = "docs") && accepted.is_some_and(|kinds| kinds.contains("text/html")) {
        let vary = [(header::VARY, "Accept")];
        return (vary, Redirect::temporary("docs/")).into_response();
    }
    let version = describe(&app, &headers);
    json_response(
        StatusCode::MULTIPLE_CHOICES,
        &json!({ "versions": { "values": [version] } }),
    )
}

/// `GET /v3`.
pub(super) async fn version(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    json_response(
        StatusCode::OK,
        &json!({ "version": describe(&app, &headers) }),
    )
}

fn describe(app: &App, headers: &HeaderMap) -> serde_json::Value {
    let url = format!("{}/v3/", app.base_url(headers));
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{ "rel": "self", "href": url }],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json",
        }],
    })
}

//! What happens to every request: it gets an id, faults are applied, its credentials and its content are checked, and
//! it is handled and logged.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::BodyExt;
use tower_service::Service;

use super::compat;
use super::context::RequestContext;
use super::fault::disturb;
use super::operation::Operation;
use super::query::Query;
use super::refusal::{URI_LIMIT, no_method, uri_too_long};
use super::request::{AcceptedRequest, Cx, OperationRequest, PathParameters, Server};
use super::response::{RefusalCode, gateway, refusal};
use super::router::{Found, find};
use crate::app::{App, Session};
use crate::clock::{Millis, Side, real_instant, real_sleep};
use crate::control::{ControlError, guard, to_json_error};
use crate::domain::Caller;
use crate::error::{ApiError, ApiResult, code};
use crate::faults::Fault;
use crate::ids::RequestId;
use crate::log::{Entry, Head, redact};

/// The maximum size of the body of an operation.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// The maximum size of a body in the log.
const LOGGED_BODY: usize = 16 * 1024;

/// How much of a body that is too large is read and discarded. If the connection were closed with unread data, the
/// response could get lost.
const READ_LIMIT: usize = 8 * BODY_LIMIT;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The prefix of the control plane's paths.
pub(crate) const CONTROL: &str = "/_emulator";

/// Responds to a request; `None` if the connection has to be reset instead.
///
/// A request to an operation goes to the generated handler, which calls [`Server::accept`] and then the operation.
/// All other requests go to `others`.
pub(crate) async fn respond(
    app: &App,
    others: &Router,
    request: Request<Body>,
) -> Option<Response> {
    let _in_flight = app.clock.in_flight(Side::Server);
    let begun = real_instant();
    let id = app.request_ids.next();
    if request.uri().path().starts_with(CONTROL) {
        // Boxed, like everything that is rare, to keep this future small: it is moved on every request.
        return Some(with_id(
            Box::pin(control(app, others.clone(), request)).await,
            id,
        ));
    }
    let time = app.clock.millis_at(begun);
    let mut context = RequestContext::new(id, time);
    let method = request.method().clone();
    let head = Head::of(request.uri(), request.headers());
    let response = route(app, others, request, &mut context).await;
    let response = match (app.persisted().await, context.operation) {
        (Ok(()), Some(_)) => response,
        (Ok(()), None) => to_json_error(response),
        (Err(error), Some(operation)) => refusal(&error, operation, id),
        (Err(error), None) => gateway(&error, id),
    };
    let response = match (&context.fault, context.operation) {
        (Some(fault), Some(operation)) => Box::pin(disturb(fault, response, operation)).await,
        _ => response,
    };
    let reset = context.fault.as_ref().is_some_and(|fault| fault.reset);
    let response = (!reset).then(|| with_id(response, id));
    let refused = response
        .as_ref()
        .and_then(|response| response.extensions().get::<RefusalCode>());
    let entry = Entry {
        id,
        time,
        method,
        head,
        operation: context.operation.map(|operation| operation.id.as_str()),
        credentials: context.credentials,
        body: context.body,
        status: response
            .as_ref()
            .map_or(0, |response| response.status().as_u16()),
        error_code: refused.map(|code| code.0.clone()),
        fault: context.fault.and_then(|fault| fault.id),
        micros: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
    };
    log(app, entry);
    response
}

/// Passes a request to its operation, or to another route with its path.
async fn route(
    app: &App,
    others: &Router,
    mut request: Request<Body>,
    context: &mut RequestContext,
) -> Response {
    let uri = request.uri();
    if uri.path().len() + uri.query().unwrap_or_default().len() > URI_LIMIT {
        return uri_too_long(context.id);
    }
    match find(request.method(), uri.path()) {
        Found::Operation(route, path) => {
            context.operation = Some(route.operation);
            let (parts, body) = request.into_parts();
            let request = OperationRequest {
                operation: route.operation,
                parts,
                body,
                path,
                context,
            };
            (route.handler)(app, request).await
        }
        Found::OtherMethod(operation) => no_method(request.method(), operation),
        Found::Nothing => {
            request.extensions_mut().insert(context.id);
            response_of(Box::pin(others.clone().call(request)).await)
        }
    }
}

/// Responds to a request to the control plane.
async fn control(app: &App, mut router: Router, request: Request<Body>) -> Response {
    let response = match guard(&request, &app.addresses) {
        Some(refusal) => refusal,
        None => to_json_error(response_of(router.call(request).await)),
    };
    match app.persisted().await {
        Ok(()) => response,
        Err(error) => ControlError::from(error).into_response(),
    }
}

fn response_of(result: Result<Response, Infallible>) -> Response {
    result.unwrap_or_else(|never| match never {})
}

fn log(app: &App, entry: Entry) {
    tracing::info!(
        target: "modelarts_emulator::request",
        request_id = %entry.id,
        method = %entry.method,
        path = entry.head.path(),
        operation = entry.operation,
        status = entry.status,
        error_code = entry.error_code.as_deref(),
        micros = entry.micros,
    );
    app.log.push(entry);
}

fn with_id(mut response: Response, id: RequestId) -> Response {
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

impl Server for App {
    async fn accept(&self, request: OperationRequest<'_>) -> Result<AcceptedRequest, Response> {
        let OperationRequest {
            operation,
            parts,
            body,
            path,
            context,
        } = request;
        if let Some(fault) = self.faults.take(&operation.id)
            && Box::pin(act(fault, context)).await
        {
            return Err(Response::default());
        }
        let bytes = match body.is_end_stream() {
            true => Ok(Bytes::new()),
            false => Box::pin(read_body(self, &parts, body)).await,
        };
        let accepted = bytes.and_then(|bytes| check(self, operation, parts, &bytes, path, context));
        accepted.map_err(|error| refusal(&error, operation, context.id))
    }
}

/// Applies the part of a fault that comes before the operation. Returns whether the fault replaces the operation.
async fn act(fault: Fault, context: &mut RequestContext) -> bool {
    if fault.delay_ms > 0 {
        real_sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    let replaces = fault.replaces() && !fault.after;
    context.fault = Some(fault);
    replaces
}

/// Checks everything that has to be valid before the operation is called.
fn check(
    app: &App,
    operation: &'static Operation,
    mut parts: Parts,
    bytes: &Bytes,
    path: PathParameters,
    context: &mut RequestContext,
) -> ApiResult<AcceptedRequest> {
    let session = match operation.secured {
        true => Some(authenticate(app, &parts, bytes, context.time)?),
        false => None,
    };
    context.credentials = session.as_ref().map(Session::by);
    path.check()?;
    let caller = match session {
        None => Caller::nobody(),
        Some(session) => admit(app, &parts, operation, &session, &path)?,
    };
    let strict = app.settings.strict;
    let mut query = Query::parse(parts.uri.query().unwrap_or_default())?;
    compat::adapt_query(operation, &mut query);
    operation.check_query(&query, strict)?;
    operation.check_headers(&parts.headers)?;
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let body = operation.read_body(content_type, bytes);
    if operation.takes_body() && bytes.len() <= LOGGED_BODY {
        let mut logged = match &body {
            Ok(body) => body.clone(),
            Err(_) => serde_json::from_slice(bytes).ok(),
        };
        logged.iter_mut().for_each(redact);
        context.body = logged;
    }
    let mut body = body?;
    if let Some(body) = &mut body {
        if !strict {
            compat::adapt_body(operation, body);
        }
        operation.check_body(body, strict)?;
    }
    Ok(AcceptedRequest {
        cx: Cx {
            caller,
            request_id: context.id,
            headers: std::mem::take(&mut parts.headers),
        },
        operation,
        path,
        query,
        body,
    })
}

async fn read_body(app: &App, parts: &Parts, body: Body) -> ApiResult<Bytes> {
    let announced = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > READ_LIMIT as u64) {
        return Err(too_large());
    }
    collect(body, app.timeouts.body).await
}

async fn collect(body: Body, limit: Duration) -> ApiResult<Bytes> {
    match tokio::time::timeout(limit, frames(body)).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::new(
            code::PARAMETER,
            "The body ended before it was complete.",
        )),
        Err(_) => Err(ApiError::new(
            code::TIMEOUT,
            "The body did not arrive in time.",
        )),
    }
}

/// Reads the body; `None` if it is too large.
async fn frames(mut body: Body) -> Result<Option<Bytes>, axum::Error> {
    let mut kept = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length <= BODY_LIMIT {
            kept.extend_from_slice(&data);
        } else if length > READ_LIMIT {
            break;
        }
    }
    Ok((length <= BODY_LIMIT).then(|| kept.freeze()))
}

fn too_large() -> ApiError {
    ApiError::new(
        code::PARAMETER,
        format!("The body is larger than {BODY_LIMIT} bytes; send less at once."),
    )
}

fn authenticate(app: &App, parts: &Parts, body: &Bytes, now: Millis) -> ApiResult<Session> {
    let text = |name: &str| parts.headers.get(name).map(HeaderValue::to_str);
    if let Some(token) = text("x-auth-token") {
        let token = token.unwrap_or_default().trim();
        if token.is_empty() {
            return Err(ApiError::new(
                code::NO_TOKEN,
                "The header X-Auth-Token is empty.",
            ));
        }
        return app.by_token(token, now);
    }
    match parts.headers.get(AUTHORIZATION).map(HeaderValue::to_str) {
        Some(text) => app.by_signature(parts, body, text.unwrap_or_default()),
        None => Err(ApiError::new(
            code::NO_TOKEN,
            "The request is not signed and has no token; send X-Auth-Token or a signature.",
        )),
    }
}

/// Returns the caller, if the session allows access to the project of the path.
fn admit(
    app: &App,
    parts: &Parts,
    operation: &Operation,
    session: &Session,
    path: &PathParameters,
) -> ApiResult<Caller> {
    let asked = path.get("project_id").filter(|_| operation.project);
    let header = parts
        .headers
        .get("x-project-id")
        .and_then(|value| value.to_str().ok());
    app.with_accounts(|accounts| {
        let user = accounts.users.get(session.user()).ok_or_else(|| {
            ApiError::new(code::BAD_TOKEN, "The user of the token no longer exists.")
        })?;
        let Some(asked) = asked else {
            return Ok(Caller {
                user: user.id.clone(),
                project: session.project().unwrap_or_default().to_owned(),
                admin: user.admin,
            });
        };
        if matches!(session, Session::Token(_)) && session.project().is_none() {
            return Err(ApiError::new(
                code::NO_PROJECT,
                "The token is not limited to a project; sign in with the project as the scope.",
            ));
        }
        let scope = session.project().or(header).unwrap_or(asked);
        if scope != asked || !user.projects.contains(asked) {
            return Err(ApiError::new(
                code::FORBIDDEN,
                format!(
                    "The credentials do not allow {} in the project of the path.",
                    operation.id
                ),
            ));
        }
        Ok(Caller {
            user: user.id.clone(),
            project: asked.to_owned(),
            admin: user.admin,
        })
    })
}

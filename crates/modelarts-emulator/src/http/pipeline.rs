//! What happens to every request: it gets an id, is disturbed if a fault says so, has to prove who it is from, is held
//! against the document, answered and logged.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::Value;
use tower_service::Service;

use crate::app::{App, Session};
use crate::clock::{Side, real_instant, real_sleep};
use crate::control::{ControlError, guard, put_into_words};
use crate::domain::Caller;
use crate::error::{ApiError, ApiResult, code};
use crate::faults::Fault;
use crate::http::call::{Call, param};
use crate::http::response::{RefusalCode, gateway, json_response, keystone, note_code, refusal};
use crate::http::validate::{Api, OPERATIONS, Operation};
use crate::ids::RequestId;
use crate::log::{Entry, Head, redact};

/// The largest body that an operation takes.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// The largest body that the log keeps.
const LOGGED_BODY: usize = 16 * 1024;

/// So much is read, and thrown away beyond the limit: closing with unread data would destroy the answer on its way.
const READ_LIMIT: usize = 8 * BODY_LIMIT;

/// The longest path with its query, as the gateway has it.
const URI_LIMIT: usize = 32 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Of the control plane and of what else is no part of the emulated service.
pub(crate) const CONTROL: &str = "/_emulator";

/// What a request leaves behind on its way to an operation, for the answer and for the log.
#[derive(Debug)]
pub(crate) struct Trail {
    id: RequestId,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    operation: Option<&'static Operation>,
    credentials: Option<&'static str>,
    body: Option<Value>,
    fault: Option<Fault>,
}

/// Answers a request; `None` if the connection has to break off instead.
///
/// The way through the operations is longer than it looks: the routes lead to a handler, whose argument is a [`Call`],
/// and what has to be right before that is made right when it is extracted.
pub(crate) async fn respond(
    app: &Arc<App>,
    mut router: Router,
    mut request: Request<Body>,
) -> Option<Response> {
    let _under_way = app.clock.under_way(Side::Server);
    let begun = real_instant();
    let id = app.request_ids.next();
    if request.uri().path().starts_with(CONTROL) {
        // Boxed, like everything rare, so that the common way stays small: it is moved on every request.
        return Some(with_id(Box::pin(control(app, router, request)).await, id));
    }
    let time = app.clock.now_millis();
    let method = request.method().clone();
    let head = Head::of(request.uri(), request.headers());
    let trail = Arc::new(Trail {
        id,
        notes: Mutex::default(),
    });
    let length = request.uri().path().len() + request.uri().query().unwrap_or_default().len();
    let response = if length > URI_LIMIT {
        uri_too_long(id)
    } else {
        request.extensions_mut().insert(Arc::clone(&trail));
        answered(router.call(request).await)
    };
    let notes = std::mem::take(&mut *trail.notes.lock());
    let response = match (app.settled().await, notes.operation) {
        (Ok(()), Some(_)) => response,
        (Ok(()), None) => put_into_words(response),
        (Err(error), Some(operation)) => refusal(&error, operation, id),
        (Err(error), None) => gateway(&error, id),
    };
    let response = match (&notes.fault, notes.operation) {
        (Some(fault), Some(operation)) => Box::pin(disturb(fault, response, operation)).await,
        _ => response,
    };
    let reset = notes.fault.as_ref().is_some_and(|fault| fault.reset);
    let response = (!reset).then(|| with_id(response, id));
    let refused = response
        .as_ref()
        .and_then(|response| response.extensions().get::<RefusalCode>());
    let entry = Entry {
        id,
        time,
        method,
        head,
        operation: notes.operation.map(|operation| operation.id.as_str()),
        credentials: notes.credentials,
        body: notes.body,
        status: response
            .as_ref()
            .map_or(0, |response| response.status().as_u16()),
        error_code: refused.map(|code| code.0.clone()),
        fault: notes.fault.and_then(|fault| fault.id),
        micros: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
    };
    log(app, entry);
    response
}

/// Answers a request to the control plane.
async fn control(app: &App, mut router: Router, request: Request<Body>) -> Response {
    let response = match guard(&request, &app.addresses) {
        Some(refusal) => refusal,
        None => put_into_words(answered(router.call(request).await)),
    };
    match app.settled().await {
        Ok(()) => response,
        Err(error) => ControlError::from(error).into_response(),
    }
}

fn answered(answer: Result<Response, Infallible>) -> Response {
    answer.unwrap_or_else(|never| match never {})
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

impl FromRequest<Arc<App>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let path = parts.extensions.get::<MatchedPath>();
        let path = path.map(MatchedPath::as_str).unwrap_or_default();
        // `HEAD` finds the handlers of `GET`.
        let Some(operation) = OPERATIONS.find(parts.method.as_str(), path) else {
            return Err(no_method(&parts.method, &parts.uri, path));
        };
        let Some(trail) = parts.extensions.remove::<Arc<Trail>>() else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        trail.notes.lock().operation = Some(operation);
        if let Some(fault) = app.faults.take(&operation.id)
            && Box::pin(act(fault, &trail)).await
        {
            return Err(Response::default());
        }
        let call = prepare(app, &mut parts, body, operation, &trail).await;
        call.map_err(|error| refusal(&error, operation, trail.id))
    }
}

/// Lets a fault act before the operation; returns whether it takes the place of the operation.
async fn act(fault: Fault, trail: &Trail) -> bool {
    if fault.delay_ms > 0 {
        real_sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    let replaces = fault.replaces() && !fault.after;
    trail.notes.lock().fault = Some(fault);
    replaces
}

/// Everything that has to be right before the operation itself is asked.
async fn prepare(
    app: &Arc<App>,
    parts: &mut Parts,
    body: Body,
    operation: &'static Operation,
    trail: &Trail,
) -> ApiResult<Call> {
    let bytes = read_body(app, parts, body).await?;
    let session = match operation.id.as_str() {
        "createToken" => None,
        _ => Some(authenticate(app, parts, &bytes)?),
    };
    trail.notes.lock().credentials = session.as_ref().map(Session::by);
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| ApiError::new(code::PARAMETER, "The path is not UTF-8 after decoding."))?;
    let caller = match session {
        None => Caller::nobody(),
        Some(session) => admit(app, parts, operation, &session, &params)?,
    };
    let strict = app.settings.strict;
    let query = operation.check_query(parts.uri.query().unwrap_or_default(), strict)?;
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let body = operation.check_body(content_type, &bytes, strict);
    if operation.takes_body() && bytes.len() <= LOGGED_BODY {
        let mut logged = match &body {
            Ok(body) => Some(body.clone()),
            Err(_) => serde_json::from_slice(&bytes).ok(),
        };
        logged.iter_mut().for_each(redact);
        trail.notes.lock().body = logged;
    }
    Ok(Call {
        app: Arc::clone(app),
        operation,
        caller,
        params,
        query,
        body: body?,
        request_id: trail.id,
        headers: std::mem::take(&mut parts.headers),
    })
}

async fn read_body(app: &App, parts: &Parts, body: Body) -> ApiResult<Bytes> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > READ_LIMIT as u64) {
        return Err(too_large());
    }
    Box::pin(collect(body, app.patience.body)).await
}

async fn collect(body: Body, patience: Duration) -> ApiResult<Bytes> {
    match tokio::time::timeout(patience, frames(body)).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::new(
            code::PARAMETER,
            "The body ended before its end.",
        )),
        Err(_) => Err(ApiError::new(
            code::TIMEOUT,
            "The body did not arrive in time.",
        )),
    }
}

/// The body, or nothing if it is too large.
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

fn authenticate(app: &App, parts: &Parts, body: &Bytes) -> ApiResult<Session> {
    let text = |name: &str| parts.headers.get(name).map(HeaderValue::to_str);
    if let Some(token) = text("x-auth-token") {
        let token = token.unwrap_or_default().trim();
        if token.is_empty() {
            return Err(ApiError::new(
                code::NO_TOKEN,
                "The header X-Auth-Token is empty.",
            ));
        }
        return app.by_token(token);
    }
    match parts.headers.get(AUTHORIZATION).map(HeaderValue::to_str) {
        Some(text) => app.by_signature(parts, body, text.unwrap_or_default()),
        None => Err(ApiError::new(
            code::NO_TOKEN,
            "The request is not signed and has no token; send X-Auth-Token or a signature.",
        )),
    }
}

/// Lets the user of a session into the project of the path, or not.
fn admit(
    app: &App,
    parts: &Parts,
    operation: &Operation,
    session: &Session,
    params: &RawPathParams,
) -> ApiResult<Caller> {
    let asked = param(params, "project_id").filter(|_| operation.project);
    let header = parts
        .headers
        .get("x-project-id")
        .and_then(|value| value.to_str().ok());
    app.read(|state, _| {
        let user = state.accounts.users.get(session.user()).ok_or_else(|| {
            ApiError::new(
                code::BAD_TOKEN,
                "The user of the token does not exist any more.",
            )
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
                "The token is not for a project; sign in with the project as scope.",
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

fn uri_too_long(request_id: RequestId) -> Response {
    let error = ApiError::with_status(
        StatusCode::URI_TOO_LONG,
        code::GATEWAY_REQUEST,
        format!("The URL of the request is longer than {URI_LIMIT} bytes; send less in the query."),
    );
    gateway(&error, request_id)
}

/// What the gateway says of a path that it does not know.
pub(crate) async fn no_route(request: Request<Body>) -> Response {
    if let Some(response) = not_emulated(&request) {
        return response;
    }
    let path: String = request.uri().path().chars().take(256).collect();
    let error = ApiError::with_status(
        StatusCode::NOT_FOUND,
        code::GATEWAY_ROUTE,
        format!("The API does not exist: {} {path}.", request.method()),
    );
    match request.extensions().get::<Arc<Trail>>() {
        Some(trail) => gateway(&error, trail.id),
        // The control plane has words of its own.
        None => error.status.into_response(),
    }
}

/// The response to an operation that a document has and the emulator has not.
fn not_emulated(request: &Request<Body>) -> Option<Response> {
    let method = request.method().as_str();
    let operation = OPERATIONS.not_emulated(method, request.uri().path())?;
    let trail = request.extensions().get::<Arc<Trail>>()?;
    trail.notes.lock().operation = Some(operation);
    let error = ApiError::with_status(
        StatusCode::NOT_IMPLEMENTED,
        code::NOT_EMULATED,
        format!(
            "The emulator does not implement {}; only the service itself does.",
            operation.id
        ),
    );
    Some(refusal(&error, operation, trail.id))
}

/// What the gateway says of a method that the path does not have.
pub(crate) async fn other_method(path: MatchedPath, request: Request<Body>) -> Response {
    if let Some(response) = not_emulated(&request) {
        return response;
    }
    no_method(request.method(), request.uri(), path.as_str())
}

fn no_method(method: &Method, uri: &Uri, path: &str) -> Response {
    let allowed = OPERATIONS.methods(path).join(", ");
    let error = ApiError::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        code::GATEWAY_ROUTE,
        format!("The path has no operation {method}; it has {allowed}."),
    );
    let mut response = json_response(
        error.status,
        &error.body(uri.path().contains("/demanager/")),
    );
    note_code(&mut response, error.code.as_str());
    if let Ok(value) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

impl Fault {
    /// Whether it leaves nothing of the real answer.
    fn replaces(&self) -> bool {
        self.reset || self.status.is_some() || self.code.is_some() || self.body.is_some()
    }
}

/// The answer as the fault wants it.
async fn disturb(fault: &Fault, response: Response, operation: &Operation) -> Response {
    let mut response = if fault.replaces() {
        replacement(fault, operation)
    } else {
        response
    };
    for (name, value) in &fault.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    if fault.truncate {
        return cut(response).await;
    }
    response
}

fn replacement(fault: &Fault, operation: &Operation) -> Response {
    let status = fault
        .status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(body) = &fault.body {
        let mut response = Response::new(Body::from(body.clone()));
        *response.status_mut() = status;
        let kind = if body.trim_start().starts_with('<') {
            "text/html"
        } else {
            "application/json"
        };
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        return response;
    }
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        let mut response = Response::default();
        *response.status_mut() = status;
        return response;
    }
    let (drawn, text) = match status.as_u16() {
        401 => (code::BAD_TOKEN, "The token is not valid."),
        403 => (code::FORBIDDEN, "The operation is not allowed."),
        408 => (code::TIMEOUT, "The service did not answer in time."),
        429 => (
            code::THROTTLED,
            "Too many requests: pause, and wait up to one minute.",
        ),
        _ => (
            code::INTERNAL,
            "The emulator was told to let this request fail.",
        ),
    };
    let message = fault.message.clone().unwrap_or_else(|| text.to_owned());
    let error = ApiError::with_status(status, drawn, message);
    let given = fault.code.clone();
    let code = given.clone().unwrap_or_else(|| error.code.to_string());
    let mut response = match operation.api {
        Api::Iam => json_response(status, &keystone(&error)),
        Api::DevEnviron => {
            let mut body = error.body(operation.old);
            body.error_code = given.or(body.error_code);
            json_response(status, &body)
        }
    };
    note_code(&mut response, &code);
    response
}

/// The answer, ending in the middle of its body.
async fn cut(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(bytes.len().max(1)));
    let half = bytes.slice(..bytes.len() / 2);
    // The pause lets the first half leave before the connection breaks.
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    let chunks = stream::once(async { Ok(half) }).chain(end);
    Response::from_parts(parts, Body::from_stream(chunks))
}

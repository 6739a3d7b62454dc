//! The control plane, `/_emulator/`: requests with which a test or an operator controls the emulator itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use modelarts_client::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::clock::{ClockReading, FASTEST, LATEST, Millis};
use crate::domain::{InstanceStatus, LONGEST_REASON, Snapshot, TransitionFault};
use crate::error::ApiError;
use crate::faults::Fault;
use crate::fixtures::{Capacity, Fixtures};
use crate::http::authority::Addresses;
use crate::http::response::json_response;
use crate::log::{LogFilter, LoggedRequest};
use crate::nearest::with_nearest;

/// Routes with their descriptions.
pub(crate) type Api = OpenApiRouter<Arc<App>>;

/// The largest body of all but a snapshot.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The largest snapshot.
const SNAPSHOT_LIMIT: usize = 512 * 1024 * 1024;

pub(crate) fn api() -> Api {
    let snapshots = Api::new()
        .routes(routes!(snapshot, restore))
        .layer(DefaultBodyLimit::max(SNAPSHOT_LIMIT));
    Api::new()
        .routes(routes!(health))
        .routes(routes!(reset))
        .routes(routes!(add_fixtures))
        .routes(routes!(accounts))
        .routes(routes!(show_clock, set_clock))
        .routes(routes!(
            list_response_faults,
            add_response_fault,
            clear_response_faults
        ))
        .routes(routes!(remove_response_fault))
        .routes(routes!(
            list_transition_faults,
            add_transition_fault,
            clear_transition_faults
        ))
        .routes(routes!(list_requests, clear_requests))
        .routes(routes!(show_capacity, set_capacity))
        .routes(routes!(set_status))
        .routes(routes!(note_activity))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .merge(snapshots)
}

/// Rejects clients that could not reach a loopback address themselves, above all web pages from elsewhere, and query
/// parameters that no route reads.
pub(crate) fn guard<B>(request: &http::Request<B>, addresses: &Addresses) -> Option<Response> {
    if !addresses.admit(request.headers()) {
        return Some(forbidden());
    }
    let uri = request.uri();
    let query = uri.query().filter(|query| !query.is_empty())?;
    if uri.path() == LOG_PATH && request.method() == http::Method::GET {
        // It reads them itself.
        return None;
    }
    let name = query.split(['=', '&']).next().unwrap_or_default();
    let error = format!("this path takes no parameters in the query, so no `{name}`");
    Some(ControlError::new(StatusCode::BAD_REQUEST, error).into_response())
}

pub(crate) fn forbidden() -> Response {
    let error = "the control plane answers only to this machine; `--host-name` names other hosts that are this machine";
    ControlError::new(StatusCode::FORBIDDEN, error).into_response()
}

/// Where the log is.
const LOG_PATH: &str = "/_emulator/requests";

/// A refusal of the control plane.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ControlError {
    #[serde(skip)]
    #[schema(ignore)]
    status: u16,
    /// What is wrong, in one line.
    error: String,
}

impl ControlError {
    pub(crate) fn new(status: StatusCode, error: impl std::fmt::Display) -> Self {
        Self {
            status: status.as_u16(),
            error: error.to_string(),
        }
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        json_response(status, &self)
    }
}

impl From<ApiError> for ControlError {
    fn from(error: ApiError) -> Self {
        Self::new(error.status, error.message)
    }
}

/// Converts a rejection by the router itself to the control plane's JSON.
pub(crate) fn to_json_error(response: Response) -> Response {
    let error = match response.status() {
        StatusCode::NOT_FOUND => {
            "the emulator has nothing here; see /_emulator/openapi/control.json"
        }
        StatusCode::METHOD_NOT_ALLOWED => "the path has no such method; see the header Allow",
        _ => return response,
    };
    if response.headers().contains_key(header::CONTENT_TYPE) {
        return response;
    }
    let mut with_body = ControlError::new(response.status(), error).into_response();
    if let Some(allowed) = response.headers().get(header::ALLOW) {
        with_body
            .headers_mut()
            .insert(header::ALLOW, allowed.clone());
    }
    with_body
}

/// A JSON body, whatever its declared type.
struct Body<T>(T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = ControlError;

    async fn from_request(mut request: Request, app: &Arc<App>) -> Result<Self, ControlError> {
        request.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Json::from_request(request, app)
            .await
            .map(|Json(value)| Self(value))
            .map_err(|rejection: JsonRejection| {
                let status = match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::BAD_REQUEST,
                };
                ControlError::new(status, with_nearest(&rejection.body_text()))
            })
    }
}

/// A segment of the path.
pub(crate) struct Segment(pub(crate) String);

impl FromRequestParts<Arc<App>> for Segment {
    type Rejection = ControlError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        app: &Arc<App>,
    ) -> Result<Self, ControlError> {
        Path::from_request_parts(parts, app)
            .await
            .map(|Path(text)| Self(text))
            .map_err(|rejection: PathRejection| {
                ControlError::new(StatusCode::NOT_FOUND, rejection.body_text())
            })
    }
}

/// The parameters of the query.
struct Params<T>(T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Params<T> {
    type Rejection = ControlError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        app: &Arc<App>,
    ) -> Result<Self, ControlError> {
        Query::from_request_parts(parts, app)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| {
                ControlError::new(rejection.status(), with_nearest(&rejection.body_text()))
            })
    }
}

type ControlResult<T> = Result<Json<T>, ControlError>;
type Done = Result<StatusCode, ControlError>;

/// The health of the emulator, and what it holds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    pub(crate) status: String,
    /// The version of the emulator.
    pub(crate) version: String,
    /// How many instances there are, of both generations.
    pub(crate) instances: usize,
    /// How many images there are, the built-in ones included.
    pub(crate) images: usize,
}

#[utoipa::path(
    get, path = "/_emulator/health", operation_id = "health", tag = "Emulator", summary = "Check that the emulator runs",
    responses((status = 200, description = "It runs.", body = Health))
)]
async fn health(State(app): State<Arc<App>>) -> Json<Health> {
    let (instances, images) = app.read(|state, _| state.size());
    Json(Health {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instances,
        images,
    })
}

#[utoipa::path(
    post, path = "/_emulator/reset", operation_id = "reset", tag = "State", summary = "Reset the state",
    description = "Everything that was created since is gone, with a state file since the file was made; accounts, tokens and the time stay. Faults and log are emptied.",
    responses(
        (status = 204, description = "Done."),
        (status = 409, description = "The state file is too old to say what it began with.", body = ControlError)
    )
)]
async fn reset(State(app): State<Arc<App>>) -> Done {
    app.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    post, path = "/_emulator/fixtures", operation_id = "addFixtures", tag = "State", summary = "Add what fixtures describe",
    request_body = Fixtures,
    responses(
        (status = 200, description = "Added.", body = Health),
        (status = 400, description = "The fixtures contradict each other or what is there.", body = ControlError)
    )
)]
async fn add_fixtures(
    State(app): State<Arc<App>>,
    Body(fixtures): Body<Fixtures>,
) -> ControlResult<Health> {
    app.write(|state, now| {
        state
            .add_fixtures(fixtures, now)
            .map_err(|error| ApiError::value("fixtures", error))
    })
    .await?;
    Ok(health(State(app)).await)
}

/// The accounts of the emulator, with the secrets that only it knows.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AccountList {
    /// Name by id.
    projects: BTreeMap<String, String>,
    /// The users that may sign in.
    users: Vec<AccountUser>,
}

/// A user that may sign in.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AccountUser {
    /// Id of the user.
    id: String,
    /// Name of the user.
    name: String,
    /// Name of the account.
    domain: String,
    /// Password of the user.
    password: Secret,
    /// Ids of the projects.
    projects: Vec<String>,
    /// Secret key by access key.
    access_keys: BTreeMap<String, Secret>,
}

#[utoipa::path(
    get, path = "/_emulator/accounts", operation_id = "accounts", tag = "State", summary = "List the accounts",
    description = "With passwords and keys, which mean nothing outside this emulator.",
    responses((status = 200, description = "The accounts.", body = AccountList))
)]
async fn accounts(State(app): State<Arc<App>>) -> Json<AccountList> {
    app.read(|state, _| {
        let accounts = &state.accounts;
        let keys_of = |user: &str| {
            accounts
                .keys
                .values()
                .filter(|key| key.user == user)
                .map(|key| (key.access.clone(), key.secret.clone()))
                .collect()
        };
        Json(AccountList {
            projects: accounts
                .projects
                .values()
                .map(|project| (project.id.clone(), project.name.clone()))
                .collect(),
            users: accounts
                .users
                .values()
                .map(|user| AccountUser {
                    id: user.id.clone(),
                    name: user.name.clone(),
                    domain: accounts.domain_name(&user.domain),
                    password: user.password.clone(),
                    projects: user.projects.iter().cloned().collect(),
                    access_keys: keys_of(&user.id),
                })
                .collect(),
        })
    })
}

#[utoipa::path(
    get, path = "/_emulator/snapshot", operation_id = "takeSnapshot", tag = "State", summary = "Take a snapshot",
    responses(
        (status = 200, description = "The whole state.", body = Snapshot),
        (status = 500, description = "It cannot be written.", body = ControlError)
    )
)]
async fn snapshot(State(app): State<Arc<App>>) -> ControlResult<Snapshot> {
    app.read(|state, now| state.save(now))
        .map(Json)
        .map_err(|error| ControlError::new(StatusCode::INTERNAL_SERVER_ERROR, error))
}

#[utoipa::path(
    put, path = "/_emulator/snapshot", operation_id = "restoreSnapshot", tag = "State", summary = "Restore a snapshot",
    request_body = Snapshot,
    responses(
        (status = 204, description = "Restored."),
        (status = 400, description = "It is not a snapshot.", body = ControlError)
    )
)]
async fn restore(State(app): State<Arc<App>>, Body(snapshot): Body<Snapshot>) -> Done {
    app.restore(snapshot).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    get, path = "/_emulator/clock", operation_id = "showClock", tag = "Clock", summary = "Get the emulated time",
    responses((status = 200, description = "The time.", body = ClockReading))
)]
async fn show_clock(State(app): State<Arc<App>>) -> Json<ClockReading> {
    Json(app.clock.reading())
}

/// A change to the clock. Every property that is given is applied, in this order.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct ClockChange {
    /// `true`: the clock only moves when it is advanced.
    manual: bool,
    /// Emulated seconds per real second, more than 0.
    scale: Option<f64>,
    /// `true` stops the clock, `false` resumes it.
    frozen: Option<bool>,
    /// Milliseconds to advance the clock by.
    advance_ms: Option<u64>,
    /// The time to advance the clock to, in milliseconds since the epoch.
    advance_to: Option<i64>,
}

#[utoipa::path(
    post, path = "/_emulator/clock", operation_id = "setClock", tag = "Clock", summary = "Advance, scale or stop the time",
    request_body = ClockChange,
    responses(
        (status = 200, description = "The time now.", body = ClockReading),
        (status = 400, description = "The change makes no sense.", body = ControlError)
    )
)]
async fn set_clock(
    State(app): State<Arc<App>>,
    Body(change): Body<ClockChange>,
) -> ControlResult<ClockReading> {
    let clock = &app.clock;
    change.check(clock.now_millis()).map_err(bad_request)?;
    if change.manual {
        clock.set_manual();
    }
    if let Some(scale) = change.scale {
        clock.set_scale(scale);
    }
    match change.frozen {
        Some(true) => clock.freeze(),
        Some(false) => clock.resume(),
        None => {}
    }
    if let Some(by) = change.advance_ms {
        clock.advance(Duration::from_millis(by));
    }
    if let Some(target) = change.advance_to {
        clock.advance_to(target);
    }
    Ok(Json(clock.reading()))
}

impl ClockChange {
    /// Rejects a change that cannot be applied as a whole, so that no part of it is applied.
    fn check(&self, now: Millis) -> Result<(), String> {
        if let Some(scale) = self.scale
            && !(scale.is_finite() && scale > 0.0 && scale <= FASTEST)
        {
            return Err(format!(
                "scale has to be more than 0 and at most {FASTEST}; use frozen to stop the time"
            ));
        }
        if self.manual && self.scale.is_some() {
            return Err("manual and scale exclude each other".into());
        }
        let after = i64::try_from(self.advance_ms.unwrap_or_default())
            .ok()
            .and_then(|by| now.checked_add(by))
            .filter(|after| *after <= LATEST)
            .ok_or_else(|| {
                format!(
                    "advance_ms leads beyond 9999-01-01 ({LATEST}), where the clock's range ends"
                )
            })?;
        match self.advance_to {
            Some(target) if target > LATEST => Err(format!(
                "advance_to lies beyond 9999-01-01 ({LATEST}), where the clock's range ends"
            )),
            Some(target) if target < after => Err(format!(
                "advance_to lies before the present ({after}); time does not go back, but a snapshot can be taken over"
            )),
            _ => Ok(()),
        }
    }
}

fn bad_request(error: impl std::fmt::Display) -> ControlError {
    ControlError::new(StatusCode::BAD_REQUEST, error)
}

#[utoipa::path(
    get, path = "/_emulator/faults/responses", operation_id = "listResponseFaults", tag = "Faults", summary = "List the response faults",
    responses((status = 200, description = "The active faults.", body = Vec<Fault>))
)]
async fn list_response_faults(State(app): State<Arc<App>>) -> Json<Vec<Fault>> {
    Json(app.faults.list())
}

#[utoipa::path(
    post, path = "/_emulator/faults/responses", operation_id = "addResponseFault", tag = "Faults", summary = "Disturb responses",
    request_body = Fault,
    responses(
        (status = 201, description = "Added.", body = Fault),
        (status = 400, description = "The fault makes no sense.", body = ControlError)
    )
)]
async fn add_response_fault(
    State(app): State<Arc<App>>,
    Body(fault): Body<Fault>,
) -> Result<(StatusCode, Json<Fault>), ControlError> {
    let added = app.faults.add(fault).map_err(bad_request)?;
    Ok((StatusCode::CREATED, Json(added)))
}

#[utoipa::path(
    delete, path = "/_emulator/faults/responses", operation_id = "clearResponseFaults", tag = "Faults", summary = "Remove all response faults",
    responses((status = 204, description = "Done."))
)]
async fn clear_response_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.faults.clear();
    StatusCode::NO_CONTENT
}

#[utoipa::path(
    delete, path = "/_emulator/faults/responses/{id}", operation_id = "removeResponseFault", tag = "Faults", summary = "Remove a response fault",
    params(("id" = u64, Path, description = "Number of the fault.")),
    responses(
        (status = 204, description = "Done."),
        (status = 404, description = "There is no such fault.", body = ControlError)
    )
)]
async fn remove_response_fault(State(app): State<Arc<App>>, Segment(id): Segment) -> Done {
    let removed = id.parse().is_ok_and(|id| app.faults.remove(id));
    if removed {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ControlError::new(
        StatusCode::NOT_FOUND,
        "there is no fault of this number",
    ))
}

#[utoipa::path(
    get, path = "/_emulator/faults/transitions", operation_id = "listTransitionFaults", tag = "Faults",
    summary = "List the transition faults",
    responses((status = 200, description = "The active transition faults.", body = Vec<TransitionFault>))
)]
async fn list_transition_faults(State(app): State<Arc<App>>) -> Json<Vec<TransitionFault>> {
    Json(app.read(|state, _| state.core.failures.clone()))
}

#[utoipa::path(
    post, path = "/_emulator/faults/transitions", operation_id = "addTransitionFault", tag = "Faults",
    summary = "Make a transition fail",
    description = "The next creation, start, stop and so on ends in its failed status.",
    request_body = TransitionFault,
    responses(
        (status = 201, description = "Added.", body = TransitionFault),
        (status = 400, description = "The fault makes no sense.", body = ControlError)
    )
)]
async fn add_transition_fault(
    State(app): State<Arc<App>>,
    Body(fault): Body<TransitionFault>,
) -> Result<(StatusCode, Json<TransitionFault>), ControlError> {
    let added = fault.clone();
    app.write(|state, _| state.add_transition_fault(added))
        .await?;
    Ok((StatusCode::CREATED, Json(fault)))
}

#[utoipa::path(
    delete, path = "/_emulator/faults/transitions", operation_id = "clearTransitionFaults", tag = "Faults",
    summary = "Remove all transition faults",
    responses((status = 204, description = "Done."))
)]
async fn clear_transition_faults(State(app): State<Arc<App>>) -> Done {
    app.write(|state, _| {
        state.core.failures.clear();
        state.set_core_dirty();
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A filter for the requests of the log.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LogQuery {
    /// Only this `operationId`.
    operation: Option<String>,
    /// Only this method.
    method: Option<String>,
    /// Only this status.
    status: Option<u16>,
    /// Only paths that contain this.
    path: Option<String>,
    /// Only since this emulated time, in milliseconds since the epoch.
    since: Option<i64>,
    /// Only the last requests, at most this many.
    limit: Option<usize>,
}

#[utoipa::path(
    get, path = "/_emulator/requests", operation_id = "listRequests", tag = "Log", summary = "List the last requests",
    description = "Oldest first, without secrets. Requests to the control plane are not included.",
    params(LogQuery),
    responses(
        (status = 200, description = "The requests.", body = Vec<LoggedRequest>),
        (status = 400, description = "The filter makes no sense.", body = ControlError)
    )
)]
async fn list_requests(
    State(app): State<Arc<App>>,
    Params(query): Params<LogQuery>,
) -> ControlResult<Vec<LoggedRequest>> {
    let filter = LogFilter {
        operation: query.operation,
        method: query.method,
        status: query.status,
        path: query.path,
        since: query.since,
        limit: query.limit,
    };
    app.log.list(&filter).map(Json).map_err(bad_request)
}

#[utoipa::path(
    delete, path = "/_emulator/requests", operation_id = "clearRequests", tag = "Log", summary = "Empty the log",
    responses((status = 204, description = "Done."))
)]
async fn clear_requests(State(app): State<Arc<App>>) -> StatusCode {
    app.log.clear();
    StatusCode::NO_CONTENT
}

#[utoipa::path(
    get, path = "/_emulator/capacity", operation_id = "showCapacity", tag = "Capacity",
    summary = "Get the available capacity",
    responses((status = 200, description = "The capacity.", body = Capacity))
)]
async fn show_capacity(State(app): State<Arc<App>>) -> Json<Capacity> {
    Json(app.read(|state, _| state.core.capacity.clone()))
}

#[utoipa::path(
    put, path = "/_emulator/capacity", operation_id = "setCapacity", tag = "Capacity",
    summary = "Set the available capacity",
    request_body = Capacity,
    responses(
        (status = 200, description = "The capacity now.", body = Capacity),
        (status = 400, description = "The capacity makes no sense.", body = ControlError)
    )
)]
async fn set_capacity(
    State(app): State<Arc<App>>,
    Body(capacity): Body<Capacity>,
) -> ControlResult<Capacity> {
    let set = capacity.clone();
    app.write(|state, now| {
        state
            .check_capacity(&set)
            .map_err(|error| ApiError::value("flavors", error))?;
        state.set_capacity(set, now);
        Ok(())
    })
    .await?;
    Ok(Json(capacity))
}

/// The status to put an instance into.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StatusChange {
    /// The status; a transient one ends as usual.
    status: InstanceStatus,
    /// The reason, for a failed status.
    fail_reason: Option<String>,
}

#[utoipa::path(
    put, path = "/_emulator/instances/{id}/status", operation_id = "setStatus", tag = "State",
    summary = "Put an instance into a status",
    params(("id" = String, Path, description = "ID of an instance of either generation.")),
    request_body = StatusChange,
    responses(
        (status = 204, description = "Done."),
        (status = 400, description = "There is no such status.", body = ControlError),
        (status = 404, description = "There is no such instance.", body = ControlError)
    )
)]
async fn set_status(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    Body(change): Body<StatusChange>,
) -> Done {
    let reason = change.fail_reason.as_deref().unwrap_or_default();
    if reason.len() > LONGEST_REASON {
        return Err(bad_request(format!(
            "fail_reason has at most {LONGEST_REASON} bytes"
        )));
    }
    let known = app
        .write(|state, now| Ok(state.force_status(&id, change.status, change.fail_reason, now)))
        .await?;
    found(known)
}

#[utoipa::path(
    post, path = "/_emulator/instances/{id}/activity", operation_id = "noteActivity", tag = "State",
    summary = "Mark an instance as in use",
    description = "Restarts the countdown of a lease of the type idle.",
    params(("id" = String, Path, description = "ID of an instance of either generation.")),
    responses(
        (status = 204, description = "Done."),
        (status = 404, description = "There is no such instance.", body = ControlError)
    )
)]
async fn note_activity(State(app): State<Arc<App>>, Segment(id): Segment) -> Done {
    let known = app
        .write(|state, now| Ok(state.note_activity(&id, now)))
        .await?;
    found(known)
}

fn found(known: bool) -> Done {
    if known {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ControlError::new(
        StatusCode::NOT_FOUND,
        "there is no instance of this id",
    ))
}

//! The log of requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ControlError, ControlResult, bad_request};
use super::extract::Params;
use crate::app::App;
use crate::log::{LogFilter, LoggedRequest};

/// The path of the log, whose parameters are checked here instead of in the guard.
pub(super) const LOG_PATH: &str = "/_emulator/requests";

/// A filter for the requests of the log.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
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
pub(super) async fn list_requests(
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
pub(super) async fn clear_requests(State(app): State<Arc<App>>) -> StatusCode {
    app.log.clear();
    StatusCode::NO_CONTENT
}

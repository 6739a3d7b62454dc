//! Routes of the request log.

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

/// The path of the log, the only one that takes parameters in the query.
pub(super) const LOG_PATH: &str = "/_emulator/requests";

/// A filter for the requests of the log.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// Only requests with this `operationId`.
    operation: Option<String>,
    /// Only requests with this method.
    method: Option<String>,
    /// Only requests whose response has this status; 0 for connections that were reset.
    status: Option<u16>,
    /// Only requests whose path contains this.
    path: Option<String>,
    /// Only requests since this emulated time, in milliseconds since the epoch.
    since: Option<i64>,
    /// At most this many requests, the latest ones.
    limit: Option<usize>,
}

#[utoipa::path(
    get, path = "/_emulator/requests", operation_id = "listRequests", tag = "Log", summary = "List the latest requests",
    description = "Oldest first, without secrets. Requests to the control plane are not included.",
    params(LogQuery),
    responses(
        (status = 200, description = "The requests.", body = Vec<LoggedRequest>),
        (status = 400, description = "The filter contains a value that no request can have.", body = ControlError)
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
    delete, path = "/_emulator/requests", operation_id = "clearRequests", tag = "Log", summary = "Clear the log",
    responses((status = 204, description = "The log is empty."))
)]
pub(super) async fn clear_requests(State(app): State<Arc<App>>) -> StatusCode {
    app.log.clear();
    StatusCode::NO_CONTENT
}

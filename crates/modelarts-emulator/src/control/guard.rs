//! Decides who may use the control plane.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::error::ControlError;
use super::log::LOG_PATH;
use crate::http::authority::Addresses;

/// Rejects requests that name another host or come from a web page of another host, and query parameters that the
/// route does not take.
pub(crate) fn guard<B>(request: &http::Request<B>, addresses: &Addresses) -> Option<Response> {
    if !addresses.admit(request.headers()) {
        return Some(forbidden());
    }
    let uri = request.uri();
    let query = uri.query().filter(|query| !query.is_empty())?;
    if uri.path() == LOG_PATH && request.method() == http::Method::GET {
        // It checks its parameters itself.
        return None;
    }
    let name = query.split(['=', '&']).next().unwrap_or_default();
    let error = format!("this path takes no query parameters; remove `{name}`");
    Some(ControlError::new(StatusCode::BAD_REQUEST, error).into_response())
}

pub(crate) fn forbidden() -> Response {
    let error = "the control plane accepts requests to this machine only; name further hosts of it with `--host-name`";
    ControlError::new(StatusCode::FORBIDDEN, error).into_response()
}

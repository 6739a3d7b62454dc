//! Who may use the control plane.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::error::ControlError;
use super::log::LOG_PATH;
use crate::http::authority::Addresses;

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

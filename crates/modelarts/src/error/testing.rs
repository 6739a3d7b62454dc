//! Refusals, and the predicates that hold for an error, for the tests of this folder.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::Error;

pub(super) fn refusal(status: u16, body: &str) -> Error {
    let headers = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-request-id"),
        http::HeaderValue::from_static("r-1"),
    )]);
    let status = StatusCode::from_u16(status).unwrap();
    Error::from_status(
        status,
        headers,
        Bytes::copy_from_slice(body.as_bytes()),
        None,
        &[],
    )
    .in_operation("showNotebook")
}

pub(super) fn coded(status: u16, code: &str) -> Error {
    refusal(status, &format!(r#"{{"error_code": "{code}"}}"#))
}

/// The predicates that hold, in the order of their declaration.
pub(super) fn predicates(error: &Error) -> String {
    let all = [
        ("not-found", error.is_not_found()),
        ("gateway", error.is_gateway()),
        ("conflict", error.is_conflict()),
        ("already", error.is_already_in_state()),
        ("throttled", error.is_throttled()),
        ("quota", error.is_quota()),
        ("capacity", error.is_capacity()),
        ("auth", error.is_auth()),
        ("frozen", error.is_frozen()),
        ("retryable", error.is_retryable()),
        ("unknown", error.is_outcome_unknown()),
        ("timeout", error.is_timeout()),
        ("deadline", error.is_deadline_exceeded()),
        ("connect", error.is_connect()),
        ("decode", error.is_decode()),
        ("usage", error.is_usage()),
        ("wait-failed", error.is_wait_failed()),
        ("wait-timeout", error.is_wait_timeout()),
    ];
    let holds = all.iter().filter(|(_, holds)| *holds);
    holds.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

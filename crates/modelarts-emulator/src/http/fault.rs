//! Applies a fault to a response.

use axum::body::Body;
use axum::response::Response;
use futures::{StreamExt, stream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use modelarts_client::Service;

use super::operation::Operation;
use super::response::{json_response, keystone, record_code};
use crate::error::{ApiError, code};
use crate::faults::Fault;

impl Fault {
    /// Whether it replaces the whole response.
    pub(super) fn replaces(&self) -> bool {
        self.reset || self.status.is_some() || self.code.is_some() || self.body.is_some()
    }
}

/// Applies the fault to the response.
pub(super) async fn disturb(fault: &Fault, response: Response, operation: &Operation) -> Response {
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
    let (default, text) = match status.as_u16() {
        401 => (code::BAD_TOKEN, "The token is not valid."),
        403 => (code::FORBIDDEN, "The operation is not allowed."),
        408 => (code::TIMEOUT, "The service did not respond in time."),
        429 => (
            code::THROTTLED,
            "There are too many requests; retry after up to one minute.",
        ),
        _ => (
            code::INTERNAL,
            "The request failed because of a fault that was added to the emulator.",
        ),
    };
    let message = fault.message.clone().unwrap_or_else(|| text.to_owned());
    let error = ApiError::with_status(status, default, message);
    let given = fault.code.clone();
    let code = given.clone().unwrap_or_else(|| error.code.to_string());
    let mut response = match operation.service {
        Service::Identity => json_response(status, &keystone(&error)),
        _ => {
            let mut body = error.body(operation.old);
            body.error_code = given.or(body.error_code);
            json_response(status, &body)
        }
    };
    record_code(&mut response, &code);
    response
}

/// Cuts the response off in the middle of its body.
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
    // Yields first, so that the first half is sent before the connection is closed.
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    let chunks = stream::once(async { Ok(half) }).chain(end);
    Response::from_parts(parts, Body::from_stream(chunks))
}

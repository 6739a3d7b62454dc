//! JSON responses: results of operations, and refusals in the form of the requested service.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use modelarts_client::iam::types::{KeystoneError, KeystoneErrorResponse};
use modelarts_client::{Secret, Service};
use serde::Serialize;
use serde_json::{Value, json};

use super::operation::Operation;
use crate::error::ApiError;
use crate::fields::with_fields;
use crate::ids::RequestId;

/// The body of a successful response: a value, or JSON that was rendered earlier.
#[derive(Debug)]
pub(crate) enum Reply<T> {
    /// Boxed, since it is moved several times.
    Value(Box<T>),
    Json(Bytes),
}

impl<T> From<T> for Reply<T> {
    fn from(value: T) -> Self {
        Self::Value(Box::new(value))
    }
}

impl<T> Reply<T> {
    /// Returns a reply with the JSON of a `T`, in another form than its type serializes to.
    pub(crate) fn of_json(json: &Value) -> Self {
        Self::Json(json.to_string().into())
    }
}

impl<T: Serialize> Reply<T> {
    /// Returns the response with this status.
    pub(crate) fn into_response_of(self, status: u16) -> Response {
        let status = status_of(status);
        match self {
            Self::Value(value) => json_response(status, &value),
            Self::Json(json) => json_bytes(status, json),
        }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        self.into_response_of(200)
    }
}

/// Returns a response without a body.
pub(crate) fn empty(status: u16) -> Response {
    status_of(status).into_response()
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Sets a header, unless the value is not a valid header value.
#[allow(dead_code, reason = "generated code calls it if a document needs it")]
pub(crate) fn set_header(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, value);
    }
}

/// Sets a header that is marked as sensitive.
pub(crate) fn set_secret_header(response: &mut Response, name: &'static str, value: &Secret) {
    if let Ok(mut value) = HeaderValue::from_str(value.expose()) {
        value.set_sensitive(true);
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, value);
    }
}

/// The error code of a refusal, attached to the response for the log.
#[derive(Clone, Debug)]
pub(crate) struct RefusalCode(pub(crate) String);

/// Returns a JSON response with a value.
pub(crate) fn json_response<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let mut bytes = Vec::with_capacity(1024);
    if serde_json::to_writer(&mut bytes, value).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    json_bytes(status, Bytes::from(bytes))
}

pub(crate) fn json_bytes(status: StatusCode, json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Returns a refusal in the form of the operation's service.
pub(crate) fn refusal(error: &ApiError, operation: &Operation, request_id: RequestId) -> Response {
    let mut response = match operation.service {
        Service::Identity => json_response(error.status, &keystone(error)),
        _ if error.code.as_str().starts_with("APIG.") => gateway(error, request_id),
        _ => json_response(error.status, &error.body(operation.old)),
    };
    record_code(&mut response, error.code.as_str());
    response
}

pub(crate) fn record_code(response: &mut Response, code: &str) {
    let code = RefusalCode(code.to_owned());
    response.extensions_mut().insert(code);
}

/// Returns a refusal of the gateway in front of the service.
pub(crate) fn gateway(error: &ApiError, request_id: RequestId) -> Response {
    let mut response = json_response(error.status, &gateway_body(error, request_id));
    record_code(&mut response, error.code.as_str());
    response
}

pub(crate) fn gateway_body(error: &ApiError, request_id: RequestId) -> Value {
    json!({
        "error_code": error.code.as_str(),
        "error_msg": error.message,
        "request_id": request_id.as_str(),
    })
}

pub(crate) fn keystone(error: &ApiError) -> KeystoneErrorResponse {
    with_fields!(KeystoneErrorResponse {
        error: Some(with_fields!(KeystoneError {
            code: Some(i32::from(error.status.as_u16())),
            message: Some(error.message.clone()),
            title: error.status.canonical_reason().map(ToOwned::to_owned),
        })),
        error_code: None,
        error_msg: Some(error.message.clone()),
    })
}

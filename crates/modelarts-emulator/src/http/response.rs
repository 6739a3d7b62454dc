//! Responses with JSON: results, and refusals in the words of the service that was asked.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use modelarts_client::iam::types::{KeystoneError, KeystoneErrorResponse};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::fields::with_fields;
use crate::http::validate::{Api, Operation};
use crate::ids::RequestId;

/// The code of a refusal, passed along with the answer for the log.
#[derive(Clone, Debug)]
pub(crate) struct RefusalCode(pub(crate) String);

/// A value as a JSON response.
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

/// A refusal in the words of the service that was asked.
pub(crate) fn refusal(error: &ApiError, operation: &Operation, request_id: RequestId) -> Response {
    let mut response = match operation.api {
        Api::Iam => json_response(error.status, &keystone(error)),
        Api::DevEnviron if error.code.as_str().starts_with("APIG.") => gateway(error, request_id),
        Api::DevEnviron => json_response(error.status, &error.body(operation.old)),
    };
    note_code(&mut response, error.code.as_str());
    response
}

pub(crate) fn note_code(response: &mut Response, code: &str) {
    let code = RefusalCode(code.to_owned());
    response.extensions_mut().insert(code);
}

/// What the gateway in front of the service says.
pub(crate) fn gateway(error: &ApiError, request_id: RequestId) -> Response {
    let mut response = json_response(error.status, &gateway_body(error, request_id));
    note_code(&mut response, error.code.as_str());
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

//! The refusals of the control plane.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::response::json_response;

/// A refusal of the control plane.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ControlError {
    #[serde(skip)]
    #[schema(ignore)]
    status: StatusCode,
    /// What is wrong, in one line.
    error: String,
}

impl ControlError {
    pub(crate) fn new(status: StatusCode, error: impl std::fmt::Display) -> Self {
        Self {
            status,
            error: error.to_string(),
        }
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        json_response(self.status, &self)
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

pub(super) type ControlResult<T> = Result<Json<T>, ControlError>;
pub(super) type Done = Result<StatusCode, ControlError>;

pub(super) fn bad_request(error: impl std::fmt::Display) -> ControlError {
    ControlError::new(StatusCode::BAD_REQUEST, error)
}

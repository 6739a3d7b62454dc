//! The errors of the control plane.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::response::json_response;

/// An error of the control plane.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ControlError {
    #[serde(skip)]
    #[schema(ignore)]
    status: StatusCode,
    /// The error message, in one line.
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

/// Gives a rejection by the router a body, in the form of the control plane's errors.
pub(crate) fn to_json_error(response: Response) -> Response {
    let error = match response.status() {
        StatusCode::NOT_FOUND => {
            "there is nothing at this path; see /_emulator/openapi/control.json"
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            "this path does not support the method; see the header Allow"
        }
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

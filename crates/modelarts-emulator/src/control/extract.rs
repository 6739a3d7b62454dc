//! Extractors whose rejections are errors of the control plane.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use super::error::ControlError;
use crate::app::App;
use crate::nearest::with_nearest;

/// A JSON body; its `Content-Type` is ignored.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = ControlError;

    async fn from_request(mut request: Request, app: &Arc<App>) -> Result<Self, ControlError> {
        request.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Json::from_request(request, app)
            .await
            .map(|Json(value)| Self(value))
            .map_err(|rejection: JsonRejection| {
                let status = match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::BAD_REQUEST,
                };
                ControlError::new(status, with_nearest(&rejection.body_text()))
            })
    }
}

/// A parameter of the path.
pub(crate) struct Segment(pub(crate) String);

impl FromRequestParts<Arc<App>> for Segment {
    type Rejection = ControlError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        app: &Arc<App>,
    ) -> Result<Self, ControlError> {
        Path::from_request_parts(parts, app)
            .await
            .map(|Path(text)| Self(text))
            .map_err(|rejection: PathRejection| {
                ControlError::new(StatusCode::NOT_FOUND, rejection.body_text())
            })
    }
}

/// The parameters of the query.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Params<T> {
    type Rejection = ControlError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        app: &Arc<App>,
    ) -> Result<Self, ControlError> {
        Query::from_request_parts(parts, app)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| {
                ControlError::new(rejection.status(), with_nearest(&rejection.body_text()))
            })
    }
}

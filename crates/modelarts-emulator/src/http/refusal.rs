//! Refusals without an operation: errors of the gateway, and operations that are not emulated.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};

use super::operation::Operation;
use super::request::{OperationRequest, ResponseFuture};
use super::response::{gateway, json_response, record_code, refusal};
use crate::error::{ApiError, code};
use crate::ids::RequestId;

/// The gateway's limit for a path with its query.
pub(super) const URI_LIMIT: usize = 32 * 1024;

/// The response to an operation that the emulator does not implement.
#[allow(dead_code, reason = "generated code calls it if a document needs it")]
pub(crate) fn not_emulated<'a, S>(_: &'a S, request: OperationRequest<'a>) -> ResponseFuture<'a> {
    let OperationRequest {
        operation, context, ..
    } = request;
    let error = ApiError::with_status(
        StatusCode::NOT_IMPLEMENTED,
        code::NOT_EMULATED,
        format!(
            "The emulator does not implement {}; only the service itself does.",
            operation.id
        ),
    );
    let response = refusal(&error, operation, context.id);
    Box::pin(std::future::ready(response))
}

/// The gateway's response to a method that the path of this operation does not support.
pub(super) fn no_method(method: &Method, operation: &Operation) -> Response {
    let allowed = &operation.path_methods;
    let error = ApiError::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        code::GATEWAY_ROUTE,
        format!("The path does not support the method {method}; it supports {allowed}."),
    );
    let mut response = json_response(error.status, &error.body(operation.old));
    record_code(&mut response, error.code.as_str());
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// The gateway's response to a path that no API has.
pub(super) async fn no_route(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(256).collect();
    let error = ApiError::with_status(
        StatusCode::NOT_FOUND,
        code::GATEWAY_ROUTE,
        format!("The API does not exist: {} {path}.", request.method()),
    );
    match request.extensions().get::<RequestId>() {
        Some(id) => gateway(&error, *id),
        // A request to the control plane, which adds its own body.
        None => error.status.into_response(),
    }
}

/// The gateway's response to a URL that is too long.
pub(super) fn uri_too_long(request_id: RequestId) -> Response {
    let error = ApiError::with_status(
        StatusCode::URI_TOO_LONG,
        code::GATEWAY_REQUEST,
        format!("The URL of the request is longer than {URI_LIMIT} bytes; send less in the query."),
    );
    gateway(&error, request_id)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::FutureExt;
    use modelarts_client::Service;

    use super::super::context::RequestContext;
    use super::super::request::PathParameters;
    use super::*;
    use crate::ids::{Ids, RequestIds};

    fn operation() -> &'static Operation {
        let document = r#"{"openapi": "3.0.3", "paths": {"/things": {
            "get": {"operationId": "listThings", "responses": {}},
            "post": {"operationId": "createThing", "responses": {}}
        }}}"#;
        let operations = Operation::read_all(document, Service::ModelArts, ["listThings"]);
        &operations.leak()[0]
    }

    #[test]
    fn an_operation_that_is_not_emulated_gets_501() {
        let id = RequestIds::new(&mut Ids::seeded(1)).next();
        let (parts, body) = Request::new(Body::empty()).into_parts();
        let request = OperationRequest {
            operation: operation(),
            parts,
            body,
            path: PathParameters::default(),
            context: &mut RequestContext::new(id, 0),
        };
        let response = not_emulated(&(), request).now_or_never().unwrap();
        assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
    }

    #[test]
    fn a_wrong_method_is_refused_with_the_methods_of_the_path() {
        let response = no_method(&Method::HEAD, operation());
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "GET, POST");
    }
}

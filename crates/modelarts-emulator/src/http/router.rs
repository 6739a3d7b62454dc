//! All routes: the operations of the documents, the control plane, and what is around them.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;

use super::openapi;
use super::refusal::{no_method, no_route};
use crate::api::versions::{version, versions};
use crate::app::App;
use crate::generated;

/// The routes, made once: an emulator only clones them.
static ROUTES: LazyLock<Router<Arc<App>>> = LazyLock::new(|| {
    generated::router::<App>()
        .method_not_allowed_fallback(other_method)
        .merge(openapi::control_routes())
        .route("/", get(versions))
        .route("/v3", get(version))
        .route("/v3/", get(version))
});

/// All routes, for one emulator.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let routes = ROUTES.clone();
    #[cfg(feature = "docs")]
    let routes = routes.merge(super::docs::routes());
    routes.fallback(no_route).with_state(Arc::clone(app))
}

/// What the gateway says of a method that the path does not have.
async fn other_method(path: MatchedPath, request: Request) -> Response {
    let mut operations = generated::operations();
    match operations.find(|operation| operation.path == path.as_str()) {
        Some(operation) => no_method(request.method(), operation),
        None => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

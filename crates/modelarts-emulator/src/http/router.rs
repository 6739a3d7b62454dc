//! All routes: the operations of the documents, the control plane, versions and documentation pages.

use std::sync::{Arc, LazyLock};

use axum::routing::get;
use foldhash::HashMap;
use http::Method;

use super::openapi;
use super::operation::Operation;
use super::refusal::no_route;
use super::request::{Handler, PathParameters};
use crate::api::versions::{version, versions};
use crate::app::App;
use crate::generated;

/// An operation and its handler.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) operation: &'static Operation,
    pub(super) handler: Handler<App>,
}

/// The operations of a path, at least one.
type Routes = Vec<Route>;

/// The operations by path template, built once for all emulators.
static OPERATIONS: LazyLock<matchit::Router<Routes>> = LazyLock::new(|| {
    let mut by_path: HashMap<&str, Routes> = HashMap::default();
    for (operation, handler) in generated::handlers::<App>() {
        let route = Route { operation, handler };
        by_path.entry(&operation.path).or_default().push(route);
    }
    let mut router = matchit::Router::new();
    for (path, routes) in by_path {
        let inserted = router.insert(path, routes);
        debug_assert!(inserted.is_ok(), "{path}: {inserted:?}");
    }
    router
});

/// What a method and a path belong to.
pub(super) enum Found {
    Operation(Route, PathParameters),
    /// The path has operations, but none with this method; this is one of them.
    OtherMethod(&'static Operation),
    /// The path has no operation.
    Nothing,
}

/// Finds the operation of a method and a path.
pub(super) fn find(method: &Method, path: &str) -> Found {
    let Ok(matched) = OPERATIONS.at(path) else {
        return Found::Nothing;
    };
    let routes = matched.value;
    match routes
        .iter()
        .find(|route| *method == *route.operation.method)
    {
        Some(route) => Found::Operation(*route, PathParameters::new(&matched.params)),
        None => routes
            .first()
            .map_or(Found::Nothing, |route| Found::OtherMethod(route.operation)),
    }
}

/// The routes that are not operations of a document.
static OTHERS: LazyLock<axum::Router<Arc<App>>> = LazyLock::new(|| {
    openapi::control_routes()
        .route("/", get(versions))
        .route("/v3", get(version))
        .route("/v3/", get(version))
});

/// Returns the routes that are not operations of a document, for one emulator.
pub(crate) fn others(app: &Arc<App>) -> axum::Router {
    let routes = OTHERS.clone();
    #[cfg(feature = "docs")]
    let routes = routes.merge(super::docs::routes());
    routes.fallback(no_route).with_state(Arc::clone(app))
}

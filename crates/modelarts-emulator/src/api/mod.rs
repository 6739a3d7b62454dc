//! The operations of the documents: each module has the handlers of one tag.
//!
//! A handler says with utoipa what it takes and gives, which a test holds against the document.

mod devenv;
mod flavors;
mod iam;
mod images;
mod lease;
mod notebooks;
pub(crate) mod router;
mod storage;
mod tags;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::control;
use crate::http::pipeline::other_method;

use router::Api;

/// Everything, made once: an emulator only clones it.
pub(crate) static ROUTES: LazyLock<(Router<Arc<App>>, Descriptions)> = LazyLock::new(|| {
    let (devenviron, devenviron_description) = devenviron().split_for_parts();
    let (iam, iam_description) = identity().split_for_parts();
    let (control, control_description) = control::api().split_for_parts();
    let descriptions = Descriptions {
        devenviron: devenviron_description,
        iam: iam_description,
        control: control_description,
    };
    let router = devenviron
        .merge(iam)
        .method_not_allowed_fallback(other_method)
        .merge(control)
        .route("/", get(iam::versions))
        .route("/v3", get(iam::version))
        .route("/v3/", get(iam::version));
    (router, descriptions)
});

/// What the routes say of themselves.
pub(crate) struct Descriptions {
    pub(crate) devenviron: OpenApi,
    pub(crate) iam: OpenApi,
    pub(crate) control: OpenApi,
}

fn devenviron() -> Api {
    OpenApiRouter::with_openapi(modelarts_client::devenviron::Schemas::openapi())
        .merge(notebooks::api())
        .merge(lease::api())
        .merge(flavors::api())
        .merge(storage::api())
        .merge(images::api())
        .merge(tags::api())
        .merge(devenv::api())
}

fn identity() -> Api {
    OpenApiRouter::with_openapi(modelarts_client::iam::Schemas::openapi()).merge(iam::api())
}

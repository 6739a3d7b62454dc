//! The operations of the documents: each module has the handlers of one tag.
//!
//! A handler says with utoipa what it takes and gives, which a test holds against the document.

mod control;
mod devenv;
mod flavors;
mod iam;
mod images;
mod lease;
mod notebooks;
mod storage;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::routing::get;
use modelarts_client::devenviron::types::ErrorResponse;
use modelarts_client::iam::types::KeystoneErrorResponse;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, response::Response};
use utoipa::{IntoResponses, OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::pipeline::other_method;

#[cfg(feature = "docs")]
pub(crate) use control::forbidden;
pub(crate) use control::{ControlError, guard, put_into_words};

type Api = OpenApiRouter<Arc<App>>;

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
        .merge(devenv::api())
}

fn identity() -> Api {
    OpenApiRouter::with_openapi(modelarts_client::iam::Schemas::openapi()).merge(iam::api())
}

/// The refusals that every operation of the service shares.
struct Errors;

impl IntoResponses for Errors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&ErrorResponse::name())
    }
}

/// The refusals of the identity service.
struct IamErrors;

impl IntoResponses for IamErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&KeystoneErrorResponse::name())
    }
}

fn refusals(schema: &str) -> BTreeMap<String, RefOr<Response>> {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .build();
    let refusal = ResponseBuilder::new()
        .description("The request was refused or failed.")
        .content("application/json", content)
        .build();
    ["400", "401", "403", "404", "429", "500", "503", "default"]
        .map(|status| (status.to_owned(), refusal.clone().into()))
        .into()
}

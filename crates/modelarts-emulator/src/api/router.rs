//! What the modules of routes share.

use std::collections::BTreeMap;
use std::sync::Arc;

use modelarts_client::devenviron::types::ErrorResponse;
use modelarts_client::iam::types::KeystoneErrorResponse;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, response::Response};
use utoipa::{IntoResponses, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Routes with what they say of themselves.
pub(crate) type Api = OpenApiRouter<Arc<App>>;

/// The refusals that every operation of the service shares.
pub(crate) struct Errors;

impl IntoResponses for Errors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&ErrorResponse::name())
    }
}

/// The refusals of the identity service.
pub(crate) struct IamErrors;

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

//! What the emulator says of itself, as OpenAPI documents.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use modelarts_client::FAMILIES;
use utoipa::ToSchema as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa_axum::routes;

use crate::app::App;
use crate::control::{self, ControlError, Segment};

/// The control plane: its routes, and how they describe themselves.
static CONTROL_PLANE: LazyLock<(Router<Arc<App>>, OpenApi)> = LazyLock::new(|| {
    let all = control::api().routes(routes!(document));
    all.split_for_parts()
});

/// The routes of the control plane.
pub(super) fn control_routes() -> Router<Arc<App>> {
    CONTROL_PLANE.0.clone()
}

#[utoipa::path(
    get, path = "/_emulator/openapi/{name}", operation_id = "document", tag = "Emulator",
    summary = "Show what the emulator serves",
    params(("name" = String, Path, description = "The name of a family with `.json`, such as `devenviron.json`, or `control.json`.")),
    responses(
        (status = 200, description = "An OpenAPI document.", body = Object),
        (status = 404, description = "There is no such document.", body = ControlError)
    )
)]
async fn document(Segment(name): Segment) -> Result<Response, ControlError> {
    let text = served(&name).ok_or_else(|| {
        let known: Vec<_> = names().map(|(name, _)| name).collect();
        ControlError::new(
            StatusCode::NOT_FOUND,
            format!("there is {}", known.join(", ")),
        )
    })?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, text).into_response())
}

/// What an emulator serves under a name such as `iam.json`: the document of a family, or that of the control plane.
pub(crate) fn served(name: &str) -> Option<String> {
    let name = name.strip_suffix(".json")?;
    if name == CONTROL {
        return control_description().to_json().ok();
    }
    let mut families = FAMILIES.iter();
    let family = families.find(|family| family.name == name)?;
    Some(family.document.to_owned())
}

/// The names of what is served, with their titles.
pub(crate) fn names() -> impl Iterator<Item = (String, &'static str)> {
    let families = FAMILIES.iter().map(|family| (family.name, family.title));
    let control = (CONTROL, "Control plane of this emulator");
    families
        .chain([control])
        .map(|(name, title)| (format!("{name}.json"), title))
}

const CONTROL: &str = "control";

/// The control plane below `/_emulator/`.
fn control_description() -> OpenApi {
    let mut description = CONTROL_PLANE.1.clone();
    description.info = InfoBuilder::new()
        .title("Control plane of the ModelArts emulator")
        .description(Some(
            "State, time, faults and log of a running emulator. It is open to whoever reaches the emulator, which binds to loopback unless told otherwise.",
        ))
        .version(env!("CARGO_PKG_VERSION"))
        .build();
    for item in description.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            add_refusals(operation);
        }
    }
    description
}

/// What happens around every operation of the control plane is described here, once.
fn add_refusals(operation: &mut Operation) {
    let refusal = |text| {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(ControlError::name())))
            .build();
        ResponseBuilder::new()
            .description(text)
            .content("application/json", content)
            .build()
    };
    let mut refusals = vec![
        (
            "403",
            "The request comes from another machine, or from a page of one.",
        ),
        ("500", "The state file cannot be written."),
    ];
    if operation.request_body.is_some() {
        refusals.push(("413", "The body is too large."));
    }
    for (status, text) in refusals {
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_owned())
            .or_insert_with(|| refusal(text).into());
    }
}

#[cfg(test)]
mod tests {
    use modelarts_document::Document;

    use super::*;

    #[test]
    fn every_reference_of_the_control_plane_leads_somewhere() {
        let control = Document::from_json(&control_description().to_json().unwrap()).unwrap();
        assert!(control.operations().count() > 15);
        for operation in control.operations() {
            let path = operation.path;
            assert!(path.starts_with("/_emulator/"), "{path}");
            assert!(!operation.summary().is_empty(), "{path} has no summary");
            let described = |status: &str| {
                operation
                    .responses()
                    .any(|response| response.status == status)
            };
            assert!(described("403") && described("500"), "{path}");
            let body = operation.request_body().is_some();
            assert_eq!(
                (described("413"), !body || described("400")),
                (body, true),
                "{path}"
            );
        }
    }
}

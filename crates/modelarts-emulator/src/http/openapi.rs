//! The OpenAPI documents that the emulator serves.

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

/// The routes of the control plane, and their description.
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
    summary = "Get an OpenAPI document",
    params(("name" = String, Path, description = "`control.json`, or the name of a family followed by `.json`, such as `devenviron.json`.")),
    responses(
        (status = 200, description = "An OpenAPI document.", body = Object),
        (status = 404, description = "There is no document with this name.", body = ControlError)
    )
)]
async fn document(Segment(name): Segment) -> Result<Response, ControlError> {
    let text = served(&name).ok_or_else(|| {
        let known: Vec<_> = names().map(|(name, _)| name).collect();
        ControlError::new(
            StatusCode::NOT_FOUND,
            format!(
                "there is no such document; the documents are {}",
                known.join(", ")
            ),
        )
    })?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, text).into_response())
}

/// Returns the document with this name, such as `iam.json`: that of a family, or of the control plane.
pub(crate) fn served(name: &str) -> Option<String> {
    let name = name.strip_suffix(".json")?;
    if name == CONTROL {
        return control_description().to_json().ok();
    }
    let mut families = FAMILIES.iter();
    let family = families.find(|family| family.name == name)?;
    Some(family.document.to_owned())
}

/// The names and titles of all documents.
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
            "State, time, faults and log of a running emulator. No credentials are needed: by default the emulator listens on the loopback address only.",
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

/// Adds the errors that every operation of the control plane can have.
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
            "The request names another host, or comes from a web page of another host.",
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

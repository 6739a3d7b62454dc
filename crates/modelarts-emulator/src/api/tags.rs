//! Tag `Tags`.

use axum::response::Response;
use http::StatusCode;
use modelarts_client::devenviron::types::{
    CreateNotebookTagsRequest, DeleteNotebookTagsRequest, TagValuesList,
};
use utoipa_axum::routes;

use super::router::{Api, Errors};
use crate::http::call::Call;

pub(super) fn api() -> Api {
    Api::new()
        .routes(routes!(list_notebook_tags))
        .routes(routes!(create_notebook_tags))
        .routes(routes!(delete_notebook_tags))
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/tags", operation_id = "listNotebookTags", tag = "Tags",
    params(("project_id" = String, Path), ("workspace_id" = Option<String>, Query)),
    responses((status = 200, description = "The keys with their values.", body = TagValuesList), Errors)
)]
async fn list_notebook_tags(call: Call) -> Response {
    call.read(|state, at| state.list_tags(at, call.query.get("workspace_id")))
}

#[utoipa::path(
    post, path = "/v1/{project_id}/notebooks/{resource_id}/tags/create", operation_id = "createNotebookTags",
    tag = "Tags",
    params(
        ("project_id" = String, Path),
        ("resource_id" = String, Path),
        ("workspace_id" = Option<String>, Query),
    ),
    request_body = CreateNotebookTagsRequest,
    responses(
        (status = 200, description = "It has the tags."),
        (status = 204, description = "It has the tags."),
        Errors
    )
)]
async fn create_notebook_tags(mut call: Call) -> Response {
    let request = call.body::<CreateNotebookTagsRequest>();
    let workspace = call.query.get("workspace_id");
    call.write_empty(StatusCode::NO_CONTENT, |state, at| {
        state.add_tags(at, call.param("resource_id"), workspace, &request?.tags)
    })
    .await
}

#[utoipa::path(
    delete, path = "/v1/{project_id}/notebooks/{resource_id}/tags/delete", operation_id = "deleteNotebookTags",
    tag = "Tags",
    params(
        ("project_id" = String, Path),
        ("resource_id" = String, Path),
        ("workspace_id" = Option<String>, Query),
    ),
    request_body = DeleteNotebookTagsRequest,
    responses(
        (status = 200, description = "It has the tags no more."),
        (status = 204, description = "It has the tags no more."),
        Errors
    )
)]
async fn delete_notebook_tags(mut call: Call) -> Response {
    let request = call.body::<DeleteNotebookTagsRequest>();
    let workspace = call.query.get("workspace_id");
    call.write_empty(StatusCode::NO_CONTENT, |state, at| {
        state.remove_tags(at, call.param("resource_id"), workspace, &request?.tags)
    })
    .await
}

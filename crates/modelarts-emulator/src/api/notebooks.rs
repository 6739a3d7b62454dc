//! Tag `Notebooks`.

use axum::response::Response;
use modelarts_client::devenviron::enums::{
    OpenBillingItem, OpenLeaseType, OpenNotebookFeature, OpenNotebookStatus, OpenSortDirection,
};
use modelarts_client::devenviron::types::{
    CreateNotebookRequest, Notebook, NotebookList, StartNotebookRequest, UpdateNotebookRequest,
};
use utoipa_axum::routes;

use super::router::{Api, Errors};
use crate::domain::NotebookQuery;
use crate::error::{ApiError, ApiResult};
use crate::http::call::Call;

pub(super) fn api() -> Api {
    Api::new()
        .routes(routes!(list_notebooks, create_notebook))
        .routes(routes!(list_all_notebooks))
        .routes(routes!(show_notebook, update_notebook, delete_notebook))
        .routes(routes!(start_notebook))
        .routes(routes!(stop_notebook))
}

const PAGE: usize = 10;

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks", operation_id = "listNotebooks", tag = "Notebooks",
    params(
        ("project_id" = String, Path),
        ("feature" = Option<OpenNotebookFeature>, Query),
        ("limit" = Option<i32>, Query),
        ("name" = Option<String>, Query),
        ("pool_id" = Option<String>, Query),
        ("offset" = Option<i32>, Query),
        ("owner" = Option<String>, Query),
        ("sort_dir" = Option<OpenSortDirection>, Query),
        ("sort_key" = Option<String>, Query),
        ("status" = Option<OpenNotebookStatus>, Query),
        ("workspaceId" = Option<String>, Query),
        ("flavor" = Option<String>, Query),
        ("image_id" = Option<String>, Query),
        ("id" = Option<String>, Query),
        ("billing" = Option<OpenBillingItem>, Query),
        ("tags" = Option<String>, Query),
        ("swr_path" = Option<String>, Query),
        ("pool_name" = Option<String>, Query),
        ("description" = Option<String>, Query),
        ("ip" = Option<String>, Query),
        ("username" = Option<String>, Query),
    ),
    responses((status = 200, description = "A page.", body = NotebookList), Errors)
)]
async fn list_notebooks(call: Call) -> Response {
    list(&call, false)
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/all", operation_id = "listAllNotebooks", tag = "Notebooks",
    params(
        ("project_id" = String, Path),
        ("feature" = Option<OpenNotebookFeature>, Query),
        ("limit" = Option<i32>, Query),
        ("name" = Option<String>, Query),
        ("pool_id" = Option<String>, Query),
        ("offset" = Option<i32>, Query),
        ("owner" = Option<String>, Query),
        ("sort_dir" = Option<OpenSortDirection>, Query),
        ("sort_key" = Option<String>, Query),
        ("status" = Option<OpenNotebookStatus>, Query),
        ("workspaceId" = Option<String>, Query),
        ("flavor" = Option<String>, Query),
        ("image_id" = Option<String>, Query),
        ("id" = Option<String>, Query),
        ("billing" = Option<OpenBillingItem>, Query),
        ("tags" = Option<String>, Query),
        ("swr_path" = Option<String>, Query),
        ("pool_name" = Option<String>, Query),
        ("description" = Option<String>, Query),
        ("ip" = Option<String>, Query),
        ("username" = Option<String>, Query),
    ),
    responses((status = 200, description = "A page.", body = NotebookList), Errors)
)]
async fn list_all_notebooks(call: Call) -> Response {
    list(&call, true)
}

fn list(call: &Call, all: bool) -> Response {
    call.read_json(|state, at| {
        let query = notebook_query(call, all)?;
        state.list_notebooks(at, &query)
    })
}

fn notebook_query(call: &Call, all: bool) -> ApiResult<NotebookQuery<'_>> {
    let paging = call.paging(Some(PAGE))?;
    let query = &call.query;
    Ok(NotebookQuery {
        all,
        feature: query.get("feature"),
        name: query.get("name"),
        pool: query.get("pool_id"),
        owner: query.get("owner"),
        status: query.get("status"),
        // Each cloud has a name of its own.
        workspace: query.get("workspaceId").or(query.get("workspace_id")),
        flavor: query.get("flavor"),
        image: query.get("image_id"),
        id: query.get("id"),
        billing: query.get("billing"),
        tags: query.get("tags"),
        swr_path: query.get("swr_path"),
        pool_name: query.get("pool_name"),
        description: query.get("description"),
        ip: query.get("ip"),
        user_name: query.get("username"),
        sort_key: query.get("sort_key"),
        ascending: ascending(call)?,
        paging,
    })
}

/// Which way `sort_dir` points.
pub(super) fn ascending(call: &Call) -> ApiResult<bool> {
    match call.query.get("sort_dir").unwrap_or("DESC") {
        text if text.eq_ignore_ascii_case("ASC") => Ok(true),
        text if text.eq_ignore_ascii_case("DESC") => Ok(false),
        _ => Err(ApiError::value("sort_dir", "it has to be ASC or DESC")),
    }
}

#[utoipa::path(
    post, path = "/v1/{project_id}/notebooks", operation_id = "createNotebook", tag = "Notebooks",
    params(("project_id" = String, Path)),
    request_body = CreateNotebookRequest,
    responses(
        (status = 200, description = "It is being created.", body = Notebook),
        (status = 201, description = "It is being created.", body = Notebook),
        Errors
    )
)]
async fn create_notebook(mut call: Call) -> Response {
    let request = call.body::<CreateNotebookRequest>();
    call.write(|state, at| state.create_notebook(at, request?))
        .await
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/{id}", operation_id = "showNotebook", tag = "Notebooks",
    params(("project_id" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "The notebook.", body = Notebook), Errors)
)]
async fn show_notebook(call: Call) -> Response {
    call.read_json(|state, at| state.show_notebook(at, call.param("id")))
}

#[utoipa::path(
    put, path = "/v1/{project_id}/notebooks/{id}", operation_id = "updateNotebook", tag = "Notebooks",
    params(("project_id" = String, Path), ("id" = String, Path)),
    request_body = UpdateNotebookRequest,
    responses(
        (status = 200, description = "It is changed.", body = Notebook),
        (status = 201, description = "It is changed.", body = Notebook),
        Errors
    )
)]
async fn update_notebook(mut call: Call) -> Response {
    let request = call.body::<UpdateNotebookRequest>();
    call.write(|state, at| state.update_notebook(at, call.param("id"), request?))
        .await
}

#[utoipa::path(
    delete, path = "/v1/{project_id}/notebooks/{id}", operation_id = "deleteNotebook", tag = "Notebooks",
    params(("project_id" = String, Path), ("id" = String, Path)),
    responses(
        (status = 200, description = "It is being deleted.", body = Notebook),
        (status = 204, description = "It is being deleted."),
        Errors
    )
)]
async fn delete_notebook(call: Call) -> Response {
    call.write(|state, at| state.delete_notebook(at, call.param("id")))
        .await
}

#[utoipa::path(
    post, path = "/v1/{project_id}/notebooks/{id}/start", operation_id = "startNotebook", tag = "Notebooks",
    params(
        ("project_id" = String, Path),
        ("id" = String, Path),
        ("duration" = Option<i64>, Query),
        ("type" = Option<OpenLeaseType>, Query),
    ),
    request_body = Option<StartNotebookRequest>,
    responses(
        (status = 200, description = "It is being started.", body = Notebook),
        (status = 201, description = "It is being started.", body = Notebook),
        Errors
    )
)]
async fn start_notebook(call: Call) -> Response {
    call.write(|state, at| {
        let duration = call.query.integer("duration");
        state.start_notebook(at, call.param("id"), duration, call.query.get("type"))
    })
    .await
}

#[utoipa::path(
    post, path = "/v1/{project_id}/notebooks/{id}/stop", operation_id = "stopNotebook", tag = "Notebooks",
    params(("project_id" = String, Path), ("id" = String, Path)),
    responses(
        (status = 200, description = "It is being stopped.", body = Notebook),
        (status = 201, description = "It is being stopped.", body = Notebook),
        Errors
    )
)]
async fn stop_notebook(call: Call) -> Response {
    call.write(|state, at| state.stop_notebook(at, call.param("id")))
        .await
}

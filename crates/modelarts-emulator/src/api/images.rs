//! Tag `Images`.

use axum::response::Response;
use http::StatusCode;
use modelarts_client::devenviron::enums::{OpenImageServiceType, OpenImageType, OpenSortDirection};
use modelarts_client::devenviron::types::{
    CreateImageRequest, DeleteImageGroupRequest, DeleteImageRequest, Image, ImageGroupList,
    ImageList, RegisterImageRequest, UpdateImageGroupRequest,
};
use utoipa_axum::routes;

use super::notebooks::ascending;
use super::router::{Api, Errors};
use crate::domain::ImageQuery;
use crate::error::ApiResult;
use crate::http::call::Call;

pub(super) fn api() -> Api {
    Api::new()
        .routes(routes!(list_images, register_image))
        .routes(routes!(list_image_groups))
        .routes(routes!(update_image_group, delete_image_group))
        .routes(routes!(sync_image))
        .routes(routes!(show_image, delete_image))
        .routes(routes!(create_image))
}

const PAGE: usize = 200;

#[utoipa::path(
    get, path = "/v1/{project_id}/images", operation_id = "listImages", tag = "Images",
    params(
        ("project_id" = String, Path),
        ("limit" = Option<i32>, Query),
        ("name" = Option<String>, Query),
        ("name_fuzzy_match" = Option<bool>, Query),
        ("namespace" = Option<String>, Query),
        ("offset" = Option<i32>, Query),
        ("service_type" = Option<OpenImageServiceType>, Query),
        ("sort_dir" = Option<OpenSortDirection>, Query),
        ("sort_key" = Option<String>, Query),
        ("type" = Option<OpenImageType>, Query),
        ("workspace_id" = Option<String>, Query),
        ("show_name" = Option<String>, Query),
        ("show_tag" = Option<String>, Query),
    ),
    responses((status = 200, description = "A page.", body = ImageList), Errors)
)]
async fn list_images(call: Call) -> Response {
    call.read(|state, at| {
        let query = ImageQuery {
            sort_key: call.query.get("sort_key"),
            service_type: call.query.get("service_type"),
            show_name: call.query.get("show_name"),
            show_tag: call.query.get("show_tag"),
            ascending: ascending(&call)?,
            paging: call.paging(Some(PAGE))?,
            ..image_query(&call)
        };
        state.list_images(at, &query)
    })
}

#[utoipa::path(
    get, path = "/v1/{project_id}/images/group", operation_id = "listImageGroups", tag = "Images",
    params(
        ("project_id" = String, Path),
        ("name" = Option<String>, Query),
        ("name_fuzzy_match" = Option<bool>, Query),
        ("namespace" = Option<String>, Query),
        ("type" = Option<OpenImageType>, Query),
        ("workspace_id" = Option<String>, Query),
        ("limit" = Option<i32>, Query),
        ("offset" = Option<i32>, Query),
        ("swr_instance_id" = Option<String>, Query),
    ),
    responses((status = 200, description = "All groups.", body = ImageGroupList), Errors)
)]
async fn list_image_groups(call: Call) -> Response {
    call.read(|state, at| -> ApiResult<ImageGroupList> {
        let query = ImageQuery {
            swr_instance: call.query.get("swr_instance_id"),
            paging: call.paging(Some(PAGE))?,
            ..image_query(&call)
        };
        Ok(state.list_image_groups(at, &query))
    })
}

fn image_query(call: &Call) -> ImageQuery<'_> {
    let query = &call.query;
    ImageQuery {
        name: query.get("name"),
        exact: query.boolean("name_fuzzy_match") == Some(false),
        namespace: query.get("namespace"),
        kind: query.get("type"),
        workspace: query.get("workspace_id"),
        ..ImageQuery::default()
    }
}

#[utoipa::path(
    post, path = "/v1/{project_id}/images", operation_id = "registerImage", tag = "Images",
    params(("project_id" = String, Path)),
    request_body = RegisterImageRequest,
    responses(
        (status = 200, description = "It is registered.", body = Image),
        (status = 201, description = "It is registered.", body = Image),
        Errors
    )
)]
async fn register_image(mut call: Call) -> Response {
    let request = call.body::<RegisterImageRequest>();
    call.write(|state, at| state.register_image(at, request?))
        .await
}

#[utoipa::path(
    get, path = "/v1/{project_id}/images/{id}", operation_id = "showImage", tag = "Images",
    params(("project_id" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "The image.", body = Image), Errors)
)]
async fn show_image(call: Call) -> Response {
    call.read(|state, at| state.show_image(at, call.param("id")))
}

#[utoipa::path(
    delete, path = "/v1/{project_id}/images/{id}", operation_id = "deleteImage", tag = "Images",
    params(
        ("project_id" = String, Path),
        ("id" = String, Path),
        ("force" = Option<bool>, Query),
    ),
    request_body = Option<DeleteImageRequest>,
    responses(
        (status = 200, description = "It is deleted.", body = Image),
        (status = 204, description = "It is deleted."),
        Errors
    )
)]
async fn delete_image(call: Call) -> Response {
    call.write(|state, at| state.delete_image(at, call.param("id")))
        .await
}

#[utoipa::path(
    post, path = "/v1/{project_id}/notebooks/{id}/create-image", operation_id = "createImage", tag = "Images",
    params(("project_id" = String, Path), ("id" = String, Path)),
    request_body = CreateImageRequest,
    responses(
        (status = 200, description = "It is being saved.", body = Image),
        (status = 201, description = "It is being saved.", body = Image),
        Errors
    )
)]
async fn create_image(mut call: Call) -> Response {
    let request = call.body::<CreateImageRequest>();
    call.write(|state, at| state.create_image(at, call.param("id"), request?))
        .await
}

#[utoipa::path(
    put, path = "/v1/{project_id}/images/group/{id}", operation_id = "updateImageGroup", tag = "Images",
    params(("project_id" = String, Path), ("id" = String, Path)),
    request_body = UpdateImageGroupRequest,
    responses((status = 200, description = "It is changed."), Errors)
)]
async fn update_image_group(mut call: Call) -> Response {
    let request = call.body::<UpdateImageGroupRequest>();
    call.write_empty(StatusCode::OK, |state, at| {
        state.update_image_group(at, call.param("id"), request?)
    })
    .await
}

#[utoipa::path(
    delete, path = "/v1/{project_id}/images/group/{id}", operation_id = "deleteImageGroup", tag = "Images",
    params(("project_id" = String, Path), ("id" = String, Path)),
    request_body = Option<DeleteImageGroupRequest>,
    responses((status = 200, description = "It is deleted."), Errors)
)]
async fn delete_image_group(call: Call) -> Response {
    call.write_empty(StatusCode::OK, |state, at| {
        state.delete_image_group(at, call.param("id"))
    })
    .await
}

#[utoipa::path(
    post, path = "/v1/{project_id}/images/{image_id}/sync", operation_id = "syncImage", tag = "Images",
    params(("project_id" = String, Path), ("image_id" = String, Path)),
    responses((status = 200, description = "The image.", body = Image), Errors)
)]
async fn sync_image(call: Call) -> Response {
    call.write(|state, at| state.sync_image(at, call.param("image_id")))
        .await
}

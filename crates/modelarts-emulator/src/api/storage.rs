//! Tag `Storage`.

use axum::response::Response;
use modelarts_client::devenviron::types::{AttachObsRequest, DataVolume, DataVolumeList};
use utoipa_axum::routes;

use super::router::{Api, Errors};
use crate::http::call::Call;

pub(super) fn api() -> Api {
    Api::new()
        .routes(routes!(list_attachable_obs, attach_obs))
        .routes(routes!(show_attachable_obs, cancel_obs))
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/{instance_id}/storage", operation_id = "listAttachableObs", tag = "Storage",
    params(("project_id" = String, Path), ("instance_id" = String, Path)),
    responses((status = 200, description = "All of them.", body = DataVolumeList), Errors)
)]
async fn list_attachable_obs(call: Call) -> Response {
    call.read(|state, at| state.list_mounts(at, call.param("instance_id")))
}

#[utoipa::path(
    post, path = "/v1/{project_id}/notebooks/{instance_id}/storage", operation_id = "attachObs", tag = "Storage",
    params(("project_id" = String, Path), ("instance_id" = String, Path)),
    request_body = AttachObsRequest,
    responses(
        (status = 200, description = "It is being mounted.", body = DataVolume),
        (status = 201, description = "It is being mounted.", body = DataVolume),
        Errors
    )
)]
async fn attach_obs(mut call: Call) -> Response {
    let request = call.body::<AttachObsRequest>();
    call.write(|state, at| state.attach_obs(at, call.param("instance_id"), request?))
        .await
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/{instance_id}/storage/{storage_id}",
    operation_id = "showAttachableObs", tag = "Storage",
    params(("project_id" = String, Path), ("instance_id" = String, Path), ("storage_id" = String, Path)),
    responses((status = 200, description = "The storage.", body = DataVolume), Errors)
)]
async fn show_attachable_obs(call: Call) -> Response {
    call.read(|state, at| state.show_mount(at, call.param("instance_id"), call.param("storage_id")))
}

#[utoipa::path(
    delete, path = "/v1/{project_id}/notebooks/{instance_id}/storage/{storage_id}",
    operation_id = "cancelObs", tag = "Storage",
    params(("project_id" = String, Path), ("instance_id" = String, Path), ("storage_id" = String, Path)),
    responses(
        (status = 200, description = "It is being unmounted.", body = DataVolume),
        (status = 204, description = "It is being unmounted."),
        Errors
    )
)]
async fn cancel_obs(call: Call) -> Response {
    call.write(|state, at| {
        state.cancel_obs(at, call.param("instance_id"), call.param("storage_id"))
    })
    .await
}

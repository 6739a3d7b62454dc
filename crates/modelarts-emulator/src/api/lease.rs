//! Tag `Lease`.

use axum::response::Response;
use modelarts_client::devenviron::types::{Lease, LeaseReq};
use utoipa_axum::routes;

use super::router::{Api, Errors};
use crate::http::call::Call;

pub(super) fn api() -> Api {
    Api::new().routes(routes!(show_lease, renew_lease))
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/{id}/lease", operation_id = "showLease", tag = "Lease",
    params(("project_id" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "The lease.", body = Lease), Errors)
)]
async fn show_lease(call: Call) -> Response {
    call.read(|state, at| state.show_lease(at, call.param("id")))
}

#[utoipa::path(
    patch, path = "/v1/{project_id}/notebooks/{id}/lease", operation_id = "renewLease", tag = "Lease",
    params(
        ("project_id" = String, Path),
        ("id" = String, Path),
        ("duration" = Option<i64>, Query),
    ),
    request_body = Option<LeaseReq>,
    responses(
        (status = 200, description = "It is renewed.", body = Lease),
        (status = 204, description = "It is renewed."),
        Errors
    )
)]
async fn renew_lease(mut call: Call) -> Response {
    let request = call.body::<LeaseReq>();
    call.write(|state, at| {
        let duration = call.query.integer("duration");
        state.renew_lease(at, call.param("id"), duration, Some(&request?))
    })
    .await
}

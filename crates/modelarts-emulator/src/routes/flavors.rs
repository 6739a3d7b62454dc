//! Tag `Flavors`.

use axum::response::Response;
use modelarts_client::devenviron::enums::{
    OpenFlavorCategory, OpenFlavorClusterType, OpenSortDirection,
};
use modelarts_client::devenviron::types::FlavorList;
use utoipa_axum::routes;

use super::notebooks::ascending;
use super::{Api, Errors};
use crate::call::Call;
use crate::state::FlavorQuery;

pub(super) fn api() -> Api {
    Api::new()
        .routes(routes!(list_flavors))
        .routes(routes!(show_switchable_flavors))
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/flavors", operation_id = "listFlavors", tag = "Flavors",
    params(
        ("project_id" = String, Path),
        ("category" = Option<OpenFlavorCategory>, Query),
        ("limit" = Option<i32>, Query),
        ("offset" = Option<i32>, Query),
        ("type" = Option<OpenFlavorClusterType>, Query),
        ("sort_dir" = Option<OpenSortDirection>, Query),
        ("sort_key" = Option<String>, Query),
    ),
    responses((status = 200, description = "A page.", body = FlavorList), Errors)
)]
async fn list_flavors(call: Call) -> Response {
    call.read(|state, _| {
        let ascending = ascending(&call)?;
        state.list_flavors(&FlavorQuery {
            category: call.query.get("category"),
            cluster: call.query.get("type"),
            sort_key: call.query.get("sort_key"),
            descending: !ascending,
            paging: call.paging(None)?,
        })
    })
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/{id}/flavors", operation_id = "showSwitchableFlavors", tag = "Flavors",
    params(
        ("project_id" = String, Path),
        ("id" = String, Path),
        ("limit" = Option<i32>, Query),
        ("offset" = Option<i32>, Query),
    ),
    responses((status = 200, description = "A page.", body = FlavorList), Errors)
)]
async fn show_switchable_flavors(call: Call) -> Response {
    call.read(|state, at| state.switchable_flavors(at, call.param("id"), call.paging(None)?))
}

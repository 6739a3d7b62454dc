//! Tag `Flavors`.

use axum::response::Response;
use modelarts_client::devenviron::enums::{
    OpenAscendType, OpenFlavorCategory, OpenFlavorClusterType, OpenFlavorFeature, OpenSortDirection,
};
use modelarts_client::devenviron::types::FlavorList;
use utoipa_axum::routes;

use super::notebooks::ascending;
use super::router::{Api, Errors};
use crate::domain::{FlavorQuery, plain_flavors};
use crate::http::call::Call;

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
        ("flavor_type" = Option<OpenAscendType>, Query),
        ("feature" = Option<OpenFlavorFeature>, Query),
    ),
    responses((status = 200, description = "A page.", body = FlavorList), Errors)
)]
async fn list_flavors(call: Call) -> Response {
    call.read(|state, _| {
        let ascending = ascending(&call)?;
        state
            .list_flavors(&FlavorQuery {
                category: call.query.get("category"),
                cluster: call.query.get("type"),
                ascend: call.query.get("flavor_type"),
                feature: call.query.get("feature"),
                sort_key: call.query.get("sort_key"),
                descending: !ascending,
                paging: call.paging(None)?,
            })
            .and_then(plain_flavors)
    })
}

#[utoipa::path(
    get, path = "/v1/{project_id}/notebooks/{id}/flavors", operation_id = "showSwitchableFlavors", tag = "Flavors",
    params(
        ("project_id" = String, Path),
        ("id" = String, Path),
        ("limit" = Option<i32>, Query),
        ("offset" = Option<i32>, Query),
        ("sort_key" = Option<String>, Query),
        ("sort_dir" = Option<OpenSortDirection>, Query),
    ),
    responses((status = 200, description = "A page.", body = FlavorList), Errors)
)]
async fn show_switchable_flavors(call: Call) -> Response {
    call.read(|state, at| {
        let query = FlavorQuery {
            sort_key: call.query.get("sort_key"),
            descending: !ascending(&call)?,
            paging: call.paging(None)?,
            ..FlavorQuery::default()
        };
        state
            .switchable_flavors(at, call.param("id"), &query)
            .and_then(plain_flavors)
    })
}

//! Tag `DevEnvInstances`, old generation.

use axum::response::Response;
use modelarts_client::devenviron::enums::{
    OpenDevEnvInstanceStatus, OpenDevEnvProvisionType, OpenDevEnvSortKey, OpenDevEnvSortOrder,
    OpenDevEnvType,
};
use modelarts_client::devenviron::types::{
    CreateDevEnvInstanceRequest, DeleteDevEnvInstanceResponse, DevEnvInstance, DevEnvInstanceList,
    ManageDevEnvInstanceRequest, ManageDevEnvInstanceResponse, UpdateDevEnvInstanceRequest,
};
use serde_json::{Value, json};
use utoipa_axum::routes;

use super::router::{Api, Errors};
use crate::domain::{DevEnvQuery, Paging};
use crate::error::{ApiError, ApiResult, code};
use crate::http::call::Call;

pub(super) fn api() -> Api {
    Api::new()
        .routes(routes!(list_dev_env_instances, create_dev_env_instance))
        .routes(routes!(
            show_dev_env_instance,
            update_dev_env_instance,
            delete_dev_env_instance
        ))
        .routes(routes!(manage_dev_env_instance))
}

#[utoipa::path(
    get, path = "/v1/{project_id}/demanager/instances", operation_id = "listDevEnvInstances", tag = "DevEnvInstances",
    params(
        ("project_id" = String, Path),
        ("de_type" = OpenDevEnvType, Query),
        ("provision_type" = Option<OpenDevEnvProvisionType>, Query),
        ("status" = Option<OpenDevEnvInstanceStatus>, Query),
        ("sortby" = Option<OpenDevEnvSortKey>, Query),
        ("order" = Option<OpenDevEnvSortOrder>, Query),
        ("offset" = Option<i32>, Query),
        ("limit" = Option<i32>, Query),
        ("workspace_id" = Option<String>, Query),
        ("show_self" = Option<String>, Query),
        ("ai_project" = Option<String>, Query),
        ("pool_id" = Option<String>, Query),
    ),
    responses((status = 200, description = "The instances.", body = DevEnvInstanceList), Errors)
)]
async fn list_dev_env_instances(call: Call) -> Response {
    call.read(|state, at| Ok(state.list_dev_envs(at, &dev_env_query(&call)?)))
}

fn dev_env_query(call: &Call) -> ApiResult<DevEnvQuery<'_>> {
    let query = &call.query;
    let one_of = |name: &str, accepted: &[&str]| match query.get(name) {
        Some(value)
            if !accepted
                .iter()
                .any(|known| known.eq_ignore_ascii_case(value)) =>
        {
            Err(ApiError::value(
                name,
                format_args!("it has to be {}", accepted.join(" or ")),
            ))
        }
        value => Ok(value),
    };
    one_of("de_type", &["Notebook"])?;
    one_of("provision_type", &["Docker"])?;
    let order = one_of("order", &["asc", "desc"])?;
    let by_creation = match query.get("sortby") {
        None | Some("name") => false,
        Some("creation_timestamp") => true,
        Some(_) => {
            return Err(ApiError::new(
                code::SORT_KEY,
                "The list can be sorted by name or creation_timestamp only.",
            ));
        }
    };
    let number = |name: &str| {
        usize::try_from(query.integer(name).unwrap_or(0))
            .map_err(|_| ApiError::value(name, "it must not be negative"))
    };
    let limit = number("limit")?;
    Ok(DevEnvQuery {
        own: query.boolean("show_self").unwrap_or(true),
        status: query.get("status"),
        workspace: query.get("workspace_id"),
        // One client calls it by the second name.
        ai_project: query.get("ai_project").or(query.get("ai_project_id")),
        pool: query.get("pool_id"),
        by_creation,
        descending: order.is_some_and(|order| order.eq_ignore_ascii_case("desc")),
        paging: Paging {
            offset: number("offset")?,
            // 0 is documented as all.
            limit: (limit > 0).then_some(limit),
        },
    })
}

#[utoipa::path(
    post, path = "/v1/{project_id}/demanager/instances", operation_id = "createDevEnvInstance",
    tag = "DevEnvInstances",
    params(("project_id" = String, Path)),
    request_body = CreateDevEnvInstanceRequest,
    responses((status = 200, description = "It is being created.", body = DevEnvInstance), Errors)
)]
async fn create_dev_env_instance(mut call: Call) -> Response {
    // One client sends the id of the workspace on its own.
    if let Some(id) = call.body.get("workspace_id").cloned()
        && id.is_string()
        && call.body.get("workspace").is_none()
    {
        call.body["workspace"] = json!({ "id": id });
    }
    let request = call.body::<CreateDevEnvInstanceRequest>();
    call.write(|state, at| state.create_dev_env(at, request?))
        .await
}

#[utoipa::path(
    get, path = "/v1/{project_id}/demanager/instances/{instance_id}", operation_id = "showDevEnvInstance",
    tag = "DevEnvInstances",
    params(("project_id" = String, Path), ("instance_id" = String, Path)),
    responses((status = 200, description = "The instance.", body = DevEnvInstance), Errors)
)]
async fn show_dev_env_instance(call: Call) -> Response {
    call.read(|state, at| state.show_dev_env(at, call.param("instance_id")))
}

#[utoipa::path(
    put, path = "/v1/{project_id}/demanager/instances/{instance_id}", operation_id = "updateDevEnvInstance",
    tag = "DevEnvInstances",
    params(("project_id" = String, Path), ("instance_id" = String, Path)),
    request_body = UpdateDevEnvInstanceRequest,
    responses((status = 200, description = "It is changed.", body = DevEnvInstance), Errors)
)]
async fn update_dev_env_instance(mut call: Call) -> Response {
    let moved = lift_auto_stop(&mut call.body);
    // What was moved has not been held against the document yet.
    let request = if moved {
        let bytes = call.body.to_string();
        call.operation
            .check_body(None, bytes.as_bytes(), call.app.settings.strict)
            .and_then(|_| call.body())
    } else {
        call.body()
    };
    let request: ApiResult<UpdateDevEnvInstanceRequest> = request;
    call.write(|state, at| state.update_dev_env(at, call.param("instance_id"), request?))
        .await
}

/// One client sends `auto_stop` beside `spec` instead of inside.
fn lift_auto_stop(body: &mut Value) -> bool {
    let Some(auto_stop) = body.get("auto_stop").cloned() else {
        return false;
    };
    if body.get("spec").is_some() {
        return false;
    }
    body["spec"] = json!({ "auto_stop": auto_stop });
    true
}

#[utoipa::path(
    delete, path = "/v1/{project_id}/demanager/instances/{instance_id}", operation_id = "deleteDevEnvInstance",
    tag = "DevEnvInstances",
    params(("project_id" = String, Path), ("instance_id" = String, Path)),
    responses((status = 200, description = "It is being deleted.", body = DeleteDevEnvInstanceResponse), Errors)
)]
async fn delete_dev_env_instance(call: Call) -> Response {
    call.write(|state, at| state.delete_dev_env(at, call.param("instance_id")))
        .await
}

#[utoipa::path(
    post, path = "/v1/{project_id}/demanager/instances/{instance_id}/action", operation_id = "manageDevEnvInstance",
    tag = "DevEnvInstances",
    params(("project_id" = String, Path), ("instance_id" = String, Path)),
    request_body = ManageDevEnvInstanceRequest,
    responses((status = 200, description = "It has begun.", body = ManageDevEnvInstanceResponse), Errors)
)]
async fn manage_dev_env_instance(mut call: Call) -> Response {
    let request = call.body::<ManageDevEnvInstanceRequest>();
    call.write(|state, at| state.manage_dev_env(at, call.param("instance_id"), request?.action))
        .await
}

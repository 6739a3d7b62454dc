//! Tag `DevEnvInstances`, old generation.

use modelarts_client::devenviron::enums::{DevEnvSortKey, DevEnvSortOrder, DevEnvType};
use modelarts_client::devenviron::types::{
    CreateDevEnvInstanceRequest, DeleteDevEnvInstanceResponse, DevEnvInstance, DevEnvInstanceList,
    ManageDevEnvInstanceRequest, ManageDevEnvInstanceResponse, UpdateDevEnvInstanceRequest,
};
use modelarts_client::{Open, OpenEnum};

use super::paging::count;
use crate::app::App;
use crate::domain::{DevEnvQuery, Paging};
use crate::error::{ApiError, ApiResult, code};
use crate::generated::devenviron::{DevEnvInstances, ListDevEnvInstancesQuery};
use crate::http::{Cx, FromText, Reply};

impl DevEnvInstances for App {
    async fn list_dev_env_instances(
        &self,
        cx: &Cx,
        query: ListDevEnvInstancesQuery,
    ) -> ApiResult<Reply<DevEnvInstanceList>> {
        let query = list_query(&query)?;
        let list = self.read_for(cx, |state, at| Ok(state.list_dev_envs(at, &query)))?;
        Ok(list.into())
    }

    async fn create_dev_env_instance(
        &self,
        cx: &Cx,
        body: CreateDevEnvInstanceRequest,
    ) -> ApiResult<Reply<DevEnvInstance>> {
        let instance = self.write_for(cx, |state, at| state.create_dev_env(at, body));
        Ok(instance.await?.into())
    }

    async fn show_dev_env_instance(
        &self,
        cx: &Cx,
        instance_id: &str,
    ) -> ApiResult<Reply<DevEnvInstance>> {
        let instance = self.read_for(cx, |state, at| state.show_dev_env(at, instance_id))?;
        Ok(Reply::of_json(&instance))
    }

    async fn update_dev_env_instance(
        &self,
        cx: &Cx,
        instance_id: &str,
        body: UpdateDevEnvInstanceRequest,
    ) -> ApiResult<Reply<DevEnvInstance>> {
        let instance = self.write_for(cx, |state, at| state.update_dev_env(at, instance_id, body));
        Ok(Reply::of_json(&instance.await?))
    }

    async fn delete_dev_env_instance(
        &self,
        cx: &Cx,
        instance_id: &str,
    ) -> ApiResult<Reply<DeleteDevEnvInstanceResponse>> {
        let deleted = self.write_for(cx, |state, at| state.delete_dev_env(at, instance_id));
        Ok(deleted.await?.into())
    }

    async fn manage_dev_env_instance(
        &self,
        cx: &Cx,
        instance_id: &str,
        body: ManageDevEnvInstanceRequest,
    ) -> ApiResult<Reply<ManageDevEnvInstanceResponse>> {
        let managed = self.write_for(cx, |state, at| {
            state.manage_dev_env(at, instance_id, body.action)
        });
        Ok(managed.await?.into())
    }
}

fn list_query(query: &ListDevEnvInstancesQuery) -> ApiResult<DevEnvQuery<'_>> {
    // The documentation says that letter case matters, for this parameter only.
    if query.de_type.as_str() != DevEnvType::Notebook.as_str() {
        return Err(ApiError::value(
            "de_type",
            format_args!(
                "'{}' is not supported; it must be Notebook, with a capital N",
                query.de_type
            ),
        ));
    }
    check_known("provision_type", query.provision_type.as_ref())?;
    check_known("order", query.order.as_ref())?;
    let order = query.order.as_deref();
    let sort_key = query.sortby.as_deref();
    let by_creation = match sort_key.unwrap_or(&ListDevEnvInstancesQuery::DEFAULT_SORTBY) {
        DevEnvSortKey::Name => false,
        DevEnvSortKey::CreationTimestamp => true,
        _ => {
            let keys = DevEnvSortKey::values().join(" or ");
            let message = format!("The list can be sorted by {keys} only.");
            return Err(ApiError::new(code::SORT_KEY, message));
        }
    };
    let own = query.show_self.as_deref();
    let own = own.unwrap_or(ListDevEnvInstancesQuery::DEFAULT_SHOW_SELF);
    Ok(DevEnvQuery {
        own: bool::from_text(own).unwrap_or(true),
        status: query.status.as_ref().map(Open::as_str),
        workspace: query.workspace_id.as_deref(),
        ai_project: query.ai_project.as_deref(),
        pool: query.pool_id.as_deref(),
        by_creation,
        descending: *order.unwrap_or(&ListDevEnvInstancesQuery::DEFAULT_ORDER)
            == DevEnvSortOrder::Desc,
        paging: Paging {
            offset: count("offset", query.offset)?.unwrap_or(0),
            // 0 means all, as documented.
            limit: count("limit", query.limit)?.filter(|limit| *limit > 0),
        },
    })
}

/// Refuses a value that is not in the document's list.
fn check_known<E: OpenEnum>(name: &str, value: Option<&Open<E>>) -> ApiResult<()> {
    match value {
        Some(value) if value.is_unknown() => Err(ApiError::value(
            name,
            format_args!("it must be {}", E::values().join(" or ")),
        )),
        _ => Ok(()),
    }
}

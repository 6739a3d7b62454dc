//! Tag `Storage`.

use modelarts_client::devenviron::types::{AttachObsRequest, DataVolume, DataVolumeList};

use crate::app::App;
use crate::error::ApiResult;
use crate::generated::devenviron::{AttachObsResponse, CancelObsResponse, Storage};
use crate::http::{Cx, Reply};

impl Storage for App {
    async fn list_attachable_obs(
        &self,
        cx: &Cx,
        instance_id: &str,
    ) -> ApiResult<Reply<DataVolumeList>> {
        let list = self.read_for(cx, |state, at| state.list_mounts(at, instance_id))?;
        Ok(list.into())
    }

    async fn attach_obs(
        &self,
        cx: &Cx,
        instance_id: &str,
        body: AttachObsRequest,
    ) -> ApiResult<AttachObsResponse> {
        let mount = self.write_for(cx, |state, at| state.attach_obs(at, instance_id, body));
        Ok(AttachObsResponse::Ok(mount.await?.into()))
    }

    async fn show_attachable_obs(
        &self,
        cx: &Cx,
        instance_id: &str,
        storage_id: &str,
    ) -> ApiResult<Reply<DataVolume>> {
        let mount = self.read_for(cx, |state, at| {
            state.show_mount(at, instance_id, storage_id)
        })?;
        Ok(mount.into())
    }

    async fn cancel_obs(
        &self,
        cx: &Cx,
        instance_id: &str,
        storage_id: &str,
    ) -> ApiResult<CancelObsResponse> {
        let mount = self.write_for(cx, |state, at| {
            state.cancel_obs(at, instance_id, storage_id)
        });
        Ok(CancelObsResponse::Ok(mount.await?.into()))
    }
}

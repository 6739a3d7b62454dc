//! OBS storage mounted to notebooks.

use std::fmt;

use modelarts_client::devenviron::enums::DataVolumeCategory;
use modelarts_client::devenviron::types::{AttachObsRequest, DataVolume, DataVolumeList};
use modelarts_client::{Action, ErrorCode, Phase};

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::error::Result;
use crate::lifecycle::{self, FromLastPoll, Lifecycle, Plan, TargetState, status_text};
use crate::units::AutoStop;
use crate::wait::Waiter;

/// Operations on OBS storage mounted to notebooks, from [`ModelArts::storage`].
#[derive(Clone, Debug)]
pub struct Storage {
    client: ModelArts,
}

impl Storage {
    pub(crate) fn new(client: &ModelArts) -> Self {
        Self {
            client: client.clone(),
        }
    }

    /// Returns all mounts of a notebook.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when the notebook does not exist.
    pub async fn list(&self, notebook_id: &str) -> Result<Vec<DataVolume>> {
        let request = self
            .client
            .api()
            .list_attachable_obs()
            .project_id(self.client.project_id())
            .instance_id(notebook_id);
        let list: DataVolumeList = self.client.execute(request.prepare()?).await?;
        Ok(list.data.unwrap_or_default())
    }

    /// Reads a mount.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when it does not exist.
    pub async fn show(&self, notebook_id: &str, storage_id: &str) -> Result<DataVolume> {
        let request = self
            .client
            .api()
            .show_attachable_obs()
            .project_id(self.client.project_id())
            .instance_id(notebook_id)
            .storage_id(storage_id);
        self.client.execute(request.prepare()?).await
    }

    /// Begins to mount a folder of an OBS parallel file system to a running notebook.
    ///
    /// `uri` has the form `obs://bucket/folder/`, and `mount_path` the form `/data/folder/`. A notebook can have ten
    /// mounts.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when the notebook is not running.
    pub async fn mount(
        &self,
        notebook_id: &str,
        uri: &str,
        mount_path: &str,
    ) -> Result<DataVolume> {
        let body = AttachObsRequest::builder()
            .category(DataVolumeCategory::Obs)
            .mount_path(mount_path)
            .uri(uri)
            .build()?;
        self.attach(notebook_id, body).await
    }

    /// Begins to mount a folder of an EFS file system to a running notebook. Huawei Cloud only.
    ///
    /// `uri` has the form `<host>:/folder`, `efs_id` is the ID of the file system, and `mount_path` has the form
    /// `/data/folder/`.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when the notebook is not running.
    pub async fn mount_efs(
        &self,
        notebook_id: &str,
        efs_id: &str,
        uri: &str,
        mount_path: &str,
    ) -> Result<DataVolume> {
        let body = AttachObsRequest::builder()
            .category(DataVolumeCategory::Efs)
            .mount_path(mount_path)
            .uri(uri)
            .efs_id(efs_id)
            .build()?;
        self.attach(notebook_id, body).await
    }

    async fn attach(&self, notebook_id: &str, body: AttachObsRequest) -> Result<DataVolume> {
        let request = self
            .client
            .api()
            .attach_obs()
            .project_id(self.client.project_id())
            .instance_id(notebook_id)
            .body(body);
        let request = request.prepare()?;
        self.client
            .create(request, |it: &DataVolume| it.id.as_deref())
            .await
    }

    /// Begins to unmount storage from a notebook.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when it is not mounted.
    pub async fn unmount(&self, notebook_id: &str, storage_id: &str) -> Result<DataVolume> {
        let request = self
            .client
            .api()
            .cancel_obs()
            .project_id(self.client.project_id())
            .instance_id(notebook_id)
            .storage_id(storage_id);
        let request = request.prepare()?;
        self.client
            .execute_action(request, storage_id, Action::Unmount)
            .await
    }

    /// Waits until storage that is being mounted is mounted.
    ///
    /// It fails at once with MOUNT_FAILED, UNMOUNTING, UNMOUNT_FAILED and UNMOUNTED. For 30 seconds, "not found" is
    /// ignored. It polls like the waiters of notebooks.
    pub fn wait_until_mounted(&self, notebook_id: &str, storage_id: &str) -> Waiter<DataVolume> {
        self.waiter(notebook_id, storage_id, Plan::wait(TargetState::Mounted))
    }

    /// Waits until storage is unmounted. It fails with UNMOUNT_FAILED, unless that was already the status before.
    pub fn wait_until_unmounted(
        &self,
        notebook_id: &str,
        storage_id: &str,
    ) -> Waiter<DataVolume, ()> {
        self.waiter(notebook_id, storage_id, Plan::wait(TargetState::Unmounted))
    }

    /// Unmounts storage if necessary and waits until it is unmounted.
    ///
    /// It treats a mount that does not exist as unmounted, and fails at once when the unmounting failed.
    pub fn ensure_unmounted(&self, notebook_id: &str, storage_id: &str) -> Waiter<DataVolume, ()> {
        self.waiter(
            notebook_id,
            storage_id,
            Plan::ensure(TargetState::Unmounted),
        )
    }

    fn waiter<O: FromLastPoll<DataVolume>>(
        &self,
        notebook_id: &str,
        storage_id: &str,
        plan: Plan,
    ) -> Waiter<DataVolume, O> {
        let key = MountKey {
            notebook_id: notebook_id.to_owned(),
            storage_id: storage_id.to_owned(),
        };
        lifecycle::waiter(&self.client, key, plan)
    }
}

/// The IDs that identify a mount.
#[derive(Clone, Debug)]
pub(crate) struct MountKey {
    notebook_id: String,
    storage_id: String,
}

impl fmt::Display for MountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.storage_id)
    }
}

impl Lifecycle for DataVolume {
    type Key = MountKey;

    const NOUN: &'static str = "storage";
    /// A notebook that does not exist has no mounts.
    const ABSENT: &'static [ErrorCode] = &[ErrorCode::MODELARTS_6624, ErrorCode::MODELARTS_6309];

    fn show(client: ModelArts, key: MountKey) -> BoxFuture<'static, Result<Self>> {
        Box::pin(async move {
            let storage = client.storage();
            storage.show(&key.notebook_id, &key.storage_id).await
        })
    }

    fn execute(
        client: ModelArts,
        key: MountKey,
        _: Action,
        _: Option<AutoStop>,
    ) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let storage = client.storage();
            let response = storage.unmount(&key.notebook_id, &key.storage_id).await;
            response.map(drop)
        })
    }

    fn phase(&self) -> Phase {
        self.status.as_ref().map_or(Phase::Unknown, |it| it.phase())
    }

    fn status(&self) -> String {
        status_text(self.status.as_ref())
    }
}

//! OBS storage in notebooks.

use std::sync::Arc;

use modelarts_client::devenviron::enums::{DataVolumeCategory, DataVolumeStatus};
use modelarts_client::devenviron::types::{AttachObsRequest, DataVolume, DataVolumeList};

use crate::client::ModelArts;
use crate::error::{Error, Result, accepted};
use crate::wait::{Lag, PollFn, Polled, Verdict, Waiter};

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

    /// What is mounted to a notebook, all at once.
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

    /// Begins to mount a folder of a parallel file system of OBS to a running notebook.
    ///
    /// `uri` is like `obs://bucket/folder/`, `mount_path` like `/data/folder/`. Ten mounts are possible.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when the notebook does not run.
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

    /// Begins to mount a folder of an EFS file system to a running notebook, which Huawei Cloud alone can do.
    ///
    /// `uri` is like `<host>:/folder`, `efs_id` the ID of the file system, `mount_path` like `/data/folder/`.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when the notebook does not run.
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

    /// Begins to unmount.
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
        let response = self.client.execute(request.prepare()?).await;
        accepted(response)
    }

    /// Waits until it is mounted. It fails at once with MOUNT_FAILED, UNMOUNT_FAILED and UNMOUNTED. For 30
    /// seconds "not found" is waited out.
    pub fn wait_until_mounted(&self, notebook_id: &str, storage_id: &str) -> Waiter<DataVolume> {
        let client = self.client.clone();
        Waiter::new(
            format!("storage {storage_id} to be mounted"),
            client.poll_settings(),
            poll_fn(client, notebook_id, storage_id, mounted),
        )
    }

    /// Waits until it is unmounted. It fails with UNMOUNT_FAILED, unless that was there before.
    pub fn wait_until_unmounted(
        &self,
        notebook_id: &str,
        storage_id: &str,
    ) -> Waiter<DataVolume, ()> {
        let client = self.client.clone();
        Waiter::until_gone(
            format!("storage {storage_id} to be unmounted"),
            client.poll_settings(),
            poll_fn(client, notebook_id, storage_id, unmounted),
        )
    }
}

/// What the state of a mount means; `None` is one that does not exist.
type Judge = fn(Option<&DataVolumeStatus>) -> Verdict;

/// "The folder or bucket cannot be found", or the notebook with all that is mounted to it.
const NO_MOUNT: &[&str] = &["ModelArts.6624", "ModelArts.6309"];

fn poll_fn(
    client: ModelArts,
    notebook_id: &str,
    storage_id: &str,
    judge: Judge,
) -> PollFn<DataVolume> {
    let (notebook_id, storage_id) = (notebook_id.to_owned(), storage_id.to_owned());
    Arc::new(move |left| {
        let storage = client.for_poll(left).storage();
        let (notebook_id, storage_id) = (notebook_id.clone(), storage_id.clone());
        Box::pin(async move {
            match storage.show(&notebook_id, &storage_id).await {
                Ok(volume) => Ok(polled(volume, judge)),
                Err(error) => absent(error, judge),
            }
        })
    })
}

/// A mount that does not exist is what unmounting wants.
fn absent(error: Error, judge: Judge) -> Result<Polled<DataVolume>> {
    match error.is_absence(NO_MOUNT) && judge(None) == Verdict::Done {
        true => Ok(Polled::absent(Verdict::Done)),
        false => Err(error),
    }
}

fn polled(volume: DataVolume, judge: Judge) -> Polled<DataVolume> {
    let verdict = match volume.status.as_deref() {
        Some(status) => judge(Some(status)),
        None => Verdict::Wait,
    };
    Polled {
        status: volume
            .status
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        fail_reason: None,
        progress: None,
        missing: None,
        resource: Some(volume),
        verdict,
        refusal: None,
    }
}

fn mounted(status: Option<&DataVolumeStatus>) -> Verdict {
    match status {
        Some(DataVolumeStatus::Mounted) => Verdict::Done,
        Some(status) if status.is_failed() || status.is_gone() => Verdict::Fail("ends it"),
        _ => Verdict::Wait,
    }
}

fn unmounted(status: Option<&DataVolumeStatus>) -> Verdict {
    match status {
        None => Verdict::Done,
        Some(status) if status.is_gone() => Verdict::Done,
        // Of now, or of an attempt before.
        Some(DataVolumeStatus::UnmountFailed) => Verdict::Suspect("ends it", Lag::UntilNewer),
        Some(_) => Verdict::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_status_is_judged() {
        // Each with its whole name: `UNMOUNT_FAILED` ends like `MOUNT_FAILED`.
        let judged = |judge: Judge, status: &'static str| {
            assert!(DataVolumeStatus::values().contains(&status), "{status}");
            match judge(Some(&DataVolumeStatus::from(status))) {
                Verdict::Done => "done",
                Verdict::Wait => "wait",
                Verdict::Fail(_) | Verdict::Suspect(..) => "fail",
            }
        };
        for (status, mounting, unmounting) in [
            ("MOUNTING", "wait", "wait"),
            ("MOUNTED", "done", "wait"),
            ("MOUNT_FAILED", "fail", "wait"),
            ("UNMOUNTING", "wait", "wait"),
            ("UNMOUNTED", "fail", "done"),
            ("UNMOUNT_FAILED", "fail", "fail"),
        ] {
            let found = (judged(mounted, status), judged(unmounted, status));
            assert_eq!(found, (mounting, unmounting), "{status}");
        }
        assert_eq!(unmounted(None), Verdict::Done);
    }
}

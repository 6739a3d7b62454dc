//! Notebooks, the newer generation.

use std::collections::BTreeMap;

use modelarts_client::devenviron::enums::{JobStatus, LeaseType, VolumeCategory};
use modelarts_client::devenviron::types::{
    CreateNotebookRequest, CreateNotebookTagsRequest, DeleteNotebookTagsRequest, JobProgress,
    Notebook, Tag, TagReq, TagValues, TagValuesList, UpdateNotebookRequest,
};
use modelarts_client::{Action, ErrorCode, Phase};

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::devenviron::lists::{ListAllNotebooks, ListNotebooks};
use crate::error::{Result, accepted};
use crate::lifecycle::{self, FromLastPoll, Lifecycle, Plan, TargetState, status_text};
use crate::poll_status::Progress;
use crate::units::AutoStop;
use crate::wait::Waiter;

/// Operations on notebooks, from [`ModelArts::notebooks`].
///
/// When a call to start, stop, create or delete returns, the operation has only begun. A `wait_until_…` method waits
/// for an operation in progress; an `ensure_…` method also begins the necessary one, and may be called twice and from
/// two places.
#[derive(Clone, Debug)]
pub struct Notebooks {
    client: ModelArts,
}

impl Notebooks {
    pub(crate) fn new(client: &ModelArts) -> Self {
        Self {
            client: client.clone(),
        }
    }

    /// Begins to create a notebook. The request is sent again only if it was refused or was never sent.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// use modelarts::devenviron::types::{CreateNotebookRequest, VolumeReq};
    ///
    /// let request = CreateNotebookRequest::builder()
    ///     .name("train-bert")
    ///     .flavor("modelarts.vm.cpu.2u")
    ///     .image_id("c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11")
    ///     .volume(VolumeReq::builder().category("EFS").ownership("MANAGED"))
    ///     .build()?;
    /// let created = client.notebooks().create(&request).await?;
    /// let id = created.id.unwrap_or_default();
    /// let running = client.notebooks().wait_until_running(&id).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`is_quota`](crate::Error::is_quota), [`is_capacity`](crate::Error::is_capacity); after
    /// [`is_outcome_unknown`](crate::Error::is_outcome_unknown), list the notebooks before creating it again.
    pub async fn create(&self, request: &CreateNotebookRequest) -> Result<Notebook> {
        let request = self
            .client
            .api()
            .create_notebook()
            .project_id(self.client.project_id())
            .body(request.clone());
        let request = request.prepare()?;
        self.client
            .create(request, |it: &Notebook| it.id.as_deref())
            .await
    }

    /// Reads a notebook.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when it does not exist.
    pub async fn show(&self, id: &str) -> Result<Notebook> {
        let request = self
            .client
            .api()
            .show_notebook()
            .project_id(self.client.project_id())
            .id(id);
        self.client.execute(request.prepare()?).await
    }

    /// Changes a notebook.
    ///
    /// Its name and description can be changed, and its volume enlarged, at any time; its flavor, image and endpoints
    /// only while it is stopped.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when its state does not allow it.
    pub async fn update(&self, id: &str, request: &UpdateNotebookRequest) -> Result<Notebook> {
        let request = self
            .client
            .api()
            .update_notebook()
            .project_id(self.client.project_id())
            .id(id)
            .body(request.clone());
        let response = self.client.execute(request.prepare()?).await;
        accepted(response)
    }

    /// Begins to start a stopped notebook, which is stopped again after an hour.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when it is already running or busy;
    /// [`ensure_running`](Notebooks::ensure_running) handles both cases.
    pub async fn start(&self, id: &str) -> Result<Notebook> {
        let request = self
            .client
            .api()
            .start_notebook()
            .project_id(self.client.project_id())
            .id(id);
        let request = request.prepare()?;
        self.client.execute_action(request, id, Action::Start).await
    }

    /// Begins to start a stopped notebook, and sets when it is stopped again: after 1 to 72 hours, or never.
    ///
    /// # Errors
    /// Those of [`start`](Notebooks::start), and an error if the duration does not fit the API's milliseconds.
    pub async fn start_with(&self, id: &str, auto_stop: AutoStop) -> Result<Notebook> {
        let duration = auto_stop.as_millis()?;
        let request = self
            .client
            .api()
            .start_notebook()
            .project_id(self.client.project_id())
            .id(id)
            .duration(duration)
            .type_(LeaseType::Timing);
        let request = request.prepare()?;
        self.client.execute_action(request, id, Action::Start).await
    }

    /// Begins to stop a running notebook.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when it is already stopped or busy;
    /// [`ensure_stopped`](Notebooks::ensure_stopped) handles both cases.
    pub async fn stop(&self, id: &str) -> Result<Notebook> {
        let request = self
            .client
            .api()
            .stop_notebook()
            .project_id(self.client.project_id())
            .id(id);
        let request = request.prepare()?;
        self.client.execute_action(request, id, Action::Stop).await
    }

    /// Begins to delete a notebook.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when it is already gone;
    /// [`ensure_deleted`](Notebooks::ensure_deleted) treats that as success.
    pub async fn delete(&self, id: &str) -> Result<Notebook> {
        let request = self
            .client
            .api()
            .delete_notebook()
            .project_id(self.client.project_id())
            .id(id);
        let request = request.prepare()?;
        self.client
            .execute_action(request, id, Action::Delete)
            .await
    }

    /// Lists the caller's notebooks.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// use futures::TryStreamExt;
    ///
    /// // To look at notebooks, read one page after the other, each when it is needed.
    /// let mut notebooks = client.notebooks().list().name("train").items();
    /// while let Some(notebook) = notebooks.try_next().await? {
    ///     println!("{}", notebook.name.unwrap_or_default());
    /// }
    /// // To change notebooks, read all pages first, since a stopped notebook is no longer listed as running.
    /// for notebook in client.notebooks().list().status("RUNNING").collect().await? {
    ///     client.notebooks().stop(&notebook.id.unwrap_or_default()).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> ListNotebooks {
        ListNotebooks::new(&self.client)
    }

    /// Lists the notebooks of all users, for administrators.
    pub fn list_all(&self) -> ListAllNotebooks {
        ListAllNotebooks::new(&self.client)
    }

    /// Returns the tags of a notebook, with their values. Huawei Cloud only.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when the notebook does not exist.
    pub async fn tags(&self, id: &str) -> Result<BTreeMap<String, String>> {
        let tags = self.show(id).await?.tags.unwrap_or_default();
        let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
        Ok(tags.into_iter().filter_map(pair).collect())
    }

    /// Returns the tag keys of all the caller's notebooks, each with its values. Huawei Cloud only.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn all_tags(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let request = self
            .client
            .api()
            .list_notebook_tags()
            .project_id(self.client.project_id());
        let tags: TagValuesList = self.client.execute(request.prepare()?).await?;
        let pair = |tag: TagValues| Some((tag.key?, tag.values.unwrap_or_default()));
        let tags = tags.tags.unwrap_or_default();
        Ok(tags.into_iter().filter_map(pair).collect())
    }

    /// Adds tags to a notebook, in any state. A key that already exists gets the new value. Huawei Cloud only.
    ///
    /// A key has 1 to 128 characters, a value at most 255.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts, id: &str) -> modelarts::Result<()> {
    /// client.notebooks().add_tags(id, [("team", "nlp"), ("stage", "dev")]).await?;
    /// let dev = client.notebooks().list().tags("stage|dev").collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when the notebook does not exist.
    pub async fn add_tags<K, V>(
        &self,
        id: &str,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> Result<()>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let tag = |(key, value): (K, V)| {
            let tag = TagReq::builder().key(key.into()).value(value.into());
            tag.build()
        };
        let tags: Vec<TagReq> = tags.into_iter().map(tag).collect::<Result<_, _>>()?;
        let body = CreateNotebookTagsRequest::builder().tags(tags);
        let request = self
            .client
            .api()
            .create_notebook_tags()
            .project_id(self.client.project_id())
            .resource_id(id)
            .body(body);
        self.client.execute(request.prepare()?).await.map(drop)
    }

    /// Removes tags from a notebook by key, in any state. Missing keys are ignored. Huawei Cloud only.
    ///
    /// The notebook is read first, since the service requires the value of each tag.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when the notebook does not exist.
    pub async fn remove_tags<K: AsRef<str>>(
        &self,
        id: &str,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<()> {
        let keys: Vec<K> = keys.into_iter().collect();
        let present = self.tags(id).await?;
        let tag = |key: &K| {
            let (key, value) = present.get_key_value(key.as_ref())?;
            Some(TagReq::builder().key(key).value(value.clone()).build())
        };
        let tags: Vec<TagReq> = keys.iter().filter_map(tag).collect::<Result<_, _>>()?;
        if tags.is_empty() {
            return Ok(());
        }
        let body = DeleteNotebookTagsRequest::builder().tags(tags);
        let request = self
            .client
            .api()
            .delete_notebook_tags()
            .project_id(self.client.project_id())
            .resource_id(id)
            .body(body);
        self.client.execute(request.prepare()?).await.map(drop)
    }

    /// Waits until a notebook that is being created or started runs and its volume is ready.
    ///
    /// | | |
    /// |---|---|
    /// | succeeds | RUNNING, and an EVS volume is ready |
    /// | fails at once | STOPPED, FROZEN, DELETING, DELETED, and every failed status |
    /// | stale reads | for 30 seconds, "not found" and STOPPED are ignored |
    /// | polls | after 10 seconds, then every 10, for up to 20 minutes: see [`PollPolicy`](crate::PollPolicy) |
    pub fn wait_until_running(&self, id: &str) -> Waiter<Notebook> {
        self.waiter(id, Plan::wait(TargetState::Running))
    }

    /// Waits until a notebook that is being stopped has stopped.
    ///
    /// It fails at once when the notebook is FROZEN, DELETING, DELETED or failed. It polls like
    /// [`wait_until_running`](Notebooks::wait_until_running).
    pub fn wait_until_stopped(&self, id: &str) -> Waiter<Notebook> {
        self.waiter(id, Plan::wait(TargetState::Stopped))
    }

    /// Waits until a notebook that is being deleted is gone.
    ///
    /// It fails at once when the deletion failed. It polls like
    /// [`wait_until_running`](Notebooks::wait_until_running).
    pub fn wait_until_deleted(&self, id: &str) -> Waiter<Notebook, ()> {
        self.waiter(id, Plan::wait(TargetState::Deleted))
    }

    /// Starts a notebook if necessary and waits until it runs.
    ///
    /// It polls first. If the notebook is being stopped, it waits and then starts it. When the service says that
    /// another operation is in progress, it polls again. A notebook that it starts is stopped again after an hour.
    /// It fails at once when the notebook is FROZEN, being deleted, or failed in a way that a start does not fix.
    pub fn ensure_running(&self, id: &str) -> Waiter<Notebook> {
        self.waiter(id, Plan::ensure(TargetState::Running))
    }

    /// Like [`ensure_running`](Notebooks::ensure_running), but sets when a notebook that it starts is stopped again:
    /// after 1 to 72 hours, or never.
    ///
    /// A notebook that is already running keeps its lease, which [`renew`](crate::Leases::renew) changes.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts, id: &str) -> modelarts::Result<()> {
    /// use modelarts::AutoStop;
    ///
    /// client.notebooks().ensure_running_with(id, AutoStop::hours(8)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ensure_running_with(&self, id: &str, auto_stop: AutoStop) -> Waiter<Notebook> {
        self.waiter(id, Plan::ensure(TargetState::Running).auto_stop(auto_stop))
    }

    /// Stops a notebook if necessary and waits until it has stopped. If it is starting, waits for that first.
    ///
    /// It fails at once when the notebook is FROZEN, being deleted or failed.
    pub fn ensure_stopped(&self, id: &str) -> Waiter<Notebook> {
        self.waiter(id, Plan::ensure(TargetState::Stopped))
    }

    /// Deletes a notebook if necessary and waits until it is gone. Stops it first only if the service requires that.
    ///
    /// It fails at once when the deletion failed.
    pub fn ensure_deleted(&self, id: &str) -> Waiter<Notebook, ()> {
        self.waiter(id, Plan::ensure(TargetState::Deleted))
    }

    /// Stops a notebook if it runs, deletes it and waits until it is gone.
    pub fn stop_and_delete(&self, id: &str) -> Waiter<Notebook, ()> {
        self.waiter(id, Plan::ensure(TargetState::Deleted).stop_first())
    }

    fn waiter<O: FromLastPoll<Notebook>>(&self, id: &str, plan: Plan) -> Waiter<Notebook, O> {
        lifecycle::waiter(&self.client, id.to_owned(), plan)
    }
}

impl Lifecycle for Notebook {
    type Key = String;

    const NOUN: &'static str = "notebook";
    const ABSENT: &'static [ErrorCode] = &[ErrorCode::MODELARTS_6309];

    fn show(client: ModelArts, id: String) -> BoxFuture<'static, Result<Self>> {
        Box::pin(async move { client.notebooks().show(&id).await })
    }

    fn execute(
        client: ModelArts,
        id: String,
        action: Action,
        auto_stop: Option<AutoStop>,
    ) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let notebooks = client.notebooks();
            match (action, auto_stop) {
                (Action::Start, Some(auto_stop)) => notebooks.start_with(&id, auto_stop).await,
                (Action::Start, None) => notebooks.start(&id).await,
                (Action::Stop, _) => notebooks.stop(&id).await,
                _ => notebooks.delete(&id).await,
            }
            .map(drop)
        })
    }

    fn phase(&self) -> Phase {
        match self.status.as_ref().map_or(Phase::Unknown, |it| it.phase()) {
            running if running.is_end_of(Action::Start) && !volume_is_ready(self) => {
                Phase::Transient(&[Action::Start])
            }
            phase => phase,
        }
    }

    fn status(&self) -> String {
        status_text(self.status.as_ref())
    }

    fn fail_reason(&self) -> Option<String> {
        self.fail_reason.clone().filter(|reason| !reason.is_empty())
    }

    fn progress(&self) -> Option<Progress> {
        progress(self.action_progress.as_deref()?)
    }

    fn missing(&self) -> Option<String> {
        let volume = self.volume.as_ref()?.status.as_ref()?;
        let is_running = self.status.as_ref()?.phase().is_end_of(Action::Start);
        (is_running && !volume_is_ready(self)).then(|| format!("its volume is {volume}"))
    }
}

/// Whether the volume can be used. A block device is created only after the status is RUNNING. While it is being
/// resized, it can be used.
fn volume_is_ready(notebook: &Notebook) -> bool {
    let Some(volume) = &notebook.volume else {
        return true;
    };
    let is_evs = matches!(volume.category.as_deref(), Some(VolumeCategory::Evs));
    let is_changing = volume.status.as_ref().is_some_and(|status| {
        status.is_transient() && !status.phase().is_under_way(Action::Resize)
    });
    !(is_evs && is_changing)
}

fn progress(steps: &[JobProgress]) -> Option<Progress> {
    if steps.is_empty() {
        return None;
    }
    let status = |step: &JobProgress| step.status.as_deref().cloned();
    let done = steps
        .iter()
        .filter(|step| status(step) == Some(JobStatus::Completed));
    let current = steps.iter().find(|step| {
        matches!(
            status(step),
            Some(JobStatus::Processing | JobStatus::Failed)
        )
    });
    Some(Progress {
        done: u32::try_from(done.count()).unwrap_or(u32::MAX),
        total: u32::try_from(steps.len()).unwrap_or(u32::MAX),
        // The two clouds name this field differently.
        step: current.and_then(|step| {
            let text = step.step_description.as_ref().or(step.description.as_ref());
            text.cloned()
        }),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn notebook(json: serde_json::Value) -> Notebook {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn running_with_an_unready_block_device_is_not_running_yet() {
        let notebook = |category: &str, status: &str| {
            let volume = json!({"category": category, "status": status});
            notebook(json!({"status": "RUNNING", "volume": volume}))
        };
        for status in ["INITIALIZING", "DELETING"] {
            let (evs, efs) = (notebook("EVS", status), notebook("EFS", status));
            assert!(!evs.phase().is_end_of(Action::Start), "{status}");
            assert_eq!(evs.missing(), Some(format!("its volume is {status}")));
            assert!(efs.phase().is_end_of(Action::Start), "{status}");
            assert_eq!(efs.missing(), None);
        }
        for status in ["IN_USE", "RESIZING"] {
            let phase = notebook("EVS", status).phase();
            assert!(phase.is_end_of(Action::Start), "{status}");
        }
    }

    #[test]
    fn a_status_that_is_newer_or_missing_is_unknown() {
        for it in [json!({"status": "THAWING"}), json!({})] {
            assert_eq!(notebook(it).phase(), Phase::Unknown);
        }
    }

    #[test]
    fn progress_counts_completed_steps() {
        let progress = notebook(json!({"action_progress": [
            {"step": 1, "status": "COMPLETED", "step_description": "storage"},
            {"step": 2, "status": "PROCESSING", "step_description": "compute"},
            {"step": 3, "status": "WAITING"},
            {"step": 4, "status": "WAITING"},
        ]}))
        .progress();
        assert_eq!(progress.unwrap().to_string(), "1 of 4, compute");
    }
}

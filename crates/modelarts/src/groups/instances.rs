//! Instances, the older generation.

use modelarts_client::devenviron::enums::DevEnvType;
use modelarts_client::devenviron::types::{
    CreateDevEnvInstanceRequest, DeleteDevEnvInstanceResponse, DevEnvInstance,
    DevEnvInstanceAction, ManageDevEnvInstanceRequest, ManageDevEnvInstanceResponse,
    UpdateDevEnvAutoStopReq, UpdateDevEnvInstanceRequest, UpdateDevEnvNotebookSpec,
};
use modelarts_client::{Action, ErrorCode, Phase};

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::devenviron::lists::ListDevEnvInstances;
use crate::error::{Result, accepted};
use crate::lifecycle::{self, FromLastPoll, Lifecycle, Plan, TargetState, status_text};
use crate::units::AutoStop;
use crate::wait::Waiter;

/// Operations on instances of the old generation, from [`ModelArts::instances`].
///
/// Works like [`Notebooks`](crate::Notebooks), but with durations in seconds on the wire and different statuses.
#[derive(Clone, Debug)]
pub struct Instances {
    client: ModelArts,
}

impl Instances {
    pub(crate) fn new(client: &ModelArts) -> Self {
        Self {
            client: client.clone(),
        }
    }

    /// Begins to create an instance. The request is sent again only if it was refused or was never sent.
    ///
    /// # Errors
    /// After [`is_outcome_unknown`](crate::Error::is_outcome_unknown), list the instances before creating it again.
    pub async fn create(&self, request: &CreateDevEnvInstanceRequest) -> Result<DevEnvInstance> {
        let request = self
            .client
            .api()
            .create_dev_env_instance()
            .project_id(self.client.project_id())
            .body(request.clone());
        let request = request.prepare()?;
        self.client
            .create(request, |it: &DevEnvInstance| it.id.as_deref())
            .await
    }

    /// Reads an instance.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when it does not exist.
    pub async fn show(&self, id: &str) -> Result<DevEnvInstance> {
        let request = self
            .client
            .api()
            .show_dev_env_instance()
            .project_id(self.client.project_id())
            .instance_id(id);
        self.client.execute(request.prepare()?).await
    }

    /// Changes the description or the automatic stop of an instance.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when it does not exist.
    pub async fn update(
        &self,
        id: &str,
        request: &UpdateDevEnvInstanceRequest,
    ) -> Result<DevEnvInstance> {
        let request = self
            .client
            .api()
            .update_dev_env_instance()
            .project_id(self.client.project_id())
            .instance_id(id)
            .body(request.clone());
        let response = self.client.execute(request.prepare()?).await;
        accepted(response)
    }

    /// Sets when an instance is stopped automatically: after 1 to 24 hours, or never.
    ///
    /// # Errors
    /// When the duration does not fit the API's seconds, and those of [`update`](Instances::update).
    pub async fn set_auto_stop(&self, id: &str, auto_stop: AutoStop) -> Result<DevEnvInstance> {
        let auto_stop = UpdateDevEnvAutoStopReq::builder()
            .duration(auto_stop.as_seconds()?)
            .enable(auto_stop != AutoStop::Off);
        let spec = UpdateDevEnvNotebookSpec::builder().auto_stop(auto_stop);
        let request = UpdateDevEnvInstanceRequest::builder().spec(spec).build()?;
        self.update(id, &request).await
    }

    /// Begins to start an instance.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when its state does not allow it.
    pub async fn start(&self, id: &str) -> Result<ManageDevEnvInstanceResponse> {
        self.manage(id, DevEnvInstanceAction::Start).await
    }

    /// Begins to stop an instance.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when its state does not allow it.
    pub async fn stop(&self, id: &str) -> Result<ManageDevEnvInstanceResponse> {
        self.manage(id, DevEnvInstanceAction::Stop).await
    }

    /// Begins to restart an instance, which must be an ML Studio instance.
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when its state does not allow it.
    pub async fn restart(&self, id: &str) -> Result<ManageDevEnvInstanceResponse> {
        self.manage(id, DevEnvInstanceAction::Restart).await
    }

    async fn manage(
        &self,
        id: &str,
        action: DevEnvInstanceAction,
    ) -> Result<ManageDevEnvInstanceResponse> {
        let sent = match action {
            DevEnvInstanceAction::Stop => Action::Stop,
            DevEnvInstanceAction::Restart => Action::Restart,
            _ => Action::Start,
        };
        let body = ManageDevEnvInstanceRequest::builder().action(action);
        let request = self
            .client
            .api()
            .manage_dev_env_instance()
            .project_id(self.client.project_id())
            .instance_id(id)
            .body(body);
        self.client
            .execute_action(request.prepare()?, id, sent)
            .await
    }

    /// Begins to delete an instance.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when it is gone already.
    pub async fn delete(&self, id: &str) -> Result<DeleteDevEnvInstanceResponse> {
        let request = self
            .client
            .api()
            .delete_dev_env_instance()
            .project_id(self.client.project_id())
            .instance_id(id);
        let request = request.prepare()?;
        self.client
            .execute_action(request, id, Action::Delete)
            .await
    }

    /// Lists the caller's instances, of type Notebook unless [`de_type`](ListDevEnvInstances::de_type) says
    /// otherwise.
    pub fn list(&self) -> ListDevEnvInstances {
        ListDevEnvInstances::new(&self.client).de_type(DevEnvType::Notebook)
    }

    /// Waits until an instance that is being created, started or restarted runs.
    ///
    /// | | |
    /// |---|---|
    /// | succeeds | RUNNING, or ACTIVE in ML Studio |
    /// | fails at once | STOPPED, DELETED, UNAVAILABLE, and every failed status |
    /// | stale reads | for 30 seconds, "not found" and STOPPED are ignored |
    /// | polls | after 10 seconds, then every 10, for up to 20 minutes: see [`PollPolicy`](crate::PollPolicy) |
    pub fn wait_until_running(&self, id: &str) -> Waiter<DevEnvInstance> {
        self.waiter(id, Plan::wait(TargetState::Running))
    }

    /// Waits until an instance that is being stopped has stopped. It fails at once when the instance is deleted or
    /// failed.
    pub fn wait_until_stopped(&self, id: &str) -> Waiter<DevEnvInstance> {
        self.waiter(id, Plan::wait(TargetState::Stopped))
    }

    /// Waits until an instance that is being deleted is gone.
    pub fn wait_until_deleted(&self, id: &str) -> Waiter<DevEnvInstance, ()> {
        self.waiter(id, Plan::wait(TargetState::Deleted))
    }

    /// Starts an instance if necessary and waits until it runs. Its automatic stop stays as it was set before.
    ///
    /// It fails at once when the instance is being deleted, or failed in a way that a start does not fix.
    pub fn ensure_running(&self, id: &str) -> Waiter<DevEnvInstance> {
        self.waiter(id, Plan::ensure(TargetState::Running))
    }

    /// Like [`ensure_running`](Instances::ensure_running), but sets when an instance that it starts is stopped again:
    /// after 1 to 24 hours, or never.
    ///
    /// An instance that is already running is not changed: a [change](Instances::set_auto_stop) applies from the next
    /// start.
    pub fn ensure_running_with(&self, id: &str, auto_stop: AutoStop) -> Waiter<DevEnvInstance> {
        self.waiter(id, Plan::ensure(TargetState::Running).auto_stop(auto_stop))
    }

    /// Stops an instance if necessary and waits until it has stopped. If it is starting, waits for that first.
    ///
    /// It fails at once when the instance is being deleted or failed.
    pub fn ensure_stopped(&self, id: &str) -> Waiter<DevEnvInstance> {
        self.waiter(id, Plan::ensure(TargetState::Stopped))
    }

    /// Deletes an instance if necessary and waits until it is gone. Stops it first only if the service requires that.
    ///
    /// It fails at once when the deletion failed.
    pub fn ensure_deleted(&self, id: &str) -> Waiter<DevEnvInstance, ()> {
        self.waiter(id, Plan::ensure(TargetState::Deleted))
    }

    /// Stops an instance if it runs, deletes it and waits until it is gone.
    pub fn stop_and_delete(&self, id: &str) -> Waiter<DevEnvInstance, ()> {
        self.waiter(id, Plan::ensure(TargetState::Deleted).stop_first())
    }

    fn waiter<O: FromLastPoll<DevEnvInstance>>(
        &self,
        id: &str,
        plan: Plan,
    ) -> Waiter<DevEnvInstance, O> {
        lifecycle::waiter(&self.client, id.to_owned(), plan)
    }
}

impl Lifecycle for DevEnvInstance {
    type Key = String;

    const NOUN: &'static str = "instance";
    const ABSENT: &'static [ErrorCode] = &[ErrorCode::MODELARTS_6309];

    fn show(client: ModelArts, id: String) -> BoxFuture<'static, Result<Self>> {
        Box::pin(async move { client.instances().show(&id).await })
    }

    fn execute(
        client: ModelArts,
        id: String,
        action: Action,
        auto_stop: Option<AutoStop>,
    ) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let instances = client.instances();
            match action {
                Action::Start => {
                    // A start has no such parameter: it uses the value that is set on the instance.
                    if let Some(auto_stop) = auto_stop {
                        instances.set_auto_stop(&id, auto_stop).await?;
                    }
                    instances.start(&id).await.map(drop)
                }
                Action::Stop => instances.stop(&id).await.map(drop),
                _ => instances.delete(&id).await.map(drop),
            }
        })
    }

    fn phase(&self) -> Phase {
        self.status.as_ref().map_or(Phase::Unknown, |it| it.phase())
    }

    fn status(&self) -> String {
        status_text(self.status.as_ref())
    }

    fn fail_reason(&self) -> Option<String> {
        let spec = self.spec.as_ref()?;
        let reasons = spec.failed_reasons.as_ref()?;
        reasons.message.clone().or_else(|| reasons.code.clone())
    }
}

//! Executes the steps of `modelarts apply`.

use serde_json::{Value, json};

use super::auto_stop::auto_stop_notice;
use super::{ssh_body, volume_body};
use crate::exchange::Request;
use crate::failure::Failure;
use crate::lease::{self, Stop};
use crate::lifecycle::{Generation, Target};
use crate::manifest::{Desired, State};
use crate::output;
use crate::plan::{self, Step};
use crate::session::{Session, identity};
use crate::waiting::Wait;

/// Executes the steps of a plan.
pub(super) struct Execution<'a> {
    pub(super) session: &'a Session,
    pub(super) wait: &'a Wait,
}

impl Execution<'_> {
    pub(super) async fn create(&self, step: &mut Step) -> Result<(), Failure> {
        let Some(desired) = step.desired.clone() else {
            return Ok(());
        };
        let endpoints = desired
            .key_pairs
            .as_deref()
            .map(|pairs| ssh_body(Some(pairs), desired.allowed_ips.as_deref()));
        let volume = desired.volume.clone().unwrap_or_default();
        let request = Request::of("createNotebook")?.body(json!({
            "name": desired.name,
            "flavor": desired.flavor,
            "image_id": step.image,
            "description": desired.description,
            "endpoints": endpoints,
            "pool_id": desired.pool,
            "workspace_id": desired.workspace,
            "lease": desired.auto_stop.map(Stop::body).transpose()?,
            "volume": volume_body(volume.category.as_deref(), volume.size, volume.uri.as_deref()),
        }));
        let created = self.session.send(request).await?.unwrap_or_default();
        let id = identity(&created);
        step.id = Some(id.clone());
        if desired.auto_stop.is_none() {
            output::note(&format!(
                "{}: {}",
                crate::text::one_line(&desired.name),
                auto_stop_notice(&created, "`auto_stop`")
            ));
        }
        if let Some(tags) = desired.tags.as_ref().filter(|tags| !tags.is_empty()) {
            self.session
                .client
                .notebooks()
                .add_tags(&id, tags.clone())
                .await?;
        }
        match desired.state {
            // A notebook can only be stopped once it is running.
            Some(State::Stopped) => {
                self.reach(step, &id, Target::Running).await?;
                self.stop(step, &id).await
            }
            _ if self.wait.wait => self.reach(step, &id, Target::Running).await,
            _ => Ok(()),
        }
    }

    pub(super) async fn update(&self, step: &Step) -> Result<(), Failure> {
        let (Some(desired), Some(current), Some(id)) = (&step.desired, &step.current, &step.id)
        else {
            return Ok(());
        };
        let needs_stop = step.needs_stop();
        let was_up = needs_stop && desired.state != Some(State::Stopped);
        if needs_stop {
            self.ensure(step, id, Target::Stopped).await?;
        } else if plan::is_transient(current) {
            // A transition in progress must end first.
            let target = match plan::is_or_becomes(current, State::Stopped) {
                true => Target::Stopped,
                false => Target::Running,
            };
            self.reach(step, id, target).await?;
        }
        self.change(step, desired, id).await?;
        if step.changes("tags") {
            self.tag(desired, current, id).await?;
        }
        if was_up || (step.changes("state") && desired.state == Some(State::Running)) {
            self.start(step, id).await?;
        } else if step.changes("state") && !needs_stop {
            self.stop(step, id).await?;
        } else if step.changes("auto_stop")
            && let Some(stop) = desired.auto_stop
        {
            lease::renew(self.session, id, stop).await?;
        }
        Ok(())
    }

    /// Sends the changes that a single update request can make.
    async fn change(&self, step: &Step, desired: &Desired, id: &str) -> Result<(), Failure> {
        let when = |field: &str, value: Value| match step.changes(field) {
            true => value,
            false => Value::Null,
        };
        let endpoints = ssh_body(None, desired.allowed_ips.as_deref());
        let request = Request::of("updateNotebook")?.path("id", id).body(json!({
            "description": when("description", json!(desired.description)),
            "flavor": when("flavor", json!(desired.flavor)),
            "image_id": when("image", json!(step.image)),
            "storage_new_size": when("volume", json!(desired.volume.as_ref().and_then(|v| v.size))),
            "endpoints": when("allowed_ips", endpoints),
        }));
        if request.body != Some(json!({})) {
            self.session.send(request).await?;
        }
        Ok(())
    }

    async fn tag(&self, desired: &Desired, current: &Value, id: &str) -> Result<(), Failure> {
        let wanted = desired.tags.clone().unwrap_or_default();
        let present = plan::tags_of(current);
        let notebooks = self.session.client.notebooks();
        let gone: Vec<_> = present
            .keys()
            .filter(|key| !wanted.contains_key(*key))
            .collect();
        if !gone.is_empty() {
            notebooks.remove_tags(id, gone).await?;
        }
        let new: Vec<_> = wanted
            .into_iter()
            .filter(|(key, value)| present.get(key) != Some(value))
            .collect();
        if !new.is_empty() {
            notebooks.add_tags(id, new).await?;
        }
        Ok(())
    }

    async fn start(&self, step: &Step, id: &str) -> Result<(), Failure> {
        lease::start(self.session, id, &step.name, step.stop(), self.wait).await?;
        Ok(())
    }

    async fn stop(&self, step: &Step, id: &str) -> Result<(), Failure> {
        let request = Request::of("stopNotebook")?.path("id", id);
        self.session.send(request).await?;
        match self.wait.wait {
            true => self.reach(step, id, Target::Stopped).await,
            false => Ok(()),
        }
    }

    pub(super) async fn delete(&self, step: &Step) -> Result<(), Failure> {
        let Some(id) = &step.id else { return Ok(()) };
        let request = Request::of("deleteNotebook")?.path("id", id);
        self.session.send(request).await?;
        match self.wait.wait {
            true => self.reach(step, id, Target::Deleted).await,
            false => Ok(()),
        }
    }

    /// Waits until the transition in progress reaches the target.
    async fn reach(&self, step: &Step, id: &str, target: Target) -> Result<(), Failure> {
        let what = format!("notebook {}", step.name);
        let interval = self.wait.interval.interval;
        Generation::Notebook
            .wait(self.session, id, &what, target, interval)
            .await?;
        Ok(())
    }

    /// Brings the notebook to the target, sending the necessary actions.
    async fn ensure(&self, step: &Step, id: &str, target: Target) -> Result<(), Failure> {
        let what = format!("notebook {}", step.name);
        let policy = self.session.policy(self.wait.interval.interval);
        Generation::Notebook
            .ensure(self.session, id, &what, target, policy)
            .await?;
        Ok(())
    }
}

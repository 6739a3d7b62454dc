//! Instances of both generations, with the lists, timers and counts that they are part of.

use modelarts_client::devenviron::enums::NotebookStatus;

use super::caller::Caller;
use super::durations::Durations;
use super::model::{Generation, Instance};
use super::phase::Failure;
use super::state::{DirtyKey, Owned, State, Subject};
use super::status::InstanceStatus;
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult};

impl State {
    pub(super) fn add(&mut self, instance: Instance) {
        let (seq, flavor, now) = (instance.seq, instance.flavor.clone(), instance.updated);
        self.instance_ids.insert(instance.id.clone(), seq);
        self.listing.insert(&instance);
        self.attach(&instance);
        self.instances.insert(seq, instance);
        self.set_dirty(DirtyKey::Instance(seq));
        self.promote(&flavor, now);
    }

    /// Changes an instance, and updates everything that depends on it.
    pub(super) fn change<R>(
        &mut self,
        seq: u64,
        now: Millis,
        with: impl FnOnce(&mut Instance, &Durations) -> R,
    ) -> Option<R> {
        let mut instance = self.instances.remove(&seq)?;
        self.detach(&instance);
        self.rendered.remove(&seq);
        let old_name = instance.name.clone();
        let result = with(&mut instance, &self.settings.durations);
        let flavor = instance.flavor.clone();
        // The lists still contain its old name.
        let name = std::mem::replace(&mut instance.name, old_name);
        if *instance.status() == NotebookStatus::Deleted {
            self.instance_ids.remove(&instance.id);
            self.listing.remove(&instance);
        } else {
            if instance.name != name {
                self.listing.remove(&instance);
                instance.name = name;
                self.listing.insert(&instance);
            }
            self.attach(&instance);
            self.instances.insert(seq, instance);
        }
        self.set_dirty(DirtyKey::Instance(seq));
        self.promote(&flavor, now);
        Some(result)
    }

    /// Adds the instance to the timers, queues and counts, but not to the lists.
    pub(super) fn attach(&mut self, instance: &Instance) {
        if let Some(due) = instance.due() {
            self.timers.insert((due, Subject::Instance(instance.seq)));
        }
        if instance.status().occupies() {
            *self.occupied.entry(instance.flavor.clone()).or_default() += 1;
        }
        if let Some(owned) = Owned::of(instance) {
            *self.owned.entry(owned).or_default() += 1;
        }
        if let Some(queue) = &instance.queue {
            self.queues
                .entry(instance.flavor.clone())
                .or_default()
                .insert((queue.since, instance.seq));
        }
        self.evs += evs_of(instance);
    }

    /// Removes the instance from the timers, queues and counts, but not from the lists.
    pub(super) fn detach(&mut self, instance: &Instance) {
        if let Some(due) = instance.due() {
            self.timers.remove(&(due, Subject::Instance(instance.seq)));
        }
        if instance.status().occupies()
            && let Some(count) = self.occupied.get_mut(&instance.flavor)
        {
            *count = count.saturating_sub(1);
        }
        if let Some(owned) = Owned::of(instance)
            && let Some(count) = self.owned.get_mut(&owned)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.owned.remove(&owned);
            }
        }
        if let Some(queue) = &instance.queue
            && let Some(places) = self.queues.get_mut(&instance.flavor)
        {
            places.remove(&(queue.since, instance.seq));
        }
        self.evs = self.evs.saturating_sub(evs_of(instance));
    }

    /// Finds an instance of this generation in the caller's project.
    pub(super) fn find(
        &self,
        caller: &Caller,
        generation: Generation,
        id: &str,
    ) -> ApiResult<&Instance> {
        self.instance_ids
            .get(id)
            .and_then(|seq| self.instances.get(seq))
            .filter(|instance| {
                instance.project == caller.project && instance.generation() == generation
            })
            .ok_or_else(ApiError::no_instance)
    }

    /// Puts an instance into a status, whatever its present one. Returns whether the instance exists.
    pub(crate) fn force_status(
        &mut self,
        id: &str,
        status: InstanceStatus,
        failure: Option<String>,
        now: Millis,
    ) -> bool {
        let Some(seq) = self.instance_ids.get(id).copied() else {
            return false;
        };
        let place = status.is_queued().then(|| self.queue_place(now));
        let code = status.failure_code();
        self.change(seq, now, |instance, durations| {
            instance.enter(status, now, durations, None);
            instance.queue = place;
            instance.failure = failure.map(|message| Failure {
                code: code.to_string(),
                message,
            });
        })
        .is_some()
    }

    /// Restarts the countdown of an idle lease. Returns whether the instance exists.
    pub(crate) fn note_activity(&mut self, id: &str, now: Millis) -> bool {
        let Some(seq) = self.instance_ids.get(id).copied() else {
            return false;
        };
        self.change(seq, now, |instance, _| {
            if instance.lease.idle {
                instance.lease.since = now;
            }
        })
        .is_some()
    }
}

/// The EVS storage of an instance, in GB.
fn evs_of(instance: &Instance) -> u64 {
    instance
        .notebook()
        .filter(|notebook| notebook.volume.is_evs())
        .map_or(0, |notebook| {
            u64::try_from(notebook.volume.capacity).unwrap_or_default()
        })
}

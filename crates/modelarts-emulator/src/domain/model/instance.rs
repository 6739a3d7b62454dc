//! An instance of either generation.

use modelarts_client::devenviron::enums::{
    DevEnvInstanceStatus as D, NotebookStatus as N, VolumeStatus,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dev_env::DevEnv;
use super::lease::Lease;
use super::notebook::Notebook;
use crate::clock::Millis;
use crate::domain::durations::Durations;
use crate::domain::phase::{Failure, Phase};
use crate::domain::status::InstanceStatus;

/// The generations of the API, each of which only shows its own instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Generation {
    /// `/v1/{project_id}/notebooks`.
    #[default]
    Notebook,
    /// `/v1/{project_id}/demanager/instances`.
    DevEnv,
}

/// A notebook of either generation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) seq: u64,
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) workspace: String,
    pub(crate) flavor: String,
    /// Whether it is free of charge (`DEFAULT`); a user may have one free notebook.
    pub(crate) free: bool,
    pub(crate) phase: Phase<InstanceStatus>,
    pub(crate) previous: InstanceStatus,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) lease: Lease,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) queue: Option<Queue>,
    pub(crate) details: Details,
}

/// The properties that only one generation has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Details {
    Notebook(Box<Notebook>),
    DevEnv(Box<DevEnv>),
}

impl Details {
    /// Returns the status in the words of this kind of instance: those of ML Studio differ.
    pub(crate) fn own_word(&self, status: InstanceStatus) -> InstanceStatus {
        let ml_studio = matches!(self, Self::DevEnv(instance) if instance.ml_studio);
        match status {
            InstanceStatus::Notebook(N::Running) if ml_studio => D::Active.into(),
            InstanceStatus::DevEnv(D::Restarting) if ml_studio => D::Rebooting.into(),
            status => status,
        }
    }
}

/// A place in the queue for a flavor that is sold out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) since: Millis,
    /// The latest time at which it gets a machine.
    pub(crate) until: Millis,
}

impl Instance {
    pub(crate) fn generation(&self) -> Generation {
        match self.details {
            Details::Notebook(_) => Generation::Notebook,
            Details::DevEnv(_) => Generation::DevEnv,
        }
    }

    pub(crate) fn status(&self) -> &InstanceStatus {
        &self.phase.status
    }

    pub(crate) fn notebook(&self) -> Option<&Notebook> {
        match &self.details {
            Details::Notebook(notebook) => Some(notebook),
            Details::DevEnv(_) => None,
        }
    }

    pub(crate) fn notebook_mut(&mut self) -> Option<&mut Notebook> {
        match &mut self.details {
            Details::Notebook(notebook) => Some(notebook),
            Details::DevEnv(_) => None,
        }
    }

    pub(crate) fn dev_env(&self) -> Option<&DevEnv> {
        match &self.details {
            Details::DevEnv(dev_env) => Some(dev_env),
            Details::Notebook(_) => None,
        }
    }

    /// The automatic stop as it was last configured, which may apply from the next start only.
    pub(crate) fn configured_lease(&self) -> &Lease {
        self.dev_env()
            .and_then(|dev_env| dev_env.next_lease.as_ref())
            .unwrap_or(&self.lease)
    }

    /// Puts the instance into a status.
    pub(crate) fn enter(
        &mut self,
        status: impl Into<InstanceStatus>,
        now: Millis,
        durations: &Durations,
        failing: Option<Failure>,
    ) {
        let status = self.details.own_word(status.into());
        let before = std::mem::replace(
            &mut self.phase,
            Phase::enter(status, now, durations, failing),
        );
        self.previous = before.status;
        self.updated = now;
        self.queue = None;
        if self.status().is_up() && !self.previous.is_up() && self.previous != N::Snapshotting {
            self.begin_run(now);
        }
        if self.phase.until.is_some() {
            self.failure = None;
        }
    }

    /// Starts the run of an instance of the old generation: what was set for the next run takes effect, and the
    /// countdown to its automatic stop begins. The lease of a notebook counts from the request that created or
    /// started it.
    fn begin_run(&mut self, now: Millis) {
        let Details::DevEnv(dev_env) = &mut self.details else {
            return;
        };
        if let Some(next) = dev_env.next_lease.take() {
            self.lease = next;
        }
        self.lease.since = now;
        self.lease.updated = now;
    }

    /// The time of its next automatic transition.
    pub(crate) fn due(&self) -> Option<Millis> {
        let lease = self.status().is_up().then(|| self.lease.ends()).flatten();
        let parts = self.notebook().into_iter().flat_map(|notebook| {
            let mounts = notebook.mounts.iter().map(|mount| mount.phase.until);
            mounts.chain([notebook.volume.phase.until])
        });
        [
            self.phase.until,
            lease,
            self.queue.as_ref().map(|queue| queue.until),
        ]
        .into_iter()
        .chain(parts)
        .flatten()
        .min()
    }

    /// Whether it has no automatic transition ahead, apart from the end of its lease.
    pub(crate) fn is_at_rest(&self) -> bool {
        let parts = self.notebook().is_none_or(|notebook| {
            let mounts = &notebook.mounts;
            notebook.volume.phase.until.is_none()
                && mounts.iter().all(|mount| mount.phase.until.is_none())
        });
        parts && self.phase.until.is_none() && self.queue.is_none()
    }

    /// Carries out the transitions that are due at `now`, apart from those of the queue.
    pub(crate) fn advance(&mut self, now: Millis, durations: &Durations) {
        if let Some((next, at, failure)) = self.phase.finish(now) {
            self.arrive(next, at, failure, durations);
        }
        if self.status().is_up() && self.lease.ends().is_some_and(|end| end <= now) {
            self.enter(N::Stopping, now, durations, None);
        }
        let Some(notebook) = self.notebook_mut() else {
            return;
        };
        let volume = &mut notebook.volume.phase;
        if let Some((next, at, _)) = volume.finish(now) {
            *volume = Phase::enter(next, at, durations, None);
        }
        notebook
            .mounts
            .retain_mut(|mount| mount.advance(now, durations));
    }

    /// Completes a transition.
    fn arrive(
        &mut self,
        next: InstanceStatus,
        at: Millis,
        failure: Option<Failure>,
        durations: &Durations,
    ) {
        let failed = failure.is_some();
        self.enter(next, at, durations, None);
        self.failure = failure;
        if !self.status().is_up() {
            return;
        }
        let up_again = self.previous != N::Snapshotting;
        let Details::Notebook(notebook) = &mut self.details else {
            return;
        };
        if let Some(image) = notebook.saving.take()
            && !failed
        {
            notebook.image = image;
        }
        if up_again && !notebook.ready {
            notebook.ready = true;
            let status = if notebook.volume.is_evs() {
                VolumeStatus::Initializing
            } else {
                VolumeStatus::InUse
            };
            notebook.volume.phase = Phase::enter(status, at, durations, None);
        }
    }
}

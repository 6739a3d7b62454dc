//! What the emulator knows of a resource.

use std::collections::BTreeMap;

use modelarts_client::devenviron::types;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::transitions::{
    Durations, IMAGES, INSTANCES, ImageStatus, InstanceStatus, MOUNTS, MountStatus, Phase, VOLUMES,
    VolumeStatus,
};
use crate::clock::Millis;
use crate::error::code;

/// The two generations of the API, which do not see each other's instances.
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
    /// Whether it is a free one (`DEFAULT`), of which a user may have a single one.
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

/// What only one generation has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Details {
    Notebook(Box<Notebook>),
    DevEnv(Box<DevEnv>),
}

impl Details {
    /// The status as this kind of instance calls it: ML Studio has words of its own.
    pub(crate) fn own_word(&self, status: InstanceStatus) -> InstanceStatus {
        let ml_studio = matches!(self, Self::DevEnv(instance) if instance.ml_studio);
        match status {
            InstanceStatus::Running if ml_studio => InstanceStatus::Active,
            InstanceStatus::Restarting if ml_studio => InstanceStatus::Rebooting,
            _ => status,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notebook {
    pub(crate) image: String,
    pub(crate) token: String,
    pub(crate) volume: Volume,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) endpoints: Vec<types::EndpointsReq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hooks: Option<types::CustomHooks>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mounts: Vec<Mount>,
    /// Storage beside the volume that it was created with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) data_volumes: Vec<types::VolumeReq>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_spec: Option<types::CustomSpecReq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) affinity: Option<types::NodeAffinityReq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run_user: Option<types::RunUserReq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_vpc: Option<types::UserVpcReq>,
    /// The image that is being saved from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) saving: Option<String>,
    /// Whether it has been RUNNING before, so that its disk is ready and its address known.
    pub(crate) ready: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DevEnv {
    pub(crate) profile: String,
    pub(crate) storage: types::DevEnvStorageReq,
    /// Size in GB of the disk of an instance that has one; a new instance cannot ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) volume_size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extend_storage: Option<Vec<types::DevEnvStorageReq>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<types::DevEnvPoolReq>,
    pub(crate) ai_project: String,
    pub(crate) prompt: bool,
    /// The automatic stop that holds from the next start on, when it was changed while the instance ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_lease: Option<Lease>,
    /// Whether it is an ML Studio instance, which says ACTIVE where others say RUNNING.
    pub(crate) ml_studio: bool,
}

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredFailure")]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What a state file may hold: the reason alone, in files that were written before codes were kept.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredFailure {
    Reason(String),
    Failure { code: String, message: String },
}

impl From<StoredFailure> for Failure {
    fn from(stored: StoredFailure) -> Self {
        match stored {
            StoredFailure::Reason(message) => Self {
                code: code::SERVICE.to_string(),
                message,
            },
            StoredFailure::Failure { code, message } => Self { code, message },
        }
    }
}

/// The countdown to the automatic stop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) enabled: bool,
    /// Whether it counts from the last activity instead of the last request.
    pub(crate) idle: bool,
    pub(crate) duration: Millis,
    /// When the countdown began.
    pub(crate) since: Millis,
    pub(crate) updated: Millis,
}

impl Lease {
    /// Whether it stops an instance in the same way as another one.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        (self.enabled, self.idle, self.duration) == (other.enabled, other.idle, other.duration)
    }

    pub(crate) fn ends(&self) -> Option<Millis> {
        self.enabled
            .then(|| self.since.saturating_add(self.duration))
    }
}

/// A place in the queue for a flavor that is sold out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) since: Millis,
    /// When it gets a machine at the latest.
    pub(crate) until: Millis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) category: String,
    pub(crate) ownership: String,
    pub(crate) capacity: i32,
    /// Shared path and ID of a file system of the caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mount_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) read_only: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dew_secret_name: Option<String>,
    pub(crate) phase: Phase<VolumeStatus>,
}

impl Volume {
    pub(crate) fn is_evs(&self) -> bool {
        self.category.eq_ignore_ascii_case("EVS")
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mount {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) uri: String,
    /// ID of the file system, for one of EFS; everything else is OBSFS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) efs_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    pub(crate) phase: Phase<MountStatus>,
}

impl Instance {
    pub(crate) fn generation(&self) -> Generation {
        match self.details {
            Details::Notebook(_) => Generation::Notebook,
            Details::DevEnv(_) => Generation::DevEnv,
        }
    }

    pub(crate) fn status(&self) -> InstanceStatus {
        self.phase.status
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

    /// The automatic stop as it was last asked for, which a run that has begun may not follow yet.
    pub(crate) fn configured_lease(&self) -> &Lease {
        self.dev_env()
            .and_then(|dev_env| dev_env.next_lease.as_ref())
            .unwrap_or(&self.lease)
    }

    /// Begins a status.
    pub(crate) fn enter(
        &mut self,
        status: InstanceStatus,
        now: Millis,
        durations: &Durations,
        failing: Option<Failure>,
    ) {
        let status = self.details.own_word(status);
        self.previous = self.phase.status;
        self.phase = Phase::enter(status, now, INSTANCES, durations, failing);
        self.updated = now;
        self.queue = None;
        if self.phase.until.is_some() {
            self.failure = None;
        }
    }

    /// When something happens to it next.
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

    /// Whether nothing about it changes as time passes, but for the end of its lease.
    pub(crate) fn is_at_rest(&self) -> bool {
        let parts = self.notebook().is_none_or(|notebook| {
            let mounts = &notebook.mounts;
            notebook.volume.phase.until.is_none()
                && mounts.iter().all(|mount| mount.phase.until.is_none())
        });
        parts && self.phase.until.is_none() && self.queue.is_none()
    }

    /// Does what is due at `now`; the queue is the state's business.
    pub(crate) fn settle(&mut self, now: Millis, durations: &Durations) {
        if let Some((next, at, failure)) = self.phase.finish(INSTANCES, now) {
            self.arrive(next, at, failure, durations);
        }
        if self.status().is_up() && self.lease.ends().is_some_and(|end| end <= now) {
            self.enter(InstanceStatus::Stopping, now, durations, None);
        }
        let Some(notebook) = self.notebook_mut() else {
            return;
        };
        let volume = &mut notebook.volume.phase;
        if let Some((next, at, _)) = volume.finish(VOLUMES, now) {
            *volume = Phase::enter(next, at, VOLUMES, durations, None);
        }
        for mount in &mut notebook.mounts {
            if let Some((next, at, failure)) = mount.phase.finish(MOUNTS, now) {
                mount.failure = failure;
                mount.phase = Phase::enter(next, at, MOUNTS, durations, None);
            }
        }
        notebook
            .mounts
            .retain(|mount| mount.phase.status != MountStatus::Gone);
    }

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
        if !next.is_up() {
            return;
        }
        let up_again = !matches!(self.previous, InstanceStatus::Snapshotting);
        match &mut self.details {
            Details::DevEnv(dev_env) => {
                if let Some(next) = dev_env.next_lease.take() {
                    self.lease = next;
                }
                self.lease.since = at;
            }
            Details::Notebook(notebook) => {
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
                    notebook.volume.phase = Phase::enter(status, at, VOLUMES, durations, None);
                }
            }
        }
    }
}

/// An image, built in or of a project.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ImageEntry {
    pub(crate) seq: u64,
    /// `None`: built in, for everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// What is answered, except for the status.
    pub(crate) image: types::Image,
    /// The overview of its group, of which every version has a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) read_me: Option<String>,
    pub(crate) phase: Phase<ImageStatus>,
}

impl ImageEntry {
    pub(crate) fn id(&self) -> &str {
        self.image.id.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.image.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn settle(&mut self, now: Millis, durations: &Durations) {
        let Some((next, at, failure)) = self.phase.finish(IMAGES, now) else {
            return;
        };
        self.phase = Phase::enter(next, at, IMAGES, durations, None);
        self.image.update_at = Some(at);
        self.image.status_message = failure.map(|failure| failure.message);
    }
}

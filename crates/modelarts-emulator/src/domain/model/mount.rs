//! A storage that was mounted to a running notebook.

use modelarts_client::devenviron::enums::DataVolumeStatus;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::durations::{Durations, Step};
use crate::domain::phase::{Failure, Phase, Status, Transition, transition};

/// A mounted storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mount {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) uri: String,
    /// The ID of the file system if it is EFS; all other mounts are OBSFS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) efs_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    pub(crate) phase: Phase<DataVolumeStatus>,
}

impl Mount {
    /// Carries out the transition that is due at `now`. Returns `false` once the mount is gone.
    pub(crate) fn advance(&mut self, now: Millis, durations: &Durations) -> bool {
        if self.phase.status == DataVolumeStatus::Unmounted && self.phase.is_over(now) {
            return false;
        }
        if let Some((next, at, failure)) = self.phase.finish(now) {
            self.failure = failure;
            self.phase = Phase::enter(next, at, durations, None);
        }
        true
    }
}

impl Status for DataVolumeStatus {
    fn transitions() -> &'static [Transition<Self>] {
        static TABLE: &[Transition<DataVolumeStatus>] = &[
            transition(
                DataVolumeStatus::Mounting,
                Step::Mount,
                DataVolumeStatus::Mounted,
                DataVolumeStatus::MountFailed,
            ),
            transition(
                DataVolumeStatus::Unmounting,
                Step::Unmount,
                DataVolumeStatus::Unmounted,
                DataVolumeStatus::UnmountFailed,
            ),
            // It stays in the list for a while.
            transition(
                DataVolumeStatus::Unmounted,
                Step::Forget,
                DataVolumeStatus::Unmounted,
                DataVolumeStatus::Unmounted,
            ),
        ];
        TABLE
    }

    fn is_listed(&self) -> bool {
        !self.is_unknown()
    }
}

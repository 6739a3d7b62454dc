//! A storage that is mounted to a running notebook.

use modelarts_client::devenviron::enums::DataVolumeStatus;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::durations::{Durations, Step};
use crate::domain::phase::{Failure, Phase, Status, Transition, transition};

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
    pub(crate) phase: Phase<DataVolumeStatus>,
}

impl Mount {
    /// Does what is due at `now`; false when there is nothing left of it.
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
            // It is listed for a while before it is gone.
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

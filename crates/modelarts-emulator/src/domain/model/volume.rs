//! The volume that a notebook is created with.

use modelarts_client::devenviron::enums::{VolumeCategory, VolumeStatus};
use serde::{Deserialize, Serialize};

use crate::domain::durations::Step;
use crate::domain::phase::{Phase, Status, Transition, transition};

/// The volume of a notebook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) category: String,
    pub(crate) ownership: String,
    pub(crate) capacity: i32,
    /// Shared path and ID of a dedicated file system.
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
        self.category
            .eq_ignore_ascii_case(VolumeCategory::Evs.as_str())
    }
}

impl Status for VolumeStatus {
    fn transitions() -> &'static [Transition<Self>] {
        static TABLE: &[Transition<VolumeStatus>] = &[
            transition(
                VolumeStatus::Initializing,
                Step::VolumeInitialize,
                VolumeStatus::InUse,
                VolumeStatus::InUse,
            ),
            transition(
                VolumeStatus::Resizing,
                Step::VolumeResize,
                VolumeStatus::InUse,
                VolumeStatus::InUse,
            ),
        ];
        TABLE
    }

    fn is_listed(&self) -> bool {
        !self.is_unknown()
    }
}

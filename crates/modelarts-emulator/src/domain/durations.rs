//! The transitions that the service makes by itself, and how long they take.

use std::time::Duration;

use modelarts_client::ErrorCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Millis;
use crate::error::code;

/// The durations of the transitions that the service makes by itself, in emulated time.
///
/// ```
/// use std::time::Duration;
/// use modelarts_emulator::Durations;
///
/// let durations = Durations { create: Duration::from_secs(5), ..Durations::default() };
/// assert!(durations.stop < durations.start);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "built with struct update syntax")]
pub struct Durations {
    /// From CREATING to RUNNING; the four steps of the progress share it evenly.
    pub create: Duration,
    /// From STARTING to RUNNING.
    pub start: Duration,
    /// From RESTARTING (or REBOOTING) to RUNNING (or ACTIVE).
    pub restart: Duration,
    /// From STOPPING to STOPPED.
    pub stop: Duration,
    /// From the acceptance of a deletion until the instance is gone.
    pub delete: Duration,
    /// From SNAPSHOTTING to RUNNING, during which an image is saved.
    pub save_image: Duration,
    /// How long an EVS disk is INITIALIZING after the notebook has become RUNNING.
    pub volume_initialize: Duration,
    /// How long an EVS disk is RESIZING.
    pub volume_resize: Duration,
    /// From MOUNTING to MOUNTED.
    pub mount: Duration,
    /// From UNMOUNTING to UNMOUNTED.
    pub unmount: Duration,
    /// How long an UNMOUNTED storage is still listed.
    pub unmounted: Duration,
    /// The maximum time that an instance stays in the queue.
    pub queue_place: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            create: Duration::from_secs(90),
            start: Duration::from_secs(60),
            restart: Duration::from_secs(60),
            stop: Duration::from_secs(30),
            delete: Duration::from_secs(20),
            save_image: Duration::from_secs(120),
            volume_initialize: Duration::from_secs(20),
            volume_resize: Duration::from_secs(30),
            mount: Duration::from_secs(10),
            unmount: Duration::from_secs(5),
            unmounted: Duration::from_secs(30),
            queue_place: Duration::from_secs(120),
        }
    }
}

impl Durations {
    /// Returns durations of zero: the next read shows the result of every transition.
    pub fn instant() -> Self {
        Self {
            create: Duration::ZERO,
            start: Duration::ZERO,
            restart: Duration::ZERO,
            stop: Duration::ZERO,
            delete: Duration::ZERO,
            save_image: Duration::ZERO,
            volume_initialize: Duration::ZERO,
            volume_resize: Duration::ZERO,
            mount: Duration::ZERO,
            unmount: Duration::ZERO,
            unmounted: Duration::ZERO,
            queue_place: Duration::ZERO,
        }
    }
}

pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX / 4)
}

/// A transition that the service makes by itself, and that a test may make fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// CREATING.
    Create,
    /// STARTING.
    Start,
    /// RESTARTING, REBOOTING.
    Restart,
    /// STOPPING.
    Stop,
    /// DELETING.
    Delete,
    /// SNAPSHOTTING, and CREATING of the image.
    SaveImage,
    /// INITIALIZING of a disk.
    VolumeInitialize,
    /// RESIZING of a disk.
    VolumeResize,
    /// MOUNTING.
    Mount,
    /// UNMOUNTING.
    Unmount,
    /// UNMOUNTED, until it is gone.
    Forget,
}

impl Step {
    /// The default error code of its failure: no machine for a start, a failure of the service otherwise.
    pub(crate) fn failure_code(self) -> ErrorCode {
        match self {
            Self::Start => code::START_CAPACITY,
            Self::Restart => code::RESTORING,
            _ => code::SERVICE,
        }
    }

    pub(crate) fn takes(self, durations: &Durations) -> Millis {
        millis(match self {
            Self::Create => durations.create,
            Self::Start => durations.start,
            Self::Restart => durations.restart,
            Self::Stop => durations.stop,
            Self::Delete => durations.delete,
            Self::SaveImage => durations.save_image,
            Self::VolumeInitialize => durations.volume_initialize,
            Self::VolumeResize => durations.volume_resize,
            Self::Mount => durations.mount,
            Self::Unmount => durations.unmount,
            Self::Forget => durations.unmounted,
        })
    }
}

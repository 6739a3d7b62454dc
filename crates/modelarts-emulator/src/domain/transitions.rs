//! How the resources change by themselves: one table per kind.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use modelarts_client::ErrorCode;

use super::model::Failure;
use crate::clock::Millis;
use crate::error::code;

/// How long the service takes for what it does by itself, in emulated time.
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
    /// From SNAPSHOTTING to RUNNING, while an image is saved.
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
    /// How long the first of a queue waits at most until it gets its place.
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
    /// Everything happens at once: the next read sees the result.
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

/// The status of an instance, of either generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the service's own names, described in its document"
)]
pub enum InstanceStatus {
    Init,
    CreateQueuing,
    Creating,
    CreateFailed,
    StartQueuing,
    Starting,
    StartFailed,
    Restarting,
    Rebooting,
    Running,
    Active,
    Stopping,
    Stopped,
    Snapshotting,
    Deleting,
    DeleteFailed,
    Deleted,
    Error,
    Unavailable,
    Resizing,
    ResizeFailed,
    Frozen,
}

use InstanceStatus as S;

impl InstanceStatus {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            S::Init => "INIT",
            S::CreateQueuing => "CREATE_QUEUING",
            S::Creating => "CREATING",
            S::CreateFailed => "CREATE_FAILED",
            S::StartQueuing => "START_QUEUING",
            S::Starting => "STARTING",
            S::StartFailed => "START_FAILED",
            S::Restarting => "RESTARTING",
            S::Rebooting => "REBOOTING",
            S::Running => "RUNNING",
            S::Active => "ACTIVE",
            S::Stopping => "STOPPING",
            S::Stopped => "STOPPED",
            S::Snapshotting => "SNAPSHOTTING",
            S::Deleting => "DELETING",
            S::DeleteFailed => "DELETE_FAILED",
            S::Deleted => "DELETED",
            S::Error => "ERROR",
            S::Unavailable => "UNAVAILABLE",
            S::Resizing => "RESIZING",
            S::ResizeFailed => "RESIZE_FAILED",
            S::Frozen => "FROZEN",
        }
    }

    /// Whether it occupies a machine of its flavor.
    pub(crate) fn occupies(self) -> bool {
        matches!(
            self,
            S::Init
                | S::Creating
                | S::Starting
                | S::Restarting
                | S::Rebooting
                | S::Running
                | S::Active
                | S::Stopping
                | S::Snapshotting
                | S::Resizing
        )
    }

    /// The code of the failure that ends in this status, when nobody says another one.
    pub(crate) fn failure_code(self) -> ErrorCode {
        match self {
            S::StartFailed => Step::Start.failure_code(),
            _ => code::SERVICE,
        }
    }

    pub(crate) fn is_up(self) -> bool {
        matches!(self, S::Running | S::Active)
    }

    pub(crate) fn is_queued(self) -> bool {
        matches!(self, S::CreateQueuing | S::StartQueuing)
    }

    /// Whether it changes by itself.
    pub(crate) fn is_transient(self) -> bool {
        self.is_queued() || INSTANCES.iter().any(|row| row.during == self)
    }
}

impl std::fmt::Display for InstanceStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the service does by itself, and what a test may make fail.
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
    /// The code that fits its failure: no machine for a start, a fault of the service otherwise.
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

/// A row of a table: what a status turns into by itself.
#[derive(Debug)]
pub(crate) struct Row<T: 'static> {
    pub(crate) during: T,
    pub(crate) then: T,
    pub(crate) failed: T,
    pub(crate) step: Step,
}

const fn row<T>(during: T, step: Step, then: T, failed: T) -> Row<T> {
    Row {
        during,
        then,
        failed,
        step,
    }
}

pub(crate) static INSTANCES: &[Row<InstanceStatus>] = &[
    row(S::Init, Step::Create, S::Running, S::CreateFailed),
    row(S::Creating, Step::Create, S::Running, S::CreateFailed),
    row(S::Starting, Step::Start, S::Running, S::StartFailed),
    row(S::Restarting, Step::Restart, S::Running, S::StartFailed),
    row(S::Rebooting, Step::Restart, S::Active, S::StartFailed),
    row(S::Stopping, Step::Stop, S::Stopped, S::Error),
    row(S::Snapshotting, Step::SaveImage, S::Running, S::Running),
    row(S::Deleting, Step::Delete, S::Deleted, S::DeleteFailed),
];

/// The status of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum VolumeStatus {
    Initializing,
    InUse,
    Resizing,
}

impl VolumeStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "INITIALIZING",
            Self::InUse => "IN_USE",
            Self::Resizing => "RESIZING",
        }
    }
}

pub(crate) static VOLUMES: &[Row<VolumeStatus>] = &[
    row(
        VolumeStatus::Initializing,
        Step::VolumeInitialize,
        VolumeStatus::InUse,
        VolumeStatus::InUse,
    ),
    row(
        VolumeStatus::Resizing,
        Step::VolumeResize,
        VolumeStatus::InUse,
        VolumeStatus::InUse,
    ),
];

/// The status of a mounted storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum MountStatus {
    Mounting,
    Mounted,
    MountFailed,
    Unmounting,
    Unmounted,
    UnmountFailed,
    Gone,
}

impl MountStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mounting => "MOUNTING",
            Self::Mounted => "MOUNTED",
            Self::MountFailed => "MOUNT_FAILED",
            Self::Unmounting => "UNMOUNTING",
            Self::Unmounted | Self::Gone => "UNMOUNTED",
            Self::UnmountFailed => "UNMOUNT_FAILED",
        }
    }
}

pub(crate) static MOUNTS: &[Row<MountStatus>] = &[
    row(
        MountStatus::Mounting,
        Step::Mount,
        MountStatus::Mounted,
        MountStatus::MountFailed,
    ),
    row(
        MountStatus::Unmounting,
        Step::Unmount,
        MountStatus::Unmounted,
        MountStatus::UnmountFailed,
    ),
    row(
        MountStatus::Unmounted,
        Step::Forget,
        MountStatus::Gone,
        MountStatus::Gone,
    ),
];

/// The status of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the service's own names, described in its document"
)]
pub enum ImageStatus {
    Init,
    Creating,
    Active,
    CreateFailed,
    Error,
    Deleted,
}

impl ImageStatus {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::CreateFailed => "CREATE_FAILED",
            Self::Error => "ERROR",
            Self::Deleted => "DELETED",
        }
    }
}

pub(crate) static IMAGES: &[Row<ImageStatus>] = &[row(
    ImageStatus::Creating,
    Step::SaveImage,
    ImageStatus::Active,
    ImageStatus::CreateFailed,
)];

/// A status together with what it is on its way to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Phase<T> {
    pub(crate) status: T,
    /// Since when.
    pub(crate) since: Millis,
    /// Until when, if it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Millis>,
    /// Why it will fail, if it is going to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failing: Option<Failure>,
}

impl<T: Copy + PartialEq + 'static> Phase<T> {
    /// A status that stays.
    pub(crate) fn settled(status: T, since: Millis) -> Self {
        Self {
            status,
            since,
            until: None,
            failing: None,
        }
    }

    /// A status, with the end that its table and the durations give it.
    pub(crate) fn enter(
        status: T,
        since: Millis,
        table: &'static [Row<T>],
        durations: &Durations,
        failing: Option<Failure>,
    ) -> Self {
        let until = table
            .iter()
            .find(|row| row.during == status)
            .map(|row| since.saturating_add(row.step.takes(durations)));
        Self {
            status,
            since,
            failing: until.and(failing),
            until,
        }
    }

    /// What it turns into if its end has come, when, and why it failed if it did.
    pub(crate) fn finish(
        &self,
        table: &'static [Row<T>],
        now: Millis,
    ) -> Option<(T, Millis, Option<Failure>)> {
        let until = self.until.filter(|until| *until <= now)?;
        let row = table.iter().find(|row| row.during == self.status)?;
        let next = if self.failing.is_some() {
            row.failed
        } else {
            row.then
        };
        Some((next, until, self.failing.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_ends_when_its_time_has_come() {
        let durations = Durations::default();
        let phase = Phase::enter(S::Creating, 1_000, INSTANCES, &durations, None);
        assert_eq!(phase.until, Some(91_000));
        assert_eq!(phase.finish(INSTANCES, 90_999), None);
        assert_eq!(
            phase.finish(INSTANCES, 200_000),
            Some((S::Running, 91_000, None))
        );
    }

    #[test]
    fn a_failing_phase_ends_in_the_failed_status() {
        let why = Some(Failure {
            code: Step::Start.failure_code().to_string(),
            message: "no disk".to_owned(),
        });
        let phase = Phase::enter(
            S::Starting,
            0,
            INSTANCES,
            &Durations::instant(),
            why.clone(),
        );
        assert_eq!(phase.finish(INSTANCES, 0), Some((S::StartFailed, 0, why)));
    }

    #[test]
    fn settled_statuses_stay() {
        for status in [S::Running, S::Stopped, S::Frozen, S::Error] {
            let phase = Phase::enter(status, 0, INSTANCES, &Durations::default(), None);
            assert_eq!(phase.finish(INSTANCES, Millis::MAX), None, "{status}");
            assert!(!status.is_transient());
        }
    }

    #[test]
    fn the_text_is_what_serde_writes() {
        for status in [S::CreateQueuing, S::Snapshotting, S::Unavailable] {
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(json, format!("\"{status}\""));
        }
    }
}

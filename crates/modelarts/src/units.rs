//! Times and sizes in convenient units; the API uses milliseconds in some places, seconds in others, and KiB.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use modelarts_client::devenviron::types::{DevEnvInstance, Lease, Notebook, NotebookFlavor};
use modelarts_client::{Action, Phase};

use crate::error::{Error, Result};

/// When a running notebook or instance is stopped automatically.
///
/// ```
/// use modelarts::AutoStop;
/// use std::time::Duration;
///
/// assert_eq!(AutoStop::hours(2).as_millis()?, 7_200_000);
/// assert_eq!(AutoStop::After(Duration::from_secs(5400)).as_seconds()?, Some(5400));
/// assert_eq!(AutoStop::Off.as_millis()?, -1);
/// # Ok::<(), modelarts::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoStop {
    /// Never.
    Off,
    /// After this time.
    After(Duration),
}

impl AutoStop {
    /// Stops after this number of hours.
    pub const fn hours(hours: u32) -> Self {
        // The seconds of any `u32` of hours fit into a `u64`.
        Self::After(Duration::from_secs(hours as u64 * 3600))
    }

    /// Returns the value for the newer generation of the API: milliseconds, or -1 for never.
    ///
    /// # Errors
    /// When the time is not a whole number of milliseconds, or too long.
    pub fn as_millis(self) -> Result<i64> {
        match self {
            Self::Off => Ok(-1),
            Self::After(time) => i64::try_from(time.as_millis())
                .ok()
                .filter(|_| time.subsec_nanos() % 1_000_000 == 0)
                .ok_or_else(|| {
                    Error::argument(format!("{time:?} is not a valid number of milliseconds"))
                }),
        }
    }

    /// Returns the value for the older generation of the API: seconds, or `None` for never, which another field
    /// expresses.
    ///
    /// # Errors
    /// When the time is not a whole number of seconds, or too long.
    pub fn as_seconds(self) -> Result<Option<i32>> {
        match self {
            Self::Off => Ok(None),
            Self::After(time) => i32::try_from(time.as_secs())
                .ok()
                .filter(|_| time.subsec_nanos() == 0)
                .map(Some)
                .ok_or_else(|| {
                    Error::argument(format!("{time:?} is not a valid number of seconds"))
                }),
        }
    }
}

/// An amount of memory, which the API gives in KiB.
///
/// ```
/// let memory = modelarts::Memory::from_kib(8_388_608);
/// assert_eq!(memory.to_string(), "8 GiB");
/// assert_eq!(memory.bytes(), 8_589_934_592);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(u64);

impl Memory {
    /// Creates a `Memory` from a number of KiB (1024 bytes).
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib)
    }

    /// Returns the number of KiB (1024 bytes).
    pub const fn kib(self) -> u64 {
        self.0
    }

    /// Returns the number of bytes.
    pub const fn bytes(self) -> u128 {
        self.0 as u128 * 1024
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "TiB"), (1 << 20, "GiB"), (1 << 10, "MiB")];
        match UNITS
            .iter()
            .find(|(size, _)| self.0 >= *size && self.0.is_multiple_of(*size))
        {
            Some((size, unit)) => write!(f, "{} {unit}", self.0 / size),
            None => write!(f, "{} KiB", self.0),
        }
    }
}

/// Adds methods for the times of a [`Notebook`].
///
/// ```
/// use modelarts::{NotebookExt, devenviron::types::Notebook};
///
/// /// Whether it was started at least eight hours ago.
/// fn is_overdue(notebook: &Notebook, now: modelarts::Timestamp) -> bool {
///     let since = notebook.running_since();
///     since.is_some_and(|since| now.duration_since(since).as_hours() >= 8)
/// }
/// ```
pub trait NotebookExt: sealed::Sealed {
    /// Returns when it was created.
    fn created_at(&self) -> Option<Timestamp>;
    /// Returns when it last changed.
    fn updated_at(&self) -> Option<Timestamp>;
    /// Returns when its current run was requested, if the response shows it; `None` if it is not running, or the
    /// response does not show it.
    ///
    /// The API does not report when a notebook was started. The lease has the time of the notebook's last change,
    /// such as its creation, its start or a renewal. A creation or a start takes a minute or two, which is counted as
    /// running here; a notebook that was changed, or whose lease was renewed, has been running for longer than it
    /// seems.
    fn running_since(&self) -> Option<Timestamp>;
    /// Returns how long it may run, counted from its start or the last renewal of its lease; `None` if the response
    /// does not say.
    fn auto_stop(&self) -> Option<AutoStop>;
    /// Returns when it will be stopped; `None` if it is not running, is never stopped, or the response does not say.
    fn stops_at(&self) -> Option<Timestamp>;
    /// Returns how much longer it will run, counted from `now`; zero if it should have been stopped already. `None`
    /// in the same cases as [`stops_at`](NotebookExt::stops_at).
    fn remaining(&self, now: Timestamp) -> Option<Duration>;
}

impl NotebookExt for Notebook {
    fn created_at(&self) -> Option<Timestamp> {
        // The detail response has it at the top level, the list only in the lease.
        self.create_at
            .or_else(|| self.lease.as_ref()?.create_at)
            .and_then(millis)
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.update_at
            .or_else(|| self.lease.as_ref()?.update_at)
            .and_then(millis)
    }

    fn running_since(&self) -> Option<Timestamp> {
        let lease = self.lease.as_ref().and_then(|lease| lease.update_at);
        is_up(self)
            .then_some(lease.or(self.update_at)?)
            .and_then(millis)
    }

    fn auto_stop(&self) -> Option<AutoStop> {
        self.lease.as_ref()?.auto_stop()
    }

    fn stops_at(&self) -> Option<Timestamp> {
        let lease = self.lease.as_ref().filter(|_| is_up(self));
        lease?.stops_at()
    }

    fn remaining(&self, now: Timestamp) -> Option<Duration> {
        self.stops_at().map(|stop| until(stop, now))
    }
}

fn is_up(notebook: &Notebook) -> bool {
    let is_up = |phase: Phase| phase.is_end_of(Action::Start) || phase.is_under_way(Action::Save);
    notebook
        .status
        .as_ref()
        .is_some_and(|status| is_up(status.phase()))
}

/// Adds methods for the times of a [`Lease`].
pub trait LeaseExt: sealed::Sealed {
    /// Returns how long the notebook may run, counted from its start or the last renewal of the lease; `None` if the
    /// response does not say.
    ///
    /// The API counts from the creation of the notebook; this subtracts the time before the notebook's last change,
    /// such as a start or a renewal. After a later change of another kind, the result is too short;
    /// [`stops_at`](LeaseExt::stops_at) is exact.
    fn auto_stop(&self) -> Option<AutoStop>;
    /// Returns when the notebook will be stopped, if it is running; `None` if it is never stopped, or the response
    /// does not say.
    fn stops_at(&self) -> Option<Timestamp>;
}

impl LeaseExt for Lease {
    fn auto_stop(&self) -> Option<AutoStop> {
        if self.enable == Some(false) || self.duration == Some(-1) {
            return Some(AutoStop::Off);
        }
        let since_creation = u64::try_from(self.duration?).ok()?;
        let before = self.update_at?.checked_sub(self.create_at?)?;
        let before = u64::try_from(before).unwrap_or(0);
        let millis = since_creation.checked_sub(before)?;
        Some(AutoStop::After(Duration::from_millis(millis)))
    }

    fn stops_at(&self) -> Option<Timestamp> {
        if self.enable == Some(false) {
            return None;
        }
        // -1 means never.
        let time = u64::try_from(self.duration?).ok()?;
        let created = millis(self.create_at?)?;
        created.checked_add(Duration::from_millis(time)).ok()
    }
}

/// Adds methods for the times of a [`DevEnvInstance`].
pub trait InstanceExt: sealed::Sealed {
    /// Returns when it was created.
    fn created_at(&self) -> Option<Timestamp>;
    /// Returns when it last changed.
    fn updated_at(&self) -> Option<Timestamp>;
    /// Returns a time since which it has certainly been running; `None` if it is not running, or the response does
    /// not say.
    ///
    /// The API does not report when an instance was started, only when it last changed: at a start, but also when its
    /// description changes. So the instance was started at that time or earlier: the returned time is never too
    /// early, but an instance that was changed has been running for longer than it seems.
    fn running_since(&self) -> Option<Timestamp>;
    /// Returns how long it may run, counted from its start; `None` if the response does not say.
    ///
    /// After a change, this is the value that applies from the next start on; for the current run, see
    /// [`stops_at`](InstanceExt::stops_at).
    fn auto_stop(&self) -> Option<AutoStop>;
    /// Returns when it will be stopped; `None` if it is not running, is never stopped, or the response does not say
    /// (in a list it may be missing).
    fn stops_at(&self) -> Option<Timestamp>;
    /// Returns how much longer it will run, counted from `now`; zero if it should have been stopped already. `None`
    /// in the same cases as [`stops_at`](InstanceExt::stops_at).
    fn remaining(&self, now: Timestamp) -> Option<Duration>;
}

impl InstanceExt for DevEnvInstance {
    fn created_at(&self) -> Option<Timestamp> {
        millis(self.creation_timestamp.as_deref()?.trim().parse().ok()?)
    }

    fn updated_at(&self) -> Option<Timestamp> {
        let text = self.latest_update_timestamp.as_deref()?;
        millis(text.trim().parse().ok()?)
    }

    fn running_since(&self) -> Option<Timestamp> {
        self.updated_at().filter(|_| is_instance_up(self))
    }

    fn auto_stop(&self) -> Option<AutoStop> {
        let auto_stop = self.spec.as_ref()?.auto_stop.as_ref()?;
        if auto_stop.enable == Some(false) {
            return Some(AutoStop::Off);
        }
        let seconds = u64::try_from(auto_stop.duration?).ok()?;
        Some(AutoStop::After(Duration::from_secs(seconds)))
    }

    fn stops_at(&self) -> Option<Timestamp> {
        let auto_stop = self.spec.as_ref()?.auto_stop.as_ref()?;
        let is_on = is_instance_up(self) && auto_stop.enable != Some(false);
        auto_stop.stop_timestamp.filter(|_| is_on).and_then(millis)
    }

    fn remaining(&self, now: Timestamp) -> Option<Duration> {
        self.stops_at().map(|stop| until(stop, now))
    }
}

fn is_instance_up(instance: &DevEnvInstance) -> bool {
    let status = instance.status.as_ref();
    status.is_some_and(|status| status.phase().is_end_of(Action::Start))
}

fn until(stop: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(stop.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// Adds methods for the sizes of a [`NotebookFlavor`].
pub trait FlavorExt: sealed::Sealed {
    /// Returns the amount of memory; `None` if the response does not say.
    fn memory_size(&self) -> Option<Memory>;
}

impl FlavorExt for NotebookFlavor {
    fn memory_size(&self) -> Option<Memory> {
        u64::try_from(self.memory?).ok().map(Memory::from_kib)
    }
}

/// The timestamp of a number of milliseconds since the epoch; `None` if it is out of range.
fn millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

mod sealed {
    use super::{DevEnvInstance, Lease, Notebook, NotebookFlavor};

    /// Seals the traits of this file, so that methods can be added.
    pub trait Sealed {}

    impl Sealed for Notebook {}
    impl Sealed for Lease {}
    impl Sealed for DevEnvInstance {}
    impl Sealed for NotebookFlavor {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_silently() {
        assert!(
            AutoStop::After(Duration::from_micros(1500))
                .as_millis()
                .is_err()
        );
        assert!(AutoStop::After(Duration::MAX).as_millis().is_err());
        assert!(
            AutoStop::After(Duration::from_millis(1500))
                .as_seconds()
                .is_err()
        );
        assert!(
            AutoStop::After(Duration::from_secs(1 << 31))
                .as_seconds()
                .is_err()
        );
        assert!(AutoStop::hours(u32::MAX).as_millis().is_ok());
    }

    #[test]
    fn both_generations_tell_since_when_and_how_long_they_run() {
        use serde_json::json;

        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let (created, started) = (time("2025-10-27T08:00:00Z"), time("2025-11-03T08:10:00Z"));
        let (now, stop) = (time("2025-11-03T08:15:00Z"), time("2025-11-03T10:10:00Z"));
        let millis = |time: Timestamp| time.as_millisecond();
        let notebook = |status: &str| -> Notebook {
            serde_json::from_value(json!({
                "status": status,
                "lease": {
                    "create_at": millis(created), "update_at": millis(started), "enable": true,
                    "duration": millis(stop) - millis(created),
                },
            }))
            .unwrap()
        };
        let instance = |status: &str| -> DevEnvInstance {
            serde_json::from_value(json!({
                "status": status,
                "creation_timestamp": millis(created).to_string(),
                "latest_update_timestamp": millis(started).to_string(),
                "spec": {"auto_stop": {
                    "enable": true, "duration": 7200, "stop_timestamp": millis(stop), "remain_time": 6900,
                }},
            }))
            .unwrap()
        };
        let (new, old) = (notebook("RUNNING"), instance("RUNNING"));
        assert_eq!(
            (new.created_at(), old.created_at()),
            (Some(created), Some(created))
        );
        assert_eq!(
            (new.running_since(), old.running_since()),
            (Some(started), Some(started))
        );
        let two_hours = Some(AutoStop::hours(2));
        assert_eq!((new.auto_stop(), old.auto_stop()), (two_hours, two_hours));
        assert_eq!((new.stops_at(), old.stops_at()), (Some(stop), Some(stop)));
        let left = Some(Duration::from_secs(115 * 60));
        assert_eq!((new.remaining(now), old.remaining(now)), (left, left));
        let over = Some(Duration::ZERO);
        let later = time("2025-11-04T00:00:00Z");
        assert_eq!((new.remaining(later), old.remaining(later)), (over, over));
        let (new, old) = (notebook("STOPPED"), instance("STOPPED"));
        assert_eq!((new.running_since(), old.running_since()), (None, None));
        assert_eq!((new.stops_at(), old.stops_at()), (None, None));
        assert_eq!((new.auto_stop(), old.auto_stop()), (two_hours, two_hours));
    }

    #[test]
    fn a_lease_counts_from_the_creation() {
        let mut lease = Lease::default();
        lease.create_at = Some(1_762_157_700_000);
        lease.duration = Some(3_600_000);
        lease.enable = Some(true);
        assert_eq!(
            lease.stops_at().unwrap().to_string(),
            "2025-11-03T09:15:00Z"
        );
        let mut notebook = Notebook::default();
        notebook.lease = Some(lease.clone());
        assert_eq!(
            notebook.created_at().unwrap().to_string(),
            "2025-11-03T08:15:00Z"
        );
        let mut endless = lease.clone();
        endless.enable = Some(false);
        assert_eq!(lease.auto_stop(), None, "the creation time is unknown");
        assert_eq!(
            (endless.auto_stop(), endless.stops_at()),
            (Some(AutoStop::Off), None)
        );
        let mut absurd = lease;
        absurd.create_at = Some(i64::MAX);
        assert_eq!(absurd.stops_at(), None);
    }

    #[test]
    fn memory_is_shown_in_the_largest_whole_unit() {
        for (kib, shown) in [
            (0, "0 KiB"),
            (2048, "2 MiB"),
            (8_388_608, "8 GiB"),
            (8_388_609, "8388609 KiB"),
        ] {
            assert_eq!(Memory::from_kib(kib).to_string(), shown);
        }
        assert_eq!(
            Memory::from_kib(u64::MAX).bytes(),
            u128::from(u64::MAX) * 1024
        );
    }
}

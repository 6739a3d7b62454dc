//! Times and sizes as people say them; the API counts milliseconds here, seconds there, and KiB.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use modelarts_client::devenviron::types::{DevEnvInstance, Lease, Notebook, NotebookFlavor};

use crate::error::{Error, Result};

/// When something that runs is stopped automatically.
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
    /// After so long.
    After(Duration),
}

impl AutoStop {
    /// After so many hours.
    pub const fn hours(hours: u32) -> Self {
        // A u32 of hours is far from the end of a u64 of seconds.
        Self::After(Duration::from_secs(hours as u64 * 3600))
    }

    /// As the newer generation has it: milliseconds, -1 for never.
    ///
    /// # Errors
    /// When it is no whole number of milliseconds, or too many.
    pub fn as_millis(self) -> Result<i64> {
        match self {
            Self::Off => Ok(-1),
            Self::After(time) => i64::try_from(time.as_millis())
                .ok()
                .filter(|_| time.subsec_nanos() % 1_000_000 == 0)
                .ok_or_else(|| {
                    Error::argument(format!("{time:?} is no number of milliseconds that fits"))
                }),
        }
    }

    /// As the older generation has it: seconds; never is said by another field.
    ///
    /// # Errors
    /// When it is no whole number of seconds, or too many.
    pub fn as_seconds(self) -> Result<Option<i32>> {
        match self {
            Self::Off => Ok(None),
            Self::After(time) => i32::try_from(time.as_secs())
                .ok()
                .filter(|_| time.subsec_nanos() == 0)
                .map(Some)
                .ok_or_else(|| {
                    Error::argument(format!("{time:?} is no number of seconds that fits"))
                }),
        }
    }
}

/// An amount of memory; the API counts KiB.
///
/// ```
/// let memory = modelarts::Memory::from_kib(8_388_608);
/// assert_eq!(memory.to_string(), "8 GiB");
/// assert_eq!(memory.bytes(), 8_589_934_592);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(u64);

impl Memory {
    /// From KiB, 1024 bytes each.
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib)
    }

    /// In KiB, 1024 bytes each.
    pub const fn kib(self) -> u64 {
        self.0
    }

    /// In bytes.
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

/// Times of a [`Notebook`].
pub trait NotebookExt {
    /// When it was created.
    fn created_at(&self) -> Option<Timestamp>;
    /// When it last changed.
    fn updated_at(&self) -> Option<Timestamp>;
    /// When it will be stopped; `None` if never, or if the answer does not tell.
    fn stops_at(&self) -> Option<Timestamp>;
}

impl NotebookExt for Notebook {
    fn created_at(&self) -> Option<Timestamp> {
        // The detail answer tells it at the top, the list only in the lease.
        self.create_at
            .or_else(|| self.lease.as_ref()?.create_at)
            .and_then(millis)
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.update_at
            .or_else(|| self.lease.as_ref()?.update_at)
            .and_then(millis)
    }

    fn stops_at(&self) -> Option<Timestamp> {
        self.lease.as_ref()?.stops_at()
    }
}

/// Times of a [`Lease`].
pub trait LeaseExt {
    /// How long the notebook may run, counted from its creation; `None` if the answer does not tell.
    fn auto_stop(&self) -> Option<AutoStop>;
    /// When the notebook will be stopped; `None` if never, or if the answer does not tell.
    fn stops_at(&self) -> Option<Timestamp>;
}

impl LeaseExt for Lease {
    fn auto_stop(&self) -> Option<AutoStop> {
        if self.enable == Some(false) || self.duration == Some(-1) {
            return Some(AutoStop::Off);
        }
        let millis = u64::try_from(self.duration?).ok()?;
        Some(AutoStop::After(Duration::from_millis(millis)))
    }

    fn stops_at(&self) -> Option<Timestamp> {
        match self.auto_stop()? {
            AutoStop::Off => None,
            AutoStop::After(time) => millis(self.create_at?)?.checked_add(time).ok(),
        }
    }
}

/// Times of a [`DevEnvInstance`].
pub trait InstanceExt {
    /// When it was created.
    fn created_at(&self) -> Option<Timestamp>;
    /// When it is stopped automatically, counted from its start; `None` if the answer does not tell.
    fn auto_stop(&self) -> Option<AutoStop>;
}

impl InstanceExt for DevEnvInstance {
    fn created_at(&self) -> Option<Timestamp> {
        millis(self.creation_timestamp.as_deref()?.parse().ok()?)
    }

    fn auto_stop(&self) -> Option<AutoStop> {
        let auto_stop = self.spec.as_ref()?.auto_stop.as_ref()?;
        if auto_stop.enable == Some(false) {
            return Some(AutoStop::Off);
        }
        let seconds = u64::try_from(auto_stop.duration?).ok()?;
        Some(AutoStop::After(Duration::from_secs(seconds)))
    }
}

/// Sizes of a [`NotebookFlavor`].
pub trait FlavorExt {
    /// The memory; `None` if the answer does not tell.
    fn memory_size(&self) -> Option<Memory>;
}

impl FlavorExt for NotebookFlavor {
    fn memory_size(&self) -> Option<Memory> {
        u64::try_from(self.memory?).ok().map(Memory::from_kib)
    }
}

/// A point in time from milliseconds since the epoch; `None` beyond the range of dates.
fn millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
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
    fn a_lease_counts_from_the_creation() {
        let lease = Lease {
            create_at: Some(1_762_157_700_000),
            duration: Some(3_600_000),
            enable: Some(true),
            ..Lease::default()
        };
        assert_eq!(
            lease.stops_at().unwrap().to_string(),
            "2025-11-03T09:15:00Z"
        );
        let notebook = Notebook {
            lease: Some(lease.clone()),
            ..Notebook::default()
        };
        assert_eq!(
            notebook.created_at().unwrap().to_string(),
            "2025-11-03T08:15:00Z"
        );
        let endless = Lease {
            enable: Some(false),
            ..lease.clone()
        };
        assert_eq!(
            (endless.auto_stop(), endless.stops_at()),
            (Some(AutoStop::Off), None)
        );
        let absurd = Lease {
            create_at: Some(i64::MAX),
            ..lease
        };
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

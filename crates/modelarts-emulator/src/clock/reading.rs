//! A moment in emulated time, and how the time moves on from there.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::real::{Millis, system_millis};

/// The end of the clock's range: 9999-01-01T00:00:00Z. Every time up to here can be formatted as a date.
pub(crate) const LATEST: Millis = 253_370_764_800_000;

/// The maximum scale of the time.
pub(crate) const FASTEST: f64 = 1_000_000.0;

/// How the emulator's time moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClockMode {
    /// One second is one second.
    #[default]
    Real,
    /// Faster or slower than real time, by a factor.
    Scaled,
    /// Time only moves when it is advanced.
    Manual,
}

/// A moment in real and in emulated time, and how the emulated time moves on from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Checkpoint {
    pub(crate) emulated: Millis,
    pub(crate) real: Millis,
    /// Emulated seconds per real second; 0 if the time does not move.
    pub(crate) rate: f64,
}

#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) mode: ClockMode,
    /// Emulated time at `anchor`.
    pub(super) base: f64,
    pub(super) anchor: Instant,
    pub(super) factor: f64,
    pub(super) frozen: bool,
}

impl Reading {
    pub(super) fn rate(&self) -> f64 {
        if self.frozen || self.mode == ClockMode::Manual {
            0.0
        } else {
            self.factor
        }
    }

    pub(super) fn at(&self, instant: Instant) -> f64 {
        let passed = instant.duration_since(self.anchor).as_secs_f64() * 1000.0 * self.rate();
        (self.base + passed).min(LATEST as f64)
    }

    pub(super) fn checkpoint(&self, instant: Instant) -> Checkpoint {
        Checkpoint {
            emulated: self.at(instant) as Millis,
            real: system_millis(),
            rate: self.rate(),
        }
    }
}

/// The result of [`Clock::reading`](crate::Clock::reading).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[non_exhaustive]
pub struct ClockReading {
    /// Emulated time, in milliseconds since the epoch.
    pub now: i64,
    /// The same as text, in UTC.
    pub now_text: String,
    /// The mode of the clock.
    pub mode: ClockMode,
    /// Emulated seconds per real second.
    pub scale: f64,
    /// Whether the clock is frozen.
    pub frozen: bool,
}

pub(super) fn positive(factor: f64) -> f64 {
    if factor.is_finite() && factor > 0.0 {
        factor.min(FASTEST)
    } else {
        1.0
    }
}

/// Formats a time as the identity service does: `2026-03-01T09:30:00.000000Z`.
pub(crate) fn iso(millis: Millis) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_time_is_utc_with_microseconds() {
        assert_eq!(iso(1_772_357_400_123), "2026-03-01T09:30:00.123000Z");
    }
}

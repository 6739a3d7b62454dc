//! The emulator's time: real, scaled or moved by hand.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use utoipa::ToSchema;

/// Milliseconds since the epoch, UTC.
pub(crate) type Millis = i64;

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
    /// It stands still until it is advanced.
    Manual,
}

/// A moment by both clocks, and how the emulated one moves on from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stamp {
    pub(crate) emulated: Millis,
    pub(crate) real: Millis,
    /// Emulated seconds per real second; 0 for a time that stands.
    pub(crate) pace: f64,
}

/// Who writes down that the time was moved.
type Keeper = Box<dyn Fn(Stamp) + Send + Sync>;

/// The emulator's clock; clones share the same time.
///
/// ```
/// use std::time::Duration;
/// use modelarts_emulator::Clock;
///
/// let clock = Clock::manual(1_700_000_000_000);
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(clock.now_millis(), 1_700_000_090_000);
/// ```
#[derive(Clone)]
pub struct Clock {
    shared: Arc<Shared>,
}

struct Shared {
    reading: Mutex<Reading>,
    /// Told whenever the time was moved or its pace changed.
    moved: Notify,
    keeper: OnceLock<Keeper>,
}

#[derive(Clone, Copy)]
struct Reading {
    mode: ClockMode,
    /// Emulated time at `anchor`.
    base: f64,
    anchor: std::time::Instant,
    factor: f64,
    frozen: bool,
}

impl Reading {
    fn pace(&self) -> f64 {
        if self.frozen || self.mode == ClockMode::Manual {
            0.0
        } else {
            self.factor
        }
    }

    fn at(&self, instant: std::time::Instant) -> f64 {
        self.base + instant.duration_since(self.anchor).as_secs_f64() * 1000.0 * self.pace()
    }

    fn stamp(&self, instant: std::time::Instant) -> Stamp {
        Stamp {
            emulated: self.at(instant) as Millis,
            real: system_millis(),
            pace: self.pace(),
        }
    }
}

/// What [`Clock::reading`] tells.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[non_exhaustive]
pub struct ClockReading {
    /// Emulated time, in milliseconds since the epoch.
    pub now: i64,
    /// The same as text, in UTC.
    pub now_text: String,
    /// How it moves.
    pub mode: ClockMode,
    /// Emulated seconds per real second.
    pub scale: f64,
    /// Whether it was stopped.
    pub frozen: bool,
}

impl Clock {
    /// A clock that runs with real time.
    pub fn real() -> Self {
        Self::new(ClockMode::Real, system_millis(), 1.0)
    }

    /// A clock that starts at the present and runs `factor` times as fast as real time.
    ///
    /// A factor that is not a positive number counts as 1.
    pub fn scaled(factor: f64) -> Self {
        Self::new(ClockMode::Scaled, system_millis(), positive(factor))
    }

    /// A clock that stands at `start` (milliseconds since the epoch) until it is advanced.
    pub fn manual(start: i64) -> Self {
        Self::new(ClockMode::Manual, start, 1.0)
    }

    pub(crate) fn new(mode: ClockMode, start: Millis, factor: f64) -> Self {
        Self {
            shared: Arc::new(Shared {
                reading: Mutex::new(Reading {
                    mode,
                    base: start as f64,
                    anchor: real_instant(),
                    factor,
                    frozen: false,
                }),
                moved: Notify::new(),
                keeper: OnceLock::new(),
            }),
        }
    }

    /// The emulated time, in milliseconds since the epoch.
    pub fn now_millis(&self) -> i64 {
        self.shared.reading.lock().at(real_instant()) as i64
    }

    /// Moves the time ahead at once, whatever the mode.
    pub fn advance(&self, by: Duration) {
        self.change(|reading| reading.base += by.as_secs_f64() * 1000.0);
    }

    /// Moves the time to `target` (milliseconds since the epoch), never backwards.
    pub fn advance_to(&self, target: i64) {
        self.change(|reading| reading.base = reading.base.max(target as f64));
    }

    /// Stops the time; [`advance`](Self::advance) still moves it.
    pub fn freeze(&self) {
        self.change(|reading| reading.frozen = true);
    }

    /// Lets a frozen time run again.
    pub fn resume(&self) {
        self.change(|reading| reading.frozen = false);
    }

    /// Runs `factor` times as fast as real time from now on, from the present emulated time.
    pub fn set_scale(&self, factor: f64) {
        self.change(|reading| {
            reading.factor = positive(factor);
            reading.mode = if reading.factor == 1.0 {
                ClockMode::Real
            } else {
                ClockMode::Scaled
            };
        });
    }

    /// Lets the time stand until it is advanced.
    pub fn set_manual(&self) {
        self.change(|reading| reading.mode = ClockMode::Manual);
    }

    /// Puts the time to `now`, also backwards: for a restored state.
    pub(crate) fn set(&self, now: Millis) {
        self.change(|reading| reading.base = now as f64);
    }

    /// Calls `keeper` whenever the time is moved or its pace changed, before anybody can see it.
    pub(crate) fn keep(&self, keeper: Keeper) {
        // There is one keeper at most: the store of the emulator that made the clock.
        let _ = self.shared.keeper.set(keeper);
    }

    /// The present by both clocks.
    pub(crate) fn stamp(&self) -> Stamp {
        self.shared.reading.lock().stamp(real_instant())
    }

    /// The time and how it moves.
    pub fn reading(&self) -> ClockReading {
        let reading = *self.shared.reading.lock();
        let now = reading.at(real_instant()) as i64;
        ClockReading {
            now,
            now_text: iso(now),
            mode: reading.mode,
            scale: reading.factor,
            frozen: reading.frozen,
        }
    }

    /// How the time moves.
    pub fn mode(&self) -> ClockMode {
        self.shared.reading.lock().mode
    }

    /// Waits until `duration` of emulated time has passed.
    ///
    /// On a manual clock it waits for whoever advances it.
    pub async fn sleep(&self, duration: Duration) {
        let target = self.now_millis() as f64 + duration.as_secs_f64() * 1000.0;
        loop {
            let moved = self.shared.moved.notified();
            tokio::pin!(moved);
            // Registered before the look at the time, so that no move in between is missed.
            moved.as_mut().enable();
            let reading = *self.shared.reading.lock();
            let left = target - reading.at(real_instant());
            if left <= 0.0 {
                return;
            }
            if reading.pace() == 0.0 {
                moved.await;
                continue;
            }
            let real = Duration::from_secs_f64(left / 1000.0 / reading.pace());
            tokio::select! {
                () = real_sleep(real.max(Duration::from_millis(1))) => {}
                () = moved => {}
            }
        }
    }

    fn change(&self, with: impl FnOnce(&mut Reading)) {
        {
            let mut reading = self.shared.reading.lock();
            let instant = real_instant();
            reading.base = reading.at(instant);
            reading.anchor = instant;
            with(&mut reading);
            if let Some(keeper) = self.shared.keeper.get() {
                keeper(reading.stamp(instant));
            }
        }
        self.shared.moved.notify_waiters();
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.reading().fmt(f)
    }
}

fn positive(factor: f64) -> f64 {
    if factor.is_finite() && factor > 0.0 {
        factor
    } else {
        1.0
    }
}

/// `2026-03-01T09:30:00.000000Z`, the form of the identity service.
pub(crate) fn iso(millis: Millis) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
        .unwrap_or_default()
}

/// Real time, in milliseconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
pub(crate) fn system_millis() -> Millis {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |past| past.as_millis() as Millis)
}

#[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
pub(crate) fn real_instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// Waits in real time: for what happens on the wire, not in the emulated service.
#[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
pub(crate) async fn real_sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = Clock::manual(1_000);
        assert_eq!(clock.now_millis(), 1_000);
        clock.advance(Duration::from_millis(500));
        clock.advance_to(1_200);
        assert_eq!(clock.now_millis(), 1_500);
        clock.advance_to(9_000);
        assert_eq!(clock.now_millis(), 9_000);
    }

    #[test]
    fn a_frozen_clock_stands_and_keeps_its_scale() {
        let clock = Clock::scaled(1_000_000.0);
        clock.freeze();
        let now = clock.now_millis();
        assert_eq!(clock.now_millis(), now);
        assert_eq!(clock.reading().scale, 1_000_000.0);
    }

    #[test]
    fn a_nonsensical_scale_is_no_scale() {
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Clock::scaled(factor).reading().scale, 1.0);
        }
    }

    #[tokio::test]
    async fn sleepers_wake_when_the_time_is_advanced() {
        let clock = Clock::manual(0);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(3600)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(3599));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }

    #[test]
    fn iso_time_is_utc_with_microseconds() {
        assert_eq!(iso(1_772_357_400_123), "2026-03-01T09:30:00.123000Z");
    }
}

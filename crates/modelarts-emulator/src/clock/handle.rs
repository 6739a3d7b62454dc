//! The clock of an emulator, as its users see it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::in_flight::{InFlight, Side};
use super::reading::{Checkpoint, ClockMode, ClockReading, LATEST, Reading, iso, positive};
use super::real::{Millis, real_instant, system_millis};
use super::shared::{ClockObserver, Shared};
use super::sleeper::{Sleeper, pass};

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

impl Clock {
    /// Returns a clock that runs with real time.
    pub fn real() -> Self {
        Self::new(ClockMode::Real, system_millis(), 1.0)
    }

    /// Returns a clock that starts at the present and runs `factor` times as fast as real time.
    ///
    /// A factor that is not a positive number is treated as 1, one of more than a million as a million.
    pub fn scaled(factor: f64) -> Self {
        Self::new(ClockMode::Scaled, system_millis(), positive(factor))
    }

    /// Returns a clock that starts at `start` (milliseconds since the epoch) and only moves when it is advanced.
    pub fn manual(start: i64) -> Self {
        Self::new(ClockMode::Manual, start, 1.0)
    }

    pub(crate) fn new(mode: ClockMode, start: Millis, factor: f64) -> Self {
        Self {
            shared: Arc::new(Shared::new(Reading {
                mode,
                base: start.clamp(0, LATEST) as f64,
                anchor: real_instant(),
                factor,
                frozen: false,
            })),
        }
    }

    /// The emulated time, in milliseconds since the epoch.
    pub fn now_millis(&self) -> i64 {
        self.millis_at(real_instant())
    }

    /// The emulated time at a moment of real time.
    pub(crate) fn millis_at(&self, instant: Instant) -> Millis {
        self.shared.reading.lock().at(instant) as Millis
    }

    /// Advances the time at once, in every mode, but not beyond 9999-01-01, where the clock's range ends.
    pub fn advance(&self, by: Duration) {
        self.change(|reading| reading.base += by.as_secs_f64() * 1000.0);
    }

    /// Moves the time to `target` (milliseconds since the epoch), never backwards and not beyond 9999-01-01.
    pub fn advance_to(&self, target: i64) {
        self.change(|reading| reading.base = reading.base.max(target as f64));
    }

    /// Stops the time; [`advance`](Self::advance) still moves it.
    pub fn freeze(&self) {
        self.change(|reading| reading.frozen = true);
    }

    /// Resumes a frozen clock.
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

    /// Switches to manual mode, in which the time only moves when it is advanced.
    pub fn set_manual(&self) {
        self.change(|reading| reading.mode = ClockMode::Manual);
    }

    /// Sets the time, also backwards, when a snapshot is restored.
    pub(crate) fn set(&self, now: Millis) {
        self.change(|reading| reading.base = now as f64);
    }

    /// Calls `observer` whenever the time is moved or its rate is changed, before the change becomes visible.
    pub(crate) fn observe(&self, observer: ClockObserver) {
        // At most one observer is ever set: by the emulator that created the clock, for its store.
        let _ = self.shared.observer.set(observer);
    }

    /// The present in real and in emulated time, and the rate.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        self.shared.reading.lock().checkpoint(real_instant())
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

    /// The mode of the clock.
    pub fn mode(&self) -> ClockMode {
        self.shared.reading.lock().mode
    }

    /// Waits until `duration` of emulated time has passed.
    ///
    /// On a manual clock it waits until the clock is advanced; sleeping here does not move the time.
    pub async fn sleep(&self, duration: Duration) {
        let target = self.after(duration);
        loop {
            let (changed, jumped) = (
                self.shared.changed.notified(),
                self.shared.jumped.notified(),
            );
            tokio::pin!(changed, jumped);
            // Registered before the time is read, so that no move in between is missed.
            changed.as_mut().enable();
            jumped.as_mut().enable();
            let reading = *self.shared.reading.lock();
            let left = target - reading.at(real_instant());
            if left <= 0.0 {
                return;
            }
            tokio::select! {
                () = pass(left, reading.rate()) => {}
                () = changed => {}
                () = jumped => {}
            }
        }
    }

    /// Waits like [`sleep`](Self::sleep), as a client of this process: when nothing else is going on, a manual clock
    /// jumps to the earliest of all these waits.
    ///
    /// The wait starts at the call, not at the first poll.
    #[cfg_attr(
        not(any(feature = "client", test)),
        expect(dead_code, reason = "only clients of this process sleep this way")
    )]
    pub(crate) fn sleep_as_client(
        &self,
        duration: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (shared, target) = (Arc::clone(&self.shared), self.after(duration));
        // A wait that is never polled does not block the others.
        async move { Sleeper::new(shared, target).run().await }
    }

    /// Counts a request as in flight until the guard is dropped.
    pub(crate) fn in_flight(&self, side: Side) -> InFlight {
        InFlight::new(Arc::clone(&self.shared), side)
    }

    fn after(&self, duration: Duration) -> f64 {
        self.shared.reading.lock().at(real_instant()) + duration.as_secs_f64() * 1000.0
    }

    fn change(&self, with: impl FnOnce(&mut Reading)) {
        self.shared.change(with);
        self.shared.changed.notify_waiters();
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.reading().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::FASTEST;
    use super::*;

    #[test]
    fn a_manual_clock_only_moves_when_it_is_advanced() {
        let clock = Clock::manual(1_000);
        assert_eq!(clock.now_millis(), 1_000);
        clock.advance(Duration::from_millis(500));
        clock.advance_to(1_200);
        assert_eq!(clock.now_millis(), 1_500);
        clock.advance_to(9_000);
        assert_eq!(clock.now_millis(), 9_000);
    }

    #[test]
    fn a_frozen_clock_does_not_move_and_keeps_its_scale() {
        let clock = Clock::scaled(1_000_000.0);
        clock.freeze();
        let now = clock.now_millis();
        assert_eq!(clock.now_millis(), now);
        assert_eq!(clock.reading().scale, 1_000_000.0);
    }

    #[test]
    fn an_invalid_scale_is_treated_as_1() {
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Clock::scaled(factor).reading().scale, 1.0);
        }
    }

    #[test]
    fn time_is_bounded() {
        let clock = Clock::manual(1_000);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now_millis(), LATEST);
        clock.advance_to(i64::MAX);
        assert_eq!(clock.now_millis(), LATEST);
        assert_eq!(clock.reading().now_text, "9999-01-01T00:00:00.000000Z");
        assert_eq!(Clock::manual(i64::MIN).now_millis(), 0);
        assert_eq!(Clock::scaled(f64::MAX).reading().scale, FASTEST);
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
}

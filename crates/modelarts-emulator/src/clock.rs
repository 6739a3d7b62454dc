//! The emulator's time: real, scaled or advanced manually.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use utoipa::ToSchema;

/// Milliseconds since the epoch, UTC.
pub(crate) type Millis = i64;

/// The end of the clock's range: 9999-01-01T00:00:00Z. Every time up to here can be formatted as a date.
pub(crate) const LATEST: Millis = 253_370_764_800_000;

/// The maximum scale of the time.
pub(crate) const FASTEST: f64 = 1_000_000.0;

/// The quiet period, in real time, after which a manual clock jumps to the next sleeping client. It gives a task that
/// has just been woken time to send its request.
const SETTLE: Duration = Duration::from_millis(1);

/// How many times the task then yields to the other tasks of the runtime.
const YIELDS: usize = 8;

/// The quiet period, in real time, after which the clock jumps even though a client has work in progress. That work
/// is then itself waiting for the clock, like a request that is delayed by a rate limit.
const STUCK: Duration = Duration::from_millis(50);

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

/// A callback for when the time is moved.
type ClockObserver = Box<dyn Fn(Checkpoint) + Send + Sync>;

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
    /// Notified whenever the time was moved or its rate changed, but not when it jumped.
    changed: Notify,
    /// Notified whenever the time has jumped.
    jumped: Notify,
    /// The sleeping clients of this process, by wake-up time and a unique number. This lock is acquired before that
    /// of `reading`.
    sleepers: Mutex<BTreeMap<(u64, u64), Option<Waker>>>,
    next_sleeper: AtomicU64,
    /// Requests in flight: those that the emulator is handling, and those that clients of this process have sent.
    under_way: [AtomicUsize; 2],
    /// Counts what clients do; the clock only jumps while it does not change.
    activity: AtomicU64,
    /// Notified when no request is in flight any more.
    idle: Notify,
    observer: OnceLock<ClockObserver>,
}

/// The side that has the request in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// The emulator is handling it.
    Server = 0,
    /// A client of this process has sent it and has not read the whole response.
    #[cfg_attr(
        not(any(feature = "client", test)),
        expect(dead_code, reason = "only clients of this process count themselves")
    )]
    Client = 1,
}

/// A request in flight; the time does not jump before this is dropped.
pub(crate) struct UnderWay {
    shared: Arc<Shared>,
    side: Side,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.shared.under_way[self.side as usize].fetch_sub(1, Ordering::AcqRel);
        self.shared.note_activity();
        if self.shared.is_idle() {
            self.shared.idle.notify_waiters();
        }
    }
}

impl Shared {
    fn note_activity(&self) {
        self.activity.fetch_add(1, Ordering::AcqRel);
    }

    fn is_idle(&self) -> bool {
        self.under_way
            .iter()
            .all(|count| count.load(Ordering::Acquire) == 0)
    }
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
    fn rate(&self) -> f64 {
        if self.frozen || self.mode == ClockMode::Manual {
            0.0
        } else {
            self.factor
        }
    }

    fn at(&self, instant: std::time::Instant) -> f64 {
        let passed = instant.duration_since(self.anchor).as_secs_f64() * 1000.0 * self.rate();
        (self.base + passed).min(LATEST as f64)
    }

    fn checkpoint(&self, instant: std::time::Instant) -> Checkpoint {
        Checkpoint {
            emulated: self.at(instant) as Millis,
            real: system_millis(),
            rate: self.rate(),
        }
    }
}

/// The result of [`Clock::reading`].
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
            shared: Arc::new(Shared {
                reading: Mutex::new(Reading {
                    mode,
                    base: start.clamp(0, LATEST) as f64,
                    anchor: real_instant(),
                    factor,
                    frozen: false,
                }),
                changed: Notify::new(),
                jumped: Notify::new(),
                sleepers: Mutex::default(),
                next_sleeper: AtomicU64::new(0),
                under_way: Default::default(),
                activity: AtomicU64::new(0),
                idle: Notify::new(),
                observer: OnceLock::new(),
            }),
        }
    }

    /// The emulated time, in milliseconds since the epoch.
    pub fn now_millis(&self) -> i64 {
        self.millis_at(real_instant())
    }

    /// The emulated time at a moment of real time.
    pub(crate) fn millis_at(&self, instant: std::time::Instant) -> Millis {
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

    /// Sets the time to `now`, also backwards: for a restored state.
    pub(crate) fn set(&self, now: Millis) {
        self.change(|reading| reading.base = now as f64);
    }

    /// Calls `observer` whenever the time is moved or its rate is changed, before the change becomes visible.
    pub(crate) fn observe(&self, observer: ClockObserver) {
        // There is one observer at most: the store of the emulator that made the clock.
        let _ = self.shared.observer.set(observer);
    }

    /// The present, in real and in emulated time.
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
        expect(dead_code, reason = "only clients of this process sleep like this")
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
    pub(crate) fn under_way(&self, side: Side) -> UnderWay {
        self.shared.under_way[side as usize].fetch_add(1, Ordering::AcqRel);
        self.shared.note_activity();
        UnderWay {
            shared: Arc::clone(&self.shared),
            side,
        }
    }

    fn after(&self, duration: Duration) -> f64 {
        self.shared.reading.lock().at(real_instant()) + duration.as_secs_f64() * 1000.0
    }

    fn change(&self, with: impl FnOnce(&mut Reading)) {
        self.shared.change(with);
        self.shared.changed.notify_waiters();
    }
}

/// Completes when `left` emulated milliseconds have passed at this rate: never, if the time does not move.
async fn pass(left: f64, rate: f64) {
    if rate == 0.0 {
        return std::future::pending().await;
    }
    // A rate close to 0 makes more than a timer can hold.
    let real = Duration::try_from_secs_f64(left / 1000.0 / rate).unwrap_or(Duration::MAX);
    real_sleep(real.clamp(Duration::from_millis(1), Duration::from_secs(86_400))).await;
}

impl Shared {
    fn change(&self, with: impl FnOnce(&mut Reading)) {
        let mut reading = self.reading.lock();
        let instant = real_instant();
        reading.base = reading.at(instant);
        reading.anchor = instant;
        with(&mut reading);
        reading.base = reading.base.clamp(0.0, LATEST as f64);
        if let Some(observer) = self.observer.get() {
            observer(reading.checkpoint(instant));
        }
    }
}

/// A wait of a client of this process; it is registered until it is dropped.
struct Sleeper {
    shared: Arc<Shared>,
    target: f64,
    key: (u64, u64),
}

/// The position of a sleeper.
enum Place {
    Due,
    /// No other sleeper is due before it.
    First,
    Behind,
}

impl Sleeper {
    fn new(shared: Arc<Shared>, target: f64) -> Self {
        let number = shared.next_sleeper.fetch_add(1, Ordering::Relaxed);
        // The bits of non-negative floats have the same order as the numbers.
        let key = (target.max(0.0).to_bits(), number);
        shared.sleepers.lock().insert(key, None);
        shared.note_activity();
        Self {
            shared,
            target,
            key,
        }
    }

    async fn run(&self) {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let reading = *self.shared.reading.lock();
            let left = self.target - reading.at(real_instant());
            if left <= 0.0 {
                return;
            }
            let stands = reading.mode == ClockMode::Manual && !reading.frozen;
            tokio::select! {
                () = pass(left, reading.rate()) => {}
                () = self.turn(), if stands => {}
                () = changed => {}
            }
        }
    }

    /// Completes when the time has come. The first sleeper moves the clock there.
    async fn turn(&self) {
        loop {
            let first = poll_fn(|context| match self.place(context.waker()) {
                Place::Due => Poll::Ready(false),
                Place::First => Poll::Ready(true),
                Place::Behind => Poll::Pending,
            });
            if !first.await {
                return;
            }
            self.jump_when_quiet().await;
        }
    }

    fn place(&self, waker: &Waker) -> Place {
        let mut sleepers = self.shared.sleepers.lock();
        if self.target <= self.shared.reading.lock().at(real_instant()) {
            return Place::Due;
        }
        let is_first = sleepers.first_key_value().map(|(key, _)| *key) == Some(self.key);
        if is_first {
            return Place::First;
        }
        if let Some(place) = sleepers.get_mut(&self.key) {
            *place = Some(waker.clone());
        }
        Place::Behind
    }

    /// Waits for the quiet period and then moves the time to this sleeper, unless something happens meanwhile.
    async fn jump_when_quiet(&self) {
        let shared = &*self.shared;
        let activity = shared.activity.load(Ordering::Acquire);
        let idle = shared.idle.notified();
        tokio::pin!(idle);
        idle.as_mut().enable();
        if shared.is_idle() {
            real_sleep(SETTLE).await;
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
        } else {
            tokio::select! {
                () = real_sleep(STUCK) => {}
                () = idle => return,
            }
        }
        let in_flight = shared.under_way[Side::Server as usize].load(Ordering::Acquire);
        if in_flight > 0 || shared.activity.load(Ordering::Acquire) != activity {
            return;
        }
        self.jump();
    }

    fn jump(&self) {
        let mut sleepers = self.shared.sleepers.lock();
        // A sleeper that is due and has not run yet comes first.
        if sleepers.first_key_value().map(|(key, _)| *key) != Some(self.key) {
            return;
        }
        {
            let reading = self.shared.reading.lock();
            if reading.frozen || reading.mode != ClockMode::Manual {
                return;
            }
        }
        self.shared
            .change(|reading| reading.base = reading.base.max(self.target));
        // Sleepers with the same wake-up time are woken together; the next one is woken when the last of them is
        // dropped.
        for (key, waker) in sleepers.iter_mut() {
            if key.0 > self.key.0 {
                break;
            }
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
        drop(sleepers);
        self.shared.jumped.notify_waiters();
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let mut sleepers = self.shared.sleepers.lock();
        sleepers.remove(&self.key);
        let next = sleepers
            .first_entry()
            .and_then(|mut first| first.get_mut().take());
        drop(sleepers);
        self.shared.note_activity();
        if let Some(waker) = next {
            waker.wake();
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.reading().fmt(f)
    }
}

fn positive(factor: f64) -> f64 {
    if factor.is_finite() && factor > 0.0 {
        factor.min(FASTEST)
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

/// Waits in real time, for what happens on the network and not in the emulated service.
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

    const TEN_SECONDS: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn waits_of_clients_pass_side_by_side() {
        let clock = Clock::manual(0);
        let waits = (0..10).map(|_| clock.sleep_as_client(TEN_SECONDS));
        futures::future::join_all(waits).await;
        assert_eq!(clock.now_millis(), 10_000);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn tasks_that_wait_again_and_again_stay_side_by_side() {
        let clock = Clock::manual(0);
        let tasks = (0..50).map(|_| {
            let clock = clock.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    clock.sleep_as_client(TEN_SECONDS).await;
                }
            })
        });
        futures::future::join_all(tasks).await;
        assert_eq!(clock.now_millis(), 50_000);
    }

    #[tokio::test]
    async fn the_earliest_wait_ends_first_and_one_that_was_given_up_moves_nothing() {
        let clock = Clock::manual(0);
        let long = clock.sleep_as_client(Duration::from_secs(60));
        {
            let given_up = clock.sleep_as_client(Duration::from_secs(1));
            tokio::pin!(given_up);
            assert!(futures::poll!(given_up).is_pending());
        }
        clock.sleep_as_client(Duration::from_secs(5)).await;
        assert_eq!(clock.now_millis(), 5_000);
        long.await;
        assert_eq!(clock.now_millis(), 60_000);
    }

    #[tokio::test]
    async fn the_time_stands_while_a_request_is_under_way() {
        let clock = Clock::manual(0);
        let request = clock.under_way(Side::Server);
        let wait = clock.sleep_as_client(TEN_SECONDS);
        tokio::pin!(wait);
        let early = tokio::time::timeout(STUCK * 3, &mut wait).await;
        assert!(early.is_err());
        drop(request);
        wait.await;
        assert_eq!(clock.now_millis(), 10_000);
    }

    #[tokio::test]
    async fn a_request_that_waits_for_the_time_itself_does_not_stop_it() {
        let clock = Clock::manual(0);
        let _held_back = clock.under_way(Side::Client);
        clock.sleep_as_client(TEN_SECONDS).await;
        assert_eq!(clock.now_millis(), 10_000);
    }

    #[tokio::test]
    async fn a_plain_sleep_and_a_frozen_clock_move_nothing() {
        let clock = Clock::manual(0);
        let plain = clock.sleep(Duration::from_secs(3));
        assert!(tokio::time::timeout(STUCK, plain).await.is_err());
        clock.freeze();
        let wait = clock.sleep_as_client(TEN_SECONDS);
        tokio::pin!(wait);
        assert!(tokio::time::timeout(STUCK * 2, &mut wait).await.is_err());
        assert_eq!(clock.now_millis(), 0);
        clock.resume();
        wait.await;
        assert_eq!(clock.now_millis(), 10_000);
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

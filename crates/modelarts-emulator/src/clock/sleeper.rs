//! Waits of clients in this process, and the jumps of a manual clock to the earliest of them.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::in_flight::Side;
use super::reading::ClockMode;
use super::real::{real_instant, real_sleep};
use super::shared::Shared;

/// The quiet period, in real time, after which a manual clock jumps to the earliest sleeping client. It gives a task
/// that has just been woken time to send its request.
const SETTLE: Duration = Duration::from_millis(1);

/// How often the task then yields to the other tasks of the runtime.
const YIELDS: usize = 8;

/// The quiet period, in real time, after which the clock jumps even though a client has a request in flight. That
/// request then waits for the clock itself, for example because of a rate limit.
const STUCK: Duration = Duration::from_millis(50);

/// Completes when `left` emulated milliseconds have passed at this rate; never if the time does not move.
pub(super) async fn pass(left: f64, rate: f64) {
    if rate == 0.0 {
        return std::future::pending().await;
    }
    // With a rate close to 0 the delay is more than a timer can hold.
    let real = Duration::try_from_secs_f64(left / 1000.0 / rate).unwrap_or(Duration::MAX);
    real_sleep(real.clamp(Duration::from_millis(1), Duration::from_secs(86_400))).await;
}

/// A wait of a client in this process; registered until it is dropped.
pub(super) struct Sleeper {
    shared: Arc<Shared>,
    target: f64,
    key: (u64, u64),
}

/// The position of a sleeper among all of them.
enum Place {
    /// Its time has come.
    Due,
    /// No other sleeper is due before it.
    First,
    /// Another sleeper is due before it.
    Behind,
}

impl Sleeper {
    pub(super) fn new(shared: Arc<Shared>, target: f64) -> Self {
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

    pub(super) async fn run(&self) {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let reading = *self.shared.reading.lock();
            let left = self.target - reading.at(real_instant());
            if left <= 0.0 {
                return;
            }
            let jumps = reading.mode == ClockMode::Manual && !reading.frozen;
            tokio::select! {
                () = pass(left, reading.rate()) => {}
                () = self.due(), if jumps => {}
                () = changed => {}
            }
        }
    }

    /// Completes when this sleeper is due. The earliest sleeper moves the clock to that time.
    async fn due(&self) {
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
        let in_flight = shared.in_flight[Side::Server as usize].load(Ordering::Acquire);
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

#[cfg(test)]
mod tests {
    use super::super::Clock;
    use super::*;

    const TEN_SECONDS: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn waits_of_clients_are_concurrent() {
        let clock = Clock::manual(0);
        let waits = (0..10).map(|_| clock.sleep_as_client(TEN_SECONDS));
        futures::future::join_all(waits).await;
        assert_eq!(clock.now_millis(), 10_000);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn repeated_waits_of_tasks_stay_concurrent() {
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
    async fn the_earliest_wait_ends_first_and_a_dropped_one_does_not_move_the_time() {
        let clock = Clock::manual(0);
        let long = clock.sleep_as_client(Duration::from_secs(60));
        {
            let dropped = clock.sleep_as_client(Duration::from_secs(1));
            tokio::pin!(dropped);
            assert!(futures::poll!(dropped).is_pending());
        }
        clock.sleep_as_client(Duration::from_secs(5)).await;
        assert_eq!(clock.now_millis(), 5_000);
        long.await;
        assert_eq!(clock.now_millis(), 60_000);
    }

    #[tokio::test]
    async fn the_time_does_not_move_while_a_request_is_in_flight() {
        let clock = Clock::manual(0);
        let request = clock.in_flight(Side::Server);
        let wait = clock.sleep_as_client(TEN_SECONDS);
        tokio::pin!(wait);
        let early = tokio::time::timeout(STUCK * 3, &mut wait).await;
        assert!(early.is_err());
        drop(request);
        wait.await;
        assert_eq!(clock.now_millis(), 10_000);
    }

    #[tokio::test]
    async fn a_request_that_itself_waits_for_the_clock_does_not_stop_it() {
        let clock = Clock::manual(0);
        let _rate_limited = clock.in_flight(Side::Client);
        clock.sleep_as_client(TEN_SECONDS).await;
        assert_eq!(clock.now_millis(), 10_000);
    }

    #[tokio::test]
    async fn a_plain_sleep_and_a_frozen_clock_do_not_move_the_time() {
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
}

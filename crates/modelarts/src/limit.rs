//! A client-side limit on the rate of requests.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;

/// Spaces requests evenly; requests that come too early wait in a queue.
///
/// Only the first in the queue waits for its time, and it takes its slot in the schedule only when it leaves. So a
/// caller that is dropped, or whose deadline passes, does not hold a slot that others would wait for.
#[derive(Debug)]
pub(crate) struct RateLimit {
    interval: Duration,
    /// When the next request may leave, as given by `Clock::elapsed`. The lock is fair and serves as the queue.
    next: Mutex<Duration>,
}

/// The deadline of a call would pass before the rate limit lets it go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLate;

impl RateLimit {
    /// Allows at most `per_second` requests per second; `None` if that is not a positive number.
    pub(crate) fn new(per_second: f64) -> Option<Self> {
        if per_second.is_nan() || per_second <= 0.0 {
            return None;
        }
        let interval = Duration::try_from_secs_f64(per_second.recip());
        Some(Self {
            // The rate is too small for its interval to fit a `Duration`.
            interval: interval.unwrap_or(Duration::MAX),
            next: Mutex::new(Duration::ZERO),
        })
    }

    /// Waits until a request may leave; gives up at once if that would be at or after the deadline.
    pub(crate) async fn acquire(
        &self,
        clock: &dyn Clock,
        deadline: Duration,
    ) -> Result<(), TooLate> {
        let mut next = self.next.lock().await;
        let wait = next.saturating_sub(clock.elapsed());
        if *next >= deadline {
            return Err(TooLate);
        }
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
        let now = clock.elapsed();
        if now >= deadline {
            return Err(TooLate);
        }
        *next = now.max(*next).saturating_add(self.interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{BoxFuture, ManualClock};

    const NEVER: Duration = Duration::MAX;

    #[tokio::test]
    async fn requests_are_spaced_and_idle_time_is_not_saved_up() {
        let clock = ManualClock::default();
        let limit = RateLimit::new(2.0).unwrap();
        for _ in 0..3 {
            limit.acquire(&clock, NEVER).await.unwrap();
        }
        assert_eq!(clock.sleeps(), [Duration::from_millis(500); 2]);
        clock.advance(Duration::from_secs(60));
        limit.acquire(&clock, NEVER).await.unwrap();
        limit.acquire(&clock, NEVER).await.unwrap();
        assert_eq!(clock.sleeps().len(), 3);
    }

    /// A manual clock on which a sleep ends only when the test advances the clock.
    #[derive(Debug)]
    struct Paused(ManualClock);

    impl Clock for Paused {
        fn now(&self) -> jiff::Timestamp {
            self.0.now()
        }

        fn elapsed(&self) -> Duration {
            self.0.elapsed()
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            self.0.timer(duration)
        }
    }

    #[tokio::test]
    async fn callers_that_are_dropped_leave_no_reservation_behind() {
        let clock = Paused(ManualClock::default());
        let limit = RateLimit::new(1.0).unwrap();
        limit.acquire(&clock, NEVER).await.unwrap();
        {
            let mut waiting: Vec<_> = (0..50)
                .map(|_| Box::pin(limit.acquire(&clock, NEVER)))
                .collect();
            for call in &mut waiting {
                assert!(futures::poll!(call).is_pending());
            }
        }
        let mut call = Box::pin(limit.acquire(&clock, NEVER));
        assert!(futures::poll!(&mut call).is_pending());
        clock.0.advance(Duration::from_secs(1));
        assert!(futures::poll!(&mut call).is_ready(), "one interval, not 51");
    }

    #[tokio::test]
    async fn a_request_that_would_miss_its_deadline_fails_at_once_and_takes_no_slot() {
        let clock = ManualClock::default();
        let limit = RateLimit::new(0.1).unwrap();
        let deadline = Duration::from_secs(5);
        limit.acquire(&clock, deadline).await.unwrap();
        for _ in 0..20 {
            assert_eq!(limit.acquire(&clock, deadline).await, Err(TooLate));
        }
        assert_eq!(clock.sleeps(), []);
        limit.acquire(&clock, NEVER).await.unwrap();
        assert_eq!(clock.sleeps(), [Duration::from_secs(10)]);
    }

    #[test]
    fn nonsense_is_no_limit() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert!(RateLimit::new(rate).is_none(), "{rate}");
        }
        assert!(RateLimit::new(f64::INFINITY).is_some());
        let never = RateLimit::new(f64::MIN_POSITIVE / 2.0).unwrap();
        assert_eq!(never.interval, Duration::MAX);
    }
}

//! A client-side limit on the rate of requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// Spaces requests evenly; those that come too early wait their turn.
#[derive(Debug)]
pub(crate) struct RateLimit {
    interval: Duration,
    /// When the next request may leave, on the clock's elapsed scale.
    next: Mutex<Duration>,
}

impl RateLimit {
    /// At most `per_second` requests in a second; nothing if that is no positive number.
    pub(crate) fn new(per_second: f64) -> Option<Self> {
        let interval = Duration::try_from_secs_f64(per_second.recip()).ok()?;
        Some(Self {
            interval,
            next: Mutex::new(Duration::ZERO),
        })
    }

    pub(crate) async fn turn(&self, clock: &dyn Clock) {
        let wait = self.reserve(clock.elapsed());
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
    }

    fn reserve(&self, now: Duration) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(now);
        *next = turn.saturating_add(self.interval);
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn requests_are_spaced_and_idle_time_is_not_saved_up() {
        let clock = ManualClock::default();
        let limit = RateLimit::new(2.0).unwrap();
        for _ in 0..3 {
            limit.turn(&clock).await;
        }
        assert_eq!(clock.sleeps(), [Duration::from_millis(500); 2]);
        clock.advance(Duration::from_secs(60));
        limit.turn(&clock).await;
        limit.turn(&clock).await;
        assert_eq!(clock.sleeps().len(), 3);
    }

    #[test]
    fn nonsense_is_no_limit() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert!(RateLimit::new(rate).is_none(), "{rate}");
        }
        assert!(RateLimit::new(f64::INFINITY).is_some());
    }
}

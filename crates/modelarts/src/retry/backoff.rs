//! The delays between attempts.

use std::time::Duration;

/// Exponential backoff with full jitter: each delay is drawn evenly between zero and a ceiling, which doubles each
/// time.
///
/// Because of the jitter, clients that failed at the same time do not all retry at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
}

impl Backoff {
    /// Creates a backoff with the ceilings `first`, twice `first`, and so on up to `max`.
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max }
    }

    /// Returns the longest delay after the given number of failures in a row, counted from 1.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }

    /// The delay for a random `fraction` from 0 to 1.
    pub(crate) fn delay(&self, failures: u32, fraction: f64) -> Duration {
        let ceiling = self.ceiling(failures);
        let seconds = ceiling.as_secs_f64() * fraction.clamp(0.0, 1.0);
        // The longest durations are rounded up beyond `Duration::MAX`.
        Duration::try_from_secs_f64(seconds).unwrap_or(ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_up_to_the_maximum() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(20));
        let ceilings: Vec<_> = (1..=7).map(|n| backoff.ceiling(n).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 20, 20]);
        assert_eq!(backoff.ceiling(u32::MAX).as_secs(), 20);
    }

    #[test]
    fn the_fraction_spreads_over_the_whole_range() {
        let backoff = Backoff::new(Duration::from_secs(4), Duration::from_secs(8));
        assert_eq!(backoff.delay(1, 0.0), Duration::ZERO);
        assert_eq!(backoff.delay(1, 0.5), Duration::from_secs(2));
        assert_eq!(backoff.delay(2, 1.0), Duration::from_secs(8));
        let endless = Backoff::new(Duration::MAX, Duration::MAX);
        assert_eq!(endless.delay(1, 1.0), Duration::MAX);
    }
}

//! How long to pause between attempts.

use std::time::Duration;

/// Growing pauses with full jitter: each is drawn evenly from nothing to a ceiling that doubles.
///
/// Clients that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
}

impl Backoff {
    /// Ceilings of `first`, twice `first`, and so on up to `max`.
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max }
    }

    /// The longest pause after the given number of failures in a row, counted from 1.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }

    /// The pause for a random `fraction` of 0 to 1.
    pub(crate) fn delay(&self, failures: u32, fraction: f64) -> Duration {
        let ceiling = self.ceiling(failures);
        let seconds = ceiling.as_secs_f64() * fraction.clamp(0.0, 1.0);
        // The longest durations are rounded up to more than there is.
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

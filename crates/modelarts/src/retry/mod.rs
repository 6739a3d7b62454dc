//! Repeating what failed for a passing reason: policy, backoff and budget decide, [`Attempts`] joins
//! them, and the transport drives. Waiting for a state is another matter, see [`wait`](crate::wait).

mod after;
mod backoff;
mod budget;
mod policy;

use std::time::Duration;

pub(crate) use after::retry_after;
pub use backoff::Backoff;
pub(crate) use budget::RetryBudget;
pub use policy::RetryPolicy;

/// What a failed attempt means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Refused for too many requests.
    Throttled,
    /// The request never left.
    NoConnection,
    /// The service or a gateway cannot answer for now; the request may have been carried out.
    Unavailable,
    /// No complete answer came; the request may have been carried out.
    Broken,
    /// Repeating would not help.
    Final,
}

/// The attempts of one call, without their input and output.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    policy: &'a RetryPolicy,
    budget: &'a RetryBudget,
    idempotent: bool,
    /// On the scale of [`Clock::elapsed`](crate::Clock::elapsed).
    deadline: Duration,
    made: u32,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(
        policy: &'a RetryPolicy,
        budget: &'a RetryBudget,
        idempotent: bool,
        deadline: Duration,
    ) -> Self {
        Self {
            policy,
            budget,
            idempotent,
            deadline,
            made: 0,
        }
    }

    /// Counts an attempt about to be made.
    pub(crate) fn begin(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// The time that is left for the call.
    pub(crate) fn left(&self, elapsed: Duration) -> Duration {
        self.deadline.saturating_sub(elapsed)
    }

    /// The pause before the next attempt, or `None` if the last one stands.
    pub(crate) fn pause(
        &self,
        fault: Fault,
        retry_after: Option<Duration>,
        elapsed: Duration,
        fraction: f64,
    ) -> Option<Duration> {
        if !self.policy.allows(fault, self.idempotent, self.made) {
            return None;
        }
        // Who is told when to come back need not guess; spread a little, so that not all come at once.
        let pause = match (fault, retry_after) {
            (Fault::Throttled, Some(after)) => after.saturating_add(SPREAD.mul_f64(fraction)),
            (_, Some(after)) => after.max(self.policy.pause(fault, self.made, fraction)),
            (_, None) => self.policy.pause(fault, self.made, fraction),
        };
        if pause >= self.left(elapsed) {
            return None;
        }
        self.budget.withdraw().then_some(pause)
    }

    /// Notes that the call succeeded.
    pub(crate) fn succeeded(&self) {
        self.budget.repay();
    }
}

const SPREAD: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn pause(fault: Fault, after: Option<u64>, elapsed: u64, fraction: f64) -> Option<Duration> {
        let (policy, budget) = (RetryPolicy::default(), RetryBudget::default());
        let mut attempts = Attempts::new(&policy, &budget, true, secs(100));
        attempts.begin();
        attempts.pause(fault, after.map(secs), secs(elapsed), fraction)
    }

    #[test]
    fn throttling_waits_as_told_or_by_its_own_backoff() {
        assert_eq!(pause(Fault::Throttled, Some(7), 0, 0.0), Some(secs(7)));
        assert_eq!(pause(Fault::Throttled, Some(7), 0, 1.0), Some(secs(8)));
        assert_eq!(pause(Fault::Throttled, None, 0, 1.0), Some(secs(10)));
    }

    #[test]
    fn the_longer_of_hint_and_backoff_counts() {
        assert_eq!(pause(Fault::Unavailable, Some(3), 0, 1.0), Some(secs(3)));
        let half = Some(Duration::from_millis(500));
        assert_eq!(pause(Fault::Unavailable, Some(0), 0, 1.0), half);
    }

    #[test]
    fn no_pause_reaches_past_the_deadline() {
        assert_eq!(pause(Fault::Throttled, Some(60), 39, 0.0), Some(secs(60)));
        assert_eq!(pause(Fault::Throttled, Some(60), 40, 0.0), None);
        assert_eq!(pause(Fault::Throttled, Some(u64::MAX), 0, 1.0), None);
    }

    #[test]
    fn an_empty_budget_ends_the_retries() {
        let (policy, budget) = (RetryPolicy::default(), RetryBudget::default());
        while budget.withdraw() {}
        let mut attempts = Attempts::new(&policy, &budget, true, secs(100));
        attempts.begin();
        assert_eq!(attempts.pause(Fault::Broken, None, secs(0), 0.5), None);
    }
}

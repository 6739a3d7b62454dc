//! The attempts of one call: whether and when to make another.

use std::time::Duration;

use super::budget::RetryBudget;
use super::failure::FailureKind;
use super::policy::RetryPolicy;

/// The limit that ended the retries of a call that would otherwise have been retried, from
/// [`Error::retry_limit`](crate::Error::retry_limit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryLimit {
    /// All attempts that the [`RetryPolicy`] allows were made.
    Attempts,
    /// The next delay would have ended after the deadline of the call.
    Deadline,
    /// The [`RetryBudget`] is used up.
    Budget,
}

/// The attempts of one call, without their input and output.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    policy: &'a RetryPolicy,
    budget: &'a RetryBudget,
    idempotent: bool,
    /// The deadline, as a value of [`Clock::elapsed`](crate::Clock::elapsed).
    deadline: Duration,
    made: u32,
    /// Whether an attempt before the last one may have been carried out.
    earlier_outcome_unknown: bool,
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
            earlier_outcome_unknown: false,
        }
    }

    /// Counts an attempt that is about to be made.
    pub(crate) fn begin(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// Whether an attempt before the last one may have been carried out.
    pub(crate) fn earlier_outcome_unknown(&self) -> bool {
        self.earlier_outcome_unknown
    }

    /// The time that is left for the call.
    pub(crate) fn left(&self, elapsed: Duration) -> Duration {
        self.deadline.saturating_sub(elapsed)
    }

    /// Returns the delay before the next attempt, or the limit that ended the retries; `Err(None)` if this failure is
    /// never retried.
    pub(crate) fn delay(
        &mut self,
        failure: FailureKind,
        retry_after: Option<Duration>,
        elapsed: Duration,
        fraction: f64,
    ) -> Result<Duration, Option<RetryLimit>> {
        if !RetryPolicy::repeats(failure, self.idempotent) {
            return Err(None);
        }
        if !self.policy.allows(self.made) {
            return Err(Some(RetryLimit::Attempts));
        }
        let delay = self.policy.delay(failure, self.made, retry_after, fraction);
        if delay >= self.left(elapsed) {
            return Err(Some(RetryLimit::Deadline));
        }
        if !self.budget.withdraw() {
            return Err(Some(RetryLimit::Budget));
        }
        self.earlier_outcome_unknown |= failure.may_have_been_carried_out();
        Ok(delay)
    }

    /// Counts the call as a success.
    pub(crate) fn succeeded(&self) {
        self.budget.repay();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn delay(
        failure: FailureKind,
        after: Option<u64>,
        elapsed: u64,
        fraction: f64,
    ) -> Result<Duration, Option<RetryLimit>> {
        let (policy, budget) = (RetryPolicy::default(), RetryBudget::default());
        let mut attempts = Attempts::new(&policy, &budget, true, secs(100));
        attempts.begin();
        attempts.delay(failure, after.map(secs), secs(elapsed), fraction)
    }

    #[test]
    fn throttling_waits_for_retry_after_or_its_own_backoff() {
        let throttled = FailureKind::Throttled;
        assert_eq!(delay(throttled, Some(7), 0, 0.0), Ok(secs(7)));
        assert_eq!(delay(throttled, Some(7), 0, 1.0), Ok(secs(8)));
        assert_eq!(delay(throttled, None, 0, 1.0), Ok(secs(10)));
    }

    #[test]
    fn the_longer_of_hint_and_backoff_counts() {
        let unavailable = FailureKind::Unavailable;
        assert_eq!(delay(unavailable, Some(3), 0, 1.0), Ok(secs(3)));
        let half = Ok(Duration::from_millis(500));
        assert_eq!(delay(unavailable, Some(0), 0, 1.0), half);
    }

    #[test]
    fn no_delay_reaches_past_the_deadline() {
        let throttled = FailureKind::Throttled;
        let late = Err(Some(RetryLimit::Deadline));
        assert_eq!(delay(throttled, Some(60), 39, 0.0), Ok(secs(60)));
        assert_eq!(delay(throttled, Some(60), 40, 0.0), late);
        assert_eq!(delay(throttled, Some(u64::MAX), 0, 1.0), late);
    }

    #[test]
    fn what_ended_the_retries_is_reported() {
        assert_eq!(delay(FailureKind::Final, None, 0, 0.5), Err(None));
        let policy = RetryPolicy::default();
        let attempts = |budget: &RetryBudget, made| {
            let mut attempts = Attempts::new(&policy, budget, true, secs(100));
            (0..made).for_each(|_| {
                attempts.begin();
            });
            attempts.delay(FailureKind::Broken, None, secs(0), 0.5)
        };
        let budget = RetryBudget::default();
        assert_eq!(attempts(&budget, 5), Err(Some(RetryLimit::Attempts)));
        let empty = RetryBudget::new(0);
        assert_eq!(attempts(&empty, 1), Err(Some(RetryLimit::Budget)));
    }

    #[test]
    fn an_unknown_outcome_counts_once_another_attempt_follows() {
        let policy = RetryPolicy::default().max_attempts(10);
        let budget = RetryBudget::default();
        let mut attempts = Attempts::new(&policy, &budget, true, secs(100));
        let mut after = |failure, elapsed| {
            attempts.begin();
            let delay = attempts.delay(failure, None, secs(elapsed), 0.5);
            (delay.is_ok(), attempts.earlier_outcome_unknown())
        };
        assert_eq!(after(FailureKind::Throttled, 0), (true, false));
        assert_eq!(after(FailureKind::NoConnection, 0), (true, false));
        // No attempt follows this one: its own error says what is known.
        assert_eq!(after(FailureKind::Broken, 100), (false, false));
        assert_eq!(after(FailureKind::Unavailable, 0), (true, true));
        assert_eq!(after(FailureKind::Broken, 0), (true, true));
        assert_eq!(after(FailureKind::Throttled, 100), (false, true));
    }

    #[test]
    fn a_success_pays_back_and_every_attempt_counts() {
        let (policy, budget) = (RetryPolicy::default(), RetryBudget::new(1));
        let mut attempts = Attempts::new(&policy, &budget, true, secs(100));
        assert_eq!(
            (attempts.begin(), attempts.begin(), attempts.made()),
            (1, 2, 2)
        );
        assert!(budget.withdraw());
        (0..10).for_each(|_| attempts.succeeded());
        assert_eq!(budget.remaining(), 1);
    }
}

//! Which failures are retried, and how often.

use std::time::Duration;

use super::backoff::Backoff;
use super::failure::FailureKind;

/// Configures which failed attempts are retried, how often, and with which delays.
///
/// | failure | retried |
/// |---|---|
/// | 429, throttled | always: the request was refused |
/// | no connection | always: the request was not sent |
/// | 408, 500, 502, 503, 504 | for idempotent operations, unless the error code is final |
/// | connection broke off, attempt timed out | for idempotent operations |
/// | any other status, a response that cannot be decoded, a certificate that is not trusted | never |
///
/// The API document says which operations are idempotent. So nothing is created twice.
///
/// A `Retry-After` of the service, in seconds or as a date, lengthens the delay. A delay never extends beyond the
/// deadline of the call: if it would, the call fails at once with the last error, and
/// [`Error::retry_limit`](crate::Error::retry_limit) is [`Deadline`](crate::RetryLimit::Deadline).
///
/// A waiter follows the same policy: each of its polls makes one attempt, and it gives up after as many failed polls
/// in a row as the policy allows attempts.
///
/// ```
/// use modelarts::{Backoff, RetryPolicy};
/// use std::time::Duration;
///
/// let patient = RetryPolicy::default()
///     .max_attempts(8)
///     .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(30)));
/// let never = RetryPolicy::off();
/// # let _ = (patient, never);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    max_attempts: u32,
    backoff: Backoff,
    throttled: Backoff,
}

impl Default for RetryPolicy {
    /// Five attempts; delays of up to half a second, doubling to 20 seconds; when throttled without `Retry-After`,
    /// delays of up to 10 seconds, doubling to 60.
    fn default() -> Self {
        Self {
            max_attempts: 5,
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(20)),
            throttled: Backoff::new(Duration::from_secs(10), Duration::from_secs(60)),
        }
    }
}

impl RetryPolicy {
    /// Creates a policy without retries: one attempt per call.
    pub fn off() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets the maximum number of attempts, including the first; 0 is treated as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Sets the delays after failures.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets the delays after status 429 without `Retry-After`.
    #[must_use]
    pub fn throttled_backoff(mut self, backoff: Backoff) -> Self {
        self.throttled = backoff;
        self
    }

    /// Whether a failure of this kind is retried.
    pub(crate) fn repeats(failure: FailureKind, idempotent: bool) -> bool {
        match failure {
            FailureKind::Throttled | FailureKind::NoConnection => true,
            FailureKind::Unavailable | FailureKind::Broken => idempotent,
            FailureKind::Final => false,
        }
    }

    /// Whether another attempt is allowed after this many.
    pub(crate) fn allows(&self, attempts: u32) -> bool {
        attempts < self.max_attempts
    }

    /// The delay after this many failed attempts in a row, for a random `fraction` from 0 to 1.
    pub(crate) fn delay(
        &self,
        failure: FailureKind,
        attempts: u32,
        retry_after: Option<Duration>,
        fraction: f64,
    ) -> Duration {
        let backoff = match failure {
            FailureKind::Throttled => &self.throttled,
            _ => &self.backoff,
        };
        let own = backoff.delay(attempts, fraction);
        // `Retry-After` replaces the backoff when throttled, spread a little so that not all clients retry at once.
        match (failure, retry_after) {
            (FailureKind::Throttled, Some(after)) => after.saturating_add(SPREAD.mul_f64(fraction)),
            (_, Some(after)) => after.max(own),
            (_, None) => own,
        }
    }
}

const SPREAD: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refused_and_unsent_requests_are_repeated_for_every_operation() {
        let repeated = |idempotent| {
            [
                FailureKind::Throttled,
                FailureKind::NoConnection,
                FailureKind::Unavailable,
                FailureKind::Broken,
                FailureKind::Final,
            ]
            .map(|failure| RetryPolicy::repeats(failure, idempotent))
        };
        assert_eq!(repeated(true), [true, true, true, true, false]);
        assert_eq!(repeated(false), [true, true, false, false, false]);
    }

    #[test]
    fn off_means_one_attempt() {
        assert!(!RetryPolicy::off().allows(1));
        assert!(RetryPolicy::default().allows(4));
        assert!(!RetryPolicy::default().allows(5));
    }

    #[test]
    fn each_kind_of_failure_has_its_own_backoff() {
        let seconds = |first| Backoff::new(Duration::from_secs(first), Duration::from_secs(60));
        let policy = RetryPolicy::off()
            .max_attempts(3)
            .backoff(seconds(2))
            .throttled_backoff(seconds(7));
        let delay = |failure, attempts| policy.delay(failure, attempts, None, 1.0).as_secs();
        assert_eq!(delay(FailureKind::Broken, 1), 2);
        assert_eq!(delay(FailureKind::Throttled, 2), 14);
        assert_eq!(policy.attempts(), 3);
        assert_eq!(policy.max_attempts(0).attempts(), 1);
    }
}

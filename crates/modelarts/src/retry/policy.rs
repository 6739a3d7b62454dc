//! What is tried again, and how often.

use std::time::Duration;

use super::backoff::Backoff;
use super::failure::FailureKind;

/// Which failed attempts are repeated.
///
/// | failure | repeated |
/// |---|---|
/// | 429, throttled | always: the request was refused |
/// | no connection | always: the request never left |
/// | 408, 500, 502, 503, 504 | idempotent operations, unless a code says that it is final |
/// | connection broke off, attempt timed out | idempotent operations |
/// | any other status, a response that does not decode, a certificate that is not trusted | never |
///
/// Whether an operation is idempotent comes from the document. So nothing is created twice.
///
/// A `Retry-After` of the service, in seconds or as a date, lengthens the delay. All delays end with the
/// deadline of the call: when one would not fit, the call fails at once with the last error, and
/// [`Error::retry_limit`](crate::Error::retry_limit) says so.
///
/// A waiter follows the same policy: it polls once at a time, and gives up after as many failed polls in a row as
/// there are attempts here.
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
    /// Five attempts; delays of up to half a second, doubling to 20 seconds; when throttled without
    /// `Retry-After` of up to 10 seconds, doubling to 60.
    fn default() -> Self {
        Self {
            max_attempts: 5,
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(20)),
            throttled: Backoff::new(Duration::from_secs(10), Duration::from_secs(60)),
        }
    }
}

impl RetryPolicy {
    /// One attempt and no more.
    pub fn off() -> Self {
        Self::default().max_attempts(1)
    }

    /// The number of attempts, the first included; 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.max_attempts
    }

    /// The delays after failures.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The delays after 429 without `Retry-After`.
    #[must_use]
    pub fn throttled_backoff(mut self, backoff: Backoff) -> Self {
        self.throttled = backoff;
        self
    }

    /// Whether a failure of this kind is a reason to send the request again.
    pub(crate) fn repeats(failure: FailureKind, idempotent: bool) -> bool {
        match failure {
            FailureKind::Throttled | FailureKind::NoConnection => true,
            FailureKind::Unavailable | FailureKind::Broken => idempotent,
            FailureKind::Final => false,
        }
    }

    /// Whether one more attempt may follow after this many.
    pub(crate) fn allows(&self, attempts: u32) -> bool {
        attempts < self.max_attempts
    }

    /// The delay after this many attempts in a row have failed, for a random `fraction` of 0 to 1.
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
        // Who is told when to come back need not guess; spread a little, so that not all come at once.
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

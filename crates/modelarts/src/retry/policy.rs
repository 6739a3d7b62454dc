//! What is tried again, and how often.

use std::time::Duration;

use super::{Backoff, Fault};

/// Which failed attempts are repeated.
///
/// | failure | repeated |
/// |---|---|
/// | 429, throttled | always: the request was refused |
/// | no connection | always: the request never left |
/// | 408, 500, 502, 503, 504 | idempotent operations |
/// | connection broke off, attempt timed out | idempotent operations |
/// | any other status, an answer that does not decode | never |
///
/// Whether an operation is idempotent comes from the document. So nothing is created twice.
///
/// A `Retry-After` of the service, in seconds or as a date, lengthens the pause. All pauses end with the
/// deadline of the call: when one would not fit, the call fails at once with the last error.
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
    /// Five attempts; pauses of up to half a second, doubling to 20 seconds; when throttled without
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

    /// The pauses after failures.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The pauses after 429 without `Retry-After`.
    #[must_use]
    pub fn throttled_backoff(mut self, backoff: Backoff) -> Self {
        self.throttled = backoff;
        self
    }

    /// Whether one more attempt may follow after `attempts` of them, the last of which had this fault.
    pub(crate) fn allows(&self, fault: Fault, idempotent: bool, attempts: u32) -> bool {
        if attempts >= self.max_attempts {
            return false;
        }
        match fault {
            Fault::Throttled | Fault::NoConnection => true,
            Fault::Unavailable | Fault::Broken => idempotent,
            Fault::Final => false,
        }
    }

    pub(crate) fn pause(&self, fault: Fault, attempts: u32, fraction: f64) -> Duration {
        let backoff = match fault {
            Fault::Throttled => &self.throttled,
            _ => &self.backoff,
        };
        backoff.delay(attempts, fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refused_and_unsent_requests_are_repeated_for_every_operation() {
        let policy = RetryPolicy::default();
        let repeated = |idempotent| {
            [
                Fault::Throttled,
                Fault::NoConnection,
                Fault::Unavailable,
                Fault::Broken,
                Fault::Final,
            ]
            .map(|fault| policy.allows(fault, idempotent, 1))
        };
        assert_eq!(repeated(true), [true, true, true, true, false]);
        assert_eq!(repeated(false), [true, true, false, false, false]);
    }

    #[test]
    fn off_means_one_attempt() {
        assert!(!RetryPolicy::off().allows(Fault::Throttled, true, 1));
        assert!(RetryPolicy::default().allows(Fault::Throttled, true, 4));
        assert!(!RetryPolicy::default().allows(Fault::Throttled, true, 5));
    }
}

//! `PollPolicy`: when and for how long a waiter polls.

use std::time::Duration;

/// Configures when and for how long a waiter polls.
///
/// ```
/// use modelarts::PollPolicy;
/// use std::time::Duration;
///
/// let eager = PollPolicy::default()
///     .initial_delay(Duration::ZERO)
///     .interval(Duration::from_secs(2));
/// # let _ = eager;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct PollPolicy {
    pub(super) initial_delay: Duration,
    pub(super) interval: Duration,
    pub(super) deadline: Duration,
    read_lag: Duration,
}

impl Default for PollPolicy {
    /// Polls first after 10 seconds, then every 10 seconds, for up to 20 minutes; reads may lag behind for 30
    /// seconds.
    fn default() -> Self {
        Self {
            initial_delay: Duration::from_secs(10),
            interval: Duration::from_secs(10),
            deadline: Duration::from_secs(20 * 60),
            read_lag: Duration::from_secs(30),
        }
    }
}

impl PollPolicy {
    /// Sets the delay before the first poll.
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// Sets the delay between polls, at least one second.
    ///
    /// After a failed poll it is longer if the [`RetryPolicy`](crate::RetryPolicy) or the service's `Retry-After` requires it.
    pub fn interval(mut self, delay: Duration) -> Self {
        self.interval = delay.max(Duration::from_secs(1));
        self
    }

    /// Sets the maximum time to wait.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// Sets how long reads may lag behind, counted from the start of waiting or from when an action of the same
    /// client was accepted.
    ///
    /// Within this time, a waiter continues to poll when it sees a state that may be outdated: "not found" after a
    /// creation, STOPPED after a start, or the failure that a start or a deletion is meant to fix. After this time,
    /// it fails with the state it sees. Within this time, a read that shows the state from before an action of this
    /// client does not reach the target either: RUNNING after a restart, a stop or a deletion, or STOPPED after a
    /// start, until a read shows another state. Zero disables this.
    pub fn read_lag(mut self, limit: Duration) -> Self {
        self.read_lag = limit;
        self
    }

    /// Whether a read may still lag behind an event of this age.
    pub(crate) fn may_lag(&self, age: Duration) -> bool {
        age <= self.read_lag && !self.read_lag.is_zero()
    }
}

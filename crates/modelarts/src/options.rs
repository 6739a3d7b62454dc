//! Settings of calls and waiters, for a whole client or for some of its calls.

use std::time::Duration;

use crate::retry::RetryPolicy;
use crate::wait::Pace;

/// Settings that differ from the client's, for [`ModelArts::with`](crate::ModelArts::with).
///
/// ```no_run
/// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
/// use modelarts::{CallOptions, RetryPolicy};
/// use std::time::Duration;
///
/// let hasty = client.with(
///     CallOptions::new()
///         .retry(RetryPolicy::off())
///         .deadline(Duration::from_secs(3)),
/// );
/// hasty.notebooks().show("5d0a1c1e-8a3b-4f39-9f4e-6a3a1f0b7c55").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CallOptions {
    retry: Option<RetryPolicy>,
    attempt_timeout: Option<Duration>,
    deadline: Option<Duration>,
    pace: Option<Pace>,
}

impl CallOptions {
    /// Nothing differs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is tried again, and how often.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// The longest that one attempt may take, answer included. A minute unless set.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// The longest that a call may take, all attempts and pauses included. Five minutes unless set.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// How waiters, and `ensure_*`, look and how long.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }
}

/// The settings in force.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) retry: RetryPolicy,
    pub(crate) attempt_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) pace: Pace,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            attempt_timeout: Duration::from_secs(60),
            deadline: Duration::from_secs(300),
            pace: Pace::default(),
        }
    }
}

impl Settings {
    pub(crate) fn with(&self, options: CallOptions) -> Self {
        Self {
            retry: options.retry.unwrap_or_else(|| self.retry.clone()),
            attempt_timeout: options.attempt_timeout.unwrap_or(self.attempt_timeout),
            deadline: options.deadline.unwrap_or(self.deadline),
            pace: options.pace.unwrap_or_else(|| self.pace.clone()),
        }
    }
}

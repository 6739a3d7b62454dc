//! Settings for calls and waiters, for a whole client or for some of its calls.

use std::sync::Arc;
use std::time::Duration;

use crate::history::History;
use crate::retry::RetryPolicy;
use crate::wait::PollPolicy;

/// Settings that override those of the client, for [`ModelArts::with`](crate::ModelArts::with).
///
/// ```no_run
/// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
/// use modelarts::{CallOptions, RetryPolicy};
/// use std::time::Duration;
///
/// let hasty = client.with(
///     CallOptions::new()
///         .retry_policy(RetryPolicy::off())
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
    poll: Option<PollPolicy>,
}

impl CallOptions {
    /// Creates options that override nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which failures are retried, and how often.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Sets the time limit of one attempt, including the response. The default is one minute.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// Sets the time limit of a call, including all attempts and delays. The default is five minutes.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets when and for how long waiters and `ensure_*` poll.
    pub fn poll_policy(mut self, policy: PollPolicy) -> Self {
        self.poll = Some(policy);
        self
    }
}

/// The settings in force.
#[derive(Clone, Debug)]
pub(crate) struct CallSettings {
    pub(crate) retry: RetryPolicy,
    pub(crate) attempt_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) poll: PollPolicy,
    /// Not a setting, but passed along with the settings; all clones of a client share it.
    pub(crate) history: Arc<History>,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            attempt_timeout: Duration::from_secs(60),
            deadline: Duration::from_secs(300),
            poll: PollPolicy::default(),
            history: Arc::default(),
        }
    }
}

impl CallSettings {
    pub(crate) fn with(&self, options: CallOptions) -> Self {
        Self {
            retry: options.retry.unwrap_or_else(|| self.retry.clone()),
            attempt_timeout: options.attempt_timeout.unwrap_or(self.attempt_timeout),
            deadline: options.deadline.unwrap_or(self.deadline),
            poll: options.poll.unwrap_or_else(|| self.poll.clone()),
            history: self.history.clone(),
        }
    }
}

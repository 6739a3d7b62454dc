//! The result of a poll: a waiter reports it, and an error keeps the last one.

use std::fmt;
use std::time::Duration;

use crate::error::redact::one_line;

/// The result of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollStatus {
    /// The status in the service's spelling; `gone` if the resource no longer exists, `not found` if it does not
    /// exist yet.
    pub status: String,
    /// The reason of the failure, in the service's words.
    pub fail_reason: Option<String>,
    /// The progress of a start or a creation.
    pub progress: Option<Progress>,
    /// What is still missing although the target status is reached, such as a volume that is not ready.
    pub missing: Option<String>,
    /// The time since waiting began.
    pub elapsed: Duration,
    /// The number of polls that succeeded, this one included.
    pub polls: u32,
}

/// The progress of a start or a creation, in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of completed steps.
    pub done: u32,
    /// The total number of steps.
    pub total: u32,
    /// The current step, in the service's words.
    pub step: Option<String>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.done, self.total)?;
        match &self.step {
            Some(step) => write!(f, ", {}", one_line(step)),
            None => Ok(()),
        }
    }
}

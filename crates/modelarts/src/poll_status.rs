//! What a poll showed: a waiter reports it, and an error keeps the last one.

use std::fmt;
use std::time::Duration;

use crate::error::redact::one_line;

/// What a poll showed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollStatus {
    /// The status in the service's spelling; `gone` when the resource does not exist any more, `not found` when it does not
    /// exist yet.
    pub status: String,
    /// Why it failed, in the service's words.
    pub fail_reason: Option<String>,
    /// How far a start or a creation has come.
    pub progress: Option<Progress>,
    /// What is still missing although the status is the one waited for, such as a volume that is not ready.
    pub missing: Option<String>,
    /// The time since waiting began.
    pub elapsed: Duration,
    /// The number of polls that succeeded, this one included.
    pub polls: u32,
}

/// Steps of a start or a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Steps that are done.
    pub done: u32,
    /// All steps.
    pub total: u32,
    /// The step under way, in the service's words.
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

//! One poll: how a resource is polled, in which circumstances, and what the result means for the target.

use std::time::Duration;

use super::policy::PollPolicy;
use crate::clock::BoxFuture;
use crate::error::{Error, Result};
use crate::poll_status::{PollStatus, Progress};

/// An item of [`Waiter::events`](crate::Waiter::events).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PollEvent<T> {
    /// What the poll showed.
    pub status: PollStatus,
    /// The resource itself; `None` if it does not exist.
    pub resource: Option<T>,
    /// Whether the target has been reached; if so, this is the last item.
    pub done: bool,
}

/// What a poll means for the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wait,
    Done,
    /// The target cannot be reached from here; holds the reason.
    Fail(&'static str),
}

/// One poll of a resource.
#[derive(Debug)]
pub(crate) struct Polled<T> {
    pub(crate) resource: Option<T>,
    pub(crate) status: String,
    pub(crate) fail_reason: Option<String>,
    pub(crate) progress: Option<Progress>,
    pub(crate) missing: Option<String>,
    pub(crate) verdict: Verdict,
    /// Why the service refused the action that followed the read.
    pub(crate) refusal: Option<Error>,
}

impl<T> Polled<T> {
    /// Creates the poll of a resource of which only the status matters.
    pub(crate) fn new(resource: T, status: String, verdict: Verdict) -> Self {
        Self::of(Some(resource), status, verdict)
    }

    /// Creates the poll of a resource that does not exist: no longer, if that is the target, otherwise not yet.
    pub(crate) fn absent(verdict: Verdict) -> Self {
        let status = match verdict {
            Verdict::Done => "gone",
            _ => "not found",
        };
        Self::of(None, status.to_owned(), verdict)
    }

    fn of(resource: Option<T>, status: String, verdict: Verdict) -> Self {
        Self {
            resource,
            status,
            fail_reason: None,
            progress: None,
            missing: None,
            verdict,
            refusal: None,
        }
    }
}

/// When a poll takes place.
#[derive(Clone, Debug)]
pub(crate) struct PollContext {
    /// The current time and the time when the waiting began, as given by `Clock::elapsed`.
    pub(crate) now: Duration,
    pub(crate) began: Duration,
    /// The time until the deadline.
    pub(crate) left: Duration,
    pub(crate) policy: PollPolicy,
}

impl PollContext {
    /// Whether a read may still show the state from before the waiting began.
    pub(crate) fn may_lag(&self) -> bool {
        self.may_lag_behind(self.began)
    }

    /// Whether a read may still show the state from before this time.
    pub(crate) fn may_lag_behind(&self, time: Duration) -> bool {
        self.policy.may_lag(self.now.saturating_sub(time))
    }
}

/// How a resource is polled.
pub(crate) trait PollFn<T>: Send {
    /// Polls once. An error means that the poll failed; the waiter decides whether that ends the waiting.
    fn poll(&mut self, context: PollContext) -> BoxFuture<'_, Result<Polled<T>>>;
}

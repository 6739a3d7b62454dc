//! Errors that have no response (arguments, configuration, time limits, waiters), and what is added to an error on
//! its way to the caller.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Error, ErrorKind};
use crate::authority::authority;
use crate::poll_status::PollStatus;
use crate::retry::RetryLimit;

impl Error {
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message.into())
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, message.into())
    }

    pub(crate) fn attempt_timed_out(limit: Duration) -> Self {
        let message = format!("no complete response within the attempt timeout of {limit:?}");
        Self::new(ErrorKind::AttemptTimeout, message)
    }

    pub(crate) fn deadline_exceeded(limit: Duration) -> Self {
        let message = format!("no complete response within the deadline of the call, {limit:?}");
        Self::new(ErrorKind::DeadlineExceeded, message)
    }

    /// Creates the error of a request that the rate limit would send only after the deadline.
    pub(crate) fn rate_limited(deadline: Duration) -> Self {
        let message = format!(
            "the rate limit of this client allows no request within the deadline of the call, {deadline:?}"
        );
        Self::new(ErrorKind::DeadlineExceeded, message)
    }

    pub(crate) fn wait_failed(message: String, poll: PollStatus) -> Self {
        let mut error = Self::new(ErrorKind::WaitFailed, message);
        error.0.poll = Some(poll);
        error
    }

    /// Creates the error of a waiter that ran out of time; `cause` is the failed poll or the refusal that kept it
    /// from its target.
    pub(crate) fn wait_timed_out(
        message: String,
        poll: Option<PollStatus>,
        cause: Option<Self>,
    ) -> Self {
        let mut error = Self::new(ErrorKind::WaitTimeout, message);
        error.0.poll = poll;
        error.0.cause = cause;
        error
    }

    /// Sets the operation, unless it is set already.
    pub(crate) fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Sets the host that the request was sent to, unless it is set already.
    pub(crate) fn at_host(mut self, url: &reqwest::Url) -> Self {
        if self.0.host.is_none() && url.has_host() {
            self.0.host = Some(authority(url));
        }
        self
    }

    /// Sets whether the request is idempotent, which can differ from what the document says about the operation.
    pub(crate) fn of_idempotency(mut self, idempotent: bool) -> Self {
        self.0.idempotent.get_or_insert(idempotent);
        self
    }

    pub(crate) fn after_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn ended_by(mut self, limit: Option<RetryLimit>) -> Self {
        self.0.retry_limit = limit;
        self
    }

    /// Marks an error that happened before the request was sent, or after it was refused, while obtaining
    /// credentials.
    ///
    /// `attempts` is how often the request was sent before. A failed sign-in keeps its own number of attempts.
    pub(crate) fn before_sending(mut self, attempts: u32) -> Self {
        self.0.not_done = true;
        self.0.earlier_unknown = None;
        if self.0.attempts == 0 {
            self.0.attempts = attempts;
        }
        self
    }

    /// Marks an error that came after an attempt of `operation` that may have been carried out.
    pub(crate) fn after_unknown_outcome(mut self, operation: &'static str) -> Self {
        if !self.is_outcome_unknown() {
            self.0.earlier_unknown = Some(operation);
        }
        self
    }

    /// Whether the outcome of all attempts of a request with this method is known from the response to the last one: it
    /// reports success and contains no error, or the request only reads.
    pub(crate) fn determines_outcome(&self, method: &http::Method) -> bool {
        !self.0.not_done
            && match self.0.kind {
                ErrorKind::Decode => !self.0.disguised || method.is_safe(),
                ErrorKind::Status => method.is_safe(),
                _ => false,
            }
    }

    /// Sets how far this machine's clock is ahead of the service's, which is why the request was refused.
    pub(crate) fn with_clock_skew(mut self, ahead: SignedDuration) -> Self {
        self.0.clock_skew = Some(ahead);
        self
    }

    /// Adds a note about the possible reason, or about what was tried.
    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        let note = note.into();
        self.0.note = Some(match self.0.note.take() {
            Some(known) => format!("{known}; {note}"),
            None => note,
        });
        self
    }

    /// Adds the waiter whose poll failed with this error, which ends the waiting.
    pub(crate) fn while_waiting(mut self, target: &str, poll: Option<PollStatus>) -> Self {
        self.0.target = Some(target.to_owned());
        self.0.poll = poll;
        self
    }
}

/// Converts the error of a request that cannot be built: a value is missing or invalid, or would reach another
/// resource.
impl From<modelarts_client::RequestError> for Error {
    fn from(error: modelarts_client::RequestError) -> Self {
        Self::argument(error.to_string())
    }
}

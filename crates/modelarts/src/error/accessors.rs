//! What is known about a failure: kind, operation, host, status, code, message, attempts and so on.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use modelarts_client::ErrorCode;

use super::{Error, ErrorKind};
use crate::poll_status::PollStatus;
use crate::retry::RetryLimit;

/// The maximum number of bytes of a response that an error keeps.
pub(crate) const EXCERPT: usize = 64 * 1024;

impl Error {
    /// Returns the kind of the error. For a waiter that ran out of time, it is `WaitTimeout`, whatever the
    /// [`cause`](Error::cause) is.
    ///
    /// ```
    /// # fn describe(error: &modelarts::Error) -> &'static str {
    /// use modelarts::ErrorKind;
    ///
    /// match error.kind() {
    ///     ErrorKind::Status => "the service refused the request",
    ///     ErrorKind::Connect | ErrorKind::Certificate => "the service was not reached",
    ///     _ => "something else",
    /// }
    /// # }
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the ID of the operation in the API, such as `startNotebook`.
    pub fn operation(&self) -> Option<&'static str> {
        self.root().operation
    }

    /// Returns the host that the request was sent to, with the port unless it is the default.
    pub fn host(&self) -> Option<&str> {
        self.root().host.as_deref()
    }

    /// Returns the HTTP status, if there was a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.root().status
    }

    /// Returns the headers of the response; empty if there was none.
    pub fn headers(&self) -> &HeaderMap {
        &self.root().headers
    }

    /// Returns the service's error code, such as `ModelArts.6309`.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.root().code.as_ref()
    }

    /// Returns the message of the service or, without one, the message of this crate.
    ///
    /// Apart from redacted credentials, the service's message is unchanged: it may contain control characters.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Returns the ID of the request, by which the operator of the service can find it.
    pub fn request_id(&self) -> Option<&str> {
        self.root().request_id.as_deref()
    }

    /// Returns the first 64 KiB of the response's body.
    ///
    /// It may be HTML, empty or cut off. After a success that could not be decoded it may contain secrets,
    /// such as the token of a notebook: do not log it.
    pub fn body_excerpt(&self) -> &[u8] {
        let body = &self.root().body;
        &body[..body.len().min(EXCERPT)]
    }

    /// Returns the number of attempts that were made; 0 if nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.root().attempts
    }

    /// Returns the limit that ended the retries, if the call would otherwise have been retried.
    pub fn retry_limit(&self) -> Option<RetryLimit> {
        self.root().retry_limit
    }

    /// Returns how long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.root().retry_after
    }

    /// Returns how far this machine's clock is ahead of the service's (negative: behind), if a request was refused
    /// because the clocks differ too much.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.root().clock_skew
    }

    /// Returns the result of a waiter's last successful poll.
    pub fn last_poll(&self) -> Option<&PollStatus> {
        self.0.poll.as_ref()
    }

    /// Returns what kept a waiter from its target until it ran out of time: the error of its last poll, or the last
    /// refusal of an action. If there is a cause, [`status`](Error::status), [`code`](Error::code), the predicates
    /// and so on refer to it.
    pub fn cause(&self) -> Option<&Self> {
        self.0.cause.as_ref()
    }

    /// Returns the error of the HTTP client, if the exchange failed below HTTP.
    pub fn transport_error(&self) -> Option<&reqwest::Error> {
        self.root().transport.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::testing::refusal;
    use super::*;

    #[test]
    fn everything_about_a_refusal_can_be_asked_for() {
        let seconds = Duration::from_secs(7);
        let body = Bytes::from_static(br#"{"error_code": "ModelArts.6101", "error_msg": "slow"}"#);
        let headers = HeaderMap::from_iter([(http::header::AGE, 1.into())]);
        let status = StatusCode::TOO_MANY_REQUESTS;
        let error = Error::from_status(status, headers, body, Some(seconds), &[])
            .in_operation("listNotebooks")
            .in_operation("outer")
            .at_host(&reqwest::Url::parse("https://inner.test:8443/v1").unwrap())
            .at_host(&reqwest::Url::parse("https://outer.test/").unwrap())
            .after_attempts(5)
            .ended_by(Some(RetryLimit::Budget));
        // The error of a waiter that ran out of time reports the values of its cause.
        let waited = Error::wait_timed_out("late".to_owned(), None, Some(error.clone()));
        for error in [&error, &waited] {
            assert_eq!(error.operation(), Some("listNotebooks"));
            assert_eq!(error.host(), Some("inner.test:8443"));
            assert_eq!(error.status(), Some(status));
            assert_eq!(error.headers().len(), 1);
            assert_eq!(error.code(), Some(&ErrorCode::MODELARTS_6101));
            assert_eq!(error.attempts(), 5);
            assert_eq!(error.retry_limit(), Some(RetryLimit::Budget));
            assert_eq!(error.retry_after(), Some(seconds));
            assert_eq!(error.remedy(), ErrorCode::MODELARTS_6101.remedy());
        }
        assert_eq!(
            (error.message(), waited.message()),
            (Some("slow"), Some("late"))
        );
        assert_eq!(refusal(400, "").request_id(), Some("r-1"));
    }
}

//! The error type of this crate.

mod accessors;
mod body;
mod class;
mod construct;
mod decode;
mod display;
mod exchange;
mod kind;
mod predicates;
pub(crate) mod redact;
mod response;
#[cfg(test)]
mod testing;

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use modelarts_client::ErrorCode;

use self::body::Origin;
use crate::poll_status::PollStatus;
use crate::retry::RetryLimit;

pub(crate) use self::accessors::EXCERPT;
pub(crate) use self::decode::{expectation, place};
pub use self::kind::ErrorKind;
pub(crate) use self::redact::drop_revealing_ids;
pub(crate) use self::response::accepted;

/// The result type of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error type of this crate, with everything that is known about a failure.
///
/// Use the predicates (`is_*`) to decide what to do; the documentation of each says what that is. `Display` is one
/// line with operation, status, code, host and request ID. It includes the cause: there is no
/// [`source`](StdError::source), so that code that prints a chain of causes does not repeat it. Neither `Display` nor
/// `Debug` ever contains credentials, headers or bodies, or control sequences that a terminal would interpret.
///
/// ```
/// # fn handle(error: modelarts::Error) {
/// if error.is_not_found() {
///     println!("nothing to stop");
/// } else {
///     eprintln!("{error}");
///     if let Some(remedy) = error.remedy() {
///         eprintln!("{remedy}");
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    host: Option<String>,
    message: Option<String>,
    code: Option<ErrorCode>,
    origin: Origin,
    request_id: Option<String>,
    status: Option<StatusCode>,
    headers: HeaderMap,
    /// The whole body of a success that could not be decoded, otherwise the beginning of the body.
    body: Bytes,
    /// Whether this was a success with an empty body.
    is_blank: bool,
    retry_after: Option<Duration>,
    attempts: u32,
    retry_limit: Option<RetryLimit>,
    idempotent: Option<bool>,
    /// Whether the request itself had not been sent, or had been refused, before this happened.
    not_done: bool,
    /// Whether the response has a success status and contains an error.
    disguised: bool,
    /// The operation of which an earlier attempt may have been carried out, although this error does not say so itself.
    earlier_unknown: Option<&'static str>,
    /// How far this machine's clock is ahead of the service's, if that explains a refusal.
    clock_skew: Option<SignedDuration>,
    /// What this crate adds about the reason, after everything else.
    note: Option<String>,
    /// The target of the waiter whose poll failed.
    target: Option<String>,
    poll: Option<PollStatus>,
    /// Why a waiter ran out of time.
    cause: Option<Error>,
    transport: Option<Arc<reqwest::Error>>,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<Option<String>>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            host: None,
            message: message.into(),
            code: None,
            origin: Origin::Unknown,
            request_id: None,
            status: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            is_blank: false,
            retry_after: None,
            attempts: 0,
            retry_limit: None,
            idempotent: None,
            not_done: false,
            disguised: false,
            earlier_unknown: None,
            clock_skew: None,
            note: None,
            target: None,
            poll: None,
            cause: None,
            transport: None,
        }))
    }

    /// Returns the cause that kept a waiter from its target, or the error itself.
    fn root(&self) -> &Inner {
        match &self.0.cause {
            Some(cause) => cause.root(),
            None => &self.0,
        }
    }
}

impl StdError for Error {}

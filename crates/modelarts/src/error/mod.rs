//! The error type of this crate, and how it is made from the service's responses.

mod body;
mod decode;
pub(crate) mod redact;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use modelarts_client::{ErrorClass, ErrorCode, Secret, Service};
use serde::de::DeserializeOwned;

use self::body::{ErrorBody, Origin};
pub(crate) use self::decode::{expectation, place};
use self::decode::{is_blank, undecodable};
pub(crate) use self::redact::drop_telling_ids;
use self::redact::one_line;
use self::redact::{Redactor, printable, request_id};
use crate::poll_status::PollStatus;
use crate::retry::{FailureKind, RetryLimit};

/// The result type of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The maximum number of bytes of a response that an error keeps.
pub(crate) const EXCERPT: usize = 64 * 1024;

/// The error type of this crate, with everything that is known about a failure.
///
/// Use the predicates (`is_*`) to decide what to do; the documentation of each says what that is. `Display` is one line
/// with operation, status, code, host and request ID. It includes the cause: there is no [`source`](StdError::source),
/// so that code that prints a chain of causes does not repeat it. Neither `Display` nor `Debug` ever contains
/// credentials, headers or bodies, or control sequences that a terminal would interpret.
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

/// The kind of an error, from [`Error::kind`].
///
/// The predicates of [`Error`] say what to do about an error, and are enough for most programs. The documentation of
/// each kind says whether the request may have been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument was refused. Nothing was sent.
    InvalidArgument,
    /// The client cannot be built or used with its configuration. Nothing was sent.
    Configuration,
    /// There was no connection to the service or its proxy. Nothing was sent.
    Connect,
    /// The certificate of the server is not trusted; a retry would not help. Nothing was sent.
    Certificate,
    /// The connection broke off before the response was complete. The request may have been carried out.
    Interrupted,
    /// The response is not HTTP; a retry would not help. The request may have been carried out.
    Protocol,
    /// One attempt took longer than its time limit. The request may have been carried out.
    AttemptTimeout,
    /// The call, with all its attempts and delays, took longer than its deadline. The request may have been carried out.
    DeadlineExceeded,
    /// The response does not have a success status; see the [status](Error::status) and the [class](Error::class).
    Status,
    /// The response reports success but cannot be decoded. The request was carried out.
    Decode,
    /// A waiter saw a state from which its target cannot be reached.
    WaitFailed,
    /// A waiter ran out of time. The operation that it waited for continues.
    WaitTimeout,
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
            clock_skew: None,
            note: None,
            target: None,
            poll: None,
            cause: None,
            transport: None,
        }))
    }

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

    /// The rate limit would let the request go only after the deadline.
    pub(crate) fn rate_limited(deadline: Duration) -> Self {
        let message = format!(
            "the rate limit of this client leaves no room within the deadline of the call, {deadline:?}"
        );
        Self::new(ErrorKind::DeadlineExceeded, message)
    }

    /// Marks an error that happened before the request was sent, or after it was refused, while obtaining credentials.
    pub(crate) fn before_sending(mut self) -> Self {
        self.0.not_done = true;
        self
    }

    pub(crate) fn wait_failed(message: String, poll: PollStatus) -> Self {
        let mut error = Self::new(ErrorKind::WaitFailed, message);
        error.0.poll = Some(poll);
        error
    }

    /// A waiter ran out of time; `cause` is the failed poll or the refusal that kept it from its target.
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

    /// Adds the waiter whose poll failed with this error, which ends the waiting.
    pub(crate) fn while_waiting(mut self, target: &str, poll: Option<PollStatus>) -> Self {
        self.0.target = Some(target.to_owned());
        self.0.poll = poll;
        self
    }

    /// The exchange failed below HTTP.
    pub(crate) fn exchange(error: reqwest::Error) -> Self {
        let hint = no_tls_hint(&error);
        // The URL contains the project and the query.
        let error = error.without_url();
        let cause = root_cause(&error);
        let kind = if error.is_connect() && cause.contains("certificate") {
            ErrorKind::Certificate
        } else if error.is_connect() {
            ErrorKind::Connect
        } else if error.is_timeout() {
            ErrorKind::AttemptTimeout
        } else if error.is_builder() {
            ErrorKind::InvalidArgument
        } else if is_no_http(&error) {
            ErrorKind::Protocol
        } else {
            ErrorKind::Interrupted
        };
        let message = match kind {
            ErrorKind::Connect => "no connection to the service",
            ErrorKind::Certificate => "the certificate of the server is not trusted",
            ErrorKind::AttemptTimeout => "no complete response in time",
            ErrorKind::InvalidArgument => "the request cannot be built",
            ErrorKind::Protocol => "the response is not HTTP",
            _ => "the connection broke off before the response was complete",
        };
        let mut this = Self::new(kind, format!("{message}: {cause}{hint}"));
        this.0.transport = Some(Arc::new(error));
        this
    }

    /// A response without a success status.
    pub(crate) fn from_status(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        retry_after: Option<Duration>,
        secrets: &[Secret],
    ) -> Self {
        let read = ErrorBody::read(&body);
        let mut error = Self::new(ErrorKind::Status, None).says(&read, status, secrets);
        error.0.retry_after = retry_after;
        let body = Redactor::new(secrets).bytes(body);
        error.responded(status, headers, body)
    }

    /// A response with a success status whose body is an error.
    pub(crate) fn disguised(
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        secrets: impl FnOnce() -> Vec<Secret>,
    ) -> Option<Self> {
        let read = ErrorBody::disguised(status, body)?;
        let secrets = &secrets();
        let mut error = Self::new(ErrorKind::Decode, None).says(&read, status, secrets);
        let original = error.0.message.take().unwrap_or_default();
        error.0.message = Some(format!(
            "the successful response holds an error: {}",
            one_line(&original)
        ));
        let body = Redactor::new(secrets).bytes(body.clone());
        Some(error.responded(status, headers.clone(), body))
    }

    fn says(mut self, body: &ErrorBody, status: StatusCode, secrets: &[Secret]) -> Self {
        let redactor = Redactor::new(secrets);
        let inner = &mut self.0;
        inner.message = body.message.as_deref().map(|text| redactor.text(text));
        // The identity service repeats the status where others have a code.
        let code = body.code(status).and_then(|code| redactor.id(code));
        inner.code = code.map(ErrorCode::new);
        inner.request_id = body.request_id.as_deref().and_then(|id| redactor.id(id));
        inner.origin = body.origin;
        self
    }

    /// A success whose body is longer than the limit.
    pub(crate) fn too_long(status: StatusCode, headers: HeaderMap, limit: usize) -> Self {
        let message = format!(
            "the response is longer than {limit} bytes; ask for fewer items, or raise the limit with `max_body`"
        );
        Self::new(ErrorKind::Decode, message).responded(status, headers, Bytes::new())
    }

    /// A success whose body is not a `T`. Decodes it again to find the place of the error.
    pub(crate) fn decode<T: DeserializeOwned>(
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Self {
        Self::undecoded(undecodable::<T>(body), status, headers, body)
    }

    /// A successful creation whose response lacks the ID of the created resource.
    pub(crate) fn without_id(status: StatusCode, headers: HeaderMap) -> Self {
        let message = "the response does not hold the ID of what was created; list what exists before another attempt";
        let error = Self::new(ErrorKind::Decode, message.to_owned()).after_attempts(1);
        error.responded(status, headers, Bytes::new())
    }

    /// A successful response that lacks its main content.
    pub(crate) fn incomplete(operation: Option<&'static str>, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::Decode, message.into());
        error.0.operation = operation;
        error
    }

    /// An error for a part of a response that could not be decoded, while the rest could.
    pub(crate) fn part_of(&self, message: String) -> Self {
        let mut part = self.clone();
        part.0.message = Some(message);
        part
    }

    fn undecoded(message: String, status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        let mut error = Self::new(ErrorKind::Decode, message);
        error.0.is_blank = is_blank(body);
        error.responded(status, headers, Bytes::copy_from_slice(body))
    }

    fn responded(mut self, status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        if self.0.request_id.is_none() {
            self.0.request_id = request_id(&headers).map(str::to_owned);
        }
        self.0.status = Some(status);
        self.0.headers = headers;
        self.0.body = body;
        self
    }

    /// Sets the operation, unless it is set already.
    pub(crate) fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Sets the host that the request was sent to, unless it is set already.
    pub(crate) fn at_host(mut self, url: &reqwest::Url) -> Self {
        if self.0.host.is_none()
            && let Some(host) = url.host_str()
        {
            let port = url.port().map(|port| format!(":{port}"));
            self.0.host = Some(format!("{host}{}", port.unwrap_or_default()));
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

    /// The cause that kept a waiter from its target, or the error itself.
    fn response(&self) -> &Inner {
        match &self.0.cause {
            Some(cause) => cause.response(),
            None => &self.0,
        }
    }

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
        self.response().operation
    }

    /// Returns the host that the request was sent to, with the port unless it is the default.
    pub fn host(&self) -> Option<&str> {
        self.response().host.as_deref()
    }

    /// Returns the HTTP status, if there was a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().status
    }

    /// Returns the headers of the response; empty if there was none.
    pub fn headers(&self) -> &HeaderMap {
        &self.response().headers
    }

    /// Returns the service's error code, such as `ModelArts.6309`.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.response().code.as_ref()
    }

    /// Returns the message of the service or, without one, the message of this crate.
    ///
    /// Apart from redacted credentials, the service's message is unchanged: it may contain control characters.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Returns the ID of the request, by which the operator of the service can find it.
    pub fn request_id(&self) -> Option<&str> {
        self.response().request_id.as_deref()
    }

    /// Returns the first 64 KiB of the response's body.
    ///
    /// It may be HTML, empty or cut off. After a success that could not be decoded it may contain secrets,
    /// such as the token of a notebook: do not log it.
    pub fn body_excerpt(&self) -> &[u8] {
        let body = &self.response().body;
        &body[..body.len().min(EXCERPT)]
    }

    /// The whole body of a success that could not be decoded.
    pub(crate) fn undecoded_body(&self) -> Option<Bytes> {
        (self.0.kind == ErrorKind::Decode && self.0.code.is_none()).then(|| self.0.body.clone())
    }

    /// Returns the number of attempts that were made; 0 if nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.response().attempts
    }

    /// Returns the limit that ended the retries, if the call would otherwise have been retried.
    pub fn retry_limit(&self) -> Option<RetryLimit> {
        self.response().retry_limit
    }

    /// Returns how long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.response().retry_after
    }

    /// Returns how far this machine's clock is ahead of the service's (negative: behind), if a request was refused
    /// because the clocks differ too much.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.response().clock_skew
    }

    /// Returns the result of a waiter's last successful poll.
    pub fn last_poll(&self) -> Option<&PollStatus> {
        self.0.poll.as_ref()
    }

    /// Returns what kept a waiter from its target until it ran out of time: the error of its last poll, or the last
    /// refusal of an action. If there is a cause, [`status`](Error::status), [`code`](Error::code), the predicates and
    /// so on refer to it.
    pub fn cause(&self) -> Option<&Self> {
        self.0.cause.as_ref()
    }

    /// Returns the error of the HTTP client, if the exchange failed below HTTP.
    pub fn transport_error(&self) -> Option<&reqwest::Error> {
        self.response().transport.as_deref()
    }

    /// Returns advice on what to do, from the error catalogue or from what else is known.
    pub fn remedy(&self) -> Option<&'static str> {
        let inner = self.response();
        if inner.clock_skew.is_some() {
            return Some(
                "Set the clock of this machine: signatures are valid for a few minutes only.",
            );
        }
        if let Some(entry) = inner.code.as_ref().and_then(ErrorCode::describe) {
            return Some(match inner.status {
                Some(status) => entry.under(status.as_u16()).2,
                None => entry.remedy(),
            });
        }
        if self.is_gateway() {
            return match inner.status?.as_u16() {
                300..=399 | 404 | 405 => Some(
                    "Check the endpoint, the region and the proxy: the response does not come from the service, so it says nothing about the resource.",
                ),
                407 => Some("Check the user name and the password of the proxy."),
                _ => None,
            };
        }
        None
    }

    /// Returns the class of the error code or, without one, of the status.
    ///
    /// It is [`NotFound`](ErrorClass::NotFound) only if the service itself reports it: a gateway's 404 has no class.
    pub fn class(&self) -> Option<ErrorClass> {
        let class = self.class_of_response()?;
        // If a sign-in did not find something, it is the user, the domain or the project.
        match class == ErrorClass::NotFound && self.response().not_done {
            true => Some(ErrorClass::Authentication),
            false => Some(class),
        }
    }

    fn class_of_response(&self) -> Option<ErrorClass> {
        let inner = self.response();
        let status = inner.status?;
        if let Some(entry) = inner.code.as_ref().and_then(ErrorCode::describe) {
            let class = entry.under(status.as_u16()).0;
            // A code for a missing resource with a 5xx status comes from somewhere else, and a code of another service
            // is about another resource.
            let is_consistent =
                class != ErrorClass::NotFound || status.is_client_error() && self.is_own_word();
            return is_consistent.then_some(class);
        }
        match status.as_u16() {
            401 => Some(ErrorClass::Authentication),
            403 => Some(ErrorClass::Permission),
            404 if self.is_own_word() => Some(ErrorClass::NotFound),
            409 => Some(ErrorClass::Conflict),
            429 => Some(ErrorClass::Throttled),
            _ => None,
        }
    }

    /// Whether the response comes from the service that the request was meant for.
    fn is_own_word(&self) -> bool {
        let inner = self.response();
        let is_of_identity = || {
            let of = |id| {
                modelarts_client::operation(id)
                    .is_some_and(|(family, _)| family.service == Service::Identity)
            };
            inner.operation.is_some_and(of)
        };
        match inner.origin {
            Origin::Service => true,
            Origin::Identity => is_of_identity(),
            Origin::Gateway | Origin::Unknown => false,
        }
    }

    /// Returns `true` if the resource does not exist, or not in this project.
    ///
    /// The service reports this with status 400 and a code, rarely with 404. A 404 of a gateway or a proxy, or from a
    /// wrong address, is [`is_gateway`](Error::is_gateway) instead and says nothing about the resource.
    ///
    /// *What to do*: after a deletion, nothing. Otherwise check the ID, the project and the region.
    pub fn is_not_found(&self) -> bool {
        self.class() == Some(ErrorClass::NotFound)
    }

    /// Whether the service reports that the requested resource itself does not exist: with one of these codes, or with
    /// 404.
    pub(crate) fn is_absence(&self, codes: &[ErrorCode]) -> bool {
        let is_known = |code: &ErrorCode| code.describe().is_some();
        self.is_not_found()
            && self
                .code()
                .is_some_and(|code| codes.contains(code) || !is_known(code))
    }

    /// Returns `true` if a gateway, a proxy or another server responded, not the service.
    ///
    /// *What to do*: check the endpoint (with [`host`](Error::host)), the region and the proxy; with a status of 502 to
    /// 504, try again later.
    pub fn is_gateway(&self) -> bool {
        let inner = self.response();
        inner.kind == ErrorKind::Status
            && !matches!(inner.origin, Origin::Service | Origin::Identity)
    }

    /// Returns `true` if the state of the resource does not allow the operation, or is the desired state already.
    ///
    /// *What to do*: read the resource again, then decide, as `ensure_running` and similar methods do.
    pub fn is_conflict(&self) -> bool {
        self.class() == Some(ErrorClass::Conflict)
    }

    /// Returns `true` if the refused change may already be in effect, or under way.
    ///
    /// *What to do*: read the resource; if it is in the desired state, ignore the error.
    pub fn is_already_in_state(&self) -> bool {
        let entry = self.code().and_then(ErrorCode::describe);
        entry.is_some_and(|entry| entry.already_in_state())
    }

    /// Returns `true` if there were too many requests, and the retries were not enough.
    ///
    /// *What to do*: wait for [`retry_after`](Error::retry_after) or a minute, and send fewer requests (a client-side
    /// [rate limit](crate::ModelArtsBuilder::rate_limit) helps).
    pub fn is_throttled(&self) -> bool {
        self.class() == Some(ErrorClass::Throttled)
            || self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Returns `true` if a limit of the account is reached.
    ///
    /// *What to do*: delete resources that are not needed, or have the limit raised.
    pub fn is_quota(&self) -> bool {
        self.class() == Some(ErrorClass::Quota)
    }

    /// Returns `true` if the region has no resources of this kind left.
    ///
    /// *What to do*: try again later, or use another flavor.
    pub fn is_capacity(&self) -> bool {
        self.class() == Some(ErrorClass::Capacity)
    }

    /// Returns `true` if the credentials were refused, or lack a permission.
    ///
    /// *What to do*: with status 401, check the credentials and the machine's clock (see
    /// [`clock_skew`](Error::clock_skew)); with 403, have the permission granted. The client has already tried to
    /// re-authenticate once.
    pub fn is_auth(&self) -> bool {
        matches!(
            self.class(),
            Some(ErrorClass::Authentication | ErrorClass::Permission)
        )
    }

    /// Returns `true` if the account is frozen or in arrears.
    ///
    /// *What to do*: settle it with the cloud operator; until then, no request will succeed.
    pub fn is_frozen(&self) -> bool {
        self.class() == Some(ErrorClass::Frozen)
    }

    /// Returns `true` if the same call may succeed later.
    ///
    /// *What to do*: wait and call again, unless [`is_outcome_unknown`](Error::is_outcome_unknown) and the
    /// operation must not happen twice.
    pub fn is_retryable(&self) -> bool {
        self.failure_kind() != FailureKind::Final
            || matches!(self.class(), Some(ErrorClass::Busy | ErrorClass::Throttled))
                && self.response().kind == ErrorKind::Status
    }

    /// Returns `true` if the request may have been carried out, but no response says whether it was.
    ///
    /// This is the case when the connection broke off, when a gateway failed, and when an operation that must not
    /// happen twice, such as a creation, returned a success that cannot be decoded.
    ///
    /// *What to do*: before you create something again, list what exists.
    pub fn is_outcome_unknown(&self) -> bool {
        let inner = self.response();
        if inner.not_done {
            return false;
        }
        match inner.kind {
            ErrorKind::Protocol | ErrorKind::Decode => !self.is_idempotent(),
            ErrorKind::Status => {
                let status = inner.status.map_or(0, |status| status.as_u16());
                let is_gateway_failure =
                    self.is_gateway() && matches!(status, 100..=199 | 505..=599);
                self.failure_kind() == FailureKind::Unavailable || is_gateway_failure
            }
            _ => matches!(
                self.failure_kind(),
                FailureKind::Unavailable | FailureKind::Broken
            ),
        }
    }

    /// Whether the operation is idempotent; `false` if it is not known.
    fn is_idempotent(&self) -> bool {
        let inner = self.response();
        inner.idempotent.unwrap_or_else(|| {
            modelarts_client::operations()
                .any(|known| Some(known.id) == inner.operation && known.idempotent)
        })
    }

    /// Returns `true` if there was no complete response in time, or a waiter ran out of time.
    ///
    /// *What to do*: raise the limit that the message names: the [attempt timeout](crate::CallOptions::attempt_timeout)
    /// or the [deadline](crate::CallOptions::deadline).
    pub fn is_timeout(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::AttemptTimeout | ErrorKind::DeadlineExceeded | ErrorKind::WaitTimeout
        )
    }

    /// Returns `true` if the deadline of the call passed, as opposed to the time limit of one attempt.
    ///
    /// *What to do*: raise the [deadline](crate::CallOptions::deadline), or lower a
    /// [rate limit](crate::ModelArtsBuilder::rate_limit) that leaves no room.
    pub fn is_deadline_exceeded(&self) -> bool {
        self.0.kind == ErrorKind::DeadlineExceeded
    }

    /// Returns `true` if there was no connection: the host name does not resolve, the connection was refused, or the
    /// certificate is not trusted.
    ///
    /// *What to do*: check endpoint, network and proxy; see [`transport_error`](Error::transport_error) for details.
    pub fn is_connect(&self) -> bool {
        matches!(
            self.response().kind,
            ErrorKind::Connect | ErrorKind::Certificate
        )
    }

    /// Returns `true` if the service reported success but the response cannot be decoded; the request was carried out.
    ///
    /// *What to do*: read the resource to see the outcome, and report the message, which names the JSON path.
    pub fn is_decode(&self) -> bool {
        self.response().kind == ErrorKind::Decode
    }

    /// Returns `true` if an argument or the configuration is invalid, so that nothing was sent.
    ///
    /// *What to do*: follow the message.
    pub fn is_usage(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::InvalidArgument | ErrorKind::Configuration
        )
    }

    /// Returns `true` if a waiter saw a state from which its target cannot be reached.
    ///
    /// *What to do*: see [`last_poll`](Error::last_poll) for status and reason.
    pub fn is_wait_failed(&self) -> bool {
        self.0.kind == ErrorKind::WaitFailed
    }

    /// Returns `true` if a waiter ran out of time; the operation that it waited for continues.
    ///
    /// *What to do*: wait again, or check [`last_poll`](Error::last_poll) and [`cause`](Error::cause).
    pub fn is_wait_timeout(&self) -> bool {
        self.0.kind == ErrorKind::WaitTimeout
    }

    pub(crate) fn failure_kind(&self) -> FailureKind {
        let inner = self.response();
        match inner.kind {
            ErrorKind::Connect => FailureKind::NoConnection,
            ErrorKind::Interrupted | ErrorKind::AttemptTimeout | ErrorKind::DeadlineExceeded => {
                FailureKind::Broken
            }
            ErrorKind::Status => match (self.class(), inner.status.map(|status| status.as_u16())) {
                (Some(ErrorClass::Throttled), _) | (_, Some(429)) => FailureKind::Throttled,
                // With a code that says what is wrong, a retry would not help, whatever the status.
                (
                    None | Some(ErrorClass::Busy | ErrorClass::Internal),
                    Some(408 | 500 | 502 | 503 | 504),
                ) => FailureKind::Unavailable,
                _ => FailureKind::Final,
            },
            _ => FailureKind::Final,
        }
    }
}

/// Turns an empty success of an action into a default value: it was accepted, but nothing is known about the resource.
pub(crate) fn accepted<T: Default>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if error.0.is_blank => Ok(T::default()),
        result => result,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut separator = "";
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            f.write_str(separator)?;
            separator = ": ";
            f.write_fmt(text)
        };
        if let Some(operation) = inner.operation {
            part(f, format_args!("{operation}"))?;
        }
        if let Some(status) = inner.status {
            let reason = status.canonical_reason().unwrap_or_default();
            match &inner.code {
                Some(code) => part(f, format_args!("HTTP {}, {code}", status.as_u16()))?,
                None if reason.is_empty() => part(f, format_args!("HTTP {}", status.as_u16()))?,
                None => part(f, format_args!("HTTP {} {reason}", status.as_u16()))?,
            }
        }
        match &inner.message {
            Some(message) if inner.kind == ErrorKind::Status => {
                part(f, format_args!("{}", one_line(message)))?
            }
            Some(message) => part(f, format_args!("{}", printable(message)))?,
            None if inner.body.is_empty() => part(f, format_args!("empty response"))?,
            None => part(f, format_args!("the response is not in the API's form"))?,
        }
        if inner.status == Some(StatusCode::NOT_FOUND) && self.is_gateway() {
            f.write_str(
                "; the address or a gateway is wrong, which says nothing about the resource",
            )?;
        }
        if let Some(skew) = inner.clock_skew {
            let (minutes, side) = (
                skew.as_secs().abs() / 60,
                match skew.is_negative() {
                    true => "behind",
                    false => "ahead of",
                },
            );
            write!(
                f,
                "; the clock of this machine is {minutes} minutes {side} the service's"
            )?;
        }
        if let Some(note) = &inner.note {
            write!(f, "; {}", one_line(note))?;
        }
        if let Some(target) = &inner.target {
            write!(f, "; while waiting for {}", printable(target))?;
            if let Some(poll) = &inner.poll {
                write!(f, ", which was {} before", one_line(&poll.status))?;
            }
        }
        self.write_circumstances(f)
    }
}

impl Error {
    /// Writes the host, the request ID and the number of attempts.
    fn write_circumstances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let host = inner
            .host
            .as_ref()
            .map(|host| format!("host {}", printable(host)));
        let request = inner.request_id.as_ref().map(|id| format!("request {id}"));
        let attempts = (inner.attempts > 1).then(|| format!("after {} attempts", inner.attempts));
        let limit = inner.retry_limit.map(|limit| {
            match limit {
                RetryLimit::Attempts => "no more are allowed",
                RetryLimit::Deadline => "no time is left for another",
                RetryLimit::Budget => "the retry budget is used up",
            }
            .to_owned()
        });
        let parts: Vec<_> = [host, request, attempts, limit]
            .into_iter()
            .flatten()
            .collect();
        match parts.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", parts.join(", ")),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and body are left out: both can hold what must not be logged.
        let inner = &self.0;
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &inner.kind);
        let mut field = |name, value: Option<&dyn fmt::Debug>| {
            if let Some(value) = value {
                shown.field(name, value);
            }
        };
        field(
            "operation",
            inner.operation.as_ref().map(|value| value as _),
        );
        field("host", inner.host.as_ref().map(|value| value as _));
        field("status", inner.status.as_ref().map(|value| value as _));
        field("code", inner.code.as_ref().map(|value| value as _));
        field("message", inner.message.as_ref().map(|value| value as _));
        field(
            "request_id",
            inner.request_id.as_ref().map(|value| value as _),
        );
        field(
            "attempts",
            (inner.attempts > 0).then_some(&inner.attempts as _),
        );
        field(
            "retry_limit",
            inner.retry_limit.as_ref().map(|value| value as _),
        );
        field("last_poll", inner.poll.as_ref().map(|value| value as _));
        field("cause", inner.cause.as_ref().map(|value| value as _));
        shown.finish_non_exhaustive()
    }
}

impl StdError for Error {}

/// Converts the error of a request that cannot be built: a value is missing or invalid, or would reach another
/// resource.
impl From<modelarts_client::RequestError> for Error {
    fn from(error: modelarts_client::RequestError) -> Self {
        Self::argument(error.to_string())
    }
}

/// A hint why `https` fails in a build of this crate without a TLS library, unless another crate enables one.
fn no_tls_hint(error: &reqwest::Error) -> &'static str {
    const HAS_TLS: bool = cfg!(any(feature = "rustls", feature = "native-tls"));
    let is_https = error.url().is_some_and(|url| url.scheme() == "https");
    match is_https && !HAS_TLS && error.is_connect() {
        true => "; https needs the feature `rustls` or `native-tls` of the crate `modelarts`",
        false => "",
    }
}

fn root_cause(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Whether the received bytes are not HTTP; the same server would send them again.
fn is_no_http(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_parse();
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::types::Notebook;

    use super::*;

    fn refusal(status: u16, body: &str) -> Error {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-request-id"),
            http::HeaderValue::from_static("r-1"),
        )]);
        let status = StatusCode::from_u16(status).unwrap();
        Error::from_status(
            status,
            headers,
            Bytes::copy_from_slice(body.as_bytes()),
            None,
            &[],
        )
        .in_operation("showNotebook")
    }

    #[test]
    fn kinds_say_what_happened_and_predicates_what_to_do() {
        let status = refusal(
            400,
            r#"{"error_code": "ModelArts.6309", "error_msg": "gone"}"#,
        );
        assert_eq!(status.kind(), ErrorKind::Status);
        let timed_out = Error::wait_timed_out("late".to_owned(), None, Some(status));
        assert_eq!(timed_out.kind(), ErrorKind::WaitTimeout);
        assert!(timed_out.is_not_found(), "of its cause");
        for (error, kind) in [
            (Error::argument("a"), ErrorKind::InvalidArgument),
            (Error::configuration("b"), ErrorKind::Configuration),
        ] {
            assert_eq!(error.kind(), kind);
            assert!(error.is_usage() && !error.is_outcome_unknown());
        }
        let late = Error::attempt_timed_out(Duration::from_secs(1));
        assert_eq!(late.kind(), ErrorKind::AttemptTimeout);
        assert!(late.is_timeout() && late.is_outcome_unknown());
    }

    #[test]
    fn every_form_of_error_body_fits_on_one_line() {
        for (status, body, shown) in [
            (
                400,
                r#"{"error_code": "ModelArts.6309", "error_msg": "Instance missing."}"#,
                "showNotebook: HTTP 400, ModelArts.6309: Instance missing. (request r-1)",
            ),
            (
                400,
                r#"{"error_message": "two\nlines", "error_code": "ModelArts.6318"}"#,
                "showNotebook: HTTP 400, ModelArts.6318: two lines (request r-1)",
            ),
            (
                503,
                r#"{"code": 37, "message": "busy"}"#,
                "showNotebook: HTTP 503, 37: busy (request r-1)",
            ),
            (
                401,
                r#"{"error": {"code": 401, "message": "who are you", "title": "Unauthorized"}}"#,
                "showNotebook: HTTP 401 Unauthorized: who are you (request r-1)",
            ),
            (
                502,
                "<html>Bad Gateway</html>",
                "showNotebook: HTTP 502 Bad Gateway: the response is not in the API's form (request r-1)",
            ),
            (
                500,
                r#"{"error_code": "ModelAr"#,
                "showNotebook: HTTP 500 Internal Server Error: the response is not in the API's form (request r-1)",
            ),
            (
                401,
                "",
                "showNotebook: HTTP 401 Unauthorized: empty response (request r-1)",
            ),
        ] {
            let error = refusal(status, body);
            assert_eq!(error.to_string(), shown);
            assert_eq!(error.body_excerpt(), body.as_bytes());
        }
    }

    #[test]
    fn what_the_service_says_is_brought_to_one_line() {
        let code = refusal(
            400,
            r#"{"error_code": "a\nb", "error_msg": "c\u2028d\u001b[1m"}"#,
        );
        assert_eq!(
            code.to_string(),
            "showNotebook: HTTP 400 Bad Request: c d\\u{1b}[1m (request r-1)"
        );
        assert_eq!(one_line("a\u{85}b"), "a b");
        assert_eq!(one_line(&"ä".repeat(300)), "ä".repeat(300));
        assert_eq!(one_line(&"ä".repeat(301)), "ä".repeat(300) + "…");
    }

    #[test]
    fn a_missing_instance_or_image_is_not_found_though_it_says_400() {
        assert!(refusal(400, r#"{"error_code": "ModelArts.6309"}"#).is_not_found());
        assert!(refusal(400, r#"{"error_code": "ModelArts.6404"}"#).is_not_found());
        assert!(refusal(404, r#"{"error_code": "ModelArts.9999"}"#).is_not_found());
        assert!(!refusal(404, "").is_not_found());
        assert!(!refusal(404, r#"{"error_code": "IAM.0004"}"#).is_not_found());
        for no_code in [
            "ModelArts.6309x",
            "ModelArts.",
            "ModelArts.63.09",
            "ModelArts",
        ] {
            let error = refusal(404, &format!(r#"{{"error_code": "{no_code}"}}"#));
            assert!(!error.is_not_found() && error.is_gateway(), "{no_code}");
        }
        assert!(!refusal(400, r#"{"error_code": "ModelArts.6318"}"#).is_not_found());
    }

    #[test]
    fn predicates_follow_code_and_status() {
        let conflict = refusal(400, r#"{"error_code": "ModelArts.6357"}"#);
        assert!(conflict.is_conflict() && conflict.is_already_in_state());
        assert!(conflict.remedy().is_some() && !conflict.is_retryable());
        assert!(refusal(429, "").is_throttled() && refusal(429, "").is_retryable());
        assert!(refusal(403, "").is_auth() && !refusal(403, "").is_retryable());
        assert!(refusal(502, "").is_outcome_unknown() && !refusal(429, "").is_outcome_unknown());
    }

    #[test]
    fn a_decoding_error_names_the_path_and_no_value() {
        let decode = |body: &str| {
            Error::decode::<Notebook>(StatusCode::OK, HeaderMap::new(), body.as_bytes())
        };
        let error = decode(r#"{"lease": {"duration": "t0p-s3cret, expected by nobody"}}"#);
        assert_eq!(
            error.to_string(),
            "HTTP 200 OK: the response is not as documented at `lease.duration`: expected a whole number (i64)"
        );
        assert!(!format!("{error:?}").contains("s3cret"));
        assert!(decode("").to_string().contains("empty"));
        assert!(
            decode("<html>")
                .to_string()
                .contains("not JSON from line 1")
        );
        assert!(
            decode(r#"{"name": "a"#)
                .to_string()
                .contains("cut off at `name`")
        );
    }

    #[test]
    fn credentials_that_the_service_repeats_are_redacted() {
        let error = Error::from_status(
            StatusCode::UNAUTHORIZED,
            HeaderMap::new(),
            Bytes::from_static(br#"{"error_msg": "bad token t0p-s3cret"}"#),
            None,
            &["t0p-s3cret", ""].map(Secret::from),
        );
        assert_eq!(error.message(), Some("bad token [redacted]"));
        assert!(!String::from_utf8_lossy(error.body_excerpt()).contains("s3cret"));
    }

    #[test]
    fn a_secret_is_recognised_where_the_excerpt_breaks_off() {
        let excerpt = |body: &'static str| {
            let error = Error::from_status(
                StatusCode::BAD_GATEWAY,
                HeaderMap::new(),
                Bytes::from_static(body.as_bytes()),
                None,
                &[Secret::from("t0p-s3cret-token")],
            );
            String::from_utf8_lossy(error.body_excerpt()).into_owned()
        };
        assert_eq!(excerpt("you sent t0p-s3cret-tok"), "you sent ");
        assert_eq!(excerpt("t0p-s3cret-token t0p-s"), "[redacted] ");
        assert_eq!(excerpt("it was not"), "it was not");
    }

    #[test]
    fn a_secret_is_recognised_in_its_json_spelling() {
        let body = serde_json::json!({"error_msg": "who is \"a\\b\"?"}).to_string();
        let error = Error::from_status(
            StatusCode::UNAUTHORIZED,
            HeaderMap::new(),
            Bytes::from(body),
            None,
            &[Secret::from(r#""a\b"#)],
        );
        assert_eq!(error.message(), Some("who is [redacted]\"?"));
        let excerpt = error.body_excerpt();
        assert_eq!(excerpt, br#"{"error_msg":"who is [redacted]\"?"}"#);
    }

    fn coded(status: u16, code: &str) -> Error {
        refusal(status, &format!(r#"{{"error_code": "{code}"}}"#))
    }

    /// The predicates that hold, in the order of their declaration.
    fn predicates(error: &Error) -> String {
        let all = [
            ("not-found", error.is_not_found()),
            ("gateway", error.is_gateway()),
            ("conflict", error.is_conflict()),
            ("already", error.is_already_in_state()),
            ("throttled", error.is_throttled()),
            ("quota", error.is_quota()),
            ("capacity", error.is_capacity()),
            ("auth", error.is_auth()),
            ("frozen", error.is_frozen()),
            ("retryable", error.is_retryable()),
            ("unknown", error.is_outcome_unknown()),
            ("timeout", error.is_timeout()),
            ("deadline", error.is_deadline_exceeded()),
            ("connect", error.is_connect()),
            ("decode", error.is_decode()),
            ("usage", error.is_usage()),
            ("wait-failed", error.is_wait_failed()),
            ("wait-timeout", error.is_wait_timeout()),
        ];
        let holds = all.iter().filter(|(_, holds)| *holds);
        holds.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_refusal_is_what_its_code_status_and_author_say() {
        for (status, code, expected) in [
            (400, "ModelArts.6309", "not-found"),
            // With a 5xx status, such a code comes from somewhere else.
            (500, "ModelArts.6309", "retryable unknown"),
            (400, "ModelArts.6343", "conflict"),
            (400, "ModelArts.6357", "conflict already"),
            (429, "ModelArts.6101", "throttled retryable"),
            (400, "ModelArts.6302", "quota"),
            (400, "ModelArts.6329", "capacity"),
            (401, "ModelArts.0201", "auth"),
            (403, "ModelArts.0108", "auth"),
            (401, "ModelArts.6201", "frozen"),
            (400, "ModelArts.6306", "retryable"),
            (500, "ModelArts.0010", "retryable unknown"),
            (500, "ModelArts.7001", "retryable unknown"),
            // A retry does not help, whatever the status.
            (500, "ModelArts.0109", "auth"),
            (505, "ModelArts.7001", ""),
            (404, "ModelArts.9999", "not-found"),
            (404, "APIG.0101", "gateway"),
            // The code is about another resource than the requested one.
            (404, "IAM.0004", ""),
            (401, "", "gateway auth"),
            (403, "", "gateway auth"),
            (404, "", "gateway"),
            (408, "", "gateway retryable unknown"),
            (409, "", "gateway conflict"),
            (418, "", "gateway"),
            (429, "", "gateway throttled retryable"),
            (502, "", "gateway retryable unknown"),
            (505, "", "gateway unknown"),
        ] {
            assert_eq!(
                predicates(&coded(status, code)),
                expected,
                "{status} {code}"
            );
        }
    }

    #[test]
    fn either_status_429_or_a_code_for_throttling_is_throttling() {
        for (status, code) in [
            (429, ""),
            (429, "ModelArts.9999"),
            // The code counts, whatever the status.
            (400, "ModelArts.6101"),
            (500, "ModelArts.6101"),
        ] {
            let error = coded(status, code);
            assert_eq!(
                error.class(),
                Some(ErrorClass::Throttled),
                "{status} {code}"
            );
            assert_eq!(
                error.failure_kind(),
                FailureKind::Throttled,
                "{status} {code}"
            );
            assert!(error.is_throttled() && error.is_retryable());
            assert!(!error.is_outcome_unknown());
        }
        // The status counts even if the code is about something else.
        let conflict = coded(429, "ModelArts.6357");
        assert_eq!(conflict.class(), Some(ErrorClass::Conflict));
        assert_eq!(conflict.failure_kind(), FailureKind::Throttled);
        assert!(conflict.is_throttled());
    }

    #[test]
    fn only_messages_of_the_service_are_cut() {
        let long = "a".repeat(1000);
        let body = serde_json::json!({"error_code": "ModelArts.6318", "error_msg": long});
        let error = refusal(400, &body.to_string());
        assert_eq!(
            error.to_string(),
            format!(
                "showNotebook: HTTP 400, ModelArts.6318: {}… (request r-1)",
                "a".repeat(300)
            )
        );
        assert_eq!(error.message(), Some(&*long));
        assert_eq!(Error::argument(&*long).to_string(), long);
    }

    #[test]
    fn what_is_no_refusal_is_what_happened() {
        let second = Duration::from_secs(1);
        let decode = |operation| {
            let error = Error::decode::<Notebook>(StatusCode::OK, HeaderMap::new(), b"{");
            error.in_operation(operation)
        };
        let poll = || PollStatus {
            status: "FROZEN".to_owned(),
            fail_reason: None,
            progress: None,
            missing: None,
            elapsed: second,
            polls: 1,
        };
        let throttled = Some(coded(429, "ModelArts.6101"));
        for (error, expected) in [
            (Error::argument("a"), "usage"),
            (Error::configuration("b"), "usage"),
            (
                Error::attempt_timed_out(second),
                "retryable unknown timeout",
            ),
            (
                Error::deadline_exceeded(second),
                "retryable unknown timeout deadline",
            ),
            (
                Error::rate_limited(second).before_sending(),
                "retryable timeout deadline",
            ),
            (decode("showNotebook"), "decode"),
            (decode("createNotebook"), "unknown decode"),
            (decode("whatever"), "unknown decode"),
            (decode("whatever").of_idempotency(true), "decode"),
            (
                decode("showNotebook").of_idempotency(false),
                "unknown decode",
            ),
            (Error::wait_failed(String::new(), poll()), "wait-failed"),
            (
                Error::wait_timed_out(String::new(), None, None),
                "timeout wait-timeout",
            ),
            (
                Error::wait_timed_out(String::new(), Some(poll()), throttled),
                "throttled retryable timeout wait-timeout",
            ),
        ] {
            assert_eq!(predicates(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn the_identity_service_knows_of_accounts_alone() {
        let absent = || {
            let body = Bytes::from_static(br#"{"error_code": "IAM.0004", "error_msg": "no"}"#);
            Error::from_status(StatusCode::NOT_FOUND, HeaderMap::new(), body, None, &[])
        };
        let asked = absent().in_operation("listProjects");
        assert_eq!(predicates(&asked), "not-found");
        // While obtaining a token, the user that signs in is what is missing.
        assert_eq!(
            asked.before_sending().class(),
            Some(ErrorClass::Authentication)
        );
        assert_eq!(absent().class(), None);
    }

    #[test]
    fn absent_is_the_very_resource_that_was_asked_for() {
        let codes = [ErrorCode::MODELARTS_6309];
        for (status, code, expected) in [
            (400, "ModelArts.6309", true),
            // An image; the storage of an existing notebook.
            (400, "ModelArts.6404", false),
            (404, "ModelArts.6624", false),
            // A code that is newer than the catalogue.
            (404, "ModelArts.9999", true),
            (400, "ModelArts.9999", false),
            (404, "", false),
            (400, "ModelArts.6357", false),
        ] {
            assert_eq!(
                coded(status, code).is_absence(&codes),
                expected,
                "{status} {code}"
            );
        }
    }

    /// The error of the HTTP client for a server that responds like this.
    async fn exchanged(response: Option<&'static [u8]>) -> Error {
        use std::io::{Read as _, Write as _};

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/v1/p1/secret-path",
            listener.local_addr().unwrap()
        );
        let server = response.map(|response| {
            std::thread::spawn(move || {
                let mut connection = listener.accept().unwrap().0;
                assert_ne!(connection.read(&mut [0; 1024]).unwrap(), 0);
                connection.write_all(response).unwrap();
            })
        });
        // Without a response, the listener is already closed.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let error = match client.get(url).send().await {
            Ok(response) => response.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        server.into_iter().for_each(|server| server.join().unwrap());
        Error::exchange(error)
    }

    #[tokio::test]
    async fn failures_below_http_are_distinguished() {
        let https = reqwest::Client::new().get("https://127.0.0.1:1/").send();
        let no_url = reqwest::Client::new().get("http://").send();
        // A program may set limits on its own HTTP client.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let late = client.get(url).timeout(Duration::from_millis(20)).send();
        for (error, kind, expected, shown) in [
            (
                exchanged(None).await,
                ErrorKind::Connect,
                "retryable connect",
                "no connection to the service: ",
            ),
            (
                Error::exchange(https.await.unwrap_err()),
                ErrorKind::Connect,
                "retryable connect",
                "no connection to the service: ",
            ),
            (
                exchanged(Some(b"")).await,
                ErrorKind::Interrupted,
                "retryable unknown",
                "the connection broke off before the response was complete: ",
            ),
            (
                exchanged(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")).await,
                ErrorKind::Interrupted,
                "retryable unknown",
                "the connection broke off before the response was complete: ",
            ),
            (
                exchanged(Some(b"220 mail.test ESMTP\r\n\r\n")).await,
                ErrorKind::Protocol,
                "unknown",
                "the response is not HTTP: ",
            ),
            (
                Error::exchange(late.await.unwrap_err()),
                ErrorKind::AttemptTimeout,
                "retryable unknown timeout",
                "no complete response in time: ",
            ),
            (
                Error::exchange(no_url.await.unwrap_err()),
                ErrorKind::InvalidArgument,
                "usage",
                "the request cannot be built: ",
            ),
        ] {
            assert_eq!(
                (error.kind(), &*predicates(&error)),
                (kind, expected),
                "{error}"
            );
            let text = error.to_string();
            // It ends with the innermost reason, and contains neither the URL nor the hint for builds without TLS.
            assert!(
                text.starts_with(shown) && text.len() > shown.len(),
                "{text}"
            );
            assert!(
                !text.contains("secret-path") && !text.contains("feature"),
                "{text}"
            );
            assert!(error.transport_error().is_some());
        }
    }

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

    #[test]
    fn circumstances_are_reported_where_they_matter() {
        let error = |attempts| refusal(502, "").after_attempts(attempts);
        let shown = "showNotebook: HTTP 502 Bad Gateway: empty response";
        for (error, circumstances) in [
            (error(1), " (request r-1)"),
            (error(2), " (request r-1, after 2 attempts)"),
            (
                error(1).ended_by(Some(RetryLimit::Deadline)),
                " (request r-1, no time is left for another)",
            ),
            (
                error(3).ended_by(Some(RetryLimit::Budget)),
                " (request r-1, after 3 attempts, the retry budget is used up)",
            ),
            (
                error(1).with_note("first\nnote").with_note("second"),
                "; first note; second (request r-1)",
            ),
            (
                error(1).with_clock_skew(SignedDuration::from_secs(-200)),
                "; the clock of this machine is 3 minutes behind the service's (request r-1)",
            ),
            (
                error(1).with_clock_skew(SignedDuration::from_mins(90)),
                "; the clock of this machine is 90 minutes ahead of the service's (request r-1)",
            ),
        ] {
            assert_eq!(error.to_string(), format!("{shown}{circumstances}"));
        }
        assert!(refusal(599, "").to_string().contains(": HTTP 599: "));
        let absent = coded(404, "ModelArts.9999").to_string();
        assert!(!absent.contains("gateway"), "{absent}");
        assert!(
            refusal(404, "")
                .to_string()
                .contains("; the address or a gateway is wrong")
        );
    }

    #[test]
    fn a_remedy_fits_what_is_known() {
        let remedy = |error: &Error| error.remedy().unwrap_or_default();
        for status in [302, 404, 405] {
            assert!(
                remedy(&refusal(status, "")).starts_with("Check the endpoint"),
                "{status}"
            );
        }
        assert!(remedy(&refusal(407, "")).contains("proxy"));
        let skewed = coded(401, "ModelArts.0201").with_clock_skew(SignedDuration::from_mins(9));
        assert!(remedy(&skewed).contains("clock"));
        assert_eq!(skewed.clock_skew(), Some(SignedDuration::from_mins(9)));
        assert_ne!(
            remedy(&coded(401, "ModelArts.0206")),
            remedy(&coded(403, "ModelArts.0206"))
        );
        for error in [
            refusal(500, ""),
            coded(404, "ModelArts.9999"),
            Error::argument("a"),
            Error::too_long(StatusCode::FOUND, HeaderMap::new(), 1),
        ] {
            assert_eq!(error.remedy(), None, "{error}");
        }
    }

    #[test]
    fn an_excerpt_ends_after_64_kib_and_a_success_is_kept_whole() {
        let body = vec![b' '; 70_000];
        let error = Error::decode::<Notebook>(StatusCode::OK, HeaderMap::new(), &body);
        assert_eq!(error.body_excerpt().len(), 65_536);
        assert_eq!(error.undecoded_body().unwrap().len(), 70_000);
        assert_eq!(refusal(400, "{}").undecoded_body(), None);
        let success = Bytes::from_static(br#"{"error_code": "ModelArts.6309", "error_msg": "no"}"#);
        let disguised = Error::disguised(StatusCode::OK, &HeaderMap::new(), &success, Vec::new);
        let disguised = disguised.unwrap();
        assert_eq!(disguised.undecoded_body(), None);
        assert_eq!(
            disguised.to_string(),
            "HTTP 200, ModelArts.6309: the successful response holds an error: no"
        );
    }

    #[test]
    fn an_empty_success_of_an_action_is_a_success() {
        let of = |body: &[u8]| {
            let error = Error::decode::<Vec<u8>>(StatusCode::OK, HeaderMap::new(), body);
            accepted::<Vec<u8>>(Err(error))
        };
        for blank in [&b""[..], b" \n", b"null"] {
            assert_eq!(of(blank).unwrap(), [0; 0]);
        }
        assert!(of(b"{").unwrap_err().is_decode());
        assert_eq!(accepted(Ok(vec![1])).unwrap(), [1]);
    }
}

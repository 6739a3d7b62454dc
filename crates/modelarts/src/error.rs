//! The one error type, and how it is made from what the service answered.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use modelarts_client::{ErrorClass, ErrorCode, Secret};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::retry::Fault;
use crate::wait::Observed;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// At most so much of an answer is kept.
pub(crate) const EXCERPT: usize = 64 * 1024;

/// Longer messages of the service are cut in [`Display`](fmt::Display); [`message`](Error::message) has all of it.
const SHOWN_MESSAGE: usize = 300;

/// What went wrong, with all that is known about it.
///
/// Ask the predicates what to do; each says what that is. `Display` is one line, and neither it nor
/// `Debug` ever contains a credential, a header or a body.
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
    kind: Kind,
    operation: Option<&'static str>,
    message: Option<String>,
    code: Option<ErrorCode>,
    request_id: Option<String>,
    status: Option<StatusCode>,
    headers: HeaderMap,
    body: Bytes,
    retry_after: Option<Duration>,
    attempts: u32,
    /// Whether the request itself was not sent, or refused, before this happened.
    not_done: bool,
    observed: Option<Observed>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An argument was refused before anything was sent.
    Argument,
    /// The client cannot be built as it is configured.
    Configuration,
    NoConnection,
    /// The connection broke off.
    Broken,
    TimedOut,
    /// The service said no.
    Status,
    /// The service said yes, in words that are not understood.
    Decode,
    /// A waiter met a state from which its goal cannot be reached.
    WaitFailed,
    /// A waiter ran out of time.
    WaitTimedOut,
}

impl Error {
    fn new(kind: Kind, message: impl Into<Option<String>>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            message: message.into(),
            code: None,
            request_id: None,
            status: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            retry_after: None,
            attempts: 0,
            not_done: false,
            observed: None,
            source: None,
        }))
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(Kind::Argument, message.into())
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(Kind::Configuration, message.into())
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        let seconds = limit.as_secs_f64();
        Self::new(
            Kind::TimedOut,
            format!("no complete answer within {seconds:.1} s"),
        )
    }

    /// It happened before the request was sent, or after it was refused: on the way to credentials.
    pub(crate) fn before_sending(mut self) -> Self {
        self.0.not_done = true;
        self
    }

    pub(crate) fn wait_failed(message: String, observed: Observed) -> Self {
        let mut error = Self::new(Kind::WaitFailed, message);
        error.0.observed = Some(observed);
        error
    }

    pub(crate) fn wait_timed_out(
        message: String,
        observed: Option<Observed>,
        last: Option<Self>,
    ) -> Self {
        let mut error = Self::new(Kind::WaitTimedOut, message);
        error.0.observed = observed;
        error.0.source = last.map(|last| Arc::new(last) as _);
        error
    }

    /// The exchange failed below HTTP.
    pub(crate) fn exchange(error: reqwest::Error) -> Self {
        let kind = if error.is_connect() {
            Kind::NoConnection
        } else if error.is_timeout() {
            Kind::TimedOut
        } else if error.is_builder() {
            Kind::Argument
        } else {
            Kind::Broken
        };
        let message = match kind {
            Kind::NoConnection => "no connection to the service",
            Kind::TimedOut => "no complete answer in time",
            Kind::Argument => "the request cannot be built",
            _ => "the connection broke off before the answer was complete",
        };
        let hint = no_tls_hint(&error);
        // The URL names the project and whatever stands in the query.
        let error = error.without_url();
        let cause = root_cause(&error);
        let mut this = Self::new(kind, format!("{message}: {cause}{hint}"));
        this.0.source = Some(Arc::new(error));
        this
    }

    /// An answer with a status that is no success.
    pub(crate) fn status_answer(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        retry_after: Option<Duration>,
        secrets: &[Secret],
    ) -> Self {
        let secrets = &spellings(secrets);
        let said = Said::read(&body);
        let mut error = Self::new(Kind::Status, said.message.map(|text| redact(text, secrets)));
        // The identity service repeats the status where others have a code.
        let code = said.code.filter(|code| code != status.as_str());
        error.0.code = code.map(|code| ErrorCode::new(redact(code, secrets)));
        error.0.request_id = said.request_id.map(|id| redact(id, secrets));
        error.0.retry_after = retry_after;
        error.answered(status, headers, redact_bytes(body, secrets))
    }

    /// A success whose body is longer than the limit.
    pub(crate) fn too_long(status: StatusCode, headers: HeaderMap, limit: usize) -> Self {
        let message = format!(
            "the answer is longer than {limit} bytes; ask for fewer items, or raise the limit with `max_body`"
        );
        Self::new(Kind::Decode, message).answered(status, headers, Bytes::new())
    }

    /// A success whose body is not a `T`: decodes again, to say where.
    pub(crate) fn decode<T: DeserializeOwned>(
        status: StatusCode,
        headers: HeaderMap,
        body: &[u8],
    ) -> Self {
        Self::undecoded(undecodable::<T>(body), status, headers, body)
    }

    fn undecoded(message: String, status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        let excerpt = Bytes::copy_from_slice(&body[..body.len().min(EXCERPT)]);
        Self::new(Kind::Decode, message).answered(status, headers, excerpt)
    }

    fn answered(mut self, status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        if self.0.request_id.is_none() {
            self.0.request_id = request_id(&headers);
        }
        self.0.status = Some(status);
        self.0.headers = headers;
        self.0.body = body;
        self
    }

    /// Names the operation, unless an inner one is named already.
    pub(crate) fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    pub(crate) fn after_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The operation's id in the API, like `startNotebook`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The headers of the answer; empty if there was none.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The service's error code, like `ModelArts.6309`.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.0.code.as_ref()
    }

    /// What the service said, or else what this crate has to say.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The id under which the operator finds the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The first 64 KiB of the answer's body.
    ///
    /// It may be HTML, empty or cut off. After a success that could not be decoded it may contain secrets,
    /// such as the token of a notebook: do not log it.
    pub fn body_excerpt(&self) -> &[u8] {
        &self.0.body
    }

    /// How many attempts were made; 0 if nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The last thing a waiter saw.
    pub fn last_observation(&self) -> Option<&Observed> {
        self.0.observed.as_ref()
    }

    /// What the error catalogue advises.
    pub fn remedy(&self) -> Option<&'static str> {
        let entry = self.0.code.as_ref()?.describe()?;
        Some(match self.0.status {
            Some(status) => entry.under(status.as_u16()).2,
            None => entry.remedy(),
        })
    }

    /// The class of the error code, or else of the status.
    pub fn class(&self) -> Option<ErrorClass> {
        let status = self.0.status?;
        if let Some(entry) = self.0.code.as_ref().and_then(ErrorCode::describe) {
            return Some(entry.under(status.as_u16()).0);
        }
        match status.as_u16() {
            401 => Some(ErrorClass::Authentication),
            403 => Some(ErrorClass::Permission),
            404 => Some(ErrorClass::NotFound),
            409 => Some(ErrorClass::Conflict),
            429 => Some(ErrorClass::Throttled),
            _ => None,
        }
    }

    /// The resource does not exist, or not for this project. The service says so with 400 and a code, seldom with 404.
    ///
    /// *What to do*: after a deletion, nothing. Else check the id, the project and the region.
    pub fn is_not_found(&self) -> bool {
        self.class() == Some(ErrorClass::NotFound)
    }

    /// The state of the resource does not allow the operation, or has been reached already.
    ///
    /// *What to do*: look at the resource again, then decide; `ensure_running` and its siblings do.
    pub fn is_conflict(&self) -> bool {
        self.class() == Some(ErrorClass::Conflict)
    }

    /// The refused change may be in effect already, or under way.
    ///
    /// *What to do*: look at the resource; if it is as it should be, there is no error.
    pub fn is_already_in_state(&self) -> bool {
        let entry = self.0.code.as_ref().and_then(ErrorCode::describe);
        entry.is_some_and(|entry| entry.already_in_state())
    }

    /// Too many requests, and the retries did not suffice.
    ///
    /// *What to do*: wait for [`retry_after`](Error::retry_after) or a minute, send fewer requests (a client-side
    /// [rate limit](crate::ModelArtsBuilder::rate_limit) helps).
    pub fn is_throttled(&self) -> bool {
        self.class() == Some(ErrorClass::Throttled)
            || self.0.status == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// A limit of the account is reached.
    ///
    /// *What to do*: delete what is not needed, or have the limit raised.
    pub fn is_quota(&self) -> bool {
        self.class() == Some(ErrorClass::Quota)
    }

    /// The region has no resources of this kind left.
    ///
    /// *What to do*: try later, or another flavor.
    pub fn is_capacity(&self) -> bool {
        self.class() == Some(ErrorClass::Capacity)
    }

    /// The credentials are refused, or lack a permission.
    ///
    /// *What to do*: with status 401 check the credentials and the machine's clock; with 403 have the
    /// permission granted. One re-authentication was tried already.
    pub fn is_auth(&self) -> bool {
        matches!(
            self.class(),
            Some(ErrorClass::Authentication | ErrorClass::Permission)
        )
    }

    /// The account is frozen or in arrears.
    ///
    /// *What to do*: settle it with the operator; no request will pass before.
    pub fn is_frozen(&self) -> bool {
        self.class() == Some(ErrorClass::Frozen)
    }

    /// The same call may succeed later.
    ///
    /// *What to do*: wait and call again, unless [`is_outcome_unknown`](Error::is_outcome_unknown) and the
    /// operation must not happen twice.
    pub fn is_retryable(&self) -> bool {
        self.fault() != Fault::Final
            || matches!(self.class(), Some(ErrorClass::Busy | ErrorClass::Throttled))
    }

    /// No answer says whether the request was carried out, and it may have been.
    ///
    /// *What to do*: before creating something once more, list what exists.
    pub fn is_outcome_unknown(&self) -> bool {
        !self.0.not_done && matches!(self.fault(), Fault::Unavailable | Fault::Broken)
    }

    /// No complete answer came in time.
    ///
    /// *What to do*: raise the [attempt timeout](crate::CallOptions::attempt_timeout) or the
    /// [deadline](crate::CallOptions::deadline).
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::TimedOut | Kind::WaitTimedOut)
    }

    /// There was no connection: a name that does not resolve, a refused port, a certificate that is not trusted.
    ///
    /// *What to do*: check endpoint, network and proxy; the [source](StdError::source) says more.
    pub fn is_connect(&self) -> bool {
        self.0.kind == Kind::NoConnection
    }

    /// The service reported success in a form that is not understood; the request was carried out.
    ///
    /// *What to do*: look at the resource for the outcome, and report the message, which names the JSON path.
    pub fn is_decode(&self) -> bool {
        self.0.kind == Kind::Decode
    }

    /// An argument or the configuration was refused before anything was sent.
    ///
    /// *What to do*: as the message says.
    pub fn is_usage(&self) -> bool {
        matches!(self.0.kind, Kind::Argument | Kind::Configuration)
    }

    /// A waiter met a state from which its goal cannot be reached.
    ///
    /// *What to do*: see [`last_observation`](Error::last_observation) for status and reason.
    pub fn is_wait_failed(&self) -> bool {
        self.0.kind == Kind::WaitFailed
    }

    /// A waiter ran out of time; the operation goes on without it.
    ///
    /// *What to do*: wait again, or look at [`last_observation`](Error::last_observation); the
    /// [source](StdError::source) is the last refusal or failed look, if there was one.
    pub fn is_wait_timeout(&self) -> bool {
        self.0.kind == Kind::WaitTimedOut
    }

    pub(crate) fn fault(&self) -> Fault {
        match self.0.kind {
            Kind::NoConnection => Fault::NoConnection,
            Kind::Broken | Kind::TimedOut => Fault::Broken,
            Kind::Status => match self.0.status.map(|status| status.as_u16()) {
                Some(429) => Fault::Throttled,
                Some(408 | 500 | 502 | 503 | 504) => Fault::Unavailable,
                _ => Fault::Final,
            },
            _ => Fault::Final,
        }
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
                Some(code) => {
                    let code = one_line(code.as_str());
                    part(f, format_args!("HTTP {}, {code}", status.as_u16()))?;
                }
                None => part(f, format_args!("HTTP {} {reason}", status.as_u16()))?,
            }
        }
        match &inner.message {
            Some(message) if inner.kind == Kind::Status => {
                part(f, format_args!("{}", one_line(message)))?
            }
            Some(message) => part(f, format_args!("{message}"))?,
            None if inner.body.is_empty() => part(f, format_args!("empty answer"))?,
            None => part(f, format_args!("the answer is not in the API's form"))?,
        }
        if let Some(id) = &inner.request_id {
            write!(f, " (request {})", one_line(id))?;
        }
        if inner.attempts > 1 {
            write!(f, " (after {} attempts)", inner.attempts)?;
        }
        Ok(())
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
            "last_observation",
            inner.observed.as_ref().map(|value| value as _),
        );
        field("source", inner.source.as_ref().map(|value| value as _));
        shown.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source as _)
    }
}

/// For requests that are not built: something is missing, does not fit, or would lead elsewhere.
impl From<modelarts_client::RequestError> for Error {
    fn from(error: modelarts_client::RequestError) -> Self {
        Self::argument(error.to_string())
    }
}

/// For bodies made with a builder: a field is missing or does not fit.
impl From<modelarts_client::devenviron::types::error::ConversionError> for Error {
    fn from(error: modelarts_client::devenviron::types::error::ConversionError) -> Self {
        Self::argument(error.to_string())
    }
}

/// What an error body says, whichever of its forms it has.
#[derive(Default)]
struct Said {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        // The identity service puts code and message one level down.
        let inner = match value.get("error") {
            Some(inner @ Value::Object(_)) => inner,
            _ => &value,
        };
        let find = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| text(value.get(name)).or_else(|| text(inner.get(name))))
        };
        Self {
            code: find(&["error_code", "errorCode", "code"]),
            message: find(&["error_msg", "error_message", "errorMessage", "message"])
                .or_else(|| text(value.get("error"))),
            request_id: find(&["request_id", "requestId"]),
        }
    }
}

/// A text, or a number as text: some gateways send the code as an integer.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    ["x-request-id", "x-openstack-request-id", "x-iam-trace-id"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .map(str::to_owned)
}

/// Says where a body stops being a `T`, without repeating any value of it.
fn undecodable<T: DeserializeOwned>(body: &[u8]) -> String {
    if body.is_empty() {
        return "the answer is empty where JSON is due".to_owned();
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut json) else {
        return "there is more than one JSON value in the answer".to_owned();
    };
    let path = format!(" at `{}`", error.path());
    undecodable_at(&path, error.inner(), body.len())
}

fn undecodable_at(path: &str, error: &serde_json::Error, length: usize) -> String {
    use serde_json::error::Category;

    match error.classify() {
        Category::Data => format!(
            "the answer is not as documented{path}: {}",
            expectation(error)
        ),
        Category::Eof => format!("the answer is cut off{path}, after {length} bytes"),
        Category::Io | Category::Syntax => format!(
            "the answer is not JSON from line {}, column {}",
            error.line(),
            error.column()
        ),
    }
}

/// What was expected; the other half of such a message quotes the value, which can be a secret.
fn expectation(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let expected = text
        .rsplit_once(", expected ")
        .map(|(_, expected)| expected.split(" at line ").next().unwrap_or(expected));
    match expected {
        Some(expected) => format!("expected {expected}"),
        None => "unexpected value".to_owned(),
    }
}

/// Why `https` fails at once in a build of this crate that has no TLS library, unless another crate brought one.
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

/// What to look for: each secret as it stands in JSON within JSON, in JSON, and as it is.
fn spellings(secrets: &[Secret]) -> Vec<Secret> {
    let quoted = |secret: &Secret| {
        let json = Secret::from(serde_json::to_string(secret.expose()).ok()?);
        let text = json.expose().strip_prefix('"')?.strip_suffix('"')?;
        (text != secret.expose()).then(|| Secret::from(text))
    };
    let known = secrets.iter().filter(|secret| !secret.is_empty());
    known
        .flat_map(|secret| {
            let once = quoted(secret);
            let twice = once.as_ref().and_then(quoted);
            [twice, once, Some(secret.clone())]
        })
        .flatten()
        .collect()
}

fn redact(text: String, secrets: &[Secret]) -> String {
    secrets
        .iter()
        .map(Secret::expose)
        .fold(text, |text, secret| match text.contains(secret) {
            true => text.replace(secret, "[redacted]"),
            false => text,
        })
}

fn redact_bytes(body: Bytes, secrets: &[Secret]) -> Bytes {
    let text = String::from_utf8_lossy(&body);
    let tail = tail(&text, secrets);
    if tail == 0 && !secrets.iter().any(|secret| text.contains(secret.expose())) {
        return body;
    }
    let whole = text[..text.len() - tail].to_owned();
    Bytes::from(redact(whole, secrets))
}

/// The length of the longest beginning of a secret that the text ends with: what is cut off can end in the middle of one.
fn tail(text: &str, secrets: &[Secret]) -> usize {
    let beginnings = secrets.iter().flat_map(|secret| {
        let ends = secret.expose().char_indices().map(|(end, _)| end);
        ends.skip(TAIL).map(|end| &secret.expose()[..end])
    });
    let ending = beginnings.filter(|beginning| text.ends_with(beginning));
    ending.map(str::len).max().unwrap_or(0)
}

/// Shorter beginnings of a secret tell nothing, and are met by chance.
const TAIL: usize = 4;

/// What the service said, as a part of one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let end = text.char_indices().nth(SHOWN_MESSAGE).map(|(end, _)| end);
    let shown = &text[..end.unwrap_or(text.len())];
    let cut = if end.is_some() { "…" } else { "" };
    match shown.contains(breaks) {
        false if end.is_none() => Cow::Borrowed(text),
        _ => Cow::Owned(shown.replace(breaks, " ") + cut),
    }
}

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::types::Notebook;

    use super::*;

    fn answer(status: u16, body: &str) -> Error {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-request-id"),
            http::HeaderValue::from_static("r-1"),
        )]);
        let status = StatusCode::from_u16(status).unwrap();
        Error::status_answer(
            status,
            headers,
            Bytes::copy_from_slice(body.as_bytes()),
            None,
            &[],
        )
        .in_operation("showNotebook")
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
                "showNotebook: HTTP 502 Bad Gateway: the answer is not in the API's form (request r-1)",
            ),
            (
                500,
                r#"{"error_code": "ModelAr"#,
                "showNotebook: HTTP 500 Internal Server Error: the answer is not in the API's form (request r-1)",
            ),
            (
                401,
                "",
                "showNotebook: HTTP 401 Unauthorized: empty answer (request r-1)",
            ),
        ] {
            let error = answer(status, body);
            assert_eq!(error.to_string(), shown);
            assert_eq!(error.body_excerpt(), body.as_bytes());
        }
    }

    #[test]
    fn what_the_service_says_is_brought_to_one_line() {
        let code = answer(400, r#"{"error_code": "a\nb", "error_msg": "c\u2028d"}"#);
        assert_eq!(
            code.to_string(),
            "showNotebook: HTTP 400, a b: c d (request r-1)"
        );
        assert_eq!(one_line("a\u{85}b"), "a b");
        assert_eq!(one_line(&"ä".repeat(300)), "ä".repeat(300));
        assert_eq!(one_line(&"ä".repeat(301)), "ä".repeat(300) + "…");
    }

    #[test]
    fn a_missing_instance_or_image_is_not_found_though_it_says_400() {
        assert!(answer(400, r#"{"error_code": "ModelArts.6309"}"#).is_not_found());
        assert!(answer(400, r#"{"error_code": "ModelArts.6404"}"#).is_not_found());
        assert!(answer(404, "").is_not_found());
        assert!(!answer(400, r#"{"error_code": "ModelArts.6318"}"#).is_not_found());
    }

    #[test]
    fn predicates_follow_code_and_status() {
        let conflict = answer(400, r#"{"error_code": "ModelArts.6357"}"#);
        assert!(conflict.is_conflict() && conflict.is_already_in_state());
        assert!(conflict.remedy().is_some() && !conflict.is_retryable());
        assert!(answer(429, "").is_throttled() && answer(429, "").is_retryable());
        assert!(answer(403, "").is_auth() && !answer(403, "").is_retryable());
        assert!(answer(502, "").is_outcome_unknown() && !answer(429, "").is_outcome_unknown());
    }

    #[test]
    fn a_decoding_error_names_the_path_and_no_value() {
        let decode = |body: &str| {
            Error::decode::<Notebook>(StatusCode::OK, HeaderMap::new(), body.as_bytes())
        };
        let error = decode(r#"{"lease": {"duration": "t0p-s3cret, expected by nobody"}}"#);
        assert_eq!(
            error.to_string(),
            "HTTP 200 OK: the answer is not as documented at `lease.duration`: expected i64"
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
        let error = Error::status_answer(
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
            let error = Error::status_answer(
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
        let error = Error::status_answer(
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
}

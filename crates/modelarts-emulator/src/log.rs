//! The log of recent requests and their responses.

use std::collections::VecDeque;

use http::{HeaderMap, HeaderName, Uri, header};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::Millis;
use crate::faults::check_operation;
use crate::ids::RequestId;
use crate::nearest::unknown;

/// A request and its response, without secrets.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The `X-Request-Id` of the response.
    pub id: String,
    /// Emulated time of the request, in milliseconds since the epoch.
    pub time: i64,
    /// HTTP method.
    pub method: String,
    /// Path as it was sent.
    pub path: String,
    /// Query as it was sent, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The `operationId`, unless the path belongs to no operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Headers that distinguish clients; all others are left out.
    pub headers: Vec<(String, String)>,
    /// How the caller authenticated: `token`, `signature` or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// The body, if it was JSON, with its secrets replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
    /// HTTP status of the response; 0 if the connection was reset.
    pub status: u16,
    /// Error code of the response, if the request was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The fault that acted on it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<u64>,
    /// Real microseconds until the response was ready.
    pub micros: u64,
}

/// A filter of the log; absent fields match everything.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LogFilter {
    /// Only this `operationId`.
    pub operation: Option<String>,
    /// Only this method.
    pub method: Option<String>,
    /// Only this status.
    pub status: Option<u16>,
    /// Only paths that contain this.
    pub path: Option<String>,
    /// Only requests since this emulated time, in milliseconds since the epoch.
    pub since: Option<i64>,
    /// At most this many, the latest ones.
    pub limit: Option<usize>,
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl LogFilter {
    /// Rejects values that no request can have.
    fn check(&self) -> Result<(), String> {
        if let Some(operation) = &self.operation {
            check_operation(operation)?;
        }
        if let Some(method) = &self.method
            && !METHODS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(method))
        {
            return Err(unknown("method", method, METHODS));
        }
        match self.status {
            Some(status) if status != 0 && !(100..=599).contains(&status) => Err(
                "status must be between 100 and 599, or 0 for a connection that was reset".into(),
            ),
            _ => Ok(()),
        }
    }

    fn fits(&self, entry: &Entry) -> bool {
        self.operation
            .as_deref()
            .is_none_or(|wanted| entry.operation == Some(wanted))
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| entry.method.as_str().eq_ignore_ascii_case(wanted))
            && self.status.is_none_or(|wanted| entry.status == wanted)
            && self
                .path
                .as_deref()
                .is_none_or(|wanted| entry.head.path().contains(wanted))
            && self.since.is_none_or(|since| entry.time >= since)
    }
}

/// A stored entry: cheap to create, formatted only when it is read.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: RequestId,
    pub(crate) time: Millis,
    pub(crate) method: http::Method,
    pub(crate) head: Head,
    pub(crate) operation: Option<&'static str>,
    pub(crate) credentials: Option<&'static str>,
    pub(crate) body: Option<Value>,
    pub(crate) status: u16,
    pub(crate) error_code: Option<String>,
    pub(crate) fault: Option<u64>,
    pub(crate) micros: u64,
}

/// The headers that the log shows: none of them contains a secret.
const SHOWN: [HeaderName; 5] = [
    header::HOST,
    header::USER_AGENT,
    header::ACCEPT,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
];
const SHOWN_CUSTOM: [&str; 4] = ["x-sdk-date", "x-project-id", "x-language", "retry-after"];

/// Target and headers of a request, without secrets.
///
/// An owned copy: the request borrows from the buffer of its connection, which would otherwise live as long as the
/// log.
#[derive(Clone, Debug)]
pub(crate) struct Head(
    /// The target, then a line for each header that is shown.
    String,
);

impl Head {
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let mut text = String::with_capacity(256);
        text.push_str(uri.path());
        if let Some(query) = uri.query() {
            text.push('?');
            text.push_str(query);
        }
        for (name, value) in headers {
            if SHOWN.contains(name) || SHOWN_CUSTOM.contains(&name.as_str()) {
                text.push('\n');
                text.push_str(name.as_str());
                text.push(':');
                text.push_str(&String::from_utf8_lossy(value.as_bytes()));
            }
        }
        Self(text)
    }

    fn target(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &str {
        let target = self.target();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.0.lines().skip(1);
        lines.filter_map(|line| line.split_once(':'))
    }
}

const SECRETS: [&str; 8] = [
    "password",
    "token",
    "secret",
    "ssh_private_key",
    "access_token",
    "security_token",
    "secret_key",
    "script",
];

/// Redacts all secrets. An object `token` is redacted as a whole, since its `id` is the token.
pub(crate) fn redact(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let secret = SECRETS.contains(&name.to_ascii_lowercase().as_str());
                // `identity.password` is an object that contains the user as well as the password itself.
                if secret && !(value.is_object() && name == "password") {
                    *value = "REDACTED".into();
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

impl Entry {
    fn to_logged(&self) -> LoggedRequest {
        LoggedRequest {
            id: self.id.to_string(),
            time: self.time,
            method: self.method.to_string(),
            path: self.head.path().to_owned(),
            query: self.head.query().map(ToOwned::to_owned),
            operation: self.operation.map(ToOwned::to_owned),
            headers: self
                .head
                .headers()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            credentials: self.credentials.map(ToOwned::to_owned),
            body: self.body.clone(),
            status: self.status,
            error_code: self.error_code.clone(),
            fault: self.fault,
            micros: self.micros,
        }
    }
}

/// The latest requests, up to a fixed number.
#[derive(Debug)]
pub(crate) struct Log {
    entries: Mutex<VecDeque<Entry>>,
    capacity: usize,
}

impl Log {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: Mutex::default(),
            capacity,
        }
    }

    pub(crate) fn push(&self, entry: Entry) {
        if self.capacity == 0 {
            return;
        }
        let mut entries = self.entries.lock();
        // The oldest entry is dropped after the lock is released.
        let _oldest = if entries.len() >= self.capacity {
            entries.pop_front()
        } else {
            None
        };
        entries.push_back(entry);
        drop(entries);
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().clear();
    }

    /// Returns the matching requests, oldest first, or what is wrong with the filter.
    pub(crate) fn list(&self, filter: &LogFilter) -> Result<Vec<LoggedRequest>, String> {
        filter.check()?;
        let entries = self.entries.lock();
        let fitting = entries.iter().rev().filter(|entry| filter.fits(entry));
        let mut selected: Vec<LoggedRequest> = fitting
            .take(filter.limit.unwrap_or(usize::MAX))
            .map(Entry::to_logged)
            .collect();
        selected.reverse();
        Ok(selected)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::ids::{Ids, RequestIds};

    fn entry(status: u16, uri: &str) -> Entry {
        Entry {
            id: RequestIds::new(&mut Ids::seeded(1)).next(),
            time: 1,
            method: http::Method::GET,
            head: Head::of(&uri.parse().unwrap(), &HeaderMap::new()),
            operation: None,
            credentials: None,
            body: None,
            status,
            error_code: None,
            fault: None,
            micros: 0,
        }
    }

    #[test]
    fn the_log_is_bounded_and_filtered() {
        let log = Log::new(3);
        for (status, uri) in [(200, "/a"), (404, "/b"), (200, "/c"), (200, "/d?x=1")] {
            log.push(entry(status, uri));
        }
        let all = log.list(&LogFilter::default()).unwrap();
        let paths: Vec<&str> = all.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["/b", "/c", "/d"]);
        let filter = LogFilter {
            status: Some(200),
            limit: Some(1),
            ..LogFilter::default()
        };
        let last = log.list(&filter).unwrap();
        assert_eq!(last[0].query.as_deref(), Some("x=1"));
        let unknown = LogFilter {
            operation: Some("listNotebook".into()),
            ..LogFilter::default()
        };
        let error = log.list(&unknown).unwrap_err();
        assert!(error.contains("`listNotebooks`"), "{error}");
    }

    #[test]
    fn secrets_are_redacted_at_any_depth() {
        let mut body = json!({"auth": {"identity": {
            "methods": ["password", "token"],
            "password": {"user": {"name": "ada", "password": "hunter2"}},
            "token": {"id": "hunter2"},
        }}, "list": [{"ssh_private_key": "hunter2"}]});
        redact(&mut body);
        let text = body.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("ada"), "{text}");
    }

    #[test]
    fn headers_with_secrets_are_left_out() {
        let mut headers = HeaderMap::new();
        headers.insert("X-Auth-Token", "hunter2".parse().unwrap());
        headers.insert("Authorization", "hunter2".parse().unwrap());
        headers.insert("User-Agent", "test".parse().unwrap());
        headers.insert("X-Language", HeaderValue::from_bytes(b"\xff").unwrap());
        let head = Head::of(&Uri::from_static("/a?b=c:d"), &headers);
        assert_eq!((head.path(), head.query()), ("/a", Some("b=c:d")));
        let shown: Vec<_> = head.headers().collect();
        assert_eq!(shown, [("user-agent", "test"), ("x-language", "\u{fffd}")]);
    }
}

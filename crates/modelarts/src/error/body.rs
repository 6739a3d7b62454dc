//! Error bodies, in the several forms that they have.

use http::StatusCode;
use serde_json::Value;

/// Who wrote an error response, as its body tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// ModelArts itself: a code of its own.
    Service,
    /// The identity service: its codes, or its form of an error.
    Identity,
    /// An API gateway: it says nothing about the resource.
    Gateway,
    /// A body in nobody's form: HTML, nothing at all, other JSON. So a proxy, a portal, or the wrong server.
    #[default]
    Unknown,
}

/// What an error body says, whichever of its forms it has.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) origin: Origin,
}

impl ErrorBody {
    pub(super) fn read(body: &[u8]) -> Self {
        let body = without_bom(body);
        serde_json::from_slice(body).map_or_else(|_| Self::default(), |value| Self::of(&value))
    }

    fn of(value: &Value) -> Self {
        // The identity service puts code and message one level down, and so do some gateways.
        let nested = value.get("error").filter(|inner| inner.is_object());
        let inner = nested.unwrap_or(value);
        let find = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| text(value.get(name)).or_else(|| text(inner.get(name))))
        };
        let code = find(&["error_code", "errorCode", "code"]);
        Self {
            origin: origin(code.as_deref(), nested.is_some()),
            code,
            message: find(&["error_msg", "error_message", "errorMessage", "message"])
                .or_else(|| text(value.get("error"))),
            request_id: find(&["request_id", "requestId"]),
        }
    }

    /// Reads the body of a success, if it is an error for all that: an object that has a code and a message, and nothing
    /// but what errors have. A code of zeros, or of the status once more, is no error.
    pub(super) fn disguised(status: StatusCode, body: &[u8]) -> Option<Self> {
        const LONGEST: usize = 4096;
        let body = without_bom(body);
        if body.len() > LONGEST {
            return None;
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
            return None;
        };
        if !members.keys().all(|name| MEMBERS.contains(&name.as_str())) {
            return None;
        }
        let read = Self::of(&Value::Object(members));
        let is_error =
            |code: &str| !code.bytes().all(|byte| byte == b'0') && code != status.as_str();
        let code = read.code.as_deref().map(str::trim);
        (code.is_some_and(is_error) && read.message.is_some()).then_some(read)
    }

    /// The code, unless it is the status once more, or nothing that a code looks like.
    pub(super) fn code(&self, status: StatusCode) -> Option<&str> {
        let code = self.code.as_deref()?.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_code = (1..=64).contains(&code.len()) && code.chars().all(fits);
        (is_code && code != status.as_str()).then_some(code)
    }
}

/// What the objects of errors hold, whoever wrote them.
const MEMBERS: [&str; 17] = [
    "error_code",
    "errorCode",
    "code",
    "error_msg",
    "error_message",
    "errorMessage",
    "message",
    "msg",
    "error",
    "title",
    "detail",
    "details",
    "request_id",
    "requestId",
    "timestamp",
    "path",
    "encoded_authorization_message",
];

/// The body without the mark that some servers put before their UTF-8.
pub(super) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn origin(code: Option<&str>, nested: bool) -> Origin {
    let Some(code) = code.map(str::trim) else {
        return Origin::Unknown;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match code.split_once('.') {
        Some(("APIG" | "APIGW", _)) => Origin::Gateway,
        // What only begins like a code was written by somebody else.
        Some(("ModelArts", number)) if is_number(number) => Origin::Service,
        Some(("IAM", number)) if is_number(number) => Origin::Identity,
        None if nested && is_number(code) => Origin::Identity,
        _ => Origin::Unknown,
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

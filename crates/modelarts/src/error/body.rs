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
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        // The identity service puts code and message one level down, and so do some gateways.
        let nested = value.get("error").filter(|inner| inner.is_object());
        let inner = nested.unwrap_or(&value);
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

    /// Reads the body of a success, if it is an error for all that: with code and message, and without a resource.
    pub(super) fn disguised(body: &[u8]) -> Option<Self> {
        const LONGEST: usize = 4096;
        let mentions = |key: &[u8]| body.windows(key.len()).any(|window| window == key);
        if body.len() > LONGEST || !(mentions(b"\"error_msg\"") || mentions(b"\"error_message\"")) {
            return None;
        }
        let value: Value = serde_json::from_slice(body).ok()?;
        let is_resource = ["id", "status", "data", "instances"]
            .iter()
            .any(|key| value.get(key).is_some());
        let read = Self::read(body);
        (!is_resource && read.code.is_some() && read.message.is_some()).then_some(read)
    }

    /// The code, unless it is the status once more, or nothing that a code looks like.
    pub(super) fn code(&self, status: StatusCode) -> Option<&str> {
        let code = self.code.as_deref()?.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_code = (1..=64).contains(&code.len()) && code.chars().all(fits);
        (is_code && code != status.as_str()).then_some(code)
    }
}

fn origin(code: Option<&str>, nested: bool) -> Origin {
    let code = code.map(str::trim);
    let starts = |prefix: &str| code.is_some_and(|code| code.starts_with(prefix));
    match code {
        _ if starts("ModelArts.") => Origin::Service,
        _ if starts("APIG.") || starts("APIGW.") => Origin::Gateway,
        _ if starts("IAM.") => Origin::Identity,
        Some(code) if nested && code.bytes().all(|byte| byte.is_ascii_digit()) => Origin::Identity,
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

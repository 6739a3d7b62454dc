//! Error bodies in their various formats.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The origin of an error response, judged by its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// ModelArts itself: the body has one of its codes.
    Service,
    /// The identity service: the body has one of its codes, or its error format.
    Identity,
    /// An API gateway: the response says nothing about the resource.
    Gateway,
    /// A body in no known format (HTML, empty, other JSON), so from a proxy, a portal, or the wrong server.
    #[default]
    Unknown,
}

/// The content of an error body, in whichever format.
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
        // The identity service and some gateways put code and message one level deeper.
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

    /// Reads the body of a success that is an error nevertheless: an object with a code and a message, and no members
    /// other than those of errors. A code that is all zeros, or repeats the status, is not an error.
    pub(super) fn disguised(status: StatusCode, body: &[u8]) -> Option<Self> {
        const LONGEST: usize = 4096;
        let body = without_bom(body);
        if body.len() > LONGEST || !begins_like_error(body) {
            return None;
        }
        let OnlyMembers(members) = serde_json::from_slice(body).ok()?;
        let read = Self::of(&Value::Object(members));
        let is_error =
            |code: &str| !code.bytes().all(|byte| byte == b'0') && code != status.as_str();
        let code = read.code.as_deref().map(str::trim);
        (code.is_some_and(is_error) && read.message.is_some()).then_some(read)
    }

    /// Returns the code, unless it repeats the status or does not look like a code.
    pub(super) fn code(&self, status: StatusCode) -> Option<&str> {
        let code = self.code.as_deref()?.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_code = (1..=64).contains(&code.len()) && code.chars().all(fits);
        (is_code && code != status.as_str()).then_some(code)
    }
}

/// The members of error objects from any origin.
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

/// Whether the first member of an object can be one of an error. Most successes are recognized by it without decoding.
fn begins_like_error(body: &[u8]) -> bool {
    let first_key = || {
        let members = body.trim_ascii_start().strip_prefix(b"{")?;
        let key = members.trim_ascii_start().strip_prefix(b"\"")?;
        key.split(|byte| *byte == b'"').next()
    };
    first_key().is_some_and(|key| {
        key.contains(&b'\\') || MEMBERS.iter().any(|member| member.as_bytes() == key)
    })
}

/// An object without other members.
struct OnlyMembers(Map<String, Value>);

impl<'de> Deserialize<'de> for OnlyMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OnlyMembersVisitor)
    }
}

struct OnlyMembersVisitor;

impl<'de> Visitor<'de> for OnlyMembersVisitor {
    type Value = OnlyMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of an error")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<OnlyMembers, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<Cow<'de, str>>()? {
            if !MEMBERS.contains(&&*name) {
                return Err(A::Error::custom("another member"));
            }
            members.insert(name.into_owned(), access.next_value()?);
        }
        Ok(OnlyMembers(members))
    }
}

/// The body without the byte order mark that some servers put before UTF-8.
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
        // A text that only begins like a code has another origin.
        Some(("ModelArts", number)) if is_number(number) => Origin::Service,
        Some(("IAM", number)) if is_number(number) => Origin::Identity,
        None if nested && is_number(code) => Origin::Identity,
        _ => Origin::Unknown,
    }
}

/// A string, or a number as a string: some gateways send the code as an integer.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> ErrorBody {
        ErrorBody::read(body.as_bytes())
    }

    #[test]
    fn who_wrote_an_error_shows_in_its_code() {
        for (code, expected) in [
            ("ModelArts.6309", Origin::Service),
            (" ModelArts.6309 ", Origin::Service),
            ("APIG.0101", Origin::Gateway),
            ("APIGW.0301", Origin::Gateway),
            ("IAM.0004", Origin::Identity),
            ("Vendor.1", Origin::Unknown),
            ("401", Origin::Unknown),
        ] {
            let body = format!(r#"{{"error_code": "{code}"}}"#);
            assert_eq!(of(&body).origin, expected, "{code}");
        }
        // A status one level deeper is the format of the identity service.
        for (body, expected) in [
            (
                r#"{"error": {"code": 401, "message": "no"}}"#,
                Origin::Identity,
            ),
            (
                r#"{"error": {"code": "Busy", "message": "no"}}"#,
                Origin::Unknown,
            ),
            (r#"{"error": {"message": "no"}}"#, Origin::Unknown),
            (r#"{"error": "no"}"#, Origin::Unknown),
            ("<html>", Origin::Unknown),
        ] {
            assert_eq!(of(body).origin, expected, "{body}");
        }
    }

    #[test]
    fn blank_and_other_values_are_passed_over() {
        let read = of(
            r#"{"error_code": " ", "code": 7, "error_msg": true, "message": "m", "requestId": "r"}"#,
        );
        assert_eq!(read.code.as_deref(), Some("7"));
        assert_eq!(read.message.as_deref(), Some("m"));
        assert_eq!(read.request_id.as_deref(), Some("r"));
        assert_eq!(
            of("\u{feff}{\"error\": \"m\"}").message.as_deref(),
            Some("m")
        );
    }

    #[test]
    fn a_code_looks_like_one() {
        let code = |text: &str| {
            let read = ErrorBody {
                code: Some(text.to_owned()),
                ..ErrorBody::default()
            };
            read.code(StatusCode::NOT_FOUND).map(str::to_owned)
        };
        assert_eq!(code(" ModelArts.6309 ").as_deref(), Some("ModelArts.6309"));
        assert_eq!(code("a_b-c").as_deref(), Some("a_b-c"));
        assert!(code(&"a".repeat(64)).is_some());
        for no_code in ["", "404", "no such thing", "a\u{1b}[1m", &"a".repeat(65)] {
            assert_eq!(code(no_code), None, "{no_code:?}");
        }
    }

    #[test]
    fn a_success_is_an_error_only_if_it_contains_nothing_else() {
        let is_error = |body: &str| ErrorBody::disguised(StatusCode::OK, body.as_bytes()).is_some();
        let with_text = |length: usize| {
            let empty = r#"{"code": "A.1", "message": ""}"#;
            let text = "a".repeat(length - empty.len());
            empty.replace("\"\"", &format!("\"{text}\""))
        };
        for body in [
            r#"{"error_code": "ModelArts.6309", "error_msg": "no", "request_id": "r"}"#,
            "\u{feff}{\"code\": \"A.1\", \"message\": \"no\"}",
            &with_text(4096),
        ] {
            assert!(is_error(body), "{body}");
        }
        for body in [
            "",
            "[]",
            "{}",
            r#"{"id": "n1", "code": "A.1", "message": "no"}"#,
            r#"{"code": "A.1"}"#,
            r#"{"message": "done"}"#,
            r#"{"code": "0", "message": "done"}"#,
            r#"{"code": "000000", "message": "done"}"#,
            r#"{"code": " 200 ", "message": "done"}"#,
            &with_text(4097),
        ] {
            assert!(!is_error(body), "{body}");
        }
    }

    #[test]
    fn an_error_in_a_success_has_the_members_of_errors_and_no_other() {
        let code = |body: &str| {
            let read = ErrorBody::disguised(StatusCode::OK, body.as_bytes())?;
            read.code
        };
        let error = r#"{"error_code": "APIGW.0201", "error_msg": "late"}"#;
        assert_eq!(code(error).as_deref(), Some("APIGW.0201"));
        let nested = r#"{"error": {"code": "APIGW.0101", "message": "no"}, "request_id": "r"}"#;
        assert_eq!(code(nested).as_deref(), Some("APIGW.0101"));
        let escaped = r#"{"error_c\u006fde": "APIGW.0201", "error_msg": "late"}"#;
        assert_eq!(code(escaped).as_deref(), Some("APIGW.0201"));
        for body in [
            r#"{"error_code": "APIGW.0201", "error_msg": "late", "id": "n1"}"#,
            r#"{"id": "n1", "error_code": "APIGW.0201", "error_msg": "late"}"#,
            r#"{"code": 200, "message": "fine"}"#,
            r#"{"error_code": "0", "error_msg": "fine"}"#,
            r#"[{"error_code": "APIGW.0201", "error_msg": "late"}]"#,
            r#"{"error_code": "APIGW.0201", "error_msg": "late"} x"#,
            "{}",
            "",
        ] {
            assert_eq!(code(body), None, "{body}");
        }
    }
}

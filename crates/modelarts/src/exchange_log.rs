//! Requests and responses as events of [`tracing`], without their secrets.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use modelarts_client::{Operation, Secret};
use reqwest::{Body, Request};
use serde_json::Value;
use tracing::{Level, enabled, trace};

use crate::error::redact::{REDACTED, Redactor};

/// The target of the [`tracing`] events that show what crosses the wire, at level trace: one for each request, one for each
/// response.
///
/// A request has the fields `method`, `url`, `headers` and `body`, a response `status`, `headers` and `body`; headers are
/// lines of `name: value`. Credentials are redacted, and so is what the document marks as secret. A body that is not JSON is
/// not shown. Nothing of this is made up unless a subscriber is interested in the events.
pub const EXCHANGE_EVENTS: &str = "modelarts::exchange";

/// Reports a request as it goes out.
pub(crate) fn request(request: &Request, places: &[&str], secrets: impl FnOnce() -> Vec<Secret>) {
    if !enabled!(target: EXCHANGE_EVENTS, Level::TRACE) {
        return;
    }
    let redactor = Redactor::new(&secrets());
    let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
    trace!(
        target: EXCHANGE_EVENTS,
        method = %request.method(),
        url = %redactor.text(request.url().as_str()),
        headers = headers(request.headers(), &redactor),
        body = shown(body, places, &redactor),
        "request"
    );
}

/// Reports a response that has been read.
pub(crate) fn response(
    status: StatusCode,
    fields: &HeaderMap,
    body: &[u8],
    places: &[&str],
    secrets: impl FnOnce() -> Vec<Secret>,
) {
    if !enabled!(target: EXCHANGE_EVENTS, Level::TRACE) {
        return;
    }
    let redactor = Redactor::new(&secrets());
    trace!(
        target: EXCHANGE_EVENTS,
        status = status.as_u16(),
        headers = headers(fields, &redactor),
        body = shown(body, places, &redactor),
        "response"
    );
}

fn headers(headers: &HeaderMap, redactor: &Redactor) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        let value = match value.to_str() {
            _ if is_secret(name, value) => REDACTED.to_owned(),
            Ok(value) => redactor.text(value),
            Err(_) => format!("({} bytes)", value.len()),
        };
        let separator = if lines.is_empty() { "" } else { "\n" };
        // Writing to a text does not fail.
        let _ = write!(lines, "{separator}{name}: {value}");
    }
    lines
}

fn is_secret(name: &HeaderName, value: &HeaderValue) -> bool {
    let known = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, SET_COOKIE];
    value.is_sensitive() || known.contains(name) || name.as_str().ends_with("-token")
}

/// A body of JSON without secrets; of another one only its size.
fn shown(body: &[u8], places: &[&str], redactor: &Redactor) -> String {
    if body.is_empty() {
        return String::new();
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return format!("({} bytes that are not JSON)", body.len());
    };
    for place in places {
        let segments: Vec<_> = place.split('/').skip(1).collect();
        redact_at(&mut value, &segments);
    }
    redact_named(&mut value);
    redactor.text(&value.to_string())
}

/// Redacts the texts at a place of a body, which `*` makes several.
fn redact_at(value: &mut Value, place: &[&str]) {
    match (place.split_first(), value) {
        (None, value) => redact(value),
        (Some((&"*", rest)), Value::Array(items)) => {
            items.iter_mut().for_each(|item| redact_at(item, rest));
        }
        (Some((&"*", rest)), Value::Object(members)) => {
            members.values_mut().for_each(|item| redact_at(item, rest));
        }
        (Some((name, rest)), Value::Object(members)) => {
            if let Some(member) = members.get_mut(*name) {
                redact_at(member, rest);
            }
        }
        _ => {}
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => REDACTED.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

/// Redacts members that have the name of a secret, wherever they stand: not every body is one that the document describes.
fn redact_named(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact_named),
        Value::Object(members) => {
            for (name, member) in members {
                match NAMES.contains(name.as_str()) {
                    true if !member.is_object() => redact(member),
                    _ => redact_named(member),
                }
            }
        }
        _ => {}
    }
}

/// The names that secrets have in the documents. An `id` is one as a part of a token only.
static NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let places = |operation: &'static Operation| {
        let lists = [operation.secrets, operation.response_secrets];
        lists.into_iter().flatten()
    };
    modelarts_client::operations()
        .flat_map(places)
        .filter_map(|place| place.rsplit('/').find(|segment| *segment != "*"))
        .filter(|name| *name != "id")
        .collect()
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&[Secret::from("c0rrect-horse-battery")])
    }

    #[test]
    fn credentials_in_headers_are_redacted() {
        let mut fields = HeaderMap::new();
        let mut add = |name: &'static str, value: &str| {
            fields.insert(name, HeaderValue::from_str(value).unwrap());
        };
        add("x-subject-token", "t");
        add("authorization", "SDK-HMAC-SHA256 Access=a, Signature=b");
        add("set-cookie", "session=1");
        add("x-echo", "you sent c0rrect-horse-battery");
        add("x-request-id", "77");
        let shown = headers(&fields, &redactor());
        assert_eq!(
            shown,
            "x-subject-token: [redacted]\nauthorization: [redacted]\nset-cookie: [redacted]\n\
             x-echo: you sent [redacted]\nx-request-id: 77"
        );
    }

    #[test]
    fn secrets_in_bodies_are_redacted_by_place_by_name_and_by_value() {
        let body = json!({
            "auth": {"identity": {"methods": ["password"], "token": {"id": "t0ken"}}},
            "data": [{"id": "n1", "token": "jup1ter", "note": "https://h/?x=c0rrect-horse-battery"}],
            "unknown": {"password": "p"},
        });
        let shown = shown(
            body.to_string().as_bytes(),
            &["/auth/identity/token/id"],
            &redactor(),
        );
        for hidden in ["t0ken", "jup1ter", "c0rrect", "\"p\""] {
            assert!(!shown.contains(hidden), "{hidden}: {shown}");
        }
        for kept in ["n1", "https://h/?x=", "[\"password\"]"] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }

    #[test]
    fn what_is_not_json_is_not_shown() {
        let shown = shown(b"<html>secret</html>", &[], &redactor());
        assert_eq!(shown, "(19 bytes that are not JSON)");
    }
}

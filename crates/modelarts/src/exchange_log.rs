//! Requests and responses as [`tracing`] events, without their secrets.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use modelarts_client::{Operation, Secret, Shape};
use reqwest::{Body, Request};
use serde_json::{Map, Value};
use tracing::{Level, enabled, trace};

use crate::error::redact::{REDACTED, Redactor};

/// The target of the [`tracing`] events that show the HTTP traffic, at level trace: one event per request and one per
/// response.
///
/// A request has the fields `method`, `url`, `headers` and `body`, a response `status`, `headers` and `body`; headers
/// are lines of `name: value`. Credentials are redacted. In a body, the value of a field is shown if the API document
/// describes the field for the operation and the value has the described JSON type. Secrets, other values, the names
/// of other members and the keys of maps are redacted. A body that is not JSON is not shown. The events cost nothing
/// unless a subscriber is interested in them.
pub const EXCHANGE_EVENTS: &str = "modelarts::exchange";

/// Emits the event of a request that is being sent.
pub(crate) fn request(
    request: &Request,
    operation: &Operation,
    secrets: impl FnOnce() -> Vec<Secret>,
) {
    if !enabled!(target: EXCHANGE_EVENTS, Level::TRACE) {
        return;
    }
    let redactor = Redactor::new(&secrets());
    let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
    let shapes = Vec::from_iter(operation.request_body);
    trace!(
        target: EXCHANGE_EVENTS,
        method = %request.method(),
        url = %redactor.text(request.url().as_str()),
        headers = headers(request.headers(), &redactor),
        body = shown(body, &shapes, &redactor),
        "request"
    );
}

/// Emits the event of a response that has been read.
pub(crate) fn response(
    status: StatusCode,
    fields: &HeaderMap,
    body: &[u8],
    operation: &Operation,
    secrets: impl FnOnce() -> Vec<Secret>,
) {
    if !enabled!(target: EXCHANGE_EVENTS, Level::TRACE) {
        return;
    }
    let redactor = Redactor::new(&secrets());
    let shapes = operation.response_bodies;
    trace!(
        target: EXCHANGE_EVENTS,
        status = status.as_u16(),
        headers = headers(fields, &redactor),
        body = shown(body, shapes, &redactor),
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
        // Writing to a `String` does not fail.
        let _ = write!(lines, "{separator}{name}: {value}");
    }
    lines
}

fn is_secret(name: &HeaderName, value: &HeaderValue) -> bool {
    let known = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, SET_COOKIE];
    value.is_sensitive() || known.contains(name) || name.as_str().ends_with("-token")
}

/// Formats a JSON body and redacts what its possible shapes do not describe. Of any other body, shows only the size.
fn shown(body: &[u8], shapes: &[&Shape], redactor: &Redactor) -> String {
    if body.is_empty() {
        return String::new();
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return format!("({} bytes that are not JSON)", body.len());
    };
    redactor.text(&redact(value, shapes).to_string())
}

/// Redacts the names and values that none of the shapes describes, and the values that one of them marks as secret.
fn redact(value: Value, shapes: &[&Shape]) -> Value {
    let is_secret = shapes.iter().any(|shape| matches!(shape, Shape::Secret));
    let has = |fits: fn(&Shape) -> bool| !is_secret && shapes.iter().any(|shape| fits(shape));
    match value {
        Value::Null => Value::Null,
        Value::String(text) if text.is_empty() => Value::String(text),
        Value::String(text) if has(|it| matches!(it, Shape::String)) => Value::String(text),
        Value::Number(number) if has(|it| matches!(it, Shape::Number)) => Value::Number(number),
        Value::Bool(flag) if has(|it| matches!(it, Shape::Boolean)) => Value::Bool(flag),
        Value::Array(items) => {
            let inner = shapes.iter().filter_map(|shape| match shape {
                Shape::List(item) => Some(*item),
                _ => None,
            });
            let inner: Vec<_> = inner.collect();
            match inner.is_empty() {
                true => redacted(),
                false => items.into_iter().map(|item| redact(item, &inner)).collect(),
            }
        }
        Value::Object(members) => redact_members(members, shapes),
        _ => redacted(),
    }
}

fn redact_members(members: Map<String, Value>, shapes: &[&Shape]) -> Value {
    let others = shapes.iter().filter_map(|shape| match shape {
        Shape::Object(_, others) => *others,
        _ => None,
    });
    let others: Vec<_> = others.collect();
    let has_names = |shape: &&Shape| matches!(shape, Shape::Object(names, _) if !names.is_empty());
    if others.is_empty() && !shapes.iter().any(has_names) {
        return redacted();
    }
    let mut shown = Map::new();
    let (mut keys, mut undocumented) = (0, 0);
    for (name, value) in members {
        let named = shapes.iter().filter_map(|shape| shape.member(&name));
        let named: Vec<_> = named.collect();
        // A value under the name of a secret is one, wherever it is.
        let is_empty = value.is_null() || value == "";
        let is_secret = SECRET_NAMES.contains(name.as_str()) && !value.is_object() && !is_empty;
        let (name, inner) = match (named.is_empty(), others.is_empty()) {
            (false, _) => (name, &named),
            (true, false) => {
                keys += 1;
                (format!("[key {keys}]"), &others)
            }
            (true, true) => {
                undocumented += 1;
                continue;
            }
        };
        let value = match is_secret {
            true => redacted(),
            false => redact(value, inner),
        };
        shown.insert(name, value);
    }
    if undocumented > 0 {
        shown.insert(format!("[{undocumented} undocumented]"), redacted());
    }
    Value::Object(shown)
}

fn redacted() -> Value {
    Value::from(REDACTED)
}

/// The names of secrets in the documents, except `id`, which is a secret only in a token.
static SECRET_NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let (mut names, mut visited) = (BTreeSet::new(), BTreeSet::new());
    for operation in modelarts_client::operations() {
        let bodies = operation.response_bodies.iter().copied();
        for shape in bodies.chain(operation.request_body) {
            collect_names("", shape, &mut names, &mut visited);
        }
    }
    names.remove("id");
    names
});

fn collect_names(
    name: &'static str,
    shape: &'static Shape,
    names: &mut BTreeSet<&'static str>,
    visited: &mut BTreeSet<*const Shape>,
) {
    match shape {
        Shape::Secret => {
            names.insert(name);
        }
        Shape::List(item) => collect_names(name, item, names, visited),
        Shape::Object(members, others) if visited.insert(shape) => {
            for (name, member) in *members {
                collect_names(name, member, names, visited);
            }
            if let Some(others) = others {
                collect_names(name, others, names, visited);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
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

    static ITEM: Shape = Shape::Object(&[("id", &Shape::String), ("token", &Shape::Secret)], None);
    static INNER: Shape = Shape::Object(&[("items", &Shape::List(&ITEM)), ("inner", &INNER)], None);
    static BODY: Shape = Shape::Object(
        &[
            ("id", &Shape::String),
            ("size", &Shape::Number),
            ("on", &Shape::Boolean),
            ("password", &Shape::String),
            ("tags", &Shape::Object(&[], Some(&Shape::String))),
            ("inner", &INNER),
            ("keys", &Shape::List(&Shape::Secret)),
        ],
        None,
    );

    #[test]
    fn documented_fields_of_the_documented_type_are_shown() {
        let body = json!({
            "id": "n1 of c0rrect-horse-battery", "size": 5, "on": true, "password": "p", "tags": {"a": "b", "token": "t"},
            "inner": {"items": [{"id": "i1", "token": "t"}, {"id": null, "token": ""}]}, "keys": ["k"],
        });
        let shown = shown(body.to_string().as_bytes(), &[&BODY], &redactor());
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let expected = json!({
            "id": "n1 of [redacted]", "size": 5, "on": true, "password": "[redacted]",
            "tags": {"[key 1]": "b", "[key 2]": "[redacted]"},
            "inner": {"items": [{"id": "i1", "token": "[redacted]"}, {"id": null, "token": ""}]},
            "keys": ["[redacted]"],
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn other_names_and_values_are_redacted() {
        for (body, expected) in [
            (json!({"id": {"s3cret": 1}}), json!({"id": "[redacted]"})),
            (json!({"id": ["s3cret"]}), json!({"id": "[redacted]"})),
            (json!({"id": 77}), json!({"id": "[redacted]"})),
            (json!({"size": "s3cret"}), json!({"size": "[redacted]"})),
            (
                json!({"s3cret": 1, "*": 2}),
                json!({"[2 undocumented]": "[redacted]"}),
            ),
            (
                json!({"inner": {"items": {"s3cret": {"id": 1}}}}),
                json!({"inner": {"items": "[redacted]"}}),
            ),
            (json!({"inner": ["s3cret"]}), json!({"inner": "[redacted]"})),
            (
                json!({"keys": {"s3cret": "s"}}),
                json!({"keys": "[redacted]"}),
            ),
            (json!(["s3cret"]), json!("[redacted]")),
            (json!("s3cret"), json!("[redacted]")),
        ] {
            assert_eq!(redact(body.clone(), &[&BODY]), expected, "{body}");
        }
    }

    #[test]
    fn the_shapes_of_operations_show_errors_and_fields() {
        let mut operations = modelarts_client::operations();
        let show = operations.find(|known| known.id == "showNotebook").unwrap();
        let body = json!({"id": "n1", "token": "t", "error_code": "ModelArts.6309"});
        let shown = redact(body, show.response_bodies);
        let expected = json!({"id": "n1", "token": "[redacted]", "error_code": "ModelArts.6309"});
        assert_eq!(shown, expected);
    }

    fn hostile() -> impl Strategy<Value = Value> {
        let name = || {
            prop_oneof![
                Just("s3cret".to_owned()),
                Just("*".to_owned()),
                prop::sample::select(vec!["id", "size", "inner", "items", "keys", "tags"])
                    .prop_map(str::to_owned),
            ]
        };
        let leaf = prop_oneof![Just(json!(1)), Just(json!(true)), Just(json!(null))];
        leaf.prop_recursive(5, 40, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_undocumented_name_is_shown(body in hostile()) {
            let shown = redact(body, &[&BODY]).to_string();
            prop_assert!(!shown.contains("s3cret"), "{}", shown);
        }
    }

    #[test]
    fn what_is_not_json_is_not_shown() {
        let shown = shown(b"<html>secret</html>", &[&BODY], &redactor());
        assert_eq!(shown, "(19 bytes that are not JSON)");
    }
}

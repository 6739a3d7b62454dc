//! Where and why a body cannot be decoded, without repeating any value of it.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::body::without_bom;

/// Describes where a body does not match `T`.
///
/// It is decoded again in the same way, and the path is found from the position of the error: a deserializer that
/// tracks the path would double the code of every type.
pub(super) fn undecodable<T: DeserializeOwned>(body: &[u8]) -> String {
    if is_blank(body) {
        return "the response is empty, but JSON was expected".to_owned();
    }
    let body = without_bom(body);
    match modelarts_client::decode::<T>(StatusCode::OK, body, false) {
        Ok(_) => "the response is not as documented".to_owned(),
        Err(error) => explain(body, &error),
    }
}

fn explain(body: &[u8], error: &serde_json::Error) -> String {
    let path = place(body, error);
    if path.is_empty() && error.is_data() && body.trim_ascii_start().starts_with(b"[") {
        return "the response is a list, but an object was expected".to_owned();
    }
    if error.to_string().starts_with("trailing characters") {
        return "there is more than one JSON value in the response".to_owned();
    }
    undecodable_at(&path, error, body.len())
}

/// The place of an error in a body, such as at `data[0].id` (with a leading space); empty for the whole body.
pub(crate) fn place(body: &[u8], error: &serde_json::Error) -> String {
    let before = error.line().saturating_sub(1);
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let start: usize = lines.take(before).map(<[u8]>::len).sum();
    let path = path(body, start.saturating_add(error.column()));
    match path.is_empty() {
        true => String::new(),
        false => format!(" at `{path}`"),
    }
}

/// An object or a list whose end has not been reached.
enum Open<'a> {
    /// The current key, as written in the body, and whether a new key is expected.
    Object(&'a [u8], bool),
    List(usize),
}

/// The path of the value that ends, or is about to begin, at a position in a body.
fn path(body: &[u8], end: usize) -> String {
    let mut open = Vec::new();
    let mut position = 0;
    while let Some(byte) = body.get(position).filter(|_| position < end) {
        let start = position;
        position += 1;
        match (byte, open.last_mut()) {
            (b'{', _) => open.push(Open::Object(b"", true)),
            (b'[', _) => open.push(Open::List(0)),
            (b'}' | b']', _) => drop(open.pop()),
            (b',', Some(Open::List(index))) => *index += 1,
            (b',', Some(Open::Object(_, is_due))) => *is_due = true,
            (b'"', last) => {
                position = after_string(body, position);
                if let Some(Open::Object(key, is_due @ true)) = last {
                    *key = body.get(start..position).unwrap_or_default();
                    *is_due = false;
                }
            }
            _ => {}
        }
    }
    let mut path = String::new();
    for open in open {
        match open {
            Open::List(index) => path += &format!("[{index}]"),
            Open::Object(key, _) => {
                let key = serde_json::from_slice::<String>(key).unwrap_or_default();
                if !path.is_empty() && !key.is_empty() {
                    path.push('.');
                }
                path += &key;
            }
        }
    }
    path
}

/// The position after the quote that ends a string.
fn after_string(body: &[u8], start: usize) -> usize {
    let mut is_escaped = false;
    let rest = body.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    length.map_or(body.len(), |length| start + length + 1)
}

fn undecodable_at(path: &str, error: &serde_json::Error, length: usize) -> String {
    use serde_json::error::Category;

    match error.classify() {
        Category::Data => format!(
            "the response is not as documented{path}: {}",
            expectation(error)
        ),
        Category::Eof => format!("the response is cut off{path}, after {length} bytes"),
        Category::Io | Category::Syntax => format!(
            "the response is not valid JSON (line {}, column {})",
            error.line(),
            error.column()
        ),
    }
}

/// The expectation in an error message; the rest of the message quotes the value, which can be a secret.
pub(crate) fn expectation(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // These name fields of our own types.
    if text.starts_with("missing field") || text.starts_with("duplicate field") {
        return text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    // Any other message is unknown, and all of it may be a value.
    let is_known = text.starts_with("invalid ") || text.starts_with("unknown ");
    let expected = text
        .rsplit_once(", expected ")
        .filter(|_| is_known)
        .map(|(_, expected)| expected.split(" at line ").next().unwrap_or(expected));
    match expected {
        // The names of our types mean nothing to the user.
        Some(expected) if expected.starts_with("struct ") => "expected an object".to_owned(),
        Some(expected) => format!("expected {expected}"),
        None => "unexpected value".to_owned(),
    }
}

/// Whether a body is empty, blank, or `null`.
pub(super) fn is_blank(body: &[u8]) -> bool {
    matches!(without_bom(body).trim_ascii(), b"" | b"null")
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use modelarts_client::devenviron::types::{Notebook, NotebookList};
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::Error as _;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Strict {
        #[expect(dead_code, reason = "only its presence matters")]
        id: String,
    }

    #[derive(Debug, Deserialize)]
    enum Letter {
        A,
        B,
    }

    #[test]
    fn an_expectation_repeats_names_of_ours_and_no_value() {
        fn of<T: DeserializeOwned + Debug>(json: &str) -> String {
            expectation(&serde_json::from_str::<T>(json).unwrap_err())
        }
        assert_eq!(of::<Strict>("{}"), "missing field `id`");
        assert_eq!(
            of::<Strict>(r#"{"id": "a", "id": "b"}"#),
            "duplicate field `id`"
        );
        assert_eq!(of::<u8>("\"s3cret\""), "expected u8");
        assert_eq!(of::<u8>("300"), "expected u8");
        assert_eq!(of::<Letter>("\"s3cret\""), "expected `A` or `B`");
        let other = serde_json::Error::custom("s3cret, expected by nobody");
        assert_eq!(expectation(&other), "unexpected value");
    }

    #[test]
    fn what_decodes_in_part_is_explained_as_well() {
        for list in [&b"[]"[..], b" [{}]", b"\xef\xbb\xbf[\"s3cret\", 1", b"[["] {
            let shown = undecodable::<Notebook>(list);
            assert_eq!(shown, "the response is a list, but an object was expected");
        }
        let rows = undecodable::<Vec<Strict>>(br#"[{"id": "a"}, {}]"#);
        assert_eq!(
            rows,
            "the response is not as documented at `[1]`: missing field `id`"
        );
        let whole = undecodable::<Notebook>(b"\"s3cret\"");
        assert_eq!(
            whole,
            "the response is not as documented: expected an object"
        );
        let two = undecodable::<Notebook>(b"{} {}");
        assert_eq!(two, "there is more than one JSON value in the response");
    }

    #[test]
    fn a_place_is_found_by_the_position_of_the_error() {
        let place = |body: &str, at: &str| {
            let end = body.find(at).unwrap_or_else(|| panic!("{body}: {at}"));
            path(body.as_bytes(), end)
        };
        for (body, expected) in [
            ("!", ""),
            ("[!", "[0]"),
            ("[1, {}, [2, 3]!", "[2]"),
            ("[1, {}, [2, 3], !", "[3]"),
            (r#"{"a": !"#, "a"),
            (r#"{"a": {"b": [0, {"c": 5!"#, "a.b[1].c"),
            (r#"{"a": {"b": [0, {"c": 5}!"#, "a.b[1]"),
            (r#"{"a": {"b": "}],{[\\\"\\\\" !"#, "a.b"),
            (r#"{"\u0061\"": "x" !"#, "a\""),
            (r#"{"a": {}, "b" !"#, "b"),
            ("{\"a\": [\n\"x\",\r\n{\"b\": \"y\"!", "a[1].b"),
        ] {
            assert_eq!(place(body, "!"), expected, "{body}");
        }
    }

    /// All places in a value, as JSON pointers.
    fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    pointers(value, &format!("{at}/{index}"), all);
                }
            }
            Value::Object(object) => {
                for (key, value) in object {
                    pointers(value, &format!("{at}/{key}"), all);
                }
            }
            _ => {}
        }
    }

    proptest! {
        /// A library that tracks the path while it decodes finds the same path.
        #[test]
        fn a_place_is_the_same_as_if_the_path_had_been_tracked(
            at in any::<prop::sample::Index>(),
            wrong in prop::sample::select(vec!["[[[]]]", "{\"s3cret\": [0]}", "\"s3\\\"cret\"", "-1.5", "true"]),
            is_pretty in any::<bool>(),
        ) {
            let mut notebooks = serde_json::json!({"total": 1, "data": [{"id": "n-1"}, {
                "id": "n-2", "name": "a \"quoted, {odd]\" name", "status": "RUNNING", "create_at": 5,
                "lease": {"duration": 3_600_000, "enable": true, "create_at": 7},
                "volume": {"category": "EVS", "capacity": 5}, "feature": "NOTEBOOK",
                "endpoints": [{"service": "SSH", "allowed_access_ips": ["10.0.0.1", "10.0.0.2"]}],
                "action_progress": [{"step": 1, "step_description": "x"}, {"step": 2}],
            }]});
            let mut all = Vec::new();
            pointers(&notebooks, "", &mut all);
            // At the root, serde alone would accept a list as an object.
            all.remove(0);
            let at: &String = at.get(&all);
            *notebooks.pointer_mut(at).unwrap() = serde_json::from_str(wrong).unwrap();
            let body = match is_pretty {
                true => serde_json::to_string_pretty(&notebooks).unwrap(),
                false => notebooks.to_string(),
            };
            if let Err(error) = modelarts_client::decode::<NotebookList>(StatusCode::OK, body.as_bytes(), false) {
                let mut json = serde_json::Deserializer::from_str(&body);
                if let Err(tracked) = serde_path_to_error::deserialize::<_, NotebookList>(&mut json) {
                    let path = tracked.path().to_string();
                    let expected = if path == "." { String::new() } else { format!(" at `{path}`") };
                    prop_assert_eq!(place(body.as_bytes(), &error), expected, "{}", body);
                }
            }
        }
    }

    #[test]
    fn blank_is_what_holds_no_value() {
        for blank in ["", " \n", "null", " null ", "\u{feff}", "\u{feff}null"] {
            assert!(is_blank(blank.as_bytes()), "{blank:?}");
        }
        for value in ["{}", "[]", "0", "nul"] {
            assert!(!is_blank(value.as_bytes()), "{value}");
        }
    }
}

//! Where and why a body is not what it should be, without repeating any value of it.

use serde::de::DeserializeOwned;

use super::body::without_bom;

/// Says where a body stops being a `T`.
pub(super) fn undecodable<T: DeserializeOwned>(body: &[u8]) -> String {
    if is_blank(body) {
        return "the response is empty where JSON is due".to_owned();
    }
    let body = without_bom(body);
    let mut json = serde_json::Deserializer::from_slice(body);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut json) else {
        return match body.trim_ascii().first() {
            Some(b'[') => "the response is a list where an object is due",
            _ => "there is more than one JSON value in the response",
        }
        .to_owned();
    };
    let path = format!(" at `{}`", error.path());
    undecodable_at(&path, error.inner(), body.len())
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
            "the response is not JSON from line {}, column {}",
            error.line(),
            error.column()
        ),
    }
}

/// What was expected; the other half of such a message quotes the value, which can be a secret.
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
    // Of any other message nothing is known, so that all of it may be a value.
    let is_known = text.starts_with("invalid ") || text.starts_with("unknown ");
    let expected = text
        .rsplit_once(", expected ")
        .filter(|_| is_known)
        .map(|(_, expected)| expected.split(" at line ").next().unwrap_or(expected));
    match expected {
        Some(expected) => format!("expected {expected}"),
        None => "unexpected value".to_owned(),
    }
}

/// Nothing, blanks, or `null`.
pub(super) fn is_blank(body: &[u8]) -> bool {
    matches!(without_bom(body).trim_ascii(), b"" | b"null")
}

//! Where and why a body is not what it should be, without repeating any value of it.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::body::without_bom;

/// Says where a body stops being a `T`.
pub(super) fn undecodable<T: DeserializeOwned>(body: &[u8]) -> String {
    if is_blank(body) {
        return "the response is empty where JSON is due".to_owned();
    }
    let body = without_bom(body);
    // Serde would read an object from a list, member by member, and name what is wrong with the first one.
    let takes_a_list = || modelarts_client::decode::<T>(StatusCode::OK, b"[]", false).is_ok();
    if body.trim_ascii_start().starts_with(b"[") && !takes_a_list() {
        return "the response is a list where an object is due".to_owned();
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut json) else {
        return "there is more than one JSON value in the response".to_owned();
    };
    undecodable_at(&place(error.path()), error.inner(), body.len())
}

/// Where in a body; nothing for all of it.
pub(crate) fn place(path: &serde_path_to_error::Path) -> String {
    match path.iter().next() {
        Some(_) => format!(" at `{path}`"),
        None => String::new(),
    }
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
        // The names of our types are not those of the service.
        Some(expected) if expected.starts_with("struct ") => "expected an object".to_owned(),
        Some(expected) => format!("expected {expected}"),
        None => "unexpected value".to_owned(),
    }
}

/// Nothing, blanks, or `null`.
pub(super) fn is_blank(body: &[u8]) -> bool {
    matches!(without_bom(body).trim_ascii(), b"" | b"null")
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use modelarts_client::devenviron::types::Notebook;
    use serde::Deserialize;
    use serde::de::Error as _;

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
            assert_eq!(shown, "the response is a list where an object is due");
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
    fn blank_is_what_holds_no_value() {
        for blank in ["", " \n", "null", " null ", "\u{feff}", "\u{feff}null"] {
            assert!(is_blank(blank.as_bytes()), "{blank:?}");
        }
        for value in ["{}", "[]", "0", "nul"] {
            assert!(!is_blank(value.as_bytes()), "{value}");
        }
    }
}

//! `did you mean …?`: the known name that is most similar to an unknown one.

/// The minimum similarity of two names.
const MIN_SIMILARITY: f64 = 0.7;

/// Returns the known name that is most similar to `name`, if any is similar enough.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// Returns the error message for an unknown name, with the most similar known one if there is any.
pub(crate) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let name: String = name.chars().take(128).collect();
    match nearest(&name, known) {
        Some(nearest) => format!("there is no {what} `{name}`; did you mean `{nearest}`?"),
        None => format!("there is no {what} `{name}`"),
    }
}

/// Adds the most similar name to serde's message about an unknown field or value.
pub(crate) fn with_nearest(error: &str) -> String {
    let Some((before, expected)) = error.split_once(", expected ") else {
        return error.to_owned();
    };
    let is_unknown = before.contains("unknown field ") || before.contains("unknown variant ");
    let name = before.rsplit('`').nth(1).filter(|_| is_unknown);
    // Every second piece is in backticks.
    let known = expected.split('`').skip(1).step_by(2);
    match name.and_then(|name| nearest(name, known)) {
        Some(nearest) => format!("{error}; did you mean `{nearest}`?"),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_whatever_its_letter_case() {
        let known = ["listNotebooks", "showNotebook", "createNotebook"];
        assert_eq!(nearest("listNotebook", known), Some("listNotebooks"));
        assert_eq!(nearest("LISTNOTEBOOKS", known), Some("listNotebooks"));
        assert_eq!(nearest("quota", known), None);
        assert_eq!(
            unknown("operation", "shownotebok", known),
            "there is no operation `shownotebok`; did you mean `showNotebook`?"
        );
    }

    #[test]
    fn a_message_of_serde_gets_a_hint() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Sample {
            #[expect(dead_code, reason = "only its name matters")]
            operation: String,
        }
        let error = serde_json::from_str::<Sample>(r#"{"opration": "x"}"#).unwrap_err();
        let text = with_nearest(&error.to_string());
        assert!(text.ends_with("; did you mean `operation`?"), "{text}");
        assert_eq!(with_nearest("EOF while parsing"), "EOF while parsing");
    }
}

//! Provenance: the entries of `x-source`.

use std::fmt;

use serde_json::Value;

/// The general pages on calling the service; their tables are not numbered.
const CALLING: [&str; 5] = [
    "authentication",
    "endpoint",
    "making_an_api_request",
    "obtaining_a_project_id_and_name",
    "response",
];

/// Where a part of a document comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source<'a> {
    /// `sample`: only seen in a sample.
    Sample,
    /// `observed`: only seen in real responses.
    Practice,
    /// `sdk`: only known to the vendor's SDK.
    Sdk,
    /// A page as a whole.
    Page(&'a str),
    /// A table of a page.
    Table {
        /// Name of the page.
        page: &'a str,
        /// Number of the table.
        number: u32,
    },
    /// A sample of a page.
    SampleOf {
        /// Name of the page.
        page: &'a str,
        /// Number of the sample, counted on the page from 1.
        number: u32,
    },
}

impl<'a> Source<'a> {
    /// Parses an entry. Returns `None` if it has none of the known forms.
    pub fn parse(entry: &'a str) -> Option<Self> {
        match entry {
            "sample" => return Some(Self::Sample),
            "observed" => return Some(Self::Practice),
            "sdk" => return Some(Self::Sdk),
            _ => {}
        }
        let Some((page, place)) = entry.split_once(' ') else {
            return is_page(entry).then_some(Self::Page(entry));
        };
        if !is_page(page) {
            return None;
        }
        let number = |digits: &str| digits.parse().ok();
        match (place.strip_prefix('T'), place.strip_prefix('S')) {
            (Some(digits), _) => number(digits).map(|number| Self::Table { page, number }),
            (_, Some(digits)) => number(digits).map(|number| Self::SampleOf { page, number }),
            _ => None,
        }
    }

    /// Whether this is one of the general pages on calling the service.
    pub fn is_calling_page(&self) -> bool {
        matches!(self, Self::Page(page) if CALLING.contains(page))
    }
}

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample => f.write_str("sample"),
            Self::Practice => f.write_str("observed"),
            Self::Sdk => f.write_str("sdk"),
            Self::Page(page) => f.write_str(page),
            Self::Table { page, number } => write!(f, "{page} T{number}"),
            Self::SampleOf { page, number } => write!(f, "{page} S{number}"),
        }
    }
}

/// The entries of `x-source`, which is a string or a list of strings.
pub fn entries(value: &Value) -> Vec<&str> {
    match value.get("x-source") {
        Some(Value::String(entry)) => vec![entry],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The parsed entries of `x-source`, without invalid ones.
pub fn sources(value: &Value) -> Vec<Source<'_>> {
    entries(value)
        .into_iter()
        .filter_map(Source::parse)
        .collect()
}

/// Whether a text is a page name, optionally with `@` and a revision.
fn is_page(text: &str) -> bool {
    let (name, revision) = text.split_once('@').unwrap_or((text, "x"));
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    plain(name) && plain(revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_forms_round_trip() {
        for entry in [
            "sample",
            "observed",
            "sdk",
            "response",
            "ShowThing T3",
            "modelarts_03_0113@seed S2",
        ] {
            assert_eq!(Source::parse(entry).unwrap().to_string(), entry);
        }
        assert!(Source::Page("response").is_calling_page());
        assert!(!Source::Page("ShowThing").is_calling_page());
    }

    #[test]
    fn other_forms_are_rejected() {
        for entry in [
            "",
            "ShowThing T",
            "ShowThing 3",
            "Show-Thing T3",
            "Thing@ T1",
            "T 1 2",
        ] {
            assert_eq!(Source::parse(entry), None, "{entry}");
        }
    }
}

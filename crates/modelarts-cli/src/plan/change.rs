//! A change of a field.

use std::collections::BTreeMap;

/// A field whose value changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) field: &'static str,
    /// The previous value, if there is one.
    pub(crate) from: Option<String>,
    pub(crate) to: String,
}

impl Change {
    pub(super) fn new(field: &'static str, from: Option<String>, to: impl Into<String>) -> Self {
        Self {
            field,
            from,
            to: to.into(),
        }
    }
}

/// Formats tags as the value of a change.
pub(super) fn tag_list(tags: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    match pairs.is_empty() {
        true => "none".to_owned(),
        false => pairs.join(", "),
    }
}

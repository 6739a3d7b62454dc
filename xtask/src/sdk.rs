//! Reads the facts of the vendor's SDK: one JSON file per operation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

use crate::workspace;

/// The facts of one operation.
#[derive(Debug, Clone, Deserialize)]
pub struct Facts {
    /// Name in the SDK.
    #[serde(rename = "operation")]
    pub name: String,
    /// HTTP method.
    pub method: String,
    /// Template of the path.
    pub path: String,
    /// Parameters in path, query and headers, without the project.
    #[serde(default)]
    pub parameters: Vec<Field>,
    /// Model of the request body.
    pub request_body: Option<String>,
    /// Model of the response body.
    pub response_body: Option<String>,
    /// The fields of each model.
    #[serde(default)]
    pub models: BTreeMap<String, Vec<Field>>,
}

/// A parameter, or a field of a model.
#[derive(Debug, Clone, Deserialize)]
pub struct Field {
    /// Name on the wire.
    pub name: String,
    /// Where a parameter is sent; `None` for a field.
    #[serde(rename = "in")]
    pub place: Option<String>,
    /// Python type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Listed values.
    #[serde(default)]
    pub values: Option<Vec<String>>,
    /// The vendor's description.
    #[serde(default)]
    pub description: String,
}

/// A type of the SDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SdkType {
    /// `str`.
    Text,
    /// `int`, of any width.
    Integer,
    /// `float`.
    Number,
    /// `bool`.
    Boolean,
    /// `object` or `dict(str, X)`: arbitrary keys.
    Free,
    /// `list[X]`.
    List(Box<SdkType>),
    /// A model.
    Model(String),
}

impl SdkType {
    /// Parses a Python type.
    pub fn parse(kind: &str) -> Self {
        let kind = kind.trim();
        let inner = kind
            .strip_prefix("list[")
            .and_then(|it| it.strip_suffix(']'));
        if let Some(inner) = inner {
            return Self::List(Box::new(Self::parse(inner)));
        }
        match kind {
            "str" | "datetime" => Self::Text,
            "int" => Self::Integer,
            "float" => Self::Number,
            "bool" => Self::Boolean,
            "object" => Self::Free,
            _ if kind.starts_with("dict(") => Self::Free,
            model => Self::Model(model.to_owned()),
        }
    }

    /// The model, or that of the entries of a list.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::Model(name) => Some(name),
            Self::List(items) => items.model(),
            _ => None,
        }
    }
}

/// Reads all facts of a folder, sorted by file name.
///
/// # Errors
///
/// When the folder cannot be read or has no facts, or a file has another form.
pub fn read(folder: &Path) -> Result<Vec<Facts>> {
    let files = workspace::json_files(folder, "facts")?;
    files.iter().map(|file| read_file(file)).collect()
}

/// Reads the facts of one operation.
///
/// # Errors
///
/// When the file cannot be read or has another form.
pub fn read_file(file: &Path) -> Result<Facts> {
    workspace::json(file)
}

/// Lists the changes between two versions of the SDK, one per line: `+` for added facts, `-` for removed ones.
pub fn changes(old: &[Facts], new: &[Facts]) -> Vec<String> {
    let (old, new) = (lines(old), lines(new));
    let mut changes: Vec<(&str, char)> = old
        .difference(&new)
        .map(|line| (line.as_str(), '-'))
        .chain(new.difference(&old).map(|line| (line.as_str(), '+')))
        .collect();
    changes.sort_unstable();
    changes
        .into_iter()
        .map(|(line, sign)| format!("{sign} {line}"))
        .collect()
}

/// Every fact as one line.
fn lines(facts: &[Facts]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for operation in facts {
        let name = &operation.name;
        let bodies = [
            ("request", &operation.request_body),
            ("response", &operation.response_body),
        ];
        lines.insert(format!("{name}: {} {}", operation.method, operation.path));
        for (what, body) in bodies {
            lines.extend(body.iter().map(|body| format!("{name}: {what} {body}")));
        }
        let parameters = operation
            .parameters
            .iter()
            .map(|field| (field.place.as_deref(), field));
        let models = operation.models.iter();
        let fields =
            models.flat_map(|(model, fields)| fields.iter().map(|it| (Some(model.as_str()), it)));
        for (place, field) in parameters.chain(fields) {
            let values = field
                .values
                .iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            let place = place.unwrap_or("parameter");
            lines.insert(format!(
                "{name}: {place} {}: {} [{values}]",
                field.name, field.kind
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read() {
        assert_eq!(
            SdkType::parse("list[str]"),
            SdkType::List(Box::new(SdkType::Text))
        );
        assert_eq!(SdkType::parse("dict(str, Part)"), SdkType::Free);
        assert_eq!(SdkType::parse("list[list[Part]]").model(), Some("Part"));
    }

    #[test]
    fn a_newer_sdk_is_compared_fact_by_fact() {
        let facts = |kind: &str, values: &str| -> Facts {
            let text = format!(
                r#"{{"operation": "Show", "method": "GET", "path": "/a", "parameters": [],
                    "response_body": "A", "models": {{"A": [{{"name": "b", "type": "{kind}", "values": [{values}]}}]}}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let changes = changes(&[facts("int", "")], &[facts("str", "\"X\"")]);
        assert_eq!(changes, ["- Show: A b: int []", "+ Show: A b: str [X]"]);
        assert!(super::changes(&[facts("int", "")], &[facts("int", "")]).is_empty());
    }
}

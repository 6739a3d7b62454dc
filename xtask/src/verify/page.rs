//! Reads the service's pages.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use crate::workspace;

/// The page of an operation, with its tables and samples.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    #[serde(rename = "page")]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) title: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) status_codes: Vec<StatusCode>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    pub(crate) number: u32,
    #[serde(default)]
    pub(crate) title: String,
    /// The status whose body the table describes.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    pub(crate) role: Role,
    /// Whether the table describes the body itself.
    pub(crate) root: bool,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Path,
    Query,
    Header,
    Request,
    Response,
    Other,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// `None` if the table has no such column.
    pub(crate) mandatory: Option<bool>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) description: String,
    /// The values that the table lists.
    pub(crate) options: Option<Vec<String>>,
    pub(crate) refs: Vec<Reference>,
}

/// A link in the description of a field.
#[derive(Debug, Deserialize)]
pub(crate) struct Reference {
    pub(crate) table: Option<u32>,
    /// `None` for the same page.
    pub(crate) page: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Sample {
    pub(crate) role: SampleRole,
    pub(crate) http: Option<RequestLine>,
    pub(crate) json: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SampleRole {
    Request,
    Response,
    Error,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RequestLine {
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StatusCode {
    pub(crate) code: u16,
}

impl Field {
    /// The tables to which the field refers, each with the name of its page.
    pub(crate) fn tables<'a>(&'a self, page: &'a str) -> impl Iterator<Item = (&'a str, u32)> {
        self.refs
            .iter()
            .filter_map(move |r| Some((r.page.as_deref().unwrap_or(page), r.table?)))
    }

    /// Whether the field lists this value or its description contains it as a word.
    pub(crate) fn names(&self, value: &str) -> bool {
        let is_listed = |options: &Vec<String>| options.iter().any(|option| option == value);
        self.options.as_ref().is_some_and(is_listed)
            || self
                .description
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == value)
    }
}

/// Reads all pages of a folder, sorted by file name.
pub(crate) fn read(folder: &Path) -> Result<Vec<Page>> {
    let files = workspace::json_files(folder, "pages")?;
    files.iter().map(|file| read_file(file)).collect()
}

/// Reads one page.
pub(crate) fn read_file(file: &Path) -> Result<Page> {
    workspace::json(file)
}

//! Compares the error catalogue with the service's list of codes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::catalogue::Catalogue;
use anyhow::{Context, Result};
use serde::Deserialize;

use super::report::{Aspect, Kind, Report};

/// Name of the list beside the folders of pages, and of its row in the figures.
pub(crate) const FILE: &str = "errors.json";

/// A row of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    status: u16,
    code: String,
}

/// Reads the list beside the folders of pages; `None` if there is none.
pub(crate) fn read(folder: &Path) -> Result<Option<Vec<Row>>> {
    let file = folder.join(FILE);
    if !file.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let rows = serde_json::from_str(&text).with_context(|| format!("in {}", file.display()))?;
    Ok(Some(rows))
}

/// Compares codes and their statuses.
pub(crate) fn compare(catalogue: &Catalogue, rows: &[Row], report: &mut Report) {
    let listed = listed(&catalogue.selection.prefixes, rows);
    let mut known = BTreeMap::new();
    for entry in &catalogue.errors {
        if entry.source.is_some() {
            continue;
        }
        let statuses: BTreeSet<u16> = entry.statuses.iter().copied().collect();
        known.insert(entry.code.as_str(), statuses);
    }
    let codes: BTreeSet<&str> = listed.keys().chain(known.keys()).copied().collect();
    for code in codes {
        let place = format!("{FILE}/{code}");
        let difference = match (listed.get(code), known.get(code)) {
            (Some(listed), Some(known)) if listed == known => None,
            (Some(listed), Some(known)) => {
                let message =
                    format!("the list has the statuses {listed:?}, the catalogue {known:?}");
                Some((place, Kind::Status, message))
            }
            (Some(_), None) => {
                let message = "the catalogue does not have the code".to_owned();
                Some((place, Kind::Missing, message))
            }
            (None, _) => {
                let message =
                    "the list does not have the code; if it was observed, add `x-source: observed`";
                Some((place, Kind::Extra, message.to_owned()))
            }
        };
        report.fact(FILE, Aspect::Values, difference);
    }
}

/// The statuses of each code that the catalogue covers.
fn listed<'r>(prefixes: &[String], rows: &'r [Row]) -> BTreeMap<&'r str, BTreeSet<u16>> {
    let is_selected = |code: &str| {
        let digits = code.strip_prefix("ModelArts.").unwrap_or_default();
        prefixes.iter().any(|prefix| digits.starts_with(prefix))
    };
    let mut listed: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for row in rows.iter().filter(|row| is_selected(&row.code)) {
        // Status 100 is a misprint: it is not an error status.
        let status = if row.status == 100 { 400 } else { row.status };
        listed.entry(&row.code).or_default().insert(status);
    }
    listed
}

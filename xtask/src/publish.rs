//! Generates `openapi/published` for users of other languages: variants of the documents, error codes, errata, texts.
//!
//! A client in `tests/consumers` is generated from each variant; there are no other variants.

mod extensions;
mod forms;
mod upgrade;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::catalogue::{Catalogue, Entry, Meaning};
use crate::closed::closed_enums;
use crate::document::{Document, text};
use crate::errata;

/// Folder of the published files, from the root of the checkout.
pub(crate) const FOLDER: &str = "openapi/published";
/// The changelog of the documents, from the root of the checkout.
pub(crate) const CHANGELOG: &str = "openapi/CHANGELOG.md";

/// Generates all published files, by their path from the root of the checkout.
pub(crate) fn files(
    root: &Path,
    documents: &[Document],
    catalogue: &Catalogue,
) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut add = |name: &str, text: String| {
        files.insert(Path::new(FOLDER).join(name), text);
    };
    for document in documents {
        let name = &document.name;
        let open = forms::published(document.value(), "open enumerations");
        let closed = forms::published(&closed_enums(document), "closed enumerations");
        let modern = upgrade::to_3_1(open.clone());
        add(&format!("{name}.json"), pretty(&open)?);
        add(&format!("{name}.yaml"), serde_saphyr::to_string(&open)?);
        add(&format!("{name}-closed-enums.json"), pretty(&closed)?);
        add(&format!("{name}-3.1.json"), pretty(&modern)?);
        add(
            &format!("{name}-3.1.yaml"),
            serde_saphyr::to_string(&modern)?,
        );
    }
    add("errors.json", pretty(&errors(catalogue))?);
    add("errata.md", errata(root)?);
    add("CHANGELOG.md", read(root, CHANGELOG)?);
    add("extensions.md", extensions::page());
    add("README.md", readme(documents));
    Ok(files)
}

fn read(root: &Path, file: &str) -> Result<String> {
    let text = fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"))?;
    Ok(text.replace("\r\n", "\n"))
}

fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The error catalogue as one list.
fn errors(catalogue: &Catalogue) -> Value {
    let meaning = |meaning: &Meaning| json!({"class": meaning.class, "meaning": meaning.meaning.trim(), "remedy": meaning.remedy.trim()});
    let entry = |entry: &Entry| {
        let mut value = json!({"code": entry.code, "statuses": entry.statuses});
        let mut add = |key: &str, member: Value| value[key] = member;
        for (key, member) in meaning(&entry.meaning).as_object().into_iter().flatten() {
            add(key, member.clone());
        }
        if entry.already_in_state {
            add("already_in_state", true.into());
        }
        if !entry.by_status.is_empty() {
            let by_status = entry.by_status.iter();
            let by_status = by_status.map(|(status, it)| (status.to_string(), meaning(it)));
            add("by_status", Value::Object(by_status.collect()));
        }
        value
    };
    catalogue.errors.iter().map(entry).collect()
}

/// The published errata.
pub(crate) fn errata(root: &Path) -> Result<String> {
    Ok(errata_without_spans(&read(root, errata::FILE)?))
}

/// The errata without the last column, which only `verify` and `drift` read.
fn errata_without_spans(text: &str) -> String {
    let mut kept = String::new();
    let mut is_table_seen = false;
    for line in text.lines() {
        is_table_seen |= line.starts_with("## ");
        if !is_table_seen {
            continue;
        }
        match line.strip_suffix('|').and_then(|row| row.rfind('|')) {
            Some(end) if line.starts_with('|') => kept += &line[..=end],
            _ => kept += line,
        }
        kept.push('\n');
    }
    format!(
        "# Errata\n\nContradictions between the pages of the service, their samples and the observed behaviour: what the documents \
         do in each case,\nand why. Short names: `0110` is the page `modelarts_03_0110`; `T12` is its twelfth table, `S2` its \
         second sample;\n\"seed\" and \"today\" are two revisions of the same page.\n\n{kept}"
    )
}

/// The README: which file to use, the tested commands, and the introduction of each document.
fn readme(documents: &[Document]) -> String {
    let mut page = include_str!("publish/README.md").to_owned();
    for document in documents {
        let info = document.value().get("info").unwrap_or(&Value::Null);
        page += &format!(
            "\n## {}, version {}\n\n",
            text(info, "title"),
            text(info, "version")
        );
        for line in text(info, "description").lines() {
            // Its headings move one level down.
            page += if line.starts_with("## ") { "#" } else { "" };
            page += line;
            page.push('\n');
        }
    }
    page
}

#[cfg(test)]
mod tests;

//! Whether the version of a document and its changelog cover all changes since the last release.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::{Change, Level};
use super::documents::subjects;
use crate::publish::CHANGELOG;

/// Returns the section of the changelog for a document's version, such as `openapi/CHANGELOG.md, 2.0.0`.
pub(super) fn section(document: &Value) -> Option<String> {
    let [major, minor, patch] = version(document)?;
    Some(format!("{CHANGELOG}, {major}.{minor}.{patch}"))
}

/// Returns what is wrong with the version of the new document, or with the changelog.
pub(super) fn problems(
    old: &Value,
    new: &Value,
    changes: &[Change],
    changelog: &str,
) -> Vec<String> {
    let Some(level) = changes.iter().map(|change| change.level).max() else {
        return Vec::new();
    };
    let Some(now) = version(new) else {
        return vec!["`info.version` is not a semantic version such as 1.2.3".to_owned()];
    };
    let mut problems = Vec::new();
    // Without a semantic version in the old document, any version is high enough.
    if let Some(before) = version(old) {
        let least = match level {
            Level::Major => [before[0] + 1, 0, 0],
            Level::Minor => [before[0], before[1] + 1, 0],
            Level::Patch => [before[0], before[1], before[2] + 1],
        };
        if now < least {
            let [major, minor, patch] = least;
            problems.push(format!(
                "{level} changes since the release require at least version {major}.{minor}.{patch} in `info.version`"
            ));
        }
    }
    let [major, minor, patch] = now;
    let heading = format!("## {major}.{minor}.{patch}");
    let Some(entries) = entries(changelog, &heading) else {
        problems.push(format!("{CHANGELOG} has no section `{heading}`"));
        return problems;
    };
    let section = format!("{CHANGELOG}, {major}.{minor}.{patch}");
    problems.extend(mismatches(old, new, changes, &entries).map(|it| format!("{section}: {it}")));
    problems
}

/// Subjects that have changed but are not in the changelog, and the reverse.
fn mismatches(
    old: &Value,
    new: &Value,
    changes: &[Change],
    entries: &[String],
) -> impl Iterator<Item = String> {
    let relevant = changes.iter().filter(|change| change.level > Level::Patch);
    let mut changed: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in relevant {
        changed.entry(change.subject()).or_default().push(change);
    }
    let named: BTreeSet<&str> = entries.iter().flat_map(|entry| names(entry)).collect();
    let mut found = Vec::new();
    for (name, changes) in &changed {
        if !named.contains(name) {
            let changes: Vec<_> = changes.iter().map(|it| format!("\n  {it}")).collect();
            found.push(format!(
                "add a line that names `{name}`, which has changed:{}",
                changes.concat()
            ));
        }
    }
    let subjects = subjects(old).chain(subjects(new));
    let unchanged: BTreeSet<&str> = subjects
        .filter(|name| !changed.contains_key(name))
        .collect();
    for name in unchanged.intersection(&named) {
        found.push(format!(
            "a line names `{name}`, which has not changed; remove the name"
        ));
    }
    found.into_iter()
}

/// The list entries below a heading, each joined to one line.
fn entries(changelog: &str, heading: &str) -> Option<Vec<String>> {
    let mut lines = changelog.lines().skip_while(|line| *line != heading);
    lines.next()?;
    let mut entries: Vec<String> = Vec::new();
    for line in lines.take_while(|line| !line.starts_with("## ")) {
        match (line.strip_prefix("- "), entries.last_mut()) {
            (Some(entry), _) => entries.push(entry.to_owned()),
            (None, Some(entry)) if line.starts_with("  ") => {
                entry.push(' ');
                entry.push_str(line.trim());
            }
            _ => {}
        }
    }
    Some(entries)
}

/// The names in backticks in an entry; of `Schema.property`, the schema.
fn names(entry: &str) -> impl Iterator<Item = &str> {
    let spans = entry.split('`').skip(1).step_by(2);
    spans.filter_map(|span| span.split('.').next())
}

/// The semantic version in `info.version`.
fn version(document: &Value) -> Option<[u64; 3]> {
    let version = document.pointer("/info/version")?.as_str()?;
    let parts: Result<Vec<u64>, _> = version.split('.').map(str::parse).collect();
    parts.ok()?.try_into().ok()
}

//! `cargo xtask release --dry-run`: lists everything that a release publishes, and checks that the parts agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use xtask::{diff, regen, workspace};

use crate::package;

/// Folder of the published documents.
const PUBLISHED: &str = "openapi/published";

/// Prints the list. Returns false if parts disagree. With `build`, compiles each package.
pub(crate) fn run(build: bool) -> Result<bool> {
    let root = workspace::root();
    let mut problems = Vec::new();

    println!("crates");
    let packages = package::create(&root, build)?;
    package::print(&packages);
    let versions: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.version.as_str())
        .collect();
    if versions.len() != 1 {
        problems.push(format!(
            "the crates have different versions: {versions:?}; set one in Cargo.toml"
        ));
    }
    let version = versions.into_iter().next().unwrap_or_default();
    problems.extend(requirements(&read(&root, "Cargo.toml")?, version)?);
    if packages.iter().any(package::Package::has_problems) {
        problems.push("packages have problems, see above".to_owned());
    }

    println!("\ndocuments");
    let expected = newest(&read(&root, "openapi/CHANGELOG.md")?).unwrap_or_default();
    for entry in sorted(&root.join(PUBLISHED))? {
        let text = fs::read_to_string(root.join(PUBLISHED).join(&entry))?;
        let version = document_version(&entry, &text)?;
        println!(
            "{entry:<28} {:<8} {:>6} KiB",
            version.as_deref().unwrap_or("-"),
            text.len().div_ceil(1024)
        );
        if version.is_some_and(|version| version != expected) {
            problems.push(format!(
                "{entry} is not version {expected}, the newest in openapi/CHANGELOG.md"
            ));
        }
    }
    if !regen::run(true)? {
        problems.push("generated files are not current; run `cargo xtask regen`".to_owned());
    }
    if !diff::run(&diff::Options::default())? {
        problems
            .push("the version or the changelog of a document does not cover its changes; run `cargo xtask diff`".to_owned());
    }

    println!("\nchangelogs");
    let notes = notes(&read(&root, "CHANGELOG.md")?, version);
    println!("{:<28} {notes} entries for {version}", "CHANGELOG.md");
    if notes == 0 {
        problems.push(format!(
            "CHANGELOG.md has no entries under [Unreleased] or [{version}]"
        ));
    }
    println!("{:<28} newest {expected}", "openapi/CHANGELOG.md");

    println!();
    for problem in &problems {
        println!("error: {problem}");
    }
    if problems.is_empty() {
        println!("Everything agrees. CONTRIBUTING.md has the steps of a release.");
    }
    Ok(problems.is_empty())
}

fn read(root: &Path, file: &str) -> Result<String> {
    fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"))
}

fn sorted(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// Dependencies between crates of the workspace that require another version.
fn requirements(manifest: &str, version: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = manifest.parse().context("Cargo.toml")?;
    let dependencies = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table);
    let own = dependencies
        .into_iter()
        .flatten()
        // A dependency without a version is not published: cargo refuses to package a crate that depends on one.
        .filter(|(_, wanted)| wanted.get("path").is_some() && wanted.get("version").is_some());
    let wrong = own.filter(|(_, wanted)| {
        let wanted = wanted.get("version").and_then(toml::Value::as_str);
        wanted != Some(version)
    });
    let text =
        |(name, _)| format!("Cargo.toml requires another version of `{name}` than {version}");
    Ok(wrong.map(text).collect())
}

/// The version in a published file, if it is a document.
fn document_version(file: &str, text: &str) -> Result<Option<String>> {
    let ending = Path::new(file)
        .extension()
        .and_then(|ending| ending.to_str());
    let value: Value = match ending {
        Some("json") => serde_json::from_str(text)?,
        Some("yaml") => serde_saphyr::from_str(text)?,
        _ => return Ok(None),
    };
    let version = value.pointer("/info/version").and_then(Value::as_str);
    Ok(version.map(str::to_owned))
}

/// The version of the first heading.
fn newest(changelog: &str) -> Option<String> {
    let mut headings = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "));
    let heading = headings.next()?;
    Some(heading.split_whitespace().next()?.to_owned())
}

/// The number of changelog entries under [Unreleased] or the version.
fn notes(changelog: &str, version: &str) -> usize {
    let mut is_ours = false;
    let mut count = 0;
    for line in changelog.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let heading = heading.trim_start_matches('[');
            let name = heading.split(']').next().unwrap_or_default();
            is_ours = name == "Unreleased" || name == version;
        } else if is_ours && line.starts_with("- ") {
            count += 1;
        }
    }
    count
}

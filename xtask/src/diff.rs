//! `cargo xtask diff`: lists the changes between two documents, and what they mean for generated clients.

mod change;
mod coverage;
mod documents;
mod schemas;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::{publish, workspace};
use change::{Change, Level};

/// Folder of the documents of the last release, from the root of the checkout.
const RELEASED: &str = "openapi/released";

/// Options of `cargo xtask diff`.
#[derive(Debug, Default, Args)]
pub struct Options {
    /// The old document, JSON or YAML.
    #[arg(requires = "new")]
    old: Option<PathBuf>,
    /// The new document, JSON or YAML.
    new: Option<PathBuf>,
    /// Without files, also list every change since the last release.
    #[arg(long, conflicts_with = "old")]
    list: bool,
}

/// Compares two files; without files, compares each published document with its last release.
///
/// Returns false if the version or the changelog of a published document does not cover its changes.
///
/// # Errors
///
/// When a document or the changelog cannot be read.
pub fn run(options: &Options) -> Result<bool> {
    match (&options.old, &options.new) {
        (Some(old), Some(new)) => {
            let changes = documents::changes(&read(old)?, &read(new)?);
            print(&changes);
            println!("{}", summary(&changes));
            Ok(true)
        }
        _ => released(&workspace::root(), options.list),
    }
}

fn released(root: &Path, list: bool) -> Result<bool> {
    let changelog = fs::read_to_string(root.join(publish::CHANGELOG))
        .with_context(|| format!("reading {}", publish::CHANGELOG))?;
    let mut is_covered = true;
    for family in workspace::families(root)? {
        let name = family.name;
        let file = root.join(RELEASED).join(format!("{name}.json"));
        if !file.exists() {
            println!("{name}: never released");
            continue;
        }
        let old = read(&file)?;
        let new = read(&root.join(publish::FOLDER).join(format!("{name}.json")))?;
        let changes = documents::changes(&old, &new);
        if list {
            print(&changes);
        }
        let problems = coverage::problems(&old, &new, &changes, &changelog);
        let coverage = match coverage::section(&new) {
            Some(section) if problems.is_empty() && !changes.is_empty() => {
                format!(", all described in {section}")
            }
            _ => String::new(),
        };
        println!("{name}: {} since the release{coverage}", summary(&changes));
        for problem in problems {
            is_covered = false;
            eprintln!("{name}: {problem}");
        }
    }
    Ok(is_covered)
}

fn read(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("in {}", file.display()))
}

fn print(changes: &[Change]) {
    changes.iter().for_each(|change| println!("{change}"));
}

fn summary(changes: &[Change]) -> String {
    let count = |level| changes.iter().filter(|it| it.level == level).count();
    match (count(Level::Major), count(Level::Minor), changes.len()) {
        (0, 0, 0) => "no changes".to_owned(),
        (0, 0, _) => "only descriptions or examples changed".to_owned(),
        (breaking, additions, _) => format!("{breaking} breaking changes, {additions} additions"),
    }
}

//! `cargo xtask tidy`: checks of the repository's files that no compiler does.
//!
//! Exceptions are listed in `xtask/tidy.toml`; that list may only shrink.

mod circles;
mod files;
mod finding;
mod literals;
mod ratchet;
mod survey;
mod words;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::workspace;
use finding::Finding;
use ratchet::Ratchet;
use survey::Survey;

/// Prints every finding. Returns false if there is one. With `shrink`, removes exceptions that are no longer needed.
pub fn run(shrink: bool) -> Result<bool> {
    let root = workspace::root();
    if shrink {
        let ratchet = Ratchet::read(&root)?;
        ratchet.shrunk(&Survey::of(&root)?).write(&root)?;
    }
    let report = report(&root)?;
    for finding in &report.findings {
        eprintln!("{finding}");
    }
    for note in &report.notes {
        println!("note: {note}");
    }
    if report.findings.is_empty() {
        println!("{} files are tidy", report.files);
    }
    Ok(report.findings.is_empty())
}

/// The files of the checkout, including uncommitted ones.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    files::listed(root)
}

struct Report {
    files: usize,
    findings: Vec<Finding>,
    /// Exceptions that are no longer needed.
    notes: Vec<String>,
}

fn report(root: &Path) -> Result<Report> {
    let listed = files::listed(root)?;
    let mut findings = files::findings(root, &listed)?;
    let notes = Ratchet::read(root)?.compare(&Survey::of(root)?, &mut findings);
    findings.sort();
    Ok(Report {
        files: listed.len(),
        findings,
        notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_tidy() {
        let report = report(&workspace::root()).unwrap();
        let findings: Vec<_> = report.findings.iter().map(Finding::to_string).collect();
        assert_eq!(findings, Vec::<String>::new());
        assert!(report.files > 100);
    }
}

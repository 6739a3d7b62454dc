//! `cargo xtask tidy`: checks of the repository's files that no compiler does.

mod circles;
mod files;
mod finding;
mod lines;
mod literals;
mod modules;
mod sources;
mod words;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::workspace;
use finding::Finding;

/// Prints every finding. Returns false if there is one.
pub fn run() -> Result<bool> {
    let root = workspace::root();
    let files = files(&root)?;
    let findings = findings(&root, &files)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        println!("{} files are tidy", files.len());
    }
    Ok(findings.is_empty())
}

/// The files of the checkout, including uncommitted ones.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    files::listed(root)
}

fn findings(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut findings = files::findings(root, files)?;
    let known = literals::Known::read(root)?;
    for folder in workspace::crates(root)? {
        let sources = sources::read(root, &folder.join("src"))?;
        words::check(&sources, &mut findings);
        literals::check(&sources, &known, &mut findings);
        circles::check(&folder, &sources, &mut findings);
    }
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_tidy() {
        let root = workspace::root();
        let files = files(&root).unwrap();
        let findings = findings(&root, &files).unwrap();
        let findings: Vec<_> = findings.iter().map(Finding::to_string).collect();
        assert_eq!(findings, Vec::<String>::new());
        assert!(files.len() > 100);
    }
}

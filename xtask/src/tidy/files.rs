//! Lists the files of the checkout, and checks their names and lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use regex::Regex;

use super::finding::Finding;
use super::lines::Lines;

/// The files and folders allowed at the top of the checkout.
const TOP: [&str; 21] = [
    ".cargo",
    ".ci",
    ".dockerignore",
    ".gitattributes",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "compose.yaml",
    "deny.toml",
    "openapi",
    "rust-toolchain.toml",
];
/// Top-level folders beside `openapi/`.
const WORKSPACE: [&str; 3] = ["crates", "tests", "xtask"];

/// Files and folders that tools leave behind.
const LEFT_BEHIND: [&str; 13] = [
    ".DS_Store",
    ".hypothesis",
    ".idea",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".schemathesis",
    ".venv",
    ".vscode",
    "__pycache__",
    "mutants.out",
    "node_modules",
    "target",
];
const ENDINGS: [&str; 16] = [
    "~",
    ".bak",
    ".db",
    ".log",
    ".new",
    ".orig",
    ".patch",
    ".pending-snap",
    ".profraw",
    ".pyc",
    ".rej",
    ".sqlite",
    ".sqlite3",
    ".swp",
    ".tgz",
    ".tmp",
];

/// Lists the files of the checkout, including uncommitted ones, without those that git ignores.
///
/// Without git, as in an unpacked archive, lists all files outside of folders that tools create.
pub(super) fn listed(root: &Path) -> Result<Vec<PathBuf>> {
    let listing = Command::new("git")
        .args(["-c", "safe.directory=*", "-C"])
        .arg(root)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output();
    let mut files = match listing {
        Ok(listing) if listing.status.success() => String::from_utf8(listing.stdout)
            .context("a file name is not UTF-8")?
            .split_terminator('\0')
            .map(PathBuf::from)
            // Deleted, but the deletion is not committed.
            .filter(|file| root.join(file).is_file())
            .collect(),
        _ => {
            let mut files = Vec::new();
            walk(root, Path::new(""), &mut files)?;
            files
        }
    };
    files.sort();
    files.dedup();
    Ok(files)
}

/// Collects the files below a folder.
pub(super) fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = folder.join(&name);
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if name != ".git" && !LEFT_BEHIND.iter().any(|known| name == *known) {
            walk(root, &path, files)?;
        }
    }
    Ok(())
}

/// Checks the names and lines of all files.
pub(super) fn findings(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let lines = Lines::new(root)?;
    let mut findings = Vec::new();
    for path in files {
        let name = path.to_string_lossy().replace('\\', "/");
        findings.extend(stray(&name));
        let bytes = fs::read(root.join(path)).with_context(|| format!("reading {name}"))?;
        match String::from_utf8(bytes) {
            Ok(text) => lines.check(&name, &text, &mut findings),
            Err(_) => findings.push(Finding {
                file: name,
                line: 0,
                rule: "binary",
                message: "the file is binary; generate it from its source instead".to_owned(),
            }),
        }
    }
    if let Ok(configuration) = fs::read_to_string(root.join(MUTANTS)) {
        findings.extend(unmatched(&configuration, files)?);
    }
    Ok(findings)
}

/// The configuration of `cargo xtask mutants`.
const MUTANTS: &str = ".cargo/mutants.toml";

/// Finds patterns in [`MUTANTS`] that match no file, because a module was moved or renamed.
fn unmatched(configuration: &str, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let configuration: toml::Table = toml::from_str(configuration).context(MUTANTS)?;
    let patterns = configuration
        .get("examine_globs")
        .and_then(toml::Value::as_array);
    let mut findings = Vec::new();
    for pattern in patterns.into_iter().flatten().filter_map(|it| it.as_str()) {
        let regex = regex::escape(pattern).replace(r"\*", "[^/]*");
        let regex = Regex::new(&format!("^{regex}$"))?;
        let fits = |path: &PathBuf| regex.is_match(&path.to_string_lossy().replace('\\', "/"));
        if !files.iter().any(fits) {
            findings.push(Finding {
                file: MUTANTS.to_owned(),
                line: 0,
                rule: "mutants",
                message: format!(
                    "the pattern `{pattern}` in `examine_globs` matches no file; adapt it to the new name"
                ),
            });
        }
    }
    Ok(findings)
}

/// Checks whether a file belongs into the checkout.
fn stray(name: &str) -> Option<Finding> {
    let finding = |message: String| Finding {
        file: name.to_owned(),
        line: 0,
        rule: "stray-file",
        message,
    };
    let top = name.split('/').next().unwrap_or_default();
    if !TOP.contains(&top) && !WORKSPACE.contains(&top) {
        return Some(finding(format!(
            "`{top}` is not allowed at the top of the checkout; move it, or add it to TOP in xtask/src/tidy/files.rs"
        )));
    }
    let left = LEFT_BEHIND
        .iter()
        .find(|known| name.split('/').any(|part| part == **known))
        .or_else(|| ENDINGS.iter().find(|ending| name.ends_with(**ending)))?;
    Some(finding(format!(
        "`{left}` was left behind by a tool; run `git rm --cached` and add it to .gitignore"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_left_behind_by_tools_are_reported() {
        for name in [
            "tests/schemathesis/.schemathesis/cache/manifest.json",
            "crates/modelarts/src/lib.rs.orig",
            "tests/clients/__pycache__/steps.pyc",
            "notes.txt",
            "scratch/main.rs",
        ] {
            assert!(stray(name).is_some(), "{name}");
        }
        for name in [
            "Cargo.toml",
            "openapi/lint/.npmrc",
            "crates/modelarts/src/lib.rs",
        ] {
            assert!(stray(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_pattern_that_matches_no_file_is_reported() {
        let files = ["a/b/c.rs", "a/d.rs"].map(PathBuf::from);
        let of = |pattern: &str| {
            let configuration = format!("examine_globs = [\"{pattern}\"]");
            unmatched(&configuration, &files).unwrap().len()
        };
        assert_eq!(["a/d.rs", "a/b/*.rs", "a/*.rs"].map(of), [0, 0, 0]);
        assert_eq!(["a/e.rs", "*.rs", "a/b/c"].map(of), [1, 1, 1]);
    }
}

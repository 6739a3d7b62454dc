//! `cargo xtask samples`: compares every sample, decoded and encoded by its Rust type, with the snapshots.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use similar::TextDiff;

use crate::workspace;

/// Folder of the snapshots, from the root of the checkout.
const SNAPSHOTS: &str = "tests/tests/snapshots/samples";

/// Runs the snapshot test and prints the differences; `review` asks for each whether to accept it.
///
/// Returns whether no difference is left.
///
/// # Errors
///
/// When cargo cannot be started, or the test fails for another reason than a snapshot.
pub fn run(review: bool) -> Result<bool> {
    let root = workspace::root();
    let folder = root.join(SNAPSHOTS);
    // Removes pending snapshots of earlier runs.
    for stale in pending(&folder)? {
        fs::remove_file(stale.new)?;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(&root)
        .args([
            "test",
            "--quiet",
            "--package",
            "modelarts-tests",
            "--test",
            "samples",
        ])
        .env("INSTA_UPDATE", "new")
        .env("INSTA_FORCE_PASS", "1")
        .output()
        .context("starting the test of the samples")?;
    let changed = pending(&folder)?;
    if !output.status.success() && changed.is_empty() {
        bail!(
            "the test fails for another reason than its snapshots:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut open = 0;
    for snapshot in &changed {
        println!("{}", snapshot.difference()?);
        match review && accepted(&snapshot.name)? {
            true => snapshot.accept()?,
            false => open += 1,
        }
    }
    match open {
        0 => println!("every sample matches its snapshot"),
        open => println!(
            "{open} samples differ from their snapshots; review them with `cargo xtask samples --review`"
        ),
    }
    Ok(open == 0)
}

/// A snapshot that a test wrote beside the committed one.
struct Pending {
    name: String,
    old: PathBuf,
    new: PathBuf,
}

impl Pending {
    fn difference(&self) -> Result<String> {
        let old = fs::read_to_string(&self.old).unwrap_or_default();
        let new = fs::read_to_string(&self.new)?;
        Ok(difference(&self.name, body(&old), body(&new)))
    }

    fn accept(&self) -> Result<()> {
        let new = fs::read_to_string(&self.new)?;
        // The line number of the assertion changes with every edit of the test.
        let lines = new
            .lines()
            .filter(|line| !line.starts_with("assertion_line:"));
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        fs::write(&self.old, text)?;
        fs::remove_file(&self.new)?;
        Ok(())
    }
}

/// The snapshots with a newer version beside them, by name.
fn pending(folder: &Path) -> Result<Vec<Pending>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let new = entry?.path();
        let name = new.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.and_then(|name| name.strip_suffix(".snap.new")) {
            found.push(Pending {
                name: name.to_owned(),
                old: folder.join(format!("{name}.snap")),
                new: new.clone(),
            });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The content of a snapshot below its header.
fn body(snapshot: &str) -> &str {
    let below = snapshot.strip_prefix("---\n");
    let below = below.and_then(|rest| rest.split_once("\n---\n"));
    below.map_or(snapshot, |(_, body)| body)
}

fn difference(name: &str, old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .header(&format!("{name} (snapshot)"), &format!("{name} (now)"))
        .to_string()
}

fn accepted(name: &str) -> Result<bool> {
    print!("accept as the snapshot of {name}? [y/N] ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(["y", "yes"].contains(&line.trim().to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_snapshot_is_no_difference() {
        let old = "---\nsource: a.rs\n---\n{\n  \"a\": 1\n}\n";
        let new = "---\nsource: b.rs\nassertion_line: 3\n---\n{\n  \"a\": 2\n}\n";
        let shown = difference("show", body(old), body(new));
        assert!(shown.contains("-  \"a\": 1\n+  \"a\": 2\n"), "{shown}");
        assert!(!shown.contains("source"), "{shown}");
    }

    #[test]
    fn a_newer_version_is_found_and_accepted() {
        let folder = std::env::temp_dir().join(format!("xtask-samples-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.snap"), "---\nsource: a\n---\n1\n").unwrap();
        fs::write(
            folder.join("a.snap.new"),
            "---\nsource: a\nassertion_line: 9\n---\n2\n",
        )
        .unwrap();
        let found = pending(&folder).unwrap();
        assert_eq!(found.len(), 1);
        found[0].accept().unwrap();
        assert!(pending(&folder).unwrap().is_empty());
        let text = fs::read_to_string(folder.join("a.snap")).unwrap();
        assert_eq!(text, "---\nsource: a\n---\n2\n");
        fs::remove_dir_all(&folder).unwrap();
    }
}

//! Copies of the checkout that commands may modify.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xtask::tidy;

/// Synchronizes the copy with the checkout. Leaves unchanged files untouched, so cargo rebuilds little.
pub(crate) fn synchronize(root: &Path, copy: &Path) -> Result<()> {
    let files: BTreeSet<PathBuf> = tidy::files(root)?.into_iter().collect();
    for file in &files {
        let (from, to) = (root.join(file), copy.join(file));
        let wanted = fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
        if fs::read(&to).is_ok_and(|found| found == wanted) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, wanted).with_context(|| format!("writing {}", to.display()))?;
    }
    let mut found = Vec::new();
    collect(copy, Path::new(""), &mut found)?;
    for file in found.iter().filter(|file| !files.contains(*file)) {
        fs::remove_file(copy.join(file))?;
    }
    Ok(())
}

/// Collects all files below a folder of a copy, by their path in the copy.
pub(crate) fn collect(copy: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(copy.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => collect(copy, &path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

//! `cargo xtask regen`: writes the generated files, or checks that they are current.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use similar::TextDiff;

use crate::catalogue::Catalogue;
use crate::{check, documentation, facade, generate, publish, server, workspace};

/// Writes the files, or only compares them if `check` is set. Returns false if a document has a problem or a file
/// differs.
pub fn run(check: bool) -> Result<bool> {
    run_in(&workspace::root(), check)
}

/// Does the same in another checkout.
pub fn run_in(root: &Path, check: bool) -> Result<bool> {
    let documents = match check::documents(root)? {
        Ok(documents) => documents,
        Err(problems) => {
            for problem in &problems {
                eprintln!("{problem}");
            }
            eprintln!("\nNo file was written. Fix the problems above in the documents first.");
            return Ok(false);
        }
    };
    let catalogue = Catalogue::read(root)?;
    let files = generate::files(root, &documents, &catalogue)?;
    let stale = stale(root, &files.keys().cloned().collect())?;
    if check {
        return compare(root, &files, &stale);
    }
    let mut written = 0;
    for (path, text) in &files {
        let path = root.join(path);
        if fs::read_to_string(&path).is_ok_and(|old| normal(&old) == *text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Renaming is atomic: a crash leaves either the old or the new file.
        let fresh = path.with_extension("new");
        fs::write(&fresh, text).with_context(|| format!("writing {}", fresh.display()))?;
        fs::rename(&fresh, &path).with_context(|| format!("writing {}", path.display()))?;
        written += 1;
    }
    for path in &stale {
        fs::remove_file(root.join(path))?;
    }
    println!(
        "{} files, {written} written, {} removed",
        files.len(),
        stale.len()
    );
    Ok(true)
}

fn compare(
    root: &Path,
    files: &std::collections::BTreeMap<PathBuf, String>,
    stale: &BTreeSet<PathBuf>,
) -> Result<bool> {
    let mut differ = 0;
    for (path, text) in files {
        let old = fs::read_to_string(root.join(path)).unwrap_or_default();
        let old = normal(&old);
        if old == *text {
            continue;
        }
        differ += 1;
        let name = path.display().to_string();
        print!(
            "{}",
            TextDiff::from_lines(&old, text)
                .unified_diff()
                .context_radius(3)
                .header(
                    &format!("{name} (on disk)"),
                    &format!("{name} (from the document)")
                )
        );
    }
    for path in stale {
        differ += 1;
        println!(
            "{} is no longer generated; `cargo xtask regen` removes it",
            path.display()
        );
    }
    if differ > 0 {
        eprintln!(
            "\n{differ} generated files differ from the documents. Run `cargo xtask regen` and commit the result. \
             Do not edit generated files: change the document in openapi/ or the generator in xtask/."
        );
        return Ok(false);
    }
    println!("all {} generated files are current", files.len());
    Ok(true)
}

/// Files in the generated folders that are no longer generated.
fn stale(root: &Path, known: &BTreeSet<PathBuf>) -> Result<BTreeSet<PathBuf>> {
    fn collect(root: &Path, folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
        let Ok(entries) = fs::read_dir(root.join(folder)) else {
            return Ok(());
        };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                collect(root, &path, found)?;
            } else {
                found.insert(path);
            }
        }
        Ok(())
    }
    let mut found = BTreeSet::new();
    let folders = [
        generate::CODE,
        facade::CODE,
        server::CODE,
        publish::FOLDER,
        documentation::FOLDER,
    ];
    for folder in folders {
        collect(root, Path::new(folder), &mut found)?;
    }
    Ok(found.difference(known).cloned().collect())
}

/// Normalizes line endings, for checkouts that convert them.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n")
}

//! `cargo xtask readme`: builds and runs the example of `README.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use xtask::workspace;

use crate::process::cargo;
use crate::target;

/// The section with the manifest and the program.
const SECTION: &str = "\n## The library\n";
/// The placeholder for the checkout in the manifest.
const CHECKOUT: &str = "../modelarts-rs/";

/// Builds a package from the manifest and the program in `README.md`, outside of the workspace, and runs it.
pub(crate) fn run() -> Result<bool> {
    let root = workspace::root();
    let path = root.join("README.md");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let folder = std::env::temp_dir().join(format!("modelarts-readme-{}", std::process::id()));
    let outcome = build(&root, &text, &folder);
    fs::remove_dir_all(&folder).ok();
    outcome
}

fn build(root: &Path, text: &str, folder: &Path) -> Result<bool> {
    let section = section(text)?;
    let manifest = block(section, "toml")?;
    if !manifest.contains(CHECKOUT) {
        bail!("the manifest in README.md must refer to the checkout as `{CHECKOUT}`");
    }
    let checkout = format!("{}/", root.display());
    fs::create_dir_all(folder.join("src"))?;
    // Without `[workspace]`, cargo would search the folders above for one.
    let manifest = manifest.replace(CHECKOUT, &checkout) + "\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/main.rs"), block(section, "rust")?)?;
    // Uses the tested versions for all packages that the workspace has too.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let status = cargo()
        .arg("run")
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target::folder()?)
        .status()
        .context("starting cargo")?;
    Ok(status.success())
}

fn section(text: &str) -> Result<&str> {
    let (_, after) = text
        .split_once(SECTION)
        .with_context(|| format!("README.md has no section `{}`", SECTION.trim()))?;
    Ok(after.split("\n## ").next().unwrap_or(after))
}

/// The first code block of a language.
fn block<'a>(section: &'a str, language: &str) -> Result<&'a str> {
    let opening = format!("```{language}\n");
    let inside = section.split_once(&opening).map(|(_, after)| after);
    let code = inside.and_then(|after| after.split_once("\n```"));
    code.map(|(code, _)| code).with_context(|| {
        format!(
            "README.md has no `{language}` block under `{}`",
            SECTION.trim()
        )
    })
}

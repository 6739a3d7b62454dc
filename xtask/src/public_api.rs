//! `cargo xtask public-api`: compares the public API of each published crate with its committed listing.
//!
//! The listing `api.txt` is beside the manifest, so reviews show every change of the public API.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use similar::TextDiff;
use xtask::workspace;

use crate::process::{cargo, succeed};
use crate::target;

const LIST: &str = "api.txt";

/// Compares the listings with the crates, or updates them if `write` is set. Returns false if one differs.
pub(crate) fn run(write: bool) -> Result<bool> {
    let root = workspace::root();
    let mut differ = 0;
    for folder in libraries(&root)? {
        let path = root.join(&folder).join(LIST);
        let found = list(&root.join(&folder))?;
        let known = fs::read_to_string(&path).unwrap_or_default();
        let known = known.replace("\r\n", "\n");
        if found == known {
            continue;
        }
        differ += 1;
        let name = folder.join(LIST).display().to_string();
        if write {
            fs::write(&path, found).with_context(|| format!("writing {name}"))?;
            println!("{name} is written");
            continue;
        }
        let diff = TextDiff::from_lines(&known, &found);
        let mut diff = diff.unified_diff();
        let diff = diff.context_radius(0);
        print!("{}", diff.header(&name, "the public API of the crate"));
    }
    if differ > 0 && !write {
        eprintln!(
            "\nThe public API of {differ} crates differs from the listing `api.txt`. If that is intended, run \
             `cargo xtask public-api --write`, commit the listings, and describe the change in CHANGELOG.md."
        );
        return Ok(false);
    }
    if !write {
        println!("the public API of every crate matches its listing");
    }
    Ok(true)
}

/// The folders of the published libraries.
fn libraries(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = workspace::crates(root)?;
    folders.retain(|folder| {
        folder.starts_with("crates") && root.join(folder).join("src/lib.rs").is_file()
    });
    Ok(folders)
}

/// Lists the public items of a crate with all its features, one per line, sorted.
///
/// Blanket implementations and auto traits are omitted.
fn list(folder: &Path) -> Result<String> {
    let (name, features) = manifest(folder)?;
    // A separate target folder, since build scripts behave differently with unstable features.
    let target = target::folder()?.join("public-api");
    succeed(
        cargo()
            .args(["rustdoc", "--quiet", "--locked", "--lib", "--package"])
            .arg(&name)
            .args(["--no-default-features", "--features"])
            .arg(features.join(","))
            .args(["--", "-Zunstable-options", "--output-format", "json"])
            // `cargo doc` already reports these warnings.
            .args(["--cap-lints", "allow"])
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", &target)
            .env("RUSTC_BOOTSTRAP", "1"),
    )?;
    let json = target.join(format!("doc/{}.json", name.replace('-', "_")));
    let api = public_api::Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build();
    let api = api.with_context(|| {
        format!(
            "reading {}: its format depends on the toolchain; set `public-api` in xtask/Cargo.toml to a version \
             that supports it",
            json.display()
        )
    })?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// The name of a crate and the features that enable all its items.
fn manifest(folder: &Path) -> Result<(String, Vec<String>)> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: toml::Table = text
        .parse()
        .with_context(|| format!("in {}", path.display()))?;
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name")?.as_str());
    let name = name.with_context(|| format!("{} has no package name", path.display()))?;
    let features = manifest.get("features").and_then(toml::Value::as_table);
    let features = features.into_iter().flat_map(toml::Table::keys);
    // Features of TLS add no items, and the non-default one needs a system library.
    let features = features.filter(|name| *name != "default" && *name != "native-tls");
    Ok((name.to_owned(), features.cloned().collect()))
}

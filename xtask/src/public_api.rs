//! `cargo xtask public-api`: has what other crates can use of a published crate changed?
//!
//! The list of a crate is committed beside its manifest, so that a change of its public API is seen in review.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use similar::TextDiff;
use xtask::workspace;

use crate::python;

const LIST: &str = "api.txt";

/// Compares the lists with the crates, or with `write` replaces them; false when one of them differs.
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
            "\nThe public API of {differ} crates is not what their lists say. If that is on purpose, run \
             `cargo xtask public-api --write` and commit the lists; the changelog says what changes for users."
        );
        return Ok(false);
    }
    if !write {
        println!("the public API of every crate is what its list says");
    }
    Ok(true)
}

/// The folders of the crates that others can depend on.
fn libraries(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = workspace::crates(root)?;
    folders.retain(|folder| {
        folder.starts_with("crates") && root.join(folder).join("src/lib.rs").is_file()
    });
    Ok(folders)
}

/// What a crate offers with all its features: an item a line, sorted.
///
/// What every type has from elsewhere is left out: implementations for all types, and of `Send` and the like.
fn list(folder: &Path) -> Result<String> {
    let (name, features) = manifest(folder)?;
    // Of its own, since build scripts take another way when unstable features are allowed.
    let target = python::target()?.join("public-api");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    python::succeed(
        Command::new(cargo)
            .args(["rustdoc", "--quiet", "--locked", "--lib", "--package"])
            .arg(&name)
            .args(["--no-default-features", "--features"])
            .arg(features.join(","))
            .args(["--", "-Zunstable-options", "--output-format", "json"])
            // The warnings are those of `cargo doc`.
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
            "reading {}, whose form is that of the toolchain: `public-api` in xtask/Cargo.toml must be of a version \
             that reads it",
            json.display()
        )
    })?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// The name of a crate and the features under which it has all its items.
fn manifest(folder: &Path) -> Result<(String, Vec<String>)> {
    let path = folder.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: toml::Table = text
        .parse()
        .with_context(|| format!("in {}", path.display()))?;
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name")?.as_str());
    let name = name.with_context(|| format!("{} names no package", path.display()))?;
    let features = manifest.get("features").and_then(toml::Value::as_table);
    let features = features.into_iter().flat_map(toml::Table::keys);
    // The TLS library adds no item, and the one that is not the default needs a library of the system.
    let features = features.filter(|name| *name != "default" && *name != "native-tls");
    Ok((name.to_owned(), features.cloned().collect()))
}

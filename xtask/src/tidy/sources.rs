//! The hand-written Rust files of a crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::files::walk;

/// A hand-written Rust file.
pub(super) struct Source {
    /// Path from the root of the checkout.
    pub(super) path: PathBuf,
    pub(super) syntax: syn::File,
}

impl Source {
    /// The path with slashes, for findings.
    pub(super) fn name(&self) -> String {
        self.path.to_string_lossy().replace('\\', "/")
    }
}

/// Parses the Rust files below a folder, except generated files and test modules.
pub(super) fn read(root: &Path, folder: &Path) -> Result<Vec<Source>> {
    let mut files = Vec::new();
    walk(root, folder, &mut files)?;
    files.sort();
    let mut sources = Vec::new();
    for path in files {
        let generated = path
            .components()
            .any(|part| part.as_os_str() == "generated");
        if generated || path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(root.join(&path))?;
        let syntax = syn::parse_file(&text).with_context(|| format!("in {}", path.display()))?;
        sources.push(Source { path, syntax });
    }
    let tests: BTreeSet<PathBuf> = sources.iter().flat_map(tests_of).collect();
    sources.retain(|source| !tests.contains(&source.path));
    Ok(sources)
}

/// Whether an item is test code.
pub(super) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    })
}

/// The files of a file's test modules.
fn tests_of(source: &Source) -> Vec<PathBuf> {
    let stem = source.path.file_stem().unwrap_or_default();
    let mut folder = source.path.with_file_name("");
    if !["lib", "main", "mod"].iter().any(|root| stem == *root) {
        folder.push(stem);
    }
    let mut files = Vec::new();
    for item in &source.syntax.items {
        if let syn::Item::Mod(module) = item
            && module.content.is_none()
            && is_test(&module.attrs)
        {
            let name = module.ident.to_string();
            files.push(folder.join(format!("{name}.rs")));
            files.push(folder.join(name).join("mod.rs"));
        }
    }
    files
}

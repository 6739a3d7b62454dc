//! Where things are, and which documents there are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The root of the checkout.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The folders of the crates whose text is held to rules: those below `crates/`, and the maintainers' commands.
pub fn crates(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![PathBuf::from("xtask")];
    for entry in fs::read_dir(root.join("crates"))? {
        let folder = Path::new("crates").join(entry?.file_name());
        if root.join(&folder).join("Cargo.toml").is_file() {
            folders.push(folder);
        }
    }
    folders.sort();
    Ok(folders)
}

/// The JSON files of a folder in the order of their names; at least one, each with some `what`.
pub(crate) fn json_files(folder: &Path, what: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    ensure!(
        !files.is_empty(),
        "{} holds no {what} (*.json)",
        folder.display()
    );
    Ok(files)
}

/// Reads a JSON file.
pub(crate) fn json<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("in {}", file.display()))
}

/// One line of `openapi/documents.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Name of the document, the generated module and its cargo feature.
    pub name: String,
    /// Folder with the pages that it was transcribed from, below the folder that `cargo xtask verify` is given.
    pub pages: Option<String>,
    /// The service that its requests go to.
    #[serde(default)]
    pub service: Service,
    /// Whether the emulator implements it; otherwise it responds with 501.
    #[serde(default = "yes")]
    pub emulated: bool,
}

/// The services that have an address of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Service {
    /// ModelArts itself.
    #[default]
    #[serde(rename = "modelarts")]
    ModelArts,
    /// The identity service.
    #[serde(rename = "identity")]
    Identity,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    document: Vec<Family>,
}

/// The API families of `openapi/documents.toml`.
pub fn families(root: &Path) -> Result<Vec<Family>> {
    let path = root.join("openapi/documents.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let list: List = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    Ok(list.document)
}

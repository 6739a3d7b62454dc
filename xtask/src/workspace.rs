//! Paths of the checkout and the list of documents.

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

/// The folders of the crates that `cargo xtask tidy` checks: those below `crates/`, and xtask.
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

/// The JSON files of a folder, sorted by name. An empty folder is an error, which names `what` is missing.
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
        "{} contains no {what} (*.json)",
        folder.display()
    );
    Ok(files)
}

/// Reads a JSON file.
pub(crate) fn json<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("in {}", file.display()))
}

/// An entry of `openapi/documents.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Name of the document, of the generated module, and of the cargo feature.
    pub name: String,
    /// Folder of the pages it was transcribed from, below the argument of `cargo xtask verify`.
    pub pages: Option<String>,
    /// The service to which its requests are sent.
    #[serde(default)]
    pub service: Service,
    /// Whether the emulator implements it; otherwise it responds with 501.
    #[serde(default = "yes")]
    pub emulated: bool,
}

/// The services, each with its own endpoint.
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

//! The locations of the program's files, and how they are written.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use etcetera::{AppStrategyArgs, choose_app_strategy};

/// Returns the platform's directories for the files of a program.
pub(crate) fn directories() -> Option<impl etcetera::AppStrategy> {
    choose_app_strategy(AppStrategyArgs {
        top_level_domain: "io".to_owned(),
        author: "modelarts-rs".to_owned(),
        app_name: "modelarts".to_owned(),
    })
    .ok()
}

/// Writes a file atomically, readable only by its owner.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    // A file left behind by a process with the same id could be readable by others.
    fs::remove_file(&unfinished).ok();
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        fs::remove_file(&unfinished).ok();
    }
    written.with_context(|| format!("writing {}", path.display()))
}

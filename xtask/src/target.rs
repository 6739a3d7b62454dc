//! Folders below `target` in which commands work.

use std::env;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The target folder, found from the path of the running program.
pub(crate) fn folder() -> Result<PathBuf> {
    let program = env::current_exe().context("locating the running executable")?;
    let folder = program.parent().and_then(Path::parent);
    Ok(folder
        .context("the running executable is not in a target folder; start it with `cargo xtask`")?
        .to_path_buf())
}

/// A folder below `target` that other runs cannot lock until this value is dropped.
pub(crate) struct LockedFolder {
    pub(crate) path: PathBuf,
    _lock: File,
}

/// Locks the folder `target/<name>`; waits while another run of the command has it.
pub(crate) fn locked(name: &str) -> Result<LockedFolder> {
    let path = folder()?.join(name);
    let lock = path.with_extension("lock");
    let file = File::create(&lock).with_context(|| format!("creating {}", lock.display()))?;
    wait(&file, &path)?;
    Ok(LockedFolder { path, _lock: file })
}

/// Locks a file or folder that protects `path`.
pub(crate) fn wait(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => return Ok(()),
        Err(TryLockError::WouldBlock) => {
            eprintln!("waiting for another run that uses {}", path.display());
        }
        // Some network file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(()),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", path.display()));
        }
    }
    file.lock()
        .with_context(|| format!("locking {}", path.display()))
}

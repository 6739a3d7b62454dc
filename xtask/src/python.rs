//! Virtual environments with pinned packages, for tools that come from PyPI.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The interpreter of the environment `target/<name>-venv` in which everything of `requirements` is installed.
///
/// The environment is made when it is missing or when the requirements have changed since; it takes the
/// `python3` of the search path.
pub(crate) fn environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("reading {}", requirements.display()))?;
    let folder = target()?.join(format!("{name}-venv"));
    let stamp = folder.join("installed.txt");
    let interpreter = if cfg!(windows) {
        folder.join("Scripts/python.exe")
    } else {
        folder.join("bin/python")
    };
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter);
    }
    println!(
        "installing {} into {}",
        requirements.display(),
        folder.display()
    );
    let system = if cfg!(windows) { "python" } else { "python3" };
    succeed(
        Command::new(system)
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    succeed(
        Command::new(&interpreter)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(requirements),
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(interpreter)
}

/// The folder for everything that is built, which is also where this program lies.
pub(crate) fn target() -> Result<PathBuf> {
    let program = env::current_exe().context("looking for this program")?;
    let folder = program.parent().and_then(Path::parent);
    Ok(folder
        .context("this program lies outside of a target folder")?
        .to_path_buf())
}

/// Runs a command; an error unless it ends well.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{} ended with {status}", command.get_program().display());
    }
    Ok(())
}

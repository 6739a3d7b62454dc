//! Starts the emulator as a separate process, as a user would.

use std::env;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use modelarts_test_support::process::EmulatorProcess;

use crate::process::{cargo, succeed};

/// A running `modelarts emulator` on a free port of the loopback interface. Dropping it stops the process.
pub(crate) struct Emulator {
    _process: EmulatorProcess,
    /// The URL, `http://127.0.0.1:<port>`.
    pub(crate) url: String,
}

impl Emulator {
    /// Builds the command-line program and starts its emulator with these fixtures and further arguments.
    pub(crate) fn start(root: &Path, fixtures: &Path, arguments: &[&str]) -> Result<Self> {
        let program = program(root)?;
        let mut command = Command::new(&program);
        command
            .args(["emulator", "--port=0", "--log=off", "--fixtures"])
            .arg(fixtures)
            .args(arguments)
            .current_dir(root);
        let mut process = EmulatorProcess::start(command)
            .with_context(|| format!("starting {}", program.display()))?;
        // Drains the output, since a full pipe would block the emulator.
        if let Some(output) = process.take_output() {
            thread::spawn(move || output.lines().for_each(drop));
        }
        Ok(Self {
            url: process.url(),
            _process: process,
        })
    }
}

/// Builds the command-line program and returns its path.
pub(crate) fn program(root: &Path) -> Result<PathBuf> {
    succeed(
        cargo()
            .args(["build", "--quiet", "--package", "modelarts-cli"])
            .current_dir(root),
    )?;
    Ok(env::current_exe()
        .context("locating the running executable")?
        .with_file_name(format!("modelarts{}", env::consts::EXE_SUFFIX)))
}

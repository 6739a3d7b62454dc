//! `cargo xtask clients`: runs existing clients, unmodified, against the emulator.

use std::process::Command;

use anyhow::{Context, Result};
use xtask::workspace;

use crate::emulator::Emulator;
use crate::python;

/// Emulated seconds per second: a notebook starts in one second instead of a minute and a half.
const SCALE: &str = "100";

/// Runs every client of `tests/clients` against a fresh emulator. Returns false if a step fails.
pub(crate) fn run() -> Result<bool> {
    let root = workspace::root();
    let folder = root.join("tests/clients");
    let interpreter = python::environment("clients", &folder.join("requirements.txt"))?;
    let emulator = Emulator::start(&root, &folder.join("fixtures.json"), &["--scale", SCALE])?;
    let status = Command::new(interpreter)
        .arg("-B")
        .arg(folder.join("run.py"))
        .arg(&emulator.url)
        .status()
        .context("running the clients")?;
    Ok(status.success())
}

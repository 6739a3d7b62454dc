//! `cargo xtask consumers`: generates clients from the published documents and runs them against the emulator.

use std::process::Command;

use anyhow::{Context, Result};
use xtask::workspace;

use crate::emulator::Emulator;
use crate::{python, target};

/// Emulated seconds per second: a notebook starts in less than a second instead of a minute and a half.
const SCALE: &str = "200";

/// Generates, compiles and runs the named consumers of `tests/consumers`, or all. Returns false if one fails.
pub(crate) fn run(names: &[String]) -> Result<bool> {
    let root = workspace::root();
    let folder = root.join("tests/consumers");
    let interpreter = python::environment("consumers", &folder.join("requirements.txt"))?;
    let emulator = Emulator::start(&root, &folder.join("fixtures.json"), &["--scale", SCALE])?;
    let status = Command::new(interpreter)
        .arg("-B")
        .arg(folder.join("run.py"))
        .arg(target::folder()?.join("consumers"))
        .arg(&emulator.url)
        .args(names)
        .status()
        .context("running the consumers")?;
    Ok(status.success())
}

//! `cargo xtask schemathesis`: tests the emulator against the documents that it serves.

use std::process::Command;

use anyhow::{Context, Result};
use xtask::workspace;

use crate::emulator::Emulator;
use crate::python;

/// Options of `cargo xtask schemathesis`.
#[derive(clap::Args)]
pub(crate) struct Bounds {
    /// Number of generated cases per operation and phase.
    #[arg(long, default_value_t = 30)]
    examples: u32,
    /// Time limit per document, in seconds; exceeding it is a failure.
    #[arg(long, default_value_t = 1800)]
    limit: u32,
}

/// Tests a fresh emulator against every document that it serves. Returns false if a check fails.
pub(crate) fn run(bounds: &Bounds) -> Result<bool> {
    let root = workspace::root();
    let folder = root.join("tests/schemathesis");
    let interpreter = python::environment("schemathesis", &folder.join("requirements.txt"))?;
    // Nothing moves while a case is tried, what was deleted is gone at once, and what the document forbids is
    // refused.
    let arguments = ["--clock", "manual", "--instant", "--strict"];
    let emulator = Emulator::start(&root, &folder.join("fixtures.json"), &arguments)?;
    let status = Command::new(interpreter)
        .arg("-B")
        .arg(folder.join("run.py"))
        .arg(&emulator.url)
        .args(["--examples", &bounds.examples.to_string()])
        .args(["--limit", &bounds.limit.to_string()])
        .status()
        .context("running Schemathesis")?;
    Ok(status.success())
}

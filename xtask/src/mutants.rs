//! `cargo xtask mutants`: which changes of the code does no unit test notice?
//!
//! `.cargo/mutants.toml` has the modules, and what survives for a reason.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use xtask::workspace;

use crate::python;

/// What is tried, and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files whose code is changed, or patterns like `**/retry/*.rs`; all of `.cargo/mutants.toml` without any.
    files: Vec<String>,
    /// After so many minutes it ends with what it knows.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
}

/// Prints the changes that no unit test notices; false when there are any.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let root = workspace::root();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let known = Command::new(&cargo).args(["mutants", "--version"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        bail!("cargo-mutants is missing: `cargo install --locked cargo-mutants`");
    }
    let target = python::target()?;
    let mut command = Command::new(cargo);
    command
        .args(["mutants", "--no-shuffle", "--colors=never", "--jobs=1"])
        .args(["--package", "modelarts", "--package", "modelarts-emulator"])
        .arg("--output")
        .arg(&target)
        .current_dir(&root)
        .stdout(Stdio::piped());
    for file in &options.files {
        command.args(["--file", file]);
    }
    let child = command.spawn().context("starting cargo-mutants")?;
    let whole = finish(child, Duration::from_secs(options.minutes * 60))?;
    if !whole {
        println!(
            "not all changes were tried within {} minutes",
            options.minutes
        );
    }
    report(&target.join("mutants.out"))
}

/// Prints what a program prints until it ends; false when it had to be interrupted.
fn finish(mut child: Child, limit: Duration) -> Result<bool> {
    let output = child.stdout.take().context("cargo-mutants has no output")?;
    let (ended, end) = mpsc::channel::<()>();
    let printer = thread::spawn(move || {
        // Dropped with the last line.
        let _ended = ended;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
        }
    });
    let whole = end.recv_timeout(limit) != Err(RecvTimeoutError::Timeout);
    if !whole {
        interrupt(&mut child)?;
    }
    child.wait().context("waiting for cargo-mutants")?;
    printer.join().ok();
    Ok(whole)
}

/// So that it ends what it has started, too.
fn interrupt(child: &mut Child) -> Result<()> {
    if cfg!(unix) {
        let id = child.id().to_string();
        python::succeed(Command::new("kill").args(["-INT", &id]))
    } else {
        child.kill().context("ending cargo-mutants")
    }
}

fn report(folder: &Path) -> Result<bool> {
    let read = |name: &str| {
        let path: PathBuf = folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let (caught, missed) = (read("caught.txt")?, read("missed.txt")?);
    let (caught, missed) = (caught.lines().count(), missed.lines().collect::<Vec<_>>());
    println!(
        "{caught} changes are noticed by a unit test, {} are not",
        missed.len()
    );
    for line in &missed {
        println!("  {line}");
    }
    Ok(missed.is_empty())
}

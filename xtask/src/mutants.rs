//! `cargo xtask mutants`: runs cargo-mutants with the unit tests.
//!
//! `.cargo/mutants.toml` lists the modules and the mutants that are excluded, with reasons. The mutants are built in
//! a copy of the checkout that keeps its target folder between runs. In the copy the packages have no
//! dev-dependencies on each other: no unit test needs them, and with them every mutant of the facade would also build
//! the emulator.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use toml::{Table, Value};
use xtask::workspace;

use crate::process::{cargo, succeed};
use crate::{copy, target};

/// Options of `cargo xtask mutants`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files to mutate, or patterns such as `**/retry/*.rs`; by default those of `.cargo/mutants.toml`.
    files: Vec<String>,
    /// Stop after this many minutes and report the results so far.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Skip the mutants that the previous run caught, unless their lines have changed.
    #[arg(long)]
    iterate: bool,
}

/// The packages that are mutated, and their folders.
const PACKAGES: [(&str, &str); 2] = [
    ("modelarts", "crates/modelarts"),
    ("modelarts-emulator", "crates/modelarts-emulator"),
];

/// Runs cargo-mutants and prints the mutants that no unit test catches. Returns false if there are any.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let known = cargo().args(["mutants", "--version"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        bail!("cargo-mutants is not installed; run `cargo install --locked cargo-mutants`");
    }
    let folder = target::locked("mutants")?;
    let folder = &folder.path;
    let checkout = folder.join("checkout");
    copy::synchronize(&workspace::root(), &checkout)?;
    let workspace = read(&checkout.join(MANIFEST))?;
    for (_, package) in PACKAGES {
        let path = checkout.join(package).join(MANIFEST);
        let mut manifest = read(&path)?;
        drop_members(&mut manifest, &workspace);
        fs::write(path, toml::to_string(&manifest)?)?;
    }
    if !options.files.is_empty() {
        // cargo-mutants would mutate these files in addition to those of the command line.
        let path = checkout.join(CONFIGURATION);
        let mut configuration = read(&path)?;
        configuration.insert("examine_globs".to_owned(), options.files.clone().into());
        fs::write(path, toml::to_string(&configuration)?)?;
    }

    let mut command = cargo();
    command
        .args(["mutants", "--in-place", "--colors=never", "--dir"])
        .arg(&checkout)
        .arg("--output")
        .arg(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        // Without debug information the tests link faster.
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // Fewer random cases: a mutant that one input in a hundred catches would be reported in some runs only.
        .env("PROPTEST_CASES", "16")
        .stdout(Stdio::piped());
    for (package, _) in PACKAGES {
        command.args(["--package", package]);
    }
    if options.iterate {
        command.arg("--iterate");
    }
    println!(
        "running the unit tests without mutations first; the first run has to build them, which takes minutes"
    );
    let child = command.spawn().context("starting cargo-mutants")?;
    let end = finish(child, Duration::from_secs(options.minutes * 60))?;
    match end {
        None => println!(
            "stopped after {} minutes; not all mutants were tested",
            options.minutes
        ),
        Some(0 | 2 | 3) => {}
        Some(4) => bail!(
            "the unit tests fail without any mutation. If they pass in the checkout, they may need a dev-dependency on another crate of the workspace, which the copy does not have"
        ),
        Some(code) => bail!("cargo-mutants exited with {code}"),
    }
    Outcomes::read(&folder.join("mutants.out"))?.report()
}

const MANIFEST: &str = "Cargo.toml";
const CONFIGURATION: &str = ".cargo/mutants.toml";

fn read(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

/// Removes the dev-dependencies on other crates of the workspace (those with a path).
fn drop_members(manifest: &mut Table, workspace: &Table) {
    let shared = workspace
        .get("workspace")
        .and_then(|table| table.get("dependencies"));
    let has_path = |dependency: &Value| dependency.get("path").is_some();
    let is_member = |name: &str, dependency: &Value| {
        let inherits = dependency.get("workspace").is_some();
        let shared = shared.and_then(|table| table.get(name));
        has_path(dependency) || inherits && shared.is_some_and(has_path)
    };
    if let Some(Value::Table(dependencies)) = manifest.get_mut("dev-dependencies") {
        dependencies.retain(|name, dependency| !is_member(name, dependency));
    }
}

/// Forwards the output of a program until it exits, and returns its exit code; `None` if the time limit interrupted
/// it.
fn finish(mut child: Child, limit: Duration) -> Result<Option<i32>> {
    let output = child
        .stdout
        .take()
        .context("the output of cargo-mutants is not piped")?;
    let (ended, end) = mpsc::channel::<()>();
    let printer = thread::spawn(move || {
        // Disconnects after the last line.
        let _ended = ended;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
        }
    });
    let whole = end.recv_timeout(limit) != Err(RecvTimeoutError::Timeout);
    if !whole {
        interrupt(&mut child)?;
    }
    let status = child.wait().context("waiting for cargo-mutants")?;
    printer.join().ok();
    Ok(whole.then(|| status.code().unwrap_or(1)))
}

/// Interrupts the process, which then stops its own child processes.
fn interrupt(child: &mut Child) -> Result<()> {
    if cfg!(unix) {
        let id = child.id().to_string();
        succeed(Command::new("kill").args(["-INT", &id]))
    } else {
        child.kill().context("ending cargo-mutants")
    }
}

/// The results: one line per mutant, beginning with its file.
struct Outcomes {
    /// Caught by a failing test or by a timeout.
    noticed: Vec<String>,
    missed: Vec<String>,
    /// Rejected by the compiler.
    unviable: Vec<String>,
}

impl Outcomes {
    fn read(folder: &Path) -> Result<Self> {
        let lines = |name: &str| -> Result<Vec<String>> {
            let path = folder.join(name);
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("reading {}", path.display()))?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        let (caught, late) = (lines("caught.txt")?, lines("timeout.txt")?);
        Ok(Self {
            noticed: [caught, late].concat(),
            missed: lines("missed.txt")?,
            unviable: lines("unviable.txt")?,
        })
    }

    fn report(&self) -> Result<bool> {
        let mut files: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        let all = [&self.noticed, &self.missed, &self.unviable];
        for (column, lines) in all.into_iter().enumerate() {
            for line in lines {
                let file = line.split(':').next().unwrap_or_default();
                files.entry(file).or_default()[column] += 1;
            }
        }
        ensure!(
            !files.is_empty(),
            "no mutants: no file matches, or the previous run caught all of them"
        );
        println!(" caught  missed  do not compile");
        for (file, [noticed, missed, unviable]) in files {
            println!("{noticed:>7}  {missed:>6}  {unviable:>14}  {file}");
        }
        for line in &self.missed {
            println!("missed: {line}");
        }
        Ok(self.missed.is_empty())
    }
}

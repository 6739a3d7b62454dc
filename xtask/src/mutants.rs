//! `cargo xtask mutants`: which changes of the code does no unit test notice?
//!
//! `.cargo/mutants.toml` has the modules, and what survives for a reason. The changes are made in a copy of the checkout, whose
//! target folder stays warm from run to run. There the packages lose their dev-dependencies on each other: with them, every
//! change of the facade would build the emulator as well, and no unit test needs them.

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

use crate::{copy, python};

/// What is tried, and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files whose code is changed, or patterns like `**/retry/*.rs`; all of `.cargo/mutants.toml` without any.
    files: Vec<String>,
    /// After so many minutes it ends with what it knows.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Leaves out the changes that the run before saw noticed, as long as their lines are the same.
    #[arg(long)]
    iterate: bool,
}

/// The packages whose code is changed, and their folders.
const PACKAGES: [(&str, &str); 2] = [
    ("modelarts", "crates/modelarts"),
    ("modelarts-emulator", "crates/modelarts-emulator"),
];

/// Prints the changes that no unit test notices; false when there are any.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let known = Command::new(&cargo).args(["mutants", "--version"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        bail!("cargo-mutants is missing: `cargo install --locked cargo-mutants`");
    }
    let folder = python::target()?.join("mutants");
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
        // What stands there would be tried beside the files of the command line.
        let path = checkout.join(CONFIGURATION);
        let mut configuration = read(&path)?;
        configuration.insert("examine_globs".to_owned(), options.files.clone().into());
        fs::write(path, toml::to_string(&configuration)?)?;
    }

    let mut command = Command::new(cargo);
    command
        .args(["mutants", "--in-place", "--colors=never", "--dir"])
        .arg(&checkout)
        .arg("--output")
        .arg(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        // What nobody debugs need not be linked.
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // A change that only one input in a hundred shows would be noticed in one run and not in the next.
        .env("PROPTEST_CASES", "16")
        .stdout(Stdio::piped());
    for (package, _) in PACKAGES {
        command.args(["--package", package]);
    }
    if options.iterate {
        command.arg("--iterate");
    }
    println!(
        "the unit tests of an unchanged copy come first; the first run builds them, which takes minutes"
    );
    let child = command.spawn().context("starting cargo-mutants")?;
    let end = finish(child, Duration::from_secs(options.minutes * 60))?;
    match end {
        None => println!(
            "not all changes were tried within {} minutes",
            options.minutes
        ),
        Some(0 | 2 | 3) => {}
        Some(4) => bail!(
            "the unit tests fail before anything is changed, or need a dev-dependency on another crate of ours, which the copy does not have"
        ),
        Some(code) => bail!("cargo-mutants ended with {code}"),
    }
    Outcomes::read(&folder.join("mutants.out"))?.report()
}

const MANIFEST: &str = "Cargo.toml";
const CONFIGURATION: &str = ".cargo/mutants.toml";

fn read(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

/// Drops the dev-dependencies on other crates of the checkout, those with a path.
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

/// Prints what a program prints until it ends, and returns its exit code; `None` when it had to be interrupted.
fn finish(mut child: Child, limit: Duration) -> Result<Option<i32>> {
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
    let status = child.wait().context("waiting for cargo-mutants")?;
    printer.join().ok();
    Ok(whole.then(|| status.code().unwrap_or(1)))
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

/// What became of the changes: each is a line that begins with its file.
struct Outcomes {
    /// By an assertion, or since the test did not end in time.
    noticed: Vec<String>,
    missed: Vec<String>,
    /// Noticed by the compiler.
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
            "nothing was changed: no file with code fits, or the run before saw all of it noticed"
        );
        println!("noticed  missed  do not compile");
        for (file, [noticed, missed, unviable]) in files {
            println!("{noticed:>7}  {missed:>6}  {unviable:>14}  {file}");
        }
        for line in &self.missed {
            println!("no unit test notices: {line}");
        }
        Ok(self.missed.is_empty())
    }
}

//! Maintainers' commands: `cargo xtask --help`.

use std::process::{Command as Process, ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xtask::{check, diff, documentation, draft, drift, regen, samples, tidy, workspace};

mod clients;
mod consumers;
mod container;
mod copy;
mod emulator;
mod families;
mod isolation;
mod mutants;
mod package;
mod public_api;
mod python;
mod readme;
mod release;
mod schemathesis;

/// Keeps the document, the generated code and the published files in step.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the generated files from the documents in `openapi/`.
    Regen {
        /// Write nothing; show what would change and fail if anything would.
        #[arg(long)]
        check: bool,
    },
    /// Check the documents: structure, house rules, examples, provenance, errata.
    Check {
        /// Print the rules with their reasons instead.
        #[arg(long)]
        rules: bool,
    },
    /// Compare the documents with the service's pages: `cargo xtask verify --help`.
    #[command(disable_help_flag = true)]
    Verify {
        /// Passed on to the program `xtask-verify`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compare the documents with what the vendor's SDK knows, in both directions.
    ///
    /// A difference on purpose stands in the last column of openapi/ERRATA.md, its span beginning with `sdk/`.
    Drift(drift::Options),
    /// Print a first document made from pages and facts of the SDK, with TODO where judgement is owed.
    Draft(draft::Options),
    /// Compare every sample of every document, as its Rust type writes it, with the committed snapshots.
    Samples {
        /// Ask for each difference whether it becomes the snapshot.
        #[arg(long)]
        review: bool,
    },
    /// Look through the text of the checkout: stray files, paths of one machine, vocabulary, circles of files.
    Tidy {
        /// Take what is right by now from the exceptions in `xtask/tidy.toml`.
        #[arg(long)]
        shrink: bool,
    },
    /// See whether a new status, field, operation or family needs nothing but its document, in a copy of the checkout.
    Families,
    /// Change the code in small ways, and see whether a unit test notices; needs cargo-mutants, and up to an hour.
    Mutants(mutants::Options),
    /// Run the clients that people have, unmodified, against the emulator.
    Clients,
    /// Generate clients in other languages from the published documents, compile them, and live one life cycle with each.
    Consumers {
        /// Names of folders in `tests/consumers`; all of them without any.
        names: Vec<String>,
    },
    /// Lint the container files of the emulator and the workflow.
    Container,
    /// Tell what changed between two documents, and what breaks generated clients.
    ///
    /// Without files every published document is compared with its last release; a change that its version does not
    /// admit, or that the changelog does not have, is an error.
    Diff {
        /// The old and the new document, JSON or YAML.
        files: Vec<std::path::PathBuf>,
    },
    /// Compare what each published crate offers with the list that is committed beside it.
    PublicApi {
        /// Write the lists instead.
        #[arg(long)]
        write: bool,
    },
    /// Write the documentation as static pages that need no network.
    Site {
        /// The folder, which is emptied before; `target/site` unless given.
        #[arg(long, value_name = "DIR")]
        out: Option<std::path::PathBuf>,
    },
    /// Build and run the library's example as `README.md` prints it, manifest included.
    Readme,
    /// Make the packages of all published crates, and build each from its package alone.
    Package {
        /// Only look at the packages.
        #[arg(long)]
        no_build: bool,
    },
    /// List everything that a release publishes, and see whether it agrees: versions, changelogs, packages, documents.
    Release {
        /// Nothing is published: that takes a person, see CONTRIBUTING.md.
        #[arg(long, required = true)]
        dry_run: bool,
        /// Only look at the packages.
        #[arg(long)]
        no_build: bool,
    },
    /// Build programs outside of the workspace: do they behave as without the library?
    Isolation,
    /// Test the emulator against the documents that it serves, with Schemathesis.
    Schemathesis(schemathesis::Bounds),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Regen { check } => regen::run(check),
        Command::Check { rules: true } => {
            check::print_rules();
            Ok(true)
        }
        Command::Check { rules: false } => check::run(),
        Command::Verify { arguments } => verify(&arguments),
        Command::Drift(options) => drift::run(&options),
        Command::Draft(options) => draft::run(&options),
        Command::Samples { review } => samples::run(review),
        Command::Tidy { shrink } => tidy::run(shrink),
        Command::Families => families::run(),
        Command::Mutants(options) => mutants::run(&options),
        Command::Clients => clients::run(),
        Command::Diff { files } => diff::run(&files),
        Command::Container => container::run(),
        Command::Consumers { names } => consumers::run(&names),
        Command::PublicApi { write } => public_api::run(write),
        Command::Site { out } => documentation::run(out.as_deref()),
        Command::Readme => readme::run(),
        Command::Package { no_build } => package::run(!no_build),
        Command::Release { no_build, .. } => release::run(!no_build),
        Command::Isolation => isolation::run(),
        Command::Schemathesis(bounds) => schemathesis::run(&bounds),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A program of its own, since it needs the generated client, which `regen` must not need.
fn verify(arguments: &[String]) -> Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Process::new(cargo)
        .args(["run", "--quiet", "--manifest-path"])
        .arg(workspace::root().join("Cargo.toml"))
        .args(["--package", "xtask-verify", "--"])
        .args(arguments)
        .status()
        .context("starting xtask-verify")?;
    Ok(status.success())
}

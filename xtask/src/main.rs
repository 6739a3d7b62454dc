//! Maintainers' commands: `cargo xtask --help`.

use std::process::ExitCode;

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
mod process;
mod public_api;
mod python;
mod readme;
mod release;
mod schemathesis;
mod target;

/// Commands for maintainers: keep the documents, the generated code and the published files consistent.
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
        /// Write nothing; print a diff and fail if a file would change.
        #[arg(long)]
        check: bool,
    },
    /// Check the documents against the rules: structure, naming, examples, provenance, errata.
    Check {
        /// Print the rules and their reasons instead.
        #[arg(long)]
        rules: bool,
    },
    /// Compare the documents with the service's documentation pages; see `cargo xtask verify --help`.
    #[command(disable_help_flag = true)]
    Verify {
        /// Arguments of the program `xtask-verify`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compare the documents with facts extracted from the vendor's SDK, in both directions.
    ///
    /// Intended differences are listed in the last column of openapi/ERRATA.md, with spans that begin with `sdk/`.
    Drift(drift::Options),
    /// Draft a document from the service's pages and facts of the SDK, with TODO where a person has to write a
    /// sentence.
    Draft(draft::Options),
    /// Decode and encode every sample of every document with its Rust type, and compare with the committed snapshots.
    Samples {
        /// Ask for each difference whether to accept it as the new snapshot.
        #[arg(long)]
        review: bool,
    },
    /// Check the files of the repository: stray files, machine-specific paths, vocabulary, circular imports.
    Tidy,
    /// Test, in a copy of the checkout, that a new status, field, operation or family needs no hand-written code.
    Families,
    /// Run mutation tests: find code changes that no unit test catches. Needs cargo-mutants; takes up to an hour.
    Mutants(mutants::Options),
    /// Run existing clients (OpenStack SDK, vendor SDK, Terraform requests), unmodified, against the emulator.
    Clients,
    /// Generate clients in other languages from the published documents, compile them, and run a notebook life cycle.
    Consumers {
        /// Folders of `tests/consumers` to run; by default all.
        names: Vec<String>,
    },
    /// Lint `Dockerfile`, `compose.yaml` and the GitHub workflow. Needs Python.
    Container,
    /// List the changes between two documents, and which of them break generated clients.
    ///
    /// Without files, compares each published document with its last release, and fails if its version is too low for
    /// the changes or openapi/CHANGELOG.md does not list them.
    Diff(diff::Options),
    /// Compare the public API of each published crate with its committed listing.
    PublicApi {
        /// Update the listings instead.
        #[arg(long)]
        write: bool,
    },
    /// Write the documentation as a static site that works offline.
    Site {
        /// Output folder; its previous site is removed [default: target/site].
        #[arg(long, value_name = "DIR")]
        out: Option<std::path::PathBuf>,
    },
    /// Build and run the example of `README.md`, with the manifest shown there.
    Readme,
    /// Package all published crates, and build each from its package alone.
    Package {
        /// Check the contents of the packages without building them.
        #[arg(long)]
        no_build: bool,
    },
    /// List everything that a release publishes, and check that versions, changelogs, packages and documents agree.
    Release {
        /// Required: this command never publishes. CONTRIBUTING.md has the steps of a release.
        #[arg(long, required = true)]
        dry_run: bool,
        /// Check the contents of the packages without building them.
        #[arg(long)]
        no_build: bool,
    },
    /// Check that adding the library to a program does not change how that program's own dependencies behave.
    Isolation,
    /// Test the emulator with Schemathesis, against the documents that it serves. Needs Python.
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
        Command::Tidy => tidy::run(),
        Command::Families => families::run(),
        Command::Mutants(options) => mutants::run(&options),
        Command::Clients => clients::run(),
        Command::Diff(options) => diff::run(&options),
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

/// Runs `xtask-verify`. It is a separate program because it links the generated client, and `regen` has to work
/// while that does not compile.
fn verify(arguments: &[String]) -> Result<bool> {
    let status = process::cargo()
        .args(["run", "--quiet", "--manifest-path"])
        .arg(workspace::root().join("Cargo.toml"))
        .args(["--package", "xtask-verify", "--"])
        .args(arguments)
        .status()
        .context("starting xtask-verify")?;
    Ok(status.success())
}

//! `cargo xtask coverage`: is everything in the document that the service's pages say, and nothing else?
//!
//! A table of a page is compared with the schema that names it in `x-source`. The references between
//! tables must agree with those between schemas; where they are wrong on the page, an erratum says so.

mod compare;
mod errors;
mod page;
mod report;
mod samples;
mod shape;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use xtask::catalogue::Catalogue;
use xtask::errata::Errata;
use xtask::{check, workspace};

use crate::compare::Family;
use crate::report::Report;

/// Compares the documents with the service's pages, field by field and sample by sample.
///
/// A difference on purpose stands in the coverage column of openapi/ERRATA.md. An entry there that matches
/// no difference is an error.
#[derive(Parser)]
#[command(name = "cargo xtask coverage", bin_name = "cargo xtask coverage")]
struct Arguments {
    /// Folder with the pages, one JSON file each.
    dir: PathBuf,
    /// Fail below this percentage of facts that agree.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    min: f64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let root = workspace::root();
    let report = report(&root, &arguments.dir)?;
    for finding in report.findings() {
        println!("{finding}");
    }
    println!("{report}");
    let enough = report.suffices(arguments.min);
    if !enough {
        eprintln!(
            "\nBelow {} percent, or an erratum is stale. Correct the document, or give the difference a row in {}.",
            arguments.min,
            xtask::errata::FILE
        );
    }
    Ok(enough)
}

fn report(root: &Path, folder: &Path) -> Result<Report> {
    let documents = match check::documents(root)? {
        Ok(documents) => documents,
        Err(problems) => {
            for problem in &problems {
                eprintln!("{problem}");
            }
            bail!("the documents break rules; correct that first");
        }
    };
    let families: Vec<Family<'_>> = documents
        .iter()
        .map(|document| {
            let round_trip = modelarts_client::round_trip(&document.name);
            let round_trip =
                round_trip.with_context(|| format!("the client lacks {}", document.file))?;
            Family::new(document, round_trip)
        })
        .collect::<Result<_>>()?;
    let pages = page::read(folder)?;
    let mut report = Report::new(&Errata::read(root)?);
    compare::compare(&families, &pages, &mut report);
    if let Some(rows) = errors::read(folder)? {
        errors::compare(&Catalogue::read(root)?, &rows, &mut report);
    }
    Ok(report)
}

//! `cargo xtask verify`: compares the documents with the service's documentation pages, in both directions.
//!
//! Each table of a page is compared with the schema that names it in `x-source`. References between tables must agree
//! with those between schemas; wrong references on a page need an erratum.

mod compare;
mod errors;
mod family;
#[cfg(test)]
mod mutations;
pub(crate) mod page;
pub(crate) mod report;
mod samples;
pub(crate) mod shape;
mod stated;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::catalogue::Catalogue;
use crate::errata::Errata;
use crate::{check, workspace};

use family::Family;
pub use family::RoundTrip;
use report::Report;

/// Options of `cargo xtask verify`.
#[derive(Debug, Args)]
pub struct Options {
    /// Folder with the pages as JSON, in one subfolder per document: its `pages` in openapi/documents.toml.
    dir: PathBuf,
    /// Fail if less than this percentage of the facts agrees.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    min: f64,
}

/// Prints every difference and the figures. Returns false below the required percentage or if an erratum is stale.
///
/// `round_trip` returns the function that decodes and encodes values of a family, by its name.
///
/// # Errors
///
/// When a document, a page or the errata cannot be read.
pub fn run(options: &Options, round_trip: fn(&str) -> Option<RoundTrip>) -> Result<bool> {
    let report = report(&workspace::root(), &options.dir, round_trip)?;
    Ok(report.conclude(options.min))
}

fn report(root: &Path, folder: &Path, round_trip: fn(&str) -> Option<RoundTrip>) -> Result<Report> {
    let documents = match check::documents(root)? {
        Ok(documents) => documents,
        Err(problems) => {
            for problem in &problems {
                eprintln!("{problem}");
            }
            bail!("the documents break rules; fix the problems above first");
        }
    };
    let mut report = Report::new(&Errata::read(root)?);
    for family in workspace::families(root)? {
        let Some(pages) = &family.pages else {
            continue;
        };
        let document = documents.iter().find(|known| known.name == family.name);
        let document = document.with_context(|| {
            format!(
                "openapi/documents.toml lists {}, which was not read",
                family.name
            )
        })?;
        let round_trip = round_trip(&family.name).with_context(|| {
            format!(
                "the generated client has no types of {}; run `cargo xtask regen`",
                document.file
            )
        })?;
        let pages = page::read(&folder.join(pages))?;
        compare::compare(&[Family::new(document, round_trip)?], &pages, &mut report);
    }
    if let Some(rows) = errors::read(folder)? {
        errors::compare(&Catalogue::read(root)?, &rows, &mut report);
    }
    Ok(report)
}

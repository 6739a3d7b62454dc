//! `cargo xtask draft`: drafts a document from the service's pages and facts of the vendor's SDK.
//!
//! Names, types, limits, values and provenance are facts and are copied. Sentences are not: the draft has TODO where
//! a maintainer has to write one.

mod enumerations;
mod evidence;
mod facts;
mod insert;
mod merge;
mod names;
mod schemas;
mod score;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::Value;

use crate::check;
use crate::document::Document;
use crate::problem::Problem;
use crate::sdk::{self, Facts};
use crate::verify::page::{self, Page};
use crate::workspace;
use facts::Sources;

/// Options of `cargo xtask draft`.
#[derive(Debug, Args)]
pub struct Options {
    /// The service's pages as JSON, one file per page.
    #[arg(required_unless_present = "sdk")]
    pages: Vec<PathBuf>,
    /// Facts of the SDK as JSON, one file per operation.
    #[arg(long, num_args = 1.., value_name = "FACTS")]
    sdk: Vec<PathBuf>,
    /// Print this document with the missing parts of the draft added; its own lines stay unchanged.
    #[arg(long, value_name = "DOCUMENT", conflicts_with = "score")]
    merge: Option<PathBuf>,
    /// Print how much of the named document the draft reproduces instead.
    #[arg(long, value_name = "NAME")]
    score: Option<String>,
    /// With --score, also print each fact that differs.
    #[arg(long, requires = "score")]
    misses: bool,
}

/// Prints the draft to standard output, and the places that need a decision to standard error.
///
/// # Errors
///
/// When a source cannot be read, or when the draft is not a valid document.
pub fn run(options: &Options) -> Result<bool> {
    let pages: Vec<Page> = options
        .pages
        .iter()
        .map(|file| page::read_file(file))
        .collect::<Result<_>>()?;
    let facts: Vec<Facts> = options
        .sdk
        .iter()
        .map(|file| sdk::read_file(file))
        .collect::<Result<_>>()?;
    let value = draft(&pages, &facts);
    let text = insert::yaml(&value)?;
    let draft = parse(&text)?;
    if let Some(name) = &options.score {
        let curated = Document::read(&workspace::root(), name)?;
        let curated = curated
            .map_err(|problems| anyhow!("{name} is not a valid document: {}", listed(&problems)))?;
        let score = score::score(&pages, &curated, &draft);
        if options.misses {
            score.misses.iter().for_each(|miss| println!("{miss}"));
        }
        print!("{score}");
        return Ok(true);
    }
    if let Some(file) = &options.merge {
        let curated =
            fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let (merged, report) = merge::merge(&curated, &parse(&curated)?, &draft)?;
        print!("{merged}");
        report.iter().for_each(|line| eprintln!("{line}"));
        return Ok(true);
    }
    print!("{text}");
    let owed = check::broken_rules(&draft);
    for problem in &owed {
        eprintln!("{problem}");
    }
    eprintln!(
        "{} places break rules of `cargo xtask check` and need a decision",
        owed.len()
    );
    Ok(true)
}

/// Drafts a document from pages and facts.
fn draft(pages: &[Page], facts: &[Facts]) -> Value {
    let mut sources = Sources::default();
    sources.add_pages(pages);
    sources.add_sdk(facts);
    let mut document = write::document(&sources);
    evidence::apply(&mut document, schemas::TODO);
    document
}

fn parse(text: &str) -> Result<Document> {
    let document = Document::parse("draft", "draft.yaml", text);
    document.map_err(|problems| anyhow!("not a valid document: {}", listed(&problems)))
}

fn listed(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}
